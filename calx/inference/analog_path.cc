#include "calx/inference/analog_path.h"

#include <fmt/format.h>

#include "calx/thermo/substrate.h"

namespace calx::inference {
namespace {

// The line of thermo::compare() that books the writes of an answer.
constexpr std::size_t kWriteLine = 0;

}  // namespace

PictureEffort picture_effort(const BlockFits& fits, bool guided, SkipPath path,
                             std::uint64_t block_macs) {
  const auto passes = static_cast<double>(fits.times.size() * (guided ? 2 : 1));
  const auto pixels = static_cast<double>(fits.shape.side * fits.shape.side);
  const bool analog = path == SkipPath::kAnalog;
  const auto inputs = static_cast<double>(fits.inputs());
  // A value that several pixels are wired to is written once.
  const auto wired =
      static_cast<double>(fits.plan.wired == Wired::kSkip ? fits.shape.skip : fits.shape.in());
  const double written = wired - (analog ? static_cast<double>(fits.shape.skip) : 0.0);
  PictureEffort out;
  out.name = fmt::format("{}{}", describe(fits.plan), analog ? ", skip kept analog" : "");
  out.reflashes = fits.programs_a_picture(guided);
  out.effort.dac_writes = passes * pixels * written;
  out.effort.adc_reads = passes * pixels * static_cast<double>(fits.shape.out);
  for (const auto& groups : fits.fits) {
    // With several groups a picture meets its own and the one without a class.
    const std::size_t met = groups.size() > 1 && guided ? 2 : 1;
    for (std::size_t i = 0; i < met; ++i) {
      const BlockFit& fit = i == 0 ? groups.front() : groups.back();
      out.effort.program_writes +=
          static_cast<double>(thermo::wiring(fit.substrate).program_writes);
      out.effort.heat_kt += fit.heat_kt * pixels * (guided ? 2.0 : 1.0) / static_cast<double>(met);
    }
  }
  out.effort.full_network_macs = passes * static_cast<double>(block_macs);
  out.effort.same_map_macs = passes * pixels * static_cast<double>(fits.plan.rank) *
                             (inputs + static_cast<double>(fits.shape.out));
  const thermo::Comparison free_standby = thermo::compare(out.effort);
  out.stated_j = free_standby.substrate.stated_j();
  out.map_j = free_standby.same_map.stated_j();
  out.block_j = free_standby.full_network.stated_j();
  out.write_against_map_j = free_standby.substrate.break_even_j(kWriteLine, out.map_j);
  out.write_against_block_j = free_standby.substrate.break_even_j(kWriteLine, out.block_j);
  out.effort.standby_s = static_cast<double>(out.reflashes);
  return out;
}

}  // namespace calx::inference
