#include <bgxfer/http/http_transport.hpp>

#include <spawn.h>
#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include <doctest/doctest.h>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>

#include "support/http_fetch.hpp"

using namespace std::chrono_literals;
using bgxfer::Request;
using http_test::fetch;
using http_test::Outcome;

namespace {

constexpr const char* nginx_program = "/usr/sbin/nginx";

/// A real nginx in a folder of its own, on a free port, until it dies.
class Nginx {
 public:
  Nginx() {
    char pattern[] = "/tmp/bgxfer-nginx-XXXXXX";
    folder_ = ::mkdtemp(pattern);
    std::filesystem::create_directory(folder_ / "www");
    {
      asio::io_context io;
      asio::ip::tcp::acceptor probe(io, asio::ip::tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0));
      port_ = probe.local_endpoint().port();
    }
    std::ofstream(folder_ / "nginx.conf") << "daemon off; master_process off; pid nginx.pid; error_log error.log;\n"
                                             "events { worker_connections 64; }\n"
                                             "http { access_log off; client_body_temp_path t1; proxy_temp_path t2;\n"
                                             "fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;\n"
                                             "gzip on; gzip_types *; gzip_min_length 1;\n"
                                             "server { listen 127.0.0.1:"
                                          << port_ << "; root " << (folder_ / "www").string() << "; } }\n";
    const std::string prefix = folder_.string() + "/";
    const char* arguments[] = {nginx_program, "-p", prefix.c_str(), "-c", "nginx.conf", "-e", "stderr", nullptr};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", 1, 0);
    ::posix_spawn(&process_, nginx_program, &actions, nullptr, const_cast<char* const*>(arguments), environ);
    posix_spawn_file_actions_destroy(&actions);
    for (int i = 0; i < 500 && !answers(); ++i) std::this_thread::sleep_for(10ms);
  }
  ~Nginx() {
    if (process_ > 0) {
      ::kill(process_, SIGTERM);
      ::waitpid(process_, nullptr, 0);
    }
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  void put(const std::string& name, const std::string& text) const { std::ofstream(folder_ / "www" / name) << text; }
  [[nodiscard]] std::string url(const std::string& name) const {
    return "http://127.0.0.1:" + std::to_string(port_) + "/" + name;
  }

 private:
  [[nodiscard]] bool answers() const {
    asio::io_context io;
    asio::ip::tcp::socket socket(io);
    std::error_code ec;
    socket.connect(asio::ip::tcp::endpoint(asio::ip::make_address("127.0.0.1"), port_), ec);
    return !ec;
  }

  std::filesystem::path folder_;
  std::uint16_t port_ = 0;
  pid_t process_ = -1;
};

}  // namespace

TEST_CASE("a real nginx is understood: whole files, ranges, validators, refusals") {
  if (!std::filesystem::exists(nginx_program)) {
    MESSAGE("nginx is not installed; nothing was tested");
    return;
  }
  const Nginx nginx;
  std::string text(1'000'000, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 7 >> 2);
  nginx.put("file.bin", text);
  bgxfer::http::TransportOptions options;
  options.quiet_connection_timeout = 1ms;
  const auto transport = bgxfer::http::make_transport(options);

  const Outcome whole = fetch(transport, nginx.url("file.bin"));
  CHECK_FALSE(whole.error);
  CHECK(whole.body == text);
  CHECK(whole.head.validator.starts_with("\""));
  CHECK(whole.head.last_modified);

  Request part(nginx.url("file.bin"));
  part.range = bgxfer::ByteRange{500'000, 1000};
  part.validator = whole.head.validator;
  const Outcome middle = fetch(transport, part);
  CHECK(middle.head.granted == bgxfer::ByteRange{500'000, 1000});
  CHECK(middle.head.resource_size == 1'000'000u);
  CHECK(middle.body == text.substr(500'000, 1000));

  part.validator = "\"another\"";
  CHECK(fetch(transport, part).head.granted == bgxfer::ByteRange{0, 1'000'000});

  Request beyond(nginx.url("file.bin"));
  beyond.range = bgxfer::ByteRange{1'000'000, 1};
  const Outcome refused = fetch(transport, std::move(beyond));
  REQUIRE(refused.error);
  CHECK(refused.code() == bgxfer::http_status(416));
  CHECK(refused.error->resource_size() == 1'000'000u);

  CHECK(fetch(transport, nginx.url("nothing")).code() == bgxfer::http_status(404));
}
