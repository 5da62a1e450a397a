// Goal: an honest receipt passes every check, and each check fails for its own reason alone.
// Method: law (1,000 honest receipts over every kind of seed, mode and tree), faults (one claim
// wrong at a time, signed again by the same key), the pixel bound on both sides.
#include "calx/receipt/verify.h"

#include <gmock/gmock.h>

#include "calx/receipt/example_receipt.h"

namespace calx::receipt {
namespace {

using example::lines;
using example::Made;
using example::Order;
using example::ToyRegenerator;
using example::verdict_of;

Report verified(const Receipt& receipt, const VerifyOptions& options) {
  return *verify(*encode_canonical(receipt), options);
}

// Changes an honest receipt, signs it again with the same key, verifies it with everything at hand.
template <class Change>
Report changed(Change&& change, const Order& order = {}) {
  Made made = example::make(order);
  ToyRegenerator toy;
  const VerifyOptions options = made.options(toy);
  Receipt receipt = made.receipt;
  change(receipt);
  EXPECT_TRUE(sign(receipt, example::key()));
  return verified(receipt, options);
}

std::vector<std::string> failures(const Report& report) {
  std::vector<std::string> names;
  for (const Check& check : report.checks) {
    if (check.verdict == Verdict::kFail) names.push_back(check.name);
  }
  return names;
}

TEST(VerifyTest, AThousandHonestReceiptsPass) {
  ToyRegenerator toy;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    Order order{
        .first_index = i * 7919ull, .count = 1 + i % 3, .class_index = i % 10, .neighbours = i % 5};
    switch (i % 4) {
      case 0:
        order.seed = *noise::Seed::from_text("seed " + std::to_string(i));
        break;
      case 1:
        order.seed = noise::Seed::from_integer(std::int64_t{i} - 500);
        break;
      case 2:
        order.seed = noise::Seed::from_bytes(hash::Sha256().update_u32(i).finish());
        break;
      default:
        order.private_salt = hash::Sha256().update_u32(i).finish();
        break;
    }
    if (i % 8 >= 4) order.mode = SeedMode::kStamped;
    const Made made = example::make(order);
    VerifyOptions options = made.options(toy);
    options.key = example::key().public_key();
    if (order.private_salt) {
      options.opening = SeedOpening{.seed = order.seed, .salt = *order.private_salt};
    }
    const Report report = verified(made.receipt, options);
    ASSERT_FALSE(report.failed() || report.unchecked()) << i << "\n" << lines(report);
    ASSERT_EQ(report.checks.size(), std::size(kCheckNames));
    ASSERT_EQ(report.verdict(), "Everything in this receipt holds.");
  }
}

TEST(VerifyTest, WithoutTheNetworkPixelsAreNotChecked) {
  const Made made = example::make();
  ToyRegenerator toy;
  VerifyOptions options = made.options(toy);
  options.regenerator = nullptr;
  options.no_pixels_reason = "--without-pixels";
  const Report report = verified(made.receipt, options);
  EXPECT_FALSE(report.failed());
  EXPECT_TRUE(report.unchecked());
  EXPECT_EQ(report.checks.back().sentence, "pixels were not regenerated here: --without-pixels");
  EXPECT_EQ(report.verdict(), "What was checked holds; not checked: pixels.");
}

TEST(VerifyTest, AnotherSignerFailsThePinAlone) {
  const Made made = example::make({}, example::key(2));
  ToyRegenerator toy;
  VerifyOptions options = made.options(toy);
  EXPECT_FALSE(verified(made.receipt, options).failed());
  options.key = example::key(1).public_key();
  EXPECT_EQ(failures(verified(made.receipt, options)), std::vector<std::string>{"key"});
}

TEST(VerifyTest, EachFalseClaimFailsItsOwnCheck) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(failures(changed([](Receipt&) {})), Names{});
  EXPECT_EQ(failures(changed([](Receipt& r) { r.request.count = 3; })), Names{"commitment"});
  EXPECT_EQ(failures(changed([](Receipt& r) {
              r.request.count = 3;
              r.commitment = *commitment(r.request);
            })),
            Names{"tree path"});
  EXPECT_EQ(failures(changed([](Receipt& r) { r.path.salt[0] ^= 1; })), Names{"tree path"});
  EXPECT_EQ(failures(changed([](Receipt& r) { ++r.stamp.nonce; })), Names{"stamp"});
  EXPECT_EQ(failures(changed([](Receipt& r) { (*r.images[1].seed)[0] ^= 1; })), Names{"seeds"});
  EXPECT_EQ(failures(changed([](Receipt& r) { r.images[1].latent.digest[0] ^= 1; })),
            (Names{"latents", "pixels"}));
  EXPECT_EQ(failures(changed([](Receipt& r) { r.images[1].pixels.digest[0] ^= 1; })),
            Names{"pictures"});
}

