#include "server.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>
#include <utility>

namespace bgxfer::simulation {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ConnectAnswer;
using testing::ServerAnswer;
using testing::ServerRequest;

constexpr std::size_t size_max = 96'000;
constexpr std::size_t pool_bytes = 2 * size_max;
constexpr std::size_t pool_count = 16;

/// Long, random, made once. The low bits of a byte say which pool it is from: two versions agree in no byte.
std::span<const std::byte> pool(std::size_t number) {
  static const std::vector<std::byte> bytes = [] {
    std::vector<std::byte> made(pool_bytes * pool_count);
    testing::detail::Random random(7);
    for (std::size_t i = 0; i < made.size(); ++i) {
      made[i] = static_cast<std::byte>((random.next() & 0xf0U) | (i / pool_bytes));
    }
    return made;
  }();
  return std::span(bytes).subspan(number % pool_count * pool_bytes, pool_bytes);
}

constexpr std::string_view page =
    "<!DOCTYPE html><html><head><title>Welcome</title></head><body>Please log in to use this network.</body></html>";

class QuickDigest final : public Sha256Stream {
 public:
  void update(std::span<const std::byte> bytes) override {
    // Eight at a time, whatever the pieces are.
    while (count_ % 8 != 0 && !bytes.empty()) add(bytes);
    for (; bytes.size() >= 8; bytes = bytes.subspan(8), count_ += 8) {
      std::memcpy(&word_, bytes.data(), 8);
      mix();
    }
    while (!bytes.empty()) add(bytes);
  }
  Sha256 finish() override {
    mix();
    state_ ^= count_;
    Sha256 value;
    testing::detail::Random random(state_);
    for (std::byte& byte : value.bytes) byte = static_cast<std::byte>(random.next());
    return value;
  }

 private:
  void add(std::span<const std::byte>& bytes) {
    std::memcpy(reinterpret_cast<char*>(&word_) + count_ % 8, bytes.data(), 1);
    bytes = bytes.subspan(1);
    if (++count_ % 8 == 0) mix();
  }
  void mix() { state_ = (state_ ^ word_) * 0x100000001b3U ^ state_ >> 31; }

  std::uint64_t state_ = 0xcbf29ce484222325U;
  std::uint64_t word_ = 0;
  std::uint64_t count_ = 0;
};

std::string http_date(std::chrono::system_clock::time_point time) {
  using namespace std::chrono;
  constexpr std::array<const char*, 7> days_of_week{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> months_of_year{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(floor<seconds>(time - day));
  char text[40];
  std::snprintf(text, sizeof text, "%s, %02u %s %04d %02d:%02d:%02d GMT", days_of_week[weekday(day).c_encoding()],
                static_cast<unsigned>(date.day()), months_of_year[static_cast<unsigned>(date.month()) - 1],
                static_cast<int>(date.year()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()));
  return text;
}

/// The one range of a Range field.
std::optional<ByteRange> range_of(const ServerRequest& request) {
  const std::optional<std::string_view> field = request.field("Range");
  if (!field || !field->starts_with("bytes=")) return std::nullopt;
  const std::string_view text = field->substr(6);
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), first);
  const char* rest = parsed.ptr + 1;  // Behind the dash.
  if (rest >= text.data() + text.size()) return ByteRange{first, ByteRange::to_end};
  std::from_chars(rest, text.data() + text.size(), last);
  return ByteRange::between(first, last + 1);
}

}  // namespace

std::unique_ptr<Sha256Stream> quick_digest() { return std::make_unique<QuickDigest>(); }

/// A response in the making: status line and fields as text, then the body with its framing.
class Server::Reply {
 public:
  Reply(Server& server, ServerAnswer& answer) : server_(server), answer_(answer) {
    closes_ = server_.happens(Fault::closing, 0.3);
  }

