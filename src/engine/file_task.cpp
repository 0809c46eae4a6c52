#include "file_task.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "../base/mutant.hpp"
#include "../model/secrets.hpp"
#include "verdict.hpp"

namespace bgxfer::inline v0::detail {

namespace {

bool equal_without_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

/// Smaller files are not worth a question about free space, nor setting space aside.
constexpr std::uint64_t reserve_bytes_min = 1024 * 1024;

/// Below this much to fetch again, a server that ignores a conditional range is simply read from its start.
constexpr std::uint64_t plain_retry_bytes_min = 1024 * 1024;

/// Whether an answer sounds like a URL or a token that has expired (bad-servers.md rows 36 and 37).
bool asks_for_renewal(const Error& error) {
  const bool denied = error.code() == http_status(401) || error.code() == http_status(403);
  return denied && !error.retry_after();
}

/// After so many responses with the wrong bytes the server is taken not to know ranges.
constexpr std::uint32_t refusals_max = 2;

/// What a server that forbids wide ranges is asked for at once.
constexpr std::uint64_t narrow_range_bytes = 1024 * 1024;

/// The end of a path behind its last dot; empty if the last component has none.
std::string_view suffix_of(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
}

/// Whether a web page has come, from its first byte and with nothing that tells its version, although the URL names
/// another kind of file.
bool is_stray_page(const ResponseHead& head, const std::string& url) {
  if (head.granted.offset != 0 || !head.validator.empty() || head.last_modified) return false;
  const auto is_html = [](const Header& field) {
    return equal_without_case(field.name, "content-type") &&
           equal_without_case(std::string_view(field.value).substr(0, 9), "text/html");
  };
  if (std::none_of(head.headers.begin(), head.headers.end(), is_html)) return false;
  const std::string path = public_url(url);
  const std::string_view suffix = suffix_of(path);
  for (std::string_view page : {"", "html", "htm", "xhtml", "shtml", "php", "asp", "aspx", "jsp", "cgi"}) {
    if (equal_without_case(suffix, page)) return false;
  }
  return true;
}

void bypass_caches(Request& request) {
  const auto is_control = [](const Header& header) { return equal_without_case(header.name, "cache-control"); };
  if (std::any_of(request.headers.begin(), request.headers.end(), is_control)) return;
  Header control;
  control.name = "Cache-Control";
  control.value = "no-cache";
  request.headers.push_back(std::move(control));
}

}  // namespace

FileTask::FileTask(const TaskContext& context, Model::Core job, FileIndex file, std::span<std::byte> buffer,
                   const std::atomic<bool>& stopping)
    : context_(context), job_(std::move(job)), file_(file), buffer_(buffer), stopping_(stopping) {
  Model::Lock lock = context_.model->lock();
  const FileRecord& record = job_->record.files[static_cast<std::size_t>(file_)];
  url_ = record.url;
  place_ = place_of(job_->record, file_);
  http_ = job_->record.options.http;
  download_ = job_->record.options.download;
  wanted_attributes_ = job_->record.options.file_acl_flags;
  const IdentityOptions& identity = job_->record.options.identity;
  if (has(identity.usage, IdentityUsage::network) && identity.helper) {
    on_behalf_ = std::make_shared<const HelperIdentity>(*identity.helper);
  }
  generation_ = record.generation;
  if (record.size != size_unknown) size_ = record.size;
  if (!BGXFER_MUTANT(25)) expected_size_ = record.expected_size();
  past_caches_ = job_->distrusted.contains(static_cast<std::uint32_t>(file_));
  if (!record.facts) return;

  const FileFacts& facts = *record.facts;
  layout_ = Layout(facts.ranges, facts.placed_at);
  sha256_ = facts.sha256;
  if (!facts.arrived.empty()) disk_end_ = facts.arrived.ranges().back().end();
  arrived_ = layout_.holes();
  for (ByteRange range : facts.arrived.ranges()) arrived_.add(range);
  known_.modified = facts.modified;
  reported_ = facts.reported;
  known_.validator = facts.validator;
  if (facts.resource_size != size_unknown) known_.resource_size = facts.resource_size;
  modified_ = facts.modified;
  if (record.stage == FileStage::started) identity_ = facts.identity;
}

asio::awaitable<Result<void>> FileTask::run() {
  Result<void> outcome = co_await reopen();
  while (outcome && !finished_) {
    {
      Model::Lock lock = context_.model->lock();
      wishes_changed(lock);
    }
    const std::optional<ByteRange> gap = next_gap();
    if (!gap && idle()) break;
    if (!gap) {
      outcome = co_await finish();
    } else if (stopping_) {
      outcome = cancelled();
    } else {
      outcome = co_await fill(*gap);
    }
  }
  if (finished_) co_return outcome;

  const bool disk_failed = !outcome && open_ && outcome.error().context() == ErrorContext::local_file &&
                           outcome.error().code() != Errc::checksum_mismatch &&
                           outcome.error().code() != Errc::attributes_denied && !is_disk_full(outcome.error().code());
  Model::Lock lock = context_.model->lock();
  if (disk_failed) {
    context_.model->forget_unsynced_bytes(lock, *job_, file_);
  } else {
    claim(lock);
  }
  co_return outcome;
}

bool FileTask::own_method() const noexcept { return http_.method != default_method; }

std::optional<ByteRange> FileTask::next_gap() const {
  if (ended_) return std::nullopt;
  return next_bytes(arrived_, ByteRange{0, size_.value_or(ByteRange::to_end)}, wishes_, download_.on_demand);
}

bool FileTask::idle() const {
  return download_.on_demand && !ended_ && (!size_ || arrived_.first_gap(ByteRange{0, *size_}));
}

bool FileTask::wishes_changed(const Model::Lock&) {
  if (job_->wishes_edition == wishes_edition_) return false;
  wishes_edition_ = job_->wishes_edition;
  if (job_->sequential.contains(static_cast<std::uint32_t>(file_))) return false;
  const auto found = job_->wishes.find(static_cast<std::uint32_t>(file_));
  if (found == job_->wishes.end()) return false;
  wishes_ = found->second;
  return true;
}

/// Once the size is known, no wish may be for more (spec part 4.8).
Result<void> FileTask::check_wishes() {
  if (!size_ || wishes_.ranges.empty()) return {};
  Model::Lock lock = context_.model->lock();
  for (ByteRange wish : wishes_.ranges.ranges()) {
    if (wish.offset < *size_ && (wish.end() <= *size_ || wish.end() == ByteRange::to_end)) continue;
    // Forgotten, so that the next resume does not fail for the same reason.
    job_->wishes[static_cast<std::uint32_t>(file_)].ranges.subtract(ByteRange{*size_, ByteRange::to_end});
    ++job_->wishes_edition;
    if (!download_.on_demand) return {};
    return blame(Errc::invalid_range, ErrorContext::remote_file,
                 public_url(url_) + " has " + std::to_string(*size_) + " bytes; a range was asked for that ends after that");
  }
  return {};
}

/// The server does not send parts, or nothing tells that they belong together: the file is fetched from its start.
Result<void> FileTask::lose_random_access(bool unproven) {
  if (download_.on_demand) {
    return blame(Errc::random_access_unsupported, ErrorContext::remote_file,
                 public_url(url_) + (unproven ? ": the server tells no version of it" : ": the server sends no parts"));
  }
  wishes_ = Wishes();
  Model::Lock lock = context_.model->lock();
  job_->sequential.insert(static_cast<std::uint32_t>(file_));
  job_->changed.notify();
  return {};
}

void FileTask::note_head(const Model::Lock&, const ResponseHead& head) {
  const auto file = static_cast<std::uint32_t>(file_);
  if (!job_->response_headers.contains(file)) job_->answered.push_back(file);
  job_->response_headers[file] = head.headers;
  while (job_->answered.size() > context_.limits().response_headers_files_max) {
    job_->response_headers.erase(job_->answered.front());
    job_->answered.pop_front();
  }
}

Error FileTask::overtaken() const { return stopping_ ? cancelled() : sync_failed(); }

/// Opens the temporary file of an earlier turn. What it should hold but does not is fetched again.
asio::awaitable<Result<void>> FileTask::reopen() {
  known_.arrived = disk_end_ > 0;
  if (known_.arrived && own_method()) co_return co_await restart("what " + http_.method + " fetches is not resumed");
  if (!known_.arrived) {
    // Nothing to keep: the file is made anew once the server has answered.
    identity_.reset();
    co_return Result<void>{};
  }
  if (download_.dynamic_content) co_return co_await begin_anew();
  OpenPartial request(place_);
  request.expected = identity_;
  Result<std::unique_ptr<PartialFile>> opened = co_await context_.storage->open(std::move(request));
  if (!opened) {
    const std::error_code code = opened.error().code();
    if (code == Errc::partial_file_changed || code == std::errc::no_such_file_or_directory) {
      co_return co_await restart("the temporary file is not there any more");
    }
    co_return opened.error();
  }
  std::shared_ptr<PartialFile> partial = *std::move(opened);
  Result<std::uint64_t> size = co_await partial->size();
  if (!size) co_return size.error();
  if (disk_end_ > *size) {
    co_return co_await restart("the temporary file is shorter than what arrived");
  }
  open_ = std::make_shared<OpenFile>(job_, file_, generation_, std::move(partial));
  open_->noted = true;
  co_return Result<void>{};
}

asio::awaitable<Result<void>> FileTask::fill(ByteRange gap) {
  const Piece piece = layout_.piece(gap, known_.resource_size);
  const bool at_the_end = std::exchange(maybe_ended_, false);
  std::uint64_t overlap = 0;
  if (known_.arrived && known_.validator.empty() && !at_the_end) {
    overlap = overlap_before(arrived_, layout_, piece, std::min<std::uint64_t>(context_.limits().overlap_bytes, overlap_max_));
    if (overlap == 0 && layout_.begins_range(gap.offset, known_.resource_size) && arrived_.contains(ByteRange{0, gap.offset})) {
      // The first bytes of a further range: no byte that is here already could be asked for again with them.
      co_return blame(Errc::ranges_unsupported, ErrorContext::remote_file,
                      public_url(url_) + ": several ranges, and nothing that tells versions of the resource apart");
    }
    if (overlap == 0 && piece.remote.offset > 0) co_return co_await restart("nothing proves that the rest would belong to it");
  }
  // A server that does not serve ranges is asked for everything; what is there already is skipped.
  const bool plain = refused_ >= refusals_max || own_method();
  const bool wished = wishes_.ranges.contains(gap);
  if (plain && download_.on_demand) {
    co_return blame(Errc::random_access_unsupported, ErrorContext::remote_file, public_url(url_));
  }
  if (plain && !layout_.whole()) {
    co_return blame(Errc::ranges_unsupported, ErrorContext::remote_file, public_url(url_));
  }

  Asked asked;
  asked.remote = ByteRange{piece.remote.offset - overlap, piece.remote.length};
  if (piece.remote.length != ByteRange::to_end) asked.remote.length += overlap;
  const bool to_the_end = known_.resource_size && asked.remote.end() == *known_.resource_size;
  if (to_the_end || (layout_.whole() && !known_.resource_size && !wished)) asked.remote.length = ByteRange::to_end;
  if (narrow_) asked.remote.length = std::min(asked.remote.length, narrow_range_bytes + overlap);
  if (plain) asked.remote = ByteRange{};
  if (asked.remote.offset + overlap == piece.remote.offset) asked.overlap = overlap;
  asked.conditional = conditional_ && known_.arrived && !known_.validator.empty() && asked.remote != ByteRange{};

  Result<std::unique_ptr<Download>> opened = co_await ask(asked);
  if (stopping_) co_return cancelled();
  if (!opened && wished && !known_.arrived && opened.error().code() == http_status(416)) {
    size_ = opened.error().resource_size().value_or(gap.offset);
    const Result<void> possible = check_wishes();
    size_.reset();
    co_return possible;
  }
  if (!opened) co_return co_await open_failed(opened.error(), piece, asked, asked.conditional || at_the_end);
  if (at_the_end) co_return Result<void>{};  // There is more, and it has to be compared.
  std::unique_ptr<Download> download = *std::move(opened);
  {
    Model::Lock lock = context_.model->lock();
    context_.model->move(lock, *job_, Stimulus::connected);
    note_head(lock, download->head());
  }

  const ResponseHead& head = download->head();
  const bool all_for_a_part = asked.remote != ByteRange{} && head.granted.length > asked.remote.length;
  const bool unproven = head.validator.empty() && known_.validator.empty();
  const bool in_order = gap.offset == arrived_.first_gap(ByteRange{0, ByteRange::to_end})->offset;
  if ((wished || !in_order) && (all_for_a_part || unproven)) co_return lose_random_access(unproven);
  Verdict verdict = judge(known_, asked, head);
  if (!layout_.whole() && head.granted.offset == 0 && asked.remote.offset != 0) verdict = Verdict::refuse;
  const bool of_right_size = expected_size_ && head.resource_size == expected_size_;
  const bool digest_decides = sha256_ && !known_.arrived;
  if (is_stray_page(head, url_) && !of_right_size && !digest_decides) {
    // Neither a byte to take nor a reason to drop one (bad-servers.md rows 27 and 28).
    co_return blame(Errc::invalid_response, ErrorContext::remote_file,
                    public_url(url_) + ": a web page came in place of the file, from a captive portal or a login");
  }
  // A range that the server did not state is a guess, which only a digest can confirm.
  if (!head.range_stated && !sha256_) verdict = Verdict::refuse;
  if (verdict == Verdict::refuse) {
    co_return refuse_range(blame(Errc::range_ignored, ErrorContext::remote_file, public_url(url_)));
  }
  if (verdict == Verdict::ask_plainly) {
    conditional_ = false;
    if (arrived_.bytes() >= plain_retry_bytes_min) co_return Result<void>{};
    verdict = Verdict::skip;
  }
  if (verdict == Verdict::restart || verdict == Verdict::restart_and_ask) {
    Result<void> restarted = co_await restart("the resource changed on the server");
    if (!restarted) co_return restarted;
    if (verdict == Verdict::restart_and_ask) co_return Result<void>{};
  }

  Result<void> learned = co_await learn(head);
  if (!learned) co_return learned;
  const bool nothing_new = verdict == Verdict::compare && head.granted.length <= overlap && next_gap();
  if (nothing_new) {
    // A server that sends little at a time, to be asked for less to compare and more to take; or all there is had
    // arrived, which the next answer tells if these bytes are the same.
    maybe_ended_ = !size_ && head.granted.length == overlap;
    overlap_max_ = head.granted.length / 2;
    if (!maybe_ended_) co_return Result<void>{};
  }
  if (verdict == Verdict::compare) {
    bool same = false;
    Result<void> compared = co_await same_bytes(*download, piece.local - overlap, overlap, same);
    if (!compared) co_return compared;
    if (!same) co_return co_await restart("bytes that had arrived are others on the server now");
    overlap = 0;
  }
  // Where the file is the whole resource, bytes belong where the server says they come from, whatever was asked.
  const bool placed = layout_.whole() && !BGXFER_MUTANT(19);
  const std::uint64_t local = placed ? head.granted.offset : piece.local - overlap;
  const std::uint64_t at = verdict == Verdict::compare ? piece.local : local;
  std::uint64_t length = head.granted.length;
  if (verdict == Verdict::compare && length != ByteRange::to_end) length -= piece.remote.offset - asked.remote.offset;
  if (!layout_.whole()) length = std::min(length, piece.remote.length);
  if (verdict == Verdict::compare && length == 0) co_return Result<void>{};  // All that it sends had arrived.
  Result<void> received = co_await receive(*download, at, length);
  if (received && ended_ && !layout_.whole()) {
    // The end of a range that runs to the end of the resource: more ranges may follow.
    ended_ = false;
    co_return learn_size(piece.remote.offset + (*size_ - piece.local));
  }
  co_return received;
}

/// Makes the request, as the host's provider would have it if there is one.
asio::awaitable<Result<std::unique_ptr<Download>>> FileTask::ask(const Asked& asked) {
  Request request(url_);
  request.method = http_.method;
  request.range = asked.remote;
  request.headers = http_.headers;
  request.credentials = http_.credentials;
  if (on_behalf_ && !on_behalf_->credentials.empty()) request.credentials = on_behalf_->credentials;
  request.identity = on_behalf_;
  request.credentials_without_tls = http_.credentials_without_tls;
  request.redirects = http_.redirects;
  request.proxy = http_.proxy;
  request.tls = http_.tls;
  if (asked.conditional && !BGXFER_MUTANT(4)) request.validator = known_.validator;
  if (past_caches_) bypass_caches(request);
  if (!context_.requests) co_return co_await context_.transport->open(std::move(request));

  std::optional<Error> refused;
  for (;;) {
    RequestQuestion question;
    question.job = job_->record.id;
    question.file = file_;
    question.url = url_;
    question.refused = refused;
    Result<RequestAnswer> answer = co_await context_.requests->answer(std::move(question));
    if (!answer) co_return answer.error();
    Request renewed = request;
    if (!answer->url.empty()) renewed.url = std::move(answer->url);
    for (Header& header : answer->headers) renewed.headers.push_back(std::move(header));
    Result<std::unique_ptr<Download>> opened = co_await context_.transport->open(std::move(renewed));
    if (opened || refused || stopping_ || !asks_for_renewal(opened.error())) co_return opened;
    refused = opened.error();
  }
}

/// No response: what can be understood is handled here, everything else is the job's to judge.
asio::awaitable<Result<void>> FileTask::open_failed(const Error& error, Piece piece, const Asked& asked,
                                                    bool proven) {
  if (error.code() == Errc::range_ignored) co_return refuse_range(error);
  const bool ranged = asked.remote != ByteRange{};
  if (error.code() == http_status(403) && !error.retry_after() && ranged && !narrow_ &&
      asked.remote.length > narrow_range_bytes) {
    // Some servers forbid wide ranges and not the file (bad-servers.md row 17).
    narrow_ = true;
    co_return Result<void>{};
  }
  const bool beyond = error.code() == http_status(416) && piece.remote.offset > 0;
  const bool fits = (proven && error.resource_size() == piece.remote.offset) || BGXFER_MUTANT(21);
  if (beyond && fits && !known_.resource_size) {
    // All there is had arrived, only nobody had said so (bad-servers.md row 9). Without a condition, or bytes that were
    // compared just now, it might be the end of another version.
    if (!layout_.whole()) co_return learn_size(piece.remote.offset);
    size_ = piece.local;
    ended_ = true;
    co_return Result<void>{};
  }
  const bool changed = error.code() == Errc::resource_changed || error.code() == http_status(412) || beyond;
  if (changed && known_.arrived) co_return co_await restart("the server no longer has the bytes that are missing");
  co_return error;
}

/// Not the bytes that were asked for. After a second chance the server is asked for everything instead (bad-servers.md
/// rows 3, 5 and 8).
Result<void> FileTask::refuse_range(const Error& error) {
  ++refused_;
  if (refused_ > refusals_max) return error;
  return {};
}

/// Notes what the resource is, the first time and after a restart, and makes the file that it goes into.
asio::awaitable<Result<void>> FileTask::learn(const ResponseHead& head) {
  if (!known_.arrived) {
    // Nothing is here of what an earlier response told about, and this one may be of another version.
    known_ = Known();
    size_ = expected_size_;
  }
  if (head.resource_size) {
    if (!layout_.fits(*head.resource_size)) {
      co_return blame(
          Errc::invalid_range, ErrorContext::remote_file,
          public_url(url_) + " has " + std::to_string(*head.resource_size) + " bytes; a range ends after that");
    }
    known_.resource_size = head.resource_size;
  }
  const std::optional<std::uint64_t> size = layout_.size(known_.resource_size);
  if (size && expected_size_ && *size != *expected_size_) {
    co_return wrong_size(*size);
  }
  if (size) size_ = size;
  if (!size_ && !head.delimited && !sha256_ && !download_.dynamic_content) {
    co_return blame(Errc::unproven_end, ErrorContext::remote_file, public_url(url_));
  }
  if (known_.validator.empty() && !known_.arrived) known_.validator = head.validator;
  if (head.last_modified) modified_ = head.last_modified;
  known_.modified = modified_;
  if (http_.redirects.mode == RedirectMode::report && head.final_url != url_) reported_ = head.final_url;
  head_seen_ = true;
  attributes_ = head.attributes;
  if (size_ && download_.size_max && *size_ > *download_.size_max) {
    // Before room is set aside for it.
    co_return blame(Errc::download_too_large, ErrorContext::queue,
                    public_url(url_) + " has " + std::to_string(*size_) + " bytes (DownloadOptions::size_max)");
  }
  if (!open_) {
    Result<void> made = co_await make_file();
    if (!made) co_return made;
  }
  if (std::optional<Error> error = too_large()) co_return *std::move(error);
  co_return check_wishes();
}

/// Notes the size of the resource that the server did not tell, once its end has been seen.
Result<void> FileTask::learn_size(std::uint64_t resource_size) {
  if (!layout_.fits(resource_size)) {
    return blame(Errc::invalid_range, ErrorContext::remote_file,
                 public_url(url_) + " has " + std::to_string(resource_size) + " bytes; a range ends after that");
  }
  known_.resource_size = resource_size;
  size_ = layout_.size(resource_size);
  Model::Lock lock = context_.model->lock();
  if (!superseded(lock)) context_.model->commit(lock, *job_, started());
  return {};
}

asio::awaitable<Result<void>> FileTask::make_file() {
  const bool reserves = size_ && *size_ >= reserve_bytes_min && layout_.holes().empty();
  if (reserves) {
    Result<std::uint64_t> free = co_await context_.storage->free_bytes(place_.target.parent_path());
    if (free && *free < *size_) {
      co_return Error(std::make_error_code(std::errc::no_space_on_device), ErrorContext::local_file,
                      place_.target.string() + ": needs " + std::to_string(*size_) + " bytes, " +
                          std::to_string(*free) + " are free");
    }
  }
  OpenPartial request(place_);
  Result<std::unique_ptr<PartialFile>> opened = co_await context_.storage->open(std::move(request));
  if (!opened) co_return opened.error();
  std::shared_ptr<PartialFile> partial = *std::move(opened);
  if (reserves) {
    Result<void> reserved = co_await partial->reserve(*size_);
    if (!reserved) co_return reserved;
  }
  identity_ = partial->identity();
  open_ = std::make_shared<OpenFile>(job_, file_, generation_, std::move(partial));

  // The model knows at once; the journal when there is something to claim, so that a small file is one record.
  Model::Lock lock = context_.model->lock();
  // A file that has just begun has no other generation to tell by.
  if (superseded(lock) || job_->record.files[static_cast<std::size_t>(file_)].url != url_) co_return overtaken();
  apply(job_->record, started());
  co_return Result<void>{};
}

/// Reads `count` bytes that are on disk already once more, and compares.
asio::awaitable<Result<void>> FileTask::same_bytes(Download& download, std::uint64_t local, std::uint64_t count,
                                                   bool& same) {
  same = false;
  const std::span<std::byte> theirs = buffer_.first(buffer_.size() / 2);
  const std::span<std::byte> ours = buffer_.subspan(buffer_.size() / 2);
  while (count > 0) {
    const std::span<std::byte> room = theirs.first(std::min<std::uint64_t>(theirs.size(), count));
    Result<std::size_t> got = co_await download.read(room);
    if (got) count_received(*got);
    if (stopping_) co_return cancelled();
    if (!got) co_return got.error();
    if (*got == 0) co_return Result<void>{};  // What is there now is shorter.
    Result<std::size_t> had = co_await open_->partial->read(local, ours.first(*got));
    if (!had) co_return had.error();
    const bool equal = std::memcmp(ours.data(), theirs.data(), *got) == 0 || BGXFER_MUTANT(20);
    if (*had != *got || !equal) co_return Result<void>{};
    local += *got;
    count -= *got;
  }
  same = true;
  co_return Result<void>{};
}

/// Takes `length` bytes of the body (or all, if that is not known) to `local` in the file.
asio::awaitable<Result<void>> FileTask::receive(Download& download, std::uint64_t local, std::uint64_t length) {
  const bool sized = length != ByteRange::to_end;
  const std::uint64_t limit = sized ? length : context_.limits().unsized_bytes_max;
  const std::uint64_t end = local > ByteRange::to_end - limit ? ByteRange::to_end : local + limit;
  const std::uint64_t begin = local;
  while (!sized || local < end) {
    // The turn may have ended while the disk or the limit was waited for.
    if (stopping_) co_return cancelled();
    std::size_t chunk = buffer_.size();
    bool new_wishes = false;
    {
      Model::Lock lock = context_.model->lock();
      new_wishes = wishes_changed(lock);
      chunk = job_->pacer.chunk(context_.model->pacer(lock).chunk(chunk));
    }
    if (new_wishes) {
      // What is wanted now may lie elsewhere, and this body would have to be read up to there.
      const std::optional<ByteRange> gap = next_gap();
      const std::optional<ByteRange> here = arrived_.first_gap(ByteRange{local, ByteRange::to_end});
      if (!gap || !here || gap->offset != here->offset) co_return Result<void>{};
    }
    if (sized) chunk = static_cast<std::size_t>(std::min<std::uint64_t>(chunk, end - local));
    const std::span<std::byte> room = buffer_.first(chunk);
    Result<std::size_t> count = co_await download.read(room);
    if (!count) co_return stopping_ ? cancelled() : count.error();
    // What has arrived is kept, even if the turn is over by now.
    count_received(*count);
    if (*count == 0) break;
    if (!sized && *count > end - local) {
      co_return blame(Errc::response_too_large, ErrorContext::remote_file,
                      public_url(url_) + ": more than Limits::unsized_bytes_max without a known size");
    }

    if (!sized && expected_size_ && *count > *expected_size_ - std::min(local, *expected_size_)) {
      co_return wrong_size(local + *count);
    }
    if (!sized && expected_size_ && local + *count == *expected_size_) {
      // Only the end proves that this is all. Until it is seen the last bytes do not count, or the beginning of a longer
      // resource would look like the file once it is taken up again.
      std::byte more{};
      Result<std::size_t> beyond = co_await download.read(std::span(&more, 1));
      if (!beyond) co_return stopping_ ? cancelled() : beyond.error();
      if (*beyond > 0) co_return wrong_size(local + *count + *beyond);
    }

    Result<void> stored = co_await store(local, room.first(*count));
    if (!stored) co_return stored;
    local += *count;
    if (open_->failed) co_return overtaken();
    if (std::optional<Error> error = too_large()) co_return *std::move(error);
    Result<void> paced = co_await pace(*count);
    if (!paced) co_return paced;
  }
  if (BGXFER_MUTANT(7) && local < end) {
    size_ = local;
    ended_ = true;
    co_return Result<void>{};
  }
  if (sized) {
    // An empty resource has come to its end at once.
    if (local == begin && size_ != 0) co_return blame(Errc::body_truncated, ErrorContext::remote_file, public_url(url_));
    co_return Result<void>{};
  }
  // The end of a body whose length nobody knew: now it is known.
  if (expected_size_ && local != *expected_size_ && download.head().delimited) co_return wrong_size(local);
  if (size_ && local != *size_) co_return blame(Errc::body_truncated, ErrorContext::remote_file, public_url(url_));
  size_ = local;
  ended_ = true;
  co_return Result<void>{};
}

/// Writes what is not on disk yet, and notes it.
asio::awaitable<Result<void>> FileTask::store(std::uint64_t local, std::span<const std::byte> bytes) {
  const ByteRange chunk{local, bytes.size()};
  ByteRange rest = chunk;
  while (std::optional<ByteRange> gap = arrived_.first_gap(rest)) {
    const std::span<const std::byte> part =
        bytes.subspan(static_cast<std::size_t>(gap->offset - local), static_cast<std::size_t>(gap->length));
    Result<void> written = co_await open_->partial->write(gap->offset, part);
    if (!written) co_return written;
    note_arrived(*gap);
    rest = ByteRange::between(gap->end(), chunk.end());
  }
  if (sha256_ && local == digested_) {
    if (!digest_) digest_ = context_.sha256();
    digest_->update(bytes);
    digested_ += bytes.size();
  }
  co_return Result<void>{};
}

void FileTask::count_received(std::size_t bytes) {
  Model::Lock lock = context_.model->lock();
  job_->bytes_received += bytes;
}

void FileTask::note_arrived(ByteRange range) {
  arrived_.add(range);
  unclaimed_.add(range);
  known_.arrived = true;
  Model::Lock lock = context_.model->lock();
  if (superseded(lock)) {
    open_->failed = true;
    return;
  }
  context_.model->arrived(lock, *job_, file_, range);
  // Routine progress is what a high-performance job does without (spec part 2.4).
  if (download_.high_performance) return;
  if (context_.checkpoint) context_.checkpoint->dirty(lock, open_);
  if (unclaimed_.bytes() >= context_.limits().claim_bytes) claim(lock);
}

FileStarted FileTask::started() const {
  return FileStarted{job_->record.id,
                     file_,
                     generation_,
                     *identity_,
                     size_.value_or(size_unknown),
                     known_.resource_size.value_or(size_unknown),
                     known_.validator,
                     modified_,
                     0,
                     reported_};
}

void FileTask::claim(const Model::Lock& lock) {
  if (download_.high_performance) return;
  if (unclaimed_.empty() || !identity_ || superseded(lock)) return;
  if (!std::exchange(open_->noted, true)) context_.model->commit(lock, *job_, started());
  context_.model->commit(lock, *job_, FileProgressed{job_->record.id, file_, generation_, BGXFER_MUTANT(6), unclaimed_.ranges()});
  unclaimed_.clear();
}

/// Waits until the bytes are paid for, if there is a limit.
asio::awaitable<Result<void>> FileTask::pace(std::size_t bytes) {
  Clock& clock = context_.clock();
  const Clock::TimePoint now = clock.now();
  Clock::TimePoint until = now;
  {
    Model::Lock lock = context_.model->lock();
    until = std::max(job_->pacer.pay(bytes, now), context_.model->pacer(lock).pay(bytes, now));
  }
  if (until > now) co_await clock.sleep_until(until);
  if (stopping_) co_return cancelled();
  co_return Result<void>{};
}

/// Drops what has arrived. Recorded and durable before a byte is overwritten, so that no crash can mix two versions.
asio::awaitable<Result<void>> FileTask::restart(std::string why) {
  if (context_.log) context_.log("file restarts: " + public_url(url_) + ": " + why);
  std::uint32_t restarts = 0;
  {
    Model::Lock lock = context_.model->lock();
    restarts = ++job_->restarts[static_cast<std::uint32_t>(file_)];
  }
  if (restarts > context_.limits().restarts_max) {
    co_return blame(Errc::no_progress, ErrorContext::remote_file,
                    public_url(url_) + ": restarted " + std::to_string(restarts - 1) + " times; " + why);
  }
  co_return co_await begin_anew();
}

asio::awaitable<Result<void>> FileTask::begin_anew() {
  {
    Model::Lock lock = context_.model->lock();
    context_.model->restart_file(lock, *job_, file_);
    const FileRecord& record = job_->record.files[static_cast<std::size_t>(file_)];
    generation_ = record.generation;
    size_.reset();
    if (record.size != size_unknown) size_ = record.size;
    context_.model->move(lock, *job_, Stimulus::resource_changed);
  }
  if (!BGXFER_MUTANT(11)) arrived_ = layout_.holes();
  unclaimed_.clear();
  known_ = Known();
  digest_.reset();
  digested_ = 0;
  open_.reset();
  identity_.reset();
  modified_.reset();
  reported_.clear();
  head_seen_ = false;
  attributes_.reset();
  conditional_ = true;
  overlap_max_ = ByteRange::to_end;
  maybe_ended_ = false;
  ended_ = false;
  // The old temporary file is replaced by a new one, which no old record can be about.
  co_return co_await context_.saved();
}

asio::awaitable<Result<void>> FileTask::finish() {
  if (!open_) {
    Result<void> made = co_await make_file();
    if (!made) co_return made;
  }
  if (expected_size_ && size_ != expected_size_) {
    co_return wrong_size(size_.value_or(0));
  }
  Result<std::uint64_t> on_disk = co_await open_->partial->size();
  if (!on_disk) co_return on_disk.error();
  if (*on_disk != *size_) {
    Result<void> restarted = co_await restart("somebody else changed the temporary file");
    if (!restarted) co_return restarted;
    co_return blame(Errc::partial_file_changed, ErrorContext::local_file, place_.temporary().string());
  }
  if (sha256_) {
    Result<void> verified = co_await verify();
    if (!verified) co_return verified;
    if (!open_) co_return Result<void>{};  // Dropped, to be fetched once more.
  }
  if (*size_ == 0) {
    // No later sync would find a byte to care for, and the name has to last as well.
    Result<void> named = co_await open_->partial->sync();
    if (!named) co_return named;
  }
  if (wanted_attributes_ != FileAclFlags::none) {
    Result<void> preserved = co_await preserve();
    if (!preserved) co_return preserved;
  }
  if (stopping_) co_return cancelled();

  Model::Lock lock = context_.model->lock();
  if (open_->failed || superseded(lock)) co_return overtaken();
  if (!reported_.empty() && !std::exchange(open_->noted, true)) context_.model->commit(lock, *job_, started());
  context_.model->commit(lock, *job_,
                         FileFinished{job_->record.id, file_, generation_, *identity_, *size_, modified_, false,
                                      attributes_ ? wanted_attributes_ : FileAclFlags::none});
  context_.model->move(lock, *job_, Stimulus::file_finished);
  job_->restarts.erase(static_cast<std::uint32_t>(file_));
  job_->distrusted.erase(static_cast<std::uint32_t>(file_));
  if (context_.checkpoint) context_.checkpoint->finished(lock, job_, file_);
  finished_ = true;
  co_return Result<void>{};
}

/// Gives the file what it is to take over from its source (spec part 3.15).
asio::awaitable<Result<void>> FileTask::preserve() {
  if (!head_seen_) {
    // Every byte had arrived in an earlier turn: the head alone is missing.
    Asked asked;
    Result<std::unique_ptr<Download>> opened = co_await ask(asked);
    if (stopping_) co_return cancelled();
    if (!opened) co_return opened.error();
    const ResponseHead& head = (*opened)->head();
    if (head.validator != known_.validator) {
      Result<void> restarted = co_await restart("the resource changed on the server");
      if (!restarted) co_return restarted;
      co_return blame(Errc::resource_changed, ErrorContext::remote_file, public_url(url_));
    }
    head_seen_ = true;
    attributes_ = head.attributes;
  }
  if (!attributes_) co_return Result<void>{};
  co_return co_await open_->partial->set_attributes(*attributes_, wanted_attributes_);
}

/// Reads what the digest has not seen on the way, and compares.
asio::awaitable<Result<void>> FileTask::verify() {
  if (!digest_) digest_ = context_.sha256();
  while (digested_ < *size_) {
    const std::span<std::byte> room = buffer_.first(std::min<std::uint64_t>(buffer_.size(), *size_ - digested_));
    Result<std::size_t> count = co_await open_->partial->read(digested_, room);
    if (stopping_) co_return cancelled();
    if (!count) co_return count.error();
    if (*count == 0) co_return blame(Errc::partial_file_changed, ErrorContext::local_file, place_.temporary().string());
    digest_->update(room.first(*count));
    digested_ += *count;
  }
  const Sha256 found = digest_->finish();
  digest_.reset();
  digested_ = 0;
  if (found == *sha256_ || BGXFER_MUTANT(26)) co_return Result<void>{};

  if (!past_caches_) {
    // A cache on the way may keep what was damaged, or old (bad-servers.md rows 30 and 31).
    past_caches_ = true;
    co_return co_await restart("its SHA-256 is wrong; once more, past every cache");
  }
  Result<void> restarted = co_await restart("its SHA-256 is wrong");
  if (!restarted) co_return restarted;
  co_return blame(Errc::checksum_mismatch, ErrorContext::remote_file,
                  public_url(url_) + ": " + found.to_string() + " instead of " + sha256_->to_string());
}

bool FileTask::superseded(const Model::Lock&) const {
  return job_->record.files[static_cast<std::size_t>(file_)].generation != generation_;
}

Error FileTask::sync_failed() const {
  return Error(std::make_error_code(std::errc::io_error), ErrorContext::local_file,
               place_.temporary().string() + ": the disk could not sync it");
}

std::optional<Error> FileTask::too_large() const {
  if (!download_.size_max) return std::nullopt;
  Model::Lock lock = context_.model->lock();
  const JobTotals& totals = job_->record.totals;
  const std::uint64_t bytes = std::max(totals.bytes_known, totals.bytes_transferred);
  if (bytes <= *download_.size_max) return std::nullopt;
  return blame(Errc::download_too_large, ErrorContext::queue,
               public_url(url_) + ": " + std::to_string(bytes) + " bytes so far, at most " +
                   std::to_string(*download_.size_max) + " are allowed (DownloadOptions::size_max)");
}

Error FileTask::wrong_size(std::uint64_t found) const {
  return blame(Errc::wrong_size, ErrorContext::remote_file,
               public_url(url_) + " has " + std::to_string(found) + " bytes instead of " + std::to_string(*expected_size_));
}

Error FileTask::cancelled() const { return Error(Errc::cancelled, ErrorContext::none, public_url(url_)); }

Error FileTask::blame(Errc code, ErrorContext where, std::string detail) const {
  return Error(code, where, std::move(detail));
}

}  // namespace bgxfer::inline v0::detail
