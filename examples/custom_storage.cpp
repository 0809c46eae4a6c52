// Files that are never readable on disk: a storage that enciphers what it writes and deciphers what it reads.
// It wraps another storage, so names, locks and syncs stay with the one that knows them; so would one that counts or
// logs. Run: custom_storage http://example.org/file.iso file.enciphered; file.enciphered.plain is what a reader gets
#include <fstream>

#include <asio/io_context.hpp>

#include <bgxfer/bgxfer.hpp>
#include <bgxfer/disk/disk_storage.hpp>
#include <bgxfer/format.hpp>
#include <bgxfer/http/http_transport.hpp>

/// A toy. A real one would use AES-CTR, which can begin at any offset just as well, and would write enciphered zeros
/// where a file is extended: what nobody wrote (`FileSpec::placed_at`) deciphers to something else here.
void cipher(std::span<std::byte> bytes, std::uint64_t offset) {
  for (std::byte& byte : bytes) byte ^= static_cast<std::byte>(0x5A + 31 * offset++);
}

// [storage]
class CipherFile final : public bgxfer::PartialFile {
 public:
  explicit CipherFile(std::unique_ptr<bgxfer::PartialFile> inner) : inner_(std::move(inner)) {}
  bgxfer::FileIdentity identity() const noexcept override { return inner_->identity(); }
  asio::awaitable<bgxfer::Result<void>> write(std::uint64_t offset, std::span<const std::byte> bytes) override {
    std::vector<std::byte> secret(bytes.begin(), bytes.end());
    cipher(secret, offset);
    co_return co_await inner_->write(offset, secret);
  }
  asio::awaitable<bgxfer::Result<std::size_t>> read(std::uint64_t offset, std::span<std::byte> into) override {
    bgxfer::Result<std::size_t> count = co_await inner_->read(offset, into);
    if (count) cipher(into.first(*count), offset);
    co_return count;
  }
  asio::awaitable<bgxfer::Result<std::uint64_t>> size() override { return inner_->size(); }
  asio::awaitable<bgxfer::Result<void>> resize(std::uint64_t bytes) override { return inner_->resize(bytes); }
  asio::awaitable<bgxfer::Result<void>> reserve(std::uint64_t bytes) override { return inner_->reserve(bytes); }
  asio::awaitable<bgxfer::Result<void>> sync() override { return inner_->sync(); }
  asio::awaitable<bgxfer::Result<void>> set_attributes(bgxfer::FileAttributes it,
                                                       bgxfer::FileAclFlags wanted) override {
    return inner_->set_attributes(std::move(it), wanted);
  }

 private:
  std::unique_ptr<bgxfer::PartialFile> inner_;
};

class CipherStorage final : public bgxfer::Storage {
 public:
  explicit CipherStorage(std::shared_ptr<bgxfer::Storage> inner) : inner_(std::move(inner)) {}
  asio::awaitable<bgxfer::Result<std::unique_ptr<bgxfer::PartialFile>>> open(bgxfer::OpenPartial request) override {
    bgxfer::Result<std::unique_ptr<bgxfer::PartialFile>> file = co_await inner_->open(std::move(request));
    if (!file) co_return file.error();
    co_return std::make_unique<CipherFile>(*std::move(file));
  }
  bgxfer::Result<void> check_target(const std::filesystem::path& path) const override {
    return inner_->check_target(path);
  }
  asio::awaitable<bgxfer::Result<void>> sync(std::span<const bgxfer::FilePlace> files) override {
    return inner_->sync(files);
  }
  asio::awaitable<bgxfer::CommitReport> commit(std::span<const bgxfer::CommitFile> files) override {
    return inner_->commit(files);
  }
  asio::awaitable<bgxfer::Result<void>> discard(std::span<const bgxfer::FilePlace> files) override {
    return inner_->discard(files);
  }
  asio::awaitable<bgxfer::Result<std::uint64_t>> free_bytes(std::filesystem::path folder) override {
    return inner_->free_bytes(std::move(folder));
  }
  asio::awaitable<bgxfer::Result<std::unique_ptr<bgxfer::LogFile>>> open_log(std::filesystem::path path) override {
    return inner_->open_log(std::move(path));
  }
  std::string epoch() const override { return inner_->epoch(); }

 private:
  std::shared_ptr<bgxfer::Storage> inner_;
};
// [storage]

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::filesystem::path target = std::filesystem::absolute(argv[2]);
  asio::io_context io;
  bgxfer::QueueOptions options;
  options.transport = bgxfer::http::make_transport();
  options.storage = std::make_shared<CipherStorage>(bgxfer::disk::make_storage());
  bgxfer::TransferQueue queue(io.get_executor(), options);
  bgxfer::Job job = queue.add({.files = {{.url = argv[1], .target = target}}}).value();
  bgxfer::Subscription events = job.on_event([&](const bgxfer::Event& event) {
    if (std::holds_alternative<bgxfer::JobTransferred>(event)) job.complete();
  });
  job.resume();
  io.run();
  if (job.state() != bgxfer::JobState::completed) return 1;

  std::ifstream file(target, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(file)), {});
  cipher(std::as_writable_bytes(std::span(bytes)), 0);
  std::ofstream(target.string() + ".plain", std::ios::binary) << bytes;
  return 0;
}
