#include "head.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "text.hpp"

namespace bgxfer::inline v0::http::detail {

namespace {

/// Fields that the transport writes itself, or that would change what the answer means.
constexpr std::size_t fields_own_max = 9;  // That `request_fields` adds.

constexpr std::array<std::string_view, 15> reserved_fields = {"host",
                                                              "content-length",
                                                              "transfer-encoding",
                                                              "connection",
                                                              "range",
                                                              "if-range",
                                                              "accept-encoding",
                                                              "expect",
                                                              "upgrade",
                                                              "keep-alive",
                                                              "te",
                                                              "trailer",
                                                              "proxy-connection",
                                                              "http2-settings",
                                                              "proxy-authorization"};

Error malformed_head(std::string why) {
  return Error(Errc::invalid_response, ErrorContext::remote_file, std::move(why));
}
Error oversized_head(std::string why) {
  return Error(Errc::response_too_large, ErrorContext::remote_file, std::move(why));
}

bool has_field(const std::vector<Header>& headers, std::string_view name) noexcept {
  return std::any_of(headers.begin(), headers.end(),
                     [name](const Header& header) { return equal_ignoring_case(header.name, name); });
}

}  // namespace

std::optional<std::string_view> Head::field(std::string_view name) const noexcept {
  for (const Header& header : fields) {
    if (equal_ignoring_case(header.name, name)) return header.value;
  }
  return std::nullopt;
}

std::vector<std::string> Head::list(std::string_view name) const {
  std::vector<std::string> members;
  for (const Header& header : fields) {
    if (!equal_ignoring_case(header.name, name)) continue;
    const std::string_view value = header.value;
    for (std::size_t begin = 0; begin <= value.size();) {
      const std::size_t end = std::min(value.find(',', begin), value.size());
      const std::string_view member = trimmed(value.substr(begin, end - begin));
      if (!member.empty()) members.push_back(lowered(member));
      begin = end + 1;
    }
  }
  return members;
}

bool Head::keeps_alive() const {
  const std::vector<std::string> options = list("connection");
  const auto says = [&options](std::string_view option) {
    return std::find(options.begin(), options.end(), option) != options.end();
  };
  if (says("close") || status == 101) return false;
  return minor_version >= 1 || says("keep-alive");
}

Result<std::size_t> HeadParser::feed(std::span<const std::byte> input) {
  std::size_t taken = 0;
  while (taken < input.size() && state_ != State::done) {
    const char c = static_cast<char>(input[taken]);
    ++taken;
    if (++head_bytes_ > limits_.head_bytes_max) return oversized_head("the head is too long");

    if (carriage_return_) {
      if (c != '\n') return malformed_head("a carriage return without a line feed in the head");
      carriage_return_ = false;
      if (std::optional<Error> error = end_line()) return *error;
      line_.clear();
      continue;
    }
    if (c == '\r') {
      carriage_return_ = true;
      continue;
    }
    if (!is_value_char(c)) return malformed_head("a control character in the head");
    line_ += c;
    const std::size_t line_bytes_max =
        state_ == State::status_line ? limits_.status_line_bytes_max : limits_.field_bytes_max;
    if (line_.size() > line_bytes_max) {
      return oversized_head(state_ == State::status_line ? "the status line is too long" : "a field is too long");
    }
  }
  return taken;
}

std::optional<Error> HeadParser::end_line() {
  if (state_ == State::status_line) return read_status_line(line_);
  return line_.empty() ? end_head() : read_field(line_);
}

std::optional<Error> HeadParser::read_status_line(std::string_view line) {
  // HTTP/1.1 200 OK; the reason may be empty, and some servers leave out the space before it.
  const bool spelled = line.size() >= 12 && line.starts_with("HTTP/1.") && is_digit(line[7]) && line[8] == ' ' &&
                       is_digit(line[9]) && is_digit(line[10]) && is_digit(line[11]) &&
                       (line.size() == 12 || line[12] == ' ');
  if (!spelled) return malformed_head("the status line is not that of HTTP/1");
  head_.minor_version = line[7] - '0';
  head_.status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  if (head_.status < 100 || head_.status > 599) return malformed_head("the status is not between 100 and 599");
  state_ = State::field;
  return std::nullopt;
}

std::optional<Error> HeadParser::read_field(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') return malformed_head("a folded field");
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return malformed_head("a field without a colon");
  if (!is_token(line.substr(0, colon))) return malformed_head("a field name that is no token");
  if (head_.fields.size() == limits_.fields_max) return oversized_head("too many fields");
  Header field;
  field.name = line.substr(0, colon);
  field.value = trimmed(line.substr(colon + 1));
  head_.fields.push_back(std::move(field));
  return std::nullopt;
}

std::optional<Error> HeadParser::end_head() {
  if (head_.status == 101) return malformed_head("a switch of protocols that nobody asked for");
  if (head_.status >= 200) {
    state_ = State::done;
    return std::nullopt;
  }
  if (++interim_count_ > limits_.interim_max) return oversized_head("too many interim answers");
  head_ = Head{};
  state_ = State::status_line;
  return std::nullopt;
}

Result<void> check_request(const Request& request) {
  const auto refused = [](std::string why) {
    return Error(Errc::invalid_argument, ErrorContext::remote_file, std::move(why));
  };
  // The name may be shown, the value never: it may be a secret.
  if (!is_token(request.method) || request.method == "CONNECT") return refused("the request method");
  for (const Header& header : request.headers) {
    if (!is_token(header.name)) return refused("a header name that is no token");
    if (!is_value(header.value)) return refused("the value of header " + header.name + " has a control character");
    const std::string name = lowered(header.name);
    if (std::find(reserved_fields.begin(), reserved_fields.end(), name) != reserved_fields.end()) {
      return refused("header " + header.name + " is set by the transport alone");
    }
  }
  for (const Credentials& known : request.credentials) {
    const bool basic = known.scheme == CredentialScheme::basic;
    if (!is_value(known.user) || !is_value(known.password)) return refused("credentials with a control character");
    if (basic && known.user.find(':') != std::string::npos) return refused("a user name with a colon");
  }
  if (!is_value(request.validator)) return refused("the validator has a control character");
  if (request.range.empty() ||
      (request.range.length != ByteRange::to_end && request.range.end() == ByteRange::to_end)) {
    return Error(Errc::invalid_range, ErrorContext::remote_file, "the range is empty or ends beyond 2^64");
  }
  return {};
}

std::vector<Header> request_fields(const Request& request, const Url& url, const HeadExtras& extras) {
  std::vector<Header> fields;
  fields.reserve(fields_own_max + request.headers.size());
  const auto add = [&fields](std::string_view name, std::string_view value) {
    Header& field = fields.emplace_back();
    field.name = name;
    field.value = value;
  };
  add("Host", url.origin.authority());
  if (!extras.user_agent.empty() && !has_field(request.headers, "user-agent")) add("User-Agent", extras.user_agent);
  if (extras.authorization && !has_field(request.headers, "authorization")) add("Authorization", *extras.authorization);
  if (extras.proxy_authorization) add("Proxy-Authorization", *extras.proxy_authorization);
  if (!has_field(request.headers, "accept")) add("Accept", "*/*");
  add("Accept-Encoding", "identity");

  if (request.range != ByteRange{}) {
    std::string value = "bytes=" + std::to_string(request.range.offset) + "-";
    if (request.range.length != ByteRange::to_end) value += std::to_string(request.range.end() - 1);
    add("Range", value);
    if (!request.validator.empty()) add("If-Range", request.validator);
  }
  if (request.body) add("Content-Length", std::to_string(request.body->size()));
  fields.insert(fields.end(), request.headers.begin(), request.headers.end());
  return fields;
}

std::string print_request(const Request& request, const Url& url, const HeadExtras& extras) {
  assert(is_token(request.method) && is_value(url.target()));
  std::string text;
  text.reserve(512);
  (((text += request.method) += ' ') += (extras.absolute ? url.to_string() : url.target())) += " HTTP/1.1\r\n";
  for (const Header& field : request_fields(request, url, extras)) {
    assert(is_token(field.name) && is_value(field.value));
    (((text += field.name) += ": ") += field.value) += "\r\n";
  }
  return text += "\r\n";
}

}  // namespace bgxfer::inline v0::http::detail
