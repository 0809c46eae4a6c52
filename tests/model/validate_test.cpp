#include "model/validate.hpp"

#include <string>

#include <doctest/doctest.h>

#include <bgxfer/bits.hpp>
#include <bgxfer/memory/memory_storage.hpp>

using namespace bgxfer::detail;
using namespace std::chrono_literals;
using bgxfer::ByteRange;
using bgxfer::Errc;
using bgxfer::FileSpec;
using bgxfer::JobOptions;
using bgxfer::Limits;
using bgxfer::Result;

namespace {

FileSpec good_file() {
  FileSpec file;
  file.url = "https://cdn.example/a";
  file.target = "/games/a";
  return file;
}

template <class Edit>
Result<void> options_with(Edit edit) {
  JobOptions options;
  edit(options);
  return validate_options(options, Limits());
}

template <class Edit>
Result<void> file_with(Edit edit) {
  FileSpec file = good_file();
  edit(file);
  return validate_file(file, Limits());
}

bool refused(const Result<void>& result, Errc code) {
  return !result && result.error().code() == code && !result.error().detail().empty();
}

}  // namespace

TEST_CASE("BITS's numbers are those of the specification") {
  const Limits limits = Limits::bits();
  CHECK(limits.jobs_max == 300);
  CHECK(limits.jobs_per_owner_max == 60);
  CHECK(limits.url_segment_bytes_max == 260);
  CHECK(limits.target_bytes_max == 260);
  CHECK(limits.command_program_bytes_max == 260);
  CHECK(limits.command_arguments_bytes_max == 4000);
  CHECK(limits.inactivity_timeout == 90 * 24h);
  CHECK(limits.maximum_download_time == 7'776'000s);
  CHECK(limits.notifications_max == 4);
  for (bgxfer::TransferPolicy policy : limits.transfer_policy) CHECK(policy == bgxfer::TransferPolicy::always);
  CHECK(limits.files_per_job_max == 200);
  CHECK(limits.ranges_per_file_max == 500);
  CHECK(limits.display_name_bytes_max == 256);
  CHECK(limits.description_bytes_max == 1024);
  CHECK(limits.url_bytes_max == 2200);
  CHECK(limits.header_bytes_max == 16'384);
  CHECK(limits.time_slice == 300s);
  CHECK(limits.retry_delay_floor == 5s);
  CHECK(limits.background_jobs_max == 1);
  CHECK(limits.background_beside_foreground);
  CHECK(limits.foreground_jobs_max == 300);
  const JobOptions options = JobOptions::bits();
  CHECK(options.retry_delay_min == 600s);
  CHECK(options.retry_delay_max == 600s);
  CHECK(options.no_progress_timeout == 14 * 24h);
  CHECK(options.priority == bgxfer::Priority::normal);
  CHECK(options.notify.interval_min == 500ms);
  CHECK(static_cast<std::uint32_t>(options.notify.events) == 3);
  CHECK_FALSE(options.maximum_download_time);
  CHECK(validate_options(options, limits));
}

TEST_CASE("texts may be as long as their limit, and no longer") {
  CHECK(options_with([](JobOptions& it) { it.display_name.assign(256, 'n'); }));
  CHECK(refused(options_with([](JobOptions& it) { it.display_name.assign(257, 'n'); }), Errc::string_too_long));
  CHECK(options_with([](JobOptions& it) { it.description.assign(1024, 'd'); }));
  CHECK(refused(options_with([](JobOptions& it) { it.description.assign(1025, 'd'); }), Errc::string_too_long));
  CHECK(options_with([](JobOptions& it) { it.tag.assign(1024, 't'); }));
  CHECK(refused(options_with([](JobOptions& it) { it.tag.assign(1025, 't'); }), Errc::string_too_long));
  CHECK(file_with([](FileSpec& it) { it.url.resize(8192, 'u'); }));
  CHECK(refused(file_with([](FileSpec& it) { it.url.resize(8193, 'u'); }), Errc::string_too_long));
  const auto headers = [](std::size_t bytes) {
    return [bytes](JobOptions& it) { it.http.headers = {{"A", std::string(bytes - 5, 'v')}}; };
  };
  CHECK(options_with(headers(16'384)));
  CHECK(refused(options_with(headers(16'385)), Errc::string_too_long));
}

TEST_CASE("numbers are taken at their bounds, and refused beyond") {
  for (std::uint32_t files : {1u, 64u}) CHECK(options_with([&](JobOptions& it) { it.parallel_files = files; }));
  for (std::uint32_t files : {0u, 65u}) {
    CHECK(refused(options_with([&](JobOptions& it) { it.parallel_files = files; }), Errc::invalid_argument));
  }
  CHECK(options_with([](JobOptions& it) { it.retry_delay_min = it.retry_delay_max = it.no_progress_timeout = 0ms; }));
  CHECK(refused(options_with([](JobOptions& it) { it.retry_delay_min = -1ms; }), Errc::invalid_argument));
  CHECK(refused(options_with([](JobOptions& it) { it.retry_delay_max = -1ms; }), Errc::invalid_argument));
  CHECK(refused(options_with([](JobOptions& it) { it.no_progress_timeout = -1ms; }), Errc::invalid_argument));
  CHECK(options_with([](JobOptions& it) { it.priority = bgxfer::Priority::low; }));
  CHECK(refused(options_with([](JobOptions& it) { it.priority = static_cast<bgxfer::Priority>(4); }),
                Errc::invalid_argument));
  CHECK(
      refused(options_with([](JobOptions& it) { it.type = static_cast<bgxfer::JobType>(1); }), Errc::invalid_argument));
}

TEST_CASE("headers that break a request or belong to the transport are refused without showing their values") {
  const auto with = [](std::string name, std::string value) {
    return options_with([&](JobOptions& it) { it.http.headers = {{name, value}}; });
  };
  CHECK(with("X-Token", "a\tb c"));
  for (const char* name : {"", "a b", "a:", "a\r\n", "\xc3\xa4"})
    CHECK(refused(with(name, "secret"), Errc::invalid_argument));
  for (const char* value : {"secret\r\nX: y", "secret\n", "secret\x7f"}) {
    const Result<void> result = with("X", value);
    REQUIRE(refused(result, Errc::invalid_argument));
    CHECK(result.error().message().find("secret") == std::string::npos);
  }
  CHECK(refused(with("X", std::string("a\0b", 3)), Errc::invalid_argument));
  for (const char* name :
       {"Host", "range", "IF-RANGE", "Content-Length", "Transfer-Encoding", "Accept-Encoding", "Connection"}) {
    CHECK(refused(with(name, "x"), Errc::invalid_argument));
  }
}

TEST_CASE("a file needs a URL without control characters and an absolute target") {
  CHECK(file_with([](FileSpec&) {}));
  CHECK(refused(file_with([](FileSpec& it) { it.url.clear(); }), Errc::invalid_url));
  CHECK(refused(file_with([](FileSpec& it) { it.url += '\n'; }), Errc::invalid_url));
  CHECK(refused(file_with([](FileSpec& it) { it.target.clear(); }), Errc::relative_target));
  CHECK(refused(file_with([](FileSpec& it) { it.target = "games/a"; }), Errc::relative_target));
  CHECK(refused(file_with([](FileSpec& it) { it.target = std::string("/a\0b", 4); }), Errc::unsafe_target));
}

TEST_CASE("ranges may touch, not overlap, and each has bytes") {
  const auto with = [](std::vector<ByteRange> ranges) { return file_with([&](FileSpec& it) { it.ranges = ranges; }); };
  CHECK(with({{10, 5}, {0, 10}, {15, ByteRange::to_end}}));
  CHECK(refused(with({{10, 5}, {14, 1}}), Errc::overlapping_ranges));
  CHECK(refused(with({{10, ByteRange::to_end}, {1'000'000, 1}}), Errc::overlapping_ranges));
  CHECK(refused(with({{10, 0}}), Errc::invalid_range));
  CHECK(refused(with({{ByteRange::to_end, 1}}), Errc::invalid_range));
  std::vector<ByteRange> many;
  for (std::uint64_t i = 0; i < 10'000; ++i) many.push_back({i * 2, 1});
  CHECK(with(many));
  many.push_back({20'000, 1});
  CHECK(refused(with(many), Errc::too_many_ranges));
}

TEST_CASE("4.3: ranges have places for all or none, each with an end, and none over another") {
  const auto with = [](std::vector<std::uint64_t> places) {
    return file_with([&](FileSpec& it) {
      it.ranges = {{100, 10}, {0, 5}, {200, ByteRange::to_end}};
      it.placed_at = places;
    });
  };
  CHECK(with({}));
  CHECK(with({5, 0, 15}));
  CHECK(with({100, 0, 200}));
  CHECK(refused(with({5, 0}), Errc::invalid_argument));
  CHECK(refused(with({5, 0, 15, 20}), Errc::invalid_argument));
  CHECK(refused(with({4, 0, 15}), Errc::overlapping_ranges));
  CHECK(refused(with({5, 0, 14}), Errc::overlapping_ranges));
  CHECK(refused(with({20, 0, 15}), Errc::overlapping_ranges));  // The last one runs to an end that nobody knows.
  CHECK(refused(with({ByteRange::to_end - 10, 0, 15}), Errc::invalid_range));
  CHECK(refused(with({5, 0, ByteRange::to_end}), Errc::invalid_range));
  CHECK(refused(file_with([](FileSpec& it) { it.placed_at = {0}; }), Errc::invalid_argument));
  CHECK(refused(file_with([](FileSpec& it) {
                  it.size = 20'000;
                  it.pieces.bytes = 16 * 1024;
                  it.pieces.sha256.resize(2);
                  it.ranges = {{0, 20'000}};
                  it.placed_at = {0};
                }),
                Errc::unsupported_configuration));
}

TEST_CASE("an error about a file shows its URL without what could be secret in it") {
  const Result<void> result = file_with([](FileSpec& it) {
    it.url = "https://user:password@cdn.example/a?token=secret";
    it.ranges = {{0, 0}};
  });
  REQUIRE_FALSE(result);
  CHECK(result.error().message().find("cdn.example/a") != std::string::npos);
  CHECK(result.error().message().find("password") == std::string::npos);
  CHECK(result.error().message().find("secret") == std::string::npos);
}

TEST_CASE("a queue without a transport or a storage says which one is missing") {
  bgxfer::QueueOptions options;
  const Result<void> nothing = validate_queue(options);
  CHECK(refused(nothing, Errc::invalid_argument));
  CHECK(nothing.error().detail().find("transport") != std::string::npos);
}

TEST_CASE("spec 3.6: credentials at their limits, and the kinds that are not spoken") {
  using bgxfer::Credentials;
  using bgxfer::CredentialScheme;
  using bgxfer::CredentialTarget;
  const auto with = [](Credentials known) {
    return options_with([&](JobOptions& it) { it.http.credentials = {known}; });
  };
  const Credentials good{CredentialTarget::server, CredentialScheme::basic, "me", "open sesame"};
  CHECK(with(good));
  Credentials known = good;
  known.user.assign(300, 'u');
  known.password.assign(65'536, 'p');
  CHECK(with(known));
  known.user += 'u';
  CHECK(refused(with(known), Errc::string_too_long));
  known = good;
  known.password.assign(65'537, 'p');
  CHECK(refused(with(known), Errc::string_too_long));
  known = good;
  known.scheme = CredentialScheme::passport;
  CHECK(refused(with(known), Errc::invalid_argument));
  for (CredentialScheme scheme : {CredentialScheme::ntlm, CredentialScheme::negotiate}) {
    known = good;
    known.scheme = scheme;
    CHECK(with(known));
    known.user.clear();  // The user of the process has no password here.
    CHECK(refused(with(known), Errc::invalid_argument));
    known.password.clear();
    CHECK(with(known));
  }
  for (CredentialScheme scheme : {CredentialScheme::basic, CredentialScheme::digest}) {
    known = Credentials{CredentialTarget::server, scheme, "", ""};
    CHECK(refused(with(known), Errc::invalid_argument));
  }
  known = good;
  known.user = "a:b";
  CHECK(refused(with(known), Errc::invalid_argument));
  known.scheme = CredentialScheme::digest;
  CHECK(with(known));
  known = good;
  known.password = "marker-secret\n";
  const Result<void> result = with(known);
  REQUIRE(refused(result, Errc::invalid_argument));
  CHECK(result.error().message().find("marker-secret") == std::string::npos);
  known = good;
  known.target = static_cast<CredentialTarget>(3);
  CHECK(refused(with(known), Errc::invalid_argument));
  CHECK(refused(options_with([&](JobOptions& it) { it.http.credentials = {good, good}; }), Errc::invalid_argument));
}

TEST_CASE("spec 3.5: proxy lists go with their usage, and have a limit") {
  using bgxfer::ProxyUsage;
  const auto with = [](ProxyUsage usage, std::string list, std::string bypass = {}) {
    return options_with([&](JobOptions& it) {
      it.http.proxy.usage = usage;
      it.http.proxy.list = list;
      it.http.proxy.bypass = bypass;
    });
  };
  CHECK(with(ProxyUsage::listed, "p:1", "<local>"));
  CHECK(refused(with(ProxyUsage::listed, ""), Errc::invalid_argument));
  CHECK(refused(with(ProxyUsage::none, "p:1"), Errc::invalid_argument));
  CHECK(refused(with(ProxyUsage::preconfigured, "", "h"), Errc::invalid_argument));
  CHECK(with(ProxyUsage::listed, std::string(32'000, 'p'), std::string(32'000, 'b')));
  CHECK(refused(with(ProxyUsage::listed, std::string(32'001, 'p')), Errc::string_too_long));
  CHECK(refused(with(ProxyUsage::listed, "p", std::string(32'001, 'b')), Errc::string_too_long));
  CHECK(refused(with(ProxyUsage::listed, "u:secret@p"), Errc::invalid_argument));
  CHECK(refused(with(static_cast<ProxyUsage>(4), ""), Errc::invalid_argument));
}

TEST_CASE("spec 3.11: a method is a token, and not CONNECT") {
  for (const char* method : {"GET", "POST", "M-SEARCH"}) {
    CHECK(options_with([&](JobOptions& it) { it.http.method = method; }));
  }
  for (const char* method : {"", "CONNECT", "A B", "A\r\n"}) {
    CHECK(refused(options_with([&](JobOptions& it) { it.http.method = method; }), Errc::invalid_argument));
  }
  CHECK(refused(options_with([](JobOptions& it) { it.http.method.assign(65, 'M'); }), Errc::invalid_argument));
}

TEST_CASE("10: a part of a URL's path, a target and a command may be as long as their limits, and no longer") {
  const Limits limits = Limits::bits();
  const auto url = [&](std::size_t bytes) {
    FileSpec file = good_file();
    file.url = "https://cdn.example/" + std::string(bytes, 'p') + "/b?" + std::string(300, 'q');
    return validate_file(file, limits);
  };
  CHECK(url(260));
  CHECK(refused(url(261), Errc::string_too_long));
  const auto target = [&](std::size_t bytes) {
    FileSpec file = good_file();
    file.target = "/" + std::string(bytes - 1, 't');
    return validate_file(file, limits);
  };
  CHECK(target(260));
  CHECK(refused(target(261), Errc::string_too_long));
  const auto command = [&](std::size_t program, std::vector<std::string> arguments) {
    JobOptions options;
    options.notify.command.program = "/" + std::string(program - 1, 'c');
    options.notify.command.arguments = std::move(arguments);
    return validate_options(options, limits);
  };
  CHECK(command(260, {}));
  CHECK(refused(command(261, {}), Errc::string_too_long));
  CHECK(command(5, {std::string(1999, 'a'), std::string(1999, 'b')}));
  CHECK(refused(command(5, {std::string(1999, 'a'), std::string(2000, 'b')}), Errc::string_too_long));
}

TEST_CASE("3.4: a command has an absolute program, and no arguments without one") {
  CHECK(refused(options_with([](JobOptions& it) { it.notify.command.program = "true"; }), Errc::invalid_argument));
  CHECK(refused(options_with([](JobOptions& it) { it.notify.command.arguments = {"a"}; }), Errc::invalid_argument));
  CHECK(refused(options_with([](JobOptions& it) { it.notify.command.program = std::string("/bin/a\0b", 8); }),
                Errc::invalid_argument));
  CHECK(options_with([](JobOptions& it) { it.notify.command = {"/bin/true", {"", "-x"}}; }));
}

TEST_CASE("3.12, property 7: stored credentials are for proxies, and for nobody else") {
  using bgxfer::CredentialTarget;
  const auto with = [](CredentialTarget target) {
    return options_with([target](JobOptions& it) { it.http.stored_credentials = target; });
  };
  CHECK(with(CredentialTarget::proxy));
  for (CredentialTarget target : {CredentialTarget::server, CredentialTarget{0}, CredentialTarget{3}}) {
    CHECK(refused(with(target), Errc::stored_credentials_unsupported));
    CHECK(bgxfer::bits_code(with(target).error()) == 0x80200066);
  }
}

TEST_CASE("3.13: peer-caching flags are the three bits that BITS has") {
  using bgxfer::PeerCaching;
  const auto with = [](std::uint8_t bits) {
    return options_with([bits](JobOptions& it) { it.peer_caching = static_cast<PeerCaching>(bits); });
  };
  CHECK(JobOptions().peer_caching == PeerCaching::none);
  for (std::uint8_t bits = 0; bits < 8; ++bits) CHECK(with(bits));
  CHECK(refused(with(8), Errc::invalid_argument));
  CHECK(static_cast<int>(PeerCaching::client) == 1);
  CHECK(static_cast<int>(PeerCaching::server) == 2);
  CHECK(static_cast<int>(PeerCaching::no_branch_cache) == 4);
  CHECK(has(PeerCaching::client | PeerCaching::server, PeerCaching::server));
  CHECK_FALSE(has(PeerCaching::client, PeerCaching::server));
}

TEST_CASE("3.3, 3.12, 9.5: values that a property cannot have are refused") {
  using bgxfer::Notify;
  using bgxfer::TransferPolicy;
  CHECK(options_with([](JobOptions& it) { it.notify.events = bgxfer::all_notifications; }));
  CHECK(refused(options_with([](JobOptions& it) { it.notify.events = static_cast<Notify>(0x40); }),
                Errc::invalid_argument));
  CHECK(refused(options_with([](JobOptions& it) { it.notify.interval_min = -1ms; }), Errc::invalid_argument));
  CHECK(options_with([](JobOptions& it) { it.notify.handler.assign(256, 'h'); }));
  CHECK(refused(options_with([](JobOptions& it) { it.notify.handler.assign(257, 'h'); }), Errc::string_too_long));
  CHECK(options_with([](JobOptions& it) { it.download.size_max = 1; }));
  CHECK(refused(options_with([](JobOptions& it) { it.download.size_max = 0; }), Errc::invalid_argument));
  CHECK(refused(options_with([](JobOptions& it) { it.maximum_download_time = -1ms; }), Errc::invalid_argument));
  CHECK(options_with([](JobOptions& it) { it.transfer_policy = TransferPolicy::always; }));
  CHECK(refused(options_with([](JobOptions& it) { it.transfer_policy = static_cast<TransferPolicy>(0x100); }),
                Errc::invalid_argument));
  CHECK(refused(options_with([](JobOptions& it) { it.download = {.dynamic_content = true, .on_demand = true}; }),
                Errc::unsupported_configuration));
}

TEST_CASE("10: a queue's inactivity timeout is 0 to 999 days, and its other limits are what they can be") {
  const auto limits_with = [](auto edit) {
    bgxfer::QueueOptions options;
    edit(options);
    return validate_limits(options);
  };
  using bgxfer::QueueOptions;
  CHECK(limits_with([](QueueOptions& it) { it.limits.inactivity_timeout = 999 * 24h; }));
  CHECK(refused(limits_with([](QueueOptions& it) { it.limits.inactivity_timeout = 999 * 24h + 1ms; }),
                Errc::invalid_argument));
  CHECK(refused(limits_with([](QueueOptions& it) { it.limits.inactivity_timeout = -1ms; }), Errc::invalid_argument));
  CHECK(refused(limits_with([](QueueOptions& it) { it.limits.maximum_download_time = -1ms; }), Errc::invalid_argument));
  CHECK(refused(limits_with([](QueueOptions& it) { it.limits.notifications_max = 0; }), Errc::invalid_argument));
  CHECK(limits_with([](QueueOptions& it) { it.limits.origins_known_max = 1; }));
  CHECK(refused(limits_with([](QueueOptions& it) { it.limits.origins_known_max = 0; }), Errc::invalid_argument));
  CHECK(limits_with([](QueueOptions& it) { it.owner.name.assign(256, 'o'); }));
  CHECK(refused(limits_with([](QueueOptions& it) { it.owner.name.assign(257, 'o'); }), Errc::string_too_long));
}

TEST_CASE("mirrors are URLs like any other, and not too many") {
  CHECK(file_with([](FileSpec& file) { file.mirrors.assign(Limits().mirrors_per_file_max, "http://mirror/a"); }));
  CHECK(refused(
      file_with([](FileSpec& file) { file.mirrors.assign(Limits().mirrors_per_file_max + 1, "http://mirror/a"); }),
      Errc::invalid_argument));
  CHECK(refused(file_with([](FileSpec& file) { file.mirrors = {""}; }), Errc::invalid_url));
  CHECK(refused(file_with([](FileSpec& file) { file.mirrors = {"http://mirror/\r\nX: y"}; }), Errc::invalid_url));
  CHECK(refused(file_with([](FileSpec& file) { file.mirrors = {"http://m/" + std::string(8192, 'a')}; }),
                Errc::invalid_url));
}

TEST_CASE("a file has one hash for each of its pieces, which are neither tiny nor huge") {
  const auto pieces_of = [](std::uint64_t size, std::uint64_t bytes, std::size_t count) {
    return [=](FileSpec& file) {
      file.size = size;
      file.pieces.bytes = bytes;
      file.pieces.sha256.resize(count);
    };
  };
  CHECK(file_with(pieces_of(32'768, 16'384, 2)));
  CHECK(file_with(pieces_of(32'769, 16'384, 3)));
  CHECK(refused(file_with(pieces_of(32'769, 16'384, 2)), Errc::invalid_argument));
  CHECK(refused(file_with(pieces_of(32'768, 16'384, 3)), Errc::invalid_argument));
  CHECK(refused(file_with(pieces_of(32'766, 16'383, 2)), Errc::invalid_argument));
  CHECK(refused(file_with(pieces_of(0, 16'384, 1)), Errc::invalid_argument));
  CHECK(refused(file_with(pieces_of(1, 16'384, 0)), Errc::invalid_argument));
  CHECK(file_with(pieces_of(std::uint64_t{1} << 31, std::uint64_t{1} << 30, 2)));
  CHECK(refused(file_with(pieces_of(std::uint64_t{1} << 31, (std::uint64_t{1} << 30) + 1, 2)), Errc::invalid_argument));
  CHECK(refused(file_with([](FileSpec& file) {
                  file.pieces.bytes = 16'384;
                  file.pieces.sha256.resize(1);
                }),
                Errc::invalid_argument));
  const std::size_t most = Limits().pieces_per_file_max;
  CHECK(file_with(pieces_of(most * 16'384, 16'384, most)));
  CHECK(refused(file_with(pieces_of(most * 16'384 + 1, 16'384, most + 1)), Errc::invalid_argument));
}

TEST_CASE("a job has 1 to 32 connections for a file") {
  CHECK(options_with([](JobOptions& options) { options.connections_per_file = 32; }));
  CHECK(refused(options_with([](JobOptions& options) { options.connections_per_file = 33; }), Errc::invalid_argument));
  CHECK(refused(options_with([](JobOptions& options) { options.connections_per_file = 0; }), Errc::invalid_argument));
}