  void status(int code, std::string_view version = "HTTP/1.1") {
    head_ += std::string(version) + " " + std::to_string(code) + " Said\r\n";
    field("Date", http_date(server_.clock_->wall_now()));
    if (closes_) field("Connection", "close");
  }
  void field(std::string_view name, std::string_view value) {
    if (server_.happens(Fault::spelling, 0.2)) {
      std::string odd(name);
      for (char& letter : odd) {
        if (letter >= 'A' && letter <= 'Z' && server_.random_.chance(0.5)) letter = static_cast<char>(letter + 32);
      }
      head_.append(odd).append(":\t").append(value).append(" \r\n");
    } else {
      head_.append(name).append(": ").append(value).append("\r\n");
    }
  }
  void interim(int code) { head_ += "HTTP/1.1 " + std::to_string(code) + " Wait\r\nLink: </style>\r\n\r\n"; }
  void raw(std::string_view text) { head_ += text; }
  void send_head() {
    head_ += "\r\n";
    if (server_.happens(Fault::pieces, 0.3)) {
      answer_.in_pieces(1);
    } else if (server_.happens(Fault::pieces, 0.5)) {
      answer_.in_random_pieces(40);
    }
    server_.trace_.say("  answers " + head_.substr(0, head_.find('\r')));
    answer_.send(std::move(head_));
    // The rest flows like a network does, after a while if somebody on the way has to think.
    const bool late = server_.happens(Fault::pieces, server_.swarm_.shares() ? 0.4 : 0.1);
    if (late) answer_.wait(milliseconds{server_.random_.below(3'000)});
    const bool trickles = server_.happens(Fault::pieces, 0.3);
    answer_.in_random_pieces(trickles ? 700 : 16'384, milliseconds{30});
  }

  /// A whole answer of a status and some text.
  void finish_with(int code, std::string_view text = {}) {
    status(code);
    for (const auto& [name, value] : fields_) field(name, value);
    field("Content-Length", std::to_string(text.size()));
    send_head();
    answer_.send(std::string(text));
    conclude();
  }
  void later(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }

  /// What becomes of a connection behind a complete response.
  void conclude() {
    if (closes_) {
      answer_.finish();
    } else if (server_.happens(Fault::stale, 0.2)) {
      answer_.vanish();
    } else if (server_.happens(Fault::stale, 0.2)) {
      answer_.wait(milliseconds{server_.random_.below(2'000)}).finish();
    }
  }
  void close_at_end() { closes_ = true; }
  [[nodiscard]] ServerAnswer& answer() { return answer_; }

 private:
  Server& server_;
  ServerAnswer& answer_;
  std::string head_;
  std::vector<std::pair<std::string, std::string>> fields_;
  bool closes_ = false;
};

Server::Server(testing::Simulation& simulation, Random random, Swarm swarm, Trace& trace)
    : clock_(simulation.clock()),
      random_(random),
      swarm_(swarm),
      trace_(trace),
      network_(std::make_shared<testing::SimulatedNetwork>(simulation, random_.next())) {
  testing::SimulatedServer everywhere;
  everywhere.accept = [this](const ConnectRequest&) { return accept(); };
  everywhere.answer = [this](const ServerRequest& request) { return answer(request); };
  network_->serve(testing::SimulatedNetwork::any_host, std::move(everywhere));
}

void Server::add(const std::string& path, bool secure) {
  Resource& resource = resources_[path];
  resource.secure = secure;
  resource.moved = swarm_.has(Fault::redirect) && random_.chance(0.2);
  resource.sized = !(swarm_.has(Fault::unsized) && random_.chance(0.4));
  if (swarm_.has(Fault::undelimited) && random_.chance(0.3)) {
    resource.sized = false;
    resource.delimited = false;
  }
  add_version(resource);
  for (Mirror& mirror : resource.mirrors) {
    if (swarm_.has(Fault::mirror_differs) && random_.chance(0.3)) mirror = Mirror::differs;
    if (swarm_.has(Fault::mirror_dead) && random_.chance(0.3)) mirror = Mirror::dead;
  }
  // Another pool than those of the first versions: no byte is the same.
  if (swarm_.has(Fault::mirror_differs)) resource.other = make_version(resource, pool_count);
}

void Server::rely_on_mirrors(const std::string& path) {
  resources_.at(path).down = swarm_.has(Fault::url_down) && random_.chance(0.5);
}

void Server::add_version(Resource& resource) {
  resource.versions.push_back(make_version(resource, resource.versions.size() + 1));
}

Mirror Server::mirror_of(const ServerRequest& request, const Resource& resource) {
  for (std::size_t i = 0; i < resource.mirrors.size(); ++i) {
    if (request.host == mirror_host(i)) return resource.mirrors[i];
  }
  return Mirror::same;
}

Version Server::make_version(const Resource& resource, std::size_t number) {
  std::size_t size = static_cast<std::size_t>(
      random_.below(std::array<std::uint64_t, 5>{2, 600, 9'000, 60'000, size_max}[random_.below(5)]));
  // The most dangerous change leaves the size as it was.
  if (!resource.versions.empty() && random_.chance(0.6)) size = resource.versions.back().bytes.size();
  Version version;
  version.bytes = pool(number).subspan(static_cast<std::size_t>(random_.below(pool_bytes - size)), size);
  const std::string name = "\"v" + std::to_string(number) + "\"";
  // A date is strong if it is a minute old, and no two versions have the same.
  const auto old = std::chrono::system_clock::time_point(seconds{1'600'000'000 + 61 * number});
  if (swarm_.has(Fault::no_validator) && random_.chance(0.5)) {
    if (random_.chance(0.5)) version.etag = "W/" + name;
    if (random_.chance(0.3)) version.modified = http_date(clock_->wall_now());
  } else if (swarm_.has(Fault::date_validator) && random_.chance(0.5)) {
    version.modified = http_date(old);
    version.strong = true;
  } else {
    version.etag = name;
    version.strong = true;
    if (random_.chance(0.3)) version.modified = http_date(old);
  }
  return version;
}

ConnectAnswer Server::accept() {
  ConnectAnswer door;
  door.delay = microseconds{200 + random_.below(20'000)};
  if (happens(Fault::refuse, 0.05)) {
    door.delay = seconds{60};
  } else if (happens(Fault::refuse, 0.1)) {
    door.refusal = std::make_error_code(std::errc::connection_refused);
  }
  return door;
}

ServerAnswer Server::answer(const ServerRequest& request) {
  const std::string_view target = request.target();
  const std::string_view path = target.substr(0, target.find('?'));
  trace_("request", request.connection, request.number, range_of(request).value_or(ByteRange{}).offset);
  if (trace_.prints()) {
    trace_.say("  " + std::string(request.host) + std::string(target) + " range " +
               std::string(request.field("Range").value_or("-")) + " if " +
               std::string(request.field("If-Range").value_or("-")));
  }
  ServerAnswer answer;
  answer.wait(microseconds{300 + random_.below(40'000)});
  if (answer_without_head(answer)) return answer;

  Reply reply(*this, answer);
  if (happens(Fault::interim, 0.2)) {
    const std::uint64_t count = 1 + random_.below(random_.chance(0.1) ? 8 : 4);
    for (std::uint64_t i = 0; i < count; ++i) reply.interim(random_.chance(0.5) ? 100 : 103);
  }
  const auto found = resources_.find(path);
  if (found == resources_.end()) {
    reply.finish_with(404);
    return answer;
  }
  Resource& resource = found->second;
  if (resource.secure) ++secure_requests_;
  if (resource.secure && !request.secure && on_wrong)
    on_wrong("(k) " + std::string(path) + " is asked for without TLS");
  if (mirror_of(request, resource) == Mirror::dead) {
    reply.finish_with(404);
    return answer;
  }
  // A 500, for a 503 would have all other resources asked for over fewer connections.
  if (resource.down && request.host == "server" && happens(Fault::url_down, 1)) {
    trace_("down");
    reply.finish_with(500);
    return answer;
  }
  if (happens(Fault::change, 0.1)) add_version(resource);
  if (answer_with_redirect(reply, request, resource) || answer_with_status(reply, request, resource)) return answer;
  answer_with_bytes(reply, request, resource);
  if (happens(Fault::change, 0.05)) add_version(resource);
  return answer;
}

/// What comes in place of a response that could be read.
bool Server::answer_without_head(ServerAnswer& answer) {
  if (happens(Fault::stall, 0.03)) {
    if (random_.chance(0.5)) answer.send("HTTP/1.1 200 OK\r\nContent-Le");
    answer.stall();
  } else if (happens(Fault::cut, 0.04)) {
    if (random_.chance(0.5)) answer.send("HTTP/1.");
    answer.reset();
  } else if (happens(Fault::early_end, 0.04)) {
    if (random_.chance(0.5)) answer.send("HTTP/1.1 206 Partial\r\n");
    answer.finish();
  } else if (happens(Fault::garbage, 0.06)) {
    constexpr std::array<std::string_view, 9> heads{
        "SSH-2.0-OpenSSH_9.2p1\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/9.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n folded: line\r\n\r\n",
        "HTTP/1.1 200 OK\nX: y\n\nhello"};
    answer.send(std::string(heads[random_.below(heads.size())]));
    random_.chance(0.5) ? answer.finish() : answer.stall();
  } else if (happens(Fault::endless_head, 0.02)) {
    std::string head = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 200; ++i) head += "X-" + std::to_string(i) + ": " + std::string(400, 'x') + "\r\n";
    answer.send(std::move(head));
    answer.stall();
  } else {
    return false;
  }
  return true;
}

bool Server::answer_with_redirect(Reply& reply, const ServerRequest& request, const Resource& resource) {
  // Behind a redirect to another host nobody could tell which of both a mirror has.
  if (mirror_of(request, resource) == Mirror::differs) return false;
  const bool leads_nowhere = happens(Fault::bad_redirect, 0.04);
  const std::string_view target = request.target();
  const bool moved = resource.moved && target.find('?') == std::string_view::npos;
  if (!leads_nowhere && !moved && !happens(Fault::redirect, 0.2)) return false;
  const std::string path(target.substr(0, target.find('?')));
  std::string location;
  if (leads_nowhere) {
    const std::array<std::string, 5> places{std::string(target), "", "http:///", "gopher://server" + path,
                                            "http://server" + path + "?down"};
    location = places[random_.below(places.size())];
  } else {
    const std::string mark = "?hop=" + std::to_string(random_.below(1000));
    const std::string scheme = request.secure ? "https:" : "http:";
    const std::array<std::string, 4> places{path + mark, path.substr(1) + mark, "//cdn" + path + mark,
                                            scheme + "//cdn.example:8080" + path + mark};
    location = places[random_.below(places.size())];
  }
  trace_("redirect", leads_nowhere);
  if (!location.empty()) reply.later("Location", location);
  const int code = std::array<int, 5>{301, 302, 303, 307, 308}[random_.below(5)];
  reply.finish_with(code, random_.chance(0.5) ? page : std::string_view());
  return true;
}

/// Statuses and bodies that are none of the resource's.
bool Server::answer_with_status(Reply& reply, const ServerRequest& request, Resource& resource) {
  const auto say = [&](int code, std::string_view text = {}) {
    trace_("status", static_cast<std::uint64_t>(code));
    reply.finish_with(code, text);
    return true;
  };
  if (happens(Fault::server_error, 0.12)) {
    return say(std::array<int, 7>{500, 502, 503, 504, 520, 408, 421}[random_.below(7)], page);
  }
  if (happens(Fault::missing, 0.03)) return say(random_.chance(0.5) ? 404 : 403);
  if (happens(Fault::pacing, 0.1)) {
    const std::uint64_t delay = random_.below(20);
    if (random_.chance(0.5)) {
      reply.later("Retry-After", std::to_string(delay));
    } else if (random_.chance(0.6)) {
      reply.later("Retry-After", http_date(clock_->wall_now() + seconds{delay}));
    } else {
      reply.later("Retry-After", "soon");
    }
    return say(random_.chance(0.5) ? 429 : 503);
  }
  if (happens(Fault::no_content, 0.03)) {
    const int code = random_.chance(0.5) ? 204 : 205;
    trace_("status", static_cast<std::uint64_t>(code));
    reply.status(code);
    if (code == 205) reply.field("Content-Length", "0");
    reply.send_head();
    reply.conclude();
    return true;
  }
  if (happens(Fault::precondition, 0.03)) return say(412);
  if (range_of(request) && happens(Fault::beyond, 0.04)) {
    if (random_.chance(0.5)) reply.later("Content-Range", "bytes */" + std::to_string(random_.below(100'000)));
    return say(416);
  }
  if (happens(Fault::portal, 0.03)) {
    if (resource.pages.empty()) {
      Version welcome;
      welcome.bytes = std::as_bytes(std::span(page));
      resource.pages.push_back(welcome);
    }
    reply.later("Content-Type", "text/html");
    return say(200, page);
  }
  if (happens(Fault::encoding, 0.02)) {
    reply.later("Content-Encoding", "gzip");
    reply.later("ETag", "\"v" + std::to_string(resource.versions.size()) + "-gzip\"");
    return say(200, "\x1f\x8b\x08 and so on");
  }
  return false;
}

void Server::answer_with_bytes(Reply& reply, const ServerRequest& request, Resource& resource) {
  const Version& version = mirror_of(request, resource) == Mirror::differs ? resource.other : resource.versions.back();
  const std::uint64_t size = version.bytes.size();
  const std::optional<ByteRange> range = range_of(request);
  const std::optional<std::string_view> condition = request.field("If-Range");
  const bool fulfilled = condition && (*condition == version.etag || *condition == version.modified);
  // A range of another version can be told from the right one by its validator only.
  const bool holds = !condition || fulfilled || (version.strong && happens(Fault::ignore_condition, 0.5));
  // Behind the end there is no byte that could be told from another version's, and the status alone has no validator.
  const bool reaches = range && (range->offset < size || !condition || fulfilled);
  const bool partial = reaches && holds && !happens(Fault::ignore_range, 0.2);

  if (partial && range->offset >= size) {
    reply.later("Content-Range", "bytes */" + std::to_string(size));
    trace_("response", 416, size);
    return reply.finish_with(416);
  }
  std::uint64_t begin = partial ? range->offset : 0;
  std::uint64_t end = partial ? std::min(range->end(), size) : size;
  const bool elsewhere = partial && happens(Fault::wrong_range, 0.1);
  if (elsewhere) begin = random_.below(end);
  if (partial && end > begin + 1 && happens(Fault::short_range, 0.2)) end = begin + 1 + random_.below(end - begin - 1);
  std::span<const std::byte> body =
      version.bytes.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
  trace_("response", begin, end, size);

  // How the end of the body is told.
  enum class Framing : std::uint8_t { length, chunked, to_close };
  Framing framing = Framing::length;
  if (!resource.sized && !partial) framing = resource.delimited ? Framing::chunked : Framing::to_close;
  if (framing == Framing::length && happens(Fault::chunked, 0.4)) framing = Framing::chunked;
  const bool old_protocol = framing != Framing::chunked && happens(Fault::undelimited, 0.3);
  reply.status(partial ? 206 : 200, old_protocol ? "HTTP/1.0" : "HTTP/1.1");
  if (old_protocol || framing == Framing::to_close) reply.close_at_end();

  // Only a response that the condition vouches for may leave the validator out.
  const bool silent = partial && fulfilled && happens(Fault::silent_validator, 0.5);
  if (!silent && !version.etag.empty()) reply.field("ETag", version.etag);
  if (!silent && !version.modified.empty()) reply.field("Last-Modified", version.modified);

  if (partial && happens(Fault::multipart, 0.1)) {
    const std::string part = "--part\r\nContent-Range: bytes " + std::to_string(begin) + "-" + std::to_string(end - 1) +
                             "/" + std::to_string(size) + "\r\n\r\n";
    const std::string last = "\r\n--part--\r\n";
    reply.field("Content-Type", "multipart/byteranges; boundary=part");
    reply.field("Content-Length", std::to_string(part.size() + body.size() + last.size()));
    reply.send_head();
    reply.answer().send(part).send_borrowed(body).send(last);
    return reply.conclude();
  }
  // Without the field a client can only believe that it got what it asked for.
  const bool bare = partial && !elsewhere && happens(Fault::bare_range, 0.1);
  if ((partial && !bare) || (!partial && size > 0 && happens(Fault::spelling, 0.2))) {
    const char* unit = happens(Fault::spelling, 0.3) ? "bytes=" : "bytes ";
    const std::string whole = resource.sized ? std::to_string(size) : "*";
    reply.field("Content-Range", unit + std::to_string(begin) + "-" + std::to_string(end - 1) + "/" + whole);
  }

  std::uint64_t announced = body.size();
  const bool lies = framing == Framing::length && happens(Fault::wrong_length, 0.08);
  // Less than there is can only be told from a shorter resource where Content-Range contradicts it.
  if (lies)
    announced = partial && !bare && random_.chance(0.5) ? random_.below(announced) : announced + 1 + random_.below(99);
  if (framing == Framing::length) reply.field("Content-Length", std::to_string(announced));
  if (framing == Framing::chunked) reply.field("Transfer-Encoding", "chunked");
  reply.send_head();
  ServerAnswer& answer = reply.answer();

  // What the network makes of it.
  enum class Break : std::uint8_t { none, reset, finish, stall, damage };
  Break broken = Break::none;
  if (happens(Fault::cut, 0.15))
    broken = Break::reset;
  else if (happens(Fault::early_end, 0.1))
    broken = Break::finish;
  else if (happens(Fault::stall, 0.06))
    broken = Break::stall;
  else if (framing == Framing::chunked && happens(Fault::bad_chunk, 0.15))
    broken = Break::damage;
  if (broken != Break::none) body = body.first(static_cast<std::size_t>(random_.below(body.size() + 1)));

  if (framing == Framing::chunked) {
    while (!body.empty()) {
      const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(body.size(), 1 + random_.below(20'000)));
      char line[64];
      std::snprintf(line, sizeof line, "%zx%s\r\n", count, random_.chance(0.2) ? ";part=1" : "");
      answer.send(line).send_borrowed(body.first(count)).send("\r\n");
      body = body.subspan(count);
    }
    if (broken == Break::none) answer.send(random_.chance(0.2) ? "0\r\nX-Sum: 1\r\n\r\n" : "0\r\n\r\n");
  } else {
    answer.send_borrowed(body);
  }
  switch (broken) {
    case Break::none: break;
    case Break::reset:
      trace_("cut");
      answer.reset();
      return;
    case Break::finish:
      trace_("early end");
      answer.finish();
      return;
    case Break::stall:
      trace_("stall");
      answer.stall();
      return;
    case Break::damage:
      trace_("bad chunk");
      answer.send(random_.chance(0.5) ? "five\r\nbytes" : "\r\n\r\n");
      return;
  }
  if (lies && announced > end - begin) {
    answer.finish();
  } else {
    if (framing != Framing::to_close && happens(Fault::excess, 0.1)) {
      if (random_.chance(0.5)) answer.wait(milliseconds{random_.below(500)});
      answer.send("more than was announced");
    }
    reply.conclude();
  }
}

}  // namespace bgxfer::simulation
