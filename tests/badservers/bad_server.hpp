#ifndef BGXFER_TESTS_BADSERVERS_BAD_SERVER_HPP
#define BGXFER_TESTS_BADSERVERS_BAD_SERVER_HPP

#include <algorithm>
#include <atomic>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/http_script_server.hpp"

namespace bad_servers {

using http_test::Peer;

/// Bytes that no two places of a file share.
inline std::string resource(std::size_t size, std::uint64_t version = 1) {
  std::string bytes(size, '\0');
  std::uint64_t state = version * 0x9e3779b97f4a7c15U;
  for (char& byte : bytes) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    byte = static_cast<char>(state >> 56);
  }
  return bytes;
}

/// A request as it arrived.
struct Asked {
  std::string head{};
  int connection = 0;  ///< From 0.
  int number = 0;      ///< Of the request, over all connections, from 0.

  [[nodiscard]] std::string_view method() const { return std::string_view(head).substr(0, head.find(' ')); }
  [[nodiscard]] std::string path() const {
    const std::size_t begin = head.find(' ') + 1;
    return head.substr(begin, head.find(' ', begin) - begin);
  }
  /// The value of a field whose name is given in lower case.
  [[nodiscard]] std::optional<std::string> field(std::string_view name) const {
    for (std::size_t line = head.find("\r\n") + 2; line < head.size();) {
      const std::size_t end = head.find("\r\n", line);
      const std::size_t colon = head.find(':', line);
      if (colon < end) {
        std::string here = head.substr(line, colon - line);
        std::transform(here.begin(), here.end(), here.begin(), [](unsigned char c) { return std::tolower(c); });
        if (here == name) return head.substr(colon + 2, end - colon - 2);
      }
      line = end + 2;
    }
    return std::nullopt;
  }
  /// The first byte of the range that is asked for; empty without Range.
  [[nodiscard]] std::optional<std::uint64_t> first() const { return number_behind("bytes=", '-'); }
  /// The last byte; empty if the range runs to the end.
  [[nodiscard]] std::optional<std::uint64_t> last() const { return number_behind("-", '\r'); }

 private:
  [[nodiscard]] std::optional<std::uint64_t> number_behind(std::string_view mark, char stop) const {
    const std::optional<std::string> range = field("range");
    if (!range) return std::nullopt;
    const std::string text = *range + "\r";
    const std::size_t at = text.find(mark) + mark.size();
    std::uint64_t value = 0;
    const auto [end, code] = std::from_chars(text.data() + at, text.data() + text.size(), value);
    return code == std::errc() && *end == stop ? std::optional(value) : std::nullopt;
  }
};

/// What becomes of the connection after an answer.
enum class Then { keep, close, reset, cut };  ///< `cut`: over TLS, without the closing message.

/// A server that answers each request by its script, on loopback, plain or with TLS. Remembers every request.
class BadServer {
 public:
  using Answer = std::function<Then(Peer&, const Asked&)>;

  explicit BadServer(Answer answer, SSL_CTX* tls = nullptr)
      : answer_(std::move(answer)), server_([this](Peer& peer, int connection) { serve(peer, connection); }, tls) {}

  [[nodiscard]] std::string url(std::string_view path = "/file", std::string_view host = "127.0.0.1") const {
    return server_.url(path, host);
  }
  [[nodiscard]] std::uint16_t port() const { return server_.port(); }
  [[nodiscard]] int connections() const { return server_.connections(); }
  /// What its script looks at is the test's own again.
  void end_connections() { server_.end_connections(); }
  [[nodiscard]] std::vector<Asked> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void serve(Peer& peer, int connection) {
    for (;;) {
      Asked asked;
      asked.head = peer.read_head();
      if (asked.head.empty()) return;
      asked.connection = connection;
      {
        const std::lock_guard lock(mutex_);
        asked.number = static_cast<int>(requests_.size());
        requests_.push_back(asked);
      }
      switch (answer_(peer, asked)) {
        case Then::keep: continue;
        case Then::close: return;
        case Then::cut: peer.skip_close_notify = true; return;
        case Then::reset: peer.reset(); return;
      }
    }
  }

  Answer answer_;
  mutable std::mutex mutex_;
  std::vector<Asked> requests_;
  http_test::ScriptServer server_;  // Last: its threads use what is above.
};

// --- The words of the scripts ---

inline constexpr const char* tagged = "ETag: \"v1\"\r\n";

/// "HTTP/1.1 `status` Said", `fields`, an empty line.
inline std::string head_of(int status, std::string_view fields) {
  return "HTTP/1.1 " + std::to_string(status) + " Said\r\n" + std::string(fields) + "\r\n";
}

/// An answer with Content-Length, of whose body only `sent` bytes are sent.
inline void answer(Peer& peer, int status, std::string_view fields, std::string_view body,
                   std::size_t sent = std::string_view::npos) {
  std::string head = head_of(status, std::string(fields) + "Content-Length: " + std::to_string(body.size()) + "\r\n");
  if (peer.write(head)) peer.write(body.substr(0, sent));
}

/// What a good server says: 206 to a range, 200 to everything else. `sent` as above.
inline void good(Peer& peer, const Asked& asked, std::string_view content, std::string_view fields = tagged,
                 std::size_t sent = std::string_view::npos) {
  const std::optional<std::uint64_t> first = asked.first();
  if (!first) return answer(peer, 200, fields, content, sent);
  if (*first >= content.size()) {
    return answer(peer, 416, "Content-Range: bytes */" + std::to_string(content.size()) + "\r\n", "");
  }
  const std::size_t last =
      static_cast<std::size_t>(std::min<std::uint64_t>(asked.last().value_or(content.size()), content.size() - 1));
  const std::string range = "Content-Range: bytes " + std::to_string(*first) + "-" + std::to_string(last) + "/" +
                            std::to_string(content.size()) + "\r\n";
  answer(peer, 206, std::string(fields) + range,
         content.substr(static_cast<std::size_t>(*first), last + 1 - static_cast<std::size_t>(*first)), sent);
}

/// `body` in chunks, without the last one.
inline std::string chunks(std::string_view body, std::size_t chunk_bytes = 7000) {
  std::string wire;
  for (std::size_t at = 0; at < body.size(); at += chunk_bytes) {
    const std::string_view chunk = body.substr(at, chunk_bytes);
    char size[17] = {};
    std::to_chars(size, size + 16, chunk.size(), 16);
    ((wire += size) += "\r\n").append(chunk) += "\r\n";
  }
  return wire;
}
inline constexpr const char* last_chunk = "0\r\n\r\n";

}  // namespace bad_servers

#endif
