#include "file_task.hpp"

#include <algorithm>
#include <exception>
#include <tuple>
#include <utility>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/this_coro.hpp>

#include <bgxfer/error.hpp>

#include "../base/mutant.hpp"
#include "spawn.hpp"
#include "verdict.hpp"

namespace bgxfer::inline v0::detail {

namespace {

/// How often connections are looked at that are slower than others, while one has nothing to do: so often at first, and
/// then each time half as often, down to the other, until a connection begins or ends.
constexpr std::chrono::milliseconds relief_interval_min{100};
constexpr std::chrono::seconds relief_interval_max{10};
/// The same where other files have all the connections that an origin gives, and nobody tells when one of them ends.
constexpr std::chrono::seconds held_back_interval_max{1};

/// A connection that breaks off is replaced at once so many times in a row.
constexpr std::uint32_t stumbles_max = 3;

/// What no other source could do better: the disk, the host's limits, the end of the turn.
bool is_ours(const Error& error) {
  return error.context() == ErrorContext::local_file || error.context() == ErrorContext::queue ||
         error.code() == Errc::cancelled || error.code() == Errc::checksum_mismatch ||
         error.code() == Errc::no_progress || is_disk_full(error.code());
}

}  // namespace

/// A further connection at work: its slice, its coroutine's end and its buffer.
struct FileTask::Line {
  Line(std::shared_ptr<Assembly> of, std::size_t source, HostBook::Seat at, ByteRange gap, BufferPool::Loan with)
      : file(std::move(of)), seat(std::move(at)), loan(std::move(with)), slice(*file, source, gap, loan.bytes()) {}

  const std::shared_ptr<Assembly> file;
  HostBook::Seat seat;
  const BufferPool::Loan loan;
  Slice slice;
  asio::cancellation_signal cancel;
  std::optional<Result<void>> outcome{};  ///< Once it has ended.

  /// Ends the line soon, whatever it waits for.
  void drop() {
    slice.drop();
    if (!outcome) cancel.emit(asio::cancellation_type::terminal);
  }
};

/// A place at a source, for the first connection of all.
struct FileTask::First {
  First(std::size_t index, HostBook::Seat at) : source(index), seat(std::move(at)) {}

