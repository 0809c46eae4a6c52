#include "arguments.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fstream>
#include <limits>
#include <string_view>

#include <fmt/format.h>

namespace bgx {

namespace {

using Take = void (*)(Arguments& arguments, const std::string& option, const std::string& value);

// What an option is for: the verbs that do something with it.
constexpr std::string_view all = "";
constexpr std::string_view one_get = "get";
constexpr std::string_view new_files = "get, add";
constexpr std::string_view requests = "get, run";
constexpr std::string_view one_job = "get, add, resume";
constexpr std::string_view queue = "get, add, run, list, show, suspend, resume, cancel, complete, set";
constexpr std::string_view jobs = "get, add, run, resume";

/// One option: its names, its verbs, whether a value follows, and where it goes. An option without a value gets an
/// empty one.
struct Option {
  std::string_view name;
  std::string_view letter;
  std::string_view verbs;
  bool valued;
  Take take;

  [[nodiscard]] bool is_for(std::string_view verb) const {
    return verbs.empty() || verbs.find(verb) != std::string_view::npos;  // No verb is a part of another.
  }
};

std::filesystem::path path_of(const std::string& option, const std::string& value) {
  if (value.empty()) throw UsageError(fmt::format("{} needs a file name", option));
  return value;
}

bgxfer::Header parse_header(const std::string& option, const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos || colon == 0) {
    throw UsageError(fmt::format("{} needs a name and a value: {} 'Authorization: Bearer ...'", option, option));
  }
  const std::size_t begin = text.find_first_not_of(" \t", colon + 1);
  bgxfer::Header header;
  header.name = text.substr(0, colon);
  if (begin != std::string::npos) header.value = text.substr(begin);
  return header;
}

bgxfer::Sha256 parse_sha256(const std::string& option, const std::string& text) {
  const std::optional<bgxfer::Sha256> value = bgxfer::Sha256::parse(text);
  if (!value) throw UsageError(fmt::format("{} needs 64 hex digits, as sha256sum prints them", option));
  return *value;
}

/// The value itself, or the first line of the file that it names: what stands on a command line is seen by others.
std::string secret_of(const std::string& option, const std::string& text) {
  if (!text.starts_with('@')) return text;
  std::ifstream in(text.substr(1));
  std::string line;
  if (!std::getline(in, line))
    throw UsageError(fmt::format("{}: {} cannot be read, or is empty", option, text.substr(1)));
  return line;
}

Login parse_login(const std::string& option, const std::string& text) {
  const std::string line = secret_of(option, text);
  const std::size_t colon = line.find(':');
  if (colon == std::string::npos || colon == 0) {
    throw UsageError(fmt::format("{} needs NAME:PASSWORD, or @FILE with a line of that form", option));
  }
  return Login{line.substr(0, colon), line.substr(colon + 1)};
}

bgxfer::Sha256 parse_pin(const std::string& option, const std::string& text) {
  const std::optional<bgxfer::Sha256> value = bgxfer::Sha256::parse(text);
  if (!value) throw UsageError(fmt::format("{} needs 64 hex digits: the SHA-256 of the server's public key", option));
  return *value;
}

std::uint32_t parse_count(const std::string& what, const std::string& text, std::uint32_t most) {
  std::uint32_t count = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (failed != std::errc() || end != text.data() + text.size() || count < 1 || count > most) {
    throw UsageError(fmt::format("{} {}: use a number from 1 to {}", what, text, most));
  }
  return count;
}

bgxfer::RedirectMode parse_redirects(const std::string& option, const std::string& text) {
  if (text == "follow") return bgxfer::RedirectMode::follow;
  if (text == "report") return bgxfer::RedirectMode::report;
  if (text == "refuse") return bgxfer::RedirectMode::refuse;
  throw UsageError(fmt::format("{} {}: use follow, report or refuse", option, text));
}

std::uint64_t parse_offset(const std::string& option, const std::string& text, std::string_view part) {
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(part.data(), part.data() + part.size(), value);
  if (failed == std::errc() && end == part.data() + part.size()) return value;
  throw UsageError(
      fmt::format("{} {}: use FIRST-LAST, or FIRST- for all from there on, and @PLACE behind it", option, text));
}

/// FIRST-LAST, FIRST-, and either with @PLACE.
void add_range(Arguments& arguments, const std::string& option, const std::string& text) {
  const std::string_view whole = text;
  const std::size_t at = whole.find('@');
  const std::string_view part = whole.substr(0, at);
  const std::size_t dash = std::min(part.find('-'), part.size());
  const std::uint64_t first = parse_offset(option, text, part.substr(0, dash));
  bgxfer::ByteRange range{first, bgxfer::ByteRange::to_end};
  if (dash + 1 != part.size()) {
    const std::uint64_t last = parse_offset(option, text, part.substr(std::min(dash + 1, part.size())));
    if (last < first) throw UsageError(fmt::format("{} {}: the last byte comes before the first", option, text));
    range.length = last - first + 1;
  }
  arguments.ranges.push_back(range);
  if (at != std::string_view::npos) arguments.places.push_back(parse_offset(option, text, whole.substr(at + 1)));
}

const Option options[] = {
    {"--help", "-h", all, false, [](Arguments& a, const std::string&, const std::string&) { a.help = true; }},
    {"--version", "", all, false, [](Arguments& a, const std::string&, const std::string&) { a.version = true; }},
    {"--json", "", all, false, [](Arguments& a, const std::string&, const std::string&) { a.json = true; }},
    {"--quiet", "-q", all, false, [](Arguments& a, const std::string&, const std::string&) { a.quiet = true; }},
    {"--stats", "", queue, false, [](Arguments& a, const std::string&, const std::string&) { a.stats = true; }},
    {"--log", "", queue, true, [](Arguments& a, const std::string& o, const std::string& v) { a.log = path_of(o, v); }},
    {"--journal", "", all, true,
     [](Arguments& a, const std::string& o, const std::string& v) { a.journal = path_of(o, v); }},
    {"--output", "-o", one_get, true,
     [](Arguments& a, const std::string& o, const std::string& v) { a.output = path_of(o, v); }},
    {"--directory", "-d", one_get, true,
     [](Arguments& a, const std::string& o, const std::string& v) { a.folder = path_of(o, v); }},
    {"--cacert", "", requests, true,
     [](Arguments& a, const std::string& o, const std::string& v) { a.ca_file = path_of(o, v); }},
    {"--name", "", one_job, true, [](Arguments& a, const std::string&, const std::string& v) { a.name = v; }},
    {"--priority", "", jobs, true,
     [](Arguments& a, const std::string& o, const std::string& v) { a.priority = parse_priority(o, v); }},
    {"--parallel", "", jobs, true,
     [](Arguments& a, const std::string& o, const std::string& v) { a.parallel = parse_parallel(o, v); }},
    {"--connections", "", jobs, true,
     [](Arguments& a, const std::string& o, const std::string& v) { a.connections = parse_connections(o, v); }},
    {"--mirror", "", new_files, true,
     [](Arguments& a, const std::string&, const std::string& v) { a.mirrors.push_back(v); }},
    {"--limit-rate", "", jobs, true,
     [](Arguments& a, const std::string& o, const std::string& v) { a.bytes_per_second = parse_bytes(o, v); }},
    {"--compact-at", "", queue, true,
     [](Arguments& a, const std::string& o, const std::string& v) { a.compact_at = parse_bytes(o, v); }},
    {"--retry-delay", "", jobs, true,
     [](Arguments& a, const std::string& o, const std::string& v) { a.retry_delay = parse_seconds(o, v); }},
    {"--no-progress-timeout", "", jobs, true,
     [](Arguments& a, const std::string& o, const std::string& v) { a.no_progress_timeout = parse_seconds(o, v); }},
    {"--max-time", "", jobs, true,
     [](Arguments& a, const std::string& o, const std::string& v) { a.time_max = parse_seconds(o, v); }},
    {"--max-size", "", jobs, true,
     [](Arguments& a, const std::string& o, const std::string& v) { a.size_max = parse_bytes(o, v); }},
    {"--cost", "", jobs, true,
     [](Arguments& a, const std::string& o, const std::string& v) { a.cost = parse_cost(o, v); }},
    {"--sha256", "", new_files, true,
     [](Arguments& a, const std::string& o, const std::string& v) { a.sha256 = parse_sha256(o, v); }},
    {"--range", "", one_get, true,
     [](Arguments& a, const std::string& o, const std::string& v) { add_range(a, o, v); }},
    {"--on-demand", "", one_get, false,
     [](Arguments& a, const std::string&, const std::string&) { a.on_demand = true; }},
    {"--header", "", jobs, true,
     [](Arguments& a, const std::string& o, const std::string& v) { a.headers.push_back(parse_header(o, v)); }},
    {"--user", "", jobs, true,
     [](Arguments& a, const std::string& o, const std::string& v) { a.user = parse_login(o, v); }},
    {"--proxy-user", "", jobs, true,
     [](Arguments& a, const std::string& o, const std::string& v) { a.proxy_user = parse_login(o, v); }},
    {"--negotiate", "", jobs, false, [](Arguments& a, const std::string&, const std::string&) { a.negotiate = true; }},
    {"--ntlm", "", jobs, false, [](Arguments& a, const std::string&, const std::string&) { a.ntlm = true; }},
    {"--proxy-negotiate", "", jobs, false,
     [](Arguments& a, const std::string&, const std::string&) { a.proxy_negotiate = true; }},
    {"--proxy-ntlm", "", jobs, false,
     [](Arguments& a, const std::string&, const std::string&) { a.proxy_ntlm = true; }},
    {"--proxy-account", "", jobs, false,
     [](Arguments& a, const std::string&, const std::string&) { a.proxy_account = true; }},
    {"--proxy", "", jobs, true, [](Arguments& a, const std::string&, const std::string& v) { a.proxy = v; }},
    {"--proxy-bypass", "", jobs, true,
     [](Arguments& a, const std::string&, const std::string& v) { a.proxy_bypass = v; }},
    {"--cert", "", jobs, true,
     [](Arguments& a, const std::string& o, const std::string& v) { a.certificate = absolute(path_of(o, v)); }},
    {"--key", "", jobs, true,
     [](Arguments& a, const std::string& o, const std::string& v) { a.key = absolute(path_of(o, v)); }},
    {"--key-password", "", jobs, true,
     [](Arguments& a, const std::string& o, const std::string& v) { a.key_password = secret_of(o, v); }},
    {"--crl", "", jobs, true,
     [](Arguments& a, const std::string& o, const std::string& v) { a.revocation_lists = absolute(path_of(o, v)); }},
    {"--pin", "", jobs, true,
     [](Arguments& a, const std::string& o, const std::string& v) { a.pins.push_back(parse_pin(o, v)); }},
    {"--redirects", "", jobs, true,
     [](Arguments& a, const std::string& o, const std::string& v) { a.redirects = parse_redirects(o, v); }},
    {"--method", "", jobs, true, [](Arguments& a, const std::string&, const std::string& v) { a.method = v; }},
    {"--insecure-ca", "", jobs, false,
     [](Arguments& a, const std::string&, const std::string&) { a.insecure_authority = true; }},
    {"--insecure-expired", "", jobs, false,
     [](Arguments& a, const std::string&, const std::string&) { a.insecure_expired = true; }},
    {"--insecure-host", "", jobs, false,
     [](Arguments& a, const std::string&, const std::string&) { a.insecure_host = true; }},
    {"--insecure-usage", "", jobs, false,
     [](Arguments& a, const std::string&, const std::string&) { a.insecure_usage = true; }},
    {"--insecure-auth", "", jobs, false,
     [](Arguments& a, const std::string&, const std::string&) { a.insecure_auth = true; }},
    {"--insecure-redirects", "", jobs, false,
     [](Arguments& a, const std::string&, const std::string&) { a.insecure_redirects = true; }},
};

const Option& find_option(const std::string& name) {
  const auto* found = std::find_if(std::begin(options), std::end(options), [&](const Option& option) {
    return option.name == name || (!option.letter.empty() && option.letter == name);
  });
  if (found != std::end(options)) return *found;
  throw UsageError(fmt::format("unknown option {}; `bgx help` lists the options", name));
}

}  // namespace

