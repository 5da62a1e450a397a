#include "calx/hash/kernel.h"

#include <algorithm>
#include <atomic>

#include "calx/hash/kernel_list.h"
#include "calx/hash/self_test.h"

namespace calx::hash {
namespace {

constexpr const Kernel* kKernels[] = {
#if defined(__x86_64__)
    &kAvx512Kernel,
    &kShaniKernel,
    &kAvx2Kernel,
#elif defined(__aarch64__)
    &kArmv8Kernel,
#endif
    &kPortableKernel,
};

constinit std::atomic<const Kernel*> forced_kernel = nullptr;

const Choice& choice() noexcept {
  static const Choice made = choose_kernels(kKernels);
  return made;
}

}  // namespace

std::span<const Kernel* const> kernels() noexcept { return kKernels; }

const Kernel* find_kernel(std::string_view name) noexcept {
  // Not std::ranges::find, which Emscripten's library of 2022 lacks.
  const auto* found = std::find_if(std::begin(kKernels), std::end(kKernels),
                                   [name](const Kernel* kernel) { return kernel->name == name; });
  return found == std::end(kKernels) ? nullptr : *found;
}

const Kernel& active_kernel(Operation operation) noexcept {
  if (const Kernel* forced = forced_kernel.load(std::memory_order_relaxed)) return *forced;
  return *choice().active[static_cast<std::size_t>(operation)];
}

std::vector<KernelReport> kernel_reports() {
  std::vector<KernelReport> reports = choice().reports;
  const Kernel* forced = forced_kernel.load(std::memory_order_relaxed);
  if (forced == nullptr) return reports;
  for (KernelReport& report : reports) {
    const bool chosen = report.kernel == forced;
    report.chosen_for.fill(chosen);
    if (chosen) report.status = KernelStatus::kChosen;
    if (!chosen && report.status == KernelStatus::kChosen) {
      report.status = KernelStatus::kAvailable;
    }
  }
  return reports;
}

KernelStatus force_kernel(std::string_view name) noexcept {
  if (name.empty()) {
    forced_kernel = nullptr;
    return KernelStatus::kChosen;
  }
  for (const KernelReport& report : choice().reports) {
    if (report.kernel->name != name) continue;
    if (report.status == KernelStatus::kUnsupported || report.status == KernelStatus::kRefused) {
      return report.status;
    }
    forced_kernel = report.kernel;
    return KernelStatus::kChosen;
  }
  return KernelStatus::kUnknown;
}

std::string_view to_string(Operation operation) noexcept {
  constexpr std::string_view kNames[] = {"compress", "bulk", "expand", "scan"};
  return kNames[static_cast<std::size_t>(operation)];
}

std::string_view to_string(KernelStatus status) noexcept {
  constexpr std::string_view kNames[] = {"chosen", "available", "unsupported", "refused",
                                         "unknown"};
  return kNames[static_cast<std::size_t>(status)];
}

}  // namespace calx::hash