  std::size_t source;
  HostBook::Seat seat;
};

FileTask::FileTask(std::shared_ptr<const TaskContext> context, asio::any_io_executor strand, Model::Core job,
                   FileIndex file, std::span<std::byte> buffer, std::shared_ptr<const std::atomic<bool>> stopping)
    : file_(
          std::make_shared<Assembly>(std::move(context), std::move(strand), std::move(job), file, std::move(stopping))),
      buffer_(buffer) {}

FileTask::~FileTask() = default;

asio::awaitable<Result<void>> FileTask::run() {
  Result<void> outcome = co_await file_->reopen();
  while (outcome && !file_->finished) {
    {
      Model::Lock lock = file_->context->model->lock();
      file_->wishes_changed(lock);
    }
    file_->wishes_are_new = false;
    const std::optional<ByteRange> gap = file_->first_gap();
    if (!gap && !file_->pending.empty() && !BGXFER_MUTANT(34)) {
      outcome = co_await check_pending();
    } else if (!gap && file_->idle()) {
      break;
    } else if (!gap) {
      outcome = co_await finish();
    } else if (file_->stopping) {
      outcome = file_->cancelled();
    } else if (file_->together()) {
      outcome = co_await fetch_together();
    } else {
      outcome = co_await fetch(*gap);
    }
  }
  file_->let_go(outcome);
  co_return outcome;
}

// --- one connection ---

asio::awaitable<Result<void>> FileTask::fetch(ByteRange gap) {
  if (std::optional<Error> error = file_->nowhere_right()) co_return *std::move(error);
  const std::optional<std::size_t> source = next_source();
  std::optional<Share> share(Share{gap});
  if (source && file_->any_wrong()) share = share_of(*source, 1);
  if (!source || !share) {
    if (std::optional<Error> error = nobody_left()) co_return *std::move(error);
    co_return Result<void>{};
  }
  HostBook::Seat seat = co_await seat_at(*source);
  file_->note_asked(*source, share->local);
  Slice slice(*file_, *source, share->local, buffer_);
  Result<void> fetched = co_await slice.run();
  leave(seat, slice, fetched);
  if (fetched) file_->sources[*source].stumbles = 0;
  if (fetched || file_->stopping) co_return fetched;
  if (goes_on(slice, fetched.error())) co_return Result<void>{};
  if (std::optional<Error> error = source_failed(*source, fetched.error())) co_return *std::move(error);
  co_return Result<void>{};
}

// --- sources ---

std::size_t FileTask::more_at(std::size_t source) const {
  const Source& it = file_->sources[source];
  if (it.failure || it.connections >= it.connections_max) return 0;
  if (it.only_alone) return file_->connections > 0 ? 0 : 1;
  return it.connections_max - it.connections;
}

RangeSet FileTask::taken() const {
  RangeSet all;
  for (const std::shared_ptr<Line>& line : lines_) all.add(line->slice.rest());
  return all;
}

bool FileTask::may_help(std::size_t source) const {
  return !file_->is_shunned(source) || file_->wrong_gap(source, Call::first, taken());
}

/// A piece that was wrong is fetched by itself: whoever is called for it may be silent, and costs nothing else then.
std::optional<Share> FileTask::share_of(std::size_t source, std::size_t connections) const {
  const Assembly& file = *file_;
  const Clock::TimePoint now = file.context->clock().now();
  const RangeSet taken = this->taken();
  if (const std::optional<ByteRange> gap = file.wrong_gap(source, Call::first, taken)) return Share{*gap};
  std::optional<Share> share;
  if (!file.is_shunned(source)) {
    std::vector<InFlight> in_flight;
    for (const std::shared_ptr<Line>& line : lines_) {
      const ByteRange rest = line->slice.rest();
      const bool keeps_it = line->slice.relieved || file.is_barred(source, rest);
      in_flight.push_back(InFlight{rest, line->slice.bytes_per_second(now), keeps_it, line->slice.silent_seconds(now)});
    }
    Cut cut;
    cut.bytes_min = file.context->limits().slice_bytes_min;
    if (file.has_pieces()) {
      cut.align = file.pieces.bytes;
      cut.bytes_min = std::max(cut.bytes_min, cut.align);
    }
    cut.connections = file.sources[source].only_alone ? 1 : connections;
    const std::vector<ByteRange> wishes = file.wishes();
    share = next_share(wishes, file.covered_for(source, taken), in_flight, file.sources[source].bytes_per_second, cut);
  }
  if (share) return share;
  const std::optional<ByteRange> gap = file.wrong_gap(source, Call::last, taken);
  return gap ? std::optional(Share{*gap}) : std::nullopt;
}

/// The next one to ask: none that sends everything, if there is another; of the others one whose origin has room, if
/// any has; of these one that is called for a piece that was wrong; else one with the fewest connections; see
/// `goes_before`. Empty if nobody can be asked, because it has failed, has as many connections as it takes, could not
/// be believed, or has all that is missing wrong.
std::optional<std::size_t> FileTask::next_source() const {
  const std::vector<Source>& sources = file_->sources;
  const HostBook& hosts = *file_->context->hosts;
  const Clock::TimePoint now = file_->context->clock().now();
  // What the URL has is the file, unless there are hashes by which anybody's bytes are judged: at once, or, where its
  // origin has just failed, at the end.
  const bool url_may_wait = file_->sha256 && sources.front().failed_lately;
  const bool url_decides = !file_->bound() && !file_->has_pieces() && !url_may_wait;
  if (url_decides && more_at(0) > 0) return 0;
  const RangeSet taken = this->taken();
  std::optional<std::size_t> best;
  std::tuple<bool, bool, bool> best_rank;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const Source& it = sources[i];
    if (more_at(i) == 0) continue;
    // What a mirror sends can only be judged by what is here already, or by hashes: one connection finds out.
    if (i != file_->home && !it.proven) {
      const Known known = file_->known(it);
      if (known.arrived && !known.trusted && (it.connections > 0 || !file_->any_arrived)) continue;
    }
    if (file_->any_wrong() ? !share_of(i, 1) : file_->is_shunned(i)) continue;
    const bool has_room = sources.size() == 1 || hosts.known(it.origin).has_room(now);
    const bool is_called = file_->wrong_gap(i, Call::first, taken).has_value();
    const std::tuple rank(!it.only_alone, has_room, is_called);
    if (best && (rank != best_rank ? rank < best_rank : !goes_before(it, sources[*best]))) continue;
    best = i;
    best_rank = rank;
  }
  return best;
}

