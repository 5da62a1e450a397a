// Goal: a request becomes files that verify to the last pixel, can be broken off and taken up
// again, and any image alone is the image in the batch. Method: a small network and little work;
// receipts checked by receipt::verify() with this layer's regenerator; files removed and damaged;
// provoked errors.
#include "calx/diffusion/imagine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <mutex>

#include "calx/base/atomic_file.h"
#include "calx/diffusion/example_network.h"
#include "calx/diffusion/image_maker.h"
#include "calx/diffusion/image_page.h"
#include "calx/diffusion/model_file.h"
#include "calx/diffusion/regenerator.h"
#include "calx/format/png.h"
#include "calx/work/scanner_job_runner.h"

namespace calx::diffusion {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

fs::path fresh(const std::string& name) {
  // Tests run side by side, each in a process of its own.
  const auto path =
      fs::path(testing::TempDir()) / ("calx-imagine-" + std::to_string(::getpid()) + "-" + name);
  fs::remove_all(path);
  return path;
}

// The example network as a model of the store, in a folder that lives as long as the tests.
const fs::path& store() {
  static const fs::path path = [] {
    const auto root = fresh("models");
    fs::create_directories(root / "example");
    const auto bytes = encode_model({example_config(), example_parameters(), {}});
    EXPECT_TRUE(write_file(root / "example/example.safetensors", *bytes));
    return root;
  }();
  return path;
}

Model model() { return std::move(*open_model("example", std::span(&store(), 1))); }

const receipt::SigningKey& key() {
  static const auto key = std::move(*receipt::SigningKey::from_secret({1, 2, 3}));
  return key;
}

ImagineRequest request(const fs::path& folder, std::uint32_t count = 3) {
  ImagineRequest request;
  request.folder = folder;
  request.class_index = 7;
  request.steps = 3;
  request.count = count;
  request.seed = *noise::Seed::from_text("hello");
  request.target = *work::Target::from_work_bits(8);
  request.software = "calx test";
  return request;
}

Result<ImagineReport> make_with(work::Stamper& stamper, const ImagineRequest& request,
                                const ImagineObserver& observer = {},
                                const std::stop_token& stop = {}) {
  const ImagineServices services{&stamper, &key()};
  const auto opened = model();
  return imagine(opened, request, services, observer, stop);
}

Result<ImagineReport> make(const ImagineRequest& request, const ImagineObserver& observer = {},
                           const std::stop_token& stop = {}) {
  work::RunnerStamper stamper(work::software_runner());
  return make_with(stamper, request, observer, stop);
}

// Gives no stamp before it is let go, and none after half a minute.
class SlowStamper final : public work::Stamper {
 public:
  Result<work::StampedRequest> stamp(const hash::Digest& commitment, const work::Target& target,
                                     work::Deadline deadline, std::stop_token stop) override {
    std::unique_lock lock(mutex_);
    const bool free =
        changed_.wait_for(lock, stop, std::chrono::seconds(30), [&] { return free_; });
    if (stop.stop_requested()) return fail(ErrorCode::kCancelled, "stopped");
    if (!free) return fail(ErrorCode::kDeadlineExceeded, "nobody let the stamp go");
    return honest_.stamp(commitment, target, deadline, stop);
  }
  void let_go() {
    const std::scoped_lock lock(mutex_);
    free_ = true;
    changed_.notify_all();
  }

 private:
  work::RunnerStamper honest_{work::software_runner()};
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool free_ = false;
};

// Has none to give.
class RefusingStamper final : public work::Stamper {
  Result<work::StampedRequest> stamp(const hash::Digest&, const work::Target&, work::Deadline,
                                     std::stop_token) override {
    return fail(ErrorCode::kUnavailable, "no miner is here");
  }
};

std::string text_of(const fs::path& path) {
  const auto bytes = read_file(path, 1 << 26);
  EXPECT_TRUE(bytes) << path;
  return bytes ? std::string(bytes->begin(), bytes->end()) : std::string();
}

format::Png png_of(const fs::path& path) {
  const auto bytes = read_file(path, 1 << 26);
  EXPECT_TRUE(bytes) << path;
  return std::move(*format::parse_png(*bytes));
}

receipt::Report verified(const std::string& text, const fs::path& folder,
                         std::optional<receipt::SeedOpening> opening = {}) {
  ModelRegenerator regenerator({store()}, 2);
  receipt::VerifyOptions options;
  options.opening = std::move(opening);
  options.regenerator = &regenerator;
  options.pictures = [&](const receipt::ReceiptImage& image) -> Result<format::Image> {
    return png_of(folder / image.file).image;
  };
  return std::move(*receipt::verify(text, options));
}

TEST(ImagineTest, ReceiptOfABatchVerifiesToTheLastPixel) {
  const auto folder = fresh("batch");
  const auto report = make(request(folder));
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report->complete);
  EXPECT_EQ(report->made, 3U);
  EXPECT_EQ(report->work_origin, "software");
  EXPECT_FALSE(report->checks.failed());
  const auto checks = verified(text_of(report->receipt), folder);
  EXPECT_FALSE(checks.failed()) << checks.verdict();
  EXPECT_FALSE(checks.unchecked()) << checks.verdict();
  EXPECT_GT(png_of(report->grid).image.width, 64U);
  EXPECT_THAT(text_of(report->page), HasSubstr("digit-7-00002.png"));
}

