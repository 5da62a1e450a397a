#include "calx/nn/threads.h"

#include <dlfcn.h>

#include <mutex>

#include "calx/nn/torch.h"

namespace calx::nn {

void set_threads(int count) {
  // Debian's LibTorch reaches OpenBLAS through the libblas alternative, so the symbol may be
  // absent.
  static std::once_flag once;
  std::call_once(once, [] {
    using SetThreads = void (*)(int);
    if (void* symbol = ::dlsym(RTLD_DEFAULT, "openblas_set_num_threads")) {
      reinterpret_cast<SetThreads>(symbol)(1);
    }
  });
  at::set_num_threads(count);
}

const char* torch_version() noexcept { return TORCH_VERSION; }

}  // namespace calx::nn
