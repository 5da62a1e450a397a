// Goal: ComfyUI's LoadLatent and this program see the same numbers.
// Method: a file laid out as SaveLatent does, the scale of the older kind, and faults.
#include "calx/format/comfy_latent.h"

#include <gmock/gmock.h>

#include "calx/format/corpus_test.h"
#include "calx/format/safetensors.h"

namespace calx::format {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Array kLatent = make_array({1, 4, 1, 1}, std::vector<float>{1, 2, 3, 4});

TEST(ComfyLatentTest, WritesTheTwoTensorsOfSaveLatent) {
  EXPECT_EQ(encode_comfy_latent(kLatent).value(), corpus_file("safetensors/latent.latent"));
  EXPECT_EQ(parse_comfy_latent(corpus_file("safetensors/latent.latent")).value(), kLatent);
}

TEST(ComfyLatentTest, KeepsMetadata) {
  const auto bytes = encode_comfy_latent(kLatent, {{"workflow", "{}"}}).value();
  EXPECT_EQ(parse_safetensors(bytes).value().metadata.at("workflow"), "{}");
}

TEST(ComfyLatentTest, ScalesTheOlderKindAsLoadLatentDoes) {
  const auto bytes = encode_safetensors({{{"latent_tensor", kLatent}}, {}}).value();
  // float32(1 / 0.18215) is 5.489981..., times 1 to 4 in single precision.
  const float scale = 5.48998069763183594f;
  EXPECT_THAT(view<float>(parse_comfy_latent(bytes).value()).value(),
              ElementsAre(scale, 2 * scale, 3 * scale, 4 * scale));
}

TEST(ComfyLatentTest, RefusesOtherShapesAndFiles) {
  EXPECT_THAT(encode_comfy_latent({Dtype::kF16, {1, 4, 1, 1}, {}}).error().message,
              HasSubstr("wanted F32"));
  EXPECT_THAT(encode_comfy_latent({Dtype::kF32, {4, 1, 1}, {}}).error().message,
              HasSubstr("3 dimensions"));
  EXPECT_THAT(parse_comfy_latent(corpus_file("safetensors/f32.safetensors")).error().message,
              HasSubstr("latent_tensor"));
}

}  // namespace
}  // namespace calx::format