/// Whether the source of a slice that broke off is asked for the rest at once: not where the next turn would do the
/// same, because nobody else is at work or can be asked, and no piece is lost that is not whole.
bool FileTask::goes_on(const Slice& slice, const Error& error) {
  const bool matters = file_->connections > 0 || file_->sources.size() > 1 || file_->has_pieces();
  if (!matters || is_ours(error) || error.code() == Failure::permanent || slice.brought() == 0) return false;
  return ++file_->sources[slice.source()].stumbles <= stumbles_max;
}

/// A connection to a source for a file that has none: other files may have to end theirs first.
asio::awaitable<HostBook::Seat> FileTask::seat_at(std::size_t source) const {
  const TaskContext& context = *file_->context;
  const std::string& origin = file_->sources[source].origin;
  if (std::optional<HostBook::Seat> seat = context.hosts->try_enter(origin, context.clock().now())) {
    co_return *std::move(seat);
  }
  co_return co_await context.hosts->entered(origin, context.model->shared_clock(), file_->strand, file_->stopping);
}

/// One connection has ended: what it has shown is known to all files from now on.
void FileTask::leave(HostBook::Seat& seat, const Slice& slice, const Result<void>& outcome) const {
  const TaskContext& context = *file_->context;
  const Clock::TimePoint now = context.clock().now();
  Visit visit;
  visit.brought = slice.brought();
  if (visit.brought >= context.limits().slice_bytes_min) visit.bytes_per_second = slice.bytes_per_second(now);
  if (!outcome) visit.error = &outcome.error();
  seat.leave(visit, now);
}

/// Notes that a source is not to be asked again in this turn. What the file ends with, if there is no other one.
std::optional<Error> FileTask::source_failed(std::size_t index, const Error& error) {
  std::vector<Source>& sources = file_->sources;
  if (is_ours(error) || sources.size() == 1) return error;
  sources[index].failure = error;
  return nobody_left();
}

std::optional<Error> FileTask::nobody_left() const {
  if (next_source()) return std::nullopt;
  // The job waits if waiting may help with any of them.
  const std::vector<Source>& sources = file_->sources;
  std::optional<Error> why;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (!sources[i].failure) continue;
    if (!file_->is_gone(i)) return sources[i].failure;
    if (!why) why = sources[i].failure;
  }
  if (std::optional<Error> error = file_->nowhere_right()) return error;
  return why;
}

// --- several connections ---

/// Whether parts of the file may come over different connections: what it is has been seen, in this turn or an earlier
/// one, and bytes of another version would be found out.
bool FileTask::may_divide() const {
  const Assembly& file = *file_;
  const Source& home = file.sources[file.home];
  const bool told_apart = !home.validator.empty() || file.has_pieces() || file.sha256;
  const bool seen = file.head_seen || file.any_arrived;
  return seen && file.open && file.size && told_apart && home.refused == 0 && !file.own_method() &&
         !file.download.dynamic_content && !file.restart_wanted;
}

