// Where inputs are looked for: the user's data folder and the models that come with calx.
#pragma once

#include <filesystem>
#include <vector>

#include "calx/base/result.h"

namespace calx::cli {

/// $CALX_DATA if set, then ../shared/data and shared/data below the working folder.
std::vector<std::filesystem::path> data_folders();

/// The first existing file `name` below the data folders, or an empty path.
std::filesystem::path find_data(const std::filesystem::path& name);

/// Folders that hold models: $CALX_MODELS if set, ../share/calx/models of the installation,
/// models/ of the source tree that calx was built in, models/ below the working folder.
std::vector<std::filesystem::path> model_folders();

/// The user's own folder, for the signing key: $XDG_DATA_HOME/calx or ~/.local/share/calx.
/// Errors: kUnavailable when neither variable is set.
Result<std::filesystem::path> user_folder();

}  // namespace calx::cli
