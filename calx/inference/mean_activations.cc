#include "calx/inference/mean_activations.h"

#include <fmt/format.h>

#include <algorithm>

#include "calx/base/atomic_file.h"
#include "calx/base/hex.h"
#include "calx/diffusion/model_file.h"
#include "calx/format/safetensors.h"
#include "calx/hash/sha256.h"
#include "calx/noise/stream.h"

namespace calx::inference {
namespace {

constexpr std::size_t kPieceImages = 16;
constexpr std::uint64_t kPairsBytesMax = std::uint64_t{1} << 30;
constexpr std::size_t kNameDigits = 16;

std::size_t pixels_of(const nn::PublishedUNetConfig& shape) {
  return static_cast<std::size_t>(shape.side) * static_cast<std::size_t>(shape.side);
}

std::size_t numbers_of(const nn::PublishedUNetConfig& shape) {
  return pixels_of(shape) * static_cast<std::size_t>(shape.channels);
}

std::span<const std::uint8_t> bytes_of(std::span<const float> values) {
  return {reinterpret_cast<const std::uint8_t*>(values.data()), values.size_bytes()};
}

// Of this machine's bytes: the file is a cache that stays where it was made.
std::string key_of(const nn::PublishedUNet& network, std::span<const float> images,
                   std::size_t units) {
  hash::Sha256 sha;
  sha.update("calx mean activations").update_u64(units).update_u64(images.size());
  for (const auto& parameter : network.parameters()) sha.update(bytes_of(parameter.values));
  sha.update(bytes_of(images));
  return to_hex(sha.finish());
}

Result<ChannelPairs> read_pairs(const std::filesystem::path& path, std::size_t count,
                                std::size_t units) {
  CALX_ASSIGN(bytes, read_file(path, kPairsBytesMax));
  CALX_ASSIGN(file, format::parse_safetensors(bytes));
  CALX_TRY(diffusion::unseal(file, path.string()));
  CALX_ASSIGN(x, diffusion::take_parameters(file, "x"));
  CALX_ASSIGN(d, diffusion::take_parameters(file, "d"));
  if (x.size() != 1 || d.size() != 1 || x[0].values.size() != count * units ||
      d[0].values.size() != count * units) {
    return fail(ErrorCode::kDataLoss,
                fmt::format("{}: wanted {} pairs of {} channels", path.string(), count, units));
  }
  return ChannelPairs{units, std::move(x[0].values), std::move(d[0].values)};
}

Result<void> write_pairs(const std::filesystem::path& path, const ChannelPairs& pairs) {
  format::Safetensors file;
  const std::vector<std::int64_t> shape{static_cast<std::int64_t>(pairs.count()),
                                        static_cast<std::int64_t>(pairs.units)};
  diffusion::add_parameters(file, "", {{"x", shape, pairs.x}, {"d", shape, pairs.d}});
  CALX_TRY(diffusion::seal(file));
  CALX_ASSIGN(bytes, format::encode_safetensors(file));
  return write_file(path, bytes);
}

// Appends, for every image, the mean over its pixels of the first `units` channels.
void append_means(std::vector<float>& out, std::span<const float> rows, std::size_t width,
                  std::size_t pixels, std::size_t units) {
  for (std::size_t first = 0; first < rows.size(); first += pixels * width) {
    std::vector<double> sum(units);
    for (std::size_t p = 0; p < pixels; ++p) {
      for (std::size_t k = 0; k < units; ++k) sum[k] += double{rows[first + p * width + k]};
    }
    for (const double value : sum) {
      out.push_back(static_cast<float>(value / static_cast<double>(pixels)));
    }
  }
}

}  // namespace

ChannelPairs ChannelPairs::part(std::size_t first, std::size_t n) const {
  const auto from = static_cast<std::ptrdiff_t>(first * units);
  const auto end = static_cast<std::ptrdiff_t>((first + n) * units);
  return {units, {x.begin() + from, x.begin() + end}, {d.begin() + from, d.begin() + end}};
}

Result<std::vector<float>> white_images(const noise::Seed& seed, std::uint64_t first,
                                        std::size_t count, const nn::PublishedUNetConfig& shape) {
  const std::size_t numbers = numbers_of(shape);
  const auto side = static_cast<std::uint32_t>(shape.side);
  const noise::Region region{
      .channels = static_cast<std::uint32_t>(shape.channels), .rows = side, .columns = side};
  std::vector<float> images(count * numbers);
  for (std::size_t i = 0; i < count; ++i) {
    CALX_ASSIGN(stream, noise::Stream::open(seed, "thermo/inputs", first + i));
    CALX_TRY(stream.normal(region, std::span(images).subspan(i * numbers, numbers)));
  }
  return images;
}

Result<std::vector<float>> noisy_images(std::span<const float> pictures, double sigma,
                                        const noise::Seed& seed,
                                        const nn::PublishedUNetConfig& shape) {
  const std::size_t pixels = pixels_of(shape), numbers = numbers_of(shape);
  if (pictures.empty() || pictures.size() % pixels != 0) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("noisy images: {} numbers, wanted whole pictures of {}",
                            pictures.size(), pixels));
  }
  const auto side = static_cast<std::uint32_t>(shape.side);
  const noise::Region region{
      .channels = static_cast<std::uint32_t>(shape.channels), .rows = side, .columns = side};
  std::vector<float> images(pictures.size() / pixels * numbers);
  for (std::size_t i = 0; i < pictures.size() / pixels; ++i) {
    const auto image = std::span(images).subspan(i * numbers, numbers);
    CALX_ASSIGN(stream, noise::Stream::open(seed, "thermo/picture noise", i));
    CALX_TRY(stream.normal(region, image));
    for (std::size_t k = 0; k < numbers; ++k) {
      image[k] = pictures[i * pixels + k % pixels] + static_cast<float>(sigma) * image[k];
    }
  }
  return images;
}