void check_options(const Arguments& arguments) {
  for (const std::string& name : arguments.options) {
    const Option& option = find_option(name);
    if (option.is_for(arguments.verb)) continue;
    std::string_view cure = "`bgx help` lists the options";
    if (arguments.verb == "set") cure = "set takes KEY=VALUE, and `bgx help set` lists the keys";
    throw UsageError(fmt::format("{} is for {}, not for {}; {}", name, option.verbs, arguments.verb, cure));
  }
  const bool goes_on = arguments.verb == "run" || arguments.verb == "resume";  // With what the job has of it.
  if (arguments.proxy_bypass && !goes_on && arguments.proxy.value_or("none") == "none") {
    throw UsageError("--proxy-bypass names hosts that need no proxy; give --proxy URL with it");
  }
  if (!arguments.certificate.empty()) return;
  if (!arguments.key.empty()) throw UsageError("--key is the key of a certificate; give --cert FILE with it");
  if (arguments.key_password && !goes_on) {
    throw UsageError("--key-password is that of a certificate; give --cert FILE with it");
  }
}

Arguments parse_arguments(const std::vector<std::string>& words) {
  Arguments arguments;
  bool only_words = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (only_words || word.size() < 2 || word[0] != '-') {
      if (arguments.verb.empty()) {
        arguments.verb = word;
      } else {
        arguments.words.push_back(word);
      }
      continue;
    }
    if (word == "--") {
      only_words = true;
      continue;
    }
    const std::size_t equals = word.starts_with("--") ? word.find('=') : std::string::npos;
    const std::string name = word.substr(0, equals);
    const Option& option = find_option(name);
    arguments.options.push_back(name);
    if (!option.valued) {
      if (equals != std::string::npos) throw UsageError(fmt::format("{} takes no value", name));
      option.take(arguments, name, {});
    } else if (equals != std::string::npos) {
      option.take(arguments, name, word.substr(equals + 1));
    } else if (i + 1 < words.size()) {
      option.take(arguments, name, words[++i]);
    } else {
      throw UsageError(fmt::format("{} needs a value; `bgx help` says which", name));
    }
  }
  return arguments;
}

