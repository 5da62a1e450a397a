#include "apps/cli/neural.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <filesystem>

namespace calx::cli {
namespace {

constexpr const char* kFile = "libcalx_neural.so";

std::filesystem::path executable_folder() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? std::filesystem::path(".") : self.parent_path();
}

Result<std::filesystem::path> find_module() {
  const auto folder = executable_folder();
  const std::array places = {folder / kFile,
                             folder.parent_path() / CALX_LIBRARY_FOLDER / "calx" / kFile,
                             folder.parent_path() / "lib" / "calx" / kFile};
  std::error_code error;
  for (const auto& place : places) {
    if (std::filesystem::exists(place, error)) return place;
  }
  return fail(ErrorCode::kUnavailable,
              fmt::format("this calx has no neural module (looked for {} in {} and {}): build with "
                          "-DCALX_NN=ON",
                          kFile, folder.string(), places[1].parent_path().string()));
}

}  // namespace

Result<neural::Module*> neural_module() {
  static neural::Module* loaded = nullptr;
  if (loaded != nullptr) return loaded;
  CALX_ASSIGN(path, find_module());
  // Spinning OpenMP workers starve each other where cores are shared; this must stand before the
  // runtime is loaded, and the user's own setting goes first.
  ::setenv("OMP_WAIT_POLICY", "passive", 0);
  void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("the neural module does not load: {}", ::dlerror()));
  }
  using Entry = neural::Module* (*)(std::uint32_t);
  const auto entry = reinterpret_cast<Entry>(::dlsym(handle, neural::kEntry));
  neural::Module* module = entry == nullptr ? nullptr : entry(neural::kAbi);
  if (module == nullptr) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("{} belongs to another version of calx", path.string()));
  }
  if (const char* kernel = std::getenv("CALX_KERNEL"); kernel != nullptr && *kernel != '\0') {
    CALX_TRY(module->use_kernel(kernel));
  }
  loaded = module;
  return loaded;
}

}  // namespace calx::cli
