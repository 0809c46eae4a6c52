#include <bgxfer/scheme_transport.hpp>

#include <memory>
#include <stdexcept>
#include <string>

#include <doctest/doctest.h>

#include "support/http_fetch.hpp"

using bgxfer::Errc;
using bgxfer::Request;
using bgxfer::Result;
using bgxfer::SchemeRoute;

namespace {

/// Refuses everything with its own name, and counts.
class NamedTransport final : public bgxfer::Transport {
 public:
  explicit NamedTransport(std::string name) : name_(std::move(name)) {}

  Result<void> check_url(std::string_view) const override { return refusal(); }
  asio::awaitable<Result<std::unique_ptr<bgxfer::Download>>> open(Request request) override {
    opened = request.url;
    co_return refusal();
  }
  void network_changed() noexcept override { ++changes; }

  std::string opened;
  int changes = 0;

 private:
  [[nodiscard]] bgxfer::Error refusal() const {
    return bgxfer::Error(Errc::not_found, bgxfer::ErrorContext::transport, name_);
  }

  std::string name_;
};

}  // namespace

TEST_CASE("each URL goes to the transport of its scheme, whatever its case") {
  const auto files = std::make_shared<NamedTransport>("files");
  const auto web = std::make_shared<NamedTransport>("web");
  const auto both = bgxfer::make_scheme_transport({{"file", files}, {"http", web}, {"HTTPS", web}});
  struct Row {
    const char* url;
    const char* transport;
  };
  for (const Row& row : {Row{"file:///a", "files"}, Row{"FILE:///a", "files"}, Row{"http://h/a", "web"},
                         Row{"https://h/a", "web"}, Row{"hTTps://h/a", "web"}}) {
    CAPTURE(row.url);
    const Result<void> checked = both->check_url(row.url);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().detail() == row.transport);
    const http_test::Outcome outcome = http_test::fetch(both, row.url);
    REQUIRE(outcome.error);
    CHECK(outcome.error->detail() == row.transport);
  }
  CHECK(files->opened == "FILE:///a");
  CHECK(web->opened == "hTTps://h/a");
}

TEST_CASE("a URL of another scheme is refused with the schemes that there are, and without its secrets") {
  const auto web = std::make_shared<NamedTransport>("web");
  const auto only = bgxfer::make_scheme_transport({{"http", web}, {"https", web}});
  for (const char* url : {"", "a", "/a", ":", "ftp://user:geheim@h/a?geheim", "httpx://h/a", "http", " http://h/a"}) {
    CAPTURE(url);
    const Result<void> checked = only->check_url(url);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().code() == Errc::invalid_url);
    CHECK(checked.error().detail().find("http, https") != std::string::npos);
    CHECK(checked.error().detail().find("geheim") == std::string::npos);
    const http_test::Outcome outcome = http_test::fetch(only, url);
    CHECK(outcome.code() == Errc::invalid_url);
  }
  CHECK(web->opened.empty());
}

TEST_CASE("every transport hears once that the network changed") {
  const auto files = std::make_shared<NamedTransport>("files");
  const auto web = std::make_shared<NamedTransport>("web");
  bgxfer::make_scheme_transport({{"http", web}, {"file", files}, {"https", web}})->network_changed();
  CHECK(files->changes == 1);
  CHECK(web->changes == 1);
}

TEST_CASE("routes that cannot be meant are refused at once, by name") {
  const auto web = std::make_shared<NamedTransport>("web");
  CHECK_THROWS_WITH_AS((void)bgxfer::make_scheme_transport({}), "make_scheme_transport: no route",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)bgxfer::make_scheme_transport({{"http", nullptr}}),
                       "make_scheme_transport: \"http\" has no transport", std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)bgxfer::make_scheme_transport({{"http", web}, {"HTTP", web}}),
                       "make_scheme_transport: \"http\" comes twice", std::invalid_argument);
  for (const char* scheme : {"", "http:", "http://", "1http", "ht tp", "-a"}) {
    CAPTURE(scheme);
    CHECK_THROWS_AS((void)bgxfer::make_scheme_transport({{scheme, web}}), std::invalid_argument);
  }
}
