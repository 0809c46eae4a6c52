#include "slice.hpp"

#include <algorithm>
#include <cstring>
#include <exception>
#include <utility>

#include "../base/ascii.hpp"
#include "../base/mutant.hpp"
#include "../model/secrets.hpp"

namespace bgxfer::inline v0::detail {

namespace {

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
    return equal_ignoring_case(field.name, "content-type") &&
           equal_ignoring_case(std::string_view(field.value).substr(0, 9), "text/html");
  };
  if (std::none_of(head.headers.begin(), head.headers.end(), is_html)) return false;
  const std::string path = public_url(url);
  const std::string_view suffix = suffix_of(path);
  for (std::string_view page : {"", "html", "htm", "xhtml", "shtml", "php", "asp", "aspx", "jsp", "cgi"}) {
    if (equal_ignoring_case(suffix, page)) return false;
  }
  return true;
}

void bypass_caches(Request& request) {
  const auto is_control = [](const Header& header) { return equal_ignoring_case(header.name, "cache-control"); };
  if (std::any_of(request.headers.begin(), request.headers.end(), is_control)) return;
  Header control;
  control.name = "Cache-Control";
  control.value = "no-cache";
  request.headers.push_back(std::move(control));
}

Error blame(Errc code, std::string detail) { return Error(code, ErrorContext::remote_file, std::move(detail)); }

}  // namespace

Slice::Slice(Assembly& file, std::size_t source, ByteRange gap, std::span<std::byte> buffer)
    : file_(file),
      context_(*file.context),
      index_(source),
      buffer_(buffer),
      gap_(gap),
      position_(gap.offset),
      end_(gap.end()) {}

ByteRange Slice::rest() const {
  return ByteRange::between(position_, std::min(end_, file_.size.value_or(ByteRange::to_end)));
}

double Slice::bytes_per_second(Clock::TimePoint now) const {
  const double seconds = std::chrono::duration<double>(now - began_).count();
  return brought_ > 0 && seconds > 0 ? static_cast<double>(brought_) / seconds : 0;
}

double Slice::silent_seconds(Clock::TimePoint now) const { return std::chrono::duration<double>(now - heard_).count(); }

std::string Slice::url() const { return public_url(file_.sources[index_].url); }

asio::awaitable<Result<void>> Slice::run() {
  if (stopping()) co_return file_.cancelled();
  began_ = heard_ = context_.clock().now();
  if (file_.has_pieces()) pieces_ = std::make_shared<Hasher>(context_.executor, context_.sha256);
  if (hasher() && gap_.length > buffer_.size()) {
    if (std::optional<BufferPool::Loan> more = context_.buffers->borrow_another()) another_.emplace(*std::move(more));
  }
  Result<void> outcome;
  std::exception_ptr thrown;
  try {
    const bool proves = !at_home() && must_be_proven();
    if (proves) outcome = co_await prove();
    if (outcome && !stopping() && (!proves || source_().proven)) outcome = co_await ask_and_take(gap_);
  } catch (...) {
    thrown = std::current_exception();
  }
  // The buffers are not ours any more after this.
  if (const std::shared_ptr<Hasher> last = hasher()) co_await last->idle();
  if (thrown) std::rethrow_exception(thrown);
  if (outcome && dropped_) co_return file_.cancelled();
  co_return outcome;
}

bool Slice::must_be_proven() const {
  const Known known = file_.known(file_.sources[index_]);
  return known.arrived && known.validator.empty() && !known.trusted;
}

