// bad-servers.md part 3: status, pacing, expiry.
#include <ctime>

#include "trial.hpp"

using namespace bad_servers;

namespace {

const std::string content = resource(200'000);
constexpr std::size_t half = 100'000;

std::string date_in(std::time_t base, long seconds) {
  const std::time_t when = base + seconds;
  std::tm parts{};
  ::gmtime_r(&when, &parts);
  char text[64];
  const std::size_t size = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return std::string(text, size);
}

/// Refuses the second request, behind half a file, and serves the others.
BadServer::Answer refusing_once(int status, std::string fields, std::string body = "") {
  return [=](Peer& peer, const Asked& asked) {
    if (asked.number == 0) {
      answer(peer, 200, tagged, content, half);
      return Then::close;
    }
    if (asked.number == 1) {
      answer(peer, status, fields, body);
    } else {
      good(peer, asked, content);
    }
    return Then::keep;
  };
}

/// How long the job waits after such a refusal, and for whom.
bgxfer::Waiting wait_after(Trial& trial, int status, std::string fields) {
  trial.stop_at_first_failure = true;
  trial.serve([=](Peer& peer, const Asked&) {
    answer(peer, status, fields, "");
    return Then::keep;
  });
  const Ended ended = trial.run();
  CHECK(ended.state == JobState::cancelled);
  REQUIRE(ended.failures.size() == 1);
  CHECK(ended.failures[0].error.code() == bgxfer::http_status(status));
  return ended.failures[0].waiting;
}

}  // namespace

TEST_CASE("bad-servers 32: Retry-After is waited for, in seconds and as a date, within limits") {
  const Run run = each({"429, seconds", "503, seconds", "503, a date by the server's clock", "a date that has passed",
                        "longer than a day", "nonsense"});
  Trial trial(run.tls);
  const std::time_t then = 784'111'777;  // The server's clock stands in 1994.
  const std::string dates = "Date: " + date_in(then, 0) + "\r\nRetry-After: ";
  const std::string fields[] = {"Retry-After: 7\r\n",
                                "Retry-After: 7\r\n",
                                dates + date_in(then, 7) + "\r\n",
                                dates + date_in(then, -1000) + "\r\n",
                                "Retry-After: 99999999999\r\n",
                                "Retry-After: soon\r\n"};
  const bgxfer::Waiting waiting = wait_after(trial, run.which == 0 ? 429 : 503, fields[run.which]);
  const auto wait = waiting.next_attempt_in.value_or(0ms);
  CHECK(waiting.reason == (run.which == 5 ? WaitReason::retry : WaitReason::server));
  if (run.which < 3) CHECK((wait > 5s && wait <= 15s));
  if (run.which == 3) CHECK((wait > 500ms && wait <= 3s));
  if (run.which == 4) CHECK((wait > 23h && wait <= 25h));
  if (run.which == 5) CHECK(wait <= 100ms);
}

TEST_CASE("bad-servers 32: after the wait the job goes on where it was") {
  Trial trial(over_tls());
  trial.job.no_progress_timeout = 10s;
  trial.serve(refusing_once(503, "Retry-After: 1\r\n"));
  const Ended ended = trial.run();
  check_right(ended, content);
  CHECK(ended.took >= 900ms);
  CHECK(ended.received == content.size());
}

TEST_CASE("bad-servers 33: overload without a time is retried with growing delays, and bytes stay") {
  const Run run = each({"429", "503", "420", "509", "520", "522", "527", "530"});
  Trial trial(run.tls);
  const int statuses[] = {429, 503, 420, 509, 520, 522, 527, 530};
  trial.serve(refusing_once(statuses[run.which], ""));
  const Ended ended = trial.run();
  check_right(ended, content);
  CHECK(ended.failed_with(bgxfer::http_status(statuses[run.which])));
  CHECK(ended.received == content.size());
}

TEST_CASE("bad-servers 34: a rate limit that is used up says when to come back") {
  const Run run = each({"RateLimit", "RateLimit-Remaining", "X-RateLimit-Remaining", "not used up"});
  Trial trial(run.tls);
  const char* fields[] = {
      "RateLimit: limit=10, remaining=0, reset=7\r\n", "RateLimit-Remaining: 0\r\nRateLimit-Reset: 7\r\n",
      "X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 7\r\n", "RateLimit-Remaining: 1\r\nRateLimit-Reset: 7\r\n"};
  const bgxfer::Waiting waiting = wait_after(trial, 429, fields[run.which]);
  CHECK(waiting.reason == (run.which == 3 ? WaitReason::retry : WaitReason::server));
  if (run.which < 3) CHECK(waiting.next_attempt_in.value_or(0ms) > 5s);
}

TEST_CASE("bad-servers 35: an error of the server now and then costs no byte") {
  const Run run = each({"500", "502", "504", "524"});
  Trial trial(run.tls);
  const int statuses[] = {500, 502, 504, 524};
  trial.serve(refusing_once(statuses[run.which], "", "<h1>Oops</h1>"));
  const Ended ended = trial.run();
  check_right(ended, content);
  CHECK(ended.received == content.size());
}

TEST_CASE("bad-servers 36: an expired permission asks the host, who may give another and go on") {
  const Run run = each({"401", "403"});
  Trial trial(run.tls);
  const int status = run.which == 0 ? 401 : 403;
  trial.serve([status](Peer& peer, const Asked& asked) {
    if (asked.number == 0) {
      answer(peer, 200, tagged, content, half);
      return Then::close;
    }
    if (asked.field("x-permission") == "new") {
      good(peer, asked, content);
    } else {
      answer(peer, status, "Content-Type: application/xml\r\n",
             "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>");
    }
    return Then::keep;
  });
  trial.job.http.headers = {{"X-Permission", "old"}};
  int asked_for_help = 0;
  trial.mend = [&](bgxfer::Job& job) {
    ++asked_for_help;
    CHECK(job.error()->code() == bgxfer::http_status(status));
    CHECK(job.progress().bytes_transferred == half);
    job.configure([](bgxfer::JobOptions& options) { options.http.headers[0].value = "new"; });
    return asked_for_help == 1 && job.resume();
  };
  const Ended ended = trial.run();
  check_right(ended, content);
  CHECK(asked_for_help == 1);
  CHECK(ended.received == content.size());
}

TEST_CASE("bad-servers 37: a 403 that names a time is a limit of rate") {
  const Run run = each({"Retry-After", "X-RateLimit"});
  Trial trial(run.tls);
  const char* fields[] = {"Retry-After: 7\r\n", "X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 7\r\n"};
  const bgxfer::Waiting waiting = wait_after(trial, 403, fields[run.which]);
  CHECK(waiting.reason == WaitReason::server);
}

TEST_CASE("bad-servers 38: a 404 in the middle stops the job with its bytes, and resume goes on") {
  Trial trial(over_tls());
  trial.serve(refusing_once(404, ""));
  trial.mend = [](bgxfer::Job& job) {
    CHECK(job.error()->code() == bgxfer::http_status(404));
    return job.resume().has_value();
  };
  const Ended ended = trial.run();
  check_right(ended, content);
  CHECK(ended.received == content.size());
}

TEST_CASE("bad-servers 39: 404 and 410 are final at once") {
  const Run run = each({"404", "410"});
  Trial trial(run.tls);
  const int status = run.which == 0 ? 404 : 410;
  BadServer& server = trial.serve([status](Peer& peer, const Asked&) {
    answer(peer, status, "", "gone");
    return Then::keep;
  });
  check_failed(trial.run(), bgxfer::http_status(status));
  CHECK(server.requests().size() == 1);
}

TEST_CASE("bad-servers 40: 408, 421 and 425 are asked again on another connection") {
  const Run run = each({"408", "421", "425"});
  Trial trial(run.tls);
  trial.transport.quiet_connection_timeout = 500ms;
  const int statuses[] = {408, 421, 425};
  BadServer& server = trial.serve([status = statuses[run.which]](Peer& peer, const Asked& asked) {
    if (asked.connection == 0) {
      answer(peer, status, "", "");
    } else {
      good(peer, asked, content);
    }
    return Then::keep;
  });
  check_right(trial.run(), content);
  CHECK(server.requests()[1].connection == 1);
}

TEST_CASE("bad-servers 41: 451 and 402 fail with their status") {
  const Run run = each({"451", "402"});
  Trial trial(run.tls);
  const int status = run.which == 0 ? 451 : 402;
  trial.serve([status](Peer& peer, const Asked&) {
    answer(peer, status, "", "");
    return Then::keep;
  });
  check_failed(trial.run(), bgxfer::http_status(status));
}

TEST_CASE("bad-servers 42: a server that plays the proxy gets no credentials") {
  Trial trial(over_tls());
  BadServer& server = trial.serve([](Peer& peer, const Asked&) {
    answer(peer, 407, "Proxy-Authenticate: Basic realm=\"x\"\r\n", "");
    return Then::keep;
  });
  check_failed(trial.run(), bgxfer::http_status(407));
  for (const Asked& asked : server.requests()) CHECK_FALSE(asked.field("proxy-authorization"));
}

TEST_CASE("bad-servers 44: interim answers are skipped, but not without end") {
  const Run run = each({"a few", "too many", "without end"});
  Trial trial(run.tls);
  trial.serve([which = run.which](Peer& peer, const Asked& asked) {
    const std::string hints = head_of(103, "Link: </a>; rel=preload\r\n");
    for (int i = 0; i < (which == 0 ? 4 : 33); ++i) peer.write(hints);
    while (which == 2 && peer.write(hints)) {
    }
    good(peer, asked, content);
    return Then::keep;
  });
  const Ended ended = trial.run();
  if (run.which == 0) {
    check_right(ended, content);
  } else {
    check_failed(ended, Errc::response_too_large);
  }
}
