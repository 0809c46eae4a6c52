// Downloads one file that is known beforehand: by its size and its SHA-256, from a mirror where its URL fails.
// Bytes are hashed on their way to the disk. A file that differs never gets its name: the job ends with an error.
// Run: verified http://example.org/file.iso http://mirror.example.org/file.iso file.iso SIZE SHA256
#include <charconv>
#include <cstdint>
#include <cstring>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include <bgxfer/bgxfer.hpp>
#include <bgxfer/disk/disk_storage.hpp>
#include <bgxfer/format.hpp>
#include <bgxfer/http/http_transport.hpp>
#include <bgxfer/openssl/sha256.hpp>

asio::awaitable<void> fetch(bgxfer::Job job) {
  job.resume();
  bgxfer::Result<void> outcome = co_await job.transferred();
  if (outcome) {
    job.complete();
  } else {
    fmt::print(stderr, "{}\n", outcome.error());
  }
}

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  asio::io_context io;
  const std::optional<bgxfer::Sha256> sha256 = bgxfer::Sha256::parse(argv[5]);
  if (!sha256) {
    fmt::print(stderr, "{}: a SHA-256 has 64 hex digits\n", argv[5]);
    return 2;
  }
  std::uint64_t size = 0;
  const auto [end, code] = std::from_chars(argv[4], argv[4] + std::strlen(argv[4]), size);
  if (code != std::errc() || *end != '\0') {
    fmt::print(stderr, "{}: a size is a number of bytes\n", argv[4]);
    return 2;
  }
  // [verified]
  bgxfer::QueueOptions options;
  options.transport = bgxfer::http::make_transport();
  options.storage = bgxfer::disk::make_storage();
  options.sha256 = bgxfer::openssl::sha256();
  bgxfer::TransferQueue queue(io.get_executor(), options);

  bgxfer::FileSpec file{.url = argv[1], .target = std::filesystem::absolute(argv[3])};
  file.size = size;
  file.sha256 = sha256;
  file.mirrors = {argv[2]};
  bgxfer::JobOptions once{.files = {file}, .connections_per_file = 4, .bytes_per_second_max = 50'000'000};
  bgxfer::Result<bgxfer::Job> job = queue.add(once);
  // [verified]
  if (!job) {
    fmt::print(stderr, "{}\n", job.error());
    return 2;
  }
  asio::co_spawn(io, fetch(*job), asio::detached);
  io.run();
  if (job->state() == bgxfer::JobState::completed) fmt::print("{} is what it should be\n", argv[3]);
  return job->state() == bgxfer::JobState::completed ? 0 : 1;
}
