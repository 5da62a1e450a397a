#include "calx/diffusion/imagine.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <future>
#include <map>
#include <thread>
#include <utility>

#include "calx/base/atomic_file.h"
#include "calx/base/hex.h"
#include "calx/diffusion/image_maker.h"
#include "calx/diffusion/image_page.h"
#include "calx/format/canonical_json.h"
#include "calx/format/png.h"
#include "calx/nn/threads.h"
#include "calx/work/stamp.h"

namespace calx::diffusion {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kPngBytesMax = 1 << 24;
constexpr auto kReceiptInterval = std::chrono::seconds(5);  // between rewrites during a run
constexpr const char* kReceiptName = "receipt.json";
constexpr const char* kOpeningName = "private-seed.json";

double since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// The seed's opening from an earlier run of the same request, or a fresh one.
Result<receipt::SeedOpening> open_private_seed(const fs::path& path, const noise::Seed& seed) {
  constexpr std::uint64_t kOpeningBytesMax = 1 << 16;
  receipt::SeedOpening opening{seed, receipt::random_digest()};
  const auto bytes = read_file(path, kOpeningBytesMax);
  if (bytes) {
    CALX_ASSIGN(json,
                format::parse_json({reinterpret_cast<const char*>(bytes->data()), bytes->size()}));
    CALX_ASSIGN(text, format::string_member(json, "seed", path.string()));
    CALX_ASSIGN(salt, format::string_member(json, "salt", path.string()));
    CALX_TRY(from_hex(salt, opening.salt));
    if (text == seed.to_string()) return opening;
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} belongs to another seed: name another folder", path.string()));
  }
  if (bytes.error().code != ErrorCode::kNotFound) return std::unexpected(bytes.error());
  format::Json json{{"seed", seed.to_string()}, {"salt", to_hex(opening.salt)}};
  CALX_ASSIGN(text, format::encode_pretty_json(json));
  CALX_TRY(write_file(path, text, 0600));
  return opening;
}

class Imagination {
 public:
  Imagination(const Model& model, const ImagineRequest& request, const ImagineServices& services,
              const ImagineObserver& observer, const std::stop_token& stop)
      : model_(model), asked_(request), services_(services), observer_(observer), stop_(stop) {}

  Result<ImagineReport> run();

 private:
  Result<void> describe();
  Result<void> prepare_folder();
  Result<void> adopt_receipt();
  void start_search();
  Result<void> take_stamp();
  Result<void> plan();
  Result<bool> keep_finished(const receipt::WantedImage& wanted);
  Result<void> make();
  Result<void> take(MadeImage&& made);
  Result<void> write_waiting();
  Result<void> write_image(MadeImage&& made);
  Result<receipt::Receipt> signed_receipt() const;
  Result<void> write_receipt();
  Result<void> finish();
  void tell(bool stamping) const;
  [[nodiscard]] fs::path file(const std::string& name) const { return asked_.folder / name; }

  const Model& model_;
  const ImagineRequest& asked_;
  const ImagineServices& services_;
  const ImagineObserver& observer_;
  const std::stop_token& stop_;
  ImageRecipe recipe_;
  std::optional<receipt::SeedOpening> opening_;
  receipt::Receipt receipt_;  // images stand in images_ until it is signed
  bool stamped_ = false;
  std::map<std::uint64_t, receipt::ReceiptImage> images_;
  std::map<std::uint64_t, format::Image> pictures_;
  std::vector<receipt::WantedImage> wanted_;
  Clock::time_point started_ = Clock::now(), written_ = Clock::now();
  ImagineReport report_;
  std::vector<MadeImage> waiting_;  // for the stamp
  std::uint64_t waiting_bytes_ = 0;
  struct Search {
    Result<work::StampedRequest> stamped;
    double seconds;
  };
  std::stop_source making_;  // stopped by the caller, and when there is no stamp to be had
  std::future<Search> found_;
  std::jthread searcher_;  // last: it uses what stands above
};

Result<ImagineReport> Imagination::run() {
  CALX_TRY(describe());
  CALX_TRY(prepare_folder());
  CALX_TRY(adopt_receipt());
  const std::stop_callback forward(stop_, [this] { making_.request_stop(); });
  if (!stamped_) start_search();
  if (!stamped_ && asked_.mode == receipt::SeedMode::kStamped) {
    tell(true);
    CALX_TRY(take_stamp());
  }
  CALX_TRY(plan());
  auto made = make();
  report_.image_seconds = since(started_);
  const bool broken = !made && made.error().code != ErrorCode::kCancelled;
  // Without a stamp nothing is left behind but the folder: nothing would attest the images.
  if (!stamped_) {
    if (broken || !found_.valid()) return std::unexpected(made.error());
    if (made) tell(true);
    CALX_TRY(take_stamp());
  }
  if (const auto written = write_waiting(); !written && !broken) {
    made = std::unexpected(written.error());
  }
  if (!made && made.error().code != ErrorCode::kCancelled) {
    if (!images_.empty()) static_cast<void>(write_receipt().has_value());
    return std::unexpected(made.error());
  }
  report_.complete = images_.size() == asked_.count;
  if (images_.empty()) return fail(ErrorCode::kCancelled, "stopped before the first image");
  CALX_TRY(finish());
  return std::move(report_);
}

