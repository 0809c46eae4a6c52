#include "acting.hpp"

#include <grp.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <optional>
#include <thread>
#include <vector>

#include <bgxfer/error.hpp>

namespace bgxfer::inline v0::disk::detail {

namespace {

thread_local std::optional<std::uint32_t> acting;

// Of this thread alone: the C library's own functions would change every thread of the process.
bool become(const PosixUser& user) {
#ifdef SYS_setgroups32
  constexpr long set_groups = SYS_setgroups32;
#else
  constexpr long set_groups = SYS_setgroups;
#endif
  const std::vector<gid_t> groups(user.groups.begin(), user.groups.end());
  if (::syscall(set_groups, groups.size(), groups.data()) != 0) return false;
  // These two never say whether they worked; asking with an impossible id does.
  constexpr auto nobody = static_cast<std::uint32_t>(-1);
  if (user.user == nobody || user.group == nobody) return false;
  ::setfsgid(user.group);
  if (static_cast<std::uint32_t>(::setfsgid(nobody)) != user.group) return false;
  ::setfsuid(user.user);
  if (static_cast<std::uint32_t>(::setfsuid(nobody)) != user.user) return false;
  acting = user.user;
  return true;
}

}  // namespace

std::error_code act_as(const std::shared_ptr<const PosixUser>& user, const std::function<void()>& call) {
  if (!user) {
    call();
    return {};
  }
  bool became = false;
  std::exception_ptr thrown;
  std::thread actor([&] {
    became = become(*user);
    if (!became) return;
    try {
      call();
    } catch (...) {
      thrown = std::current_exception();
    }
  });
  actor.join();
  if (thrown) std::rethrow_exception(thrown);
  return became ? std::error_code() : make_error_code(Errc::identity_refused);
}

std::uint32_t acting_user() noexcept { return acting.value_or(static_cast<std::uint32_t>(::geteuid())); }

}  // namespace bgxfer::inline v0::disk::detail
