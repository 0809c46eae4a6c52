#include "assembly.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "../base/mutant.hpp"
#include "../model/secrets.hpp"
#include "../model/validate.hpp"
#include "verdict.hpp"

namespace bgxfer::inline v0::detail {

namespace {

/// Smaller files are not worth a question about free space, nor setting space aside.
constexpr std::uint64_t reserve_bytes_min = 1024 * 1024;

bool touch(ByteRange a, ByteRange b) { return a.offset < b.end() && b.offset < a.end(); }

Error blame(Errc code, ErrorContext where, std::string detail) { return Error(code, where, std::move(detail)); }

}  // namespace

Assembly::Assembly(std::shared_ptr<const TaskContext> with, asio::any_io_executor executor, Model::Core owner,
                   FileIndex index, std::shared_ptr<const std::atomic<bool>> stop)
    : context(std::move(with)),
      strand(std::move(executor)),
      job(std::move(owner)),
      file(index),
      turn(std::move(stop)),
      stopping(*turn) {
  Model::Lock lock = context->model->lock();
  const FileRecord& record = job->record.files[static_cast<std::size_t>(file)];
  sources.emplace_back(record.url);
  place = place_of(job->record, file);
  http = job->record.options.http;
  download = job->record.options.download;
  wanted_attributes = job->record.options.file_acl_flags;
  connections_max = job->record.options.connections_per_file;
  const IdentityOptions& identity_of = job->record.options.identity;
  if (has(identity_of.usage, IdentityUsage::network) && identity_of.helper) {
    on_behalf = std::make_shared<const HelperIdentity>(*identity_of.helper);
  }
  generation = record.generation;
  if (record.size != size_unknown) size = record.size;
  if (!BGXFER_MUTANT(25)) expected_size = record.expected_size();
  past_caches = job->distrusted.contains(static_cast<std::uint32_t>(file));
  if (!record.facts) return;

  const FileFacts& facts = *record.facts;
  layout = Layout(facts.ranges, facts.placed_at);
  sha256 = facts.sha256;
  pieces = facts.pieces;
  any_arrived = !facts.arrived.empty();
  if (any_arrived) disk_end_ = facts.arrived.ranges().back().end();
  arrived = layout.holes();
  for (ByteRange range : facts.arrived.ranges()) arrived.add(range);
  reported = facts.reported;
  for (const std::string& mirror : facts.mirrors) sources.emplace_back(mirror);
  recall_sources();
  if (has_pieces()) {
    std::shared_ptr<WrongPieces>& known = job->wrong_pieces[static_cast<std::uint32_t>(file)];
    if (!known) known = std::make_shared<WrongPieces>();
    wrong_ = known;
  }
  if (facts.source < sources.size()) {
    home = facts.source;
    sources[home].validator = facts.validator;
  }
  if (facts.resource_size != size_unknown) resource_size = facts.resource_size;
  modified = facts.modified;
  if (record.stage == FileStage::started) identity = facts.identity;
  if (hashes_whole()) hasher = std::make_shared<Hasher>(context->executor, context->sha256);
}

/// What the queue knows of the sources. One that has to choose nothing needs nothing of it.
void Assembly::recall_sources() {
  if (sources.size() == 1 && !together()) return;
  const Clock::TimePoint now = context->clock().now();
  for (Source& source : sources) {
    const Origin known = context->hosts->known(source.origin);
    source.bytes_per_second = known.bytes_per_second;
    source.failed_lately = known.failed_lately(now);
  }
}

/// Mirrors that had another file are asked after others for a while, also for other files.
void Assembly::remember_sources() const {
  const Clock::TimePoint now = context->clock().now();
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (i == home) continue;
    const std::optional<Error>& failure = sources[i].failure;
    const bool differs =
        failure && (failure->code() == Errc::checksum_mismatch || failure->code() == Errc::resource_changed);
    if (differs || sources[i].pieces_wrong > 0) context->hosts->distrust(sources[i].origin, now);
  }
}

// --- what is wanted ---

