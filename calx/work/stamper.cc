#include "calx/work/stamper.h"

#include <random>
#include <utility>

namespace calx::work {
namespace {

Salt drawn_salt() {
  std::random_device device;
  Salt salt;
  for (auto& byte : salt) byte = static_cast<std::uint8_t>(device());
  return salt;
}

}  // namespace

Result<StampedRequest> RunnerStamper::stamp(const hash::Digest& commitment, const Target& target,
                                            Deadline deadline, std::stop_token stop) {
  const TreeLeaf leaf{commitment, drawn_salt()};
  CALX_ASSIGN(tree, RequestTree::build({&leaf, 1}));
  CALX_ASSIGN(made, make_stamp(tree, target, runner_, deadline, std::move(stop)));
  return StampedRequest{std::make_shared<const Stamp>(std::move(made)), tree.path(0)};
}

}  // namespace calx::work
