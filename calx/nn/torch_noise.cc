#include "calx/nn/torch_noise.h"

#include <algorithm>

#include "calx/nn/torch.h"

namespace calx::nn {

Result<void> torch_normal(std::uint64_t seed, std::span<float> out) {
  return guarded("torch noise", [&]() -> Result<void> {
    auto generator = at::detail::createCPUGenerator(seed);
    const auto values =
        at::randn({static_cast<std::int64_t>(out.size())}, generator, at::kFloat).contiguous();
    std::copy_n(values.data_ptr<float>(), out.size(), out.begin());
    return {};
  });
}

}  // namespace calx::nn
