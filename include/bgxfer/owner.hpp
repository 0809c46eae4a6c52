#ifndef BGXFER_OWNER_HPP
#define BGXFER_OWNER_HPP

#include <string>

namespace bgxfer::inline v0 {

/// For whom a job was added: recorded with the job, readable, and changed by `Job::take_ownership` (spec
/// parts 3.1, 3.14).
///
/// One process has one set of rights, so an owner decides nothing but how many jobs he may have
/// (`Limits::jobs_per_owner_max`). A host that acts for several people tells them apart by it.
struct Owner {
  std::string
      name{};  ///< At most 256 bytes. What BITS has as a security identifier: here "uid 1000", or the host's own word.
  bool elevated = false;  ///< Had administrator's rights then; on POSIX: the effective user was root.

  friend bool operator==(const Owner&, const Owner&) = default;
};

}  // namespace bgxfer::inline v0

#endif
