#ifndef BGXFER_DISK_ACTING_HPP
#define BGXFER_DISK_ACTING_HPP

#include <cstdint>
#include <functional>
#include <memory>
#include <system_error>

#include <bgxfer/identity.hpp>

namespace bgxfer::inline v0::disk::detail {

/// Runs `call` with the rights of `user` in the file system, on a thread of its own that ends with it: a thread that
/// has been somebody else is never used for anything else. Empty: with the rights of the process, on this thread. The
/// error is `Errc::identity_refused` where the process may not; then `call` did not run.
std::error_code act_as(const std::shared_ptr<const PosixUser>& user, const std::function<void()>& call);

/// The user whose rights count on this thread.
[[nodiscard]] std::uint32_t acting_user() noexcept;

}  // namespace bgxfer::inline v0::disk::detail

#endif
