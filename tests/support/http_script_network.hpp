#ifndef BGXFER_TESTS_HTTP_SCRIPT_NETWORK_HPP
#define BGXFER_TESTS_HTTP_SCRIPT_NETWORK_HPP

#include <bgxfer/network.hpp>

#include <algorithm>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace http_test {

/// A network without sockets: each connection sends a prepared text, at most `piece_bytes` at a time, and ends. For
/// tests on one thread.
class ScriptNetwork final : public bgxfer::Network {
 public:
  struct Answer {
    std::string text{};
    bool public_peer = true;
    std::size_t piece_bytes = 4096;
  };

  void answer(std::string text, bool public_peer = true, std::size_t piece_bytes = 4096) {
    Answer next;
    next.text = std::move(text);
    next.public_peer = public_peer;
    next.piece_bytes = piece_bytes;
    answers_.push_back(std::move(next));
  }
  [[nodiscard]] const std::vector<bgxfer::ConnectRequest>& requests() const { return requests_; }
  [[nodiscard]] const std::vector<std::string>& written() const { return written_; }

  asio::awaitable<bgxfer::Result<std::unique_ptr<bgxfer::ByteStream>>> connect(
      bgxfer::ConnectRequest request) override {
    requests_.push_back(std::move(request));
    if (answers_.empty()) co_return bgxfer::Error(bgxfer::Errc::network_disconnected, bgxfer::ErrorContext::transport);
    Answer next = std::move(answers_.front());
    answers_.pop_front();
    written_.emplace_back();
    co_return std::make_unique<Stream>(std::move(next), *this, written_.size() - 1);
  }

 private:
  class Stream final : public bgxfer::ByteStream {
   public:
    Stream(Answer answer, ScriptNetwork& network, std::size_t number)
        : answer_(std::move(answer)), network_(network), number_(number) {}

    asio::awaitable<bgxfer::Result<std::size_t>> read(std::span<std::byte> into) override {
      const std::size_t count = std::min({into.size(), answer_.text.size() - sent_, answer_.piece_bytes});
      std::memcpy(into.data(), answer_.text.data() + sent_, count);
      sent_ += count;
      co_return count;
    }
    asio::awaitable<bgxfer::Result<void>> write(std::span<const std::byte> bytes) override {
      network_.written_[number_].append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      co_return bgxfer::Result<void>{};
    }
    void close() noexcept override {}
    bool reusable() noexcept override { return false; }
    bool public_peer() const noexcept override { return answer_.public_peer; }

   private:
    Answer answer_;
    ScriptNetwork& network_;
    std::size_t number_;
    std::size_t sent_ = 0;
  };

  std::deque<Answer> answers_;
  std::vector<bgxfer::ConnectRequest> requests_;
  std::vector<std::string> written_;
};

}  // namespace http_test

#endif
