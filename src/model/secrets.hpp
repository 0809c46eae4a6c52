#ifndef BGXFER_SRC_MODEL_SECRETS_HPP
#define BGXFER_SRC_MODEL_SECRETS_HPP

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include <bgxfer/http_options.hpp>
#include <bgxfer/identity.hpp>

namespace bgxfer::inline v0::detail {

/// The method with which every job begins (spec part 3.11).
inline constexpr std::string_view default_method = "GET";

/// Whether the options hold anything that the journal must not.
[[nodiscard]] bool has_secrets(const HttpOptions& options) noexcept;

/// What may be shown of the options: passwords are empty, and so are the values of write-only headers (spec part 3.8).
[[nodiscard]] HttpOptions shown(HttpOptions options);

/// The same of a helper identity.
[[nodiscard]] IdentityOptions shown(IdentityOptions options);

/// Puts back into options that were shown and edited what had been left out of them: an empty password, and an empty
/// value of a write-only header, mean what `stored` has for the same user or name. Write-only stays write-only.
void keep_unshown(HttpOptions& edited, const HttpOptions& stored);
void keep_unshown(IdentityOptions& edited, const IdentityOptions& stored);

/// The secrets of the options as bytes for a `SecretStore`, and back into options that lack them.
[[nodiscard]] std::vector<std::byte> pack_secrets(const HttpOptions& options);
/// False, and `options` as they were, for bytes that nobody packed.
[[nodiscard]] bool unpack_secrets(std::span<const std::byte> bytes, HttpOptions& options);

}  // namespace bgxfer::inline v0::detail

#endif