asio::awaitable<Result<void>> Slice::ask_and_take(ByteRange gap) {
  Source& source = source_();
  const Known known = file_.known(source);
  const Layout& layout = file_.layout;
  const Piece piece = layout.piece(gap, file_.resource_size);
  const bool at_the_end = std::exchange(file_.maybe_ended, false);
  std::uint64_t overlap = 0;
  if (known.arrived && known.validator.empty() && !known.trusted && !at_the_end) {
    overlap = overlap_before(file_.arrived, layout, piece,
                             std::min<std::uint64_t>(context_.limits().overlap_bytes, source.overlap_max));
    if (overlap == 0 && layout.begins_range(gap.offset, file_.resource_size) &&
        file_.arrived.contains(ByteRange{0, gap.offset})) {
      // The first bytes of a further range: no byte that is here already could be asked for again with them.
      co_return blame(Errc::ranges_unsupported,
                      url() + ": several ranges, and nothing that tells versions of the resource apart");
    }
    if (overlap == 0 && piece.remote.offset > 0)
      co_return co_await restart("nothing proves that the rest would belong to it");
  }
  // A server that does not serve ranges is asked for everything; what is there already is skipped.
  const bool plain = source.refused >= refusals_max || file_.own_method();
  const bool wished = file_.wanted.ranges.contains(gap);
  if (plain && file_.download.on_demand) co_return blame(Errc::random_access_unsupported, url());
  if (plain && !layout.whole()) co_return blame(Errc::ranges_unsupported, url());

  Asked asked;
  asked.remote = ByteRange{piece.remote.offset - overlap, piece.remote.length};
  if (piece.remote.length != ByteRange::to_end) asked.remote.length += overlap;
  const bool to_the_end = file_.resource_size && asked.remote.end() == *file_.resource_size;
  if (to_the_end || (layout.whole() && !file_.resource_size && !wished)) asked.remote.length = ByteRange::to_end;
  if (source.narrow) asked.remote.length = std::min(asked.remote.length, narrow_range_bytes + overlap);
  if (plain) asked.remote = ByteRange{};
  if (asked.remote.offset + overlap == piece.remote.offset) asked.overlap = overlap;
  asked.conditional = source.conditional && known.arrived && !known.validator.empty() && asked.remote != ByteRange{};

  Result<std::unique_ptr<Download>> opened = co_await ask(asked);
  if (stopping()) co_return file_.cancelled();
  if (!opened && wished && !known.arrived && opened.error().code() == http_status(416)) {
    file_.size = opened.error().resource_size().value_or(gap.offset);
    const Result<void> possible = file_.check_wishes();
    file_.size.reset();
    co_return possible;
  }
  if (!opened) co_return co_await open_failed(opened.error(), piece, asked, asked.conditional || at_the_end);
  if (at_the_end) co_return Result<void>{};  // There is more, and it has to be compared.
  std::unique_ptr<Download> download = *std::move(opened);
  {
    Model::Lock lock = context_.model->lock();
    context_.model->move(lock, *file_.job, Stimulus::connected);
    file_.note_head(lock, download->head());
  }

  const ResponseHead& head = download->head();
  if (alone() && (wished || (file_.wanted.orders() && !file_.is_first_gap(gap.offset)))) {
    const bool all_for_a_part = asked.remote != ByteRange{} && head.granted.length > asked.remote.length;
    const bool unproven = head.validator.empty() && known.validator.empty() && !known.trusted;
    if (all_for_a_part || unproven) co_return file_.lose_random_access(unproven);
  }
  const std::optional<std::uint64_t> expected = file_.expected_size;
  // Others may have learned meanwhile what this response is to be held against.
  const Known now = file_.known(source);
  Verdict verdict = judge(now, asked, head);
  if (!layout.whole() && head.granted.offset == 0 && asked.remote.offset != 0) {
    // All of another version is no answer to the question for a range of it, which may be had yet.
    verdict = verdict == Verdict::restart ? Verdict::restart_and_ask : Verdict::refuse;
  }
  // Where a further range belongs depends on the size of the resource, which is another one now.
  const bool elsewhere = !layout.whole() && piece.local > 0 && !BGXFER_MUTANT(37);
  if (verdict == Verdict::restart && elsewhere) verdict = Verdict::restart_and_ask;
  const bool of_right_size = expected && head.resource_size == expected;
  const bool digest_decides = (file_.sha256 || file_.has_pieces()) && !now.arrived;
  if (is_stray_page(head, source.url) && !of_right_size && !digest_decides) {
    // Neither a byte to take nor a reason to drop one (bad-servers.md rows 27 and 28).
    co_return stray_page();
  }
  // A range that the server did not state is a guess, which only a digest can confirm.
  if (!head.range_stated && !file_.sha256 && !file_.has_pieces()) verdict = Verdict::refuse;
  if (verdict == Verdict::refuse) co_return refuse_range(blame(Errc::range_ignored, url()));
  if (verdict == Verdict::ask_plainly) {
    source.conditional = false;
    if (file_.arrived.bytes() >= plain_retry_bytes_min || !alone()) co_return Result<void>{};
    verdict = Verdict::skip;
  }
  if (verdict == Verdict::skip && !alone()) {
    source.only_alone = true;
    co_return Result<void>{};
  }
  if (verdict == Verdict::restart || verdict == Verdict::restart_and_ask) {
    const bool in_place = alone() && at_home();
    Result<void> restarted = co_await restart("the resource changed on the server");
    if (!restarted || !in_place) co_return restarted;
    if (verdict == Verdict::restart_and_ask) co_return Result<void>{};
  }

  Result<void> learned = co_await file_.learn(head, index_, asked_url_);
  if (!learned) co_return learned;
  if (BGXFER_MUTANT(35)) file_.believe(head, index_);
  const bool nothing_new = verdict == Verdict::compare && head.granted.length <= overlap && file_.first_gap();
  if (nothing_new) {
    // A server that sends little at a time, to be asked for less to compare and more to take; or all there is had
    // arrived, which the next answer tells if these bytes are the same.
    file_.maybe_ended = !file_.size && head.granted.length == overlap;
    source.overlap_max = head.granted.length / 2;
    if (!file_.maybe_ended) co_return Result<void>{};
  }
  if (verdict == Verdict::compare) {
    bool same = false;
    Result<void> compared = co_await same_bytes(*download, piece.local - overlap, overlap, same);
    if (!compared) co_return compared;
    if (!same) co_return co_await restart("bytes that had arrived are others on the server now");
    overlap = 0;
  }
  file_.believe(head, index_);
  // Where the file is the whole resource, bytes belong where the server says they come from, whatever was asked.
  const bool placed = layout.whole() && !BGXFER_MUTANT(19);
  const std::uint64_t local = placed ? head.granted.offset : piece.local - overlap;
  const std::uint64_t at = verdict == Verdict::compare ? piece.local : local;
  std::uint64_t length = head.granted.length;
  if (verdict == Verdict::compare && length != ByteRange::to_end) length -= piece.remote.offset - asked.remote.offset;
  if (!layout.whole()) length = std::min(length, piece.remote.length);
  if (verdict == Verdict::compare && length == 0) co_return Result<void>{};  // All that it sends had arrived.
  Result<void> received = co_await receive(*download, at, length);
  if (received && file_.ended && !layout.whole()) {
    // The end of a range that runs to the end of the resource: more ranges may follow.
    file_.ended = false;
    co_return file_.learn_size(piece.remote.offset + (*file_.size - piece.local));
  }
  co_return received;
}

