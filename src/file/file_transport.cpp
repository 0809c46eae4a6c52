#include <bgxfer/file/file_transport.hpp>

#include <algorithm>
#include <cstring>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "../disk/worker.hpp"
#include "file_url.hpp"
#include "source_file.hpp"

namespace bgxfer::inline v0::file {

namespace {

using detail::SourceFile;
using disk::detail::LinkTrust;
using disk::detail::Worker;

Error given_up() { return Error(Errc::cancelled, ErrorContext::none); }

class FileDownload final : public Download {
 public:
  FileDownload(std::shared_ptr<Worker> worker, std::shared_ptr<SourceFile> file, ResponseHead head)
      : worker_(std::move(worker)),
        file_(std::move(file)),
        head_(std::move(head)),
        next_(head_.granted.offset),
        left_(head_.granted.length) {}

  const ResponseHead& head() const noexcept override { return head_; }

  asio::awaitable<Result<std::size_t>> read(std::span<std::byte> into) override {
    if (failed_) co_return *failed_;
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left_));
    if (count == 0) co_return std::size_t{0};
    // A buffer of the thread's own: a read that was left may go on for as long as the share hangs.
    std::shared_ptr<std::vector<std::byte>> bytes = std::exchange(bytes_, nullptr);
    if (!bytes) bytes = std::make_shared<std::vector<std::byte>>();
    if (bytes->size() < count) bytes->resize(count);
    std::function<Result<void>()> call = [file = file_, bytes, offset = next_, count] {
      return file->read(offset, std::span<std::byte>(*bytes).first(count));
    };
    const std::optional<Result<void>> done = co_await Worker::run_or_leave(worker_, std::move(call));
    if (!done) failed_ = given_up();
    if (done && !*done) failed_ = done->error();
    if (failed_) co_return *failed_;
    std::memcpy(into.data(), bytes->data(), count);
    bytes_ = std::move(bytes);
    next_ += count;
    left_ -= count;
    co_return count;
  }

 private:
  std::shared_ptr<Worker> worker_;
  std::shared_ptr<SourceFile> file_;
  ResponseHead head_;
  std::uint64_t next_;
  std::uint64_t left_;
  std::shared_ptr<std::vector<std::byte>> bytes_{};  // Between two reads.
  std::optional<Error> failed_{};
};

/// What of the file is granted (RFC 9110 sections 13.1.5 and 14.2, read for files).
Result<ByteRange> grant(const Request& request, const std::string& validator, std::uint64_t size) {
  const bool holds = request.validator.empty() || request.validator == validator;
  if (!holds || request.range == ByteRange{}) return ByteRange{0, size};
  if (request.range.offset >= size) {
    return Error(Errc::invalid_range, ErrorContext::remote_file,
                 public_url(request.url) + " has " + std::to_string(size) + " bytes; byte " +
                     std::to_string(request.range.offset) + " was asked for")
        .with_resource_size(size);
  }
  return ByteRange{request.range.offset, std::min(request.range.length, size - request.range.offset)};
}

class FileTransport final : public Transport {
 public:
  explicit FileTransport(TransportOptions options)
      : trust_(options.follow_foreign_links ? LinkTrust::all : LinkTrust::own),
        worker_(std::make_shared<Worker>(std::max<std::size_t>(options.threads_max, 1))) {}

  Result<void> check_url(std::string_view url) const override {
    const Result<std::string> path = detail::path_of_url(url);
    if (!path) return path.error();
    return {};
  }

  asio::awaitable<Result<std::unique_ptr<Download>>> open(Request request) override {
    if (request.method != "GET" || request.body) {
      co_return Error(Errc::invalid_argument, ErrorContext::queue, "files are only fetched: GET, without a body");
    }
    if (request.range.empty()) {
      co_return Error(Errc::invalid_range, ErrorContext::remote_file, public_url(request.url));
    }
    Result<std::string> path = detail::path_of_url(request.url);
    if (!path) co_return path.error();
    const std::shared_ptr<Worker> worker = worker_;
    using Opened = Result<std::shared_ptr<SourceFile>>;
    std::shared_ptr<const PosixUser> user;
    // Points into the identity, and keeps it.
    if (request.identity && request.identity->user) user = {request.identity, &*request.identity->user};
    std::function<Opened()> call = [path = *std::move(path), trust = trust_, user] {
      return SourceFile::open(path, trust, user);
    };
    std::optional<Opened> opened = co_await Worker::run_or_leave(worker, std::move(call));
    if (!opened) co_return given_up();
    if (!*opened) co_return opened->error();
    std::shared_ptr<SourceFile> file = **std::move(opened);

    ResponseHead head;
    head.validator = file->validator();
    const Result<ByteRange> granted = grant(request, head.validator, file->size());
    if (!granted) co_return granted.error();
    head.granted = *granted;
    head.resource_size = file->size();
    head.last_modified = file->modified();
    head.attributes = file->attributes();
    head.final_url = std::move(request.url);
    co_return std::make_unique<FileDownload>(worker, std::move(file), std::move(head));
  }

  /// A share that comes back is found by the next call.
  void network_changed() noexcept override {}

 private:
  const LinkTrust trust_;
  const std::shared_ptr<Worker> worker_;
};

}  // namespace

std::shared_ptr<Transport> make_transport(TransportOptions options) { return std::make_shared<FileTransport>(options); }

}  // namespace bgxfer::inline v0::file
