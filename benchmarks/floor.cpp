// The least that a download can cost: bytes from a socket into a preallocated file, 256 KiB at a time, and nothing
// else. Over TLS OpenSSL reads from the socket itself. What an HTTP client needs beyond this is what it is judged by.
// Run: floor plain HOST PORT PATH TARGET [sync]          with `sync`, the file is durable in the end
//      floor tls HOST PORT PATH TARGET AUTHORITY         TLS 1.3, the certificate verified
//      floor hash FILE                                   SHA-256 of a file, read 256 KiB at a time
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::size_t chunk_bytes = 256 * 1024;

[[noreturn]] void fail(const char* what) {
  std::perror((std::string("floor: ") + what).c_str());
  std::exit(1);
}

int connect_to(const char* host, const char* port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
  if (::inet_pton(AF_INET, host, &address.sin_addr) != 1) fail("HOST must be an IPv4 address");
  if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("connect");
  return descriptor;
}

/// Takes a response from `receive` into a file. `receive` fills the front of a buffer, 0 being the end.
void download(const std::function<std::size_t(char*, std::size_t)>& receive, const char* target, bool durable) {
  std::vector<char> buffer(chunk_bytes);
  std::size_t have = 0;
  std::size_t end_of_head = std::string_view::npos;
  while (end_of_head == std::string_view::npos) {
    const std::size_t got = receive(buffer.data() + have, buffer.size() - have);
    if (got == 0) fail("the response has no end of its head");
    have += got;
    end_of_head = std::string_view(buffer.data(), have).find("\r\n\r\n");
  }
  const std::string_view head(buffer.data(), end_of_head);
  const std::size_t length_at = head.find("Content-Length: ");
  if (!head.starts_with("HTTP/1.1 200") || length_at == std::string_view::npos) fail("no 200 with a Content-Length");
  const long long length = std::atoll(head.data() + length_at + 16);

  const int file = ::open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) fail(target);
  if (length > 0 && ::fallocate(file, FALLOC_FL_KEEP_SIZE, 0, length) != 0) fail("fallocate");
  long long written = 0;
  std::size_t skip = end_of_head + 4;
  while (true) {
    if (have > skip) {
      const ssize_t put = ::pwrite(file, buffer.data() + skip, have - skip, written);
      if (put != static_cast<ssize_t>(have - skip)) fail("pwrite");
      written += put;
    }
    skip = 0;
    if (written == length) break;
    have = receive(buffer.data(), buffer.size());
    if (have == 0) fail("the body broke off");
  }
  if (durable && ::fdatasync(file) != 0) fail("fdatasync");
  ::close(file);
}

std::string request_for(const char* host, const char* path) {
  return std::string("GET ") + path + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
}

int plain(char** argv, bool durable) {
  const int descriptor = connect_to(argv[0], argv[1]);
  const std::string request = request_for(argv[0], argv[2]);
  if (::send(descriptor, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
    fail("send");
  const auto receive = [descriptor](char* into, std::size_t room) {
    const ssize_t got = ::recv(descriptor, into, room, 0);
    if (got < 0) fail("recv");
    return static_cast<std::size_t>(got);
  };
  download(receive, argv[3], durable);
  return 0;
}

int tls(char** argv) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  if (SSL_CTX_load_verify_locations(context, argv[4], nullptr) != 1) fail("AUTHORITY is no PEM file");
  SSL* session = SSL_new(context);
  SSL_set_fd(session, connect_to(argv[0], argv[1]));
  if (SSL_connect(session) != 1) fail("the handshake");
  const std::string request = request_for(argv[0], argv[2]);
  if (SSL_write(session, request.data(), static_cast<int>(request.size())) <= 0) fail("SSL_write");
  bool ended = false;
  const auto receive = [session, &ended](char* into, std::size_t room) {
    // A read gives one record, 16 KiB at most: the buffer is filled as far as OpenSSL has bytes at hand.
    std::size_t have = 0;
    while (have < room && !ended) {
      if (have > 0 && !SSL_has_pending(session)) {
        char probe = 0;
        if (::recv(SSL_get_fd(session), &probe, 1, MSG_PEEK | MSG_DONTWAIT) <= 0) break;
      }
      const int got = SSL_read(session, into + have, static_cast<int>(room - have));
      if (got <= 0) ended = true;
      if (got > 0) have += static_cast<std::size_t>(got);
    }
    return have;
  };
  download(receive, argv[3], false);
  return 0;
}

int hash(const char* path) {
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) fail(path);
  std::vector<char> buffer(chunk_bytes);
  EVP_MD_CTX* digest = EVP_MD_CTX_new();
  EVP_DigestInit_ex(digest, EVP_sha256(), nullptr);
  for (ssize_t got = 0; (got = ::read(file, buffer.data(), buffer.size())) > 0;) {
    EVP_DigestUpdate(digest, buffer.data(), static_cast<std::size_t>(got));
  }
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_DigestFinal_ex(digest, out, &size);
  for (unsigned int i = 0; i < size; ++i) std::printf("%02x", out[i]);
  std::printf("\n");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view mode = argc > 1 ? argv[1] : "";
  if (mode == "plain" && (argc == 6 || (argc == 7 && std::string_view(argv[6]) == "sync")))
    return plain(argv + 2, argc == 7);
  if (mode == "tls" && argc == 7) return tls(argv + 2);
  if (mode == "hash" && argc == 3) return hash(argv[2]);
  std::fprintf(stderr, "floor: floor plain|tls|hash; the head of floor.cpp says how\n");
  return 2;
}