asio::awaitable<Result<void>> FileTask::fetch_together() {
  const Assembly& file = *file_;
  std::optional<Error> error;
  try {
    error = co_await feed_lines();
  } catch (...) {
    // No memory. Nobody is left to wait for the lines, which end by themselves.
    for (const std::shared_ptr<Line>& line : lines_) line->drop();
    throw;
  }
  co_await end_lines();
  publish();
  if (file.stopping) co_return file.cancelled();
  if (file.restart_wanted) {
    std::string why = *file.restart_wanted;
    co_return co_await file_->restart(std::move(why));
  }
  if (error) co_return *std::move(error);
  co_return Result<void>{};
}

/// Keeps as many lines at work as there may be, until nothing is left for them, or something ends them all.
asio::awaitable<std::optional<Error>> FileTask::feed_lines() {
  const Assembly& file = *file_;
  std::optional<Error> error;
  Alarm alarm(file.strand, file.context->model->shared_clock(), [link = std::weak_ptr<Assembly>(file_)] {
    if (const std::shared_ptr<Assembly> it = link.lock()) it->changed.notify();
  });
  Clock::Duration interval = relief_interval_min;
  std::optional<Clock::TimePoint> look;
  for (;;) {
    const std::uint64_t seen = file_->changed.version();
    const std::size_t at_work = lines_.size();
    error = clear_ended_lines();
    if (!error) error = file.nowhere_right();
    if (error || file.stopping || file.restart_wanted || file.wishes_are_new || !file.first_gap()) break;
    bool changed = lines_.size() != at_work;
    if (lines_.empty()) {
      if (const std::optional<std::size_t> source = next_source()) {
        HostBook::Seat seat = co_await seat_at(*source);
        first_ = std::make_unique<First>(*source, std::move(seat));
      }
    }
    while (room_for_lines() > 0 && start_line()) changed = true;
    first_.reset();
    publish();
    if (lines_.empty()) {
      // Sources also fail for what was brought earlier, when a piece or the whole of it is found to be wrong.
      error = nobody_left();
      break;
    }
    // Somebody who has nothing to do looks now and then whether another one has become slow, or, where other files have
    // all that its origin gives, whether there is room.
    const Clock::TimePoint now = file.context->clock().now();
    const bool held_back = room_for_lines() == 0;
    if (changed) {
      interval = relief_interval_min;
    } else if (look && *look <= now) {
      interval = std::min<Clock::Duration>(2 * interval, relief_interval_max);
    }
    if (held_back) interval = std::min<Clock::Duration>(interval, held_back_interval_max);
    // Whoever else wakes it up does not put off a look that is due.
    const Clock::TimePoint due = look && *look > now ? std::min(*look, now + interval) : now + interval;
    look = lines_wanted() > 0 ? std::optional(due) : std::nullopt;
    alarm.set(look);
    co_await file_->changed.changed_since(seen);
  }
  alarm.set(std::nullopt);
  co_return error;
}

/// How many more connections the job allows, and the sources take as far as this file has seen.
std::size_t FileTask::lines_wanted() const {
  const std::size_t most = may_divide() ? file_->connections_max : 1;
  if (lines_.size() >= most) return 0;
  std::size_t wanted = 0;
  for (std::size_t i = 0; i < file_->sources.size(); ++i) {
    if (may_help(i)) wanted += std::min(more_at(i), most);
  }
  return std::min(wanted, most - lines_.size());
}

/// How many of these there is room for beside those of other files.
std::size_t FileTask::room_for_lines() const {
  const std::size_t wanted = lines_wanted();
  if (wanted == 0) return 0;
  const Clock::TimePoint now = file_->context->clock().now();
  std::size_t room = first_ ? 1 : 0;
  for (std::size_t i = 0; i < file_->sources.size(); ++i) {
    if (more_at(i) == 0 || !may_help(i)) continue;
    const Origin origin = file_->context->hosts->known(file_->sources[i].origin);
    if (origin.has_room(now)) room += std::min(origin.connections_max(now) - origin.connections, wanted);
  }
  return std::min(room, wanted);
}

