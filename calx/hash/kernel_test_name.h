// For tests over every kernel: its name in the test's name, and the kernel forced while it runs.
#pragma once

#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "calx/hash/kernel.h"

namespace calx::hash {

inline std::string kernel_test_name(const testing::TestParamInfo<const Kernel*>& parameter) {
  return std::string(parameter.param->name);
}

inline void PrintTo(const Kernel* kernel, std::ostream* os) { *os << kernel->name; }

/// Skips, and says so, what this CPU lacks.
class ForcedKernelTest : public testing::TestWithParam<const Kernel*> {
 protected:
  void SetUp() override {
    if (!GetParam()->supported()) GTEST_SKIP() << "this CPU lacks " << GetParam()->needs;
    ASSERT_EQ(force_kernel(GetParam()->name), KernelStatus::kChosen);
    ASSERT_EQ(&active_kernel(Operation::kBulk), GetParam()) << "the force did not take";
  }
  void TearDown() override { force_kernel(""); }
};

}  // namespace calx::hash
