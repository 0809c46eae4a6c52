// Whatever parse_url accepts has an origin without surprises, is printed in one way, and reads back as the same.
#include "http/url.hpp"

#include "expect.hpp"

using namespace bgxfer::http::detail;
using fuzz::expect;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  const bgxfer::Result<Url> url = parse_url(text);
  if (!url) return 0;
  expect(size <= url_bytes_max);
  expect(!url->origin.host.empty() && url->origin.port != 0);
  for (char c : url->origin.host)
    expect(!(c >= 'A' && c <= 'Z') && c > ' ' && c < 0x7f && c != '@' && c != '%' && c != '/');
  expect(url->origin.host.back() != '.');
  expect(url->path.starts_with('/') && (url->query.empty() || url->query.front() == '?'));
  for (char c : url->target()) expect(c > ' ' && c < 0x7f && c != '\\' && c != '#');

  const std::string printed = url->to_string();
  expect(printed.starts_with(url->origin.secure ? "https://" : "http://"));
  const bgxfer::Result<Url> again = parse_url(printed);
  expect(again.has_value() && *again == *url && again->to_string() == printed);
  // Against the plainest of all readers: what stands between "//" and the next delimiter is the authority.
  const std::string_view rest = text.substr(text.find("//") + 2);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  expect(authority.find('@') == std::string_view::npos && !authority.empty());
  return 0;
}
