// calx noise: exact noise of a seed as a file that diffusers and ComfyUI read.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>

#include "apps/cli/verb.h"
#include "calx/base/atomic_file.h"
#include "calx/base/hex.h"
#include "calx/format/canonical_json.h"
#include "calx/format/comfy_latent.h"
#include "calx/format/npy.h"
#include "calx/format/safetensors.h"
#include "calx/hash/kernel.h"
#include "calx/noise/compat/foreign_latent.h"
#include "calx/noise/latent.h"
#include "calx/noise/normal_transform.h"

namespace calx::cli {
namespace {

struct NoiseOptions {
  std::string seed;
  std::string stream = "init";
  std::uint64_t index = 0;
  std::string shape;
  std::string preset;
  std::string precision = "f32";
  std::string kind = "normal";
  std::string compat;
  std::vector<std::string> vary;
  std::string weight;
  std::string tile;
  bool packed = false;
  std::string out;
};

// What was made, and the words that describe it in the report and in the file.
struct Made {
  format::Array latent;
  format::Json report;
};

std::unexpected<Error> refuse(std::string message) {
  return fail(ErrorCode::kInvalidArgument, std::move(message));
}

Result<std::vector<noise::VariationPart>> read_vary(const NoiseOptions& options) {
  std::vector<noise::VariationPart> parts;
  for (const std::string& text : options.vary) {
    CALX_ASSIGN(part, noise::parse_variation_part(text));
    parts.push_back(part);
  }
  return parts;
}

Result<noise::Variation> read_variation(const NoiseOptions& options) {
  CALX_ASSIGN(seed, noise::Seed::parse(options.seed));
  CALX_ASSIGN(parts, read_vary(options));
  if (parts.empty()) return noise::Variation::single(seed);
  if (!options.weight.empty()) {
    CALX_ASSIGN(base, noise::parse_variation_part(options.seed + ":" + options.weight));
    parts.insert(parts.begin(), {seed, base.weight});
    return noise::Variation::of(std::move(parts));
  }
  return noise::Variation::beside(seed, std::move(parts));
}

Result<noise::LatentRequest> read_request(const NoiseOptions& options) {
  noise::LatentRequest request;
  CALX_ASSIGN(variation, read_variation(options));
  request.noise = variation;
  request.stream = options.stream;
  request.index = options.index;
  request.packed = options.packed;
  if (options.shape.empty() == options.preset.empty()) {
    return refuse("noise: wanted one of --shape and --preset");
  }
  if (!options.preset.empty()) {
    CALX_ASSIGN(preset, noise::find_latent_preset(options.preset));
    request.shape = preset.shape;
    request.packed |= preset.packed;
  } else {
    CALX_ASSIGN(shape, noise::parse_shape(options.shape));
    request.shape = shape;
  }
  if (!options.tile.empty()) {
    CALX_ASSIGN(corner, noise::parse_corner(options.tile));
    request.row_first = corner.first;
    request.column_first = corner.second;
  }
  CALX_ASSIGN(precision, noise::parse_precision(options.precision));
  request.precision = precision;
  CALX_ASSIGN(kind, noise::parse_kind(options.kind));
  request.kind = kind;
  return request;
}

Result<format::Array> make_foreign(const NoiseOptions& options,
                                   const noise::LatentRequest& request) {
  if (request.kind != noise::Kind::kNormal || request.packed || !options.tile.empty() ||
      options.stream != "init" || options.vary.size() > 1 || !options.weight.empty()) {
    return refuse(
        "--compat: goes with --seed, --index, --shape or --preset, --dtype and one --vary "
        "SEED:STRENGTH only");
  }
  CALX_ASSIGN(generator, noise::compat::parse_generator(options.compat));
  CALX_ASSIGN(seed, noise::Seed::parse(options.seed));
  CALX_ASSIGN(vary, read_vary(options));
  noise::compat::ForeignRequest foreign{.generator = generator,
                                        .seed = seed,
                                        .call = options.index,
                                        .shape = request.shape,
                                        .precision = request.precision};
  if (!vary.empty()) foreign.towards.emplace(vary[0].seed, vary[0].weight);
  return noise::compat::make_foreign_latent(foreign);
}

format::Json describe(const NoiseOptions& options, const noise::LatentRequest& request,
                      const format::Array& latent) {
  format::Json report;
  report.set("standard", options.compat.empty() ? "calx-noise-1" : options.compat);
  auto parts = format::Json::array();
  for (const noise::VariationPart& part : request.noise.parts()) {
    parts.push({{"seed", part.seed.to_string()}, {"weight", fmt::format("{}", part.weight)}});
  }
  report.set("seeds", parts);
  report.set("stream", request.stream);
  report.set("index", fmt::format("{}", request.index));
  auto shape = format::Json::array();
  for (const std::uint64_t side : latent.shape) shape.push(static_cast<std::int64_t>(side));
  report.set("shape", shape);
  if (request.packed) report.set("packed", true);
  if (!options.tile.empty()) report.set("tile", options.tile);
  report.set("kind", noise::to_string(request.kind));
  report.set("dtype", format::to_string(latent.dtype));
  report.set("digest", to_hex(noise::latent_digest(latent)));
  report.set("origin", to_string(noise::kLatentOrigin));
  const bool foreign = !options.compat.empty();
  report.set("kernel",
             foreign ? "libm"
                     : fmt::format("{} + {}", hash::active_kernel(hash::Operation::kExpand).name,
                                   noise::normal_kernel().name));
  return report;
}

Result<Made> make(const NoiseOptions& options) {
  CALX_ASSIGN(request, read_request(options));
  auto latent =
      options.compat.empty() ? noise::make_latent(request) : make_foreign(options, request);
  if (!latent) return fail(std::move(latent));
  auto report = describe(options, request, *latent);
  return Made{std::move(*latent), std::move(report)};
}

Result<std::vector<std::uint8_t>> encode(const std::string& out, const Made& made) {
  const std::string extension = std::filesystem::path(out).extension().string();
  if (out == "-" || extension == ".npy") return format::encode_npy(made.latent);
  if (extension != ".safetensors" && extension != ".latent") {
    return refuse(
        fmt::format("--out {}: wanted a name ending in .npy, .safetensors or .latent, or "
                    "- for .npy on standard output",
                    out));
  }
  CALX_ASSIGN(text, format::encode_canonical_json(made.report));
  const std::map<std::string, std::string> metadata = {{"calx_noise", text}};
  if (extension == ".latent") return format::encode_comfy_latent(made.latent, metadata);
  return format::encode_safetensors({{{"latents", made.latent}}, metadata});
}

Result<void> write(const std::string& out, const std::vector<std::uint8_t>& bytes) {
  if (out != "-") return write_file(out, bytes);
  if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) != bytes.size() ||
      std::fflush(stdout) != 0) {
    return fail(ErrorCode::kUnavailable, "standard output: cannot write all of the noise");
  }
  return {};
}