std::vector<ByteRange> Assembly::wishes() const {
  // Whose pieces the host knows is as large as it says, or nothing.
  const std::optional<std::uint64_t> end = size || !has_pieces() ? size : expected_size;
  return in_order(ByteRange{0, end.value_or(ByteRange::to_end)}, wanted, download.on_demand);
}

bool Assembly::idle() const { return download.on_demand && !ended && (!size || gap_in(ByteRange{0, *size})); }

std::uint64_t Assembly::first_missing(std::uint64_t local) const {
  const std::optional<ByteRange> gap = gap_in(ByteRange{local, ByteRange::to_end});
  return gap ? gap->offset : ByteRange::to_end;
}

bool Assembly::is_first_gap(std::uint64_t local) const { return first_missing(0) == local; }

bool Assembly::wishes_changed(const Model::Lock&) {
  if (job->wishes_edition == wishes_edition_) return false;
  wishes_edition_ = job->wishes_edition;
  if (job->sequential.contains(static_cast<std::uint32_t>(file))) return false;
  const auto found = job->wishes.find(static_cast<std::uint32_t>(file));
  if (found == job->wishes.end()) return false;
  wanted = found->second;
  if (has_pieces()) wanted.ranges = in_whole(wanted.ranges, pieces.bytes, *expected_size);
  wishes_are_new = true;
  return true;
}

Result<void> Assembly::check_wishes() {
  if (!size || wanted.ranges.empty()) return {};
  Model::Lock lock = context->model->lock();
  for (ByteRange wish : wanted.ranges.ranges()) {
    if (wish.offset < *size && (wish.end() <= *size || wish.end() == ByteRange::to_end)) continue;
    // Forgotten, so that the next resume does not fail for the same reason.
    job->wishes[static_cast<std::uint32_t>(file)].ranges.subtract(ByteRange{*size, ByteRange::to_end});
    ++job->wishes_edition;
    if (!download.on_demand) return {};
    return blame(Errc::invalid_range, ErrorContext::remote_file,
                 public_url(sources[home].url) + " has " + std::to_string(*size) +
                     " bytes; a range was asked for that ends after that");
  }
  return {};
}

Result<void> Assembly::lose_random_access(bool unproven) {
  if (download.on_demand) {
    return blame(Errc::random_access_unsupported, ErrorContext::remote_file,
                 public_url(sources[home].url) +
                     (unproven ? ": the server tells no version of it" : ": the server sends no parts"));
  }
  wanted = Wishes();
  Model::Lock lock = context->model->lock();
  job->sequential.insert(static_cast<std::uint32_t>(file));
  job->changed.notify();
  return {};
}

void Assembly::note_head(const Model::Lock&, const ResponseHead& head) {
  const auto index = static_cast<std::uint32_t>(file);
  if (!job->response_headers.contains(index)) job->answered.push_back(index);
  job->response_headers[index] = head.headers;
  while (job->answered.size() > context->limits().response_headers_files_max) {
    job->response_headers.erase(job->answered.front());
    job->answered.pop_front();
  }
}

RangeSet Assembly::covered() const {
  RangeSet all = arrived;
  for (ByteRange range : pending.ranges()) all.add(range);
  return all;
}

std::optional<ByteRange> Assembly::gap_in(ByteRange range) const {
  ByteRange rest = range;
  while (std::optional<ByteRange> gap = arrived.first_gap(rest)) {
    if (const std::optional<ByteRange> missing = pending.first_gap(*gap)) return missing;
    rest = ByteRange::between(gap->end(), range.end());
  }
  return std::nullopt;
}

/// The first run that nobody has written or is writing: two connections may bring the same bytes, and what one of them
/// has hashed is to stay what is on disk.
std::optional<ByteRange> Assembly::unwritten_in(ByteRange range) const {
  ByteRange rest = range;
  while (std::optional<ByteRange> gap = gap_in(rest)) {
    const std::optional<ByteRange> unwritten = BGXFER_MUTANT(33) ? gap : being_written_.first_free(*gap);
    if (unwritten) return unwritten;
    rest = ByteRange::between(gap->end(), range.end());
  }
  return std::nullopt;
}