TEST(ImagineTest, EveryPictureCarriesItsOwnReceiptAndParameters) {
  const auto folder = fresh("inside");
  const auto report = make(request(folder));
  ASSERT_TRUE(report);
  for (const auto& path : report->images) {
    const auto png = png_of(path);
    const auto* text = format::find_text(png, format::kPngReceiptKeyword);
    ASSERT_NE(text, nullptr);
    const auto checks = verified(*text, folder);
    EXPECT_FALSE(checks.failed() || checks.unchecked()) << checks.verdict();
    const auto* parameters = format::find_text(png, format::kPngParametersKeyword);
    ASSERT_NE(parameters, nullptr);
    EXPECT_THAT(*parameters, HasSubstr("Steps: 3, Sampler: DPM++ 2M, CFG scale: 1.5, Seed: 0x"));
  }
}

TEST(ImagineTest, PictureThatWasSwappedFailsThePixelCheck) {
  const auto folder = fresh("swapped");
  const auto report = make(request(folder));
  ASSERT_TRUE(report);
  fs::copy_file(report->images[0], report->images[1], fs::copy_options::overwrite_existing);
  EXPECT_TRUE(verified(text_of(report->receipt), folder).failed());
}

TEST(ImagineTest, ImageAloneIsTheImageOfTheBatchAtAnyThreadCount) {
  const auto batch = make(request(fresh("together"), 4));
  auto single = request(fresh("alone"), 1);
  single.first_index = 2;
  auto threaded = request(fresh("threads"), 4);
  threaded.threads = 3;
  const auto alone = make(single), many = make(threaded);
  ASSERT_TRUE(batch && alone && many);
  EXPECT_EQ(png_of(alone->images[0]).image, png_of(batch->images[2]).image);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(png_of(many->images[i]).image, png_of(batch->images[i]).image);
  }
  EXPECT_NE(png_of(batch->images[0]).image, png_of(batch->images[1]).image);
}

TEST(ImagineTest, RemakesOneImageFromTheReceipt) {
  const auto report = make(request(fresh("remake")));
  const auto receipt = receipt::parse_receipt(text_of(report->receipt));
  const auto opened = model();
  const auto remade = remake(opened, *receipt, 1, {}, fresh("remade"), 1, {});
  ASSERT_TRUE(remade) << remade.error().message;
  EXPECT_TRUE(remade->listed && remade->same);
  EXPECT_EQ(png_of(remade->image).image, png_of(report->images[1]).image);
  EXPECT_THAT(remake(opened, *receipt, 3, {}, fresh("remade"), 1, {}).error().message,
              HasSubstr("images 0 to 2"));
}

TEST(ImagineTest, StampedSeedsTakeTheStampAndPlainOnesDoNot) {
  const auto plain = make(request(fresh("plain"), 1));
  const auto again = make(request(fresh("plain-2"), 1));
  auto stamped = request(fresh("stamped"), 1);
  stamped.mode = receipt::SeedMode::kStamped;
  const auto one = make(stamped);
  stamped.folder = fresh("stamped-2");
  const auto two = make(stamped);  // another leaf salt, hence another stamp
  ASSERT_TRUE(plain && again && one && two);
  EXPECT_EQ(png_of(plain->images[0]).image, png_of(again->images[0]).image);
  EXPECT_NE(png_of(one->images[0]).image, png_of(two->images[0]).image);
  const auto checks = verified(text_of(one->receipt), one->receipt.parent_path());
  EXPECT_FALSE(checks.failed() || checks.unchecked()) << checks.verdict();
}

