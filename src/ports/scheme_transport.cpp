#include <bgxfer/scheme_transport.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace bgxfer::inline v0 {

namespace {

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return lower;
}

// Of a scheme in lower case.
bool is_scheme(std::string_view text) {
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  return !text.empty() && is_letter(text.front()) && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
  });
}

asio::awaitable<Result<std::unique_ptr<Download>>> refuse_request(Error why) { co_return why; }

class SchemeTransport final : public Transport {
 public:
  explicit SchemeTransport(std::vector<SchemeRoute> routes) : routes_(std::move(routes)) {}

  Result<void> check_url(std::string_view url) const override {
    const SchemeRoute* route = find(url);
    return route ? route->transport->check_url(url) : unknown_scheme(url);
  }

  asio::awaitable<Result<std::unique_ptr<Download>>> open(Request request) override {
    const SchemeRoute* route = find(request.url);
    if (!route) return refuse_request(unknown_scheme(request.url));
    return route->transport->open(std::move(request));
  }

  void network_changed() noexcept override {
    for (auto route = routes_.begin(); route != routes_.end(); ++route) {
      const bool told = std::any_of(routes_.begin(), route,
                                    [&](const SchemeRoute& earlier) { return earlier.transport == route->transport; });
      if (!told) route->transport->network_changed();
    }
  }

 private:
  [[nodiscard]] const SchemeRoute* find(std::string_view url) const {
    const std::size_t colon = url.find(':');
    if (colon == std::string_view::npos) return nullptr;
    const std::string scheme = lower_case(url.substr(0, colon));
    const auto found =
        std::find_if(routes_.begin(), routes_.end(), [&](const SchemeRoute& route) { return route.scheme == scheme; });
    return found == routes_.end() ? nullptr : &*found;
  }

  [[nodiscard]] Error unknown_scheme(std::string_view url) const {
    std::string known;
    for (const SchemeRoute& route : routes_) known += (known.empty() ? "" : ", ") + route.scheme;
    return Error(Errc::invalid_url, ErrorContext::queue,
                 public_url(url) + ": the schemes that are fetched here: " + known);
  }

  const std::vector<SchemeRoute> routes_;
};

}  // namespace

std::shared_ptr<Transport> make_scheme_transport(std::vector<SchemeRoute> routes) {
  if (routes.empty()) throw std::invalid_argument("make_scheme_transport: no route");
  for (auto route = routes.begin(); route != routes.end(); ++route) {
    route->scheme = lower_case(route->scheme);
    const std::string name = "make_scheme_transport: \"" + route->scheme + "\" ";
    if (!is_scheme(route->scheme)) throw std::invalid_argument(name + "is no scheme of a URL");
    if (!route->transport) throw std::invalid_argument(name + "has no transport");
    const bool twice =
        std::any_of(routes.begin(), route, [&](const SchemeRoute& earlier) { return earlier.scheme == route->scheme; });
    if (twice) throw std::invalid_argument(name + "comes twice");
  }
  return std::make_shared<SchemeTransport>(std::move(routes));
}

}  // namespace bgxfer::inline v0