bool FileTask::start_line() {
  const std::unique_ptr<First> first = std::move(first_);
  const std::optional<std::size_t> source = first ? first->source : next_source();
  if (!source) return false;
  const Assembly& file = *file_;
  const Clock::TimePoint now = file.context->clock().now();
  const std::optional<Share> share = share_of(*source, room_for_lines());
  if (!share) return false;

  std::optional<HostBook::Seat> seat =
      first ? std::optional(std::move(first->seat)) : file.context->hosts->try_enter(file.sources[*source].origin, now);
  if (!seat) return false;
  file_->note_asked(*source, share->local);
  auto line = std::make_shared<Line>(file_, *source, *std::move(seat), share->local, file.context->buffers->borrow());
  if (share->from && !share->relieves) lines_[*share->from]->slice.end_at(share->local.offset);
  if (share->from && share->relieves) {
    const std::shared_ptr<Line>& slow = lines_[*share->from];
    slow->slice.relieved = true;
    line->slice.on_first_byte = [slow = std::weak_ptr<Line>(slow)] {
      if (const std::shared_ptr<Line> it = slow.lock()) it->drop();
    };
  }
  lines_.push_back(line);
  ++file_->connections;
  ++file_->sources[*source].connections;
  auto ended = [line](std::exception_ptr thrown) {
    if (thrown) line->outcome = Result<void>(error_of(thrown));
    line->file->changed.notify();
  };
  spawn(file_->strand, run_line(line), asio::bind_cancellation_slot(line->cancel.slot(), std::move(ended)));
  return true;
}

asio::awaitable<void> FileTask::run_line(std::shared_ptr<Line> line) {
  // A cancelled wait resolves like any other: nothing is torn out midway.
  co_await asio::this_coro::throw_if_cancelled(false);
  Result<void> outcome = co_await line->slice.run();
  line->outcome = std::move(outcome);
}

/// Looks at how the lines went that have ended. What the file ends with, if nothing is left to go on with.
std::optional<Error> FileTask::clear_ended_lines() {
  const Clock::TimePoint now = file_->context->clock().now();
  for (std::size_t i = 0; i < lines_.size();) {
    const std::shared_ptr<Line> line = lines_[i];
    Source& source = file_->sources[line->slice.source()];
    if (const double speed = line->slice.bytes_per_second(now); speed > 0) source.bytes_per_second = speed;
    if (!line->outcome) {
      ++i;
      continue;
    }
    lines_.erase(lines_.begin() + static_cast<std::ptrdiff_t>(i));
    count_out(*line);
    const Result<void>& outcome = *line->outcome;
    leave(line->seat, line->slice, outcome);
    if (outcome) {
      source.stumbles = 0;
      continue;
    }
    const Error& error = outcome.error();
    if (error.code() == Errc::cancelled) continue;
    if (is_ours(error)) return error;
    // One that had begun may be replaced while others work; one that was turned down shows how many the source takes
    // (bad-servers.md row 58).
    const bool replaced = goes_on(line->slice, error);
    if (source.connections > 0) {
      // How many its origin takes is known to the book.
      const bool turned_down = line->slice.brought() == 0 && refusal_of(error) != Refusal::none;
      if (!replaced && !turned_down) source.connections_max = source.connections;
    } else if (!replaced) {
      if (std::optional<Error> all = source_failed(line->slice.source(), error); all && lines_.empty()) return all;
    }
  }
  return std::nullopt;
}

void FileTask::count_out(const Line& line) {
  --file_->connections;
  --file_->sources[line.slice.source()].connections;
  if (!file_->bound()) file_->head_seen = false;  // The next head may be that of any version.
}

asio::awaitable<void> FileTask::end_lines() {
  for (const std::shared_ptr<Line>& line : lines_) line->drop();
  while (!lines_.empty()) {
    const std::uint64_t seen = file_->changed.version();
    std::erase_if(lines_, [this](const std::shared_ptr<Line>& line) {
      if (line->outcome) count_out(*line);
      return line->outcome.has_value();
    });
    if (!lines_.empty()) co_await file_->changed.changed_since(seen);
  }
}