TEST(VerifyTest, AStampChosenAmongSeveralIsFoundOut) {
  // Search on from the lowest nonce to the next one that meets the target.
  const Report report = changed([](Receipt& receipt) {
    const work::Job job = work::template_job(
        work::stamp_payload(receipt.stamp.target, receipt.stamp.leaves, receipt.stamp.root),
        receipt.stamp.target);
    work::Share share{.extranonce_1 = receipt.stamp.extranonce_1,
                      .extranonce_2 = receipt.stamp.extranonce_2,
                      .ntime = receipt.stamp.ntime,
                      .nonce = receipt.stamp.nonce + 1};
    while (work::check_share(job, share).verdict != work::ShareVerdict::kAccepted) ++share.nonce;
    receipt.stamp.nonce = share.nonce;
    receipt.stamp.hash = work::check_share(job, share).hash;
  });
  EXPECT_EQ(failures(report), std::vector<std::string>{"lowest"});
  EXPECT_EQ(verdict_of(report, "stamp"), Verdict::kPass);
}

TEST(VerifyTest, WorkOfASoftwareSignerUsesTheTemplate) {
  const Report report = changed([](Receipt& receipt) {
    receipt.stamp.extranonce_1[0] = 1;  // a field that the template fixes, with the work redone
    work::Job job = work::template_job(
        work::stamp_payload(receipt.stamp.target, receipt.stamp.leaves, receipt.stamp.root),
        receipt.stamp.target);
    work::Share share{.extranonce_1 = receipt.stamp.extranonce_1,
                      .extranonce_2 = receipt.stamp.extranonce_2,
                      .ntime = receipt.stamp.ntime};
    while (work::check_share(job, share).verdict != work::ShareVerdict::kAccepted) ++share.nonce;
    receipt.stamp.nonce = share.nonce;
    receipt.stamp.hash = work::check_share(job, share).hash;
  });
  EXPECT_EQ(failures(report), std::vector<std::string>{"lowest"});
}

TEST(VerifyTest, AMinerPromisesNoLowestNonce) {
  const Report report = changed([](Receipt& r) { r.stamp.origin = Origin::kDevice; });
  EXPECT_FALSE(report.failed() || report.unchecked());
  EXPECT_EQ(verdict_of(report, "lowest"), std::nullopt);
  EXPECT_THAT(lines(report), testing::HasSubstr("256 hashes expected (signer says: device)"));
}

TEST(VerifyTest, MoreWorkThanCanBeSearchedAgainIsNotChecked) {
  const Report report = changed([](Receipt& receipt) {
    work::Stamp& stamp = receipt.stamp;
    stamp.target = *work::Target::from_work_bits(23);
    stamp.nonce = 0x00a4cdca;  // found once by the search that this test spares
    const work::Job job = work::template_job(
        work::stamp_payload(stamp.target, stamp.leaves, stamp.root), stamp.target);
    stamp.hash = work::check_share(job, {.extranonce_1 = stamp.extranonce_1,
                                         .extranonce_2 = stamp.extranonce_2,
                                         .ntime = stamp.ntime,
                                         .nonce = stamp.nonce})
                     .hash;
  });
  EXPECT_FALSE(report.failed()) << lines(report);
  EXPECT_EQ(report.verdict(), "What was checked holds; not checked: lowest.");
  EXPECT_THAT(lines(report), testing::HasSubstr("minimality not checked"));
}

TEST(VerifyTest, StampedSeedsFollowTheStamp) {
  const Order order{.mode = SeedMode::kStamped};
  EXPECT_FALSE(changed([](Receipt&) {}, order).failed());
  const Report broken = changed([](Receipt& r) { ++r.stamp.nonce; }, order);
  EXPECT_EQ(verdict_of(broken, "stamp"), Verdict::kFail);
  EXPECT_EQ(verdict_of(broken, "seeds"), Verdict::kNotChecked);
  EXPECT_EQ(verdict_of(broken, "latents"), Verdict::kNotChecked);
}

TEST(VerifyTest, APrivateSeedIsCheckedOnlyWhenItIsShown) {
  const Order order{.private_salt = hash::Digest{7}};
  const Made made = example::make(order);
  ToyRegenerator toy;
  VerifyOptions options = made.options(toy);
  Report report = verified(made.receipt, options);
  EXPECT_FALSE(report.failed()) << lines(report);
  EXPECT_EQ(report.verdict(), "What was checked holds; not checked: seeds, latents, pixels.");

  options.opening = SeedOpening{.seed = order.seed, .salt = *order.private_salt};
  report = verified(made.receipt, options);
  EXPECT_FALSE(report.failed() || report.unchecked()) << lines(report);

  options.opening->salt[0] ^= 1;
  EXPECT_EQ(verdict_of(verified(made.receipt, options), "seeds"), Verdict::kFail);
  options.opening =
      SeedOpening{.seed = *noise::Seed::from_text("other"), .salt = *order.private_salt};
  EXPECT_EQ(verdict_of(verified(made.receipt, options), "seeds"), Verdict::kFail);
}

