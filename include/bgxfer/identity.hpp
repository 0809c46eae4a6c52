#ifndef BGXFER_IDENTITY_HPP
#define BGXFER_IDENTITY_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <bgxfer/config.hpp>
#include <bgxfer/http_options.hpp>

namespace bgxfer::inline v0 {

/// A user of the system, by numbers: whose rights count when files are opened.
struct PosixUser {
  std::uint32_t user = 0;
  std::uint32_t group = 0;
  std::vector<std::uint32_t> groups{};  ///< Further groups; those of the process do not count.

  friend bool operator==(const PosixUser&, const PosixUser&) = default;
};

/// What a helper identity is used for (BITS: `BG_TOKEN`). A set: join with `|`. Values are part of the journal format.
enum class IdentityUsage : std::uint8_t {
  none = 0,
  local_files = 1,  ///< The job's temporary and final files are made, opened and renamed with its rights.
  network = 2,      ///< Sources of `file://` URLs are opened with its rights; servers get its credentials.
  all = 3,
};

[[nodiscard]] constexpr IdentityUsage operator|(IdentityUsage a, IdentityUsage b) noexcept {
  return static_cast<IdentityUsage>(static_cast<std::uint8_t>(a) | static_cast<std::uint8_t>(b));
}
/// Whether `usage` has any of `wanted`.
[[nodiscard]] constexpr bool has(IdentityUsage usage, IdentityUsage wanted) noexcept {
  return (static_cast<std::uint8_t>(usage) & static_cast<std::uint8_t>(wanted)) != 0;
}

/// Somebody else than the process, on whose behalf a job works (spec part 3.14: the helper token).
struct HelperIdentity {
  std::string name{};               ///< For people.
  std::optional<PosixUser> user{};  ///< Empty: files are opened as the process.
  /// Used for servers and proxies in place of `HttpOptions::credentials`, by the same rules. Empty: those are used.
  std::vector<Credentials> credentials{};

  friend bool operator==(const HelperIdentity&, const HelperIdentity&) = default;
};

/// A job's helper identity and what it is for.
///
/// The usage is kept in the journal, the identity never is: after a restart a job that has the one but not the other is
/// in `error` with `Errc::identity_needed` until the host gives the identity again with `Job::configure` and resumes.
/// `Job::options()` shows it with empty passwords. A change is for the files that begin after it.
///
/// Files are opened as another user by a thread that takes on the user's rights in the file system and ends. This needs
/// CAP_SETUID and CAP_SETGID, which root has; without them the job ends with `Errc::identity_refused`. Linux.
struct IdentityOptions {
  IdentityUsage usage = IdentityUsage::none;
  std::optional<HelperIdentity> helper{};

  friend bool operator==(const IdentityOptions&, const IdentityOptions&) = default;
};

}  // namespace bgxfer::inline v0

#endif