/// Lets the host see which connection brings what.
void FileTask::publish() const {
  const Clock::TimePoint now = file_->context->clock().now();
  std::vector<FileConnection> shown;
  for (const std::shared_ptr<Line>& line : lines_) {
    FileConnection one;
    one.url = file_->sources[line->slice.source()].url;
    one.rest = line->slice.rest();
    one.bytes_received = line->slice.brought();
    one.bytes_per_second = static_cast<std::uint64_t>(line->slice.bytes_per_second(now));
    one.relieved = line->slice.relieved;
    shown.push_back(std::move(one));
  }
  Model::Lock lock = file_->context->model->lock();
  auto& all = file_->job->connections;
  if (shown.empty()) {
    all.erase(static_cast<std::uint32_t>(file_->file));
  } else {
    all[static_cast<std::uint32_t>(file_->file)] = std::move(shown);
  }
}

// --- the end ---

/// Looks at pieces that are on disk and were not looked at, because whoever brought their last byte was not waited for.
asio::awaitable<Result<void>> FileTask::check_pending() {
  const std::vector<ByteRange> unverified = file_->pending.ranges();
  for (ByteRange range : unverified) {
    for (std::uint64_t at = range.offset; at < range.end(); at = file_->piece_with(at).end()) {
      Result<void> checked = co_await file_->check_piece(at, nullptr, buffer_);
      if (!checked) co_return checked;
      if (file_->stopping) co_return file_->cancelled();
    }
  }
  if (file_->pending.ranges() != unverified) co_return Result<void>{};
  co_return co_await file_->restart("pieces of it cannot be looked at");  // Never the same again and again.
}

asio::awaitable<Result<void>> FileTask::finish() {
  Assembly& file = *file_;
  const Model::Core& job = file.job;
  if (!file.open) {
    Result<void> made = co_await file.make_file();
    if (!made) co_return made;
  }
  if (file.expected_size && file.size != file.expected_size) {
    co_return file.wrong_size(file.size.value_or(0), file.sources[file.home]);
  }
  Result<std::uint64_t> on_disk = co_await file.open->partial->size();
  if (!on_disk) co_return on_disk.error();
  if (*on_disk != *file.size) {
    Result<void> restarted = co_await file.restart("somebody else changed the temporary file");
    if (!restarted) co_return restarted;
    co_return Error(Errc::partial_file_changed, ErrorContext::local_file, file.place.temporary().string());
  }
  if (file.sha256) {
    Result<void> verified = co_await verify();
    if (!verified) co_return verified;
    if (!file.open || file.first_gap()) co_return Result<void>{};  // Dropped, to be fetched once more.
  }
  if (*file.size == 0) {
    // No later sync would find a byte to care for, and the name has to last as well.
    Result<void> named = co_await file.open->partial->sync();
    if (!named) co_return named;
  }
  if (file.wanted_attributes != FileAclFlags::none) {
    Result<void> preserved = co_await preserve();
    if (!preserved) co_return preserved;
  }
  if (file.stopping) co_return file.cancelled();

  const TaskContext& context = *file.context;
  Model::Lock lock = context.model->lock();
  if (file.open->failed || file.superseded(lock) || is_final(job->record.state)) co_return file.overtaken();
  const FileAclFlags preserved = file.attributes ? file.wanted_attributes : FileAclFlags::none;
  context.model->commit(lock, *job,
                        FileFinished{job->record.id, file.file, file.generation, *file.identity, *file.size,
                                     file.modified, false, preserved});
  context.model->move(lock, *job, Stimulus::file_finished);
  job->restarts.erase(static_cast<std::uint32_t>(file.file));
  job->distrusted.erase(static_cast<std::uint32_t>(file.file));
  job->wrong_pieces.erase(static_cast<std::uint32_t>(file.file));
  if (context.checkpoint) context.checkpoint->finished(lock, job, file.file);
  file.finished = true;
  co_return Result<void>{};
}

