#include <bgxfer/file/file_transport.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>

#include "contract/transport_contract.hpp"
#include "file_world.hpp"
#include "support/http_fetch.hpp"

using namespace std::chrono_literals;
using bgxfer::ByteRange;
using bgxfer::Errc;
using bgxfer::ErrorContext;
using bgxfer::Failure;
using bgxfer::Request;
using bgxfer::Result;
using file_test::Folder;
using file_test::url_of;
using file_test::write_file;
using http_test::fetch;
using http_test::Outcome;

namespace {

std::shared_ptr<bgxfer::Transport> transport() { return bgxfer::file::make_transport(); }

std::unique_ptr<bgxfer::Download> open_file(asio::io_context& io, std::shared_ptr<bgxfer::Transport> from,
                                            const std::string& url) {
  std::unique_ptr<bgxfer::Download> download;
  auto session = [](auto owned, std::string where, auto& into) -> asio::awaitable<void> {
    auto opened = co_await owned->open(Request(std::move(where)));
    REQUIRE(opened);
    into = *std::move(opened);
  };
  asio::co_spawn(io, session(std::move(from), url, download), http_test::rethrow);
  io.run();
  io.restart();
  return download;
}

Result<std::size_t> read_some(asio::io_context& io, bgxfer::Download& download, std::span<std::byte> into) {
  Result<std::size_t> count;
  auto session = [](bgxfer::Download& from, std::span<std::byte> room, auto& result) -> asio::awaitable<void> {
    result = co_await from.read(room);
  };
  asio::co_spawn(io, session(download, into, count), http_test::rethrow);
  io.run();
  io.restart();
  return count;
}

void set_modified(const std::filesystem::path& path, std::int64_t seconds, long nanoseconds) {
  std::array<timespec, 2> times{};
  times[0].tv_nsec = UTIME_OMIT;
  times[1].tv_sec = seconds;
  times[1].tv_nsec = nanoseconds;
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times.data(), 0) == 0);
}

}  // namespace

TEST_CASE("the transport of files keeps the contract of transports") {
  http_test::check_resource_contract<file_test::FileOrigin>(transport);
}

