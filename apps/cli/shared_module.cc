#include "apps/cli/shared_module.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <array>
#include <filesystem>

namespace calx::cli {
namespace {

std::filesystem::path executable_folder() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? std::filesystem::path(".") : self.parent_path();
}

Result<std::filesystem::path> find_module(const char* file, std::string_view option) {
  const auto folder = executable_folder();
  const std::array places = {folder / file,
                             folder.parent_path() / CALX_LIBRARY_FOLDER / "calx" / file,
                             folder.parent_path() / "lib" / "calx" / file};
  std::error_code error;
  for (const auto& place : places) {
    if (std::filesystem::exists(place, error)) return place;
  }
  return fail(ErrorCode::kUnavailable,
              fmt::format("this calx has no {} (looked in {} and {}): build with {}", file,
                          folder.string(), places[1].parent_path().string(), option));
}

}  // namespace

Result<void*> open_shared_module(const char* file, const char* entry, std::string_view option) {
  CALX_ASSIGN(path, find_module(file, option));
  void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    return fail(ErrorCode::kUnavailable, fmt::format("{} does not load: {}", file, ::dlerror()));
  }
  void* symbol = ::dlsym(handle, entry);
  if (symbol == nullptr) {
    return fail(ErrorCode::kUnavailable, fmt::format("{} is no module of calx", path.string()));
  }
  return symbol;
}

}  // namespace calx::cli
