#ifndef BGXFER_TESTS_HTTP_FETCH_HPP
#define BGXFER_TESTS_HTTP_FETCH_HPP

#include <bgxfer/transport.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

namespace http_test {

/// What became of a request: the head and the bytes that arrived, and the error that ended it, if any.
struct Outcome {
  bool opened = false;
  bgxfer::ResponseHead head{};
  std::string body{};
  std::optional<bgxfer::Error> error{};

  [[nodiscard]] std::error_code code() const { return error ? error->code() : std::error_code(); }
};

/// Opens and reads to the end.
inline asio::awaitable<void> fetch_into(std::shared_ptr<bgxfer::Transport> transport, bgxfer::Request request,
                                        Outcome& outcome, std::size_t chunk_bytes = 64 * 1024) {
  bgxfer::Result<std::unique_ptr<bgxfer::Download>> opened = co_await transport->open(std::move(request));
  if (!opened) {
    outcome.error = opened.error();
    co_return;
  }
  std::unique_ptr<bgxfer::Download> download = *std::move(opened);
  outcome.opened = true;
  outcome.head = download->head();
  std::vector<std::byte> buffer(chunk_bytes);
  for (;;) {
    const bgxfer::Result<std::size_t> count = co_await download->read(buffer);
    if (!count) {
      outcome.error = count.error();
      co_return;
    }
    if (*count == 0) co_return;
    outcome.body.append(reinterpret_cast<const char*>(buffer.data()), *count);
  }
}

inline void rethrow(std::exception_ptr exception) {
  if (exception) std::rethrow_exception(exception);
}

/// The same, on an executor of its own, until everything has come to rest.
inline Outcome fetch(std::shared_ptr<bgxfer::Transport> transport, bgxfer::Request request,
                     std::size_t chunk_bytes = 64 * 1024) {
  asio::io_context io;
  Outcome outcome;
  asio::co_spawn(io, fetch_into(std::move(transport), std::move(request), outcome, chunk_bytes), rethrow);
  io.run();
  return outcome;
}

inline Outcome fetch(std::shared_ptr<bgxfer::Transport> transport, const std::string& url) {
  return fetch(std::move(transport), bgxfer::Request(url));
}

}  // namespace http_test

#endif
