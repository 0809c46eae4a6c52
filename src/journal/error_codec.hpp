#ifndef BGXFER_SRC_JOURNAL_ERROR_CODEC_HPP
#define BGXFER_SRC_JOURNAL_ERROR_CODEC_HPP

#include <optional>

#include <bgxfer/error.hpp>

#include "field_codec.hpp"

namespace bgxfer::inline v0::detail {

/// Appends the fields of `error`. A code of a category that other readers cannot know becomes an I/O error with the
/// category in its detail.
void put_error(Bytes& out, const Error& error);

/// Reads them back; what cannot be an error spoils `sense`.
[[nodiscard]] std::optional<Error> read_error(View bytes, Sense& sense);

}  // namespace bgxfer::inline v0::detail

#endif