std::optional<ByteRange> Assembly::first_gap() const {
  if (ended) return std::nullopt;
  for (ByteRange wish : wishes()) {
    if (const std::optional<ByteRange> gap = gap_in(wish)) return gap;
  }
  return std::nullopt;
}

ByteRange Assembly::piece_with(std::uint64_t local) const {
  const std::uint64_t begin = local - local % pieces.bytes;
  return {begin, std::min(pieces.bytes, *expected_size - begin)};
}

Known Assembly::known(const Source& source) const {
  Known known;
  known.resource_size = resource_size;
  known.arrived = bound();
  // The host's hashes decide, whatever the server calls the version. That a mirror was compared once decides nothing:
  // without a validator nothing tells whether it has still what it had then.
  known.trusted = has_pieces() || (together() && sha256);
  if (!has_pieces()) known.validator = source.validator;
  if (&source == &sources[home]) known.modified = modified;
  return known;
}

bool Assembly::bound() const noexcept { return any_arrived || !pending.empty() || (head_seen && connections > 0); }

bool Assembly::own_method() const noexcept { return http.method != default_method; }

// --- the temporary file ---

asio::awaitable<Result<void>> Assembly::reopen() {
  if (any_arrived && own_method()) co_return co_await restart("what " + http.method + " fetches is not resumed");
  if (!any_arrived) {
    // Nothing to keep: the file is made anew once the server has answered.
    identity.reset();
    co_return Result<void>{};
  }
  if (download.dynamic_content) co_return co_await begin_anew();
  OpenPartial request(place);
  request.expected = identity;
  Result<std::unique_ptr<PartialFile>> opened = co_await context->storage->open(std::move(request));
  if (!opened) {
    const std::error_code code = opened.error().code();
    if (code == Errc::partial_file_changed || code == std::errc::no_such_file_or_directory) {
      co_return co_await restart("the temporary file is not there any more");
    }
    co_return opened.error();
  }
  std::shared_ptr<PartialFile> partial = *std::move(opened);
  Result<std::uint64_t> on_disk = co_await partial->size();
  if (!on_disk) co_return on_disk.error();
  if (disk_end_ > *on_disk) {
    co_return co_await restart("the temporary file is shorter than what arrived");
  }
  open = std::make_shared<OpenFile>(job, file, generation, std::move(partial));
  open->noted = true;
  co_return Result<void>{};
}

asio::awaitable<Result<void>> Assembly::make_file() {
  const bool reserves = size && *size >= reserve_bytes_min && layout.holes().empty();
  if (reserves) {
    Result<std::uint64_t> free = co_await context->storage->free_bytes(place.target.parent_path());
    if (free && *free < *size) {
      co_return Error(std::make_error_code(std::errc::no_space_on_device), ErrorContext::local_file,
                      place.target.string() + ": needs " + std::to_string(*size) + " bytes, " + std::to_string(*free) +
                          " are free");
    }
  }
  OpenPartial request(place);
  Result<std::unique_ptr<PartialFile>> opened = co_await context->storage->open(std::move(request));
  if (!opened) co_return opened.error();
  std::shared_ptr<PartialFile> partial = *std::move(opened);
  if (reserves) {
    Result<void> reserved = co_await partial->reserve(*size);
    if (!reserved) co_return reserved;
  }
  identity = partial->identity();
  open = std::make_shared<OpenFile>(job, file, generation, std::move(partial));

  // The model knows at once; the journal when there is something to claim, so that a small file is one record.
  Model::Lock lock = context->model->lock();
  // A file that has just begun has no other generation to tell by.
  const bool moved = job->record.files[static_cast<std::size_t>(file)].url != sources.front().url;
  if (superseded(lock) || moved) co_return overtaken();
  apply(job->record, started());
  co_return Result<void>{};
}

// --- the resource ---

