// Wherever Locations lead: only http and https, never from https to http unasked, and no secret beyond its origin.
//
// Input: 1 byte of choices (1: start with https, 2: allow leaving TLS, 4: the request is a POST, 8: redirects are
// refused, 16: fewer hops, as many as the 3 highest bits say), then lines: a digit that chooses the status, and the
// Location; no digit, no Location.
#include "expect.hpp"
#include "http/redirect.hpp"

using namespace bgxfer::http::detail;
using fuzz::expect;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr int statuses[] = {301, 302, 303, 307, 308};
  const unsigned choices = data[0];
  std::string_view rest = fuzz::text_of(data, size).substr(1);

  bgxfer::Request request((choices & 1u) != 0 ? "https://start.example/a/b?c" : "http://start.example/a/b?c");
  request.redirects.allow_https_to_http = (choices & 2u) != 0;
  if ((choices & 4u) != 0) request.method = "POST";
  if ((choices & 8u) != 0) request.redirects.mode = bgxfer::RedirectMode::refuse;
  if ((choices & 16u) != 0) request.redirects.hops_max = choices >> 5;
  request.refused_redirect = std::make_shared<std::string>();
  request.credentials = {{bgxfer::CredentialTarget::server, bgxfer::CredentialScheme::basic, "user", "secret"},
                         {bgxfer::CredentialTarget::proxy, bgxfer::CredentialScheme::basic, "user", "proxy's"}};
  request.headers = {{"Authorization", "secret"}, {"X-Key", "secret"}, {"cookie", "secret"}, {"accept", "a/b"}};
  const Url start = *parse_url(request.url);
  RedirectTrail trail(request, start);
  bool stayed = true;
  for (int hops = 0; !rest.empty(); ++hops) {
    const std::string_view line = fuzz::take_line(rest);
    const bool was_secure = trail.here().origin.secure;
    Head head;
    head.status = statuses[line.empty() ? 0 : static_cast<unsigned char>(line[0]) % 5];
    bgxfer::Header location;
    location.name = "Location";
    location.value = line.substr(std::min<std::size_t>(1, line.size()));
    if (!line.empty()) head.fields.push_back(location);
    expect(is_redirect(head.status) && !is_redirect(head.status - 1 - head.status % 10));
    if (!trail.follow(head)) {
      if (!request.refused_redirect->empty()) expect(parse_url(*request.refused_redirect).has_value());
      break;
    }

    const Url& here = trail.here();
    expect(hops < 10);
    const bgxfer::Result<Url> again = parse_url(here.to_string());
    expect(again.has_value() && *again == here);
    expect(here.origin.secure || !was_secure || request.redirects.allow_https_to_http);
    stayed = stayed && here.origin == start.origin;
    for (const bgxfer::Header& header : request.headers) expect(stayed || header.value != "secret");
    for (const bgxfer::Credentials& known : request.credentials) expect(stayed || known.password != "secret");
    expect(!request.credentials.empty());
    expect(
        std::any_of(request.headers.begin(), request.headers.end(), [](const auto& h) { return h.name == "accept"; }));
    expect(request.method == "GET" || request.method == "POST");
  }
  return 0;
}
