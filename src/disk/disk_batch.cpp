#include "disk_batch.hpp"

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "../base/file_name.hpp"
#include "acting.hpp"

namespace bgxfer::inline v0::disk::detail {

namespace {

// The distinct folders of a batch, each with the first file that lies in it, in order of appearance.
class BatchFolders {
 public:
  struct Entry {
    std::string path;
    std::size_t first_file;
  };

  void add(std::string_view path, std::size_t file) {
    if (!entries_.empty() && entries_.back().path == path) return;  // neighbours mostly share a folder
    if (known_.emplace(path).second) entries_.push_back(Entry{std::string(path), file});
  }

  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
  std::set<std::string> known_;
};

Result<void> sync_folder_at(Folders& folders, const std::string& path) {
  const Result<std::shared_ptr<const Folder>> folder = folders.get(path);
  if (!folder) return folder.error();
  if (const std::error_code failed = sync_all((*folder)->get())) return file_error(failed, path);
  return {};
}

Result<void> sync_single_file(Folders& folders, const FilePlace& place) {
  const Result<std::shared_ptr<const Folder>> folder = folders.get(folder_of(place.target));
  if (!folder) return folder.error();
  Descriptor file;
  std::error_code failed = open_at(file, (*folder)->get(), place.temporary_name, OpenMode::read);
  if (!failed) failed = sync_data(file.get());
  if (failed) return file_error(failed, place.temporary());
  return {};
}

Result<void> sync_file_systems(Folders& folders, const BatchFolders& batch) {
  std::set<std::uint64_t> synced;
  for (const BatchFolders::Entry& entry : batch.entries()) {
    const Result<std::shared_ptr<const Folder>> folder = folders.get(entry.path);
    if (!folder) return folder.error();
    if (!synced.insert((*folder)->facts.device).second) continue;
    if (const std::error_code failed = sync_file_system((*folder)->get())) return file_error(failed, entry.path);
  }
  return {};
}

// One file takes its final name. By names instead of descriptors, because that saves an open for each of thousands:
// whoever could exchange the temporary file between two of these calls could as well exchange the final one.
Result<void> take_final_name(const Folder& folder, const CommitFile& wanted, std::uint32_t default_mode) {
  const std::string& temporary = wanted.place.temporary_name;
  const std::string target(name_of(wanted.place.target));
  FileFacts facts;
  std::error_code failed = facts_at(folder.get(), temporary, facts);
  FileFacts replaced;
  const std::error_code no_target = facts_at(folder.get(), target, replaced);
  if (failed == std::errc::no_such_file_or_directory && !no_target && replaced.is_regular() &&
      wanted.wants(replaced.identity)) {
    return {};  // done before
  }
  if (failed) return file_error(failed, wanted.place.temporary());
  const bool ours =
      has(wanted.preserved, FileAclFlags::owner) ? facts.is_regular() && facts.links == 1 : facts.is_ours_alone();
  if (!ours || !wanted.wants(facts.identity)) {
    return file_error(make_error_code(Errc::partial_file_changed), wanted.place.temporary());
  }
  const bool replaces = !no_target && replaced.is_regular();
  if (!has(wanted.preserved, FileAclFlags::dacl)) {
    failed = set_mode_at(folder.get(), temporary, replaces ? replaced.mode & 0777 : default_mode);
  }
  if (!failed && wanted.modified) failed = set_modified_at(folder.get(), temporary, *wanted.modified);
  if (failed) return file_error(failed, wanted.place.temporary());
  // What is wrong here is with what stands in the target's place.
  failed = rename_at(folder.get(), temporary, target);
  if (failed) return file_error(failed, wanted.place.target);
  return {};
}

Result<void> discard_file(Folders& folders, const FilePlace& place, bool& deleted) {
  const Result<void> lawful = bgxfer::detail::check_place_text(place.target, place.temporary_name);
  if (!lawful) return lawful;
  const Result<std::shared_ptr<const Folder>> folder = folders.get(folder_of(place.target));
  if (!folder) {
    if (folder.error().code() == std::errc::no_such_file_or_directory) return {};
    return folder.error();
  }
  const std::error_code failed = unlink_at((*folder)->get(), place.temporary_name);
  if (failed && failed != std::errc::no_such_file_or_directory) return file_error(failed, place.temporary());
  deleted = !failed;
  return {};
}

Result<void> sync_run(Folders& folders, std::span<const FilePlace> files) {
  BatchFolders batch;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const Result<void> lawful = bgxfer::detail::check_place_text(files[i].target, files[i].temporary_name);
    if (!lawful) return lawful;
    batch.add(folder_of(files[i].target), i);
  }
  if (files.size() > files_synced_singly_max) {
    const Result<void> synced = sync_file_systems(folders, batch);
    if (!synced) return synced;
  } else {
    for (const FilePlace& place : files) {
      const Result<void> synced = sync_single_file(folders, place);
      if (!synced) return synced;
    }
  }
  for (const BatchFolders::Entry& entry : batch.entries()) {
    const Result<void> synced = sync_folder_at(folders, entry.path);
    if (!synced) return synced;
  }
  return {};
}

CommitReport commit_run(Folders& folders, std::span<const CommitFile> files) {
  const std::uint32_t default_mode = default_file_mode();
  CommitReport report;
  BatchFolders batch;
  for (; report.done < files.size(); ++report.done) {
    const CommitFile& wanted = files[report.done];
    const Result<void> lawful = bgxfer::detail::check_place_text(wanted.place.target, wanted.place.temporary_name);
    if (!lawful) {
      report.error = lawful.error();
      break;
    }
    const std::string_view folder_path = folder_of(wanted.place.target);
    const Result<std::shared_ptr<const Folder>> folder = folders.get(folder_path);
    if (!folder) {
      report.error = folder.error();
      break;
    }
    if (const Result<void> named = take_final_name(**folder, wanted, default_mode); !named) {
      report.error = named.error();
      break;
    }
    batch.add(folder_path, report.done);
  }
  // A failed sync leaves every name in that folder in doubt, from its first file on.
  for (const BatchFolders::Entry& entry : batch.entries()) {
    const Result<void> synced = sync_folder_at(folders, entry.path);
    if (synced || entry.first_file >= report.done) continue;
    report.done = entry.first_file;
    report.error = synced.error();
  }
  return report;
}

Result<void> discard_run(Folders& folders, std::span<const FilePlace> files) {
  Result<void> first_failure;
  BatchFolders batch;
  for (std::size_t i = 0; i < files.size(); ++i) {
    bool deleted = false;
    const Result<void> discarded = discard_file(folders, files[i], deleted);
    if (!discarded && first_failure) first_failure = discarded;
    if (deleted) batch.add(folder_of(files[i].target), i);
  }
  // Else a power cut brings back a file that nobody knows any more.
  for (const BatchFolders::Entry& entry : batch.entries()) {
    const Result<void> synced = sync_folder_at(folders, entry.path);
    if (!synced && first_failure) first_failure = synced;
  }
  return first_failure;
}

const std::shared_ptr<const PosixUser>& user_of(const FilePlace& place) { return place.user; }
const std::shared_ptr<const PosixUser>& user_of(const CommitFile& file) { return file.place.user; }

bool same_user(const std::shared_ptr<const PosixUser>& a, const std::shared_ptr<const PosixUser>& b) {
  return a == b || (a && b && *a == *b);
}

// Calls `act` with each run of neighbours that belong to one user, with that user's rights, until it says no. Returns
// why a user's rights could not be taken on.
template <class T, class Act>
std::error_code each_user(Folders& folders, const std::vector<T>& files, Act act) {
  for (std::size_t begin = 0, end = 0; begin < files.size(); begin = end) {
    const std::shared_ptr<const PosixUser>& user = user_of(files[begin]);
    while (end < files.size() && same_user(user_of(files[end]), user)) ++end;
    Folders own(1);  // What the process has open may be closed to others.
    bool go_on = false;
    const std::span<const T> run = std::span(files).subspan(begin, end - begin);
    const std::error_code refused = act_as(user, [&] { go_on = act(user ? own : folders, run); });
    if (refused || !go_on) return refused;
  }
  return {};
}

}  // namespace

