#include "calx/thermo/substrate_file.h"

#include <fmt/format.h>

#include <charconv>
#include <string>
#include <string_view>
#include <utility>

#include "calx/format/safetensors.h"

namespace calx::thermo {
namespace {

using format::Array;
using format::Safetensors;

constexpr std::string_view kFormat = "calx-substrate-1";

void put(Safetensors& file, std::string name, const std::vector<double>& values) {
  if (values.empty()) return;
  file.tensors.push_back({std::move(name), format::make_array({values.size()}, values)});
}

void put(Safetensors& file, std::string name, const Matrix& matrix) {
  if (matrix.empty()) return;
  file.tensors.push_back(
      {std::move(name), format::make_array({matrix.rows, matrix.columns}, matrix.values)});
}

class Reader {
 public:
  explicit Reader(const Safetensors& file) : file_(file) {}

  Result<std::string> text(const std::string& key) {
    const auto found = file_.metadata.find(key);
    if (found == file_.metadata.end()) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("substrate file: no entry \"{}\"", key));
    }
    ++texts_;
    return found->second;
  }

  Result<std::size_t> number(const std::string& key, std::string_view word) const {
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error == std::errc() && end == word.data() + word.size()) return value;
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("substrate file: \"{}\" is \"{}\", wanted a number", key, word));
  }

  // Empty if there is none.
  Result<Matrix> tensor(const std::string& name, std::size_t dimensions) {
    const Array* array = format::find(file_.tensors, name);
    if (!array) return Matrix();
    ++tensors_;
    auto values = format::view<double>(*array);
    if (!values) return fail(std::move(values));
    if (array->shape.size() != dimensions) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("substrate file: tensor {} has {} dimensions, wanted {}", name,
                              array->shape.size(), dimensions));
    }
    const std::size_t columns = array->shape.back();
    const std::size_t rows = dimensions == 1 ? 1 : array->shape.front();
    return Matrix(rows, columns, {values->begin(), values->end()});
  }

  Result<std::vector<double>> list(const std::string& name) {
    CALX_ASSIGN(matrix, tensor(name, 1));
    return std::move(matrix.values);
  }

  [[nodiscard]] bool has(const std::string& key) const { return file_.metadata.contains(key); }
  [[nodiscard]] bool all_read() const {
    return texts_ == file_.metadata.size() && tensors_ == file_.tensors.size();
  }

 private:
  const Safetensors& file_;
  std::size_t texts_ = 0, tensors_ = 0;
};

Result<Module> read_module(Reader& file, const std::string& key) {
  Module module;
  CALX_ASSIGN(name, file.text(key));
  CALX_ASSIGN(units, file.text(key + ".units"));
  CALX_ASSIGN(count, file.number(key + ".units", units));
  CALX_ASSIGN(clamped, file.text(key + ".clamped"));
  CALX_ASSIGN(quadratic, file.list(key + ".quadratic"));
  CALX_ASSIGN(quartic, file.list(key + ".quartic"));
  CALX_ASSIGN(intra, file.tensor(key + ".intra", 2));
  CALX_ASSIGN(bias, file.list(key + ".bias"));
  if (clamped != "yes" && clamped != "no") {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("substrate file: \"{}.clamped\" is \"{}\", wanted yes or no", key, clamped));
  }
  return Module{.name = name,
                .units = count,
                .quadratic = std::move(quadratic),
                .quartic = std::move(quartic),
                .intra = std::move(intra),
                .bias = std::move(bias),
                .clamped = clamped == "yes"};
}

Result<Coupling> read_coupling(Reader& file, const std::string& key) {
  CALX_ASSIGN(ends, file.text(key));
  const std::size_t space = ends.find(' ');
  const std::string_view words = ends;
  CALX_ASSIGN(first, file.number(key, words.substr(0, space)));
  CALX_ASSIGN(second, file.number(key, space == ends.npos ? "" : words.substr(space + 1)));
  CALX_ASSIGN(left, file.tensor(key + ".left", 2));
  CALX_ASSIGN(right, file.tensor(key + ".right", 2));
  CALX_ASSIGN(strength, file.list(key + ".strength"));
  return Coupling{first, second, std::move(left), std::move(right), std::move(strength)};
}

}  // namespace

Result<std::vector<std::uint8_t>> encode_substrate(const Substrate& substrate) {
  CALX_TRY(check(substrate));
  Safetensors file;
  file.metadata["format"] = kFormat;
  for (std::size_t i = 0; i < substrate.modules.size(); ++i) {
    const Module& module = substrate.modules[i];
    const std::string key = fmt::format("module.{}", i);
    file.metadata[key] = module.name;
    file.metadata[key + ".units"] = fmt::format("{}", module.units);
    file.metadata[key + ".clamped"] = module.clamped ? "yes" : "no";
    put(file, key + ".quadratic", module.quadratic);
    put(file, key + ".quartic", module.quartic);
    put(file, key + ".intra", module.intra);
    put(file, key + ".bias", module.bias);
  }
  for (std::size_t i = 0; i < substrate.couplings.size(); ++i) {
    const Coupling& coupling = substrate.couplings[i];
    const std::string key = fmt::format("coupling.{}", i);
    file.metadata[key] = fmt::format("{} {}", coupling.first, coupling.second);
    put(file, key + ".left", coupling.left);
    put(file, key + ".right", coupling.right);
    put(file, key + ".strength", coupling.strength);
  }
  return format::encode_safetensors(file);
}

Result<Substrate> parse_substrate(std::span<const std::uint8_t> bytes) {
  CALX_ASSIGN(file, format::parse_safetensors(bytes));
  Reader reader(file);
  CALX_ASSIGN(format_name, reader.text("format"));
  if (format_name != kFormat) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("substrate file: format \"{}\", wanted \"{}\"", format_name, kFormat));
  }
  Substrate substrate;
  for (std::size_t i = 0; reader.has(fmt::format("module.{}", i)); ++i) {
    CALX_ASSIGN(module, read_module(reader, fmt::format("module.{}", i)));
    substrate.modules.push_back(std::move(module));
  }
  for (std::size_t i = 0; reader.has(fmt::format("coupling.{}", i)); ++i) {
    CALX_ASSIGN(coupling, read_coupling(reader, fmt::format("coupling.{}", i)));
    substrate.couplings.push_back(std::move(coupling));
  }
  if (!reader.all_read()) {
    return fail(ErrorCode::kInvalidArgument,
                "substrate file: it holds entries that no module or coupling has");
  }
  CALX_TRY(check(substrate));
  return substrate;
}

}  // namespace calx::thermo
