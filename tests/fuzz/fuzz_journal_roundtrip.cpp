// A valid journal of random changes, then cut and scratched: what is read is a beginning of what was written, or the
// damage is reported.
//
// Input: 8 bytes seed, 1 byte how many changes, 2 bytes how much is cut off, then scratches of 3 bytes: place and mask.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "journal/little_endian.hpp"
#include "journal/record_codec.hpp"
#include "journal/replay.hpp"
#include "support/random_changes.hpp"
#include "support/records.hpp"

namespace {

using namespace bgxfer::detail;

void expect(bool fact) {
  if (!fact) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::span<const std::byte> input = std::as_bytes(std::span(data, size));
  if (input.size() < 11) return 0;
  bgxfer_tests::RandomChanges random(load_le<std::uint64_t>(input));
  random.transferred_too = false;
  const auto count = static_cast<std::size_t>(input[8]) % 40;
  const std::size_t cut = load_le<std::uint16_t>(input.subspan(9));
  input = input.subspan(11);

  FileHeader header;
  header.file_id.fill(std::byte{7});
  std::vector<std::byte> file(header_bytes);
  put_header(file, header);
  FrameWriter writer(header.file_id, header.base_seq);
  encode(Session{"boot", header.file_id}, writer, file);
  std::vector<std::size_t> ends = {file.size()};
  std::vector<std::string> states = {std::string()};
  std::vector<std::string> durable = {std::string()};  // What is believed of each if more had been said.
  for (std::size_t i = 0; i < count; ++i) {
    encode(random.next(), writer, file);
    ends.push_back(file.size());
    states.push_back(bgxfer_tests::show(random.jobs));
    durable.push_back(bgxfer_tests::show_durable(random.jobs));
  }
  expect(bgxfer_tests::show(replay(file, "boot").jobs) == states.back());

  const std::vector<std::byte> whole = file;
  file.resize(file.size() - std::min(file.size(), cut));
  for (; input.size() >= 3 && !file.empty(); input = input.subspan(3)) {
    file[load_le<std::uint16_t>(input) % file.size()] ^= input[2];
  }
  const auto first_wrong =
      static_cast<std::size_t>(std::mismatch(file.begin(), file.end(), whole.begin()).first - file.begin());

  const Replayed result = replay(file, "boot");
  for (const JobRecord& job : result.jobs) expect(job.totals == count_totals(job));
  if (first_wrong < 8) return 0;  // Without its magic it may be anybody's.
  if (result.damaged || result.refused) {
    expect(first_wrong < file.size());
    return 0;
  }
  // Every record that ends before the first wrong byte counts, and no other.
  std::size_t kept = 0;
  while (kept + 1 < ends.size() && ends[kept + 1] <= first_wrong) ++kept;
  expect(bgxfer_tests::show(result.jobs) == (result.torn ? durable : states)[kept]);
  const std::size_t end = ends[0] <= first_wrong ? ends[kept] : std::min(file.size(), header_bytes);
  expect(result.torn == (file.size() != end || file.size() < header_bytes) || file.empty());
  return 0;
}
