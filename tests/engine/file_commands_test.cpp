#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/waiting.hpp"
#include "support/world.hpp"

using namespace bgxfer;
using namespace std::chrono_literals;
using test::Incident;
using test::wait_for;
using test::World;

namespace {

constexpr std::uint64_t size = 1'000'000;

/// A job whose transfer stopped after some bytes, suspended.
Job part_way(World& world) {
  world.start();
  Job job = world.add("a", size);
  job.resume();
  world.run_for(15ms);
  job.suspend();
  world.run();
  REQUIRE(job.progress().bytes_transferred > 100'000);
  REQUIRE(job.progress().bytes_transferred < size);
  return job;
}

void check_done(World& world, Job& job, const std::string& expected) {
  REQUIRE(job.state() == JobState::transferred);
  job.complete();
  world.run();
  CHECK(world.contents("a") == expected);
}

Job add_on_demand(World& world, std::uint64_t bytes = size) {
  JobOptions options;
  options.download.on_demand = true;
  options.files = {world.file("a", bytes)};
  return world.queue->add(options).value();
}

std::vector<ByteRange> asked_ranges(const World& world) {
  std::vector<ByteRange> ranges;
  for (const test::Asking& asking : world.transport->asked) ranges.push_back(asking.range);
  return ranges;
}

}  // namespace

TEST_CASE("4.8: a file in progress continues from its new URL if that has the same bytes") {
  World world;
  Job job = part_way(world);
  const std::uint64_t before = job.progress().bytes_transferred;
  File file = job.files()[0];
  world.file("b", size);
  world.resource("b").validator = "\"another server's\"";
  REQUIRE(file.set_url("http://server/b"));
  CHECK(file.url() == "http://server/b");
  CHECK(job.progress().bytes_transferred == before);
  world.transport->asked.clear();
  job.resume();
  world.run();
  // Nothing that vouched for the old URL is sent to the new one; bytes before the gap are compared instead.
  REQUIRE(world.transport->asked.size() == 1);
  CHECK(world.transport->asked[0].url == "http://server/b");
  CHECK(world.transport->asked[0].validator.empty());
  CHECK(world.transport->asked[0].range.offset == before - 64 * 1024);
  CHECK(job.bytes_received() == size + 64 * 1024);
  check_done(world, job, world.resource("b").content);
}

TEST_CASE("4.8: a file in progress starts again at 0 if the new URL has another size, date or content") {
  const auto old = std::chrono::system_clock::time_point(std::chrono::seconds{1'600'000'000});
  for (int what = 0; what < 3; ++what) {
    CAPTURE(what);
    World world;
    world.start();
    Job job = world.add("a", size);
    world.resource("a").modified = old;
    job.resume();
    world.run_for(15ms);
    world.file("b", what == 0 ? size + 1 : size, what == 2 ? 2 : 1);
    world.resource("b").modified = what == 1 ? old + 1s : old;
    REQUIRE(job.files()[0].set_url("http://server/b"));
    world.run();
    CHECK(job.bytes_received() > size + 100'000);
    check_done(world, job, world.resource("b").content);
  }
}

TEST_CASE("4.8: an equal validator of another URL proves nothing") {
  World world;
  Job job = part_way(world);
  world.file("b", size, 2);
  REQUIRE(world.resource("b").validator == world.resource("a").validator);
  REQUIRE(job.files()[0].set_url("http://server/b"));
  job.resume();
  world.run();
  check_done(world, job, world.resource("b").content);
}

TEST_CASE("4.8: a URL that changes while the first response is on its way takes nothing from the old one") {
  for (Clock::Duration when : {0ms, 5ms, 10ms, 11ms, 13ms, 20ms}) {
    World world;
    world.start();
    Job job = world.add("a", size);
    world.file("b", size, 2);
    job.resume();
    world.run_for(when);
    REQUIRE(job.files()[0].set_url("http://server/b"));
    world.run();
    check_done(world, job, world.resource("b").content);
  }
}

TEST_CASE("4.8: a finished file is not fetched again") {
  World world;
  world.start();
  Job job = world.add("a", size);
  job.resume();
  world.run();
  const std::size_t asked = world.transport->asked.size();
  REQUIRE(job.files()[0].set_url("http://server/b"));
  CHECK(job.state() == JobState::transferred);
  job.resume();
  world.run();
  CHECK(world.transport->asked.size() == asked);
  CHECK(job.files()[0].url() == "http://server/b");
  check_done(world, job, world.resource("a").content);
}

TEST_CASE("4.8: a new URL survives a crash without a resume, and so does what arrived") {
  for (const std::size_t compaction : {std::size_t{1}, std::size_t{1} << 20}) {
    World world;
    world.options.limits.journal_bytes_before_compaction = compaction;
    const JobId id = part_way(world).id();
    world.file("b", size);
    REQUIRE(world.queue->find(id)->files()[0].set_url("http://server/b"));
    world.run();
    world.crash();
    world.start();
    Job job = *world.queue->find(id);
    CHECK(job.files()[0].url() == "http://server/b");
    CHECK(job.progress().bytes_transferred > 100'000);
    job.resume();
    world.run();
    CHECK(job.bytes_received() < size);
    check_done(world, job, world.resource("b").content);
  }
}

TEST_CASE("4.8: a prefix is replaced where URLs begin with it, capitals and all, in as many files as are told") {
  World world;
  world.start();
  JobOptions options;
  for (const char* name : {"x/a", "x/b", "X/c", "y/x/d"}) options.files.push_back(world.file(name, 10));
  for (std::size_t i = 0; i < options.files.size(); ++i) options.files[i].target = "/files/" + std::to_string(i);
  Job job = world.queue->add(options).value();
  CHECK(job.replace_url_prefix("http://server/x/", "https://mirror/").value() == 2);
  CHECK(job.replace_url_prefix("http://server/nowhere/", "https://mirror/").value() == 0);
  std::vector<std::string> urls;
  for (const File& file : job.files()) urls.push_back(file.url());
  CHECK(urls ==
        std::vector<std::string>{"https://mirror/a", "https://mirror/b", "http://server/X/c", "http://server/y/x/d"});
}

TEST_CASE("4.8: a new URL that is none is refused, and nothing is changed") {
  World world;
  world.start();
  JobOptions options;
  options.files = {world.file("a", 10), world.file("bb", 10)};
  Job job = world.queue->add(options).value();
  File file = job.files()[0];
  CHECK(file.set_url("").error().code() == Errc::invalid_url);
  CHECK(file.set_url("ftp://server/a").error().code() == Errc::invalid_url);
  CHECK(file.set_url("http://server/\n").error().code() == Errc::invalid_url);
  CHECK(file.set_url("http://server/" + std::string(8192, 'a')).error().code() == Errc::string_too_long);
  CHECK(job.replace_url_prefix("", "http://other/").error().code() == Errc::invalid_argument);
  CHECK(job.replace_url_prefix("http://server/", "ftp://server/").error().code() == Errc::invalid_url);
  CHECK(job.replace_url_prefix("http://server/a", "").error().code() == Errc::invalid_url);
  // One more byte than is allowed, and only in the second file.
  const std::string long_prefix = "http://" + std::string(8192 - 7 - 2, 'a') + "/";
  CHECK(job.replace_url_prefix("http://server/", long_prefix).error().code() == Errc::string_too_long);
  CHECK(job.files()[0].url() == "http://server/a");
  CHECK(job.files()[1].url() == "http://server/bb");
  CHECK(job.replace_url_prefix("http://server/a", "http://" + std::string(8192 - 7, 'a')).value() == 1);
}

TEST_CASE("T27: a rejected file is an error, its progress is 0, and a resume fetches it past caches") {
  for (const bool running : {false, true}) {
    CAPTURE(running);
    World world;
    world.start();
    JobOptions options;
    options.files = {world.file("a", 1000)};
    if (running) options.files.push_back(world.file("b", size));
    Job job = world.queue->add(options).value();
    job.resume();
    running ? world.run_for(30ms) : world.run();
    REQUIRE(job.state() == (running ? JobState::transferring : JobState::transferred));
    File file = job.files()[0];
    CHECK(file.validation_state().value() == false);
    REQUIRE(file.set_validation_state(false));
    world.run();
    CHECK(job.state() == JobState::error);
    REQUIRE(job.error());
    CHECK(job.error()->code() == Errc::validation_failed);
    CHECK(bits_code(*job.error()) == 0x80200053);
    CHECK(job.error()->file() == 0u);
    CHECK(file.progress().bytes_transferred == 0);
    world.transport->asked.clear();
    job.resume();
    world.run();
    const auto& headers = world.transport->asked.at(0).headers;
    REQUIRE(headers.size() == 1);
    CHECK(headers[0].value == "no-cache");
    CHECK(file.validation_state().value() == false);
    check_done(world, job, world.resource("a").content);
    CHECK(file.validation_state().value() == true);
  }
}

TEST_CASE("4.9: a file that is rejected makes its job an error in every state, and a resume fetches that file again") {
  using enum JobState;
  for (const JobState state : {queued, connecting, transferring, suspended, error, transient_error, transferred}) {
    CAPTURE(to_string(state));
    World world;
    world.start();
    JobOptions options;
    options.files = {world.file("a", 1000), world.file("b", size)};
    Job job = world.queue->add(options).value();
    if (state == error)
      world.transport->incidents = {Incident{}, Incident{.refuse = Error(http_status(404), ErrorContext::remote_file)}};
    if (state == transient_error) world.transport->incidents = {Incident{}, Incident{.cut_after = 1000}};
    job.resume();
    state == transferred || state == error ? world.run() : world.run_for(25ms);
    if (state == suspended) job.suspend();
    if (state == queued) job.set_priority(Priority::low);
    if (state == connecting) {
      job.suspend();
      world.run_for(1ms);
      job.resume();
      world.run_for(1ms);
    }
    REQUIRE(job.state() == state);
    REQUIRE(job.files()[0].progress().transferred);
    const std::uint64_t before = job.files()[1].progress().bytes_transferred;
    const std::uint32_t failures = job.error_count();
    const std::size_t told = world.count<JobFailed>(job);

    REQUIRE(job.files()[0].set_validation_state(false));
    CHECK(job.state() == error);
    CHECK_FALSE(job.waiting().next_attempt_in);
    REQUIRE(job.error());
    CHECK(job.error()->code() == Errc::validation_failed);
    CHECK(job.error()->file() == 0u);
    CHECK(job.error_count() == failures);
    CHECK(job.files()[0].progress().bytes_transferred == 0);
    world.run();
    CHECK(job.state() == error);
    CHECK(world.count<JobFailed>(job) == told + 1);
    CHECK(job.files()[1].progress().bytes_transferred >= before);

    world.transport->asked.clear();
    job.resume();
    world.run();
    CHECK(world.transport->asked.at(0).url == "http://server/a");
    check_done(world, job, world.resource("a").content);
    CHECK(world.contents("b") == world.resource("b").content);
  }
}

TEST_CASE("4.9: what the host said about a file of a suspended job survives a restart") {
  World world;
  world.start();
  JobOptions options;
  options.files = {world.file("a", 1000), world.file("b", size)};
  const JobId id = world.queue->add(options).value().id();
  Job job = *world.queue->find(id);
  job.resume();
  world.run_for(25ms);
  job.suspend();
  REQUIRE(job.files()[0].set_validation_state(false));
  world.run();
  world.crash();
  world.start();
  job = *world.queue->find(id);
  CHECK(job.state() == JobState::error);
  CHECK(job.error()->code() == Errc::validation_failed);
  CHECK(job.files()[0].progress().bytes_transferred == 0);
}

TEST_CASE("4.9: a validation state is for files that have arrived, and survives a restart") {
  World world;
  world.start();
  const JobId id = world.add("a", size).id();
  Job job = *world.queue->find(id);
  File file = job.files()[0];
  for (const bool valid : {false, true}) {
    const CommandResult early = file.set_validation_state(valid);
    REQUIRE_FALSE(early);
    CHECK(early.error().code() == Errc::file_not_transferred);
    CHECK(bits_code(early.error()) == 0x8000000A);
  }
  CHECK(file.validation_state().error().code() == Errc::file_not_transferred);
  job.resume();
  world.run();
  CHECK(file.validation_state().value() == false);
  REQUIRE(file.set_validation_state(true));
  CHECK(job.state() == JobState::transferred);
  for (int run = 0; run < 2; ++run) {
    world.run();
    world.crash();
    world.options.limits.journal_bytes_before_compaction = 1;
    world.start();
    CHECK(world.queue->find(id)->files()[0].validation_state().value() == true);
  }
}

TEST_CASE("4.8, T31: an on-demand job fetches what is asked for, and is suspended, or transferred if whole") {
  World world;
  world.start();
  Job job = add_on_demand(world);
  File file = job.files()[0];
  job.resume();
  world.run();
  CHECK(job.state() == JobState::suspended);
  CHECK(world.transport->asked.empty());

  REQUIRE(file.request_ranges({{500'000, 1000}, {100, 50}, {120, 80}}));
  job.resume();
  world.run();
  CHECK(job.state() == JobState::suspended);
  CHECK(file.arrived() == std::vector<ByteRange>{{100, 100}, {500'000, 1000}});
  CHECK(world.transport->bytes_sent == 1100);
  CHECK(asked_ranges(world) == std::vector<ByteRange>{{100, 100}, {500'000, 1000}});

  REQUIRE(file.request_ranges({ByteRange{}}));
  job.resume();
  world.run();
  CHECK(world.transport->bytes_sent == size);
  check_done(world, job, world.resource("a").content);
}

TEST_CASE("4.8: ranges that are asked for come first, and then the rest comes") {
  World world;
  world.start();
  Job job = world.add("a", size);
  File file = job.files()[0];
  job.resume();
  world.run_for(12ms);
  REQUIRE(job.state() == JobState::transferring);
  REQUIRE(file.request_ranges({{900'000, 1000}}));
  const std::uint64_t before = job.progress().bytes_transferred;
  world.run_for(13ms);
  CHECK(file.arrived().back() == ByteRange{900'000, 1000});
  CHECK(job.progress().bytes_transferred <= before + 2 * 65'536 + 1000);
  world.run();
  CHECK(world.transport->bytes_sent <= size + 65'536);
  check_done(world, job, world.resource("a").content);
}

TEST_CASE("4.8: what is missing from a position on comes next, then the rest") {
  World world;
  world.start();
  Job job = world.add("a", size);
  REQUIRE(job.files()[0].prioritize_from(600'000));
  job.resume();
  world.run();
  CHECK(asked_ranges(world) == std::vector<ByteRange>{{600'000, ByteRange::to_end}, {0, 600'000}});
  check_done(world, job, world.resource("a").content);
}

TEST_CASE("4.8: of several files the one with a wish has its turn first") {
  World world;
  world.start();
  JobOptions options;
  options.files = {world.file("x", size), world.file("a", 1000)};
  Job job = world.queue->add(options).value();
  REQUIRE(job.files()[1].request_ranges({{0, 10}}));
  job.resume();
  world.run();
  CHECK(world.transport->asked.at(0).url == "http://server/a");
  check_done(world, job, world.resource("a").content);
}

TEST_CASE("4.8: ranges outside the file are refused once its size is known, else an error when it is") {
  World world;
  world.start();
  Job job = add_on_demand(world);
  File file = job.files()[0];
  CHECK(file.request_ranges({{5, 0}}).error().code() == Errc::invalid_range);
  CHECK(file.request_ranges({{ByteRange::to_end, 1}}).error().code() == Errc::invalid_range);
  for (ByteRange outside : {ByteRange{999'999, 2}, ByteRange{size, 1}, ByteRange{size, ByteRange::to_end}}) {
    CAPTURE(outside.offset);
    World other;
    other.start();
    Job blind = add_on_demand(other);
    other.resource("a").bounded = true;
    REQUIRE(blind.files()[0].request_ranges({outside}));
    blind.resume();
    other.run();
    CHECK(blind.state() == JobState::error);
    CHECK(blind.error()->code() == Errc::invalid_range);
    // Forgotten with the error, so that the next resume is not in vain.
    REQUIRE(blind.files()[0].request_ranges({{0, 10}}));
    blind.resume();
    other.run();
    CHECK(blind.state() == JobState::suspended);
    const CommandResult late = blind.files()[0].request_ranges({{0, 5}, outside});
    REQUIRE_FALSE(late);
    CHECK(late.error().code() == Errc::invalid_range);
    CHECK(bits_code(late.error()) == 0x8020002B);
  }
}

TEST_CASE("4.8: a server without parts is an error for on-demand jobs, and other jobs go in order") {
  for (const bool on_demand : {true, false}) {
    for (const bool ranges : {true, false}) {
      CAPTURE(on_demand);
      CAPTURE(ranges);
      World world;
      world.start();
      Job job = on_demand ? add_on_demand(world) : world.add("a", size);
      world.resource("a").ranges = ranges;
      if (ranges) world.resource("a").validator.clear();  // Parts, but nothing tells that they belong together.
      File file = job.files()[0];
      REQUIRE(file.request_ranges({{700'000, 1000}}));
      job.resume();
      world.run();
      if (on_demand) {
        CHECK(job.state() == JobState::error);
        CHECK(job.error()->code() == Errc::random_access_unsupported);
        CHECK(bits_code(*job.error()) == 0x8020006D);
        CHECK(world.transport->bytes_sent == 0);
        continue;
      }
      CHECK(file.request_ranges({{0, 10}}).error().code() == Errc::random_access_unsupported);
      CHECK(world.transport->bytes_sent == size);
      check_done(world, job, world.resource("a").content);
    }
  }
}

TEST_CASE("4.8: files made of ranges, dynamic content and other methods know no random access") {
  World world;
  world.start();
  JobOptions options;
  options.files = {world.file("a", 1000)};
  JobOptions ranges = options;
  ranges.files[0].ranges = {{0, 10}};
  JobOptions dynamic = options;
  dynamic.download.dynamic_content = true;
  JobOptions post = options;
  post.http.method = "POST";
  for (const JobOptions& unsuited : {ranges, dynamic, post}) {
    Job job = world.queue->add(unsuited).value();
    CHECK(job.files()[0].request_ranges({{0, 1}}).error().code() == Errc::random_access_unsupported);
    CHECK(job.files()[0].prioritize_from(0).error().code() == Errc::random_access_unsupported);
  }
}

TEST_CASE("4.8: no more ranges can be asked for than a file may have") {
  World world;
  world.options.limits.ranges_per_file_max = 3;
  world.start();
  Job job = add_on_demand(world);
  File file = job.files()[0];
  CHECK(file.request_ranges({{0, 1}, {10, 1}, {20, 1}}));
  CHECK(file.request_ranges({{30, 1}}).error().code() == Errc::too_many_ranges);
  CHECK(file.request_ranges({{1, 30}}));
}

TEST_CASE("4.8: who waits for what was asked for goes on when it is on disk, or when the job stops") {
  World world;
  world.start();
  Job job = add_on_demand(world);
  File file = job.files()[0];
  CHECK(*wait_for(world, file, &File::served));  // Nothing was asked for.
  REQUIRE(file.request_ranges({{10, 10}}));
  CHECK_FALSE(*wait_for(world, file, &File::served));
  job.resume();
  const std::optional<Result<void>> outcome = *wait_for(world, file, &File::served);
  REQUIRE(outcome);
  CHECK(*outcome);
  REQUIRE(file.request_ranges({{50, 10}}));
  world.transport->resources.clear();
  job.resume();
  const std::optional<Result<void>> failed = *wait_for(world, file, &File::served);
  REQUIRE(failed);
  REQUIRE_FALSE(*failed);
  CHECK(failed->error().code() == http_status(404));
}

TEST_CASE("4.8: wishes that come while an on-demand job runs are met in the same run") {
  World world;
  world.start();
  JobOptions options;
  options.download.on_demand = true;
  options.files = {world.file("a", size), world.file("b", size)};
  Job job = world.queue->add(options).value();
  REQUIRE(job.files()[1].request_ranges({{0, 300'000}}));
  job.resume();
  world.run_for(13ms);
  REQUIRE(job.state() == JobState::transferring);
  REQUIRE(job.files()[0].request_ranges({{5, 5}}));
  REQUIRE(job.files()[1].request_ranges({{900'000, 5}}));
  world.run();
  CHECK(job.state() == JobState::suspended);
  CHECK(job.files()[0].arrived() == std::vector<ByteRange>{{5, 5}});
  CHECK(job.files()[1].arrived() == std::vector<ByteRange>{{0, 300'000}, {900'000, 5}});
}

TEST_CASE("a job that nobody could verify is refused when it is added, with the cure") {
  World world;
  world.start();
  FileSpec hashed = world.file("a", 20'000);
  hashed.sha256.emplace();
  FileSpec pieced = world.file("a", 20'000);
  pieced.size = 20'000;
  pieced.pieces.bytes = 16 * 1024;
  pieced.pieces.sha256.resize(2);
  for (const FileSpec& file : {hashed, pieced}) {
    JobOptions options;
    options.files = {file};
    const Result<Job> refused = world.queue->add(options);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == Errc::digest_unavailable);
    CHECK(refused.error().message().find("QueueOptions::sha256") != std::string::npos);
    Job job = world.queue->add({}).value();
    CHECK(job.add({file}).error().code() == Errc::digest_unavailable);
    CHECK(job.files().empty());
  }
}

TEST_CASE("4.10: the headers of the last response are kept of as many files as the limit says") {
  World world;
  world.options.limits.response_headers_files_max = 2;
  world.start();
  JobOptions options;
  for (const char* name : {"a", "b", "c"}) {
    options.files.push_back(world.file(name, 10));
    world.resource(name).headers = {{"X-Name", name}};
  }
  Job job = world.queue->add(options).value();
  CHECK(job.files()[0].response_headers().empty());
  job.resume();
  world.run();
  CHECK(job.files()[0].response_headers().empty());
  CHECK(job.files()[1].response_headers().at(0).value == "b");
  CHECK(job.files()[2].response_headers().at(0).name == "X-Name");
}

TEST_CASE("3.9: redirects that are reported tell the final URL, and requests still go to the file's own") {
  World world;
  world.start();
  const JobId id = world.add("a", size).id();
  Job job = *world.queue->find(id);
  REQUIRE(job.configure([](JobOptions& it) { it.http.redirects.mode = RedirectMode::report; }));
  world.resource("a").final_url = "http://elsewhere/final";
  CHECK(job.files()[0].url() == "http://server/a");
  job.resume();
  world.run_for(15ms);
  CHECK(job.files()[0].url() == "http://elsewhere/final");
  CHECK(job.files()[0].own_url() == "http://server/a");
  world.run_for(100ms);
  world.crash();
  world.start();
  job = *world.queue->find(id);
  CHECK(job.files()[0].url() == "http://elsewhere/final");
  job.resume();
  world.run();
  for (const test::Asking& asking : world.transport->asked) CHECK(asking.url == "http://server/a");
  check_done(world, job, world.resource("a").content);
}

TEST_CASE("3.9: redirects that are followed leave the file its URL") {
  World world;
  world.start();
  Job job = world.add("a", size);
  world.resource("a").final_url = "http://elsewhere/final";
  job.resume();
  world.run();
  CHECK(job.files()[0].url() == "http://server/a");
  check_done(world, job, world.resource("a").content);
}

TEST_CASE(
    "3.9: a redirect that is refused is an error, and the file's URL is the one that it leads to, until it is "
    "fetched") {
  World world;
  world.start();
  const JobId id = world.add("a", size).id();
  Job job = *world.queue->find(id);
  REQUIRE(job.configure([](JobOptions& it) { it.http.redirects.mode = RedirectMode::refuse; }));
  const std::string target = "http://elsewhere/final?signature=1";
  world.resource("a").final_url = target;
  job.resume();
  world.run();
  REQUIRE(job.state() == JobState::error);
  CHECK(job.error()->code() == http_status(302));
  CHECK(job.error()->message().find("signature") == std::string::npos);
  for (int run = 0; run < 3; ++run) {
    CHECK(job.files()[0].url() == target);
    CHECK(job.files()[0].own_url() == "http://server/a");
    CHECK(job.files()[0].progress().bytes_transferred == 0);
    world.run();
    world.crash();
    // The third run reads a journal that the second has written anew.
    world.options.limits.journal_bytes_before_compaction = 1;
    world.start();
    job = *world.queue->find(id);
  }
  // The file's own URL is asked again, and nothing else without the host's word.
  job.resume();
  world.run();
  CHECK(job.state() == JobState::error);
  for (const test::Asking& asking : world.transport->asked) CHECK(asking.url == "http://server/a");

  world.transport->resources[target].content = world.resource("a").content;
  REQUIRE(job.files()[0].set_url(job.files()[0].url()));
  job.resume();
  world.run();
  CHECK(world.transport->asked.back().url == target);
  CHECK(job.files()[0].url() == target);
  check_done(world, job, world.resource("a").content);
}

TEST_CASE(
    "3.9: a URL that no longer leads elsewhere, or whose job follows redirects, is told as it is, also after a "
    "restart") {
  for (const bool follows : {false, true}) {
    CAPTURE(follows);
    World world;
    world.start();
    const JobId id = world.add("a", 1000).id();
    Job job = *world.queue->find(id);
    REQUIRE(job.configure([](JobOptions& it) { it.http.redirects.mode = RedirectMode::refuse; }));
    world.resource("a").final_url = "http://elsewhere/final";
    job.resume();
    world.run();
    REQUIRE(job.files()[0].url() == "http://elsewhere/final");
    if (follows) REQUIRE(job.configure([](JobOptions& it) { it.http.redirects.mode = RedirectMode::follow; }));
    if (!follows) world.resource("a").final_url.clear();
    job.resume();
    world.run();
    REQUIRE(job.state() == JobState::transferred);
    CHECK(job.files()[0].url() == "http://server/a");
    world.crash();
    world.start();
    CHECK(world.queue->find(id)->files()[0].url() == "http://server/a");
  }
}

TEST_CASE("3.9: a final URL that no file could have is not told, and not written down") {
  for (const std::string& url : {std::string("http://elsewhere/\n"), "http://elsewhere/" + std::string(70'000, 'a')}) {
    World world;
    world.start();
    const JobId id = world.add("a", size).id();
    Job job = *world.queue->find(id);
    REQUIRE(job.configure([](JobOptions& it) { it.http.redirects.mode = RedirectMode::report; }));
    world.resource("a").final_url = url;
    job.resume();
    world.run_for(15ms);
    const bool told = job.files()[0].url() != "http://server/a";
    CHECK_FALSE(told);
    world.run_for(100ms);
    world.crash();
    world.start();
    job = *world.queue->find(id);
    const bool kept = job.files()[0].url() != "http://server/a";
    CHECK_FALSE(kept);
    world.run();
    check_done(world, job, world.resource("a").content);
  }
}

TEST_CASE("3.9: a mirror that leads elsewhere does not change what the file's URL is") {
  World world;
  world.start();
  JobOptions options;
  options.http.redirects.mode = RedirectMode::report;
  options.files = {world.file("a", 1000)};
  options.files[0].mirrors = {"http://mirror/a"};
  world.transport->resources["http://mirror/a"] = world.resource("a");
  world.transport->resources["http://mirror/a"].final_url = "http://elsewhere/final";
  world.transport->resources.erase("http://server/a");
  Job job = world.queue->add(options).value();
  job.resume();
  world.run();
  REQUIRE(job.state() == JobState::transferred);
  CHECK(job.files()[0].url() == "http://server/a");
}

TEST_CASE("4.3: ranges go to their places, in any order, and between them are zeros") {
  World world;
  world.start();
  FileSpec spec = world.file("a", 10'000);
  spec.ranges = {{5000, 1000}, {100, 50}, {9000, ByteRange::to_end}};
  spec.placed_at = {200, 2000, 3000};
  JobOptions options;
  options.files = {spec};
  Job job = world.queue->add(options).value();
  job.resume();
  world.run();
  REQUIRE(job.state() == JobState::transferred);
  CHECK(job.progress().bytes_total == 2050u);
  CHECK(job.progress().bytes_transferred == 2050);
  CHECK(job.files()[0].progress().bytes_total == 2050u);
  CHECK(job.files()[0].ranges() == spec.ranges);
  CHECK(job.files()[0].arrived() == std::vector<ByteRange>{{200, 1000}, {2000, 50}, {3000, 1000}});
  CHECK(world.transport->bytes_sent == 2050);
  const std::string& source = world.resource("a").content;
  std::string expected(4000, '\0');
  expected.replace(200, 1000, source, 5000, 1000);
  expected.replace(2000, 50, source, 100, 50);
  expected.replace(3000, 1000, source, 9000, 1000);
  check_done(world, job, expected);
}

TEST_CASE("4.3: placed ranges are taken up again where they broke off, also after a crash") {
  World world;
  world.options.limits.claim_bytes = 1;
  world.start();
  FileSpec spec = world.file("a", size);
  spec.ranges = {{100'000, 200'000}, {600'000, 300'000}};
  spec.placed_at = {100'000, 600'000};
  JobOptions options;
  options.files = {spec};
  const JobId id = world.queue->add(options).value().id();
  Incident broken;
  broken.cut_after = 150'000;
  world.transport->incidents = {Incident(), broken};
  world.queue->find(id)->resume();
  world.run_for(50ms);
  world.crash();
  world.start();
  Job job = *world.queue->find(id);
  CHECK(job.progress().bytes_transferred == 350'000);
  world.run();
  CHECK(world.transport->bytes_sent == 500'000);
  std::string expected(900'000, '\0');
  expected.replace(100'000, 200'000, world.resource("a").content, 100'000, 200'000);
  expected.replace(600'000, 300'000, world.resource("a").content, 600'000, 300'000);
  check_done(world, job, expected);
}