/// Makes the request, as the host's provider would have it if there is one.
asio::awaitable<Result<std::unique_ptr<Download>>> Slice::ask(const Asked& asked) {
  const HttpOptions& http = file_.http;
  Request request(source_().url);
  request.method = http.method;
  request.range = asked.remote;
  request.headers = http.headers;
  request.credentials = http.credentials;
  const std::shared_ptr<const HelperIdentity>& helper = file_.on_behalf;
  if (helper && !helper->credentials.empty()) request.credentials = helper->credentials;
  request.identity = helper;
  request.credentials_without_tls = http.credentials_without_tls;
  request.stored_credentials = http.stored_credentials;
  request.redirects = http.redirects;
  request.proxy = http.proxy;
  request.tls = http.tls;
  if (asked.conditional && !BGXFER_MUTANT(4)) request.validator = source_().validator;
  if (file_.past_caches) bypass_caches(request);
  if (!context_.requests) co_return co_await send(std::move(request));

  std::optional<Error> refused;
  for (;;) {
    RequestQuestion question;
    question.job = file_.job->record.id;
    question.file = file_.file;
    question.url = source_().url;
    question.refused = refused;
    Result<RequestAnswer> answer = co_await context_.requests->answer(std::move(question));
    if (!answer) co_return answer.error();
    Request renewed = request;
    if (!answer->url.empty()) renewed.url = std::move(answer->url);
    for (Header& header : answer->headers) renewed.headers.push_back(std::move(header));
    Result<std::unique_ptr<Download>> opened = co_await send(std::move(renewed));
    if (opened || refused || stopping() || !asks_for_renewal(opened.error())) co_return opened;
    refused = opened.error();
  }
}

asio::awaitable<Result<std::unique_ptr<Download>>> Slice::send(Request request) {
  asked_url_ = request.url;
  std::shared_ptr<std::string> leads_to;
  if (index_ == 0 && request.redirects.mode == RedirectMode::refuse) leads_to = std::make_shared<std::string>();
  request.refused_redirect = leads_to;
  Result<std::unique_ptr<Download>> opened = co_await context_.transport->open(std::move(request));
  context_.model->meter.answered(opened ? nullptr : &opened.error());
  if (opened) source_().failed_lately = false;
  if (leads_to && !leads_to->empty()) file_.note_redirect(*leads_to);
  co_return opened;
}

