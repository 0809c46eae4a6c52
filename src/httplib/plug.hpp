#ifndef BGXFER_HTTPLIB_PLUG_HPP
#define BGXFER_HTTPLIB_PLUG_HPP

#include <mutex>

namespace bgxfer::inline v0::httplib::detail {

/// Cuts the connection that cpp-httplib is busy with, from any thread.
///
/// It holds a descriptor of its own for the same socket: the number of cpp-httplib's may belong to another file a
/// moment after it has been closed.
class Plug {
 public:
  Plug() = default;
  ~Plug();
  Plug(const Plug&) = delete;
  Plug& operator=(const Plug&) = delete;

  /// Takes hold of a socket in place of the one before.
  void hold(int socket) noexcept;
  /// Whatever waits for the socket fails at once.
  void pull() noexcept;
  /// There is no connection any more.
  void let_go() noexcept { hold(-1); }

 private:
  std::mutex mutex_;
  int socket_ = -1;
};

}  // namespace bgxfer::inline v0::httplib::detail

#endif
