#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <bgxfer/bgxfer.hpp>
#include <bgxfer/disk/disk_storage.hpp>
#include <bgxfer/file/file_transport.hpp>
#include <bgxfer/scheme_transport.hpp>

#include "file_world.hpp"
#include "support/http_fetch.hpp"

using namespace std::chrono_literals;
using bgxfer::ByteRange;
using bgxfer::Errc;
using bgxfer::JobOptions;
using bgxfer::JobState;
using bgxfer::Result;
using file_test::Folder;
using file_test::read_file;
using file_test::url_of;
using file_test::write_file;

namespace {

/// Calls back after each read of a transport.
class WatchedTransport final : public bgxfer::Transport {
 public:
  WatchedTransport(std::shared_ptr<bgxfer::Transport> inner, std::function<void()> after_read)
      : inner_(std::move(inner)), after_read_(std::move(after_read)) {}

  Result<void> check_url(std::string_view url) const override { return inner_->check_url(url); }
  asio::awaitable<Result<std::unique_ptr<bgxfer::Download>>> open(bgxfer::Request request) override {
    asked.push_back(request.range);
    auto opened = co_await inner_->open(std::move(request));
    if (!opened) co_return opened.error();
    co_return std::make_unique<Watched>(*std::move(opened), after_read_);
  }
  void network_changed() noexcept override { inner_->network_changed(); }

  std::vector<ByteRange> asked;

 private:
  class Watched final : public bgxfer::Download {
   public:
    Watched(std::unique_ptr<bgxfer::Download> inner, std::function<void()> after_read)
        : inner_(std::move(inner)), after_read_(std::move(after_read)) {}
    const bgxfer::ResponseHead& head() const noexcept override { return inner_->head(); }
    asio::awaitable<Result<std::size_t>> read(std::span<std::byte> into) override {
      auto count = co_await inner_->read(into);
      after_read_();
      co_return count;
    }

   private:
    std::unique_ptr<bgxfer::Download> inner_;
    std::function<void()> after_read_;
  };

  std::shared_ptr<bgxfer::Transport> inner_;
  std::function<void()> after_read_;
};

/// Two folders, a queue, and one job that runs to its end.
struct QueueWorld {
  Result<void> run(JobOptions job) {
    asio::io_context io;
    bgxfer::QueueOptions options;
    watched = std::make_shared<WatchedTransport>(bgxfer::file::make_transport(), [this] {
      if (after_read) after_read();
    });
    options.transport = bgxfer::make_scheme_transport({{"file", watched}});
    options.storage = bgxfer::disk::make_storage();
    options.journal = target / "journal";
    options.chunk_bytes = 4096;
    bgxfer::TransferQueue queue(io.get_executor(), options);
    Result<void> outcome;
    Result<bgxfer::Job> added = queue.add(std::move(job));
    if (!added) return added.error();
    const bgxfer::Subscription events = queue.on_event([this, mine = *added](const bgxfer::Event& event) {
      if (on_event) on_event(mine, event);
    });
    auto session = [](bgxfer::Job mine, Result<void>& into) -> asio::awaitable<void> {
      mine.resume();
      into = co_await mine.transferred();
      if (!into) mine.cancel();
      if (into) mine.complete();
      Result<void> completed = co_await mine.completed();
      if (into) into = completed;
    };
    asio::co_spawn(io, session(*added, outcome), http_test::rethrow);
    io.run();
    return outcome;
  }

  JobOptions job(std::string_view name, std::vector<ByteRange> ranges = {}) const {
    JobOptions options;
    options.retry_delay_min = 1ms;
    options.retry_delay_max = 1ms;
    bgxfer::FileSpec file;
    file.url = url_of(source / name);
    file.target = target / name;
    file.ranges = std::move(ranges);
    options.files.push_back(std::move(file));
    return options;
  }

