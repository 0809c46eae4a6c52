#include <bgxfer/openssl/file_secret_store.hpp>

#include <stdlib.h>
#include <sys/stat.h>

#include <exception>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include <doctest/doctest.h>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

using bgxfer::Errc;
using bgxfer::Result;
using bgxfer::openssl::make_file_secret_store;
using bgxfer::openssl::SecretKey;

namespace {

class Folder {
 public:
  Folder() {
    char pattern[] = "/tmp/bgxfer-secrets-XXXXXX";
    path_ = ::mkdtemp(pattern);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::filesystem::path file() const { return path_ / "queue.secrets"; }

 private:
  std::filesystem::path path_;
};

template <class T>
T run(asio::awaitable<T> work) {
  asio::io_context io;
  std::optional<T> outcome;
  asio::co_spawn(io, std::move(work), [&outcome](std::exception_ptr thrown, T value) {
    if (thrown) std::rethrow_exception(thrown);
    outcome = std::move(value);
  });
  io.run();
  return *std::move(outcome);
}

std::vector<std::byte> bytes(std::string_view text) {
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

SecretKey key_of(unsigned char value) {
  SecretKey key{};
  key.fill(static_cast<std::byte>(value));
  return key;
}

std::string content_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("a secret is there after a restart, sealed, in a file for its owner alone") {
  const Folder folder;
  CHECK(run(make_file_secret_store(folder.file(), key_of(1))->get("a")).error().code() == Errc::not_found);
  CHECK(run(make_file_secret_store(folder.file(), key_of(1))->put("a", bytes("marker-secret"))));
  CHECK(run(make_file_secret_store(folder.file(), key_of(1))->put("b", bytes(""))));
  const auto again = make_file_secret_store(folder.file(), key_of(1));
  CHECK(*run(again->get("a")) == bytes("marker-secret"));
  CHECK(run(again->get("b"))->empty());
  CHECK(content_of(folder.file()).find("marker") == std::string::npos);
  struct stat status {};
  REQUIRE(::stat(folder.file().c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);

  CHECK(run(again->erase("a")));
  CHECK(run(again->erase("a")));
  CHECK(run(make_file_secret_store(folder.file(), key_of(1))->get("a")).error().code() == Errc::not_found);
}

TEST_CASE("the same secret never looks the same twice") {
  const Folder folder;
  const auto store = make_file_secret_store(folder.file(), key_of(1));
  CHECK(run(store->put("a", bytes("secret"))));
  const std::string first = content_of(folder.file());
  CHECK(run(store->put("a", bytes("secret"))));
  CHECK(content_of(folder.file()) != first);
}

TEST_CASE("another key, a changed byte or a changed name gives nothing out") {
  const Folder folder;
  CHECK(run(make_file_secret_store(folder.file(), key_of(1))->put("name", bytes("secret"))));
  CHECK(run(make_file_secret_store(folder.file(), key_of(2))->get("name")).error().code() == Errc::journal_damaged);

  const std::string good = content_of(folder.file());
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    std::ofstream(folder.file(), std::ios::binary) << bad;
    const auto store = make_file_secret_store(folder.file(), key_of(1));
    for (const char* name : {"name", "oame"}) CHECK_FALSE(run(store->get(name)));
  }
  for (std::size_t size = 0; size < good.size(); ++size) {
    std::ofstream(folder.file(), std::ios::binary) << good.substr(0, size);
    CHECK_FALSE(run(make_file_secret_store(folder.file(), key_of(1))->get("name")));
  }
}

TEST_CASE("a file that is no store is left as it is") {
  const Folder folder;
  std::ofstream(folder.file()) << "precious";
  const auto store = make_file_secret_store(folder.file(), key_of(1));
  CHECK(run(store->put("a", bytes("secret"))).error().code() == Errc::journal_foreign);
  CHECK(content_of(folder.file()) == "precious");
}
