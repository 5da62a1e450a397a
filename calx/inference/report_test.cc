// Goal: a report says the same in all three forms, and a bad one leaves no file.
// Method: one small report with every kind of part; law and fault tests on the texts.
#include "calx/inference/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace calx::inference {
namespace {

using testing::HasSubstr;
using testing::Not;

Report small_report() {
  Report report;
  report.name = "small";
  report.title = "A small report";
  report.summary = "Does it hold?";
  report.facts = {{"seed", "42"}};
  report.answers = {{Verdict::kHolds, "cosine .9957, bar .9906"},
                    {Verdict::kNotJudged, "no MNIST was found"}};
  report.tables = {{"Rows", "Raw cosine.", {"row", "cos|raw"}, {{"k = 16", ".9957"}, {"short"}}}};
  report.charts = {
      {.title = "Rank", .x_label = "k", .y_label = "cosine", .series = {{"rrr", {1, 2}, {3, 4}}}}};
  report.pictures = {{"Digits\nfour", {2, 2, 1, {0, 80, 160, 255}}}};
  return report;
}

std::filesystem::path fresh_folder(const char* name) {
  const auto folder = std::filesystem::temp_directory_path() /
                      (std::string("calx-report-") + name + std::to_string(::getpid()));
  std::filesystem::remove_all(folder);
  return folder;
}

TEST(ReportTest, SaysTheSameInAllThreeForms) {
  const Report report = small_report();
  const auto json = render_json(report);
  const auto page = render_page(report);
  ASSERT_TRUE(json && page);
  for (const std::string& text : {render_markdown(report), *json, *page}) {
    EXPECT_THAT(text, HasSubstr("cosine .9957, bar .9906"));
    EXPECT_THAT(text, HasSubstr("not judged"));
    EXPECT_THAT(text, HasSubstr("k = 16"));
  }
  EXPECT_THAT(*page, HasSubstr("data:image/png;base64,"));
  EXPECT_THAT(*page, HasSubstr("<svg"));
}

TEST(ReportTest, KeepsABarInsideItsCell) {
  EXPECT_THAT(render_markdown(small_report()), HasSubstr("| row | cos\\|raw |"));
}

TEST(ReportTest, FillsAShortRowWithBlankCells) {
  EXPECT_THAT(render_markdown(small_report()), HasSubstr("| short |  |"));
}

TEST(ReportTest, HoldsUnlessABarWasMissed) {
  Report report = small_report();
  EXPECT_TRUE(report.holds());
  report.answers.push_back({Verdict::kMissed, "R2 .90, bar .97"});
  EXPECT_FALSE(report.holds());
  EXPECT_THAT(render_markdown(report), HasSubstr("**MISSED**: R2 .90"));
}

TEST(ReportTest, WritesThreeFiles) {
  const auto folder = fresh_folder("three");
  const auto files = write_report(small_report(), folder / "deeper");
  ASSERT_TRUE(files) << files.error().message;
  for (const auto& path : {files->json, files->markdown, files->page}) {
    EXPECT_GT(std::filesystem::file_size(path), 100u) << path;
  }
  std::filesystem::remove_all(folder);
}

TEST(ReportTest, RefusesANameThatIsAPathOrAPictureOfNoSize) {
  const auto folder = fresh_folder("bad");
  Report report = small_report();
  report.name = "../out";
  auto files = write_report(report, folder);
  ASSERT_FALSE(files);
  EXPECT_THAT(files.error().message, HasSubstr("../out"));
  report = small_report();
  report.pictures[0].image.pixels.clear();
  files = write_report(report, folder);
  ASSERT_FALSE(files);
  EXPECT_FALSE(std::filesystem::exists(folder));
}

}  // namespace
}  // namespace calx::inference
