#ifndef BGXFER_TESTS_TRANSPORT_CONTRACT_HPP
#define BGXFER_TESTS_TRANSPORT_CONTRACT_HPP

#include <bgxfer/transport.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/post.hpp>
#include <asio/this_coro.hpp>

#include "../support/http_fetch.hpp"
#include "../support/http_script_server.hpp"

namespace http_test {

/// A server that knows how to serve ranges of one text, and records the heads that it was sent. An origin for
/// `check_resource_contract`.
class RangeServer {
 public:
  explicit RangeServer(std::string text) : text_(std::move(text)), server_([this](Peer& peer, int) { serve(peer); }) {}

  [[nodiscard]] std::string url() const { return server_.url(); }
  [[nodiscard]] std::string missing_url() const { return server_.url("/missing?secret=1"); }
  void replace(std::string text) {
    const std::lock_guard lock(mutex_);
    text_ = std::move(text);
    ++version_;
  }
  static std::error_code missing() { return bgxfer::http_status(404); }
  static std::error_code beyond_the_end() { return bgxfer::http_status(416); }
  [[nodiscard]] std::vector<std::string> heads() const {
    const std::lock_guard lock(mutex_);
    return heads_;
  }

 private:
  void serve(Peer& peer) {
    for (std::string head = peer.read_head(); !head.empty(); head = peer.read_head()) {
      {
        const std::lock_guard lock(mutex_);
        heads_.push_back(head);
      }
      if (!peer.write(answer(head))) return;
    }
  }

  [[nodiscard]] std::string answer(const std::string& head) const {
    const std::lock_guard lock(mutex_);
    const std::string tag = "\"v" + std::to_string(version_) + '"';
    const std::string fields = "ETag: " + tag + "\r\nAccept-Ranges: bytes\r\n";
    if (head.starts_with("GET /missing")) return "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone";
    const std::size_t range = head.find("Range: bytes=");
    const std::size_t condition = head.find("If-Range: ");
    if (range == std::string::npos ||
        (condition != std::string::npos && !head.substr(condition).starts_with("If-Range: " + tag))) {
      return ok(text_, fields);
    }
    std::size_t used = 0;
    const std::size_t first = std::stoul(head.substr(range + 13), &used);
    const std::string rest = head.substr(range + 13 + used + 1);
    std::size_t last = text_.size() - 1;
    if (rest[0] >= '0' && rest[0] <= '9') last = std::min(last, static_cast<std::size_t>(std::stoul(rest)));
    if (first >= text_.size()) {
      return "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */" + std::to_string(text_.size()) +
             "\r\nContent-Length: 0\r\n\r\n";
    }
    const std::string part = text_.substr(first, last - first + 1);
    return "HTTP/1.1 206 Partial Content\r\n" + fields + "Content-Range: bytes " + std::to_string(first) + "-" +
           std::to_string(last) + "/" + std::to_string(text_.size()) +
           "\r\nContent-Length: " + std::to_string(part.size()) + "\r\n\r\n" + part;
  }

