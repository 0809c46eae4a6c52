// A transport in fifty lines: files by file:// URLs, for installing from a disc or a network share.
// A transport says which URLs it knows, and gives bytes when it is asked for them; queueing, resuming and retrying stay
// here. Reading blocks: one for disks that are slow has a thread, as bgxfer/file/file_transport.hpp. Run:
// custom_transport file:///media/disc/data.pak data.pak
#include <fstream>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include <bgxfer/bgxfer.hpp>
#include <bgxfer/disk/disk_storage.hpp>
#include <bgxfer/format.hpp>

// [transport]
class FileDownload final : public bgxfer::Download {
 public:
  FileDownload(std::ifstream file, bgxfer::ResponseHead head)
      : file_(std::move(file)), head_(std::move(head)), left_(head_.granted.length) {
    file_.seekg(static_cast<std::streamoff>(head_.granted.offset));
  }
  const bgxfer::ResponseHead& head() const noexcept override { return head_; }
  asio::awaitable<bgxfer::Result<std::size_t>> read(std::span<std::byte> into) override {
    const auto wanted = static_cast<std::streamsize>(std::min<std::uint64_t>(into.size(), left_));
    file_.read(reinterpret_cast<char*>(into.data()), wanted);
    const std::streamsize count = file_.gcount();
    if (count == 0 && wanted > 0) {  // Shorter than it was. What did come before was delivered.
      co_return bgxfer::Error(bgxfer::Errc::body_truncated, bgxfer::ErrorContext::remote_file, head_.final_url);
    }
    left_ -= static_cast<std::uint64_t>(count);
    co_return static_cast<std::size_t>(count);
  }

 private:
  std::ifstream file_;
  bgxfer::ResponseHead head_;
  std::uint64_t left_;
};

class FileTransport final : public bgxfer::Transport {
 public:
  bgxfer::Result<void> check_url(std::string_view url) const override {
    if (url.starts_with("file:///")) return {};
    return bgxfer::Error(bgxfer::Errc::invalid_url, bgxfer::ErrorContext::queue, bgxfer::public_url(url));
  }
  asio::awaitable<bgxfer::Result<std::unique_ptr<bgxfer::Download>>> open(bgxfer::Request request) override {
    const std::filesystem::path path = request.url.substr(7);
    std::error_code code;
    const std::uint64_t size = std::filesystem::file_size(path, code);
    std::ifstream file(path, std::ios::binary);
    if (!code && !file) code = std::make_error_code(std::errc::permission_denied);
    if (code) co_return bgxfer::Error(code, bgxfer::ErrorContext::remote_file, path.string());

    bgxfer::ResponseHead head;
    const auto written = std::filesystem::last_write_time(path).time_since_epoch().count();
    head.validator = fmt::format("\"{}-{}\"", size, written);  // What changes when the file does.
    // A part of another version is of no use: then the whole of this one is granted.
    if (!request.validator.empty() && request.validator != head.validator) request.range = bgxfer::ByteRange{};
    const std::uint64_t begin = std::min(request.range.offset, size);
    head.granted = {begin, std::min(request.range.length, size - begin)};
    head.resource_size = size;
    head.final_url = request.url;
    co_return std::make_unique<FileDownload>(std::move(file), std::move(head));
  }
  void network_changed() noexcept override {}
};
// [transport]

asio::awaitable<void> fetch(bgxfer::Job job) {
  job.resume();
  bgxfer::Result<void> transferred = co_await job.transferred();
  if (!transferred) fmt::print(stderr, "{}\n", transferred.error());
  if (!transferred) co_return;
  job.complete();
  bgxfer::Result<void> completed = co_await job.completed();
  if (!completed) fmt::print(stderr, "{}\n", completed.error());
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  asio::io_context io;
  bgxfer::QueueOptions options;
  options.transport = std::make_shared<FileTransport>();
  options.storage = bgxfer::disk::make_storage();
  bgxfer::TransferQueue queue(io.get_executor(), options);
  bgxfer::Job job = queue.add({.files = {{.url = argv[1], .target = std::filesystem::absolute(argv[2])}}}).value();
  asio::co_spawn(io, fetch(job), asio::detached);
  io.run();
  return job.state() == bgxfer::JobState::completed ? 0 : 1;
}