Result<int> run(const NoiseOptions& options, bool json) {
  CALX_ASSIGN(made, make(options));
  if (!options.out.empty()) {
    CALX_ASSIGN(bytes, encode(options.out, made));
    CALX_TRY(write(options.out, bytes));
    made.report.set("file", options.out);
  }
  std::FILE* channel = options.out == "-" ? stderr : stdout;
  if (json) {
    CALX_ASSIGN(text, format::encode_pretty_json(made.report));
    fmt::print(channel, "{}", text);
    return kDone;
  }
  fmt::print(channel, "{}  [{}] {} {}, origin {}\n",
             options.out.empty() ? "(not written)" : options.out, fmt::join(made.latent.shape, ","),
             options.kind, format::to_string(made.latent.dtype), to_string(noise::kLatentOrigin));
  fmt::print(channel, "sha256 of the values  {}\n", *made.report.find("digest")->string());
  return kDone;
}

}  // namespace

void add_noise(CLI::App& app, Session& session) {
  auto options = std::make_shared<NoiseOptions>();
  auto* noise = app.add_subcommand("noise", "exact noise of a seed: .npy, .safetensors, .latent");
  noise->add_option("--seed", options->seed, "seed (see below)")->required();
  noise->add_option("--stream", options->stream, "init, step/17, vae, ...")->capture_default_str();
  noise
      ->add_option("--index", options->index,
                   "image of the first batch member; with --compat: earlier draws")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  noise->add_option("--shape", options->shape, "[batch,[channels,[rows,]]]columns");
  noise->add_option("--preset", options->preset,
                    "sd15, sdxl, sd3, flux, flux-packed, seed000-512, seed000-1024");
  noise->add_option("--dtype", options->precision, "f32, f16 or bf16")->capture_default_str();
  noise->add_option("--kind", options->kind, "normal, uniform or bits")->capture_default_str();
  noise->add_option("--vary", options->vary, "SEED:WEIGHT to mix in; may be repeated");
  noise->add_option("--weight", options->weight, "weight of --seed; default 1 minus the others");
  noise->add_option("--tile", options->tile, "ROW,COLUMN where the shape begins on the canvas");
  noise->add_flag("--packed", options->packed, "2 x 2 patches as channels (Flux in diffusers)");
  noise->add_option("--compat", options->compat, "torch-cpu or nv-philox: that program's noise");
  noise->add_option("--out", options->out, "file, or - for .npy on standard output");
  noise->callback([&session, options] {
    session.action = [&session, options] { return run(*options, session.json); };
  });
}

}  // namespace calx::cli