  Folder source;
  Folder target;
  std::function<void()> after_read;
  std::function<void(bgxfer::Job, const bgxfer::Event&)> on_event;
  std::shared_ptr<WatchedTransport> watched;
};

std::string numbers(int count, int step = 1) {
  std::string text;
  for (int i = 0; i < count; ++i) text += std::to_string(i * step) + ' ';
  return text;
}

}  // namespace

TEST_CASE("a queue fetches a file by its URL, with its time (spec part 4.5)") {
  QueueWorld world;
  write_file(world.source / "a", numbers(20'000));
  const auto time = std::filesystem::file_time_type::clock::now() - std::chrono::hours(1000);
  std::filesystem::last_write_time(world.source / "a", time);
  REQUIRE(world.run(world.job("a")));
  CHECK(read_file(world.target / "a") == numbers(20'000));
  CHECK(std::filesystem::last_write_time(world.target / "a") == std::filesystem::last_write_time(world.source / "a"));
}

TEST_CASE("ranges of a file are concatenated in their order (spec part 4.3)") {
  QueueWorld world;
  write_file(world.source / "a", "0123456789");
  REQUIRE(world.run(world.job("a", {ByteRange{7, ByteRange::to_end}, ByteRange{1, 2}, ByteRange{4, 1}})));
  CHECK(read_file(world.target / "a") == "789124");
}

TEST_CASE("a range outside of the file ends the job (spec part 4.3)") {
  QueueWorld world;
  write_file(world.source / "a", "0123456789");
  for (ByteRange range : {ByteRange{8, 3}, ByteRange{10, 1}, ByteRange{100, 1}}) {
    const Result<void> outcome = world.run(world.job("a", {range}));
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().code() == Errc::invalid_range);
  }
}

TEST_CASE("an empty file arrives") {
  QueueWorld world;
  write_file(world.source / "a", "");
  REQUIRE(world.run(world.job("a")));
  CHECK(std::filesystem::file_size(world.target / "a") == 0);
}

TEST_CASE("a missing file ends the job with its path, and a retry would not help") {
  QueueWorld world;
  const Result<void> outcome = world.run(world.job("a"));
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code() == std::errc::no_such_file_or_directory);
  CHECK(outcome.error().message().find((world.source / "a").string()) != std::string::npos);
  CHECK(world.watched->asked.size() == 1);
}

TEST_CASE("an interrupted file goes on at its first missing byte") {
  QueueWorld world;
  write_file(world.source / "a", numbers(20'000));
  int reads = 0;
  // A share that fails once, in the middle.
  world.after_read = [&] {
    if (++reads == 3) throw std::system_error(EIO, std::system_category());
  };
  REQUIRE(world.run(world.job("a")));
  CHECK(read_file(world.target / "a") == numbers(20'000));
  REQUIRE(world.watched->asked.size() == 2);
  CHECK(world.watched->asked[0].offset == 0);
  CHECK(world.watched->asked[1].offset == 2 * 4096);
}

TEST_CASE("a file that changes on its way arrives as the new version, never as a mixture") {
  QueueWorld world;
  const std::string old_text = numbers(20'000);
  const std::string new_text = numbers(20'000, 3);
  write_file(world.source / "a", old_text);
  int reads = 0;
  world.after_read = [&] {
    if (++reads == 3) write_file(world.source / "a", new_text);
  };
  REQUIRE(world.run(world.job("a")));
  CHECK(read_file(world.target / "a") == new_text);
}

TEST_CASE("a file keeps owner, group, permissions and time of its source where the job asks for it (spec part 3.15)") {
  if (::geteuid() != 0) {
    MESSAGE("skipped: only root may give files away");
    return;
  }
  QueueWorld world;
  write_file(world.source / "a", numbers(2000));
  REQUIRE(::chown((world.source / "a").c_str(), 4711, 4712) == 0);
  REQUIRE(::chmod((world.source / "a").c_str(), 0640) == 0);
  for (bool preserve : {true, false}) {
    JobOptions job = world.job("a");
    if (preserve) job.file_acl_flags = bgxfer::FileAclFlags::all;
    const Result<void> outcome = world.run(std::move(job));
    CAPTURE((outcome ? std::string() : outcome.error().message()));
    REQUIRE(outcome);
    struct stat facts {};
    REQUIRE(::stat((world.target / "a").c_str(), &facts) == 0);
    CHECK(facts.st_uid == (preserve ? 4711u : ::geteuid()));
    CHECK(facts.st_gid == (preserve ? 4712u : ::getegid()));
    CHECK((facts.st_mode & 0777) == 0640u);  // Without the flags: those of the file that is replaced.
    CHECK(read_file(world.target / "a") == numbers(2000));
  }
}

TEST_CASE("a missing privilege leaves the job in transient_error until it is there (spec part 3.15)") {
  if (::geteuid() != 0) {
    MESSAGE("skipped: only root can act for a user who lacks a privilege");
    return;
  }
  QueueWorld world;
  write_file(world.source / "a", numbers(2000));
  REQUIRE(::chmod((world.source / "").c_str(), 0755) == 0);
  REQUIRE(::chmod((world.target / "").c_str(), 0777 | S_ISVTX) == 0);
  JobOptions job = world.job("a");
  job.file_acl_flags = bgxfer::FileAclFlags::owner;
  job.identity.usage = bgxfer::IdentityUsage::local_files;
  job.identity.helper.emplace();
  job.identity.helper->user.emplace();
  job.identity.helper->user->user = 4711;
  job.identity.helper->user->group = 4712;
  std::vector<JobState> states;
  std::optional<bgxfer::Error> failure;
  world.on_event = [&](bgxfer::Job changed, const bgxfer::Event& event) {
    const auto* change = std::get_if<bgxfer::StateChanged>(&event);
    if (!change) return;
    states.push_back(change->to);
    if (change->to != JobState::transient_error) return;
    failure = changed.error();
    // The cure: ask for less. Nothing has to be fetched again.
    changed.configure([](JobOptions& options) { options.file_acl_flags = bgxfer::FileAclFlags::none; });
  };
  REQUIRE(world.run(std::move(job)));
  REQUIRE(failure);
  CHECK(failure->code() == Errc::attributes_denied);
  CHECK(failure->context() == bgxfer::ErrorContext::local_file);
  CHECK(bgxfer::bits_code(*failure) == 0x80070005);  // E_ACCESSDENIED
  CHECK(std::count(states.begin(), states.end(), JobState::transient_error) == 1);
  CHECK(world.watched->asked.size() == 1);
  struct stat facts {};
  REQUIRE(::stat((world.target / "a").c_str(), &facts) == 0);
  CHECK(facts.st_uid == 4711u);
}

TEST_CASE("a source is opened with the rights of the network identity, and no more (spec part 3.14)") {
  if (::geteuid() != 0) {
    MESSAGE("skipped: only root may act for others");
    return;
  }
  QueueWorld world;
  write_file(world.source / "a", numbers(2000));
  REQUIRE(::chmod((world.source / "").c_str(), 0755) == 0);
  REQUIRE(::chmod((world.source / "a").c_str(), 0600) == 0);
  for (bool may : {false, true}) {
    if (may) REQUIRE(::chown((world.source / "a").c_str(), 4711, 4712) == 0);
    JobOptions job = world.job("a");
    job.identity.usage = bgxfer::IdentityUsage::network;
    job.identity.helper.emplace();
    job.identity.helper->user.emplace();
    job.identity.helper->user->user = 4711;
    const Result<void> outcome = world.run(std::move(job));
    CHECK(outcome.has_value() == may);
    if (may) continue;
    CHECK(outcome.error().code() == std::errc::permission_denied);
    CHECK(outcome.error().context() == bgxfer::ErrorContext::remote_file);
    CHECK(outcome.error().detail() == (world.source / "a").string());
  }
  struct stat facts {};
  REQUIRE(::stat((world.target / "a").c_str(), &facts) == 0);
  CHECK(facts.st_uid == ::geteuid());
}