  std::string text_;
  int version_ = 1;
  mutable std::mutex mutex_;
  std::vector<std::string> heads_;
  ScriptServer server_;
};

/// As `fetch_into`, in either of Asio's two modes.
inline asio::awaitable<void> fetch_cancellably(std::shared_ptr<bgxfer::Transport> transport, bgxfer::Request request,
                                               Outcome& outcome, bool throwing) {
  co_await asio::this_coro::throw_if_cancelled(throwing);
  co_await fetch_into(std::move(transport), std::move(request), outcome);
}

/// What `Transport` promises of any resource, wherever it is: the part of the contract that every transport keeps. Call
/// it from one TEST_CASE with a function that makes the transport. An `Origin` is made of a text, keeps it at `url()`,
/// has nothing at `missing_url()`, and says which codes its transport has for that and for a range beyond the end.
template <class Origin, class MakeTransport>
void check_resource_contract(MakeTransport make_transport) {
  using bgxfer::ByteRange;
  using bgxfer::Errc;
  using bgxfer::Failure;
  using bgxfer::Request;
  const std::shared_ptr<bgxfer::Transport> transport = make_transport();

  SUBCASE("what is no URL is refused without I/O") {
    Origin origin("");
    CHECK(transport->check_url(origin.url()));
    CHECK(transport->check_url(origin.missing_url()));
    for (const char* bad : {"", "example.org", "gopher://h/a", "://", "\n", "http:", "file:"}) {
      CAPTURE(bad);
      const bgxfer::Result<void> checked = transport->check_url(bad);
      REQUIRE_FALSE(checked);
      CHECK(checked.error().code() == Errc::invalid_url);
      CHECK(fetch(transport, bad).code() == Errc::invalid_url);
    }
  }

  SUBCASE("a whole resource arrives, and says what it is") {
    Origin origin("0123456789");
    const Outcome outcome = fetch(transport, origin.url());
    CHECK_FALSE(outcome.error);
    CHECK(outcome.body == "0123456789");
    CHECK(outcome.head.granted == ByteRange{0, 10});
    CHECK(outcome.head.resource_size == 10u);
    CHECK_FALSE(outcome.head.validator.empty());
    CHECK(outcome.head.delimited);
    CHECK(outcome.head.ranges);
    CHECK(outcome.head.final_url == origin.url());
  }

  SUBCASE("buffers of any size carry the same bytes") {
    std::string text;
    for (int i = 0; i < 10'000; ++i) text += std::to_string(i);
    Origin origin(text);
    for (std::size_t chunk_bytes : {7u, 4096u, 1024u * 1024u}) {
      CAPTURE(chunk_bytes);
      CHECK(fetch(transport, Request(origin.url()), chunk_bytes).body == text);
    }
  }

  SUBCASE("a range is asked for and granted") {
    Origin origin("0123456789");
    Request request(origin.url());
    request.range = ByteRange{2, 3};
    const Outcome outcome = fetch(transport, std::move(request));
    CHECK_FALSE(outcome.error);
    CHECK(outcome.body == "234");
    CHECK(outcome.head.granted == ByteRange{2, 3});
    CHECK(outcome.head.resource_size == 10u);
  }

  SUBCASE("a range to the end is granted to the end, and one beyond it is cut there") {
    Origin origin("0123456789");
    for (std::uint64_t length : {ByteRange::to_end, std::uint64_t{3}, std::uint64_t{100}}) {
      Request request(origin.url());
      request.range = ByteRange{7, length};
      const Outcome outcome = fetch(transport, std::move(request));
      CHECK(outcome.body == "789");
      CHECK(outcome.head.granted == ByteRange{7, 3});
    }
  }

  SUBCASE("a range of the same version is granted under its validator") {
    Origin origin("0123456789");
    const std::string validator = fetch(transport, origin.url()).head.validator;
    Request request(origin.url());
    request.range.offset = 7;
    request.validator = validator;
    const Outcome outcome = fetch(transport, std::move(request));
    CHECK_FALSE(outcome.error);
    CHECK(outcome.head.granted == ByteRange{7, 3});
    CHECK(outcome.head.validator == validator);
    CHECK(outcome.body == "789");
  }

  SUBCASE("a range of a resource that changed becomes the whole resource") {
    Origin origin("0123456789");
    const std::string validator = fetch(transport, origin.url()).head.validator;
    origin.replace("abcdefghij");
    Request request(origin.url());
    request.range.offset = 7;
    request.validator = validator;
    const Outcome outcome = fetch(transport, std::move(request));
    CHECK_FALSE(outcome.error);
    CHECK(outcome.head.granted == ByteRange{0, 10});
    CHECK(outcome.head.validator != validator);
    CHECK(outcome.body == "abcdefghij");
  }

  SUBCASE("a range beyond the end is an error with the size") {
    Origin origin("0123456789");
    Request request(origin.url());
    request.range = ByteRange{10, 5};
    const Outcome outcome = fetch(transport, std::move(request));
    REQUIRE(outcome.error);
    CHECK(outcome.code() == Origin::beyond_the_end());
    CHECK(outcome.code() == Failure::permanent);
    CHECK(outcome.error->context() == bgxfer::ErrorContext::remote_file);
    CHECK(outcome.error->resource_size() == 10u);
  }

  SUBCASE("what is not there is a permanent error of the remote file that names it, without secrets") {
    Origin origin("0123456789");
    const Outcome outcome = fetch(transport, origin.missing_url());
    REQUIRE(outcome.error);
    CHECK(outcome.code() == Origin::missing());
    CHECK(outcome.code() == Failure::permanent);
    CHECK(outcome.error->context() == bgxfer::ErrorContext::remote_file);
    CHECK(outcome.error->message().find("secret") == std::string::npos);
    CHECK(outcome.error->message().find("/missing") != std::string::npos);
  }

  SUBCASE("an empty resource is whole at once") {
    Origin origin("");
    const Outcome outcome = fetch(transport, origin.url());
    CHECK_FALSE(outcome.error);
    CHECK(outcome.opened);
    CHECK(outcome.head.granted == ByteRange{0, 0});
    CHECK(outcome.body.empty());
  }

  SUBCASE("a download outlives its transport") {
    Origin origin("0123456789");
    asio::io_context io;
    std::string body;
    auto session = [](std::shared_ptr<bgxfer::Transport> owned, std::string url,
                      std::string& into) -> asio::awaitable<void> {
      auto opened = co_await owned->open(Request(std::move(url)));
      REQUIRE(opened);
      const std::unique_ptr<bgxfer::Download> download = *std::move(opened);
      owned.reset();
      std::array<std::byte, 64> buffer{};
      auto count = co_await download->read(buffer);
      REQUIRE(count);
      into.assign(reinterpret_cast<const char*>(buffer.data()), *count);
    };
    asio::co_spawn(io, session(make_transport(), origin.url(), body), rethrow);
    io.run();
    CHECK(body == "0123456789");
  }
}

/// What `Transport` promises, clause by clause, over real HTTP on loopback. Call it from one TEST_CASE with a function
/// that makes the transport; every clause is a subcase with a transport of its own.
template <class MakeTransport>
void check_transport_contract(MakeTransport make_transport) {
  check_resource_contract<RangeServer>(make_transport);

  using bgxfer::ByteRange;
  using bgxfer::Errc;
  using bgxfer::Failure;
  using bgxfer::Request;
  const std::shared_ptr<bgxfer::Transport> transport = make_transport();

  SUBCASE("URLs are judged without I/O") {
    CHECK(transport->check_url("http://example.org/a"));
    for (const char* bad :
         {"", "example.org", "file:///etc/passwd", "http://", "http://user:secret@example.org/", "http://h/a b"}) {
      CAPTURE(bad);
      const bgxfer::Result<void> checked = transport->check_url(bad);
      REQUIRE_FALSE(checked);
      CHECK(checked.error().code() == Errc::invalid_url);
    }
  }

  SUBCASE("a whole resource is granted from its first byte") {
    RangeServer server("0123456789");
    const Outcome outcome = fetch(transport, server.url());
    CHECK_FALSE(outcome.error);
    CHECK(outcome.body == "0123456789");
    CHECK(outcome.head.granted == ByteRange{0, 10});
    CHECK(outcome.head.resource_size == 10u);
    CHECK(outcome.head.validator == "\"v1\"");
    CHECK(outcome.head.delimited);
    CHECK(outcome.head.final_url == server.url());
    REQUIRE(server.heads().size() == 1);
    CHECK(server.heads()[0].starts_with("GET /file HTTP/1.1\r\n"));
    CHECK(server.heads()[0].find("\r\nRange:") == std::string::npos);
    CHECK(server.heads()[0].find("\r\nAccept-Encoding: identity\r\n") != std::string::npos);
  }

  SUBCASE("a server that asks for patience is quoted") {
    ScriptServer server(always("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"));
    const Outcome outcome = fetch(transport, server.url());
    REQUIRE(outcome.error);
    CHECK(outcome.code() == bgxfer::http_status(503));
    CHECK(outcome.error->retry_after() == std::chrono::milliseconds(7000));
  }

  SUBCASE("a body that breaks off is truncated, after every byte that arrived") {
    ScriptServer server(once("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npartial"));
    const Outcome outcome = fetch(transport, server.url());
    REQUIRE(outcome.error);
    CHECK(outcome.body == "partial");
    CHECK(outcome.code() == Errc::body_truncated);
  }

  SUBCASE("never more bytes than were announced") {
    ScriptServer server(once("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n0123 and more"));
    const Outcome outcome = fetch(transport, server.url());
    CHECK_FALSE(outcome.error);
    CHECK(outcome.body == "0123");
  }

  SUBCASE("a chunked body has no announced end, but a proven one") {
    ScriptServer server(
        once("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"));
    const Outcome outcome = fetch(transport, server.url());
    CHECK_FALSE(outcome.error);
    CHECK(outcome.body == "abcde");
    CHECK(outcome.head.granted == ByteRange{});
    CHECK(outcome.head.delimited);
  }

  SUBCASE("an encoded body is refused") {
    ScriptServer server(once(ok("xxxx", "Content-Encoding: gzip\r\n")));
    const Outcome outcome = fetch(transport, server.url());
    CHECK(outcome.code() == Errc::encoded_body);
  }

  SUBCASE("a redirect is followed, and said") {
    ScriptServer server([](Peer& peer, int) {
      for (std::string head = peer.read_head(); !head.empty(); head = peer.read_head()) {
        if (head.starts_with("GET /file ")) {
          peer.write("HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n");
        } else {
          peer.write(ok("moved"));
        }
      }
    });
    const Outcome outcome = fetch(transport, server.url());
    CHECK_FALSE(outcome.error);
    CHECK(outcome.body == "moved");
    CHECK(outcome.head.final_url == server.url("/other"));
  }

  SUBCASE("a redirect that is refused says where it leads, and its error no secret") {
    ScriptServer server(always("HTTP/1.1 302 Found\r\nLocation: /other?signature=1\r\nContent-Length: 0\r\n\r\n"));
    Request request(server.url());
    request.redirects.mode = bgxfer::RedirectMode::refuse;
    const auto leads_to = std::make_shared<std::string>();
    request.refused_redirect = leads_to;
    const Outcome outcome = fetch(transport, std::move(request));
    CHECK(outcome.code() == bgxfer::http_status(302));
    CHECK(outcome.error->message().find("signature") == std::string::npos);
    CHECK(*leads_to == server.url("/other?signature=1"));
  }

  SUBCASE("redirects can be forbidden") {
    ScriptServer server(always("HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"));
    Request request(server.url());
    request.redirects.hops_max = 0;
    const Outcome outcome = fetch(transport, std::move(request));
    CHECK(outcome.code() == Errc::redirect_refused);
  }

  SUBCASE("a header that would be another request is refused") {
    ScriptServer server(always(ok("")));
    Request request(server.url());
    bgxfer::Header header;
    header.name = "X-Note";
    header.value = "a\r\nHost: evil";
    request.headers.push_back(header);
    const Outcome outcome = fetch(transport, std::move(request));
    CHECK(outcome.code() == Errc::invalid_argument);
    CHECK(server.connections() == 0);
  }

  SUBCASE("a server that cannot be reached is a transient failure") {
    std::string url;
    {
      ScriptServer server(always(ok("")));
      url = server.url();
    }
    const Outcome outcome = fetch(transport, url);
    REQUIRE(outcome.error);
    CHECK(outcome.code() == Failure::transient);
  }

  for (bool throwing : {true, false}) {
    for (bool answering : {true, false}) {
      const std::string clause = std::string("cancelling a pending ") + (answering ? "read" : "open") +
                                 " resolves it soon, " + (throwing ? "with an exception" : "with an error");
      SUBCASE(clause.c_str()) {
        asio::io_context io;
        asio::cancellation_signal cancel;
        ScriptServer server([&](Peer& peer, int) {
          peer.read_head();
          if (answering) peer.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome");
          asio::post(io, [&cancel] { cancel.emit(asio::cancellation_type::terminal); });
          peer.wait_for_client();
        });
        Outcome outcome;
        bool ended = false;
        asio::co_spawn(io, fetch_cancellably(transport, Request(server.url()), outcome, throwing),
                       asio::bind_cancellation_slot(cancel.slot(), [&ended](std::exception_ptr) { ended = true; }));
        io.run();
        CHECK(ended);
        CHECK(outcome.body.size() <= 4);
        if (!throwing) CHECK(outcome.error);
      }
    }
  }
}

}  // namespace http_test

#endif
