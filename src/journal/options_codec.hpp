#ifndef BGXFER_SRC_JOURNAL_OPTIONS_CODEC_HPP
#define BGXFER_SRC_JOURNAL_OPTIONS_CODEC_HPP

#include <string_view>

#include <bgxfer/options.hpp>
#include <bgxfer/result.hpp>

#include "field_codec.hpp"

namespace bgxfer::inline v0::detail {

/// Appends the fields of a job's options, but for its files and for what is secret.
void put_options(Bytes& out, const JobOptions& options);
/// Reads them back; what cannot be options spoils `sense`.
[[nodiscard]] JobOptions read_options(View bytes, Sense& sense);
/// Whether they can be written and read back.
[[nodiscard]] Result<void> check_options(const JobOptions& options);

/// Whether a text has control characters, as no URL may.
[[nodiscard]] bool has_control(std::string_view text);
/// Whether one of so many bytes fits into a field.
[[nodiscard]] Result<void> check_text(std::string_view name, std::size_t bytes);

/// The options' functions, for one file of a job.
void put_spec(Bytes& out, const FileSpec& spec);
[[nodiscard]] FileSpec read_spec(View bytes, Sense& sense);
[[nodiscard]] Result<void> check_spec(const FileSpec& spec);

}  // namespace bgxfer::inline v0::detail

#endif
