#ifndef BGXFER_SECRET_STORE_HPP
#define BGXFER_SECRET_STORE_HPP

#include <cstddef>
#include <string>
#include <vector>

#include <bgxfer/config.hpp>
#include <bgxfer/detail/asio.hpp>
#include <bgxfer/result.hpp>

namespace bgxfer::inline v0 {

/// Keeps what the journal must not hold: request headers, credentials and passwords of jobs, over restarts.
///
/// The journal knows a secret by its name alone, which is the id of the job. A store may be the keyring of a system, or
/// a file behind a key (`bgxfer/openssl/file_secret_store.hpp`). Calls come one at a time; a queue whose store fails,
/// or throws, goes on and logs it, and asks for the secrets again after a restart.
class BGXFER_API SecretStore {
 public:
  virtual ~SecretStore();
  /// Keeps `secret` in place of an older one of that name; resolves when it would survive a crash.
  virtual asio::awaitable<Result<void>> put(std::string name, std::vector<std::byte> secret) = 0;
  /// What was kept under that name; `Errc::not_found` if there is nothing.
  virtual asio::awaitable<Result<std::vector<std::byte>>> get(std::string name) = 0;
  /// Forgets it. Nothing of that name is no error.
  virtual asio::awaitable<Result<void>> erase(std::string name) = 0;
};

}  // namespace bgxfer::inline v0

#endif