bgxfer::Priority parse_priority(const std::string& what, const std::string& text) {
  const std::optional<bgxfer::Priority> priority = bgxfer::parse_priority(text);
  if (!priority) throw UsageError(fmt::format("{} {}: use foreground, high, normal or low", what, text));
  return *priority;
}

std::uint32_t parse_parallel(const std::string& what, const std::string& text) { return parse_count(what, text, 64); }

std::uint32_t parse_connections(const std::string& what, const std::string& text) {
  return parse_count(what, text, 32);
}

std::uint64_t parse_bytes(const std::string& what, const std::string& text) {
  std::uint64_t count = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  unsigned shift = 0;
  if (unit == "k" || unit == "K") shift = 10;
  if (unit == "m" || unit == "M") shift = 20;
  if (unit == "g" || unit == "G") shift = 30;
  const bool fits = count <= std::numeric_limits<std::uint64_t>::max() >> shift;
  if (failed != std::errc() || (!unit.empty() && shift == 0) || !fits) {
    throw UsageError(fmt::format("{} {}: use a number of bytes, such as 500000, 512k or 2M", what, text));
  }
  return count << shift;
}

bgxfer::TransferPolicy parse_cost(const std::string& what, const std::string& text) {
  const std::optional<bgxfer::TransferPolicy> policy = bgxfer::parse_transfer_policy(text);
  if (policy) return *policy;
  throw UsageError(fmt::format("{} {}: use always, not_roaming, no_surcharge, standard or unrestricted", what, text));
}

std::chrono::milliseconds parse_seconds(const std::string& what, const std::string& text) {
  constexpr double seconds_max = 1e9;
  double seconds = -1;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const bool whole = failed == std::errc() && end == text.data() + text.size();
  if (!whole || !(seconds >= 0) || seconds > seconds_max) {
    throw UsageError(fmt::format("{} {}: use a number of seconds, such as 30 or 0.5", what, text));
  }
  return std::chrono::milliseconds{std::llround(seconds * 1000)};
}

}  // namespace bgx
