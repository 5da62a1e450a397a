// Goal: a receipt that was made on x86-64 verifies on every architecture and in every later
// version. Method: parity: the committed sample (tests/receipts/sample), its pictures and its toy
// network.
#include <gtest/gtest.h>

#include <filesystem>

#include "calx/base/atomic_file.h"
#include "calx/format/png.h"
#include "calx/receipt/example_receipt.h"

namespace calx::receipt {
namespace {

const std::filesystem::path kSample =
    std::filesystem::path(CALX_SOURCE_DIR) / "tests" / "receipts" / "sample";

std::string text_of(const std::filesystem::path& path) {
  const auto bytes = read_file(path, kReceiptBytesMax);
  EXPECT_TRUE(bytes) << bytes.error().message;
  return {bytes->begin(), bytes->end()};
}

VerifyOptions with_pictures() {
  VerifyOptions options;
  options.pictures = [](const ReceiptImage& image) -> Result<format::Image> {
    CALX_ASSIGN(bytes, read_file(kSample / image.file, kReceiptBytesMax));
    CALX_ASSIGN(png, format::parse_png(bytes));
    return png.image;
  };
  return options;
}

TEST(SampleReceiptTest, HoldsInEverythingButPixelsWithoutTheNetwork) {
  VerifyOptions options = with_pictures();
  options.key = example::key().public_key();
  const auto report = verify(text_of(kSample / "receipt.json"), options);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->verdict(), "What was checked holds; not checked: pixels.")
      << example::lines(*report);
}

TEST(SampleReceiptTest, HoldsInEverythingWithTheToyNetwork) {
  VerifyOptions options = with_pictures();
  example::ToyRegenerator toy;
  options.regenerator = &toy;
  const auto report = verify(text_of(kSample / "receipt.json"), options);
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->failed() || report->unchecked()) << example::lines(*report);
}

TEST(SampleReceiptTest, EachPictureCarriesItsOwnReceipt) {
  for (const char* file : {"toy-4.png", "toy-5.png"}) {
    const auto png = format::parse_png(*read_file(kSample / file, kReceiptBytesMax));
    ASSERT_TRUE(png);
    const std::string* inside = format::find_text(*png, format::kPngReceiptKeyword);
    ASSERT_NE(inside, nullptr);
    const auto report = verify(*inside, with_pictures());
    ASSERT_TRUE(report);
    EXPECT_FALSE(report->failed()) << example::lines(*report);
    EXPECT_EQ(report->receipt->images.size(), 1u);
  }
}

TEST(SampleReceiptTest, MadeHereAgainItIsTheSameReceipt) {
  const auto made = example::make({.first_index = 4, .count = 2, .neighbours = 6});
  EXPECT_EQ(*encode_pretty(made.receipt), text_of(kSample / "receipt.json"));
}

}  // namespace
}  // namespace calx::receipt