asio::awaitable<Result<void>> Assembly::learn(const ResponseHead& head, std::size_t index, const std::string& asked) {
  Source& source = sources[index];
  if (head.resource_size && !layout.fits(*head.resource_size)) {
    co_return blame(
        Errc::invalid_range, ErrorContext::remote_file,
        public_url(source.url) + " has " + std::to_string(*head.resource_size) + " bytes; a range ends after that");
  }
  const bool anew =
      !bound();  // Nothing is here of what an earlier response told about: this one may be of another version.
  const std::optional<std::uint64_t> total = head.resource_size || anew ? head.resource_size : resource_size;
  const std::optional<std::uint64_t> found = layout.size(total);
  if (found && expected_size && *found != *expected_size) co_return wrong_size(*found, source);
  if (!found && expected_size && layout.whole() && head.granted.length != ByteRange::to_end &&
      head.granted.end() > *expected_size) {
    co_return wrong_size(head.granted.end(), source);
  }
  if (anew) {
    for (Source& other : sources) other.validator.clear();
    home = index;
    size = expected_size;
    believe(head, index);
  }
  resource_size = total;
  if (found) size = found;
  if (!size && !head.delimited && !sha256 && !download.dynamic_content) {
    co_return blame(Errc::unproven_end, ErrorContext::remote_file, public_url(source.url));
  }
  if (head.last_modified) modified = head.last_modified;
  if (index == 0) {  // What a mirror does is not the file's URL (spec part 3.9).
    const bool told = http.redirects.mode == RedirectMode::report && head.final_url != asked;
    note_redirect(told ? head.final_url : std::string());
  }
  head_seen = true;
  attributes = head.attributes;
  if (size && download.size_max && *size > *download.size_max) {
    // Before room is set aside for it.
    co_return blame(Errc::download_too_large, ErrorContext::queue,
                    public_url(source.url) + " has " + std::to_string(*size) + " bytes (DownloadOptions::size_max)");
  }
  if (!open) {
    Result<void> made = co_await make_file();
    if (!made) co_return made;
  }
  if (std::optional<Error> error = too_large()) co_return *std::move(error);
  changed.notify();
  co_return check_wishes();
}

void Assembly::believe(const ResponseHead& head, std::size_t index) {
  Source& source = sources[index];
  source.proven = true;
  // What proves the version of bytes that are here came with them.
  if (has_pieces() || (source.validator.empty() && (!bound() || index != home))) source.validator = head.validator;
}

void Assembly::note_redirect(std::string url) {
  if (!url.empty() && !validate_url(url, context->limits())) url.clear();  // No better than none.
  if (url == reported) return;
  Model::Lock lock = context->model->lock();
  const bool moved = job->record.files[static_cast<std::size_t>(file)].url != sources.front().url;
  if (superseded(lock) || moved) return;
  reported = url;
  context->model->commit(lock, *job, Redirected{job->record.id, file, std::move(url)});
}

Result<void> Assembly::learn_size(std::uint64_t found) {
  if (!layout.fits(found)) {
    return blame(Errc::invalid_range, ErrorContext::remote_file,
                 public_url(sources[home].url) + " has " + std::to_string(found) + " bytes; a range ends after that");
  }
  resource_size = found;
  size = layout.size(found);
  Model::Lock lock = context->model->lock();
  // Of a file that is not made yet, it is said once it is.
  if (identity && !superseded(lock)) context->model->commit(lock, *job, started());
  return {};
}

// --- bytes ---

asio::awaitable<Result<bool>> Assembly::store(std::uint64_t local, std::span<const std::byte> bytes,
                                              std::size_t source) {
  const ByteRange chunk{local, bytes.size()};
  ByteRange rest = chunk;
  std::uint64_t count = 0;
  const std::shared_ptr<OpenFile> into = open;
  while (std::optional<ByteRange> gap = unwritten_in(rest)) {
    const std::span<const std::byte> part =
        bytes.subspan(static_cast<std::size_t>(gap->offset - local), static_cast<std::size_t>(gap->length));
    std::optional<BusyRanges::Mark> mark;
    if (together()) mark.emplace(being_written_, *gap);
    Result<void> written = co_await into->partial->write(gap->offset, part);
    mark.reset();
    if (!written) co_return written.error();
    count += gap->length;
    if (sources.size() > 1) sources[source].brought.add(*gap);
    if (has_pieces()) {
      pending.add(*gap);
    } else {
      note_arrived(*gap);
    }
    rest = ByteRange::between(gap->end(), chunk.end());
  }
  if (journal_lags()) co_await context->pump->written(claimed_until_);
  co_return count == chunk.length;
}