TEST(ImagineTest, PrivateSeedStaysOutOfEveryFileButTheOwners) {
  const auto folder = fresh("private");
  auto secret = request(folder, 2);
  secret.private_seed = true;
  secret.seed = *noise::Seed::from_text("wholly secret words");
  const auto report = make(secret);
  ASSERT_TRUE(report) << report.error().message;
  ASSERT_TRUE(report->opening);
  for (const auto& entry : fs::directory_iterator(folder)) {
    const bool own = entry.path() == *report->opening;
    EXPECT_EQ(text_of(entry.path()).find("wholly secret") != std::string::npos, own) << entry;
  }
  EXPECT_EQ(fs::status(*report->opening).permissions(), fs::perms(0600));
  EXPECT_TRUE(verified(text_of(report->receipt), folder).unchecked());
  const auto again = make(secret);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->kept, 2U);
}

TEST(ImagineTest, SeededImagesAreMadeWhileTheStampIsSearched) {
  const auto folder = fresh("slow-seeded");
  SlowStamper slow;
  const auto report = make_with(slow, request(folder, 3), [&](const ImagineProgress& now) {
    if (now.waiting != 3) return;
    EXPECT_TRUE(fs::is_empty(folder)) << "a file without its stamp";
    slow.let_go();  // only after all images are made
  });
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report->complete);
  EXPECT_EQ(report->made, 3U);
  const auto checks = verified(text_of(report->receipt), folder);
  EXPECT_FALSE(checks.failed() || checks.unchecked()) << checks.verdict();
  const auto plain = make(request(fresh("quick-seeded"), 3));
  EXPECT_EQ(png_of(report->images[2]).image, png_of(plain->images[2]).image);
}

TEST(ImagineTest, StampedImagesWaitForTheStamp) {
  SlowStamper slow;
  auto stamped = request(fresh("slow-stamped"), 2);
  stamped.mode = receipt::SeedMode::kStamped;
  bool searched = false;
  const auto report = make_with(slow, stamped, [&](const ImagineProgress& now) {
    EXPECT_EQ(now.waiting, 0U);
    if (now.stamping) slow.let_go();
    EXPECT_TRUE(now.stamping || searched) << "an image before its stamp";
    searched = true;
  });
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->made, 2U);
}

TEST(ImagineTest, WithoutAStampNoImageIsLeft) {
  const auto folder = fresh("no-stamp");
  RefusingStamper refusing;
  const auto refused = make_with(refusing, request(folder, 50));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "no miner is here");
  EXPECT_TRUE(fs::is_empty(folder));
  SlowStamper slow;
  std::stop_source stop;
  const auto stop_at_the_end = [&](const ImagineProgress& now) {
    if (now.stamping) stop.request_stop();  // all images wait for the stamp
  };
  const auto stopped = make_with(slow, request(folder, 2), stop_at_the_end, stop.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
  EXPECT_TRUE(fs::is_empty(folder));
}

TEST(ImagineTest, StopLeavesValidFilesAndTheSameCommandGoesOn) {
  for (const auto mode : {receipt::SeedMode::kSeeded, receipt::SeedMode::kStamped}) {
    const auto folder = fresh("stopped");
    auto wanted = request(folder, 5);
    wanted.mode = mode;
    std::stop_source stop;
    const auto stop_after_two = [&](const ImagineProgress& now) {
      if (now.done >= 2) stop.request_stop();
    };
    const auto first = make(wanted, stop_after_two, stop.get_token());
    ASSERT_TRUE(first) << first.error().message;
    // Images that waited for the stamp are written together.
    const auto left = static_cast<std::uint32_t>(first->images.size());
    EXPECT_GE(left, 2U);
    EXPECT_TRUE(left == 2 || mode == receipt::SeedMode::kSeeded) << left;
    EXPECT_EQ(first->complete, left == 5);
    EXPECT_FALSE(verified(text_of(first->receipt), folder).failed());
    const auto stamp = receipt::parse_receipt(text_of(first->receipt))->stamp;
    const auto second = make(wanted);
    ASSERT_TRUE(second);
    EXPECT_TRUE(second->complete);
    EXPECT_EQ(second->kept, left);
    EXPECT_EQ(second->made, 5 - left);
    EXPECT_EQ(receipt::parse_receipt(text_of(second->receipt))->stamp, stamp);
    const auto checks = verified(text_of(second->receipt), folder);
    EXPECT_FALSE(checks.failed() || checks.unchecked()) << checks.verdict();
  }
}

