#ifndef BGXFER_OPENSSL_FILE_SECRET_STORE_HPP
#define BGXFER_OPENSSL_FILE_SECRET_STORE_HPP

#include <array>
#include <cstddef>
#include <filesystem>
#include <memory>

#include <bgxfer/config.hpp>
#include <bgxfer/secret_store.hpp>

namespace bgxfer::inline v0::openssl {

/// The key of a store: 32 random bytes that the host keeps where its secrets are safe. Whoever has it reads the file.
using SecretKey = std::array<std::byte, 32>;

/// A `SecretStore` in one file, each secret sealed with AES-256-GCM under a random nonce, its name being part of what
/// is authenticated: a secret that was changed, or moved to another job, is not given out.
///
/// `path` is a file of its own beside the journal, in a folder that exists; it is made with mode 0600 and replaced as a
/// whole with every change. Small files on a local disk are meant: it reads and writes on the calling thread. A file
/// that is no store, or that another key sealed, is an error of the call (`Errc::journal_foreign`,
/// `Errc::journal_damaged`) and stays as it is.
[[nodiscard]] BGXFER_API std::shared_ptr<SecretStore> make_file_secret_store(std::filesystem::path path,
                                                                             const SecretKey& key);

}  // namespace bgxfer::inline v0::openssl

#endif
