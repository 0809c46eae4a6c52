// bad-servers.md part 4: redirects and identity.
#include "trial.hpp"

using namespace bad_servers;

namespace {

const std::string content = resource(200'000);
constexpr std::size_t half = 100'000;

std::string to(const std::string& url) { return "Location: " + url + "\r\n"; }

}  // namespace

TEST_CASE("bad-servers 45: a loop ends at once, a long way at its limit") {
  const Run run = each({"to itself", "a circle of two", "always further", "ten hops are fine"});
  Trial trial(run.tls);
  BadServer& server = trial.serve([which = run.which](Peer& peer, const Asked& asked) {
    const std::string next = "/" + std::to_string(asked.number + 1);
    if (which == 0) answer(peer, 302, to(asked.path()), "");
    if (which == 1) answer(peer, 302, to(asked.path() == "/file" ? "/b" : "/file"), "");
    if (which == 2) answer(peer, 302, to(next), "");
    if (which == 3 && asked.number < 10) answer(peer, 307, to(next), "");
    if (which == 3 && asked.number == 10) good(peer, asked, content);
    return Then::keep;
  });
  const Ended ended = trial.run();
  if (run.which == 3) return check_right(ended, content);
  check_failed(ended, Errc::too_many_redirects);
  const std::size_t asked[] = {1, 2, 11};
  CHECK(server.requests().size() == asked[run.which]);
}

TEST_CASE("bad-servers 46: https does not lead to http, unless the job allows it") {
  const Run run = each({"refused", "allowed"});
  Trial trial(true);
  BadServer plain([](Peer& peer, const Asked& asked) {
    good(peer, asked, content);
    return Then::keep;
  });
  trial.job.http.redirects.allow_https_to_http = run.which == 1;
  trial.serve([&](Peer& peer, const Asked&) {
    answer(peer, 301, to(plain.url()), "");
    return Then::keep;
  });
  const Ended ended = trial.run();
  if (run.which == 1) return check_right(ended, content);
  check_failed(ended, Errc::redirect_refused);
  CHECK(plain.connections() == 0);
}

TEST_CASE("bad-servers 48: no header of the host follows to another origin") {
  const Run run = each({"301", "302", "303", "307", "308"});
  Trial trial(run.tls);
  BadServer elsewhere(
      [](Peer& peer, const Asked& asked) {
        good(peer, asked, content);
        return Then::keep;
      },
      trial.tls);
  const int statuses[] = {301, 302, 303, 307, 308};
  BadServer& server = trial.serve([&](Peer& peer, const Asked&) {
    answer(peer, statuses[run.which], to(elsewhere.url()), "");
    return Then::keep;
  });
  trial.job.http.headers = {
      {"Authorization", "Bearer marker-1"}, {"Cookie", "marker-2"}, {"X-Api-Key", "marker-3"}, {"X-Token", "marker-4"},
      {"private-TOKEN", "marker-5"},        {"Referer", "marker-6"}};
  check_right(trial.run(), content);
  CHECK(server.requests()[0].field("x-api-key") == "marker-3");
  REQUIRE(elsewhere.requests().size() == 1);
  CHECK(elsewhere.requests()[0].head.find("marker") == std::string::npos);
}

TEST_CASE("bad-servers 49: a retry begins at the original URL, not at a target that may have expired") {
  Trial trial(over_tls());
  BadServer& server = trial.serve([](Peer& peer, const Asked& asked) {
    if (asked.path() == "/file") {
      answer(peer, 302, to("/signed?number=" + std::to_string(asked.number)), "");
    } else if (asked.path() == "/signed?number=0") {
      good(peer, asked, content, tagged, half);
      return Then::close;
    } else {
      good(peer, asked, content);
    }
    return Then::keep;
  });
  const Ended ended = trial.run();
  check_right(ended, content);
  CHECK(ended.received == content.size());
  REQUIRE(server.requests().size() == 4);
  CHECK(server.requests()[2].path() == "/file");
}

TEST_CASE("bad-servers 50: bytes from another place are mixed with those that are here only if they prove the same") {
  const Run run = each({"the same resource", "another one"});
  Trial trial(run.tls);
  const std::string other = resource(200'000, 2);
  BadServer elsewhere(
      [&](Peer& peer, const Asked& asked) {
        good(peer, asked, run.which == 0 ? content : other, run.which == 0 ? tagged : "ETag: \"v2\"\r\n");
        return Then::keep;
      },
      trial.tls);
  trial.serve([&](Peer& peer, const Asked& asked) {
    if (asked.number == 0) {
      answer(peer, 200, tagged, content, half);
      return Then::close;
    }
    answer(peer, 302, to(elsewhere.url()), "");
    return Then::keep;
  });
  check_right(trial.run(), run.which == 0 ? content : other);
}

TEST_CASE("bad-servers 51: a careless Location is encoded and resolved, a broken one refused") {
  const Run run = each({"relative", "with spaces", "beyond ASCII", "without a scheme", "another scheme", "no port",
                        "a line break", "missing"});
  Trial trial(run.tls);
  trial.job.no_progress_timeout = 100ms;
  BadServer* server = nullptr;
  server = &trial.serve([&](Peer& peer, const Asked& asked) {
    if (asked.path() != "/file") {
      good(peer, asked, content);
      return Then::keep;
    }
    const std::string fields[] = {to("a/../b"),
                                  to("/a b"),
                                  to("/\xc3\xa4"),
                                  to("//127.0.0.1:" + std::to_string(server->port()) + "/b"),
                                  to("ftp://127.0.0.1/b"),
                                  to("http://127.0.0.1:99999999999/"),
                                  to("/b\rX-Y: z"),
                                  ""};
    answer(peer, 302, fields[run.which], "");
    return Then::keep;
  });
  const Ended ended = trial.run();
  if (run.which > 3) return check_exhausted(ended, Errc::invalid_response);
  check_right(ended, content);
  const char* paths[] = {"/b", "/a%20b", "/%C3%A4", "/b"};
  CHECK(server->requests()[1].path() == paths[run.which]);
}

TEST_CASE("bad-servers 52: nobody chooses for the host: 300 fails, and Refresh counts for nothing") {
  const Run run = each({"300", "Refresh"});
  Trial trial(run.tls);
  trial.serve([&](Peer& peer, const Asked& asked) {
    if (run.which == 0) {
      answer(peer, 300, to("/other"), "");
    } else {
      good(peer, asked, content, "Refresh: 0; url=/other\r\n");
    }
    return Then::keep;
  });
  const Ended ended = trial.run();
  if (run.which == 1) return check_right(ended, content);
  check_failed(ended, bgxfer::http_status(300));
}
