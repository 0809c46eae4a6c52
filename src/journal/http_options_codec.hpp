#ifndef BGXFER_SRC_JOURNAL_HTTP_OPTIONS_CODEC_HPP
#define BGXFER_SRC_JOURNAL_HTTP_OPTIONS_CODEC_HPP

#include <bgxfer/http_options.hpp>
#include <bgxfer/result.hpp>

#include "field_codec.hpp"

namespace bgxfer::inline v0::detail {

/// Appends what a job asks of HTTP, but for the redirect fields that the options of the first version had already, and
/// for what is secret: headers, credentials and passwords. Objects of the host are written as the fact that there was
/// one.
void put_http_options(Bytes& out, const HttpOptions& options);

/// Reads them back into `options`. Where there was an object of the host, one stands in for it that answers every
/// question with `Errc::validator_needed`, until the host gives it again.
void read_http_options(View bytes, Sense& sense, HttpOptions& options);

/// Whether they can be written and read back.
[[nodiscard]] Result<void> check_http_options(const HttpOptions& options);

}  // namespace bgxfer::inline v0::detail

#endif
