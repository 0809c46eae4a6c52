#include "plug.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bgxfer::inline v0::httplib::detail {

Plug::~Plug() {
  if (socket_ >= 0) ::close(socket_);
}

void Plug::hold(int socket) noexcept {
  const std::lock_guard lock(mutex_);
  if (socket_ >= 0) ::close(socket_);
  // Without a descriptor to spare the socket cannot be cut, and ends by its timeouts.
  socket_ = socket < 0 ? -1 : ::fcntl(socket, F_DUPFD_CLOEXEC, 0);
}

void Plug::pull() noexcept {
  const std::lock_guard lock(mutex_);
  if (socket_ >= 0) ::shutdown(socket_, SHUT_RDWR);
}

}  // namespace bgxfer::inline v0::httplib::detail