asio::awaitable<Result<void>> Slice::look() {
  Asked asked;
  Result<std::unique_ptr<Download>> opened = co_await ask(asked);
  if (stopping()) co_return file_.cancelled();
  if (!opened) co_return opened.error();
  const ResponseHead& head = (*opened)->head();
  if (head.validator != source_().validator) {
    Result<void> restarted = co_await file_.restart("the resource changed on the server");
    if (!restarted) co_return restarted;
    co_return blame(Errc::resource_changed, url());
  }
  file_.head_seen = true;
  file_.attributes = head.attributes;
  co_return Result<void>{};
}

/// Compares some bytes that are on disk with what this source has in their place, so that it may be believed: it is
/// `proven` after that, or the file has started again.
asio::awaitable<Result<void>> Slice::prove() {
  source_().proven = false;
  // Another connection may have said what is to come, and brought nothing of it yet.
  if (!file_.any_arrived) co_return file_.cancelled();
  const Piece piece = to_compare(file_.arrived, file_.layout, file_.resource_size, context_.limits().overlap_bytes);
  Asked asked;
  asked.remote = piece.remote;
  Result<std::unique_ptr<Download>> opened = co_await ask(asked);
  if (stopping()) co_return file_.cancelled();
  if (!opened && opened.error().code() == http_status(416)) co_return co_await restart("it ends before what is here");
  if (!opened) co_return opened.error();
  const ResponseHead& head = (*opened)->head();
  if (is_stray_page(head, source_().url)) co_return stray_page();
  const bool other_size = file_.resource_size && head.resource_size && *head.resource_size != *file_.resource_size;
  if (head.granted.offset != asked.remote.offset || head.granted.length < piece.remote.length || other_size) {
    co_return co_await restart("it has another file than is here, or sends other bytes than are asked for");
  }
  if (BGXFER_MUTANT(35)) file_.believe(head, index_);
  bool same = false;
  Result<void> compared = co_await same_bytes(**opened, piece.local, piece.remote.length, same);
  if (!compared) co_return compared;
  if (!same) co_return co_await restart("it has other bytes than are here");
  file_.believe(head, index_);
  co_return Result<void>{};
}

/// No response: what can be understood is handled here, everything else is for others to judge.
asio::awaitable<Result<void>> Slice::open_failed(const Error& error, Piece piece, const Asked& asked, bool proven) {
  Source& source = source_();
  if (error.code() == Errc::range_ignored) co_return refuse_range(error);
  const bool ranged = asked.remote != ByteRange{};
  if (error.code() == http_status(403) && !error.retry_after() && ranged && !source.narrow &&
      asked.remote.length > narrow_range_bytes) {
    // Some servers forbid wide ranges and not the file (bad-servers.md row 17).
    source.narrow = true;
    co_return Result<void>{};
  }
  const bool beyond = error.code() == http_status(416) && piece.remote.offset > 0;
  if (const std::optional<std::uint64_t> found = file_.layout.size(error.resource_size());
      beyond && found && file_.expected_size && *found != *file_.expected_size) {
    co_return file_.wrong_size(*found, source);
  }
  const std::uint64_t end = piece.remote.offset;
  const bool proven_end = proven && error.resource_size() == end;
  const bool digest_decides = file_.hashes_whole() && error.resource_size().value_or(end) == end;
  if (beyond && (proven_end || digest_decides || BGXFER_MUTANT(21)) && !file_.resource_size) {
    // All there is had arrived, only nobody had said so (bad-servers.md row 9). Without a condition, bytes that were
    // compared just now, or a digest, it might be the end of another version.
    if (!file_.layout.whole()) co_return file_.learn_size(end);
    file_.size = piece.local;
    file_.ended = true;
    co_return Result<void>{};
  }
  const bool changed = error.code() == Errc::resource_changed || error.code() == http_status(412) || beyond;
  if (changed && file_.bound()) co_return co_await restart("the server no longer has the bytes that are missing");
  co_return error;
}

Error Slice::stray_page() const {
  return blame(Errc::invalid_response,
               url() + ": a web page came in place of the file, from a captive portal or a login");
}

