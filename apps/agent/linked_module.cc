// remote_module() of a program that is linked whole: nothing is opened at run time.
#include "apps/cli/remote.h"

extern "C" calx::remote::Module* calx_remote_module(std::uint32_t abi);

namespace calx::cli {

Result<remote::Module*> remote_module() { return calx_remote_module(remote::kAbi); }

}  // namespace calx::cli
