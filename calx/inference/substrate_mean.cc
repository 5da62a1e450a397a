#include "calx/inference/substrate_mean.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <new>
#include <optional>
#include <system_error>
#include <thread>

#include "calx/base/assert.h"
#include "calx/thermo/conditioning.h"
#include "calx/thermo/stiffness.h"

namespace calx::inference {
namespace {

constexpr std::size_t kLotRows = 2048;

struct Inputs {
  const thermo::Substrate& substrate;
  const thermo::Stiffness& stiffness;
  thermo::Places place;
  std::size_t read;
  std::span<const float> clamps;
  std::span<const ModuleBias> biases;
  std::size_t n;
};

thermo::Conditioning conditioning_of(const Inputs& in, std::size_t first, std::size_t count) {
  thermo::Conditioning conditioning;
  if (!in.clamps.empty()) {
    const auto rows =
        in.clamps.subspan(first * in.place.clamped_units, count * in.place.clamped_units);
    conditioning.clamps = thermo::Matrix(count, in.place.clamped_units,
                                         std::vector<double>(rows.begin(), rows.end()));
  }
  if (in.biases.empty()) return conditioning;
  conditioning.bias = thermo::Matrix(count, in.place.free_units);
  for (const ModuleBias& bias : in.biases) {
    const std::size_t units = in.substrate.modules[bias.module].units;
    const std::size_t offset = in.place.offset[bias.module];
    for (std::size_t row = 0; row < count; ++row) {
      for (std::size_t i = 0; i < units; ++i) {
        conditioning.bias(row, offset + i) += double{bias.rows[(first + row) * units + i]};
      }
    }
  }
  return conditioning;
}

Result<void> solve_lot(const Inputs& in, std::size_t first, std::span<float> out) {
  const std::size_t units = in.substrate.modules[in.read].units, count = out.size() / units;
  CALX_ASSIGN(bias, thermo::effective_bias(in.substrate, conditioning_of(in, first, count), count));
  for (std::size_t row = 0; row < count; ++row) {
    const std::size_t from = bias.rows == 1 ? 0 : row;
    CALX_ASSIGN(mean, in.stiffness.solve(
                          std::span(bias.values).subspan(from * bias.columns, bias.columns)));
    for (std::size_t i = 0; i < units; ++i) {
      out[row * units + i] = static_cast<float>(mean[in.place.offset[in.read] + i]);
    }
  }
  return {};
}

Result<void> check_inputs(const Inputs& in) {
  const auto& modules = in.substrate.modules;
  bool fits = in.n > 0 && in.read < modules.size() && !modules[in.read].clamped &&
              in.clamps.size() == in.n * in.place.clamped_units;
  for (const ModuleBias& bias : in.biases) {
    fits = fits && bias.module < modules.size() && !modules[bias.module].clamped &&
           bias.rows.size() == in.n * modules[bias.module].units;
  }
  if (fits) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("substrate mean: {} inputs with {} values of clamps, wanted at least one "
                          "input, {} values and biases of free modules",
                          in.n, in.clamps.size(), in.n * in.place.clamped_units));
}

}  // namespace

Result<std::vector<float>> substrate_mean(const thermo::Substrate& substrate, std::size_t read,
                                          std::span<const float> clamps,
                                          std::span<const ModuleBias> biases, std::size_t n,
                                          unsigned threads) try {
  CALX_ASSIGN(stiffness, thermo::Stiffness::of(substrate));
  const Inputs in{substrate, stiffness, thermo::places(substrate), read, clamps, biases, n};
  CALX_TRY(check_inputs(in));
  const std::size_t units = substrate.modules[read].units;
  std::vector<float> out(n * units);
  std::mutex mutex;  // guards next and error
  std::size_t next = 0;
  std::optional<Error> error;
  const auto work = [&] {
    for (;;) {
      std::size_t first = 0;
      {
        const std::lock_guard lock(mutex);
        if (next >= n || error) return;
        first = next;
        next += kLotRows;
      }
      const std::size_t count = std::min(kLotRows, n - first);
      const auto done = solve_lot(in, first, std::span(out).subspan(first * units, count * units));
      if (done) continue;
      const std::lock_guard lock(mutex);
      error = done.error();
    }
  };
  {
    std::vector<std::jthread> helpers;
    for (unsigned t = 1; t < threads; ++t) helpers.emplace_back(work);
    work();
  }
  if (error) return std::unexpected(*error);
  return out;
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kResourceExhausted,
              fmt::format("substrate mean: no memory for {} inputs", n));
} catch (const std::system_error& error) {
  return fail(ErrorCode::kResourceExhausted,
              fmt::format("substrate mean: no thread could be started ({})", error.what()));
}

double largest_difference(std::span<const float> a, std::span<const float> b) {
  CALX_ASSERT(!a.empty() && a.size() == b.size());
  double largest = 0, squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(double{a[i]} - double{b[i]}));
    squares += double{b[i]} * double{b[i]};
  }
  return largest / std::sqrt(squares / static_cast<double>(b.size()));
}

}  // namespace calx::inference