void Assembly::count_received(std::size_t bytes) {
  context->model->meter.bytes_received.add(bytes);
  Model::Lock lock = context->model->lock();
  job->bytes_received += bytes;
}

void Assembly::note_arrived(ByteRange range) {
  arrived.add(range);
  any_arrived = true;
  unclaimed_.add(range);
  Model::Lock lock = context->model->lock();
  if (superseded(lock)) {
    open->failed = true;
    return;
  }
  context->model->arrived(lock, *job, file, range);
  // Routine progress is what a high-performance job does without (spec part 2.4).
  if (download.high_performance) return;
  if (context->checkpoint) context->checkpoint->dirty(lock, open);
  if (unclaimed_.bytes() >= std::max<std::uint64_t>(1, context->limits().claim_bytes / 2)) claim(lock);
}

/// What the journal has been told and has not written yet would be lost with the process.
bool Assembly::journal_lags() {
  if (!context->pump || download.high_performance) return false;
  if (at_risk_ + unclaimed_.bytes() < context->limits().claim_bytes) return false;
  if (context->pump->journal().written() < claimed_until_) return true;
  at_risk_ = 0;
  return false;
}

FileStarted Assembly::started() const {
  assert(identity);
  return FileStarted{job->record.id,
                     file,
                     generation,
                     *identity,
                     size.value_or(size_unknown),
                     resource_size.value_or(size_unknown),
                     sources[home].validator,
                     modified,
                     static_cast<std::uint32_t>(home),
                     reported};
}

void Assembly::claim(const Model::Lock& lock) {
  if (download.high_performance) return;
  if (unclaimed_.empty() || !identity || superseded(lock)) return;
  if (!std::exchange(open->noted, true)) context->model->commit(lock, *job, started());
  context->model->commit(lock, *job,
                         FileProgressed{job->record.id, file, generation, BGXFER_MUTANT(6), unclaimed_.ranges()});
  if (context->pump) {
    const Journal& journal = context->pump->journal();
    if (journal.written() >= claimed_until_) at_risk_ = 0;  // The claims before this one are safe.
    at_risk_ += unclaimed_.bytes();
    claimed_until_ = journal.added();
  }
  unclaimed_.clear();
}

void Assembly::let_go(const Result<void>& outcome) {
  remember_sources();
  if (finished) return;
  const bool disk_failed = !outcome && open && outcome.error().context() == ErrorContext::local_file &&
                           outcome.error().code() != Errc::checksum_mismatch &&
                           outcome.error().code() != Errc::attributes_denied && !is_disk_full(outcome.error().code());
  Model::Lock lock = context->model->lock();
  if (disk_failed) {
    context->model->forget_unsynced_bytes(lock, *job, file);
  } else {
    claim(lock);
  }
}

asio::awaitable<Result<void>> Assembly::pace(std::size_t bytes) {
  Clock& clock = context->clock();
  const Clock::TimePoint now = clock.now();
  Clock::TimePoint until = now;
  {
    Model::Lock lock = context->model->lock();
    until = std::max(job->pacer.pay(bytes, now), context->model->pacer(lock).pay(bytes, now));
  }
  if (until > now) co_await clock.sleep_until(until);
  if (stopping) co_return cancelled();
  co_return Result<void>{};
}

// --- pieces ---

/// However the look at a piece ends, by an exception too, somebody may look at it again.
struct Assembly::BeingChecked {
  BeingChecked(std::set<std::uint64_t>& home, std::uint64_t piece) : all(home), index(piece) {}
  BeingChecked(const BeingChecked&) = delete;
  BeingChecked& operator=(const BeingChecked&) = delete;
  ~BeingChecked() { all.erase(index); }

  std::set<std::uint64_t>& all;
  const std::uint64_t index;
};