TEST(ImagineTest, DamagedPictureIsMadeAgain) {
  const auto folder = fresh("damaged");
  const auto first = make(request(folder));
  ASSERT_TRUE(first);
  const auto before = text_of(first->images[1]);
  ASSERT_TRUE(write_file(first->images[1], std::string_view("no picture")));
  const auto second = make(request(folder));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->made, 1U);
  EXPECT_EQ(text_of(second->images[1]), before);
}

TEST(ImagineTest, RefusesAFolderThatHoldsAnotherRequest) {
  const auto folder = fresh("other");
  ASSERT_TRUE(make(request(folder)));
  const auto before = text_of(folder / "receipt.json");
  auto other = request(folder);
  other.class_index = 3;
  EXPECT_THAT(make(other).error().message, HasSubstr("belongs to another request"));
  other = request(folder);
  other.target = *work::Target::from_work_bits(9);
  EXPECT_THAT(make(other).error().message, HasSubstr("belongs to another request"));
  EXPECT_EQ(text_of(folder / "receipt.json"), before);
}

TEST(ImagineTest, BadRequestsEndInOneSentenceAndLeaveNoFolder) {
  const auto folder = fresh("bad");
  const auto error_of = [&](auto change) {
    auto changed = request(folder);
    change(changed);
    return make(changed).error().message;
  };
  EXPECT_THAT(error_of([](auto& r) { r.class_index = 10; }), HasSubstr("class 10"));
  EXPECT_THAT(error_of([](auto& r) { r.class_index = -1; }), HasSubstr("class -1"));
  EXPECT_THAT(error_of([](auto& r) { r.steps = 0; }), HasSubstr("steps 0"));
  EXPECT_THAT(error_of([](auto& r) { r.count = 0; }), HasSubstr("count"));
  EXPECT_THAT(error_of([](auto& r) { r.count = 1'000'000'000; }), HasSubstr("count"));
  EXPECT_THAT(error_of([](auto& r) { r.guidance = -1; }), HasSubstr("guidance -1"));
  EXPECT_THAT(error_of([](auto& r) { r.sampler = "none"; }), HasSubstr("sampler none"));
  EXPECT_FALSE(fs::exists(folder));
  EXPECT_FALSE(make(request("/proc/nowhere")));
}

TEST(ImagineTest, ModelsAreFoundByNameByPathAndByDigest) {
  const auto folders = std::span(&store(), 1);
  const auto opened = model();
  EXPECT_TRUE(open_model(opened.path.string(), folders));
  EXPECT_TRUE(open_model(opened.digest, folders));
  EXPECT_THAT(open_model("other", folders).error().message, HasSubstr("wanted one of example"));
  EXPECT_EQ(open_model(hash::Digest{}, folders).error().code, ErrorCode::kNotFound);
  const auto damaged = fresh("damaged-model");
  fs::create_directories(damaged);
  auto bytes = *read_file(opened.path, 1 << 26);
  bytes[bytes.size() / 2] ^= 1U;
  ASSERT_TRUE(write_file(damaged / "bad.safetensors", bytes));
  EXPECT_THAT(open_model((damaged / "bad.safetensors").string(), folders).error().message,
              HasSubstr("is damaged"));
}

TEST(ImagineTest, StoppedBatchOfImagesHandsOverWhatIsDone) {
  const auto network = example_network();
  const ImageRecipe recipe{&samplers()[0], 1, 1.0F, 2};
  std::vector<receipt::WantedImage> wanted(5);
  for (std::uint64_t i = 0; i < 5; ++i) wanted[i].index = i;
  std::stop_source stop;
  int taken = 0;
  const auto sink = [&](MadeImage&&) -> Result<void> {
    if (++taken == 2) stop.request_stop();
    return {};
  };
  EXPECT_EQ(make_images(network, recipe, wanted, 1, sink, stop.get_token()).error().code,
            ErrorCode::kCancelled);
  EXPECT_EQ(taken, 2);
  const auto refuse = [](MadeImage&&) -> Result<void> {
    return fail(ErrorCode::kResourceExhausted, "full");
  };
  EXPECT_EQ(make_images(network, recipe, wanted, 2, refuse, {}).error().message, "full");
}

}  // namespace
}  // namespace calx::diffusion