TEST(VerifyTest, AnOpeningForAnOpenSeedIsAMistakeOfTheCaller) {
  VerifyOptions options;
  options.opening = SeedOpening{.seed = *noise::Seed::from_text("hello"), .salt = {}};
  const auto report = verify(*encode_canonical(example::make().receipt), options);
  EXPECT_EQ(report.error().code, ErrorCode::kInvalidArgument);
}

TEST(VerifyTest, PicturesAreComparedWithTheirDigests) {
  Made made = example::make();
  ToyRegenerator toy;
  made.images[1].pixels[5] ^= 1;
  EXPECT_EQ(failures(verified(made.receipt, made.options(toy))),
            std::vector<std::string>{"pictures"});

  VerifyOptions options = made.options(toy);
  options.pictures = [](const ReceiptImage& image) -> Result<format::Image> {
    return fail(ErrorCode::kNotFound, "there is no " + image.file);
  };
  const Report missing = verified(made.receipt, options);
  EXPECT_FALSE(missing.failed());
  EXPECT_EQ(verdict_of(missing, "pictures"), Verdict::kNotChecked);
  EXPECT_THAT(lines(missing), testing::HasSubstr("0 of 2 pictures here: there is no toy-0.png"));
  EXPECT_EQ(verdict_of(missing, "pixels"), Verdict::kPass) << "the digests are in the receipt";
}

TEST(VerifyTest, PixelsOfAnotherMachineStayWithinTheBoundOrFail) {
  const Made made = example::make();
  ToyRegenerator toy;
  toy.drift = 1;
  Report report = verified(made.receipt, made.options(toy));
  EXPECT_EQ(verdict_of(report, "pixels"), Verdict::kPass) << lines(report);
  EXPECT_THAT(lines(report), testing::HasSubstr("(allowed 0.25, 16)"));
  toy.drift = 2;
  report = verified(made.receipt, made.options(toy));
  EXPECT_EQ(failures(report), std::vector<std::string>{"pixels"});
}

TEST(VerifyTest, TheBoundIsOnTheMeanAndOnTheGreatestDifference) {
  format::Image a{.width = 8, .height = 8, .channels = 1, .pixels = {}};
  a.pixels.assign(64, 100);
  format::Image b = a;
  b.pixels[3] = 116;
  EXPECT_TRUE(pixel_difference(a, b)->within_bound());
  EXPECT_EQ(pixel_difference(a, b)->greatest, 16u);
  EXPECT_DOUBLE_EQ(pixel_difference(a, b)->mean, 0.25);
  b.pixels[3] = 117;
  EXPECT_FALSE(pixel_difference(a, b)->within_bound());
  b.pixels.assign(64, 100);
  for (std::size_t i = 0; i < 16; ++i) b.pixels[i] = 101;
  EXPECT_TRUE(pixel_difference(a, b)->within_bound());
  b.pixels[0] = 102;
  EXPECT_FALSE(pixel_difference(a, b)->within_bound());
  b.width = 16;
  EXPECT_EQ(pixel_difference(a, b).error().code, ErrorCode::kInvalidArgument);
}

class RefusingRegenerator final : public PixelRegenerator {
 public:
  explicit RefusingRegenerator(ErrorCode code) : code_(code) {}
  Result<std::vector<RegeneratedImage>> regenerate(const Identity&, std::span<const WantedImage>,
                                                   std::stop_token) override {
    return fail(code_, "no model of this digest here");
  }

 private:
  ErrorCode code_;
};

TEST(VerifyTest, AModelThatIsNotHereLeavesPixelsUnchecked) {
  const Made made = example::make();
  RefusingRegenerator absent(ErrorCode::kNotFound);
  const Report report = verified(made.receipt, made.options(absent));
  EXPECT_EQ(verdict_of(report, "pixels"), Verdict::kNotChecked);
  EXPECT_THAT(lines(report), testing::HasSubstr("no model of this digest here"));
  RefusingRegenerator stopped(ErrorCode::kCancelled);
  EXPECT_EQ(verify(*encode_canonical(made.receipt), made.options(stopped)).error().code,
            ErrorCode::kCancelled);
}

TEST(VerifyTest, ATextThatIsNoReceiptFailsInFormatAlone) {
  const Report report = *verify("{\"format\":\"calx-receipt-9\"}", {});
  ASSERT_EQ(report.checks.size(), 1u);
  EXPECT_EQ(report.checks[0].name, "format");
  EXPECT_EQ(report.format_error, ErrorCode::kUnimplemented);
  EXPECT_EQ(report.verdict(), "This receipt does not hold: format.");
}

}  // namespace
}  // namespace calx::receipt