asio::awaitable<Result<void>> Assembly::check_piece(std::uint64_t local, Hasher* seen, std::span<std::byte> buffer) {
  const ByteRange piece = piece_with(local);
  const std::uint64_t index = piece.offset / pieces.bytes;
  if (!pending.contains(piece) || !being_checked_.insert(index).second) co_return Result<void>{};
  const BeingChecked check{being_checked_, index};
  const std::uint32_t version = generation;
  Sha256 found;
  if (seen) co_await seen->idle();
  if (seen && seen->next() == piece.end()) {
    found = seen->finish();
  } else {
    const std::unique_ptr<Sha256Stream> stream = context->sha256();
    const std::shared_ptr<OpenFile> from = open;
    for (std::uint64_t at = piece.offset; at < piece.end();) {
      const std::span<std::byte> room = buffer.first(std::min<std::uint64_t>(buffer.size(), piece.end() - at));
      Result<std::size_t> count = co_await from->partial->read(at, room);
      if (!count) co_return count.error();
      if (*count == 0)
        co_return blame(Errc::partial_file_changed, ErrorContext::local_file, place.temporary().string());
      stream->update(room.first(*count));
      at += *count;
    }
    found = stream->finish();
  }
  // Meanwhile the file may have started again.
  if (version != generation || !pending.contains(piece)) co_return Result<void>{};
  pending.subtract(piece);
  if (found != pieces.sha256[index] && !BGXFER_MUTANT(32)) {
    piece_is_wrong(index, found);
    co_return Result<void>{};
  }
  wrong_->came_right(index);
  note_arrived(piece);
  co_return Result<void>{};
}

/// It is missing again, and fetched once more: `WrongPieces` tells by whom.
void Assembly::piece_is_wrong(std::uint64_t index, const Sha256& found) {
  const ByteRange piece = piece_at(index);
  std::string what = public_url(sources[home].url) + ": the piece at " + std::to_string(piece.offset) + " has " +
                     found.to_string() + " instead of " + pieces.sha256[index].to_string();
  context->log().say(LogEvent::file_piece_wrong, what, job->record.id, file);
  ++times_wrong;
  std::optional<std::size_t> from;
  if (sources.size() == 1) from = 0;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (sources[i].brought.contains(piece)) {
      ++sources[i].pieces_wrong;
      from = i;
    }
    sources[i].brought.subtract(piece);
  }
  wrong_->came_wrong(index, from, blame(Errc::checksum_mismatch, ErrorContext::remote_file, std::move(what)));
  changed.notify();  // Somebody may have nothing to do.
}

void Assembly::note_asked(std::size_t source, ByteRange local) {
  if (!any_wrong()) return;
  for (const std::uint64_t index : wrong_->all()) {
    const ByteRange piece = piece_at(index);
    if (!touch(piece, local)) continue;
    const std::optional<std::size_t> began = who_began(piece);
    if (began == source) continue;  // It goes on.
    wrong_->is_asked(index, source);
    if (began) {
      // All of it comes from one source, so that it is known who has it right. Nobody is at work on it (see
      // `is_barred`).
      pending.subtract(piece);
      for (Source& it : sources) it.brought.subtract(piece);
      ++times_wrong;
    }
    if (!past_caches && wrong_->may_be_cached(index, source)) distrust_caches(context->model->lock());
  }
}

bool Assembly::is_gone(std::size_t source) const {
  const std::optional<Error>& failure = sources[source].failure;
  if (!failure) return false;
  // A mirror that differs from what is here does not change for being waited for.
  const bool differs = source > 0 && failure->code() == Errc::resource_changed;
  return differs || is_for_good(*failure);
}

std::vector<Standing> Assembly::standings() const {
  std::vector<Standing> all;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    all.push_back(is_gone(i) ? Standing::gone : sources[i].failure ? Standing::away : Standing::here);
  }
  return all;
}

/// Of several sources the one that has brought a part of the piece; the last of them if there are more.
std::optional<std::size_t> Assembly::who_began(ByteRange piece) const {
  for (std::size_t i = sources.size(); i-- > 0;) {
    if (sources[i].brought.first_gap(piece) != piece) return i;
  }
  return std::nullopt;
}

