#include "journal/crc32c.hpp"

#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "support/random_changes.hpp"

using bgxfer::detail::crc32c;
using bgxfer::detail::crc32c_by_table;

namespace {

std::vector<std::byte> bytes_from(int first, int step, std::size_t count) {
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i < count; ++i) bytes.push_back(static_cast<std::byte>(first + static_cast<int>(i) * step));
  return bytes;
}

}  // namespace

TEST_CASE("the checksum has the values of RFC 3720 appendix B.4") {
  for (auto sum : {crc32c, crc32c_by_table}) {
    CHECK(sum(bytes_from(0, 0, 32), 0) == 0x8a9136aa);
    CHECK(sum(bytes_from(0xff, 0, 32), 0) == 0x62a8ab43);
    CHECK(sum(bytes_from(0, 1, 32), 0) == 0x46dd794e);
    CHECK(sum(bytes_from(31, -1, 32), 0) == 0x113fdb5c);
    CHECK(sum(std::as_bytes(std::span(std::string_view("123456789"))), 0) == 0xe3069283);
    CHECK(sum({}, 0) == 0);
  }
}

TEST_CASE("a checksum can be taken in pieces, with or without the processor's instruction") {
  bgxfer_tests::Dice dice(7);
  std::vector<std::byte> bytes;
  for (int i = 0; i < 300; ++i) bytes.push_back(static_cast<std::byte>(dice.bits()));
  const std::span<const std::byte> all(bytes);
  for (std::size_t begin = 0; begin < 9; ++begin) {
    for (std::size_t cut = begin; cut <= all.size(); cut += 1 + dice.below(5)) {
      const std::uint32_t whole = crc32c_by_table(all.subspan(begin));
      CHECK(crc32c(all.subspan(begin)) == whole);
      CHECK(crc32c(all.subspan(cut), crc32c(all.subspan(begin, cut - begin))) == whole);
    }
  }
}
