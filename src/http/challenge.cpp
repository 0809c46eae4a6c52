#include "challenge.hpp"

#include <algorithm>
#include <utility>

#include "text.hpp"

namespace bgxfer::inline v0::http::detail {

namespace {

Error bad_challenge(const char* why) { return Error(Errc::invalid_response, ErrorContext::remote_file, why); }

class ChallengeReader {
 public:
  explicit ChallengeReader(std::string_view text) : rest_(text) {}

  Result<std::vector<Challenge>> read() {
    std::vector<Challenge> challenges;
    for (skip(" \t,"); !rest_.empty(); skip(" \t,")) {
      const std::string_view word = token();
      if (word.empty()) return bad_challenge("a challenge without a scheme");
      if (begins_value()) {
        if (challenges.empty()) return bad_challenge("a challenge without a scheme");
        const Result<void> added = add_parameter(challenges.back(), word);
        if (!added) return added.error();
        continue;
      }
      if (challenges.size() == challenges_max) return bad_challenge("too many challenges");
      Challenge& challenge = challenges.emplace_back();
      challenge.scheme = lowered(word);
      if (!rest_.empty() && rest_.front() != ' ' && rest_.front() != ',' && rest_.front() != '\t') {
        return bad_challenge("a challenge's scheme is no token");
      }
      skip(" \t");
      challenge.token = token68();
    }
    return challenges;
  }

 private:
  void skip(std::string_view characters) noexcept {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(characters), rest_.size()));
  }

  std::string_view token() noexcept {
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_token_char);
    const std::string_view word = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(word.size());
    return word;
  }

  /// Whether "=" and a value come next: then the word before it was the name of a parameter.
  [[nodiscard]] bool begins_value() const noexcept {
    const std::string_view text = trimmed(rest_);
    return text.size() >= 2 && text[0] == '=' && text[1] != '=' && text[1] != ',';
  }

  /// Takes the one value without a name that some schemes have in place of parameters.
  std::string token68() {
    const auto is_value68 = [](char c) {
      return is_alpha(c) || is_digit(c) || std::string_view("-._~+/").find(c) != std::string_view::npos;
    };
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_value68);
    std::string_view behind = rest_.substr(static_cast<std::size_t>(end - rest_.begin()));
    behind.remove_prefix(std::min(behind.find_first_not_of('='), behind.size()));
    const std::string_view next = trimmed(behind);
    if (end == rest_.begin() || !(next.empty() || next.front() == ',')) return {};
    std::string token(rest_.substr(0, rest_.size() - behind.size()));
    rest_ = behind;
    return token;
  }

  Result<void> add_parameter(Challenge& challenge, std::string_view name) {
    if (challenge.parameters.size() == Challenge::parameters_max) return bad_challenge("too many parameters");
    skip(" \t");
    rest_.remove_prefix(1);
    skip(" \t");
    Header parameter;
    parameter.name = lowered(name);
    if (!rest_.empty() && rest_.front() == '"') {
      if (!quoted(parameter.value)) return bad_challenge("a challenge's quotes do not end");
    } else {
      parameter.value = token();
      if (parameter.value.empty()) return bad_challenge("a challenge's parameter has no value");
    }
    skip(" \t");
    if (!rest_.empty() && rest_.front() != ',') return bad_challenge("something behind a challenge's parameter");
    challenge.parameters.push_back(std::move(parameter));
    return {};
  }

  bool quoted(std::string& value) {
    rest_.remove_prefix(1);
    while (!rest_.empty()) {
      char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return true;
      if (c == '\\') {
        if (rest_.empty()) return false;
        c = rest_.front();
        rest_.remove_prefix(1);
      }
      value += c;
    }
    return false;
  }

  std::string_view rest_;
};

}  // namespace

std::optional<std::string_view> Challenge::parameter(std::string_view name) const noexcept {
  for (const Header& parameter : parameters) {
    if (parameter.name == name) return parameter.value;
  }
  return std::nullopt;
}

Result<std::vector<Challenge>> parse_challenges(std::string_view value) { return ChallengeReader(value).read(); }

}  // namespace bgxfer::inline v0::http::detail
