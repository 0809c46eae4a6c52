#ifndef BGXFER_FILE_FILE_TRANSPORT_HPP
#define BGXFER_FILE_FILE_TRANSPORT_HPP

#include <cstddef>
#include <memory>

#include <bgxfer/config.hpp>
#include <bgxfer/transport.hpp>

namespace bgxfer::inline v0::file {

/// How files are read. The defaults are right for most hosts.
struct TransportOptions {
  /// Threads that may wait for a disk or a file server at the same time; further reads wait for a free one. A share
  /// that hangs keeps one thread for each transfer from it.
  std::size_t threads_max = 4;
  /// Whether symbolic links are followed that neither root nor the process's user made. Off, because whoever may make a
  /// link in a folder that others read could have them fetch any file that they may read.
  bool follow_foreign_links = false;
};

/// Files by `file://` URLs (RFC 8089; spec part 4.1): local ones, and those of shares that are mounted. Linux.
///
/// **URLs** are `file:///path` or `file://localhost/path`: an absolute path whose bytes outside of RFC 3986's
/// characters are percent-encoded. Another host is refused: mount its share and name the path. Refused too are a query
/// or fragment, segments "." and "..", a path that ends in "/", encoded slashes, zero bytes and control characters, and
/// what is longer than a path (4095 bytes) or a name (255) can be. All are `Errc::invalid_url`.
///
/// **Files** are regular ones: a folder is `is_a_directory`, a FIFO, socket or device is `not_supported` and is never
/// opened, a link that is not followed is `too_many_symbolic_link_levels`. A file that is not there is
/// `no_such_file_or_directory`, one that may not be read `permission_denied`; these are permanent. The context is
/// `remote_file` and the detail names the path.
///
/// **Ranges** are granted as asked, cut at the end of the file; one that begins at its end or beyond is
/// `Errc::invalid_range`, with the size. The validator is made of the size, the modification time in nanoseconds and
/// the inode, and is always there. A file that changes while it is read ends with `Errc::resource_changed`, without the
/// bytes that were read last; one that is replaced by a rename is read to its end as it was. Who writes
/// into a file without a trace in its size or time goes unnoticed: give files a SHA-256 where that matters.
///
/// **Requests** with another method than GET or with a body are `Errc::invalid_argument`. Headers and the redirect
/// policy have no meaning here; they are ignored.
///
/// **Threads.** Every member from any thread; a download as `Download` says. Files are opened and read on threads of
/// the transport, with all signals blocked, which start when they are needed and end when it and the last of its
/// downloads are gone. That moment waits for them, and so for a read that is under way; a cancelled call does not.
[[nodiscard]] BGXFER_API std::shared_ptr<Transport> make_transport(TransportOptions options = {});

}  // namespace bgxfer::inline v0::file

#endif
