// Fetches a list of files as one job, journal on: what a launcher does with a patch.
// LIST has a line for each file: URL, tab, target, and perhaps a tab and a SHA-256.
// Prints a line of JSON: what was asked of the storage from the job's start until it was transferred, and how long that
// took.
// With --count it also tells how many syncs of the journal and of files there were in the steady state: from the first
// sync of a file to the last one before the job's end.
// Run: fetch LIST JOURNAL [--parallel N] [--connections N] [--mirror URL]... [--pieces FILE] [--threads N]
//            [--checkpoint-ms N] [--ca FILE] [--spare-page-cache] [--count]
// FILE has the size of the file, that of a piece, and the SHA-256 of each piece, a line each.
#include <algorithm>
#include <chrono>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <bgxfer/bgxfer.hpp>
#include <bgxfer/disk/disk_storage.hpp>
#include <bgxfer/format.hpp>
#include <bgxfer/http/http_transport.hpp>
#include <bgxfer/openssl/sha256.hpp>

#include "counting_storage.hpp"

namespace {

struct Arguments {
  std::string list{};
  std::string journal{};
  unsigned parallel = 1;
  unsigned connections = 1;
  std::vector<std::string> mirrors{};
  std::string pieces{};
  unsigned threads = 1;
  bool spare_page_cache = false;
  unsigned checkpoint_ms = 0;  ///< 0: the default of the library.
  std::string authority{};
  bool count = false;
};

void read_pieces(const std::string& path, bgxfer::FileSpec& file) {
  std::ifstream pieces(path);
  std::uint64_t size = 0;
  pieces >> size >> file.pieces.bytes;
  file.size = size;
  for (std::string hash; pieces >> hash;) file.pieces.sha256.push_back(bgxfer::Sha256::parse(hash).value());
}

std::vector<bgxfer::FileSpec> read_list(const Arguments& arguments) {
  std::vector<bgxfer::FileSpec> files;
  std::ifstream list(arguments.list);
  for (std::string line; std::getline(list, line);) {
    const std::size_t first = line.find('\t');
    const std::size_t second = line.find('\t', first + 1);
    bgxfer::FileSpec& file = files.emplace_back();
    file.url = line.substr(0, first);
    file.target = line.substr(first + 1, second - first - 1);
    if (second != std::string::npos) file.sha256 = bgxfer::Sha256::parse(line.substr(second + 1));
    file.mirrors = arguments.mirrors;
    if (!arguments.pieces.empty()) read_pieces(arguments.pieces, file);
  }
  return files;
}

asio::awaitable<int> fetch(bgxfer::TransferQueue& queue, const Arguments& arguments, const StorageCounts& counts) {
  const auto restored = co_await queue.restored();
  if (!restored) {
    fmt::print(stderr, "fetch: {}\n", restored.error());
    co_return 1;
  }
  bgxfer::JobOptions options;
  options.display_name = "benchmark";
  options.parallel_files = arguments.parallel;
  options.connections_per_file = arguments.connections;
  options.files = read_list(arguments);
  bgxfer::Result<bgxfer::Job> added = queue.add(std::move(options));
  if (!added) {
    fmt::print(stderr, "fetch: {}\n", added.error());
    co_return 1;
  }
  bgxfer::Job job = *added;
  // Adding the job is over and done with, syncs and all.
  (co_await queue.saved()).value();
  const std::uint64_t syncs_before = counts.log_syncs;
  const auto begin = std::chrono::steady_clock::now();
  job.resume();
  const bgxfer::Result<void> transferred = co_await job.transferred();
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
  fmt::print(
      R"({{"seconds": {:.6f}, "bytes": {}, "received": {}, "log_bytes": {}, "log_appends": {}, "log_syncs": {}, "file_syncs": {}, )"
      R"("steady_seconds": {:.6f}, "steady_syncs": {}}})"
      "\n",
      time.count(), job.progress().bytes_transferred, job.bytes_received(), counts.log_bytes.load(),
      counts.log_appends.load(), counts.log_syncs - syncs_before, counts.file_syncs.load(),
      counts.last_checkpoint.seconds - counts.first_checkpoint.seconds,
      counts.last_checkpoint.syncs - counts.first_checkpoint.syncs);
  if (!transferred) {
    fmt::print(stderr, "fetch: {}\n", transferred.error());
    co_return 1;
  }
  job.complete();
  const bgxfer::Result<void> completed = co_await job.completed();
  if (!completed) fmt::print(stderr, "fetch: {}\n", completed.error());
  queue.close();
  co_await queue.closed();
  co_return completed ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  if (argc < 3) {
    fmt::print(stderr, "fetch: needs a list and a journal; the head of fetch.cpp says how\n");
    return 2;
  }
  arguments.list = argv[1];
  arguments.journal = argv[2];
  for (int i = 3; i < argc; ++i) {
    const std::string option = argv[i];
    if (option == "--count") {
      arguments.count = true;
    } else if (option == "--spare-page-cache") {
      arguments.spare_page_cache = true;
    } else if (i + 1 == argc) {
      fmt::print(stderr, "fetch: {} is unknown or needs a value\n", option);
      return 2;
    } else if (option == "--parallel") {
      arguments.parallel = static_cast<unsigned>(std::stoul(argv[++i]));
    } else if (option == "--connections") {
      arguments.connections = static_cast<unsigned>(std::stoul(argv[++i]));
    } else if (option == "--mirror") {
      arguments.mirrors.emplace_back(argv[++i]);
    } else if (option == "--pieces") {
      arguments.pieces = argv[++i];
    } else if (option == "--threads") {
      arguments.threads = static_cast<unsigned>(std::stoul(argv[++i]));
    } else if (option == "--checkpoint-ms") {
      arguments.checkpoint_ms = static_cast<unsigned>(std::stoul(argv[++i]));
    } else if (option == "--ca") {
      arguments.authority = argv[++i];
    } else {
      fmt::print(stderr, "fetch: unknown option {}\n", option);
      return 2;
    }
  }

  asio::io_context io(static_cast<int>(arguments.threads));
  const auto counts = std::make_shared<StorageCounts>();
  bgxfer::http::TransportOptions http;
  http.ca_bundle = arguments.authority;
  const std::size_t connections = std::size_t{arguments.parallel} * arguments.connections;
  http.connections_per_host_max = std::max(http.connections_per_host_max, connections);
  bgxfer::QueueOptions options;
  options.transport = bgxfer::http::make_transport(http);
  bgxfer::disk::StorageOptions disk;
  disk.spare_page_cache = arguments.spare_page_cache;
  options.storage = bgxfer::disk::make_storage(disk);
  if (arguments.count) options.storage = std::make_shared<CountingStorage>(options.storage, counts);
  options.journal = arguments.journal;
  options.sha256 = bgxfer::openssl::sha256();
  if (arguments.checkpoint_ms > 0)
    options.limits.checkpoint_interval = std::chrono::milliseconds(arguments.checkpoint_ms);
  bgxfer::TransferQueue queue(io.get_executor(), options);

  int status = 1;
  asio::co_spawn(io, fetch(queue, arguments, *counts), [&](std::exception_ptr thrown, int result) {
    if (thrown) std::rethrow_exception(thrown);
    status = result;
    io.stop();
  });
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < arguments.threads; ++i) threads.emplace_back([&io] { io.run(); });
  io.run();
  for (std::thread& thread : threads) thread.join();
  return status;
}
