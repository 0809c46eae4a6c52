#ifndef BGX_DISPLAY_HPP
#define BGX_DISPLAY_HPP

#include <cstddef>
#include <string>
#include <vector>

#include "flight.hpp"
#include "reporter.hpp"

namespace bgx {

/// A live picture at the foot of the terminal (stderr): a line for each job at work, and a bar for each file in flight.
/// It is drawn over itself, and taken away at the end.
class Display final : public Reporter {
 public:
  Display();

  /// Whether stderr is a terminal that can be drawn on.
  [[nodiscard]] static bool possible();

  void follow(const bgxfer::Job& job) override;
  void tick() override;
  void finished(const std::vector<bgxfer::Job>& jobs) override;

 private:
  [[nodiscard]] std::vector<std::string> picture(std::size_t columns, std::size_t rows);
  [[nodiscard]] std::string bar(double share, std::size_t columns) const;
  [[nodiscard]] std::string file_line(const Flight::Moving& moving, std::size_t columns) const;
  /// What takes the cursor to the first column of the picture that stands there, and clears it.
  [[nodiscard]] std::string erasure(std::size_t columns) const;

  const bool colours_;
  std::vector<Flight> flights_;
  std::vector<std::size_t> drawn_;  ///< The columns of each line that stands there.
};

}  // namespace bgx

#endif
