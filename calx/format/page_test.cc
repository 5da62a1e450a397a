// Goal: a page shows what it was given, loads nothing from elsewhere, and no text becomes markup.
// Method: vectors of RFC 4648, hostile texts in every place, and the balance of tags.
#include "calx/format/page.h"

#include <gmock/gmock.h>

#include <map>

#include "calx/format/corpus_test.h"

namespace calx::format {
namespace {

using testing::HasSubstr;
using testing::Not;

// RFC 4648 section 10.
TEST(PageTest, WritesBase64) {
  const std::map<std::string, std::string> vectors = {{"", ""},
                                                      {"f", "Zg=="},
                                                      {"fo", "Zm8="},
                                                      {"foo", "Zm9v"},
                                                      {"foob", "Zm9vYg=="},
                                                      {"fooba", "Zm9vYmE="},
                                                      {"foobar", "Zm9vYmFy"}};
  for (const auto& [text, want] : vectors) EXPECT_EQ(to_base64(to_bytes(text)), want);
  EXPECT_EQ(to_base64(std::vector<std::uint8_t>{0xfb, 0xff, 0xfe}), "+//+");
}

TEST(PageTest, EscapesMarkupControlsAndBrokenText) {
  EXPECT_EQ(escape_html("<a href=\"x\">&'</a>"),
            "&lt;a href=&quot;x&quot;&gt;&amp;&#39;&lt;/a&gt;");
  EXPECT_EQ(escape_html("a\x1b[31m\xff\u20ac"), "a\ufffd[31m\ufffd\u20ac");
}

Page hostile_page() {
  const std::string evil = "\"'><script>alert(1)</script>&";
  Page page(evil, evil);
  page.heading(evil);
  page.paragraph(evil);
  page.code(evil);
  page.key_values(std::vector<std::pair<std::string, std::string>>{{evil, evil}});
  page.table(std::vector<std::string>{evil}, std::vector<std::vector<std::string>>{{evil, evil}});
  page.checks(std::vector<PageCheck>{{PageMark::kFail, evil, evil}});
  page.gallery(std::vector<PageFigure>{{evil + "\n" + evil, {}, evil, evil}});
  page.chart({evil, evil, evil, {{evil, {1, 2}, {1, 2}, true}, {evil, {}, {}}}});
  return page;
}

TEST(PageTest, NoTextBecomesMarkup) {
  const std::string html = hostile_page().html();
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;"));
}

TEST(PageTest, EveryTagIsClosedInOrder) {
  const std::string html = hostile_page().html();
  std::vector<std::string> open;
  for (std::size_t at = 0; (at = html.find('<', at)) != std::string::npos;) {
    const std::size_t end = html.find('>', at);
    ASSERT_NE(end, std::string::npos);
    const std::string tag = html.substr(at + 1, end - at - 1);
    at = end + 1;
    const std::string name = tag.substr(0, tag.find(' '));
    if (tag.ends_with('/') || name == "!DOCTYPE" || name == "meta" || name == "img") continue;
    if (name.starts_with('/')) {
      ASSERT_FALSE(open.empty()) << tag;
      EXPECT_EQ("/" + open.back(), name);
      open.pop_back();
    } else {
      open.push_back(name);
    }
  }
  EXPECT_TRUE(open.empty());
}

TEST(PageTest, LinksStayBesideThePage) {
  Page page("t");
  page.gallery(std::vector<PageFigure>{{"a", {}, "//evil.example/a.png", "javascript:alert(1)"},
                                       {"b", {}, "img/7 of 16.png", "receipt.json"}});
  const std::string html = page.html();
  EXPECT_THAT(html, HasSubstr("src=\".///evil.example/a.png\""));
  EXPECT_THAT(html, HasSubstr("href=\"./javascript%3Aalert%281%29\""));
  EXPECT_THAT(html, HasSubstr("src=\"./img/7%20of%2016.png\""));
  EXPECT_THAT(html, HasSubstr("href=\"./receipt.json\""));
  EXPECT_THAT(html, Not(HasSubstr("http:")));
  EXPECT_THAT(html, Not(HasSubstr("https:")));
}

TEST(PageTest, PicturesCanLieInsideThePage) {
  Page page("t");
  const auto png = corpus_file("png/grey.png");
  page.gallery(std::vector<PageFigure>{{"first\nsecond", png, "", ""}});
  EXPECT_THAT(page.html(), HasSubstr("data:image/png;base64," + to_base64(png)));
  EXPECT_THAT(page.html(), HasSubstr("<b>first</b>second"));
}

TEST(PageTest, ChecksSayPassFailAndNotChecked) {
  Page page("t");
  page.checks(std::vector<PageCheck>{{PageMark::kPass, "signature", "ok"},
                                     {PageMark::kFail, "work", "too little"},
                                     {PageMark::kNotChecked, "pixels", "no model"}});
  const std::string html = page.html();
  EXPECT_LT(html.find(">pass<"), html.find(">FAIL<"));
  EXPECT_LT(html.find(">FAIL<"), html.find(">NOT CHECKED<"));
}

TEST(PageTest, ColumnsOfNumbersAreFlushRight) {
  Page page("t");
  page.table(std::vector<std::string>{"name", "FID"},
             std::vector<std::vector<std::string>>{{"7b", "3.21"}, {"plain", ""}, {"x"}});
  const std::string html = page.html();
  EXPECT_THAT(html, HasSubstr("<th>name</th><th class=\"n\">FID</th>"));
  EXPECT_THAT(html, HasSubstr("<td>7b</td><td class=\"n\">3.21</td>"));
  EXPECT_THAT(html, HasSubstr("<td>x</td><td class=\"n\"></td>"));
}

}  // namespace
}  // namespace calx::format
