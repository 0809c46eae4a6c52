// bad-servers.md part 5: connections.
#include <atomic>
#include <thread>

#include "trial.hpp"

using namespace bad_servers;

namespace {

const std::string content = resource(200'000);
constexpr std::size_t half = 100'000;

}  // namespace

TEST_CASE("bad-servers 53: a reset in the middle keeps what has arrived") {
  Trial trial(over_tls());
  BadServer& server = trial.serve([](Peer& peer, const Asked& asked) {
    good(peer, asked, content, tagged, asked.number == 0 ? half : std::string::npos);
    if (asked.number > 0) return Then::keep;
    std::this_thread::sleep_for(100ms);  // A reset may overtake bytes that the client has not read yet.
    return Then::reset;
  });
  const Ended ended = trial.run();
  check_right(ended, content);
  CHECK(ended.failed_with(Errc::body_truncated));
  CHECK(server.requests()[1].first().value_or(0) > 0);
}

TEST_CASE("bad-servers 54: a kept connection that has died is replaced without a failure") {
  const Run run = each({"closed", "reset"});
  Trial trial(run.tls);
  BadServer& server = trial.serve([&](Peer& peer, const Asked& asked) {
    if (asked.connection == 0 && asked.number == 1) return run.which == 0 ? Then::cut : Then::reset;
    good(peer, asked, content);
    return Then::keep;
  });
  std::vector<bgxfer::FileSpec> files(2);
  for (std::size_t i = 0; i < 2; ++i) {
    files[i].url = server.url("/" + std::to_string(i));
    files[i].target = trial.path(std::to_string(i));
  }
  const Ended ended = trial.run(files);
  CHECK(ended.state == JobState::completed);
  for (const auto& file : ended.files) CHECK((file && *file == content));
  CHECK(ended.failures.empty());
  CHECK(server.connections() == 2);
}

TEST_CASE("bad-servers 55: a connection that says nothing any more is given up, and the rest fetched on another") {
  Trial trial(over_tls());
  trial.transport.stall_timeout = 300ms;
  BadServer& server = trial.serve([](Peer& peer, const Asked& asked) {
    if (asked.connection == 0) {
      good(peer, asked, content, tagged, half);
      peer.wait_for_client();
      return Then::close;
    }
    good(peer, asked, content);
    return Then::keep;
  });
  const Ended ended = trial.run();
  check_right(ended, content);
  CHECK(ended.failed_with(Errc::stalled));
  CHECK(ended.received == content.size());
  CHECK(server.connections() == 2);
}

TEST_CASE("bad-servers 56: a trickle is given up for another connection, whatever its single bytes promise") {
  Trial trial(over_tls());
  trial.transport.slow_after = 300ms;
  trial.transport.slow_bytes_per_second = 1000;
  trial.job.no_progress_timeout = 10s;
  BadServer& server = trial.serve([](Peer& peer, const Asked& asked) {
    if (asked.connection > 0) {
      good(peer, asked, content);
      return Then::keep;
    }
    answer(peer, 200, tagged, content, half);
    for (std::size_t at = half; peer.write(std::string_view(content).substr(at, 1)); ++at) {
      std::this_thread::sleep_for(20ms);
    }
    return Then::close;
  });
  const Ended ended = trial.run();
  check_right(ended, content);
  CHECK(ended.failed_with(Errc::stalled));
  CHECK(ended.received == content.size());
  CHECK(server.connections() == 2);
}

TEST_CASE("bad-servers 56: a limit of our own is no trickle of the server's") {
  Trial trial(over_tls());
  trial.transport.slow_after = 500ms;
  trial.transport.slow_bytes_per_second = 400'000;
  trial.job.bytes_per_second_max = 200'000;
  trial.job.no_progress_timeout = 10s;
  trial.queue.chunk_bytes = 4096;
  trial.serve([](Peer& peer, const Asked& asked) {
    good(peer, asked, content);
    return Then::keep;
  });
  const Ended ended = trial.run();
  check_right(ended, content);
  CHECK(ended.failures.empty());
}

TEST_CASE("bad-servers 57: a server that accepts and never answers costs the first-byte timeout") {
  const Run run = each({"silence", "a head that trickles"});
  Trial trial(run.tls);
  trial.transport.first_byte_timeout = 300ms;
  trial.job.no_progress_timeout = 10s;
  BadServer& server = trial.serve([&](Peer& peer, const Asked& asked) {
    if (asked.connection > 0) {
      good(peer, asked, content);
      return Then::keep;
    }
    if (run.which == 0) peer.wait_for_client();
    peer.write("HTTP/1.1 200 OK\r\nX: ");
    while (peer.write("x")) std::this_thread::sleep_for(20ms);
    return Then::close;
  });
  const Ended ended = trial.run();
  check_right(ended, content);
  CHECK(ended.failed_with(Errc::response_timeout));
  CHECK(server.connections() == 2);
}

TEST_CASE("bad-servers 58: a server that takes two connections at a time serves all files in the end") {
  const Run run = each({"503", "reset"});
  Trial trial(run.tls);
  trial.job.parallel_files = 4;
  trial.job.no_progress_timeout = 10s;
  std::atomic<int> open{0};
  trial.queue.chunk_bytes = 64 * 1024;  // Memory for four at a time.
  BadServer& server = trial.serve([&](Peer& peer, const Asked& asked) {
    const bool refused = ++open > 2;
    if (!refused) {
      std::this_thread::sleep_for(20ms);
      good(peer, asked, content);
    } else if (run.which == 0) {
      answer(peer, 503, "", "");
    }
    --open;
    if (refused && run.which == 1) return Then::reset;
    return Then::close;
  });
  std::vector<bgxfer::FileSpec> files(8);
  for (std::size_t i = 0; i < files.size(); ++i) {
    files[i].url = server.url("/" + std::to_string(i));
    files[i].target = trial.path(std::to_string(i));
  }
  const Ended ended = trial.run(files);
  CHECK(ended.state == JobState::completed);
  for (const auto& file : ended.files) CHECK((file && *file == content));
}

TEST_CASE("bad-servers 59: an answer in HTTP/2 is no answer to us") {
  const Run run = each({"frames", "a status line of HTTP/2"});
  Trial trial(run.tls);
  trial.job.no_progress_timeout = 100ms;
  const std::string goaway("\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\x0b\r\n\r\n", 21);
  trial.serve([&](Peer& peer, const Asked&) {
    peer.write(run.which == 0 ? goaway : "HTTP/2 200\r\nContent-Length: 1\r\n\r\nx");
    return Then::close;
  });
  check_exhausted(trial.run(), Errc::invalid_response);
}

TEST_CASE("bad-servers 61: a name whose IPv6 address answers nothing is reached over IPv4") {
  Trial trial(over_tls());
  BadServer& server = trial.serve([](Peer& peer, const Asked& asked) {
    good(peer, asked, content);
    return Then::keep;
  });
  const Ended ended = trial.run(server.url("/file", "localhost"));  // ::1 as well, where nobody listens.
  check_right(ended, content);
  CHECK(ended.failures.empty());
}

TEST_CASE("bad-servers 63: a certificate from somebody else is refused, and nothing is asked") {
  const Run run = each({"an unknown issuer", "self-signed", "expired", "another name"});
  const http_test::TlsAuthority stranger;
  http_test::CertificateWish wish;
  if (run.which == 1) wish.self_signed = true;
  if (run.which == 2) wish.valid_until_seconds = -60;
  if (run.which == 3) wish.names = "DNS:elsewhere.example";
  const http_test::ServerTls tls = (run.which == 0 ? stranger : authority()).server(wish);
  BadServer server(
      [](Peer& peer, const Asked& asked) {
        good(peer, asked, content);
        return Then::keep;
      },
      tls.get());
  Trial trial(true);
  const Errc codes[] = {Errc::certificate_untrusted, Errc::certificate_untrusted, Errc::certificate_expired,
                        Errc::certificate_wrong_host};
  const Ended ended = trial.run(server.url());
  check_failed(ended, codes[run.which]);
  CHECK(ended.error->message().find("127.0.0.1") != std::string::npos);
  CHECK(server.requests().empty());
}
