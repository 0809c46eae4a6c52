// What callers give never becomes more lines of a request than it is headers.
//
// Input, line by line and with 0x01 for a line feed: method, validator, URL, user name and password, then name and
// value of each header. How many headers there are chooses the range.
#include "expect.hpp"
#include "http/head.hpp"
#include "http/text.hpp"

using namespace bgxfer::http::detail;
using fuzz::expect;

namespace {

class FourBytes final : public bgxfer::RequestBody {
 public:
  std::uint64_t size() const noexcept override { return 4; }
  asio::awaitable<bgxfer::Result<std::size_t>> read(std::span<std::byte>) override { co_return std::size_t{0}; }
};

std::string take(std::string_view& rest) {
  std::string line(fuzz::take_line(rest));
  std::replace(line.begin(), line.end(), '\x01', '\n');
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = fuzz::text_of(data, size);
  bgxfer::Request request("http://h/");
  request.method = take(rest);
  request.validator = take(rest);
  const bgxfer::Result<Url> url = parse_url(take(rest));
  bgxfer::Credentials login;
  login.user = take(rest);
  login.password = take(rest);
  if (login != bgxfer::Credentials()) request.credentials.push_back(login);
  if (request.method == "POST") request.body = std::make_shared<FourBytes>();
  while (!rest.empty()) {
    bgxfer::Header header;
    header.name = take(rest);
    header.value = take(rest);
    request.headers.push_back(std::move(header));
  }
  constexpr std::uint64_t lengths[] = {2, bgxfer::ByteRange::to_end, bgxfer::ByteRange::to_end - 1, 0};
  request.range = bgxfer::ByteRange{1, lengths[request.headers.size() % 4]};
  if (!url || !check_request(request)) return 0;

  HeadExtras extras;
  extras.user_agent = "agent";
  extras.absolute = !login.password.empty();
  if (!login.user.empty()) extras.authorization = extras.proxy_authorization = "Basic " + login.user;
  const std::vector<bgxfer::Header> fields = request_fields(request, *url, extras);
  for (const bgxfer::Header& field : fields) expect(fuzz::single_line(field.name) && fuzz::single_line(field.value));
  const std::string text = print_request(request, *url, extras);
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  expect(lines == fields.size() + 2 && text.ends_with("\r\n\r\n") && text.find('\0') == std::string::npos);
  expect(static_cast<std::size_t>(std::count(text.begin(), text.end(), '\r')) == lines);
  const std::string target = extras.absolute ? url->to_string() : url->target();
  expect(text.starts_with(request.method + " " + target + " HTTP/1.1\r\n"));
  const auto is_host = [](const bgxfer::Header& field) { return equal_ignoring_case(field.name, "host"); };
  expect(std::count_if(fields.begin(), fields.end(), is_host) == 1);
  return 0;
}
