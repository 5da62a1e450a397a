// Writes the sample receipt that every build verifies: two toy pictures and receipt.json.
//
//     make_sample_receipt tests/receipts/sample
//
// The key is a test key that everybody knows (32 bytes of 01); the model is the toy of
// calx/receipt/example_receipt.h.
#include <cstdio>
#include <filesystem>

#include "calx/base/atomic_file.h"
#include "calx/format/png.h"
#include "calx/receipt/example_receipt.h"

namespace calx::receipt {
namespace {

Result<void> write_sample(const std::filesystem::path& folder) {
  auto made = example::make({.first_index = 4, .count = 2, .neighbours = 6});
  CALX_TRY(sign(made.receipt, example::key()));
  for (std::size_t i = 0; i < made.images.size(); ++i) {
    CALX_ASSIGN(one, only_image(made.receipt, made.receipt.images[i].index));
    CALX_TRY(sign(one, example::key()));
    CALX_ASSIGN(text, encode_canonical(one));
    const format::PngText inside{.keyword = std::string(format::kPngReceiptKeyword),
                                 .text = text,
                                 .chunk = format::PngChunk::kInternational};
    CALX_ASSIGN(png, format::encode_png(made.images[i], std::span(&inside, 1)));
    CALX_TRY(write_file(folder / made.receipt.images[i].file, png));
  }
  CALX_ASSIGN(pretty, encode_pretty(made.receipt));
  return write_file(folder / "receipt.json", pretty);
}

}  // namespace
}  // namespace calx::receipt

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: make_sample_receipt FOLDER\n", stderr);
    return 2;
  }
  const auto written = calx::receipt::write_sample(argv[1]);
  if (written) return 0;
  std::fprintf(stderr, "make_sample_receipt: %s\n", written.error().message.c_str());
  return 1;
}
