#ifndef BGXFER_TESTING_FAULTY_STORAGE_HPP
#define BGXFER_TESTING_FAULTY_STORAGE_HPP

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <bgxfer/clock.hpp>
#include <bgxfer/storage.hpp>

namespace bgxfer::inline v0::testing {

/// How often things go wrong by themselves: probabilities from 0 to 1, drawn from the storage's seed.
struct FaultRates {
  double open = 0;    ///< Opening fails with an I/O error.
  double read = 0;    ///< Reading fails with an I/O error.
  double write = 0;   ///< Writing fails with an I/O error, after some of the bytes were written.
  double sync = 0;    ///< Syncing fails and loses data; see `FaultyStorage`.
  double rename = 0;  ///< A commit fails with an I/O error.
};

/// A disk that can do everything that real disks do to us: a `Storage` in memory that tells what is durable from what
/// is only written.
///
/// The weakest file system that POSIX allows. Written bytes, new sizes and changed names are volatile until a sync of
/// the file, and of the folder, succeeded. After `power_cut` any subset of the unsynced 512-byte sectors is there, some
/// of them torn, perhaps the new length without the data; and of the unsynced changes of names any prefix or any
/// subset, a rename counting as one. A failed sync loses half of the dirty sectors for good, and the next sync of the
/// file succeeds without them.
///
/// **Operations** are counted: each call of the port is one or more (a sync of a file that is new is two: data, name).
/// Faults hit operations by number, so a test can sweep: fail operation 1, 2, 3 ... until a run takes fewer. Errors are
/// those of a real disk: `std::errc::io_error`, `std::errc::no_space_on_device`, context `local_file`, the path as
/// detail.
///
/// **A power cut** (`cut_power_at`) ends the life of whoever uses the disk: that operation does not happen and its
/// awaitable never resolves, nor does that of any later operation; nothing is thrown, so no handler of the code under
/// test can notice. The `on_power_cut` hook is the place to stop the simulation:
///
///     disk.on_power_cut([&] { simulation.stop(); });
///     disk.cut_power_at(17);
///     simulation.run();                           // ends after the step that lost power, or when all is done
///     disk.power_cut();                           // decides what the disk has kept; a new epoch
///     simulation.kill();                          // the old life's coroutines
///     // ... the next life recovers on the same disk
///
/// All randomness is the seed's, and nothing is iterated in an order that depends on addresses. Used by one thread.
/// Paths are names;
/// every folder exists. Modification times are not kept.
class BGXFER_API FaultyStorage final : public Storage {
 public:
  /// Operations that `history` remembers.
  static constexpr std::size_t history_max = 32;

  /// `clock`: where operations take their latency, and where coroutines wait after a power cut.
  FaultyStorage(std::shared_ptr<Clock> clock, std::uint64_t seed = 0);
  ~FaultyStorage() override;
  FaultyStorage(const FaultyStorage&) = delete;
  FaultyStorage& operator=(const FaultyStorage&) = delete;

  // Faults.

  /// Number of operations so far. The first operation has number 1.
  [[nodiscard]] std::uint64_t operations() const noexcept;
  /// Makes operation `number` fail with `code`. One such plan at a time: the latest.
  void fail_at(std::uint64_t number, std::error_code code = std::make_error_code(std::errc::io_error));
  /// Makes operation `number` and all later ones fail with `code`, until `heal`.
  void fail_from(std::uint64_t number, std::error_code code = std::make_error_code(std::errc::io_error));
  /// Loses power in operation `number`.
  void cut_power_at(std::uint64_t number);
  /// Called once per power cut, from within the operation that it hit.
  void on_power_cut(std::function<void()> hook);
  void set_rates(FaultRates rates);
  /// No more planned faults and all rates zero. The capacity stays.
  void heal();
  /// Bytes that the disk can hold; unlimited at first. May be less than what is in use: then nothing more fits.
  void set_capacity(std::uint64_t bytes);
  /// Virtual time that every operation takes, from `least` to `most`, so that a later one may be done first; zero at
  /// first, and then operations never suspend.
  void set_latency(Clock::Duration least, Clock::Duration most);
  /// The same time for each.
  void set_latency(Clock::Duration latency) { set_latency(latency, latency); }

  // Ends of lives.

  /// True between the operation that lost power and `power_cut`.
  [[nodiscard]] bool powered_off() const noexcept;
  /// Cuts the power now, if it is still on, and turns it on again: the seed chooses what of the unsynced has survived.
  /// Locks are free, handles of the old life never do anything again, and `epoch` is another.
  void power_cut();
  /// How many changes of names and of files a power cut now could take or leave.
  [[nodiscard]] std::size_t unsynced() const;
  /// As `power_cut`, but the caller chooses: of these changes, counted from 0, those survive whose bit is set, whole.
  /// So a test can try every subset. Changes beyond the 64th are lost.
  void power_cut(std::uint64_t survivors);
  /// The process died, the machine did not: all that was written is there and as volatile as before, locks are free,
  /// handles of the old life never do anything again. Same epoch.
  void process_crash();
  /// How many power cuts there were.
  [[nodiscard]] std::uint64_t power_cuts() const noexcept;

  // The oracle's view: no operation, no fault.

  /// The file as a process would read it now; empty if there is none.
  [[nodiscard]] std::optional<std::vector<std::byte>> contents(const std::filesystem::path& path) const;
  /// What of the file is on the platter for certain: the bytes of its successful syncs. Empty if its name is not
  /// durable.
  [[nodiscard]] std::optional<std::vector<std::byte>> durable_contents(const std::filesystem::path& path) const;
  /// A durable file from elsewhere.
  void put(const std::filesystem::path& path, std::span<const std::byte> bytes);
  void put(const std::filesystem::path& path, std::string_view text);
  /// Takes the name away, durably. False if there was none.
  bool remove(const std::filesystem::path& path);
  /// All names as a process would see them, sorted.
  [[nodiscard]] std::vector<std::filesystem::path> names() const;
  /// Bytes in use, with reservations.
  [[nodiscard]] std::uint64_t used_bytes() const noexcept;
  /// The last operations, oldest first, a line each: what led to the failure that a test has found.
  [[nodiscard]] std::vector<std::string> history() const;

  // The door.

  [[nodiscard]] Result<void> check_target(const std::filesystem::path& target) const override;
  asio::awaitable<Result<std::unique_ptr<PartialFile>>> open(OpenPartial request) override;
  asio::awaitable<Result<void>> sync(std::span<const FilePlace> files) override;
  asio::awaitable<CommitReport> commit(std::span<const CommitFile> files) override;
  asio::awaitable<Result<void>> discard(std::span<const FilePlace> files) override;
  asio::awaitable<Result<std::uint64_t>> free_bytes(std::filesystem::path folder) override;
  asio::awaitable<Result<std::unique_ptr<LogFile>>> open_log(std::filesystem::path path) override;
  [[nodiscard]] std::string epoch() const override;

 private:
  void begin_next_life();

  class Disk;
  class Partial;
  class Log;
  std::shared_ptr<Disk> disk_;
};

}  // namespace bgxfer::inline v0::testing

#endif