/// Gives the file what it is to take over from its source (spec part 3.15).
asio::awaitable<Result<void>> FileTask::preserve() {
  Assembly& file = *file_;
  if (!file.head_seen) {
    // Every byte had arrived in an earlier turn: the head alone is missing.
    Slice slice(file, file.home, ByteRange{}, buffer_);
    Result<void> seen = co_await slice.look();
    if (!seen) co_return seen;
  }
  if (!file.attributes) co_return Result<void>{};
  // Attributes are not data, so this syncs the file.
  const PolicyCall<void> set = [&file] {
    return file.open->partial->set_attributes(*file.attributes, file.wanted_attributes);
  };
  std::shared_ptr<OpenFile> open = file.open;
  std::shared_ptr<JournalPump> pump = file.context->pump;
  co_return co_await sync_noted(std::move(open), std::move(pump), set);
}

/// Reads what the digest has not seen on the way, and compares.
asio::awaitable<Result<void>> FileTask::verify() {
  Assembly& file = *file_;
  std::shared_ptr<Hasher> hasher = file.hasher;
  if (!hasher) hasher = std::make_shared<Hasher>(file.context->executor, file.context->sha256);
  co_await hasher->idle();
  if (!hasher->next()) hasher->begin(0);
  bool other_half = false;
  const std::size_t half = buffer_.size() / 2;
  while (*hasher->next() < *file.size) {
    const std::uint64_t at = *hasher->next();
    other_half = !other_half;
    std::span<std::byte> room = other_half ? buffer_.subspan(half) : buffer_.first(half);
    room = room.first(std::min<std::uint64_t>(room.size(), *file.size - at));
    Result<std::size_t> count = co_await file.open->partial->read(at, room);
    if (file.stopping || !count || *count == 0) {
      co_await hasher->idle();
      if (file.stopping) co_return file.cancelled();
      if (!count) co_return count.error();
      co_return Error(Errc::partial_file_changed, ErrorContext::local_file, file.place.temporary().string());
    }
    co_await hasher->feed(at, room.first(*count));
  }
  co_await hasher->idle();
  const Sha256 found = hasher->finish();
  co_return co_await verified(found == *file.sha256 || BGXFER_MUTANT(26), found);
}

asio::awaitable<Result<void>> FileTask::verified(bool right, const Sha256& found) {
  Assembly& file = *file_;
  if (right) co_return Result<void>{};
  std::vector<Source>& sources = file.sources;
  const std::string url = public_url(sources[file.home].url);
  const std::string what = url + ": " + found.to_string() + " instead of " + file.sha256->to_string();
  // Mirrors are suspected first. What they brought is fetched again, from others; all of it where the file began with
  // one, for nobody knows then who brought what earlier turns left.
  bool suspects = false;
  RangeSet kept = file.arrived;
  for (std::size_t i = 1; i < sources.size(); ++i) {
    if (sources[i].brought.empty() && i != file.home) continue;
    suspects = true;
    for (ByteRange range : sources[i].brought.ranges()) kept.subtract(range);
    sources[i].failure = Error(Errc::checksum_mismatch, ErrorContext::remote_file, what);
  }
  if (suspects) {
    if (file.home != 0) {
      sources.front().failed_lately = false;  // Whoever is asked before it may lie as well.
      co_return co_await file.restart("its SHA-256 is wrong; once more, from elsewhere");
    }
    file.context->log().say(LogEvent::file_share_dropped, what, file.job->record.id, file.file);
    co_return co_await file.keep_only(std::move(kept));
  }
  if (!file.past_caches) {
    // A cache on the way may keep what was damaged, or old (bad-servers.md rows 30 and 31).
    file.distrust_caches(file.context->model->lock());
    co_return co_await file.restart("its SHA-256 is wrong; once more, past every cache");
  }
  Result<void> restarted = co_await file.restart("its SHA-256 is wrong");
  if (!restarted) co_return restarted;
  co_return Error(Errc::checksum_mismatch, ErrorContext::remote_file, what);
}

}  // namespace bgxfer::inline v0::detail
