// Every row that the published experiment prints, and the controls that it does not: the same
// pipeline without its input, without its substrate, with its inputs exchanged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "calx/base/result.h"
#include "calx/inference/agreement.h"
#include "calx/inference/dense_pair.h"
#include "calx/inference/mean_activations.h"
#include "calx/noise/seed.h"

namespace calx::inference {

/// What every rank of the published coupling is built from: the first convolutions of the blocks.
struct GramSource {
  thermo::Matrix encoder, decoder;
  std::size_t units = 0;
  double onsite_j2 = 0.1;

  /// thermo::published_pair of that rank, written out; `signs` [rank] of 1 or -1 turn its singular
  /// pairs over, which the public code leaves to a library. Errors: its own; those of
  /// DensePair::of; kInvalidArgument (another number of signs).
  [[nodiscard]] Result<DensePair> pair(std::size_t rank, bool normalise = true,
                                       std::span<const double> signs = {}) const;
};

/// Of the network's blocks e1 and d1.
Result<GramSource> gram_source(const nn::PublishedUNet& network, std::size_t units,
                               double onsite_j2);

/// An arm is one way to make estimates y [test, D] of the decoder's activations.
enum class Arm : std::uint8_t {
  kOracle,            // b = (A x, B d) of the true test pairs; the coupling is left out of b
  kConsistentOracle,  // b = M (x, d)
  kConstant,          // y = mean of d over the fit pairs
  kNoEncoder,         // b = (0, B mean of d), the coupling kept
  kEncoderOracle,     // encoder's bias by the bottleneck, decoder's B d
  kFull,              // encoder's bias by the bottleneck, decoder's by the transfer from it
  kShuffled,          // kFull, its outputs handed to other inputs
  kFolded,            // y = B^-1 (decoder's bias): the same networks, no coupling, no substrate
  kSkipOnly,          // encoder's bias by the bottleneck, decoder's 0
};
/// "oracle", "consistent oracle", "constant", ...
std::string_view to_string(Arm arm) noexcept;

struct ArmScore {
  Arm arm = Arm::kOracle;
  Agreement agreement;
};

/// The published recipe: Adam 3e-3, L2 1e-4, all pairs in every step; a bottleneck of 4 fitted to
/// x -> A x, a transfer of 16 SiLU units fitted to the true A x -> B d. At the test the transfer is
/// fed the bottleneck's output.
struct InterfaceRecipe {
  bool biases = true;
  noise::Seed seed = {};
  std::size_t bottleneck_steps = 300, transfer_steps = 400;
};

/// The two networks' biases for every test input.
struct InterfaceOutput {
  PairRows bias;
  std::size_t parameters = 0;  // of both networks, counted
};

/// Errors: kInvalidArgument (pairs of other units than the pair of modules), kInternal (diverged).
Result<InterfaceOutput> run_interface(const DensePair& pair, const ChannelPairs& fit,
                                      const ChannelPairs& test, const InterfaceRecipe& recipe);

/// The arms without an interface: kOracle, kConsistentOracle, kConstant, kNoEncoder.
/// Errors: as agree().
Result<std::vector<ArmScore>> score_fixed(const DensePair& pair, const ChannelPairs& fit,
                                          const ChannelPairs& test);

/// The others. kShuffled hands output i to input i + n/2 (mod n). Errors: as agree().
Result<std::vector<ArmScore>> score_interface(const DensePair& pair, const ChannelPairs& fit,
                                              const ChannelPairs& test,
                                              const InterfaceOutput& interface);

/// \pre the list holds that arm
const Agreement& of(const std::vector<ArmScore>& scores, Arm arm);

/// Mean over test pairs of |y_with - y_without| / |d| in per cent, biases (A x, B d): the
/// published "decoder shift", which is an error.
double shift_percent(const DensePair& pair, const ChannelPairs& test);

/// R2 on the test pairs of the ridge regression x -> d, thermo::fit_full at this ridge.
/// Errors: those of the fit; as agree().
Result<double> ridge_r2(const ChannelPairs& fit, const ChannelPairs& test, double ridge);

}  // namespace calx::inference