Result<void> Imagination::describe() {
  if (!(asked_.guidance >= 0 && asked_.guidance <= 100)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("guidance {}: wanted 0 to 100", asked_.guidance));
  }
  if (asked_.class_index < 0 || asked_.class_index >= model_.network.config().classes) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("class {}: wanted 0 to {}", asked_.class_index,
                            model_.network.config().classes - 1));
  }
  auto& request = receipt_.request;
  auto& identity = request.identity;
  identity.model = model_.digest;
  identity.class_index = static_cast<std::uint32_t>(asked_.class_index);
  identity.guidance_thousandths = static_cast<std::uint32_t>(std::llround(asked_.guidance * 1000));
  identity.steps = static_cast<std::uint32_t>(std::max(asked_.steps, 0));
  identity.sampler = asked_.sampler;
  identity.width = identity.height = static_cast<std::uint32_t>(model_.network.config().side);
  identity.seed = asked_.seed;
  request.mode = asked_.mode;
  request.first_index = asked_.first_index;
  request.count = asked_.count;
  CALX_ASSIGN(recipe, recipe_of(identity, model_.network));
  recipe_ = recipe;
  return receipt::check(request);
}

Result<void> Imagination::prepare_folder() {
  std::error_code error;
  fs::create_directories(asked_.folder, error);
  if (error) {
    return fail(ErrorCode::kUnavailable, fmt::format("cannot make the folder {}: {}",
                                                     asked_.folder.string(), error.message()));
  }
  // Nothing is worked for if nothing could be kept.
  CALX_TRY(write_file(file(".writable"), std::string_view("")));
  fs::remove(file(".writable"), error);
  if (asked_.private_seed) {
    CALX_ASSIGN(opening, open_private_seed(file(kOpeningName), asked_.seed));
    opening_ = opening;
    receipt_.request.identity.seed = receipt::commit(opening);
    report_.opening = file(kOpeningName);
  }
  CALX_ASSIGN(commitment, receipt::commitment(receipt_.request));
  receipt_.commitment = commitment;
  receipt_.signer = asked_.signer;
  receipt_.made = {
      {"software", asked_.software}, {"libtorch", nn::torch_version()}, {"model", model_.name}};
  return {};
}

// An earlier run of the same request left its stamp; another request's folder is not touched.
Result<void> Imagination::adopt_receipt() {
  const auto path = file(kReceiptName);
  const auto bytes = read_file(path, receipt::kReceiptBytesMax);
  if (!bytes) {
    if (bytes.error().code == ErrorCode::kNotFound) return {};
    return std::unexpected(bytes.error());
  }
  const auto other =
      receipt::parse_receipt({reinterpret_cast<const char*>(bytes->data()), bytes->size()});
  if (!other || other->request != receipt_.request || other->stamp.target != asked_.target) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} belongs to another request: name another folder", path.string()));
  }
  const auto hash = work::check(other->stamp);
  const auto root = work::root_of(other->commitment, other->path, other->stamp.leaves);
  if (!hash || !root || *root != other->stamp.root || other->commitment != receipt_.commitment) {
    return fail(ErrorCode::kDataLoss,
                fmt::format("{} does not check out: remove it to start again", path.string()));
  }
  receipt_.path = other->path;
  receipt_.stamp = other->stamp;
  stamped_ = true;
  return {};
}

void Imagination::start_search() {
  std::promise<Search> promise;
  found_ = promise.get_future();
  searcher_ =
      std::jthread([this, promise = std::move(promise)](const std::stop_token& own) mutable {
        std::stop_source either;
        const std::stop_callback one(own, [&] { either.request_stop(); });
        const std::stop_callback other(stop_, [&] { either.request_stop(); });
        const auto start = Clock::now();
        auto stamped = services_.stamper->stamp(receipt_.commitment, asked_.target,
                                                work::Deadline::max(), either.get_token());
        if (!stamped) making_.request_stop();
        promise.set_value({std::move(stamped), since(start)});
      });
}