TEST_CASE("a file carries its size and modification time") {
  Folder folder;
  write_file(folder / "a", "0123");
  set_modified(folder / "a", 1'000'000'000, 123'456'789);
  const Outcome outcome = fetch(transport(), url_of(folder / "a"));
  CHECK(outcome.head.last_modified ==
        std::chrono::system_clock::time_point(
            std::chrono::duration_cast<std::chrono::system_clock::duration>(1'000'000'000s + 123'456'789ns)));
  CHECK(outcome.head.resource_size == 4u);
}

TEST_CASE("the validator changes with the size, with a nanosecond of the time, and with the file") {
  Folder folder;
  const auto validator = [&] { return fetch(transport(), url_of(folder / "a")).head.validator; };
  write_file(folder / "a", "0123");
  set_modified(folder / "a", 1'000'000'000, 5);
  const std::string first = validator();
  CHECK(first == validator());
  CHECK(first.starts_with("\""));
  CHECK(first.ends_with("\""));

  write_file(folder / "a", "01234");
  set_modified(folder / "a", 1'000'000'000, 5);
  CHECK(validator() != first);

  write_file(folder / "a", "0123");
  set_modified(folder / "a", 1'000'000'000, 6);
  CHECK(validator() != first);

  write_file(folder / "b", "0123");
  set_modified(folder / "b", 1'000'000'000, 5);
  std::filesystem::rename(folder / "b", folder / "a");
  CHECK(validator() != first);
}

TEST_CASE("a file that changes while it is read is a resource that changed, and delivers nothing of the new version") {
  Folder folder;
  const std::string url = url_of(folder / "a");
  std::array<std::byte, 4> room{};
  asio::io_context io;
  enum class How { grows, shrinks, same_size, only_time };
  for (How how : {How::grows, How::shrinks, How::same_size, How::only_time}) {
    CAPTURE(static_cast<int>(how));
    write_file(folder / "a", "0123456789");
    set_modified(folder / "a", 1'000'000'000, 0);
    const auto download = open_file(io, transport(), url);
    REQUIRE(*read_some(io, *download, room) == 4u);
    switch (how) {
      case How::grows: write_file(folder / "a", "0123456789a"); break;
      case How::shrinks: write_file(folder / "a", "01"); break;
      case How::same_size: write_file(folder / "a", "abcdefghij"); break;
      case How::only_time: set_modified(folder / "a", 1'000'000'000, 1); break;
    }
    const Result<std::size_t> count = read_some(io, *download, room);
    REQUIRE_FALSE(count);
    CHECK(count.error().code() == Errc::resource_changed);
    CHECK(count.error().code() == Failure::transient);
    CHECK(count.error().context() == ErrorContext::remote_file);
    CHECK(count.error().detail() == (folder / "a").string());
    const Result<std::size_t> again = read_some(io, *download, room);
    REQUIRE_FALSE(again);
    CHECK(again.error().code() == Errc::resource_changed);
  }
}

TEST_CASE("a file that is replaced or deleted while it is read arrives as it was") {
  Folder folder;
  write_file(folder / "a", "0123456789");
  asio::io_context io;
  const auto download = open_file(io, transport(), url_of(folder / "a"));
  write_file(folder / "b", "abcdefghij");
  std::filesystem::rename(folder / "b", folder / "a");
  std::filesystem::remove(folder / "a");
  std::array<std::byte, 64> room{};
  REQUIRE(*read_some(io, *download, room) == 10u);
  CHECK(std::memcmp(room.data(), "0123456789", 10) == 0);
}

TEST_CASE("folders, FIFOs, sockets and devices are refused, and nobody waits for them (spec part 4.1)") {
  Folder folder;
  REQUIRE(std::filesystem::create_directory(folder / "folder"));
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  const int made = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, (folder / "socket").c_str(), sizeof address.sun_path - 1);
  REQUIRE(::bind(made, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  ::close(made);

  const Outcome of_folder = fetch(transport(), url_of(folder / "folder"));
  CHECK(of_folder.code() == std::errc::is_a_directory);
  for (const std::string& path : {(folder / "fifo").string(), (folder / "socket").string(), std::string("/dev/zero")}) {
    CAPTURE(path);
    const Outcome outcome = fetch(transport(), "file://" + path);
    CHECK(outcome.code() == std::errc::not_supported);
    CHECK(outcome.code() == Failure::permanent);
    REQUIRE(outcome.error);
    CHECK(outcome.error->context() == ErrorContext::remote_file);
    CHECK(outcome.error->detail() == path + " (not a regular file)");
  }
}

TEST_CASE("a file in the place of a folder is no folder") {
  Folder folder;
  write_file(folder / "a", "0123");
  CHECK(fetch(transport(), url_of(folder / "a/b")).code() == std::errc::not_a_directory);
}

TEST_CASE("links of root and of the process's user are followed, on the way and at the end") {
  Folder folder;
  REQUIRE(std::filesystem::create_directory(folder / "v1"));
  write_file(folder / "v1/a", "0123");
  std::filesystem::create_symlink("v1", folder / "latest");
  std::filesystem::create_symlink((folder / "latest/a").string(), folder / "file");
  std::filesystem::create_symlink("../file", folder / "v1/up");
  CHECK(fetch(transport(), url_of(folder / "latest/a")).body == "0123");
  CHECK(fetch(transport(), url_of(folder / "file")).body == "0123");
  CHECK(fetch(transport(), url_of(folder / "v1/up")).body == "0123");
}

TEST_CASE("links that go round in circles or nowhere are permanent errors") {
  Folder folder;
  std::filesystem::create_symlink("b", folder / "a");
  std::filesystem::create_symlink("a", folder / "b");
  std::filesystem::create_symlink("nowhere", folder / "c");
  const Outcome circle = fetch(transport(), url_of(folder / "a"));
  CHECK(circle.code() == std::errc::too_many_symbolic_link_levels);
  CHECK(circle.code() == Failure::permanent);
  CHECK(fetch(transport(), url_of(folder / "c")).code() == std::errc::no_such_file_or_directory);
}

TEST_CASE("a link of another user is followed only where the host says so") {
  if (::geteuid() != 0) {
    MESSAGE("skipped: only root can make a link that belongs to somebody else");
    return;
  }
  Folder folder;
  write_file(folder / "a", "0123");
  REQUIRE(std::filesystem::create_directory(folder / "d"));
  write_file(folder / "d/a", "0123");
  std::filesystem::create_symlink("a", folder / "foreign");
  std::filesystem::create_symlink("d", folder / "way");
  for (const char* link : {"foreign", "way"}) REQUIRE(::lchown((folder / link).c_str(), 12345, 12345) == 0);

  bgxfer::file::TransportOptions trusting;
  trusting.follow_foreign_links = true;
  for (const char* name : {"foreign", "way/a"}) {
    const Outcome refused = fetch(transport(), url_of(folder / name));
    CHECK(refused.code() == std::errc::too_many_symbolic_link_levels);
    REQUIRE(refused.error);
    CHECK(refused.error->detail().find("follow_foreign_links") != std::string::npos);
    CHECK(fetch(bgxfer::file::make_transport(trusting), url_of(folder / name)).body == "0123");
  }
}

TEST_CASE("only GET without a body makes sense for a file; headers are ignored") {
  Folder folder;
  write_file(folder / "a", "0123");
  Request put(url_of(folder / "a"));
  put.method = "PUT";
  CHECK(fetch(transport(), std::move(put)).code() == Errc::invalid_argument);
  Request with_headers(url_of(folder / "a"));
  bgxfer::Header header;
  header.name = "Authorization";
  header.value = "secret";
  with_headers.headers.push_back(header);
  CHECK(fetch(transport(), std::move(with_headers)).body == "0123");
}

TEST_CASE("a range without bytes is refused") {
  Folder folder;
  write_file(folder / "a", "0123");
  Request request(url_of(folder / "a"));
  request.range = ByteRange{1, 0};
  CHECK(fetch(transport(), std::move(request)).code() == Errc::invalid_range);
}

TEST_CASE("a file of more than four gigabytes is read at its end") {
  Folder folder;
  write_file(folder / "a", "x");
  const std::uint64_t size = (std::uint64_t{5} << 30) + 3;
  std::filesystem::resize_file(folder / "a", size);
  Request request(url_of(folder / "a"));
  request.range = ByteRange{size - 3, 100};
  const Outcome outcome = fetch(transport(), std::move(request));
  CHECK(outcome.body == std::string(3, '\0'));
  CHECK(outcome.head.granted == ByteRange{size - 3, 3});
}

TEST_CASE("a cancelled coroutine opens and reads nothing more, in either of Asio's modes") {
  Folder folder;
  write_file(folder / "a", "0123");
  for (bool throwing : {true, false}) {
    asio::io_context io;
    asio::cancellation_signal cancel;
    Outcome outcome;
    bool ended = false;
    asio::co_spawn(io, http_test::fetch_cancellably(transport(), Request(url_of(folder / "a")), outcome, throwing),
                   asio::bind_cancellation_slot(cancel.slot(), [&ended](std::exception_ptr) { ended = true; }));
    asio::post(io, [&] { cancel.emit(asio::cancellation_type::terminal); });
    io.run();
    CHECK(ended);
    if (!throwing && outcome.error) CHECK(outcome.code() == Failure::cancelled);
  }
}

TEST_CASE("many files are read at once by few threads") {
  Folder folder;
  bgxfer::file::TransportOptions options;
  options.threads_max = 2;
  const auto shared = bgxfer::file::make_transport(options);
  std::vector<Outcome> outcomes(64);
  asio::io_context io;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const auto path = folder / std::to_string(i);
    write_file(path, std::string(10'000 + i, static_cast<char>('a' + i % 26)));
    asio::co_spawn(io, http_test::fetch_into(shared, Request(url_of(path)), outcomes[i], 4096), http_test::rethrow);
  }
  io.run();
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    CHECK_FALSE(outcomes[i].error);
    CHECK(outcomes[i].body == std::string(10'000 + i, static_cast<char>('a' + i % 26)));
  }
}
