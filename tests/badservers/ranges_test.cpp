// bad-servers.md part 1: ranges and validators.
#include "trial.hpp"

using namespace bad_servers;

namespace {

const std::string content = resource(200'000);
const std::string other = resource(200'000, 2);
constexpr std::size_t half = 100'000;

/// The first request is answered with half a file, and the connection breaks; `then` answers the others.
BadServer::Answer after_half(BadServer::Answer then, const char* fields = tagged) {
  return [then = std::move(then), fields](Peer& peer, const Asked& asked) {
    if (asked.number > 0) return then(peer, asked);
    answer(peer, 200, fields, content, half);
    return Then::close;
  };
}

}  // namespace

TEST_CASE("bad-servers 1: a server that ignores Range is read from the start, and nothing is appended") {
  Trial trial(over_tls());
  BadServer& server = trial.serve(after_half([](Peer& peer, const Asked&) {
    answer(peer, 200, tagged, content);
    return Then::keep;
  }));
  const Ended ended = trial.run();
  check_right(ended, content);
  CHECK(server.requests().size() == 2);
  CHECK(server.requests()[1].first() == half);
}

TEST_CASE("bad-servers 2: 200 for some requests and 206 for others") {
  Trial trial(over_tls());
  trial.serve([](Peer& peer, const Asked& asked) {
    if (asked.number % 2 == 1) {
      answer(peer, 200, tagged, content, half + static_cast<std::size_t>(asked.number) * 20'000);
    } else {
      good(peer, asked, content, tagged, 30'000);
    }
    return Then::close;
  });
  check_right(trial.run(), content);
}

TEST_CASE("bad-servers 3: a 206 that begins elsewhere is refused, and the server taken not to know ranges") {
  Trial trial(over_tls());
  BadServer& server = trial.serve(after_half([](Peer& peer, const Asked& asked) {
    if (!asked.first()) {
      answer(peer, 200, tagged, content);
    } else {
      answer(peer, 206, std::string(tagged) + "Content-Range: bytes 100001-199999/200000\r\n", content.substr(100'001));
    }
    return Then::keep;
  }));
  check_right(trial.run(), content);
  CHECK_FALSE(server.requests().back().first());
}

TEST_CASE("bad-servers 4: a 206 that is shorter than asked is a beginning") {
  Trial trial(over_tls());
  BadServer& server = trial.serve(after_half([](Peer& peer, const Asked& asked) {
    const std::size_t first = static_cast<std::size_t>(asked.first().value_or(0));
    const std::size_t last = std::min<std::size_t>(first + 29'999, content.size() - 1);
    answer(peer, 206,
           std::string(tagged) + "Content-Range: bytes " + std::to_string(first) + "-" + std::to_string(last) +
               "/200000\r\n",
           std::string_view(content).substr(first, last + 1 - first));
    return Then::keep;
  }));
  const Ended ended = trial.run();
  check_right(ended, content);
  CHECK(server.requests().size() == 1 + 4);
  CHECK(ended.received == content.size());
}

TEST_CASE("bad-servers 5: a 206 without Content-Range proves nothing") {
  const Run run = each({"another length than asked", "the length that was asked for, of other bytes"});
  Trial trial(run.tls);
  const bool exact = run.which == 1;
  BadServer& server = trial.serve(after_half([exact](Peer& peer, const Asked& asked) {
    if (!asked.first()) {
      answer(peer, 200, tagged, content);
    } else {
      answer(peer, 206, tagged, std::string_view(content).substr(0, exact ? half : half / 2));
    }
    return Then::keep;
  }));
  check_right(trial.run(), content);
  CHECK_FALSE(server.requests().back().first());
}

TEST_CASE("bad-servers 5: with a SHA-256, a 206 without Content-Range of just the right length will do") {
  Trial trial(over_tls());
  const std::string part = content.substr(0, 150'000);
  trial.spec.ranges = {{0, part.size()}};  // An end that is asked for by its number.
  trial.spec.sha256 = sha256_of(part);
  BadServer& server = trial.serve([&part](Peer& peer, const Asked& asked) {
    if (asked.number == 0) {
      good(peer, asked, content, tagged, half);
      return Then::close;
    }
    answer(peer, 206, tagged, std::string_view(part).substr(half));
    return Then::keep;
  });
  const Ended ended = trial.run();
  check_right(ended, part);
  CHECK(server.requests().size() == 2);
}

TEST_CASE("bad-servers 6: odd spellings of Content-Range are read, and on a 200 it counts for nothing") {
  const Run run = each({"with an equals sign", "without a total", "on a 200"});
  Trial trial(run.tls);
  const bool whole = run.which == 2;
  const char* ranges[] = {"bytes=100000-199999/200000", "bytes 100000-199999/*", "bytes 5-9/10"};
  const char* range = ranges[run.which];
  trial.serve(after_half([=](Peer& peer, const Asked&) {
    const std::string fields = std::string(tagged) + "Content-Range: " + range + "\r\n";
    if (whole) {
      answer(peer, 200, fields, content);
    } else {
      answer(peer, 206, fields, std::string_view(content).substr(half));
    }
    return Then::keep;
  }));
  check_right(trial.run(), content);
}

TEST_CASE("bad-servers 7: another total is another resource") {
  Trial trial(over_tls());
  const std::string longer = resource(210'000, 2);
  trial.serve(after_half([&longer](Peer& peer, const Asked& asked) {
    good(peer, asked, longer, tagged);
    return Then::keep;
  }));
  check_right(trial.run(), longer);
}

TEST_CASE("bad-servers 8: several ranges in one answer are never asked for, and refused") {
  Trial trial(over_tls());
  BadServer& server = trial.serve(after_half([](Peer& peer, const Asked& asked) {
    if (!asked.first()) {
      answer(peer, 200, tagged, content);
    } else {
      answer(peer, 206, std::string(tagged) + "Content-Type: multipart/byteranges; boundary=x\r\n",
             "--x\r\nContent-Range: bytes 100000-100004/200000\r\n\r\nhello\r\n--x--\r\n");
    }
    return Then::keep;
  }));
  check_right(trial.run(), content);
  for (const Asked& asked : server.requests()) CHECK(asked.field("range").value_or("").find(',') == std::string::npos);
}

TEST_CASE("bad-servers 9: 416 on a file that is complete finishes it; otherwise it starts again") {
  const Run run = each({"with the size that is here", "with a smaller size", "without a size"});
  Trial trial(run.tls);
  const char* totals[] = {"Content-Range: bytes */100000\r\n", "Content-Range: bytes */50000\r\n", ""};
  const char* total = totals[run.which];
  const bool finishes = run.which == 0;
  const std::string short_one = content.substr(0, half);
  BadServer& server = trial.serve([&](Peer& peer, const Asked& asked) {
    if (asked.number == 0) {  // Everything, but no sign that it is everything.
      peer.write(head_of(200, std::string(tagged) + "Transfer-Encoding: chunked\r\n") + chunks(short_one));
      return Then::close;
    }
    if (asked.first()) {
      answer(peer, 416, total, "");
    } else {
      answer(peer, 200, tagged, short_one);
    }
    return Then::keep;
  });
  check_right(trial.run(), short_one);
  CHECK(server.requests().size() == (finishes ? 2 : 3));
}

TEST_CASE("bad-servers 10: a resource that changes in between is fetched anew, never mixed") {
  const Run run = each({"told by the ETag of a 206", "told by the ETag of a 200", "told by a date instead of an ETag"});
  Trial trial(run.tls);
  const bool ranges = run.which != 1;
  const char* fields = run.which == 2
                           ? "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nDate: Sun, 06 Nov 1994 09:49:37 GMT\r\n"
                           : "ETag: \"v2\"\r\n";
  trial.serve(after_half([=](Peer& peer, const Asked& asked) {
    if (ranges) {
      good(peer, asked, other, fields);
    } else {
      answer(peer, 200, fields, other);
    }
    return Then::keep;
  }));
  check_right(trial.run(), other);
}

TEST_CASE("bad-servers 11: a weak ETag is no condition; bytes are compared instead") {
  const Run run = each({"the same bytes", "other bytes under the same weak tag"});
  Trial trial(run.tls);
  const bool changed = run.which == 1;
  const char* weak = "ETag: W/\"v1\"\r\n";
  BadServer& server = trial.serve(after_half(
      [=](Peer& peer, const Asked& asked) {
        good(peer, asked, changed ? other : content, weak);
        return Then::keep;
      },
      weak));
  const Ended ended = trial.run();
  check_right(ended, changed ? other : content);
  for (const Asked& asked : server.requests()) CHECK_FALSE(asked.field("if-range"));
  CHECK(server.requests()[1].first().value() < half);
  if (!changed) CHECK(ended.received <= content.size() + 64 * 1024);
}

TEST_CASE("bad-servers 12: nodes with tags of their own cost a restart, never a mixture") {
  Trial trial(over_tls());
  // Every node has its own version: whatever mixes them is wrong.
  trial.serve([](Peer& peer, const Asked& asked) {
    const bool second = asked.number % 2 == 1;
    const char* fields = second ? "ETag: \"v1-gzip\"\r\n" : "ETag: \"v1\"\r\n";
    good(peer, asked, second ? other : content, fields, asked.number < 3 ? half : std::string::npos);
    return Then::close;
  });
  const Ended ended = trial.run();
  CHECK(ended.state == JobState::completed);
  REQUIRE(ended.files.front());
  CHECK((*ended.files.front() == content || *ended.files.front() == other));
}

TEST_CASE("bad-servers 13: where the condition makes the server drop the range, it is left out") {
  Trial trial(over_tls());
  const std::string large = resource(2'000'000);
  BadServer& server = trial.serve([&large](Peer& peer, const Asked& asked) {
    if (asked.number == 0) {
      answer(peer, 200, tagged, large, 1'500'000);
      return Then::close;
    }
    if (asked.field("if-range")) {
      answer(peer, 200, tagged, large, 10'000);
    } else {
      good(peer, asked, large);
    }
    return Then::close;
  });
  const Ended ended = trial.run();
  check_right(ended, large);
  REQUIRE(server.requests().size() == 3);
  CHECK(server.requests()[1].field("if-range") == "\"v1\"");
  CHECK_FALSE(server.requests()[2].field("if-range"));
  CHECK(server.requests()[2].first() == 1'500'000);
}

TEST_CASE("bad-servers 14: 412 means that the resource changed") {
  Trial trial(over_tls());
  trial.serve(after_half([](Peer& peer, const Asked& asked) {
    if (asked.first()) {
      answer(peer, 412, "", "");
    } else {
      answer(peer, 200, "ETag: \"v2\"\r\n", other);
    }
    return Then::keep;
  }));
  check_right(trial.run(), other);
}

TEST_CASE("bad-servers 15: Accept-Ranges may be absent or none; a resume is tried either way and needs proof") {
  const Run run = each({"absent, and ranges work", "none, and ranges work", "none, and it is true",
                        "none, and nothing to tell versions by"});
  Trial trial(run.tls);
  const bool ranges = run.which < 2;
  const char* all_fields[] = {tagged, "Accept-Ranges: none\r\nETag: \"v1\"\r\n",
                              "Accept-Ranges: none\r\nETag: \"v1\"\r\n", "Accept-Ranges: none\r\n"};
  const char* fields = all_fields[run.which];
  trial.serve(after_half(
      [=](Peer& peer, const Asked& asked) {
        if (ranges) {
          good(peer, asked, content, fields);
        } else {
          answer(peer, 200, fields, content);
        }
        return Then::keep;
      },
      fields));
  check_right(trial.run(), content);
}

TEST_CASE("bad-servers 16: HEAD is never sent, so a server that cannot answer it does no harm") {
  Trial trial(over_tls());
  BadServer& server = trial.serve(after_half([](Peer& peer, const Asked& asked) {
    if (asked.method() == "HEAD") {
      peer.wait_for_client();
    } else {
      good(peer, asked, content);
    }
    return Then::keep;
  }));
  check_right(trial.run(), content);
  for (const Asked& asked : server.requests()) CHECK(asked.method() == "GET");
}

TEST_CASE("bad-servers 17: 403 for a wide range is asked once more with a narrow one") {
  const Run run = each({"only wide ones are refused", "all are refused"});
  Trial trial(run.tls);
  const std::string large = resource(3'000'000);
  const bool narrow_too = run.which == 1;
  BadServer& server = trial.serve([&](Peer& peer, const Asked& asked) {
    if (asked.number == 0) {
      answer(peer, 200, tagged, large, 500'000);
      return Then::close;
    }
    const std::uint64_t last = asked.last().value_or(large.size() - 1);
    if (narrow_too || (asked.first() && last - *asked.first() >= 1024 * 1024)) {
      answer(peer, 403, "", "");
    } else {
      good(peer, asked, large);
    }
    return Then::keep;
  });
  const Ended ended = trial.run();
  if (narrow_too) {
    check_failed(ended, bgxfer::http_status(403));
    CHECK(server.requests().size() == 3);
  } else {
    check_right(ended, large);
    CHECK(ended.received == large.size());
  }
}