Result<ChannelPairs> mean_activations(const nn::PublishedUNet& network,
                                      std::span<const float> images, std::size_t units,
                                      const std::filesystem::path& folder, const Observer& observer,
                                      const std::stop_token& stop) {
  const auto& shape = network.config();
  const auto width = static_cast<std::size_t>(shape.width);
  const std::size_t numbers = numbers_of(shape), count = images.size() / numbers;
  if (units == 0 || units > width || count == 0 || images.size() != count * numbers) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("mean activations: {} units and {} numbers, wanted 1 to {} units and "
                            "whole images of {}",
                            units, images.size(), width, numbers));
  }
  std::filesystem::path path;
  std::error_code error;
  if (!folder.empty()) {
    std::filesystem::create_directories(folder, error);
    path = folder / fmt::format("pairs-{}.safetensors",
                                key_of(network, images, units).substr(0, kNameDigits));
    if (std::filesystem::exists(path, error)) return read_pairs(path, count, units);
  }
  ChannelPairs pairs{units, {}, {}};
  for (std::size_t first = 0; first < count; first += kPieceImages) {
    if (stop.stop_requested()) {
      return fail(ErrorCode::kCancelled,
                  fmt::format("activations stopped after {} of {} images", first, count));
    }
    const std::size_t n = std::min(kPieceImages, count - first);
    CALX_ASSIGN(seen, network.activations(images.subspan(first * numbers, n * numbers)));
    append_means(pairs.x, seen.encoder, width, pixels_of(shape), units);
    append_means(pairs.d, seen.decoder, width, pixels_of(shape), units);
    if (observer) observer({"activations of the U-Net", first + n, count});
  }
  if (!path.empty()) CALX_TRY(write_pairs(path, pairs));
  return pairs;
}

Result<thermo::Matrix> first_convolution(const nn::PublishedUNet& network, std::string_view block) {
  CALX_ASSIGN(weight, network.tensor(fmt::format("{}.conv1.weight", block)));
  const auto rows = static_cast<std::size_t>(weight.shape[0]);
  thermo::Matrix matrix(rows, weight.values.size() / rows);
  std::ranges::copy(weight.values, matrix.values.begin());
  return matrix;
}

}  // namespace calx::inference
