#ifndef BGXFER_SRC_ENGINE_HOST_BOOK_HPP
#define BGXFER_SRC_ENGINE_HOST_BOOK_HPP

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <bgxfer/clock.hpp>
#include <bgxfer/error.hpp>

#include "latch.hpp"

namespace bgxfer::inline v0::detail {

/// Scheme, host and port of a URL, written in one way: what shares its connections.
[[nodiscard]] std::string origin_of(std::string_view url);

/// What a failure says of how many connections an origin takes.
enum class Refusal : std::uint8_t {
  none,       ///< Nothing.
  no_room,    ///< It was not let in: there may be too many (bad-servers.md row 58).
  slow_down,  ///< The server says that it is too much: 429 or 503.
};
[[nodiscard]] Refusal refusal_of(const Error& error) noexcept;

/// How one connection to an origin went.
struct Visit {
  std::uint64_t brought = 0;     ///< Bytes of a body.
  double bytes_per_second = 0;   ///< 0: too few to tell.
  const Error* error = nullptr;  ///< What it ended with; null: as it should.
};

/// What an origin has shown of itself. Plain data; time arrives as an argument.
struct Origin {
  /// How many connections it takes. One more is tried after every `patience` since.
  struct Cap {
    std::size_t connections = 1;
    Clock::TimePoint since{};
    Clock::Duration patience{};
  };

  std::size_t connections = 0;      ///< That are at work now, for all files.
  std::size_t waiting = 0;          ///< Files that have none, and wait for one of these to end.
  std::optional<Cap> cap{};         ///< Empty: it has turned none down.
  std::optional<Cap> cap_before{};  ///< What was believed before those began that were turned down last.
  std::optional<Clock::TimePoint>
      answered{};               ///< When a connection last ended that the server had answered, be it 429 or 503.
  double bytes_per_second = 0;  ///< Of one connection; 0: not known.
  std::optional<Clock::TimePoint> failed{};  ///< When it last brought nothing, for a reason that is not the file's.

  /// How long a cap is believed, before one connection more is tried. Doubled each time that one is turned down by a
  /// server that says why.
  static constexpr Clock::Duration patience_min = std::chrono::seconds{5};
  static constexpr Clock::Duration patience_max = std::chrono::minutes{10};
  /// How long an origin that has failed is asked after others.
  static constexpr Clock::Duration failure_memory = std::chrono::minutes{1};

  [[nodiscard]] std::size_t connections_max(Clock::TimePoint now) const;
  [[nodiscard]] bool has_room(Clock::TimePoint now) const { return connections < connections_max(now); }
  [[nodiscard]] bool failed_lately(Clock::TimePoint now) const { return failed && now - *failed < failure_memory; }
  /// When one more connection is tried; empty: there is no cap.
  [[nodiscard]] std::optional<Clock::TimePoint> next_raise(Clock::TimePoint now) const;

  /// One of its connections, which began at `began`, has ended.
  void left(const Visit& visit, Clock::TimePoint began, Clock::TimePoint now);

 private:
  void turned_down(const Error& error, Clock::TimePoint began, Clock::TimePoint now);
};

/// What the queue has learned of each origin, and who is at work there: shared by all files, so that none has to learn
/// it anew, and that together they keep to what an origin takes. Known as long as the queue lives. Thread-safe; asked
/// where connections begin and end, never for a chunk.
class HostBook : public std::enable_shared_from_this<HostBook> {
  struct Page;

 public:
  /// One connection to an origin, counted as long as this lives.
  class Seat {
   public:
    Seat(Seat&& other) noexcept
        : book_(std::exchange(other.book_, nullptr)), page_(other.page_), began_(other.began_) {}
    Seat& operator=(Seat&&) = delete;
    ~Seat() {
      if (book_) book_->leave(*this, nullptr, began_);
    }

    /// Gives it back, with what is learned from how it went.
    void leave(const Visit& visit, Clock::TimePoint now) {
      if (book_) std::exchange(book_, nullptr)->leave(*this, &visit, now);
    }

   private:
    friend class HostBook;
    Seat(std::shared_ptr<HostBook> book, Page& page, Clock::TimePoint began)
        : book_(std::move(book)), page_(&page), began_(began) {}

    std::shared_ptr<HostBook> book_;
    Page* page_;
    Clock::TimePoint began_;
  };

  /// Remembers so many origins, the ones used last, and all at which somebody is at work.
  explicit HostBook(std::size_t origins_max) : origins_max_(origins_max) {}

  /// What is known of an origin.
  [[nodiscard]] Origin known(const std::string& origin) const;

  /// A connection, if the origin has room and nobody waits for one.
  [[nodiscard]] std::optional<Seat> try_enter(const std::string& origin, Clock::TimePoint now);

  /// The same for a file that has none: waits until there is room, but no longer than `wait_max`, and not once
  /// `stopping` is set, which outlives the call, and the coroutine cancelled. It has one then in any case: if the
  /// origin turns it down, the host hears why.
  [[nodiscard]] asio::awaitable<Seat> entered(std::string origin, std::shared_ptr<Clock> clock,
                                              asio::any_io_executor strand, const std::atomic<bool>& stopping);

  /// What it sent is not what it should be: others are asked first for a while.
  void distrust(const std::string& origin, Clock::TimePoint now);

  static constexpr Clock::Duration wait_max = std::chrono::seconds{10};

 private:
  class Waiting;
  /// What is written down of an origin.
  struct Page {
    explicit Page(std::string of) : name(std::move(of)) {}

    const std::string name;
    Origin origin{};
    Latch changed{};  ///< Somebody has left, or it is time to look again.
  };

  void leave(const Seat& seat, const Visit* visit, Clock::TimePoint now);
  Page& page(const std::string& origin);
  Seat seat(Page& page, Clock::TimePoint now);

  const std::size_t origins_max_;
  mutable std::mutex mutex_;
  std::list<Page> pages_;  ///< The one used last comes first.
  std::map<std::string_view, std::list<Page>::iterator> index_;
};

}  // namespace bgxfer::inline v0::detail

#endif
