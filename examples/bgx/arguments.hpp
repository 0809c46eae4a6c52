#ifndef BGX_ARGUMENTS_HPP
#define BGX_ARGUMENTS_HPP

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <bgxfer/cost.hpp>
#include <bgxfer/digest.hpp>
#include <bgxfer/http_options.hpp>
#include <bgxfer/state.hpp>
#include <bgxfer/transport.hpp>

namespace bgx {

/// The command line was not understood: what is wrong and the cure, in one line. Ends the program with code 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What `--user` and its like say.
struct Login {
  std::string user{};
  std::string password{};
};

/// The command line, checked as far as that needs nothing but the command line itself.
struct Arguments {
  std::string verb{};
  std::vector<std::string> words{};    ///< What follows the verb and is no option.
  std::vector<std::string> options{};  ///< The names of those that were given.

  bool help = false;
  bool version = false;
  bool json = false;
  bool quiet = false;
  bool stats = false;

  std::filesystem::path journal{};  ///< Empty: the default one.
  std::filesystem::path log{};      ///< Empty: nothing is logged.
  std::filesystem::path output{};
  std::filesystem::path folder{};
  std::filesystem::path ca_file{};

  std::optional<std::string> name{};
  std::optional<bgxfer::Priority> priority{};
  std::optional<std::uint32_t> parallel{};
  std::optional<std::uint32_t> connections{};
  std::vector<std::string> mirrors{};
  std::optional<std::uint64_t> bytes_per_second{};
  std::optional<std::uint64_t> compact_at{};
  std::optional<std::chrono::milliseconds> retry_delay{};
  std::optional<std::chrono::milliseconds> no_progress_timeout{};
  std::optional<std::chrono::milliseconds> time_max{};
  std::optional<std::uint64_t> size_max{};
  std::optional<bgxfer::TransferPolicy> cost{};
  std::optional<bgxfer::Sha256> sha256{};
  std::vector<bgxfer::ByteRange> ranges{};
  std::vector<std::uint64_t> places{};  ///< Of each range, or of none.
  bool on_demand = false;               ///< Of `ranges` alone, each at its own place.
  std::vector<bgxfer::Header> headers{};

  std::optional<Login> user{};
  std::optional<Login> proxy_user{};
  bool negotiate = false, ntlm = false, proxy_negotiate = false, proxy_ntlm = false;
  bool proxy_account = false;          ///< The process's own account, for proxies that ask.
  std::optional<std::string> proxy{};  ///< "none": no proxy at all.
  std::optional<std::string> proxy_bypass{};
  std::filesystem::path certificate{};
  std::filesystem::path key{};
  std::optional<std::string> key_password{};
  std::filesystem::path revocation_lists{};
  std::vector<bgxfer::Sha256> pins{};
  std::optional<bgxfer::RedirectMode> redirects{};
  std::optional<std::string> method{};
  bool insecure_authority = false;
  bool insecure_expired = false;
  bool insecure_host = false;
  bool insecure_usage = false;
  bool insecure_auth = false;
  bool insecure_redirects = false;
};

/// Throws `UsageError`.
[[nodiscard]] Arguments parse_arguments(const std::vector<std::string>& words);

/// Throws `UsageError` for an option that would do nothing, with this verb (one of bgx's) or without another option.
void check_options(const Arguments& arguments);

// The values of options, which `bgx set` reads as well. `what` names the option in the `UsageError`.
[[nodiscard]] bgxfer::Priority parse_priority(const std::string& what, const std::string& text);
[[nodiscard]] std::uint32_t parse_parallel(const std::string& what, const std::string& text);
[[nodiscard]] std::uint32_t parse_connections(const std::string& what, const std::string& text);
[[nodiscard]] std::uint64_t parse_bytes(const std::string& what, const std::string& text);
[[nodiscard]] bgxfer::TransferPolicy parse_cost(const std::string& what, const std::string& text);
[[nodiscard]] std::chrono::milliseconds parse_seconds(const std::string& what, const std::string& text);

}  // namespace bgx

#endif
