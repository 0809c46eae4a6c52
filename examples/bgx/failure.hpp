#ifndef BGX_FAILURE_HPP
#define BGX_FAILURE_HPP

#include <filesystem>
#include <string>

#include <bgxfer/error.hpp>
#include <bgxfer/job.hpp>

namespace bgx {

// One line for stderr: what went wrong, where, the code, and what to do. Without the queries of URLs.

/// A job that stopped.
[[nodiscard]] std::string job_failure(const bgxfer::Job& job, const bgxfer::Error& error);
/// A journal that cannot be used.
[[nodiscard]] std::string journal_failure(const std::filesystem::path& journal, const bgxfer::Error& error);
/// A command that was refused.
[[nodiscard]] std::string command_failure(const bgxfer::Error& error);

/// "http 404", "bgxfer 61".
[[nodiscard]] std::string code_text(const bgxfer::Error& error);
/// What somebody could do about it.
[[nodiscard]] std::string cure_of(const bgxfer::Error& error);

/// Whether the call was refused because of what stood on the command line.
[[nodiscard]] bool is_usage(const bgxfer::Error& error);

}  // namespace bgx

#endif
