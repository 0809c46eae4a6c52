// bad-servers.md part 6: headers, names, hostile input.
#include "trial.hpp"

using namespace bad_servers;

namespace {

const std::string content = resource(200'000);
constexpr std::size_t half = 100'000;

/// What comes of an answer that is given whatever is asked.
Ended verdict_on(Trial& trial, const std::string& wire) {
  trial.job.no_progress_timeout = 100ms;
  trial.serve([&wire](Peer& peer, const Asked&) {
    peer.write(wire);
    return Then::close;
  });
  return trial.run();
}

}  // namespace

TEST_CASE("bad-servers 65: heads end at their limits") {
  const Run run = each({"an endless field", "endless fields", "an endless status line", "too many small fields"});
  Trial trial(run.tls);
  trial.serve([&](Peer& peer, const Asked&) {
    const std::string bulk(60'000, 'x');
    if (run.which == 2) {
      peer.write("HTTP/1.1 200 ");
    } else {
      peer.write("HTTP/1.1 200 OK\r\n");
    }
    if (run.which == 0) peer.write("X: ");
    if (run.which == 3) {
      for (int i = 0; i < 101; ++i) peer.write("A: b\r\n");
      peer.write("\r\n");
    }
    while (run.which == 1 && peer.write("Field: " + bulk.substr(0, 8000) + "\r\n")) {
    }
    while ((run.which == 0 || run.which == 2) && peer.write(bulk)) {
    }
    return Then::close;
  });
  check_failed(trial.run(), Errc::response_too_large);
}

TEST_CASE("bad-servers 66: what would inject a header is refused where it is given") {
  const Run run = each({"in a URL", "in a header's value", "in a header's name", "a null byte", "in a target"});
  Trial trial(run.tls);
  BadServer& server = trial.serve([](Peer& peer, const Asked& asked) {
    good(peer, asked, content);
    return Then::keep;
  });
  std::vector<bgxfer::FileSpec> files(1);
  files[0].url = server.url();
  files[0].target = trial.path();
  if (run.which == 0) files[0].url += "\r\nX-Injected: 1";
  if (run.which == 1) trial.job.http.headers = {{"X-A", "b\r\nX-Injected: 1"}};
  if (run.which == 2) trial.job.http.headers = {{"X-A: b\r\nX-Injected", "1"}};
  if (run.which == 3) trial.job.http.headers = {{"X-A", std::string("b\0c", 3)}};
  if (run.which == 4) files[0].target = trial.path("a\nb");
  const Ended ended = trial.run(files);
  CHECK(ended.state == JobState::error);
  CHECK(ended.code() == Failure::permanent);
  CHECK(server.requests().empty());
}

TEST_CASE("bad-servers 66: a bare carriage return or a null byte in an answer is refused") {
  const Run run = each({"a carriage return", "a null byte", "a line feed", "a folded line"});
  Trial trial(run.tls);
  const std::string field[] = {"X: a\rb\r\n", std::string("X: a\0b\r\n", 8), "X: a\nY: b\r\n", "X: a\r\n b\r\n"};
  check_exhausted(verdict_on(trial, head_of(200, field[run.which] + "Content-Length: 1\r\n") + "x"),
                  Errc::invalid_response);
}

TEST_CASE("bad-servers 67: lengths that differ are refused, equal ones are one") {
  const Run run = each({"different", "equal"});
  Trial trial(run.tls);
  const std::string second = run.which == 0 ? "Content-Length: 6\r\n" : "Content-Length: 5\r\n";
  const Ended ended = verdict_on(trial, head_of(200, "Content-Length: 5\r\n" + second) + "hello!");
  if (run.which == 1) return check_right(ended, "hello");
  check_exhausted(ended, Errc::invalid_response);
}

TEST_CASE("bad-servers 68: a length beside chunks is refused: one of them hides something") {
  Trial trial(over_tls());
  const std::string fields = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n";
  check_exhausted(verdict_on(trial, head_of(200, fields) + "5\r\nhello\r\n0\r\n\r\n"), Errc::invalid_response);
}

TEST_CASE("bad-servers 69: numbers are digits, and no more than 63 bits") {
  const std::string wires[] = {
      head_of(200, "Content-Length: -1\r\n") + "x",
      head_of(200, "Content-Length: +5\r\n") + "hello",
      head_of(200, "Content-Length: 0x5\r\n") + "hello",
      head_of(200, "Content-Length: 5, 5\r\n") + "hello",
      head_of(200, "Content-Length: 9223372036854775808\r\n") + "hello",
      head_of(200, "Content-Length: 99999999999999999999999\r\n") + "hello",
      head_of(200, "Transfer-Encoding: chunked\r\n") + "-2\r\nhello",
      head_of(200, "Transfer-Encoding: chunked\r\n") + "8000000000000005\r\nhello",
      head_of(200, "Transfer-Encoding: chunked\r\n") + "00000000000000000005\r\nhello",
      head_of(206, "Content-Length: 5\r\nContent-Range: bytes 0-18446744073709551615/18446744073709551616\r\n") +
          "hello",
  };
  for (const bool tls : {false, true}) {
    for (const std::string& wire : wires) {
      CAPTURE(wire);
      Trial trial(tls);
      const Ended ended = verdict_on(trial, wire);
      CHECK(ended.state == JobState::error);
      CHECK((ended.failed_with(Errc::invalid_response) || ended.failed_with(Errc::range_ignored)));
    }
  }
}

TEST_CASE("bad-servers 70: no name comes from a server") {
  const Run run = each({"upwards", "absolute", "a drive", "a share", "a stream", "a device", "too long"});
  Trial trial(run.tls);
  const std::string names[] = {"../../evil", "/tmp/evil", "C:\\\\evil",         "\\\\\\\\host\\\\evil",
                               "file:evil",  "CON",       std::string(300, 'x')};
  trial.serve([&](Peer& peer, const Asked& asked) {
    good(peer, asked, content, "Content-Disposition: attachment; filename=\"" + names[run.which] + "\"\r\n");
    return Then::keep;
  });
  check_right(trial.run(), content);
}

TEST_CASE("bad-servers 71: names of the host's are checked, and a link in their place is not followed") {
  const Run run = each({"upwards", "a device", "a dot at the end", "a link", "a folder that is a link of others"});
  Trial trial(run.tls);
  BadServer& server = trial.serve([](Peer& peer, const Asked& asked) {
    good(peer, asked, content);
    return Then::keep;
  });
  TemporaryFolder outside;
  const std::filesystem::path precious = outside.path() / "precious";
  std::ofstream(precious) << "mine";
  std::vector<bgxfer::FileSpec> files(1);
  files[0].url = server.url();
  files[0].target = trial.path();
  if (run.which == 0) files[0].target = trial.path() / ".." / "up";
  if (run.which == 1) files[0].target = trial.path("NUL.txt");
  if (run.which == 2) files[0].target = trial.path("file.");
  if (run.which == 3) std::filesystem::create_symlink(precious, trial.path());
  if (run.which == 4) {
    std::filesystem::permissions(outside.path(), std::filesystem::perms::all);
    std::filesystem::create_directory_symlink(outside.path(), trial.path("way"));
    files[0].target = trial.path("way") / "file";
  }
  const Ended ended = run.which == 3 ? trial.run(files) : [&] {
    trial.job.no_progress_timeout = 100ms;
    return trial.run(files);
  }();
  if (run.which == 3) {
    check_right(ended, content);
    CHECK_FALSE(std::filesystem::is_symlink(trial.path()));
  } else {
    CHECK(ended.state == JobState::error);
    CHECK(ended.code() == Errc::unsafe_target);
  }
  std::string text;
  std::ifstream(precious) >> text;
  CHECK(text == "mine");
}

TEST_CASE("bad-servers 72: nothing is decoded, so nothing explodes") {
  const Run run = each({"gzip", "br", "deflate, gzip", "as a transfer coding"});
  Trial trial(run.tls);
  const char* codings[] = {"Content-Encoding: gzip\r\n", "Content-Encoding: br\r\n",
                           "Content-Encoding: deflate, gzip\r\n", "Transfer-Encoding: gzip, chunked\r\n"};
  trial.job.no_progress_timeout = 100ms;
  trial.serve([&](Peer& peer, const Asked&) {
    if (run.which == 3) {
      peer.write(head_of(200, codings[3]) + "0\r\n\r\n");
    } else {
      answer(peer, 200, codings[run.which], std::string(20'000, '\0'));
    }
    return Then::close;
  });
  const Ended ended = trial.run();
  if (run.which == 3) return check_exhausted(ended, Errc::invalid_response);
  check_failed(ended, Errc::encoded_body);
}

TEST_CASE("bad-servers 73: a server whose clock is wrong changes no wait and no proof") {
  const Run run = each({"far in the past", "far in the future"});
  Trial trial(run.tls);
  const char* now = run.which == 0 ? "Thu, 01 Jan 1970 00:00:10 GMT" : "Fri, 31 Dec 2060 23:59:10 GMT";
  const char* soon = run.which == 0 ? "Thu, 01 Jan 1970 00:00:11 GMT" : "Fri, 31 Dec 2060 23:59:11 GMT";
  trial.job.no_progress_timeout = 10s;
  trial.serve([&](Peer& peer, const Asked& asked) {
    if (asked.number == 0) {
      answer(peer, 503, "Date: " + std::string(now) + "\r\nRetry-After: " + soon + "\r\n", "");
    } else {
      good(peer, asked, content, "Date: " + std::string(now) + "\r\nLast-Modified: " + now + "\r\n",
           asked.number == 1 ? half : std::string::npos);
    }
    return asked.number == 1 ? Then::close : Then::keep;
  });
  const Ended ended = trial.run();
  check_right(ended, content);
  CHECK(ended.took < 6s);
}
