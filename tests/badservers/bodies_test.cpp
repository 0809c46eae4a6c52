// bad-servers.md part 2: bodies and framing.
#include "trial.hpp"

using namespace bad_servers;

namespace {

const std::string content = resource(200'000);
constexpr std::size_t half = 100'000;
const char* const page = "<!DOCTYPE html><html><body>Please log in to use this network.</body></html>";

}  // namespace

TEST_CASE("bad-servers 18: a body that ends early is truncated, and goes on where it ended") {
  Trial trial(over_tls());
  BadServer& server = trial.serve([](Peer& peer, const Asked& asked) {
    good(peer, asked, content, tagged, asked.number == 0 ? half : std::string::npos);
    return asked.number == 0 ? Then::close : Then::keep;
  });
  const Ended ended = trial.run();
  check_right(ended, content);
  REQUIRE(ended.failures.size() == 1);
  CHECK(ended.failures[0].error.code() == Errc::body_truncated);
  CHECK(server.requests()[1].first() == half);
  CHECK(ended.received == content.size());
}

TEST_CASE("bad-servers 19: what comes behind the announced length is dropped, with its connection") {
  Trial trial(over_tls());
  BadServer& server = trial.serve([](Peer& peer, const Asked& asked) {
    const std::string junk = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad";
    peer.write(head_of(200, "Content-Length: " + std::to_string(content.size()) + "\r\n") + content + junk);
    return asked.number == 0 ? Then::keep : Then::close;
  });
  std::vector<bgxfer::FileSpec> files(2);
  for (std::size_t i = 0; i < 2; ++i) {
    files[i].url = server.url("/" + std::to_string(i));
    files[i].target = trial.path(std::to_string(i));
  }
  const Ended ended = trial.run(files);
  CHECK(ended.state == JobState::completed);
  for (const auto& file : ended.files) CHECK((file && *file == content));
  for (const Asked& asked : server.requests()) CHECK(asked.head.starts_with("GET /"));
}

TEST_CASE("bad-servers 20: a chunked body without a size is taken to its clean end, and held to the owner's size") {
  const Run run = each({"size unknown", "the owner's size is right", "longer than the owner's size",
                        "shorter than the owner's size", "endless"});
  Trial trial(run.tls);
  if (run.which == 1) trial.spec.size = content.size();
  if (run.which == 2) trial.spec.size = content.size() - 1;
  if (run.which == 3) trial.spec.size = content.size() + 1;
  if (run.which == 4) trial.queue.limits.unsized_bytes_max = 1'000'000;
  trial.serve([endless = run.which == 4](Peer& peer, const Asked&) {
    const std::string head = head_of(200, "Transfer-Encoding: chunked\r\n");
    const std::string body = chunks(content);
    peer.write(head);
    while (peer.write(body) && endless) {
    }
    peer.write(last_chunk);
    return Then::keep;
  });
  const Ended ended = trial.run();
  if (run.which < 2) check_right(ended, content);
  if (run.which == 2 || run.which == 3) check_failed(ended, Errc::wrong_size);
  if (run.which == 4) check_failed(ended, Errc::response_too_large);
}

TEST_CASE("bad-servers 21: a chunked body without its last chunk is truncated, not complete") {
  const Run run = each({"between two chunks", "in the middle of a chunk", "in the middle of a size line"});
  Trial trial(run.tls);
  trial.serve([which = run.which](Peer& peer, const Asked& asked) {
    if (asked.number > 0) {
      good(peer, asked, content);
      return Then::keep;
    }
    const std::string wire = chunks(std::string_view(content).substr(0, half));
    const char* tail[] = {"", "1b58\r\nxx", "1b"};
    peer.write(head_of(200, std::string(tagged) + "Transfer-Encoding: chunked\r\n") +
               (which == 1 ? wire.substr(0, wire.size() - 500) : wire + tail[which]));
    return Then::close;
  });
  const Ended ended = trial.run();
  check_right(ended, content);
  CHECK(ended.failed_with(Errc::body_truncated));
}

TEST_CASE("bad-servers 22: a body to the end of the connection needs a size or a digest") {
  const Run run = each({"nothing is known", "the size is known", "the digest is known", "cut, and the size is known",
                        "cut, and the digest is known"});
  Trial trial(run.tls);
  if (run.which == 1 || run.which == 3) trial.spec.size = content.size();
  if (run.which == 2 || run.which == 4) trial.spec.sha256 = sha256_of(content);
  const std::size_t sent = run.which >= 3 ? half : content.size();
  trial.serve([sent](Peer& peer, const Asked&) {
    peer.write("HTTP/1.0 200 OK\r\n\r\n" + content.substr(0, sent));
    return Then::close;
  });
  const Ended ended = trial.run();
  if (run.which == 0) check_failed(ended, Errc::unproven_end);
  if (run.which == 1 || run.which == 2) check_right(ended, content);
  if (run.which >= 3) CHECK(ended.state == JobState::error);
}

TEST_CASE("bad-servers 23: TLS without a closing message is fine behind a whole body, and truncation elsewhere") {
  const Run run = each({"length", "chunked", "to the end"});
  Trial trial(true);
  trial.spec.size = content.size();
  trial.serve([which = run.which](Peer& peer, const Asked&) {
    if (which == 0) answer(peer, 200, "Connection: close\r\n", content);
    if (which == 1) peer.write(head_of(200, "Transfer-Encoding: chunked\r\n") + chunks(content) + last_chunk);
    if (which == 2) peer.write(head_of(200, "Connection: close\r\n") + content.substr(0, half));
    return Then::cut;
  });
  const Ended ended = trial.run();
  if (run.which < 2) {
    check_right(ended, content);
  } else {
    check_exhausted(ended, Errc::body_truncated);
  }
}

TEST_CASE("bad-servers 24: an encoded body is not what was asked for") {
  const Run run = each({"whole", "a part"});
  Trial trial(run.tls);
  BadServer& server = trial.serve([part = run.which == 1](Peer& peer, const Asked& asked) {
    if (part && asked.number == 0) {
      answer(peer, 200, tagged, content, half);
      return Then::close;
    }
    good(peer, asked, content, std::string(tagged) + "Content-Encoding: gzip\r\n");
    return Then::keep;
  });
  check_failed(trial.run(), Errc::encoded_body);
  for (const Asked& asked : server.requests()) CHECK(asked.field("accept-encoding") == "identity");
}

TEST_CASE("bad-servers 25: a file that the server labels as encoded is refused and never decoded") {
  Trial trial(over_tls());
  const std::string archive = "\x1f\x8b\x08" + resource(5'000);
  trial.spec.sha256 = sha256_of(archive);
  trial.serve([&archive](Peer& peer, const Asked&) {
    answer(peer, 200, "Content-Type: application/gzip\r\nContent-Encoding: x-gzip\r\n", archive);
    return Then::keep;
  });
  check_failed(trial.run(), Errc::encoded_body);
}

TEST_CASE("bad-servers 26: a length that the body never reaches is not asked for without end") {
  Trial trial(over_tls());
  BadServer& server = trial.serve([](Peer& peer, const Asked& asked) {
    good(peer, asked, content + "tail", tagged, content.size() - static_cast<std::size_t>(asked.first().value_or(0)));
    return Then::close;
  });
  const Ended ended = trial.run();
  check_exhausted(ended, Errc::body_truncated);
  CHECK(ended.received == content.size());
  CHECK(server.requests().size() < 2000);
}

TEST_CASE("bad-servers 27: the page of a captive portal is neither the file nor a newer version of it") {
  const Run run = each({"at first", "in the middle", "behind a redirect"});
  Trial trial(run.tls);
  trial.job.no_progress_timeout = 10s;
  BadServer portal(
      [](Peer& peer, const Asked&) {
        answer(peer, 200, "Content-Type: text/html; charset=utf-8\r\n", page);
        return Then::keep;
      },
      trial.tls);
  BadServer& server = trial.serve([&](Peer& peer, const Asked& asked) {
    if (run.which == 1 && asked.number == 0) {
      answer(peer, 200, tagged, content, half);
      return Then::close;
    }
    const bool locked = asked.number < 4;
    if (locked && run.which == 2) {
      answer(peer, 302, "Location: " + portal.url("/login") + "\r\n", "");
    } else if (locked) {
      answer(peer, 200, "Content-Type: text/html; charset=utf-8\r\n", page);
    } else {
      good(peer, asked, content);
    }
    return Then::keep;
  });
  const Ended ended = trial.run(server.url("/game.zip"));
  check_right(ended, content);
  CHECK(ended.failed_with(Errc::invalid_response));
  CHECK(ended.received == content.size());  // What was there stayed.
}

TEST_CASE("bad-servers 28: an error page with status 200 is not the file where size or digest are known") {
  const Run run = each({"the size is known", "the digest is known"});
  Trial trial(run.tls);
  if (run.which == 0) trial.spec.size = content.size();
  if (run.which == 1) trial.spec.sha256 = sha256_of(content);
  trial.serve([](Peer& peer, const Asked&) {
    answer(peer, 200, "Content-Type: application/json\r\n", R"({"error": "not found"})");
    return Then::keep;
  });
  check_failed(trial.run(), run.which == 0 ? Errc::wrong_size : Errc::checksum_mismatch);
}

TEST_CASE("bad-servers 29: 204 and 205 are no file") {
  const Run run = each({"204", "205"});
  Trial trial(run.tls);
  trial.job.no_progress_timeout = 200ms;
  trial.serve([status = run.which == 0 ? 204 : 205](Peer& peer, const Asked&) {
    peer.write(head_of(status, status == 205 ? "Content-Length: 0\r\n" : ""));
    return Then::keep;
  });
  check_exhausted(trial.run(), Errc::invalid_response);
}

TEST_CASE("bad-servers 30: bytes that were damaged on the way are fetched once more, past every cache") {
  Trial trial(over_tls());
  trial.spec.sha256 = sha256_of(content);
  BadServer& server = trial.serve([](Peer& peer, const Asked& asked) {
    std::string body = content;
    if (!asked.field("cache-control")) body[half] ^= 1;
    good(peer, asked, body);
    return Then::keep;
  });
  check_right(trial.run(), content);
  CHECK(server.requests().size() == 2);
  CHECK(server.requests()[1].field("cache-control") == "no-cache");
}

TEST_CASE("bad-servers 31: a cache that keeps serving the wrong object ends in an error that says so") {
  Trial trial(over_tls());
  trial.spec.sha256 = sha256_of(content);
  BadServer& server = trial.serve([](Peer& peer, const Asked& asked) {
    good(peer, asked, resource(200'000, 2));
    return Then::keep;
  });
  check_failed(trial.run(), Errc::checksum_mismatch);
  CHECK(server.requests().size() == 2);
}
