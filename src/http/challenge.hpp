#ifndef BGXFER_HTTP_CHALLENGE_HPP
#define BGXFER_HTTP_CHALLENGE_HPP

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <bgxfer/http_options.hpp>
#include <bgxfer/result.hpp>

namespace bgxfer::inline v0::http::detail {

/// One way in which a server or a proxy would have a client prove itself (RFC 9110 section 11.3).
struct Challenge {
  static constexpr std::size_t parameters_max = 32;

  std::string scheme{};              ///< Lower case.
  std::vector<Header> parameters{};  ///< Names in lower case, values without quotes.
  std::string token{};               ///< What some schemes have in place of parameters, as it was written.

  /// The first parameter of that name.
  [[nodiscard]] std::optional<std::string_view> parameter(std::string_view name) const noexcept;
};

/// More challenges than this are not looked at.
inline constexpr std::size_t challenges_max = 16;

/// Reads the value of a WWW-Authenticate or Proxy-Authenticate field (RFC 9110 section 11.6.1): challenges and their
/// parameters both separated by commas. The error is `invalid_response`; more than the limits is one too.
[[nodiscard]] Result<std::vector<Challenge>> parse_challenges(std::string_view value);

}  // namespace bgxfer::inline v0::http::detail

#endif