/// What is here is not what this source has. Where that decides, the file starts again: its URL always does, a mirror
/// only if what is here came from it; any other one has proven no more than that it is no mirror. One connection alone
/// may start the file again itself.
asio::awaitable<Result<void>> Slice::restart(std::string why) {
  const bool decides = (index_ == 0 && !BGXFER_MUTANT(36)) || at_home();
  if (!decides && file_.bound()) co_return blame(Errc::resource_changed, url() + ": " + why);
  if (alone()) co_return co_await file_.restart(std::move(why));
  file_.restart_wanted = std::move(why);
  co_return blame(Errc::resource_changed, url());
}

/// Not the bytes that were asked for. After a second chance the server is asked for everything instead (bad-servers.md
/// rows 3, 5 and 8); where several connections ask it, one of them has to find out.
Result<void> Slice::refuse_range(const Error& error) {
  std::uint32_t& refused = source_().refused;
  if (!alone()) {
    refused = std::max(refused, 1U);
    return at_home() ? Result<void>{} : error;
  }
  if (++refused > refusals_max) return error;
  return {};
}

/// Reads `count` bytes that are on disk already once more, and compares.
asio::awaitable<Result<void>> Slice::same_bytes(Download& download, std::uint64_t local, std::uint64_t count,
                                                bool& same) {
  same = false;
  const std::span<std::byte> theirs = buffer_.first(buffer_.size() / 2);
  const std::span<std::byte> ours = buffer_.subspan(buffer_.size() / 2);
  while (count > 0) {
    const std::span<std::byte> room = theirs.first(std::min<std::uint64_t>(theirs.size(), count));
    Result<std::size_t> got = co_await download.read(room);
    if (got) file_.count_received(*got);
    if (stopping()) co_return file_.cancelled();
    if (!got) co_return got.error();
    if (*got == 0) co_return Result<void>{};  // What is there now is shorter.
    Result<std::size_t> had = co_await file_.open->partial->read(local, ours.first(*got));
    if (!had) co_return had.error();
    const bool equal = std::memcmp(ours.data(), theirs.data(), *got) == 0 || BGXFER_MUTANT(20);
    if (*had != *got || !equal) co_return Result<void>{};
    local += *got;
    count -= *got;
  }
  same = true;
  co_return Result<void>{};
}

/// Where the next chunk goes: what came before may still be hashed where it is.
std::span<std::byte> Slice::room() {
  if (!hasher()) return buffer_;
  other_turn_ = !other_turn_;
  if (another_) return other_turn_ ? another_->bytes() : buffer_;
  const std::size_t half = buffer_.size() / 2;
  return other_turn_ ? buffer_.subspan(half) : buffer_.first(half);
}