// Waits for the search.
Result<void> Imagination::take_stamp() {
  Search search = found_.get();
  if (!search.stamped) return std::unexpected(search.stamped.error());
  receipt_.stamp = *search.stamped->stamp;
  receipt_.path = std::move(search.stamped->path);
  report_.stamp_seconds = search.seconds;
  stamped_ = true;
  return {};
}

Result<void> Imagination::plan() {
  receipt::SeedBasis basis;
  if (asked_.mode == receipt::SeedMode::kStamped) basis.stamp_hash = receipt_.stamp.hash;
  if (opening_) basis.private_salt = opening_->salt;
  for (std::uint64_t i = 0; i < asked_.count; ++i) {
    const std::uint64_t index = asked_.first_index + i;
    CALX_ASSIGN(seed, receipt::image_seed(receipt_.request, index, basis));
    const receipt::WantedImage wanted{index, seed};
    CALX_ASSIGN(finished, keep_finished(wanted));
    if (!finished) wanted_.push_back(wanted);
  }
  report_.kept = static_cast<std::uint32_t>(images_.size());
  return {};
}

// True when the folder holds this image with a receipt of this request and pixels that match it.
Result<bool> Imagination::keep_finished(const receipt::WantedImage& wanted) {
  const auto name = image_file_name(receipt_.request.identity.class_index, wanted.index);
  const auto bytes = read_file(file(name), kPngBytesMax);
  if (!bytes) return false;
  const auto png = format::parse_png(*bytes);
  if (!png) return false;
  const auto* text = format::find_text(*png, format::kPngReceiptKeyword);
  if (text == nullptr) return false;
  const auto own = receipt::parse_receipt(*text);
  if (!own || own->request != receipt_.request || own->stamp != receipt_.stamp ||
      own->images.size() != 1 || own->public_key != services_.key->public_key()) {
    return false;
  }
  const auto signed_text = receipt::signed_bytes(*own);
  if (!signed_text || !receipt::verify_signature(*signed_text, own->signature, own->public_key)) {
    return false;
  }
  const auto& image = own->images.front();
  const bool same_seed = opening_ ? !image.seed : image.seed == wanted.seed;
  if (image.index != wanted.index || !same_seed || image.file != name ||
      receipt::pixel_digest(png->image) != image.pixels.digest) {
    return false;
  }
  images_.emplace(wanted.index, image);
  pictures_.emplace(wanted.index, png->image);
  return true;
}

Result<void> Imagination::make() {
  started_ = Clock::now();
  tell(false);
  return make_images(
      model_.network, recipe_, wanted_, asked_.threads,
      [this](MadeImage&& made) { return take(std::move(made)); }, making_.get_token());
}

// Writes the image, and those that wait, once the stamp is there.
Result<void> Imagination::take(MadeImage&& made) {
  waiting_bytes_ += made.result.image.pixels.size();
  waiting_.push_back(std::move(made));
  const bool full = waiting_bytes_ > kWaitingPixelBytesMax;
  if (!stamped_ && !full && found_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    tell(false);
    return {};
  }
  if (!stamped_) {
    if (full) tell(true);
    CALX_TRY(take_stamp());
  }
  return write_waiting();
}

Result<void> Imagination::write_waiting() {
  auto now = std::exchange(waiting_, {});
  waiting_bytes_ = 0;
  for (MadeImage& made : now) CALX_TRY(write_image(std::move(made)));
  return {};
}

Result<void> Imagination::write_image(MadeImage&& made) {
  const auto& identity = receipt_.request.identity;
  const auto& picture = made.result.image;
  receipt::ReceiptImage image;
  image.index = made.index;
  if (!opening_) image.seed = made.seed;
  image.latent = {1, identity.height, identity.width, made.result.latent};
  image.pixels = {picture.width, picture.height, picture.channels, 8,
                  receipt::pixel_digest(picture)};
  image.file = image_file_name(identity.class_index, made.index);

  receipt::Receipt own = receipt_;
  own.images = {image};
  CALX_TRY(receipt::sign(own, *services_.key));
  CALX_ASSIGN(text, receipt::encode_canonical(own));
  const std::vector<format::PngText> texts = {
      {std::string(format::kPngParametersKeyword),
       parameters_text(identity, model_.name, image, asked_.software), format::PngChunk::kText},
      {std::string(format::kPngReceiptKeyword), text, format::PngChunk::kInternational}};
  CALX_ASSIGN(png, format::encode_png(picture, texts));
  CALX_TRY(write_file(file(image.file), png));
  const std::uint64_t index = made.index;
  images_.emplace(index, std::move(image));
  pictures_.emplace(index, std::move(made.result.image));
  ++report_.made;
  if (report_.made == 1 || Clock::now() - written_ > kReceiptInterval) CALX_TRY(write_receipt());
  tell(false);
  return {};
}

