#include "apps/cli/digit_source.h"

#include <fmt/format.h>

#include <cstdio>

#include "apps/cli/data_folder.h"

namespace calx::cli {
namespace {

constexpr std::size_t kProceduralDigits = 10'000;
constexpr std::int64_t kHeldOutSeed = 28;

neural::DigitSource drawn() {
  neural::DigitSource source;
  source.procedural = kProceduralDigits;
  return source;
}

}  // namespace

neural::DigitSource training_digits(const std::string& given) {
  if (given == "procedural") return drawn();
  neural::DigitSource source;
  source.npz =
      given.empty() ? find_data("mnist/cazala_mnist_10000.npz") : std::filesystem::path(given);
  if (!source.npz.empty()) return source;
  source.idx_images = find_data("mnist/train-images-idx3-ubyte.gz");
  source.idx_labels = find_data("mnist/train-labels-idx1-ubyte.gz");
  if (!source.idx_images.empty() && !source.idx_labels.empty()) return source;
  fmt::print(stderr,
             "No MNIST found (looked for mnist/cazala_mnist_10000.npz under $CALX_DATA and "
             "../shared/data):\nusing {} digits drawn by the program, which are not handwriting.\n",
             kProceduralDigits);
  return drawn();
}

neural::DigitSource held_out_digits(const std::string& given) {
  neural::DigitSource source;
  if (given.empty()) {
    source.idx_images = find_data("mnist/t10k-images-idx3-ubyte.gz");
    source.idx_labels = find_data("mnist/t10k-labels-idx1-ubyte.gz");
    if (!source.idx_images.empty() && !source.idx_labels.empty()) return source;
  }
  source = drawn();
  source.drawn_from = noise::Seed::from_integer(kHeldOutSeed);
  return source;
}

}  // namespace calx::cli