/// Takes `length` bytes of the body (or all, if that is not known) to `local` in the file.
asio::awaitable<Result<void>> Slice::receive(Download& download, std::uint64_t local, std::uint64_t length) {
  const bool sized = length != ByteRange::to_end;
  const std::uint64_t limit = sized ? length : context_.limits().unsized_bytes_max;
  const std::uint64_t end = local > ByteRange::to_end - limit ? ByteRange::to_end : local + limit;
  const std::uint64_t begin = local;
  const std::optional<std::uint64_t> expected = file_.expected_size;
  while (!sized || local < end) {
    // The turn may have ended while the disk or the limit was waited for.
    if (stopping()) co_return file_.cancelled();
    if (!alone() || relieved || end_ != gap_.end()) {
      // Another one has been given the rest, or was faster.
      position_ = std::max(position_, local);
      const ByteRange left = ByteRange::between(local, std::min(end, end_));
      if (file_.covers(left)) co_return Result<void>{};
    }
    std::span<std::byte> room = this->room();
    // Chunks end where blocks of their size do: the kernel keeps such a block in one piece, and others in several.
    std::size_t chunk = room.size() - static_cast<std::size_t>(local % room.size());
    bool new_wishes = false;
    {
      Model::Lock lock = context_.model->lock();
      new_wishes = file_.wishes_changed(lock);
      chunk = file_.job->pacer.chunk(context_.model->pacer(lock).chunk(chunk));
    }
    if (new_wishes && !alone()) {
      file_.changed.notify();
    } else if (new_wishes) {
      // What is wanted now may lie elsewhere, and this body would have to be read up to there.
      const std::optional<ByteRange> gap = file_.first_gap();
      if (!gap || file_.covers(ByteRange::between(local, end)) || gap->offset != file_.first_missing(local)) {
        co_return Result<void>{};
      }
    }
    if (sized) chunk = static_cast<std::size_t>(std::min<std::uint64_t>(chunk, end - local));
    if (file_.has_pieces()) {
      chunk = static_cast<std::size_t>(std::min<std::uint64_t>(chunk, file_.piece_with(local).end() - local));
    }
    room = room.first(chunk);
    Result<std::size_t> count = co_await download.read(room);
    if (!count && stopping()) co_return file_.cancelled();
    if (!count) {
      context_.model->meter.bodies_cut.add();
      co_return count.error();
    }
    // What has arrived is kept, even if the turn is over by now.
    file_.count_received(*count);
    if (*count == 0) break;
    if (!sized && *count > end - local) {
      co_return blame(Errc::response_too_large, url() + ": more than Limits::unsized_bytes_max without a known size");
    }
    if (!sized && expected && *count > *expected - std::min(local, *expected)) {
      co_return file_.wrong_size(local + *count, source_());
    }
    if (!sized && expected && local + *count == *expected) {
      // Only the end proves that this is all. Until it is seen the last bytes do not count, or the beginning of a
      // longer resource would look like the file once it is taken up again.
      std::byte more{};
      Result<std::size_t> beyond = co_await download.read(std::span(&more, 1));
      if (!beyond) co_return stopping() ? file_.cancelled() : beyond.error();
      if (*beyond > 0) co_return file_.wrong_size(local + *count + *beyond, source_());
    }

    Result<void> taken = co_await take(local, room.first(*count));
    if (!taken) co_return taken;
    local += *count;
    position_ = local;
    brought_ += *count;
    if (file_.together()) heard_ = context_.clock().now();
    if (on_first_byte) std::exchange(on_first_byte, nullptr)();
    if (file_.open->failed) co_return file_.overtaken();
    if (std::optional<Error> error = file_.too_large()) co_return *std::move(error);
    Result<void> paced = co_await file_.pace(*count);
    if (!paced) co_return paced;
  }
  if (BGXFER_MUTANT(7) && local < end) {
    file_.size = local;
    file_.ended = true;
    co_return Result<void>{};
  }
  if (sized) {
    // An empty resource has come to its end at once.
    const bool nothing_came = local == begin && file_.size != 0 && local < std::min(end, end_);
    if (nothing_came && !file_.covers(ByteRange::between(local, std::min(end, end_)))) {
      co_return blame(Errc::body_truncated, url());
    }
    co_return Result<void>{};
  }
  // The end of a body whose length nobody knew: now it is known.
  if (expected && local != *expected && download.head().delimited) co_return file_.wrong_size(local, source_());
  if (file_.size && local != *file_.size) co_return blame(Errc::body_truncated, url());
  file_.size = local;
  // A piece that was wrong is missing still.
  file_.ended = !file_.has_pieces();
  co_return Result<void>{};
}

/// Puts one chunk where it belongs, and before whoever computes its digest.
asio::awaitable<Result<void>> Slice::take(std::uint64_t local, std::span<const std::byte> bytes) {
  const Result<bool> ours = co_await file_.store(local, bytes, index_);
  if (!ours) co_return ours.error();
  const std::shared_ptr<Hasher> hasher = this->hasher();
  if (!hasher) co_return Result<void>{};
  const std::uint64_t begin = file_.has_pieces() ? file_.piece_with(local).offset : 0;
  if (local == begin) {
    co_await hasher->idle();
    if (file_.has_pieces() || !hasher->next()) hasher->begin(begin);
    times_wrong_ = file_.times_wrong;
  }
  if (*ours) {
    co_await hasher->feed(local, bytes);
  } else {
    co_await hasher->idle();  // The chunk after this one comes where the one before it may still be hashed.
  }
  if (!file_.has_pieces() || !file_.pending.contains(file_.piece_with(local))) co_return Result<void>{};
  co_await hasher->idle();
  // Once a piece was wrong, others may have written anew what this one has hashed.
  Result<void> checked =
      co_await file_.check_piece(local, times_wrong_ == file_.times_wrong ? hasher.get() : nullptr, buffer_);
  // The rest is for somebody else, once what it was asked for has begun.
  if (file_.is_shunned(index_) && local >= gap_.offset) end_ = std::min(end_, local + bytes.size());
  co_return checked;
}

}  // namespace bgxfer::inline v0::detail