Result<receipt::Receipt> Imagination::signed_receipt() const {
  receipt::Receipt all = receipt_;
  for (const auto& [index, image] : images_) all.images.push_back(image);
  CALX_TRY(receipt::sign(all, *services_.key));
  return all;
}

Result<void> Imagination::write_receipt() {
  CALX_ASSIGN(all, signed_receipt());
  CALX_ASSIGN(text, receipt::encode_pretty(all));
  written_ = Clock::now();
  return write_file(file(kReceiptName), text);
}

Result<void> Imagination::finish() {
  CALX_TRY(write_receipt());
  CALX_ASSIGN(all, signed_receipt());
  CALX_ASSIGN(text, receipt::encode_pretty(all));
  std::vector<format::Image> pictures;
  for (const auto& [index, picture] : pictures_) pictures.push_back(picture);
  CALX_ASSIGN(sheet, contact_sheet(pictures));
  CALX_ASSIGN(sheet_png, format::encode_png(sheet));
  CALX_TRY(write_file(file("grid.png"), sheet_png));

  receipt::VerifyOptions options;
  options.opening = opening_;
  options.no_pixels_reason = "they have just been made";
  options.pictures = [this](const receipt::ReceiptImage& image) -> Result<format::Image> {
    CALX_ASSIGN(bytes, read_file(file(image.file), kPngBytesMax));
    CALX_ASSIGN(png, format::parse_png(bytes));
    return std::move(png.image);
  };
  CALX_ASSIGN(checks, receipt::verify(text, options));
  CALX_ASSIGN(html, render(ImagePage{asked_.command, model_.name, &all, &checks, pictures}));
  CALX_TRY(write_file(file("index.html"), html));

  for (const auto& [index, image] : images_) report_.images.push_back(file(image.file));
  report_.receipt = file(kReceiptName);
  report_.grid = file("grid.png");
  report_.page = file("index.html");
  report_.expected_hashes = receipt_.stamp.target.expected_hashes_text();
  report_.work_origin = to_string(receipt_.stamp.origin);
  report_.checks = std::move(checks);
  return {};
}

void Imagination::tell(bool stamping) const {
  if (!observer_) return;
  observer_({stamping, static_cast<std::uint32_t>(images_.size()),
             static_cast<std::uint32_t>(waiting_.size()), asked_.count, since(started_)});
}

}  // namespace

Result<ImagineReport> imagine(const Model& model, const ImagineRequest& request,
                              const ImagineServices& services, const ImagineObserver& observer,
                              const std::stop_token& stop) {
  return Imagination(model, request, services, observer, stop).run();
}

Result<Remade> remake(const Model& model, const receipt::Receipt& receipt, std::uint64_t index,
                      const std::optional<hash::Digest>& salt, const fs::path& folder, int threads,
                      const std::stop_token& stop) {
  const auto& request = receipt.request;
  if (index < request.first_index || index - request.first_index >= request.count) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("image {}: this receipt is for images {} to {}", index,
                            request.first_index, request.first_index + request.count - 1));
  }
  CALX_ASSIGN(recipe, recipe_of(request.identity, model.network));
  receipt::SeedBasis basis;
  if (request.mode == receipt::SeedMode::kStamped) basis.stamp_hash = receipt.stamp.hash;
  basis.private_salt = salt;
  CALX_ASSIGN(seed, receipt::image_seed(request, index, basis));
  Remade remade;
  const receipt::WantedImage wanted{index, seed};
  const auto name = image_file_name(request.identity.class_index, index);
  const auto take = [&](MadeImage&& made) -> Result<void> {
    receipt::ReceiptImage shown;
    if (std::holds_alternative<noise::Seed>(request.identity.seed)) shown.seed = seed;
    for (const auto& listed : receipt.images) {
      if (listed.index != index) continue;
      remade.listed = true;
      remade.same = listed.pixels.digest == receipt::pixel_digest(made.result.image);
    }
    const std::vector<format::PngText> texts = {
        {std::string(format::kPngParametersKeyword),
         parameters_text(request.identity, model.name, shown, "calx"), format::PngChunk::kText}};
    CALX_ASSIGN(png, format::encode_png(made.result.image, texts));
    remade.image = folder / name;
    return write_file(remade.image, png);
  };
  std::error_code error;
  fs::create_directories(folder, error);
  CALX_TRY(make_images(model.network, recipe, std::span(&wanted, 1), threads, take, stop));
  return remade;
}

std::string image_file_name(std::uint32_t class_index, std::uint64_t index) {
  return fmt::format("digit-{}-{:05}.png", class_index, index);
}

}  // namespace calx::diffusion
