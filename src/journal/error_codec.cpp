#include "error_codec.hpp"

#include <system_error>
#include <utility>

namespace bgxfer::inline v0::detail {

namespace {

/// Tags inside an error.
enum class ErrorTag : std::uint8_t { category = 1, value = 2, context = 3, detail = 4, file = 5, retry_after = 6 };

View part_of(std::string_view text, std::size_t bytes_max) {
  return std::as_bytes(std::span(text.substr(0, bytes_max)));
}

/// The categories that mean the same to every reader, by name.
const std::error_category* find_category(std::string_view name) {
  for (const std::error_category* category :
       {&error_category(), &http_category(), &std::generic_category(), &std::system_category()}) {
    if (name == category->name()) return category;
  }
  return nullptr;
}

}  // namespace

void put_error(Bytes& out, const Error& error) {
  std::error_code code = error.code();
  std::string detail = error.detail();
  if (find_category(code.category().name()) != &code.category()) {
    detail = std::string(code.category().name()) + " " + std::to_string(code.value()) + ", " + error.message();
    code = std::make_error_code(std::errc::io_error);
  }
  FieldWriter fields(out);
  fields.text(ErrorTag::category, code.category().name());
  std::array<std::byte, 4> value{};
  store_le(std::span<std::byte>(value), static_cast<std::uint32_t>(code.value()));
  fields.raw(ErrorTag::value, value);
  fields.number(ErrorTag::context, static_cast<std::uint64_t>(error.context()));
  if (!detail.empty()) fields.raw(ErrorTag::detail, part_of(detail, error_detail_bytes_max));
  if (error.file()) fields.number_or_zero(ErrorTag::file, *error.file());
  if (error.retry_after()) {
    fields.number_or_zero(ErrorTag::retry_after, count_of(*error.retry_after()));
  }
}

std::optional<Error> read_error(View bytes, Sense& sense) {
  std::string category;
  std::optional<std::int32_t> value;
  ErrorContext context = ErrorContext::none;
  std::string detail;
  std::optional<std::uint32_t> file;
  std::optional<std::chrono::milliseconds> retry_after;

  FieldReader fields(bytes, sense, static_cast<std::uint8_t>(ErrorTag::retry_after));
  ValueReader values(sense);
  for (Field field = fields.next(); field.tag != 0; field = fields.next()) {
    switch (static_cast<ErrorTag>(field.tag)) {
      case ErrorTag::category: category = values.text(field.value); break;
      case ErrorTag::value: {
        const auto raw = values.array<std::array<std::byte, 4>>(field.value);
        value = static_cast<std::int32_t>(load_le<std::uint32_t>(std::span<const std::byte>(raw)));
        break;
      }
      case ErrorTag::context: context = values.enumerator(field.value, ErrorContext::server_certificate); break;
      case ErrorTag::detail: detail = values.text(field.value, error_detail_bytes_max); break;
      case ErrorTag::file: file = values.number32(field.value); break;
      case ErrorTag::retry_after: retry_after = values.milliseconds(field.value); break;
    }
  }
  const std::error_category* known = find_category(category);
  if (!known || !value) {
    fields.fail(Sense::malformed);
    return std::nullopt;
  }
  Error error(std::error_code(*value, *known), context, std::move(detail));
  if (file) error = error.with_file(*file);
  if (retry_after) error = error.with_retry_after(*retry_after);
  return error;
}

}  // namespace bgxfer::inline v0::detail
