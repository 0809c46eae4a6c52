#include "faulty_disk.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace bgxfer::inline v0::testing::detail {

namespace {

// Copies what processes see to the platter; the file may have been cut since it was written.
void keep_bytes(DiskFile& file, std::size_t offset, std::size_t length) {
  const std::size_t end = std::min(offset + length, file.live.size());
  if (offset >= end) return;
  if (file.durable.size() < end) file.durable.resize(end);
  std::copy(file.live.begin() + static_cast<std::ptrdiff_t>(offset),
            file.live.begin() + static_cast<std::ptrdiff_t>(end),
            file.durable.begin() + static_cast<std::ptrdiff_t>(offset));
}

// Shows processes the platter's bytes again.
void evict_bytes(DiskFile& file, std::size_t offset, std::size_t length) {
  const std::size_t end = std::min(offset + length, file.live.size());
  for (std::size_t i = offset; i < end; ++i) file.live[i] = i < file.durable.size() ? file.durable[i] : std::byte{0};
}

/// The next `push_back` needs no memory.
template <class Change>
void make_room_for_one(std::vector<Change>& changes) {
  if (changes.size() == changes.capacity()) changes.reserve(std::max<std::size_t>(4, 2 * changes.size()));
}

}  // namespace

FaultyDisk::File FaultyDisk::find(const std::string& path) const {
  const auto found = live_.find(path);
  return found == live_.end() ? nullptr : found->second;
}

FaultyDisk::File FaultyDisk::find_durable(const std::string& path) const {
  const auto found = durable_.find(path);
  return found == durable_.end() ? nullptr : found->second;
}

std::vector<std::string> FaultyDisk::names() const {
  std::vector<std::string> all;
  for (const auto& [name, file] : live_) all.push_back(name);
  return all;
}

// What a change of names needs is allocated before anything is changed: no bad_alloc leaves a name without a file.

FaultyDisk::File FaultyDisk::make(const std::string& path, std::size_t room) {
  File file = std::make_shared<DiskFile>(++last_number_);
  file->live.reserve(room);
  make_room_for_one(file->unsynced);
  file->linked = true;
  NameChange change{folder_of(path), {}, path, file};
  unlink(path);
  make_room_for_one(unsynced_names_);
  live_.insert_or_assign(path, file);
  unsynced_names_.push_back(std::move(change));
  return file;
}

bool FaultyDisk::unlink(const std::string& path) {
  const auto found = live_.find(path);
  if (found == live_.end()) return false;
  unsynced_names_.push_back(NameChange{folder_of(path), path, {}, found->second});
  detach(found->second);
  live_.erase(found);
  return true;
}

void FaultyDisk::rename(const std::string& from, const std::string& to) {
  const auto found = live_.find(from);
  if (found == live_.end() || from == to) return;
  NameChange change{folder_of(to), from, to, found->second};
  make_room_for_one(unsynced_names_);
  File& place = live_[to];
  if (place) detach(place);
  place = std::move(found->second);
  live_.erase(found);
  unsynced_names_.push_back(std::move(change));
}

bool FaultyDisk::has_durable_name(const std::string& path, const File& file) const {
  const auto found = durable_.find(path);
  return found != durable_.end() && found->second == file;
}

void FaultyDisk::apply(const NameChange& change) {
  if (!change.to.empty()) durable_[change.to] = change.file;
  if (!change.from.empty()) {
    const auto found = durable_.find(change.from);
    // With an earlier change lost, the name may belong to another file by now.
    if (found != durable_.end() && found->second == change.file) durable_.erase(found);
  }
}

void FaultyDisk::sync_folder(const std::string& folder) {
  for (const NameChange& change : unsynced_names_) {
    if (change.folder == folder) apply(change);
  }
  std::erase_if(unsynced_names_, [&folder](const NameChange& change) { return change.folder == folder; });
}

void FaultyDisk::fail_sync_folder(const std::string& folder) {
  std::vector<NameChange> rest;
  bool stopped = false;
  for (NameChange& change : unsynced_names_) {
    stopped = stopped || random_.chance(0.5);
    if (change.folder == folder && !stopped) {
      apply(change);
    } else {
      rest.push_back(std::move(change));
    }
  }
  unsynced_names_ = std::move(rest);
}

bool FaultyDisk::write(DiskFile& file, std::uint64_t offset, std::span<const std::byte> bytes) {
  const bool fits = charge(file, std::max<std::uint64_t>(file.live.size(), offset + bytes.size()));
  if (!fits) {
    const std::uint64_t end = file.charged + free();
    if (end <= offset) return false;
    bytes = bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), end - offset)));
    charge(file, std::max<std::uint64_t>(file.live.size(), offset + bytes.size()));
  }
  if (bytes.empty()) return fits;
  const auto position = static_cast<std::size_t>(offset);
  make_room_for_one(file.unsynced);
  if (file.live.size() < position + bytes.size()) file.live.resize(position + bytes.size());
  std::copy(bytes.begin(), bytes.end(), file.live.begin() + static_cast<std::ptrdiff_t>(position));
  std::vector<DiskFile::Change>& changes = file.unsynced;
  if (!changes.empty() && !changes.back().is_resize && changes.back().offset + changes.back().length == position) {
    changes.back().length += bytes.size();
  } else {
    changes.push_back(DiskFile::Change{false, position, bytes.size()});
  }
  return fits;
}

bool FaultyDisk::resize(DiskFile& file, std::uint64_t bytes) {
  if (!charge(file, bytes)) return false;
  const auto size = static_cast<std::size_t>(bytes);
  make_room_for_one(file.unsynced);
  file.live.resize(size);
  file.unsynced.push_back(DiskFile::Change{true, size, 0});
  return true;
}