/// When the source is asked for a piece that was wrong. Whoever has begun to bring it goes on.
Call Assembly::call_for(std::uint64_t index, std::size_t source, const std::vector<Standing>& standing) const {
  const std::optional<std::size_t> began = who_began(piece_at(index));
  const bool goes_on = began && standing[*began] == Standing::here && !wrong_->is_spent(index, *began);
  if (goes_on) return began == source ? Call::first : Call::never;
  return wrong_->call(index, source, standing);
}

/// Whether the source neither is asked for a piece that was wrong nor takes it over.
bool Assembly::is_kept_from(std::uint64_t index, std::size_t source, const std::vector<Standing>& standing) const {
  const std::optional<std::size_t> began = who_began(piece_at(index));
  return (began && began != source) || call_for(index, source, standing) == Call::never;
}

std::optional<ByteRange> Assembly::wrong_gap(std::size_t source, Call call, const RangeSet& taken) const {
  if (!any_wrong()) return std::nullopt;
  const std::vector<Standing> standing = standings();
  const std::vector<std::uint64_t> all = wrong_->all();
  for (ByteRange wish : wishes()) {
    for (const std::uint64_t index : all) {
      const ByteRange piece = piece_at(index);
      if (piece.offset < wish.offset || piece.offset >= wish.end()) continue;
      if (call_for(index, source, standing) != call) continue;
      std::optional<ByteRange> gap = gap_in(piece);
      if (gap && who_began(piece).value_or(source) != source) gap = piece;
      if (gap && taken.first_gap(*gap) == gap) return gap;
    }
  }
  return std::nullopt;
}

RangeSet Assembly::covered_for(std::size_t source, const RangeSet& taken) const {
  RangeSet all = covered();
  if (!any_wrong()) return all;
  const std::vector<Standing> standing = standings();
  for (const std::uint64_t index : wrong_->all()) {
    const ByteRange piece = piece_at(index);
    const bool in_work = taken.first_gap(piece) != piece;
    if (!in_work || is_kept_from(index, source, standing)) all.add(piece);
  }
  return all;
}

bool Assembly::is_barred(std::size_t source, ByteRange local) const {
  if (!any_wrong()) return false;
  const std::vector<Standing> standing = standings();
  const std::vector<std::uint64_t> all = wrong_->all();
  return std::any_of(all.begin(), all.end(), [&](std::uint64_t index) {
    return touch(piece_at(index), local) && is_kept_from(index, source, standing);
  });
}

bool Assembly::is_shunned(std::size_t source) const {
  const std::uint32_t wrong = sources[source].pieces_wrong;
  if (wrong == 0) return false;
  return std::any_of(sources.begin(), sources.end(), [&](const Source& other) {
    return !other.failure && other.pieces_wrong == 0 && (!other.brought.empty() || wrong > 1);
  });
}

std::optional<Error> Assembly::nowhere_right() const {
  return any_wrong() ? wrong_->nowhere_right(standings()) : std::nullopt;
}

void Assembly::distrust_caches(const Model::Lock&) {
  past_caches = true;
  job->distrusted.insert(static_cast<std::uint32_t>(file));
}

// --- starting again ---

/// Recorded and durable before a byte is overwritten, so that no crash can mix two versions.
asio::awaitable<Result<void>> Assembly::restart(std::string why) {
  const std::string url = public_url(sources[home].url);
  context->log().say(LogEvent::file_restarted, url + ": " + why, job->record.id, file);
  std::uint32_t restarts = 0;
  {
    Model::Lock lock = context->model->lock();
    restarts = ++job->restarts[static_cast<std::uint32_t>(file)];
  }
  if (restarts > context->limits().restarts_max) {
    co_return blame(Errc::no_progress, ErrorContext::remote_file,
                    url + ": restarted " + std::to_string(restarts - 1) + " times; " + why);
  }
  co_return co_await begin_anew();
}

