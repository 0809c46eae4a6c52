#ifndef BGXFER_SRC_JOURNAL_FIELD_CODEC_HPP
#define BGXFER_SRC_JOURNAL_FIELD_CODEC_HPP

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <bgxfer/byte_range.hpp>

#include "../base/duration.hpp"
#include "../model/change.hpp"
#include "little_endian.hpp"

namespace bgxfer::inline v0::detail {

/// The fields that records are made of: tag, length, value. See docs/journal_format.md.

inline constexpr std::size_t text_bytes_max = 64 * 1024;
inline constexpr std::size_t error_detail_bytes_max = 4 * 1024;  ///< Longer details are cut.
inline constexpr std::size_t ranges_per_spec_max = 40'000;
inline constexpr std::size_t spec_bytes_max = 1020 * 1024;  ///< So that a file always fits into one record.

using Bytes = std::vector<std::byte>;
using View = std::span<const std::byte>;

/// A field whose tag has this bit may be skipped by a reader that does not know it.
inline constexpr std::uint8_t tag_optional = 0x80;

inline constexpr std::size_t varint_bytes_max = 10;

inline void put_varint(Bytes& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<std::byte>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<std::byte>(value));
}

/// The wall clock as the format has it: nanoseconds since 1970.
inline std::int64_t nanoseconds_of(WallTime at) {
  using Nanoseconds = std::chrono::duration<std::int64_t, std::nano>;
  return std::chrono::duration_cast<Nanoseconds>(at.time_since_epoch()).count();
}

inline WallTime time_of(std::int64_t nanoseconds) {
  using Nanoseconds = std::chrono::duration<std::int64_t, std::nano>;
  return WallTime(std::chrono::duration_cast<WallTime::duration>(Nanoseconds(nanoseconds)));
}

/// A span of time as the format has it: neither negative nor endless.
inline std::uint64_t count_of(std::chrono::milliseconds span) {
  return static_cast<std::uint64_t>(std::clamp(span, std::chrono::milliseconds{0}, duration_max).count());
}

/// Builds a payload, field by field, in the order of the tags.
class FieldWriter {
 public:
  explicit FieldWriter(Bytes& out) : out_(out) {}

  template <class T>
  void raw(T tag, View value) {
    out_.push_back(static_cast<std::byte>(tag));
    put_varint(out_, value.size());
    out_.insert(out_.end(), value.begin(), value.end());
  }

  /// A number in as few bytes as it needs; none at all for zero.
  template <class T>
  void number(T tag, std::uint64_t value) {
    if (value != 0) number_or_zero(tag, value);
  }

  /// The same for a field whose absence means something else than zero.
  template <class T>
  void number_or_zero(T tag, std::uint64_t value) {
    std::array<std::byte, 8> bytes{};
    store_le(std::span<std::byte>(bytes), value);
    std::size_t length = bytes.size();
    while (length > 0 && bytes[length - 1] == std::byte{0}) --length;
    raw(tag, View(bytes).first(length));
  }

  template <class T>
  void text(T tag, std::string_view value) {
    if (!value.empty()) raw(tag, std::as_bytes(std::span(value)));
  }

  template <class T>
  void flag(T tag, bool value) {
    if (value) raw(tag, {});
  }

  template <class T>
  void time(T tag, WallTime value) {
    std::array<std::byte, 8> bytes{};
    store_le(std::span<std::byte>(bytes), static_cast<std::uint64_t>(nanoseconds_of(value)));
    raw(tag, bytes);
  }

  template <class T>
  void milliseconds(T tag, std::chrono::milliseconds value) {
    number(tag, count_of(value));
  }

 private:
  Bytes& out_;
};

inline void put_range(Bytes& out, ByteRange range) {
  put_varint(out, range.offset);
  put_varint(out, range.length + 1);  // "To the end" is the greatest number, and so becomes zero.
}

/// One field. `tag` is 0 at the end.
struct Field {
  std::uint8_t tag = 0;
  View value;
};

/// What a reading has come to: the first thing that is wrong wins.
enum class Sense : std::uint8_t { good, malformed, newer };

/// Takes a payload apart. Tags must rise; only `repeatable` may come again. Unknown fields that may be skipped are.
class FieldReader {
 public:
  FieldReader(View bytes, Sense& sense, std::uint8_t tag_known_max, std::uint8_t repeatable = 0)
      : rest_(bytes), sense_(sense), known_max_(tag_known_max), repeatable_(repeatable) {}

