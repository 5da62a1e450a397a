// How many cores the arithmetic of the calling thread may use.
#pragma once

namespace calx::nn {

/// Sets LibTorch's threads (OpenMP, per calling thread) and holds OpenBLAS at one, because the two
/// pools fight for the same cores.
///
/// Results of a forward pass are bit-equal at every outer thread count when each worker called
/// set_threads(1): no sum is then split.
void set_threads(int count);

/// The version of LibTorch that this build was compiled against, such as "1.13.0".
const char* torch_version() noexcept;

}  // namespace calx::nn
