// Any bytes as a journal: no crash, time linear in the size, and what comes out is sound and can be written again.
//
// The first byte says how the rest is meant: even, as a file; odd, as records (type, flags, length, payload) that are
// framed with right checksums, because chance does not find those.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "journal/little_endian.hpp"
#include "journal/record_codec.hpp"
#include "journal/replay.hpp"
#include "support/records.hpp"

namespace {

using namespace bgxfer::detail;
using Bytes = std::vector<std::byte>;

void expect(bool fact) {
  if (!fact) std::abort();
}

Bytes frame_records(std::span<const std::byte> input) {
  FileHeader header;
  Bytes file(header_bytes);
  put_header(file, header);
  FrameWriter writer(header.file_id, header.base_seq);
  while (input.size() >= 4) {
    const auto type = static_cast<std::uint16_t>(input[0]);
    const auto flags = static_cast<std::uint16_t>(static_cast<unsigned>(input[1]) & record_flags_known);
    const std::size_t length = load_le<std::uint16_t>(input.subspan(2));
    input = input.subspan(4);
    const std::span<const std::byte> payload = input.first(std::min(length, input.size()));
    input = input.subspan(payload.size());
    writer.append(file, type, flags, payload);
  }
  return file;
}

/// What stands in for objects of the host vouches for nothing.
void expect_lost(const bgxfer::TlsOptions& tls) {
  if (tls.validator) expect(!tls.validator->check({}));
  if (tls.client_source) expect(!tls.client_source->pem_for("host"));
}

/// Each change that can be read says the same once it is written anew.
void rewrite(std::span<const std::byte> file) {
  FrameReader reader(file, header_bytes, FileId{}, 1);
  while (const std::optional<Frame> frame = reader.next()) {
    const RecordReading reading = decode(frame->type, frame->flags, frame->payload);
    if (reading.verdict != RecordVerdict::change) continue;
    expect(check_encodable(*reading.change).has_value());
    if (const auto* created = std::get_if<JobCreated>(&*reading.change)) expect_lost(created->options.http.tls);
    Bytes written(header_bytes);
    FrameWriter writer(FileId{}, 1);
    encode(*reading.change, writer, written);
    const std::optional<Frame> again = FrameReader(written, header_bytes, FileId{}, 1).next();
    expect(again.has_value());
    const RecordReading second = decode(again->type, again->flags, again->payload);
    expect(second.verdict == RecordVerdict::change);
    expect(bgxfer_tests::show(*second.change) == bgxfer_tests::show(*reading.change));
  }
}

/// The jobs, written anew and read back.
Replayed again(const std::vector<JobRecord>& jobs) {
  FileHeader header;
  Bytes file(header_bytes);
  FrameWriter writer(header.file_id, header.base_seq);
  encode(Session{"now", header.file_id}, writer, file);
  for (const JobRecord& job : jobs) {
    describe(job, [&](const Change& change) {
      expect(check_encodable(change).has_value());
      encode(change, writer, file);
    });
  }
  header.snapshot_bytes = file.size();
  put_header(file, header);
  return replay(file, "now");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::span<const std::byte> input = std::as_bytes(std::span(data, size)).subspan(1);
  const Bytes file = data[0] % 2 == 0 ? Bytes(input.begin(), input.end()) : frame_records(input);
  if (data[0] % 2 != 0) rewrite(file);

  const Replayed result = replay(file, "now");
  if (result.refused) {
    expect(result.jobs.empty());
    return 0;
  }
  expect(result.report.jobs_restored == result.jobs.size());
  expect(result.damaged == (result.report.records_lost > 0));
  expect(result.report.torn_bytes <= file.size());
  for (const JobRecord& job : result.jobs) {
    expect(job.totals == count_totals(job));
    for (const FileRecord& record : job.files) expect(!record.url.empty() && record.target.starts_with('/'));
  }
  const Replayed second = again(result.jobs);
  expect(!second.refused && !second.torn && !second.damaged);
  expect(bgxfer_tests::show(second.jobs) == bgxfer_tests::show(result.jobs));
  return 0;
}
