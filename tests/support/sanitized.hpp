#ifndef BGXFER_TESTS_SUPPORT_SANITIZED_HPP
#define BGXFER_TESTS_SUPPORT_SANITIZED_HPP

namespace bgxfer::test {

/// Whether a sanitizer, or the count of every step, makes this program slower and larger than it is: what is measured
/// then says little.
#if defined(BGXFER_COUNTS_STEPS) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif
#else
inline constexpr bool sanitized = false;
#endif

}  // namespace bgxfer::test

#endif
