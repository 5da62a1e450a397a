#include "apps/cli/data_folder.h"

#include <cstdlib>

namespace calx::cli {
namespace {

void add_environment(std::vector<std::filesystem::path>& folders, const char* name) {
  if (const char* value = std::getenv(name); value != nullptr && *value != '\0') {
    folders.emplace_back(value);
  }
}

}  // namespace

std::vector<std::filesystem::path> data_folders() {
  std::vector<std::filesystem::path> folders;
  add_environment(folders, "CALX_DATA");
  folders.emplace_back("../shared/data");
  folders.emplace_back("shared/data");
  return folders;
}

std::filesystem::path find_data(const std::filesystem::path& name) {
  std::error_code error;
  for (const auto& folder : data_folders()) {
    if (std::filesystem::is_regular_file(folder / name, error)) return folder / name;
  }
  return {};
}

std::vector<std::filesystem::path> model_folders() {
  std::vector<std::filesystem::path> folders;
  add_environment(folders, "CALX_MODELS");
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) folders.push_back(self.parent_path().parent_path() / CALX_DATA_FOLDER / "models");
  folders.emplace_back(CALX_SOURCE_FOLDER "/models");
  folders.emplace_back("models");
  return folders;
}

Result<std::filesystem::path> user_folder() {
  std::vector<std::filesystem::path> folders;
  add_environment(folders, "XDG_DATA_HOME");
  if (!folders.empty()) return folders.front() / "calx";
  add_environment(folders, "HOME");
  if (!folders.empty()) return folders.front() / ".local" / "share" / "calx";
  return fail(ErrorCode::kUnavailable,
              "no home folder for the signing key: set HOME, or give --key");
}

}  // namespace calx::cli
