#ifndef BGXFER_EXAMPLES_DEMO_SCREEN_HPP
#define BGXFER_EXAMPLES_DEMO_SCREEN_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <bgxfer/state.hpp>

namespace demo {

enum class Colour { none, dim, bold, red, green, yellow, cyan };

/// One job as it is shown.
struct Row {
  std::string name;
  bgxfer::JobState state{};
  bgxfer::Waiting waiting{};
  bgxfer::Progress progress{};
};

/// "12.3 MiB".
[[nodiscard]] std::string megabytes(std::uint64_t bytes);
/// "12 345 678 bytes".
[[nodiscard]] std::string exactly(std::uint64_t bytes);

/// Standard output: bars that are redrawn in place on a terminal, plain lines anywhere else. Colours stay away where
/// NO_COLOR is set, and line graphics where the locale has none.
class Screen {
 public:
  Screen();

  [[nodiscard]] bool terminal() const { return columns_ > 0; }
  [[nodiscard]] std::string paint(Colour colour, std::string_view text) const;
  /// A line that stays.
  void say(std::string_view line);
  /// A heading: what happens now, and why.
  void act(std::string_view title, std::string_view what);
  /// The jobs as they are; takes the place of what the last call drew.
  void draw(const std::vector<Row>& rows);

 private:
  [[nodiscard]] std::string bar(double share, Colour colour) const;
  [[nodiscard]] std::string line(const Row& row) const;
  void plain(const std::vector<Row>& rows);
  static void write(std::string_view text);

  int columns_ = 0;  // 0: not a terminal
  bool colours_ = false;
  bool graphics_ = false;
  std::size_t drawn_ = 0;
  std::vector<std::string> said_;
};

}  // namespace demo

#endif