Result<void> sync_batch(Folders& folders, const std::vector<FilePlace>& files) {
  Result<void> synced;
  const std::error_code refused = each_user(folders, files, [&](Folders& theirs, std::span<const FilePlace> run) {
    synced = sync_run(theirs, run);
    return synced.has_value();
  });
  if (refused) return file_error(refused, files.front().target);
  return synced;
}

CommitReport commit_batch(Folders& folders, const std::vector<CommitFile>& files) {
  CommitReport all;
  const std::error_code refused = each_user(folders, files, [&](Folders& theirs, std::span<const CommitFile> run) {
    CommitReport report = commit_run(theirs, run);
    all.done += report.done;
    all.error = std::move(report.error);
    return !all.error;
  });
  if (refused) all.error = file_error(refused, files[all.done].place.target);
  return all;
}

Result<void> discard_batch(Folders& folders, const std::vector<FilePlace>& files) {
  Result<void> first_failure;
  const std::error_code refused = each_user(folders, files, [&](Folders& theirs, std::span<const FilePlace> run) {
    const Result<void> discarded = discard_run(theirs, run);
    if (!discarded && first_failure) first_failure = discarded;
    return true;
  });
  if (refused && first_failure) first_failure = file_error(refused, files.front().target);
  return first_failure;
}

}  // namespace bgxfer::inline v0::disk::detail
