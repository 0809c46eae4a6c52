#ifndef BGXFER_TESTING_FAULTY_DISK_HPP
#define BGXFER_TESTING_FAULTY_DISK_HPP

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "random.hpp"

namespace bgxfer::inline v0::testing::detail {

/// A file of the simulated disk: what processes see, what the platter has, and the difference.
struct DiskFile {
  /// One unsynced change, in the order in which they were made.
  struct Change {
    bool is_resize;
    std::size_t offset;  ///< Of a resize: the new size.
    std::size_t length;
  };

  explicit DiskFile(std::uint64_t file_number) : number(file_number) {}

  std::uint64_t number;
  std::vector<std::byte> live;
  std::vector<std::byte> durable;
  std::vector<Change> unsynced;
  std::uint64_t reserved = 0;  ///< Set aside, whatever the size.
  std::uint64_t charged = 0;   ///< What it takes from the disk's capacity.
  bool linked = false;         ///< Has a name that processes see.
};

/// Names, bytes, and what a power cut leaves of them: a pure model, without time, faults or coroutines. A change of
/// names for which there is no memory does not happen.
class FaultyDisk {
 public:
  using File = std::shared_ptr<DiskFile>;
  static constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();
  static constexpr std::size_t sector_bytes = 512;

  explicit FaultyDisk(Random& random) : random_(random) {}

  [[nodiscard]] File find(const std::string& path) const;
  [[nodiscard]] File find_durable(const std::string& path) const;
  [[nodiscard]] std::vector<std::string> names() const;

  // Changes of names. Volatile until `sync_folder`.
  /// Has room in memory for so many bytes: to write them never throws.
  File make(const std::string& path, std::size_t room = 0);
  bool unlink(const std::string& path);
  void rename(const std::string& from, const std::string& to);
  /// True if the platter has this very file under that name.
  [[nodiscard]] bool has_durable_name(const std::string& path, const File& file) const;
  void sync_folder(const std::string& folder);
  /// A sync of a folder that failed on the way: the first changes made it.
  void fail_sync_folder(const std::string& folder);

  // Changes of files. Volatile until `sync`. False: no space, and nothing or only a first part was done.
  bool write(DiskFile& file, std::uint64_t offset, std::span<const std::byte> bytes);
  bool resize(DiskFile& file, std::uint64_t bytes);
  bool reserve(DiskFile& file, std::uint64_t bytes);
  static void sync(DiskFile& file);
  /// What fsync does on Linux when the device fails: dirty sectors count as clean although half of them never
  /// reached the platter. Of those that did not, some are evicted, and readers see the old bytes again.
  void fail_sync(DiskFile& file);

  /// Any subset of what was not synced survives.
  void power_cut();
  /// How many changes, of names and of files, were not synced.
  [[nodiscard]] std::size_t unsynced() const;
  /// Of these, counted from 0, those survive whose bit is set; a change that survives does so whole.
  void power_cut(std::uint64_t survivors);

  // Room that belongs to no file.
  bool take_room(std::uint64_t bytes);
  void give_room(std::uint64_t bytes) { used_ -= bytes; }
  /// Gives back all room that belongs to no file.
  void count_again();

  void set_capacity(std::uint64_t bytes) { capacity_ = bytes; }
  [[nodiscard]] std::uint64_t used() const { return used_; }
  [[nodiscard]] std::uint64_t free() const { return capacity_ > used_ ? capacity_ - used_ : 0; }
  [[nodiscard]] bool limited() const { return capacity_ != unlimited; }

  [[nodiscard]] static std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

 private:
  // One change of the names of a folder. Without `from`: a new name; without `to`: a name less; both: a rename.
  struct NameChange {
    std::string folder;
    std::string from;
    std::string to;
    File file;
  };

  void apply(const NameChange& change);
  bool charge(DiskFile& file, std::uint64_t size);
  void detach(const File& file);
  void cut(DiskFile& file, double kept);
  [[nodiscard]] std::vector<File> changed_files() const;
  void restart();
  template <class Keep, class Lose>
  void for_each_sector(const DiskFile::Change& change, std::size_t size, double kept, Keep keep, Lose lose);

  Random& random_;
  std::map<std::string, File> live_;
  std::map<std::string, File> durable_;
  std::vector<NameChange> unsynced_names_;
  std::uint64_t capacity_ = unlimited;
  std::uint64_t used_ = 0;
  std::uint64_t last_number_ = 0;
};

}  // namespace bgxfer::inline v0::testing::detail

#endif
