#ifndef BGXFER_TESTS_SIMULATION_TRACE_HPP
#define BGXFER_TESTS_SIMULATION_TRACE_HPP

#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <bgxfer/clock.hpp>

namespace bgxfer::simulation {

/// What happened, in order: a hash of it always, a line for each when it is to be read.
class Trace {
 public:
  explicit Trace(bool print) : print_(print) {}

  void use(std::shared_ptr<Clock> clock) { clock_ = std::move(clock); }

  void operator()(std::string_view what, std::uint64_t a = 0, std::uint64_t b = 0, std::uint64_t c = 0) {
    const auto time = static_cast<std::uint64_t>(clock_->now().time_since_epoch().count());
    for (char letter : what) mix(static_cast<unsigned char>(letter));
    mix(time);
    mix(a);
    mix(b);
    mix(c);
    if (!print_) return;
    if (before) before();
    line(what, a, b, c);
  }

  /// Called before each line that is printed.
  std::function<void()> before;

  /// Words for people: not in the hash.
  void say(std::string_view text) const {
    if (print_) std::printf("%14.6f    %.*s\n", seconds(), static_cast<int>(text.size()), text.data());
  }

  [[nodiscard]] bool prints() const { return print_; }
  [[nodiscard]] std::uint64_t hash() const { return hash_; }

 private:
  void mix(std::uint64_t value) {
    hash_ = (hash_ ^ value) * 0x100000001b3U;
    hash_ ^= hash_ >> 29;
  }

  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(clock_->now().time_since_epoch()).count() - 3600.0;
  }

  void line(std::string_view what, std::uint64_t a, std::uint64_t b, std::uint64_t c) const {
    std::printf("%14.6f  %-24.*s %llu %llu %llu\n", seconds(), static_cast<int>(what.size()), what.data(),
                static_cast<unsigned long long>(a), static_cast<unsigned long long>(b),
                static_cast<unsigned long long>(c));
  }

  const bool print_;
  std::shared_ptr<Clock> clock_;
  std::uint64_t hash_ = 0xcbf29ce484222325U;
};

}  // namespace bgxfer::simulation

#endif