  /// The next known field; none at the end, or once something is wrong.
  Field next() {
    while (sense_ == Sense::good && !rest_.empty()) {
      Field field;
      field.tag = static_cast<std::uint8_t>(rest_.front());
      rest_ = rest_.subspan(1);
      const std::optional<std::uint64_t> length = varint();
      const bool in_order = field.tag > last_ || (field.tag == last_ && field.tag == repeatable_);
      if (!length || *length > rest_.size() || !in_order || field.tag == 0) return fail(Sense::malformed);
      last_ = field.tag;
      field.value = rest_.first(static_cast<std::size_t>(*length));
      rest_ = rest_.subspan(field.value.size());
      if ((field.tag & tag_optional) != 0) continue;  // None is known yet.
      if (field.tag > known_max_) return fail(Sense::newer);
      return field;
    }
    return {};
  }

  Field fail(Sense why) {
    if (sense_ == Sense::good) sense_ = why;
    return {};
  }

  [[nodiscard]] std::optional<std::uint64_t> varint() { return take_varint(rest_); }

  /// A varint off the front of `from`; empty if it is cut off, too long or longer than it needs to be.
  static std::optional<std::uint64_t> take_varint(View& from) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < varint_bytes_max && i < from.size(); ++i) {
      const auto byte = static_cast<std::uint64_t>(from[i]);
      if (i == varint_bytes_max - 1 && byte > 1) return std::nullopt;
      value |= (byte & 0x7f) << (7 * i);
      if ((byte & 0x80) != 0) continue;
      if (byte == 0 && i > 0) return std::nullopt;
      from = from.subspan(i + 1);
      return value;
    }
    return std::nullopt;
  }

 private:
  View rest_;
  Sense& sense_;
  std::uint8_t known_max_;
  std::uint8_t repeatable_;
  std::uint8_t last_ = 0;
};

/// Makes values of fields; what cannot be one spoils `sense`.
class ValueReader {
 public:
  explicit ValueReader(Sense& sense) : sense_(sense) {}

  std::uint64_t number(View value, std::uint64_t largest = std::numeric_limits<std::uint64_t>::max()) {
    if (value.size() > 8 || (!value.empty() && value.back() == std::byte{0})) return spoil();
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < value.size(); ++i) number |= static_cast<std::uint64_t>(value[i]) << (8 * i);
    return number <= largest ? number : spoil();
  }

  std::uint32_t number32(View value) {
    return static_cast<std::uint32_t>(number(value, std::numeric_limits<std::uint32_t>::max()));
  }

  /// A size that is known.
  std::uint64_t size(View value) { return number(value, size_unknown - 1); }

  template <class Enum>
  Enum enumerator(View value, Enum last) {
    return static_cast<Enum>(number(value, static_cast<std::uint64_t>(last)));
  }

  std::string text(View value, std::size_t bytes_max = text_bytes_max) {
    if (value.empty() || value.size() > bytes_max) {
      spoil();
      return {};
    }
    return std::string(reinterpret_cast<const char*>(value.data()), value.size());
  }

  std::string text_or_empty(View value) { return value.empty() ? std::string() : text(value); }

  bool flag(View value) {
    if (!value.empty()) spoil();
    return true;
  }

  WallTime time(View value) {
    if (value.size() != 8) {
      spoil();
      return {};
    }
    return time_of(static_cast<std::int64_t>(load_le<std::uint64_t>(value)));
  }

  std::chrono::milliseconds milliseconds(View value) {
    const auto largest = static_cast<std::uint64_t>(duration_max.count());
    return std::chrono::milliseconds{static_cast<std::chrono::milliseconds::rep>(number(value, largest))};
  }

  template <class Array>
  Array array(View value) {
    Array array{};
    if (value.size() != array.size()) {
      spoil();
      return array;
    }
    std::transform(value.begin(), value.end(), array.begin(),
                   [](std::byte byte) { return static_cast<typename Array::value_type>(byte); });
    return array;
  }

  /// Ranges that have bytes. `open_end`: one may run to the end of the resource.
  std::vector<ByteRange> ranges(View value, std::size_t count_max, bool open_end) {
    std::vector<ByteRange> all;
    all.reserve(std::min(count_max, value.size() / 2));
    while (!value.empty()) {
      const std::optional<std::uint64_t> offset = FieldReader::take_varint(value);
      const std::optional<std::uint64_t> length = offset ? FieldReader::take_varint(value) : std::nullopt;
      if (!length || all.size() == count_max) {
        spoil();
        return {};
      }
      const ByteRange range{*offset, *length - 1};
      const bool closed = range.length < ByteRange::to_end - range.offset;
      if (range.length == 0 || range.offset == ByteRange::to_end || (!closed && !open_end)) {
        spoil();
        return {};
      }
      all.push_back(range);
    }
    return all;
  }

 private:
  std::uint64_t spoil() {
    if (sense_ == Sense::good) sense_ = Sense::malformed;
    return 0;
  }

  Sense& sense_;
};

}  // namespace bgxfer::inline v0::detail

#endif