bool FaultyDisk::reserve(DiskFile& file, std::uint64_t bytes) {
  const std::uint64_t before = file.reserved;
  file.reserved = std::max(before, bytes);
  if (charge(file, file.live.size())) return true;
  file.reserved = before;
  return false;
}

void FaultyDisk::sync(DiskFile& file) {
  for (const DiskFile::Change& change : file.unsynced) {
    if (change.is_resize) {
      file.durable.resize(change.offset);
    } else {
      keep_bytes(file, change.offset, change.length);
    }
  }
  file.unsynced.clear();
}

template <class Keep, class Lose>
void FaultyDisk::for_each_sector(const DiskFile::Change& change, std::size_t size, double kept, Keep keep, Lose lose) {
  const std::size_t end = std::min(change.offset + change.length, size);
  for (std::size_t at = change.offset; at < end;) {
    const std::size_t next = std::min(end, (at / sector_bytes + 1) * sector_bytes);
    if (random_.chance(kept)) {
      keep(at, next - at);
    } else {
      lose(at, next - at);
    }
    at = next;
  }
}

void FaultyDisk::fail_sync(DiskFile& file) {
  for (const DiskFile::Change& change : file.unsynced) {
    if (change.is_resize) {
      if (random_.chance(0.5)) file.durable.resize(change.offset);
      continue;
    }
    for_each_sector(
        change, file.live.size(), 0.5,
        [&file](std::size_t offset, std::size_t length) { keep_bytes(file, offset, length); },
        [&](std::size_t offset, std::size_t length) {
          if (random_.chance(0.5)) evict_bytes(file, offset, length);
        });
  }
  file.unsynced.clear();
}

void FaultyDisk::cut(DiskFile& file, double kept) {
  for (const DiskFile::Change& change : file.unsynced) {
    if (change.is_resize) {
      if (random_.chance(kept)) file.durable.resize(change.offset);
      continue;
    }
    for_each_sector(
        change, file.live.size(), kept,
        [&](std::size_t offset, std::size_t length) {
          const bool torn = random_.chance(0.1);
          keep_bytes(file, offset, torn ? static_cast<std::size_t>(random_.below(length)) : length);
        },
        [](std::size_t, std::size_t) {});
  }
  const bool had_changes = !file.unsynced.empty();
  // The new length without the data: file systems that delay allocation do this.
  if (had_changes && file.live.size() > file.durable.size() && random_.chance(0.3))
    file.durable.resize(file.live.size());
}

void FaultyDisk::power_cut() {
  // Extremes are as likely as mixtures: whole classes of mistakes show only when all, or nothing, survives.
  constexpr double chances[] = {0.0, 1.0, 0.5, 0.5};
  const double kept = chances[random_.below(4)];
  if (random_.chance(0.5)) {
    const std::uint64_t survivors = random_.below(unsynced_names_.size() + 1);
    for (std::uint64_t i = 0; i < survivors; ++i) apply(unsynced_names_[i]);
  } else {
    for (const NameChange& change : unsynced_names_) {
      if (random_.chance(kept)) apply(change);
    }
  }
  std::set<DiskFile*> cut_files;  // Two names of one file: half a rename.
  for (const auto& [name, file] : durable_) {
    if (cut_files.insert(file.get()).second) cut(*file, kept);
  }
  restart();
}

std::vector<FaultyDisk::File> FaultyDisk::changed_files() const {
  std::map<std::uint64_t, File> changed;
  for (const auto* names : {&live_, &durable_}) {
    for (const auto& [name, file] : *names) {
      if (!file->unsynced.empty()) changed.emplace(file->number, file);
    }
  }
  std::vector<File> files;
  for (auto& [number, file] : changed) files.push_back(std::move(file));
  return files;
}

std::size_t FaultyDisk::unsynced() const {
  std::size_t count = unsynced_names_.size();
  for (const File& file : changed_files()) count += file->unsynced.size();
  return count;
}

void FaultyDisk::power_cut(std::uint64_t survivors) {
  const auto survives = [&survivors] {
    const bool does = (survivors & 1) != 0;
    survivors >>= 1;
    return does;
  };
  const std::vector<File> files = changed_files();
  for (const NameChange& change : unsynced_names_) {
    if (survives()) apply(change);
  }
  for (const File& file : files) {
    for (const DiskFile::Change& change : file->unsynced) {
      if (!survives()) continue;
      if (change.is_resize) {
        file->durable.resize(change.offset);
      } else {
        keep_bytes(*file, change.offset, change.length);
      }
    }
  }
  restart();
}

/// What processes see after the cut is what the platter has.
void FaultyDisk::restart() {
  for (const auto& [name, file] : live_) file->linked = false;
  unsynced_names_.clear();
  live_ = durable_;
  used_ = 0;
  for (const auto& [name, file] : live_) {
    if (std::exchange(file->linked, true)) continue;
    file->unsynced.clear();
    file->live = file->durable;
    file->reserved = 0;
    file->charged = file->live.size();
    used_ += file->charged;
  }
}

bool FaultyDisk::charge(DiskFile& file, std::uint64_t size) {
  const std::uint64_t wanted = file.linked ? std::max(size, file.reserved) : 0;
  if (wanted > file.charged && wanted - file.charged > free()) return false;
  used_ = used_ - file.charged + wanted;
  file.charged = wanted;
  return true;
}

void FaultyDisk::detach(const File& file) {
  file->linked = false;
  used_ -= file->charged;
  file->charged = 0;
}

bool FaultyDisk::take_room(std::uint64_t bytes) {
  if (bytes > free()) return false;
  used_ += bytes;
  return true;
}

void FaultyDisk::count_again() {
  used_ = 0;
  for (const auto& [name, file] : live_) used_ += file->charged;
}

}  // namespace bgxfer::inline v0::testing::detail
