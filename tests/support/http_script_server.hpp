#ifndef BGXFER_TESTS_HTTP_SCRIPT_SERVER_HPP
#define BGXFER_TESTS_HTTP_SCRIPT_SERVER_HPP

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace http_test {

/// One accepted connection, as a script sees it. Plain or TLS. Blocks; a peer that says nothing for ten seconds is
/// given up.
class Peer {
 public:
  Peer(int socket, SSL* ssl) : socket_(socket), ssl_(ssl) {}

  /// Reads one request head, including the empty line; empty if the client has gone.
  std::string read_head() {
    std::string head;
    while (!head.ends_with("\r\n\r\n")) {
      char c;
      if (read(&c, 1) != 1) return {};
      head += c;
    }
    return head;
  }

  std::string read_exactly(std::size_t count) {
    std::string text(count, '\0');
    std::size_t filled = 0;
    while (filled < count) {
      const long got = read(text.data() + filled, count - filled);
      if (got <= 0) break;
      filled += static_cast<std::size_t>(got);
    }
    text.resize(filled);
    return text;
  }

  bool write(std::string_view text) {
    while (!text.empty()) {
      const long sent = ssl_ ? SSL_write(ssl_, text.data(), static_cast<int>(text.size()))
                             : ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  /// Waits until the client closes or sends something.
  void wait_for_client() {
    char c;
    read(&c, 1);
  }

  /// Carries bytes to and from another server on loopback until one side ends: what a proxy does behind CONNECT.
  void splice_to(std::uint16_t port) {
    const int other = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    bool open = ::connect(other, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    pollfd both[] = {{socket_, POLLIN, 0}, {other, POLLIN, 0}};
    while (open && ::poll(both, 2, 10'000) > 0) {
      for (int from : {0, 1}) {
        if (!(both[from].revents & (POLLIN | POLLHUP))) continue;
        char bytes[16 * 1024];
        const long count = ::recv(both[from].fd, bytes, sizeof bytes, 0);
        open = open && count > 0 &&
               ::send(both[1 - from].fd, bytes, static_cast<std::size_t>(count), MSG_NOSIGNAL) == count;
      }
    }
    ::close(other);
  }

  /// Ends with a reset instead of an orderly close.
  void reset() {
    const linger abrupt{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &abrupt, sizeof abrupt);
    skip_close_notify = true;
  }

  bool skip_close_notify = false;

 private:
  long read(char* into, std::size_t count) {
    return ssl_ ? SSL_read(ssl_, into, static_cast<int>(count)) : ::recv(socket_, into, count, 0);
  }

  int socket_;
  SSL* ssl_;
};

/// A server on a free loopback port whose every connection is played by a script, on a thread of its own. The
/// destructor shuts all connections down and joins all threads, so a test cannot hang on it.
class ScriptServer {
 public:
  /// Called with the number of the connection, from 0.
  using Script = std::function<void(Peer&, int)>;

  explicit ScriptServer(Script script, SSL_CTX* tls = nullptr) : script_(std::move(script)), tls_(tls) {
    // The TLS side of this server writes with plain `write`.
    if (tls_) std::signal(SIGPIPE, SIG_IGN);
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(listener_, 64);
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    accepting_ = std::thread([this] { accept_all(); });
  }

  ~ScriptServer() {
    stop_accepting();
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      for (int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
    }
    for (std::thread& thread : threads_) thread.join();
  }

  /// Shuts all connections down and waits for their scripts, which then use nothing of the test any more. Later
  /// connections are served.
  void end_connections() {
    std::vector<std::thread> ending;
    {
      const std::lock_guard lock(mutex_);
      for (int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
      std::swap(ending, threads_);
    }
    for (std::thread& thread : ending) thread.join();
  }

  void stop_accepting() {
    if (!accepting_.joinable()) return;
    ::shutdown(listener_, SHUT_RDWR);
    accepting_.join();
    ::close(listener_);
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string url(std::string_view path = "/file", std::string_view host = "127.0.0.1") const {
    return (tls_ ? "https://" : "http://") + std::string(host) + ":" + std::to_string(port_) + std::string(path);
  }
  [[nodiscard]] int connections() const { return connections_; }

 private:
  void accept_all() {
    for (;;) {
      const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket < 0) return;
      const timeval patience{10, 0};
      ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
      ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
      const int number = connections_++;
      const std::lock_guard lock(mutex_);
      if (stopping_) {
        ::close(socket);
        return;
      }
      sockets_.push_back(socket);
      threads_.emplace_back([this, socket, number] { serve(socket, number); });
    }
  }

  void serve(int socket, int number) {
    SSL* ssl = nullptr;
    bool ready = true;
    if (tls_) {
      ssl = SSL_new(tls_);
      SSL_set_fd(ssl, socket);
      ready = SSL_accept(ssl) == 1;
    }
    if (ready) {
      Peer peer(socket, ssl);
      script_(peer, number);
      if (ssl && !peer.skip_close_notify) SSL_shutdown(ssl);
    }
    if (ssl) SSL_free(ssl);
    const std::lock_guard lock(mutex_);
    std::erase(sockets_, socket);
    ::close(socket);
  }

  Script script_;
  SSL_CTX* tls_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> connections_{0};
  std::thread accepting_;
  std::mutex mutex_;
  bool stopping_ = false;
  std::vector<int> sockets_;
  std::vector<std::thread> threads_;
};

/// A script that gives the same answer to every request, connections kept alive.
inline ScriptServer::Script always(std::string answer) {
  return [answer = std::move(answer)](Peer& peer, int) {
    while (!peer.read_head().empty()) {
      if (!peer.write(answer)) return;
    }
  };
}

/// A script that answers one request for each connection and closes.
inline ScriptServer::Script once(std::string answer) {
  return [answer = std::move(answer)](Peer& peer, int) {
    peer.read_head();
    peer.write(answer);
  };
}

/// "HTTP/1.1 200 OK", `fields` (each ending in CRLF), Content-Length, `body`.
inline std::string ok(std::string_view body, std::string_view fields = "") {
  return "HTTP/1.1 200 OK\r\n" + std::string(fields) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

}  // namespace http_test

#endif
