// Runs a fuzz target without libFuzzer: every seed, and mutations of each that are the same on
// every machine. It finds what a bounded search finds; `cmake --preset fuzz` searches by coverage.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr int kMutationsPerSeed = 2000;
constexpr std::size_t kInputBytesMax = 1 << 20;
constexpr std::array<std::uint8_t, 8> kTellingBytes = {0x00, 0x01, 0x7f, 0x80, 0xff, '"', '0', ' '};

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : rng_(seed) {}

  Bytes mutate(Bytes bytes) {
    for (std::uint64_t edits = 1 + below(4); edits > 0; --edits) edit(bytes);
    if (bytes.size() > kInputBytesMax) bytes.resize(kInputBytesMax);
    return bytes;
  }

 private:
  std::uint64_t below(std::uint64_t bound) { return rng_() % bound; }

  void edit(Bytes& bytes) {
    if (bytes.empty()) {
      bytes.push_back(static_cast<std::uint8_t>(below(256)));
      return;
    }
    const auto first = static_cast<std::ptrdiff_t>(below(bytes.size()));
    const auto at = bytes.begin() + first;
    const auto rest = static_cast<std::uint64_t>(bytes.end() - at);
    const auto length = static_cast<std::ptrdiff_t>(1 + below(std::min<std::uint64_t>(rest, 16)));
    switch (below(7)) {
      case 0:
        *at = static_cast<std::uint8_t>(*at ^ (1u << below(8)));
        break;
      case 1:
        *at = kTellingBytes[below(kTellingBytes.size())];
        break;
      case 2:
        std::fill(at, at + length, kTellingBytes[below(kTellingBytes.size())]);
        break;
      case 3:
        bytes.erase(at, at + length);
        break;
      case 4:
        bytes.resize(static_cast<std::size_t>(first));
        break;
      case 5: {
        const Bytes copy(at, at + length);
        bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(below(bytes.size() + 1)),
                     copy.begin(), copy.end());
        break;
      }
      default:
        *at = static_cast<std::uint8_t>(*at + 1 - 2 * static_cast<int>(below(2)));
        break;
    }
  }

  std::mt19937_64 rng_;
};

Bytes read_seed(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FILE|FOLDER\n", argv[0]);
    return EXIT_FAILURE;
  }
  // One file, as libFuzzer's own programs take it: to look at a single input.
  if (std::filesystem::is_regular_file(argv[1])) {
    const Bytes bytes = read_seed(argv[1]);
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    return EXIT_SUCCESS;
  }
  std::vector<std::filesystem::path> seeds;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1], error)) {
    if (entry.is_regular_file()) seeds.push_back(entry.path());
  }
  if (seeds.empty()) {
    std::fprintf(stderr, "%s holds no seed\n", argv[1]);
    return EXIT_FAILURE;
  }
  std::sort(seeds.begin(), seeds.end());
  LLVMFuzzerTestOneInput(nullptr, 0);
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    const Bytes seed = read_seed(seeds[i]);
    LLVMFuzzerTestOneInput(seed.data(), seed.size());
    Mutator mutator(i + 1);
    for (int k = 0; k < kMutationsPerSeed; ++k) {
      const Bytes bytes = mutator.mutate(seed);
      LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    }
  }
  std::printf("%zu seeds, %d mutations of each\n", seeds.size(), kMutationsPerSeed);
  return EXIT_SUCCESS;
}
