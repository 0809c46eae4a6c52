#include "journal.hpp"

#include <cassert>
#include <new>
#include <utility>

#include "../base/mutant.hpp"
#include "record_codec.hpp"
#include "replay.hpp"

namespace bgxfer::inline v0::detail {

Journal::Journal(std::unique_ptr<LogFile> log, JournalSetup setup) : log_(std::move(log)), setup_(std::move(setup)) {
  assert(log_ && setup_.random);
}

asio::awaitable<Result<Restored>> Journal::replay() {
  Result<std::vector<std::byte>> read = co_await log_->read_all();
  if (!read) co_return read.error();
  const std::vector<std::byte> file = *std::move(read);
  Replayed replayed = detail::replay(file, setup_.epoch);
  if (replayed.refused) co_return *replayed.refused;

  Restored restored;
  restored.jobs = std::move(replayed.jobs);
  restored.report = std::move(replayed.report);
  if (replayed.damaged) {
    // Without a copy the damaged file stays the only witness, and nothing may be written over it.
    Result<std::filesystem::path> kept = co_await log_->keep_copy();
    if (!kept) co_return kept.error();
    restored.report.damaged_copy = *std::move(kept);
  }
  resume(file, replayed);
  restored.rewrite_needed = failed() || compaction_due();
  co_return restored;
}

void Journal::resume(std::span<const std::byte> file, const Replayed& replayed) {
  const std::lock_guard lock(mutex_);
  size_ = file.size();
  // What was read is not durable for sure: it counts as one change.
  if (!file.empty()) added_ = 1;
  snapshot_size_ = replayed.header.snapshot_bytes;
  lasting_ = replayed.lasting;
  frames_ = FrameWriter(replayed.header.file_id, replayed.next_seq);
  // Never append behind a torn tail, nor to a file that is not what it was.
  if (file.empty() || (replayed.torn && !BGXFER_MUTANT(2)) || replayed.damaged) return;
  phase_ = Phase::open;
  unsynced_ = true;
  written_ = added_;
  written_seq_ = replayed.next_seq - 1;
  if (replayed.epoch == setup_.epoch) {
    // A failed sync of an earlier run leaves bytes that can be read and that no other sync tries to write.
    const std::span<const std::byte> untold = file.subspan(replayed.untold_from);
    untold_from_ = replayed.untold_from;
    untold_.assign(untold.begin(), untold.end());
    return;
  }
  const Session session{setup_.epoch, frames_.file_id()};
  encode(session, frames_, pending_);
}

void Journal::add(const Change& change) {
  const std::lock_guard lock(mutex_);
  assert(phase_ != Phase::snapshot);
  ++added_;
  // Of a failed journal only a rewrite can follow, and its snapshot will have the change in it.
  if (phase_ == Phase::failed) return;
  try {
    // Said only in front of a change: saying it alone would need another sync, and that another word.
    if (std::exchange(synced_untold_, false)) encode(Synced{synced_seq_}, frames_, pending_);
    const std::size_t before = pending_.size();
    encode(change, frames_, pending_);
    lasting_.count(change, pending_.size() - before);
  } catch (const std::bad_alloc&) {
    // Half a frame would look like damage.
    fail();
  }
}

Result<void> Journal::accepts(const Change& change) { return check_encodable(change); }

std::uint64_t Journal::added() const {
  const std::lock_guard lock(mutex_);
  return added_;
}

std::uint64_t Journal::written() const {
  const std::lock_guard lock(mutex_);
  return written_;
}

std::uint64_t Journal::durable() const {
  const std::lock_guard lock(mutex_);
  return durable_;
}

asio::awaitable<Result<void>> Journal::write() {
  std::uint64_t until = 0;
  std::uint64_t until_seq = 0;
  {
    const std::lock_guard lock(mutex_);
    if (phase_ != Phase::open) co_return failure();
    if (pending_.empty()) co_return Result<void>();
    writing_.clear();
    std::swap(writing_, pending_);
    until = added_;
    until_seq = frames_.next_seq() - 1;
  }
  Result<void> appended = co_await log_->append(writing_);

  const std::lock_guard lock(mutex_);
  if (!appended) {
    fail();
    co_return appended;
  }
  unsynced_ = true;
  written_ = until;
  written_seq_ = until_seq;
  size_ += writing_.size();
  figures_.bytes_written += writing_.size();
  ++figures_.writes;
  co_return appended;
}

asio::awaitable<Result<void>> Journal::sync() {
  std::uint64_t until = 0;
  std::uint64_t until_seq = 0;
  {
    const std::lock_guard lock(mutex_);
    if (phase_ != Phase::open) co_return failure();
    if (!unsynced_) co_return Result<void>();
    until = written_;
    until_seq = written_seq_;
  }
  Result<void> synced;
  if (!untold_.empty() && !BGXFER_MUTANT(39)) synced = co_await write_untold_again();
  if (synced) synced = co_await log_->sync();

  const std::lock_guard lock(mutex_);
  if (!synced && !BGXFER_MUTANT(13)) {
    fail();
    co_return synced;
  }
  unsynced_ = false;
  durable_ = until;
  synced_seq_ = until_seq;
  synced_untold_ = true;
  ++figures_.syncs;
  co_return synced;
}

asio::awaitable<Result<void>> Journal::write_untold_again() {
  Result<void> written = co_await log_->write_again(untold_from_, untold_);
  if (written) untold_ = {};
  co_return written;
}

void Journal::begin_rewrite(WallTime now) {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  const std::lock_guard lock(mutex_);
  FileId id{};
  for (std::size_t i = 0; i < id.size(); i += 8) {
    const std::uint64_t bits = setup_.random();
    for (std::size_t byte = 0; byte < 8; ++byte) id[i + byte] = static_cast<std::byte>(bits >> (8 * byte));
  }
  pending_.clear();
  lasting_ = LastingBytes();
  synced_untold_ = false;
  frames_ = FrameWriter(id, frames_.next_seq());
  snapshot_header_ = FileHeader();
  snapshot_header_.file_id = id;
  snapshot_header_.base_seq = frames_.next_seq();
  const auto since_epoch = duration_cast<milliseconds>(now.time_since_epoch()).count();
  snapshot_header_.created_ms = since_epoch > 0 ? static_cast<std::uint64_t>(since_epoch) : 0;
  snapshot_.assign(header_bytes, std::byte{0});
  const Session session{setup_.epoch, id};
  encode(session, frames_, snapshot_);
  phase_ = Phase::snapshot;
}

void Journal::snapshot(const Change& change) {
  const std::lock_guard lock(mutex_);
  assert(phase_ == Phase::snapshot);
  encode(change, frames_, snapshot_);
}

void Journal::end_snapshot() {
  const std::lock_guard lock(mutex_);
  assert(phase_ == Phase::snapshot);
  snapshot_header_.snapshot_bytes = snapshot_.size();
  put_header(snapshot_, snapshot_header_);
  snapshot_added_ = added_;
  written_seq_ = frames_.next_seq() - 1;
  phase_ = Phase::replacing;
}

void Journal::abandon_snapshot() {
  const std::lock_guard lock(mutex_);
  fail();
}

asio::awaitable<Result<void>> Journal::finish_rewrite() {
  {
    const std::lock_guard lock(mutex_);
    if (phase_ != Phase::replacing) co_return failure();
  }
  Result<void> replaced = co_await log_->replace(snapshot_);

  const std::lock_guard lock(mutex_);
  if (!replaced) {
    fail();
    snapshot_ = {};
    co_return replaced;
  }
  // For a change that came meanwhile there may have been no memory.
  if (phase_ == Phase::replacing) phase_ = Phase::open;
  unsynced_ = false;
  untold_ = {};
  size_ = snapshot_size_ = snapshot_.size();
  written_ = durable_ = snapshot_added_;
  figures_.bytes_written += snapshot_.size();
  ++figures_.rewrites;
  snapshot_ = {};
  co_return replaced;
}

bool Journal::failed() const {
  const std::lock_guard lock(mutex_);
  return phase_ == Phase::failed;
}

bool Journal::compaction_due() const {
  const std::lock_guard lock(mutex_);
  return size_ > setup_.bytes_before_compaction && size_ / 4 > snapshot_size_ + lasting_.sum();
}

std::uint64_t Journal::size() const {
  const std::lock_guard lock(mutex_);
  return size_;
}

JournalFigures Journal::figures() const {
  const std::lock_guard lock(mutex_);
  return figures_;
}

void Journal::fail() {
  phase_ = Phase::failed;
  pending_.clear();
}

Error Journal::failure() const {
  return Error(Errc::journal_failed, ErrorContext::queue, "an earlier error; it has to be rewritten first");
}

}  // namespace bgxfer::inline v0::detail
