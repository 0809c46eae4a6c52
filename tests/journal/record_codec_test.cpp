#include "journal/record_codec.hpp"
#include "journal/options_codec.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "journal/options_codec.hpp"
#include "support/random_changes.hpp"
#include "support/records.hpp"

using namespace bgxfer::detail;
using bgxfer::ErrorContext;
using bgxfer::FileIndex;
using bgxfer::FileSpec;
using bgxfer::JobId;
using bgxfer_tests::show;

namespace {

using Bytes = std::vector<std::byte>;

const JobId job = JobId::from_random(11, 22);
const WallTime noon{std::chrono::seconds{1'704'110'400}};

struct Encoded {
  explicit Encoded(const Change& change) {
    FrameWriter writer(FileId{}, 1);
    encode(change, writer, bytes);
    FrameReader reader(bytes, 0, FileId{}, 1);
    while (std::optional<Frame> frame = reader.next()) frames.push_back(*frame);
  }
  Bytes bytes;
  std::vector<Frame> frames;
};

RecordReading decode(const Frame& frame) { return bgxfer::detail::decode(frame.type, frame.flags, frame.payload); }

/// What comes back of a change that fits into one record.
std::string back(const Change& change) {
  const Encoded encoded(change);
  REQUIRE(encoded.frames.size() == 1);
  const RecordReading reading = decode(encoded.frames[0]);
  REQUIRE(reading.verdict == RecordVerdict::change);
  return show(*reading.change);
}

FileSpec spec_of(std::string url, std::string target) {
  FileSpec spec;
  spec.url = std::move(url);
  spec.target = std::move(target);
  return spec;
}

class ForeignCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "somewhere"; }
  std::string message(int) const override { return "no such host"; }
};

/// A payload field by field.
class Payload {
 public:
  Payload& field(int tag, std::initializer_list<int> value) {
    Bytes bytes;
    for (int byte : value) bytes.push_back(static_cast<std::byte>(byte));
    return field(tag, bytes);
  }
  Payload& field(int tag, const Bytes& value) {
    bytes_.push_back(static_cast<std::byte>(tag));
    std::size_t length = value.size();
    for (; length >= 0x80; length >>= 7) bytes_.push_back(static_cast<std::byte>(length | 0x80));
    bytes_.push_back(static_cast<std::byte>(length));
    bytes_.insert(bytes_.end(), value.begin(), value.end());
    return *this;
  }
  Payload& job_field() { return field(1, Bytes(16, std::byte{1})); }
  Payload& at() { return field(2, Bytes(8)); }
  Payload& raw(std::initializer_list<int> bytes) {
    for (int byte : bytes) bytes_.push_back(static_cast<std::byte>(byte));
    return *this;
  }
  const Bytes& bytes() const { return bytes_; }
  RecordVerdict verdict(RecordType type, std::uint16_t flags = 0) const {
    return bgxfer::detail::decode(static_cast<std::uint16_t>(type), flags, bytes_).verdict;
  }

 private:
  Bytes bytes_;
};

}  // namespace

TEST_CASE("the journal keeps what a helper identity is for, and nothing of who it is (spec part 3.14)") {
  bgxfer::JobOptions options;
  options.identity.usage = bgxfer::IdentityUsage::all;
  options.identity.helper.emplace();
  options.identity.helper->name = "MARKER-NAME";
  options.identity.helper->user.emplace();
  bgxfer::Credentials& known = options.identity.helper->credentials.emplace_back();
  known.user = "MARKER-USER";
  known.password = "MARKER-PASSWORD";
  bgxfer::detail::Bytes bytes;
  bgxfer::detail::put_options(bytes, options);
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  CHECK(text.find("MARKER") == std::string::npos);
  auto sense = bgxfer::detail::Sense::good;
  const bgxfer::JobOptions read = bgxfer::detail::read_options(bytes, sense);
  CHECK(sense == bgxfer::detail::Sense::good);
  CHECK(read.identity.usage == bgxfer::IdentityUsage::all);
  CHECK_FALSE(read.identity.helper);
}