asio::awaitable<Result<void>> Assembly::begin_anew() {
  if (hasher) co_await hasher->idle();
  {
    Model::Lock lock = context->model->lock();
    context->model->restart_file(lock, *job, file);
    const FileRecord& record = job->record.files[static_cast<std::size_t>(file)];
    generation = record.generation;
    size.reset();
    if (record.size != size_unknown) size = record.size;
    context->model->move(lock, *job, Stimulus::resource_changed);
  }
  if (!BGXFER_MUTANT(11)) arrived = layout.holes();
  any_arrived = false;
  pending.clear();
  unclaimed_.clear();
  resource_size.reset();
  if (hashes_whole()) hasher = std::make_shared<Hasher>(context->executor, context->sha256);
  open.reset();
  identity.reset();
  modified.reset();
  reported.clear();
  head_seen = false;
  attributes.reset();
  maybe_ended = false;
  ended = false;
  restart_wanted.reset();
  for (Source& source : sources) {
    source.validator.clear();
    source.proven = false;
    source.conditional = true;
    source.overlap_max = ByteRange::to_end;
    source.brought.clear();
  }
  forgive_differences();
  // The old temporary file is replaced by a new one, which no old record can be about.
  co_return co_await context->saved();
}

asio::awaitable<Result<void>> Assembly::keep_only(RangeSet kept) {
  if (hasher) co_await hasher->idle();
  {
    Model::Lock lock = context->model->lock();
    if (superseded(lock)) co_return overtaken();
    RangeSet claimed = kept;
    for (ByteRange hole : layout.holes().ranges()) claimed.subtract(hole);
    context->model->keep_bytes(lock, *job, file, claimed);
    any_arrived = !claimed.empty();
    generation = job->record.files[static_cast<std::size_t>(file)].generation;
  }
  arrived = std::move(kept);
  ended = false;  // The end was that of what is dropped.
  pending.clear();
  unclaimed_.clear();
  if (hashes_whole()) hasher = std::make_shared<Hasher>(context->executor, context->sha256);
  open = std::make_shared<OpenFile>(job, file, generation, open->partial);
  open->noted = true;
  if (context->checkpoint && !download.high_performance) {
    // What is kept may not be synced yet, and nobody else would do it: that of the old generation is not believed.
    Model::Lock lock = context->model->lock();
    context->checkpoint->dirty(lock, open);
  }
  for (Source& source : sources) {
    for (ByteRange lost : arrived.gaps(ByteRange{})) source.brought.subtract(lost);
  }
  forgive_differences();
  co_return co_await context->saved();
}

/// Whoever differed from bytes that are dropped now may have been right.
void Assembly::forgive_differences() {
  for (Source& source : sources) {
    if (source.failure && source.failure->code() == Errc::resource_changed) source.failure.reset();
  }
}

// --- words ---

bool Assembly::superseded(const Model::Lock&) const {
  return job->record.files[static_cast<std::size_t>(file)].generation != generation;
}

Error Assembly::overtaken() const {
  if (stopping) return cancelled();
  return Error(std::make_error_code(std::errc::io_error), ErrorContext::local_file,
               place.temporary().string() + ": the disk could not sync it");
}

std::optional<Error> Assembly::too_large() const {
  if (!download.size_max) return std::nullopt;
  Model::Lock lock = context->model->lock();
  const JobTotals& totals = job->record.totals;
  const std::uint64_t bytes = std::max(totals.bytes_known, totals.bytes_transferred);
  if (bytes <= *download.size_max) return std::nullopt;
  return blame(Errc::download_too_large, ErrorContext::queue,
               public_url(sources[home].url) + ": " + std::to_string(bytes) + " bytes so far, at most " +
                   std::to_string(*download.size_max) + " are allowed (DownloadOptions::size_max)");
}

Error Assembly::wrong_size(std::uint64_t found, const Source& source) const {
  return blame(
      Errc::wrong_size, ErrorContext::remote_file,
      public_url(source.url) + " has " + std::to_string(found) + " bytes instead of " + std::to_string(*expected_size));
}

Error Assembly::cancelled() const { return Error(Errc::cancelled, ErrorContext::none, public_url(sources[home].url)); }

}  // namespace bgxfer::inline v0::detail
