#include "calx/diffusion/checkpoint.h"

#include <fmt/format.h>

#include <charconv>

#include "calx/base/atomic_file.h"
#include "calx/diffusion/model_file.h"

namespace calx::diffusion {
namespace {

constexpr const char* kLosses = "losses";

Result<std::string> note(const format::Safetensors& file, const std::string& key) {
  const auto found = file.metadata.find(key);
  if (found != file.metadata.end()) return found->second;
  return fail(ErrorCode::kDataLoss, fmt::format("checkpoint: no {} in its metadata", key));
}

template <class Number>
Result<Number> number_note(const format::Safetensors& file, const std::string& key) {
  CALX_ASSIGN(text, note(file, key));
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return value;
  return fail(ErrorCode::kDataLoss, fmt::format("checkpoint: {} is \"{}\"", key, text));
}

}  // namespace

Result<void> save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint) {
  format::Safetensors file;
  file.metadata = {{"calx.run", checkpoint.run},
                   {"calx.unet", to_text(checkpoint.config)},
                   {"calx.steps", fmt::format("{}", checkpoint.state.steps)},
                   {"calx.seconds", fmt::format("{:.3f}", checkpoint.seconds)}};
  add_parameters(file, "weights/", checkpoint.state.weights);
  add_parameters(file, "mean/", checkpoint.state.mean);
  add_parameters(file, "moment1/", checkpoint.state.moment1);
  add_parameters(file, "moment2/", checkpoint.state.moment2);
  add_parameters(
      file, "",
      {{kLosses, {static_cast<std::int64_t>(checkpoint.losses.size())}, checkpoint.losses}});
  CALX_TRY(seal(file));
  CALX_ASSIGN(bytes, format::encode_safetensors(file));
  return write_file(path, bytes);
}

Result<Checkpoint> load_checkpoint(const std::filesystem::path& path) {
  CALX_ASSIGN(bytes, read_file(path, kModelBytesMax));
  CALX_ASSIGN(file, format::parse_safetensors(bytes));
  CALX_TRY(unseal(file, path.string()));
  Checkpoint checkpoint;
  CALX_ASSIGN(run, note(file, "calx.run"));
  CALX_ASSIGN(config_text, note(file, "calx.unet"));
  CALX_ASSIGN(config, parse_config(config_text));
  CALX_ASSIGN(steps, number_note<std::int64_t>(file, "calx.steps"));
  CALX_ASSIGN(seconds, number_note<double>(file, "calx.seconds"));
  CALX_ASSIGN(weights, take_parameters(file, "weights/"));
  CALX_ASSIGN(mean, take_parameters(file, "mean/"));
  CALX_ASSIGN(moment1, take_parameters(file, "moment1/"));
  CALX_ASSIGN(moment2, take_parameters(file, "moment2/"));
  CALX_ASSIGN(losses, take_parameters(file, kLosses));
  if (losses.size() != 1 || std::ssize(losses[0].values) != steps) {
    return fail(ErrorCode::kDataLoss,
                fmt::format("{}: wanted one loss for each of {} steps", path.string(), steps));
  }
  checkpoint.run = std::move(run);
  checkpoint.config = config;
  checkpoint.seconds = seconds;
  checkpoint.losses = std::move(losses[0].values);
  checkpoint.state = {steps, std::move(weights), std::move(mean), std::move(moment1),
                      std::move(moment2)};
  return checkpoint;
}

}  // namespace calx::diffusion