TEST_CASE("every kind of change comes back as it was") {
  bgxfer::JobOptions options;
  options.display_name = "name";
  options.description = "what for";
  options.priority = bgxfer::Priority::foreground;
  options.parallel_files = 64;
  options.no_progress_timeout = std::chrono::milliseconds{0};
  options.http.redirects.allow_https_to_http = true;
  options.tag = "build 7";
  options.connections_per_file = 8;
  options.file_acl_flags = bgxfer::FileAclFlags::owner | bgxfer::FileAclFlags::dacl;
  options.identity.usage = bgxfer::IdentityUsage::network;
  options.peer_caching = bgxfer::PeerCaching::client | bgxfer::PeerCaching::no_branch_cache;
  options.http.stored_credentials = bgxfer::CredentialTarget::proxy;
  bgxfer::JobOptions full = options;
  full.maximum_download_time = std::chrono::milliseconds{0};
  full.download = {.dynamic_content = true, .high_performance = true, .size_max = 1, .on_demand = true};
  full.transfer_policy = bgxfer::TransferPolicy::standard;
  full.notify.events = bgxfer::Notify::none;
  full.notify.interval_min = std::chrono::milliseconds{0};
  full.notify.handler = "installer";
  full.notify.command = {"/bin/tell", {"", "a b", ""}};
  FilesAdded added{job, {spec_of("https://a/b", "/c"), spec_of("http://d", "/e/f")}, noon};
  added.files[0].ranges = {{5, 7}, {100, bgxfer::ByteRange::to_end}, {0, 1}};
  added.files[0].placed_at = {7, 100, 0};
  added.files[0].size = 0;
  added.files[1].sha256.emplace().bytes.fill(std::byte{9});
  added.files[1].mirrors = {"http://one", "http://two"};
  added.files[1].size = 5;
  added.files[1].pieces.bytes = 4;
  added.files[1].pieces.sha256.resize(2);
  added.files[1].pieces.sha256[1].bytes.fill(std::byte{7});
  const bgxfer::Error error = bgxfer::Error(bgxfer::http_status(503), ErrorContext::remote_file, "cdn")
                                  .with_file(0)
                                  .with_retry_after(std::chrono::seconds{9});

  const std::vector<Change> changes = {
      JobCreated{job, options, false, noon},
      JobCreated{job, {}, true, {}},
      JobConfigured{job, options, true, noon},
      JobCreated{job, full, false, noon, {"uid 1000", true}},
      JobConfigured{job, full, false, noon, bgxfer::Owner{"uid 0", false}},
      JobMoved{job, bgxfer::JobState::suspended, std::nullopt, 0, noon, true, std::chrono::milliseconds{1234}},
      JobMoved{job, bgxfer::JobState::suspended, std::nullopt, 0, noon},
      NoticeDelivered{job, {bgxfer::ByteRange{3, 2}, bgxfer::ByteRange{9, 1}}},
      FilesOwed{job, {}},
      FilesOwed{job, {bgxfer::ByteRange{0, 4}}},
      added,
      FilesAdded{job, {}, noon},
      JobMoved{job, bgxfer::JobState::error, error, 3, noon},
      JobMoved{job, bgxfer::JobState::queued, std::nullopt, 0, noon},
      FileStarted{job, FileIndex{7}, 2, {1, ~std::uint64_t{0}}, 0, 0, "\"etag\"", noon, 3, "https://final/a"},
      FileStarted{job, FileIndex{0xffffffff}, 0xffffffff, {}, size_unknown, size_unknown, "", std::nullopt},
      FileProgressed{job, FileIndex{1}, 1, true, {{0, 1}, {10, std::uint64_t{1} << 62}}},
      FileProgressed{job, FileIndex{1}, 1, false, {}},
      FileRestarted{job, FileIndex{300}, 70'000},
      FileFinished{job, FileIndex{0}, 0, {2049, 12345}, 0, std::nullopt, false},
      FileFinished{job,
                   FileIndex{9},
                   1,
                   {2049, 12345},
                   std::uint64_t{1} << 40,
                   WallTime{std::chrono::seconds{-5}},
                   true,
                   bgxfer::FileAclFlags::all},
      FilesSynced{job, {bgxfer::ByteRange{0, 1'000'000}}},
      SyncBegun{job, {bgxfer::ByteRange{2, 1}, bgxfer::ByteRange{4, 3}}},
      SyncEnded{job, {bgxfer::ByteRange{2, 1}}},
      CommitStarted{job, noon},
      CommitStarted{job, noon, true},
      FileValidated{job, FileIndex{7}},
      UrlChanged{job, FileIndex{7}, "", "https://elsewhere/a", noon},
      UrlChanged{job, FileIndex{0}, "https://a/", "https://b/", noon},
      Redirected{job, FileIndex{7}, "https://elsewhere/final"},
      Redirected{job, FileIndex{0}, ""},
      CommitFailed{job, 17, error, noon},
      CommitFailed{job, 0, std::nullopt, noon},
      NoticeDelivered{job},
      JobRemoved{job},
  };
  for (const Change& change : changes) CHECK(back(change) == show(change));
  std::vector<bool> seen(std::variant_size_v<Change>);
  for (const Change& change : changes) seen[change.index()] = true;
  CHECK(std::count(seen.begin(), seen.end(), false) == 0);
}

TEST_CASE("sessions and words about syncs come back as they were") {
  Bytes bytes;
  FrameWriter writer(FileId{}, 1);
  FileId id{};
  id.fill(std::byte{3});
  encode(Session{"boot", id}, writer, bytes);
  encode(Session{std::string(text_bytes_max + 1, 'b'), id}, writer, bytes);
  encode(Synced{1234567}, writer, bytes);
  FrameReader reader(bytes, 0, FileId{}, 1);
  const RecordReading session = decode(*reader.next());
  CHECK(session.verdict == RecordVerdict::session);
  CHECK(session.session.epoch == "boot");
  CHECK(session.session.file_id == id);
  CHECK(decode(*reader.next()).session.epoch.empty());
  const RecordReading synced = decode(*reader.next());
  CHECK(synced.verdict == RecordVerdict::synced);
  CHECK(synced.synced.seq == 1234567);
}

TEST_CASE("random changes come back as they were") {
  bgxfer_tests::RandomChanges random(1);
  for (int i = 0; i < 5000; ++i) {
    const Change change = random.next();
    CHECK(back(change) == show(change));
  }
}

TEST_CASE("records are small") {
  const FileFinished finished{job, FileIndex{99'999}, 0, {66'305, 12'345'678}, 65'536, noon, false};
  CHECK(Encoded(finished).bytes.size() <= 80);
  FilesAdded added{job, {}, noon};
  std::size_t text = 0;
  for (int i = 0; i < 1000; ++i) {
    added.files.push_back(
        spec_of("https://cdn.example.org/content/" + std::to_string(i), "/home/user/games/" + std::to_string(i)));
    text += added.files.back().url.size() + added.files.back().target.native().size();
  }
  CHECK(Encoded(added).bytes.size() <= text + 16 * added.files.size());
}

TEST_CASE("many files and many ranges are spread over records that each keep the limit") {
  FilesAdded added{job, {}, noon};
  for (int i = 0; i < 3000; ++i)
    added.files.push_back(spec_of("https://a/" + std::string(1000, 'u'), std::string("/").append(std::to_string(i))));
  const Encoded files(added);
  CHECK(files.frames.size() == 3);
  FilesAdded joined{job, {}, noon};
  for (std::size_t i = 0; i < files.frames.size(); ++i) {
    CHECK(((files.frames[i].flags & record_more) != 0) == (i + 1 < files.frames.size()));
    RecordReading reading = decode(files.frames[i]);
    REQUIRE(reading.verdict == RecordVerdict::change);
    for (FileSpec& spec : std::get<FilesAdded>(*reading.change).files) joined.files.push_back(std::move(spec));
  }
  CHECK(show(joined) == show(added));

  FileProgressed progressed{job, FileIndex{0}, 0, true, {}};
  for (std::uint64_t i = 0; i < 100'000; ++i) progressed.ranges.push_back({i << 40, 1 + (i << 20)});
  const Encoded ranges(progressed);
  CHECK(ranges.frames.size() == 4);
  std::vector<bgxfer::ByteRange> all;
  for (const Frame& frame : ranges.frames) {
    const RecordReading reading = decode(frame);
    REQUIRE(reading.verdict == RecordVerdict::change);
    const auto& part = std::get<FileProgressed>(*reading.change);
    CHECK(part.durable);
    all.insert(all.end(), part.ranges.begin(), part.ranges.end());
  }
  CHECK(all == progressed.ranges);
}

TEST_CASE("request headers are not in the bytes, only that there were some") {
  bgxfer::JobOptions options;
  options.http.headers = {{"X-Secret-Name", "marker-secret-value"}};
  for (const Change& change :
       {Change(JobCreated{job, options, false, noon}), Change(JobConfigured{job, options, false, noon})}) {
    const Encoded encoded(change);
    const std::string_view text(reinterpret_cast<const char*>(encoded.bytes.data()), encoded.bytes.size());
    CHECK(text.find("marker-secret-value") == std::string_view::npos);
    CHECK(text.find("X-Secret-Name") == std::string_view::npos);
    const RecordReading reading = decode(encoded.frames[0]);
    const bool withheld = std::visit(
        [](const auto& it) {
          if constexpr (requires { it.headers_withheld; }) return it.headers_withheld;
          return false;
        },
        *reading.change);
    CHECK(withheld);
  }
}

TEST_CASE("an error of an unknown category is kept as an I/O error that says what it was") {
  static const ForeignCategory foreign;
  const JobMoved moved{job, bgxfer::JobState::error,
                       bgxfer::Error(std::error_code(5, foreign), ErrorContext::transport, "cdn"), 1, noon};
  const Encoded encoded(moved);
  const RecordReading reading = decode(encoded.frames[0]);
  REQUIRE(reading.verdict == RecordVerdict::change);
  const bgxfer::Error& error = *std::get<JobMoved>(*reading.change).error;
  CHECK(error.code() == std::make_error_code(std::errc::io_error));
  CHECK(error.context() == ErrorContext::transport);
  CHECK(error.detail() == "somewhere 5, no such host: cdn");
}

TEST_CASE("a span of time comes back within bounds that no clock overflows") {
  bgxfer::JobOptions options;
  options.retry_delay_max = std::chrono::milliseconds::max();
  options.retry_delay_min = std::chrono::milliseconds::min();
  options.no_progress_timeout = std::chrono::milliseconds{std::int64_t{1} << 42};
  const RecordReading reading = decode(Encoded(JobCreated{job, options, false, noon}).frames[0]);
  REQUIRE(reading.verdict == RecordVerdict::change);
  const bgxfer::JobOptions& back_again = std::get<JobCreated>(*reading.change).options;
  CHECK(back_again.retry_delay_max == options.no_progress_timeout);
  CHECK(back_again.no_progress_timeout == options.no_progress_timeout);
  CHECK(back_again.retry_delay_min.count() == 0);
}

TEST_CASE("what is too long for the format is cut, dropped or refused, and always read back") {
  const JobMoved moved{job, bgxfer::JobState::error,
                       bgxfer::Error(bgxfer::Errc::stalled, ErrorContext::transport, std::string(100'000, 'd')), 1,
                       noon};
  const Encoded error(moved);
  CHECK(std::get<JobMoved>(*decode(error.frames[0]).change).error->detail().size() == error_detail_bytes_max);

  FileStarted started{job, FileIndex{0}, 0, {}, 1, 1, std::string(text_bytes_max + 1, 'v'), std::nullopt};
  CHECK(std::get<FileStarted>(*decode(Encoded(started).frames[0]).change).validator.empty());
  started.validator.pop_back();
  CHECK(back(started) == show(started));

  bgxfer::JobOptions options;
  options.description.assign(text_bytes_max, 'd');
  CHECK(check_encodable(JobCreated{job, options, false, noon}));
  options.description += 'd';
  CHECK(check_encodable(JobCreated{job, options, false, noon}).error().code() == bgxfer::Errc::string_too_long);

  FilesAdded added{
      job,
      {spec_of("https://" + std::string(text_bytes_max - 8, 'u'), std::string("/").append(text_bytes_max - 1, 't'))},
      noon};
  added.files[0].ranges.assign(ranges_per_spec_max, bgxfer::ByteRange{~std::uint64_t{0} - 1, ~std::uint64_t{0} - 1});
  CHECK(check_encodable(added));
  CHECK(back(added) == show(added));
  added.files[0].ranges.push_back({0, 1});
  CHECK(check_encodable(added).error().code() == bgxfer::Errc::too_many_ranges);
  added.files[0] = spec_of("https://" + std::string(text_bytes_max - 7, 'u'), "/t");
  CHECK(check_encodable(added).error().code() == bgxfer::Errc::string_too_long);
  for (const FileSpec& bad : {spec_of("", "/t"), spec_of("http://a\n", "/t"), spec_of("http://a", ""),
                              spec_of("http://a", "t"), spec_of("http://a", std::string("/t\0", 3))}) {
    added.files[0] = bad;
    CHECK_FALSE(check_encodable(added));
  }

  added.files[0] = spec_of("http://a", "/t");
  added.files[0].size = 30'000;
  added.files[0].pieces.bytes = 1;
  added.files[0].pieces.sha256.resize(30'000);
  CHECK(check_encodable(added));
  CHECK(back(added) == show(added));
  added.files[0].mirrors.assign(16, "http://" + std::string(8'000, 'm'));
  CHECK(check_encodable(added).error().code() == bgxfer::Errc::invalid_argument);
}

TEST_CASE("hashes of pieces that are not whole, or not as many as the size has, make no sense") {
  FileSpec spec = spec_of("http://a", "/t");
  spec.size = 5;
  spec.pieces.bytes = 4;
  spec.pieces.sha256.resize(2);
  const auto sense_of = [](const FileSpec& written, std::size_t cut) {
    bgxfer::detail::Bytes bytes;
    bgxfer::detail::put_spec(bytes, written);
    if (cut > 0) {
      // The length is in one byte, before 64 bytes of hashes.
      bytes[bytes.size() - 65] = static_cast<std::byte>(64 - cut);
      bytes.resize(bytes.size() - cut);
    }
    auto sense = bgxfer::detail::Sense::good;
    (void)bgxfer::detail::read_spec(bytes, sense);
    return sense;
  };
  CHECK(sense_of(spec, 0) == bgxfer::detail::Sense::good);
  CHECK(sense_of(spec, 1) == bgxfer::detail::Sense::malformed);
  CHECK(sense_of(spec, 32) == bgxfer::detail::Sense::malformed);
  spec.size = 9;
  CHECK(sense_of(spec, 0) == bgxfer::detail::Sense::malformed);
  spec.size.reset();
  CHECK(sense_of(spec, 0) == bgxfer::detail::Sense::malformed);
}

TEST_CASE("a payload that makes no sense is malformed") {
  using enum RecordType;
  CHECK(Payload().job_field().verdict(notice_delivered) == RecordVerdict::change);
  CHECK(Payload().verdict(files_synced) == RecordVerdict::malformed);
  CHECK(Payload().job_field().job_field().verdict(files_synced) == RecordVerdict::malformed);
  CHECK(Payload().field(1, Bytes(15)).verdict(files_synced) == RecordVerdict::malformed);
  CHECK(Payload().job_field().raw({0}).verdict(files_synced) == RecordVerdict::malformed);
  CHECK(Payload().job_field().raw({0, 0}).verdict(files_synced) == RecordVerdict::malformed);
  CHECK(Payload().at().job_field().verdict(commit_started) == RecordVerdict::malformed);
  CHECK(Payload().job_field().verdict(commit_started) == RecordVerdict::malformed);
  CHECK(Payload().job_field().field(2, Bytes(7)).verdict(commit_started) == RecordVerdict::malformed);
  CHECK(Payload().job_field().at().field(15, {9}).verdict(job_moved) == RecordVerdict::malformed);
  CHECK(Payload().job_field().at().field(15, {8}).verdict(job_moved) == RecordVerdict::change);
  CHECK(Payload().job_field().at().field(15, {8, 0}).verdict(job_moved) == RecordVerdict::malformed);
  CHECK(Payload().job_field().at().field(16, {}).verdict(job_moved) == RecordVerdict::malformed);
  CHECK(Payload().job_field().at().field(17, Bytes(5, std::byte{1})).verdict(job_moved) == RecordVerdict::malformed);
  CHECK(Payload().job_field().field(4, Bytes(5, std::byte{1})).verdict(file_restarted) == RecordVerdict::malformed);
  CHECK(Payload().job_field().field(5, Bytes(8, std::byte{0xff})).verdict(file_started) == RecordVerdict::malformed);
  CHECK(Payload().job_field().field(5, Bytes(9, std::byte{1})).verdict(file_started) == RecordVerdict::malformed);
  CHECK(Payload().job_field().field(7, {}).verdict(file_started) == RecordVerdict::malformed);
  CHECK(Payload().job_field().field(7, Bytes(text_bytes_max + 1, std::byte{'v'})).verdict(file_started) ==
        RecordVerdict::malformed);
  CHECK(Payload().job_field().field(11, {0}).verdict(file_progressed) == RecordVerdict::malformed);
  CHECK(Payload().job_field().field(11, {0, 0}).verdict(file_progressed) == RecordVerdict::malformed);
  CHECK(Payload().job_field().field(11, {0, 1}).verdict(file_progressed) == RecordVerdict::malformed);
  CHECK(Payload().job_field().field(11, {0, 2}).verdict(file_progressed) == RecordVerdict::change);
  CHECK(Payload().job_field().field(11, {0x80, 0, 2}).verdict(file_progressed) == RecordVerdict::malformed);
  CHECK(Payload().job_field().field(11, {0, 2}).field(12, {1}).verdict(file_progressed) == RecordVerdict::malformed);
  CHECK(Payload().job_field().at().field(20, {1, 1, 'u'}).verdict(files_added) == RecordVerdict::malformed);
  CHECK(Payload().job_field().at().field(20, {1, 1, 'u', 2, 1, 't'}).verdict(files_added) == RecordVerdict::malformed);
  CHECK(Payload().job_field().at().field(20, {1, 1, 'u', 2, 2, '/', 't'}).verdict(files_added) ==
        RecordVerdict::change);
  CHECK(Payload().job_field().at().field(18, {3, 1, 1}).verdict(job_created) == RecordVerdict::malformed);
  CHECK(Payload().job_field().at().field(18, {4, 1, 4}).verdict(job_created) == RecordVerdict::malformed);
  CHECK(Payload().field(22, Bytes(15)).verdict(session) == RecordVerdict::malformed);
}

TEST_CASE("a length far beyond the payload is refused before anything is set aside for it") {
  using enum RecordType;
  CHECK(Payload().job_field().raw({7, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}).verdict(file_started) ==
        RecordVerdict::malformed);
  CHECK(Payload().job_field().raw({7, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2}).verdict(file_started) ==
        RecordVerdict::malformed);
  CHECK(Payload().job_field().raw({7, 0xff, 0xff, 0xff, 0x7f}).verdict(file_started) == RecordVerdict::malformed);
}

TEST_CASE("what a later version wrote is skipped where it says so, and else refused") {
  using enum RecordType;
  CHECK(Payload().job_field().field(200, {1, 2, 3}).verdict(notice_delivered) == RecordVerdict::change);
  CHECK(Payload().job_field().field(100, {1, 2, 3}).verdict(files_synced) == RecordVerdict::newer);
  CHECK(Payload().job_field().at().verdict(files_synced) == RecordVerdict::newer);
  CHECK(Payload().job_field().verdict(static_cast<RecordType>(999)) == RecordVerdict::newer);
  CHECK(Payload().job_field().verdict(static_cast<RecordType>(999), record_optional) == RecordVerdict::skipped);
  CHECK(Payload().job_field().verdict(files_synced, 0x8000) == RecordVerdict::newer);
  CHECK(Payload().job_field().verdict(files_synced, record_more) == RecordVerdict::newer);
}

TEST_CASE("where a URL led may be skipped by a reader that does not know the record: the next answer tells it again") {
  const Encoded encoded(Change(Redirected{job, FileIndex{3}, "https://elsewhere/a"}));
  REQUIRE(encoded.frames.size() == 1);
  CHECK(encoded.frames[0].flags == record_optional);
  const Encoded too_long(Change(Redirected{job, FileIndex{3}, std::string(70'000, 'x')}));
  CHECK(std::get<Redirected>(*decode(too_long.frames.at(0)).change).reported.empty());
  CHECK(Payload().job_field().field(32, {'a', '\n'}).verdict(RecordType::redirected) == RecordVerdict::malformed);
}

TEST_CASE("any cut of any payload is refused or read, and never more") {
  bgxfer_tests::RandomChanges random(3);
  for (int i = 0; i < 300; ++i) {
    const Encoded encoded(random.next());
    const Frame& frame = encoded.frames[0];
    for (std::size_t size = 0; size < frame.payload.size(); ++size) {
      // A copy of just that size, so that a read behind its end is seen.
      const Bytes cut(frame.payload.begin(), frame.payload.begin() + static_cast<std::ptrdiff_t>(size));
      const RecordReading reading = decode(frame.type, frame.flags, cut);
      CHECK(reading.change.has_value() == (reading.verdict == RecordVerdict::change));
    }
  }
}

TEST_CASE("options have the bytes that docs/journal_format.md gives them") {
  bgxfer::JobOptions options;
  options.maximum_download_time = std::chrono::milliseconds{1000};
  options.download = {.dynamic_content = true, .high_performance = true, .size_max = 256, .on_demand = false};
  options.transfer_policy = bgxfer::TransferPolicy::standard;
  options.notify.events = bgxfer::Notify::file_transferred;
  options.notify.interval_min = std::chrono::milliseconds{0};
  options.notify.handler = "h";
  options.notify.command = {"/p", {"", "x"}};
  options.peer_caching = bgxfer::PeerCaching::server;
  Bytes bytes;
  put_options(bytes, options);
  Bytes plain;
  put_options(plain, bgxfer::JobOptions());
  REQUIRE(bytes.size() > plain.size());
  // What an old journal has comes first and is as it was.
  CHECK(std::equal(plain.begin(), plain.end(), bytes.begin()));
  std::string hex;
  for (std::size_t i = plain.size(); i < bytes.size(); ++i) {
    constexpr std::string_view digits = "0123456789abcdef";
    hex += digits[static_cast<unsigned>(bytes[i]) >> 4];
    hex += digits[static_cast<unsigned>(bytes[i]) & 15];
  }
  CHECK(hex ==
        "0e02e803"      // maximum_download_time 1000
        "0f00"          // dynamic_content
        "1000"          // high_performance
        "11020001"      // size_max 256
        "130467000080"  // transfer_policy
        "140110"        // notify_events
        "1500"          // notify_interval_min 0
        "160168"        // notify_handler
        "17022f70"      // notify_program
        "1800180178"    // notify_argument, twice
        "1c0102");      // peer_caching
}

TEST_CASE("options of a journal that is older than a field mean its default") {
  // Written by a version that knew the first eleven fields.
  const std::vector<int> old = {0x01, 4,    'g', 'a',  'm',  'e', 0x04, 1, 2, 0x05, 1,    1, 0x06, 2, 0xe8,
                                3,    0x07, 3,   0xc0, 0x27, 9,   0x08, 4, 0, 0x5c, 0x26, 5, 0x0a, 1, 10};
  Bytes bytes;
  for (int number : old) bytes.push_back(static_cast<std::byte>(number));
  bgxfer::JobOptions expected;
  expected.display_name = "game";
  Sense sense = Sense::good;
  const bgxfer::JobOptions read = read_options(bytes, sense);
  CHECK(sense == Sense::good);
  CHECK(read == expected);
}

TEST_CASE("options with values that cannot be are malformed") {
  const auto sense_of = [](std::initializer_list<int> numbers) {
    Bytes bytes;
    for (int number : numbers) bytes.push_back(static_cast<std::byte>(number));
    Sense sense = Sense::good;
    (void)read_options(bytes, sense);
    return sense;
  };
  CHECK(sense_of({0x14, 1, 0x3f}) == Sense::good);
  CHECK(sense_of({0x14, 1, 0x40}) == Sense::malformed);                 // No such notification.
  CHECK(sense_of({0x13, 5, 1, 1, 1, 1, 1}) == Sense::malformed);        // More than 32 bits.
  CHECK(sense_of({0x0e, 7, 1, 1, 1, 1, 1, 1, 1}) == Sense::malformed);  // Longer than 2^42 milliseconds.
  CHECK(sense_of({0x17, 0}) == Sense::malformed);                       // An empty text is left out.
  CHECK(sense_of({0x18, 0, 0x18, 0}) == Sense::good);                   // But arguments may be empty.
  CHECK(sense_of({0x19, 1, 15}) == Sense::good);
  CHECK(sense_of({0x19, 1, 16}) == Sense::malformed);  // No such flag.
  CHECK(sense_of({0x1a, 1, 3}) == Sense::good);
  CHECK(sense_of({0x1a, 1, 4}) == Sense::malformed);  // No such usage.
  CHECK(sense_of({0x1b, 1, 8}) == Sense::good);
  CHECK(sense_of({0x1c, 1, 7}) == Sense::good);
  CHECK(sense_of({0x1c, 1, 8}) == Sense::malformed);  // No such flag of peer caching.
  CHECK(sense_of({0x0d, 3, 0x10, 1, 2}) == Sense::good);
  for (int target : {1, 3}) CHECK(sense_of({0x0d, 3, 0x10, 1, target}) == Sense::malformed);  // Not for proxies.
  CHECK(sense_of({0x0d, 2, 0x10, 0}) == Sense::malformed);
  CHECK(sense_of({0x1d, 0}) == Sense::newer);
}
