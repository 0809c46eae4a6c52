#ifndef BGXFER_TESTS_SUPPORT_RECORDS_HPP
#define BGXFER_TESTS_SUPPORT_RECORDS_HPP

#include <cstdint>
#include <string>
#include <vector>

#include "model/change.hpp"

namespace bgxfer_tests {

namespace model = bgxfer::detail;

/// Everything that two records must have in common to be the same, as text. Request headers are left out, as they are
/// in the journal.
inline std::string show(const bgxfer::RangeSet& set) {
  std::string text;
  for (bgxfer::ByteRange range : set.ranges()) {
    text += '[' + std::to_string(range.offset) + '+' + std::to_string(range.length) + ']';
  }
  return text;
}

inline std::string show(model::WallTime at) { return std::to_string(at.time_since_epoch().count()); }

inline std::string show(const bgxfer::Error& error) {
  std::string text = std::string(error.code().category().name()) + ' ' + std::to_string(error.code().value()) + " in " +
                     std::string(to_string(error.context())) + " \"" + error.detail() + '"';
  if (error.file()) text += " file " + std::to_string(*error.file());
  if (error.retry_after()) text += " after " + std::to_string(error.retry_after()->count());
  return text;
}

inline std::string show(const bgxfer::JobOptions& options) {
  std::string text = '"' + options.display_name + "\" \"" + options.description + '"';
  for (std::uint64_t number :
       {static_cast<std::uint64_t>(options.type), static_cast<std::uint64_t>(options.priority),
        static_cast<std::uint64_t>(options.parallel_files), static_cast<std::uint64_t>(options.retry_delay_min.count()),
        static_cast<std::uint64_t>(options.retry_delay_max.count()),
        static_cast<std::uint64_t>(options.no_progress_timeout.count()), options.bytes_per_second_max,
        static_cast<std::uint64_t>(options.http.redirects.hops_max),
        static_cast<std::uint64_t>(options.http.redirects.allow_https_to_http),
        std::uint64_t{options.connections_per_file}, static_cast<std::uint64_t>(options.file_acl_flags),
        static_cast<std::uint64_t>(options.identity.usage), static_cast<std::uint64_t>(options.peer_caching)}) {
    text += ' ' + std::to_string(number);
  }
  const bgxfer::HttpOptions& http = options.http;
  text +=
      " http " + http.method + ' ' + http.proxy.list + ' ' + http.proxy.bypass + ' ' + http.tls.client.file.string();
  for (auto number : {static_cast<int>(http.redirects.mode), static_cast<int>(http.proxy.usage),
                      int{http.headers_write_only}, int{http.credentials_without_tls}, int{http.tls.ignore_expired},
                      int{http.tls.check_revocation}, static_cast<int>(http.tls.pins.size())}) {
    text += ' ' + std::to_string(number);
  }
  if (http.stored_credentials) text += " stored " + std::to_string(static_cast<int>(*http.stored_credentials));
  if (options.maximum_download_time) text += " time max " + std::to_string(options.maximum_download_time->count());
  const bgxfer::DownloadOptions& download = options.download;
  text += std::string(download.dynamic_content ? " dynamic" : "") + (download.high_performance ? " fast" : "") +
          (download.on_demand ? " on demand" : "");
  if (download.size_max) text += " size max " + std::to_string(*download.size_max);
  if (options.transfer_policy)
    text += " policy " + std::to_string(static_cast<std::uint32_t>(*options.transfer_policy));
  text += " notify " + std::to_string(static_cast<std::uint32_t>(options.notify.events)) + " every " +
          std::to_string(options.notify.interval_min.count()) + " \"" + options.notify.handler + "\" runs \"" +
          options.notify.command.program + '"';
  for (const std::string& argument : options.notify.command.arguments) text += " \"" + argument + '"';
  return text;
}

inline std::string show(const std::vector<std::string>& mirrors, const bgxfer::PieceHashes& pieces) {
  std::string text;
  for (const std::string& mirror : mirrors) text += " mirror " + mirror;
  if (pieces.bytes != 0) text += " pieces of " + std::to_string(pieces.bytes);
  for (const bgxfer::Sha256& hash : pieces.sha256) text += ' ' + hash.to_string();
  return text;
}

inline std::string show(const model::FileRecord& file) {
  std::string text = file.url + " -> " + file.target + " size " + std::to_string(file.size) + " generation " +
                     std::to_string(file.generation) + " stage " + std::to_string(static_cast<int>(file.stage));
  if (file.size_given) text += " expected";
  if (!file.facts) return text;
  const model::FileFacts& facts = *file.facts;
  for (bgxfer::ByteRange range : facts.ranges) {
    text += " range " + std::to_string(range.offset) + '+' + std::to_string(range.length);
  }
  for (std::uint64_t place : facts.placed_at) text += " at " + std::to_string(place);
  if (facts.sha256) text += " sha256 " + facts.sha256->to_string();
  text += show(facts.mirrors, facts.pieces) + " source " + std::to_string(facts.source);
  text += " of " + std::to_string(facts.resource_size) + " validator " + facts.validator;
  if (facts.modified) text += " modified " + show(*facts.modified);
  text += " identity " + std::to_string(facts.identity.device) + ':' + std::to_string(facts.identity.inode);
  text += " preserved " + std::to_string(static_cast<int>(facts.preserved)) + " reported " + facts.reported +
          " validated " + std::to_string(facts.validated);
  return text + " arrived " + show(facts.arrived) + " unsynced " + show(facts.unsynced) + " syncs " +
         std::to_string(facts.syncs);
}

/// A void commit as what it ends as.
inline std::string show(const model::JobRecord& job) {
  const bool ended = model::is_void_commit(job);
  std::string text =
      "job " + job.id.to_string() + ' ' + std::string(to_string(job.state)) + ' ' + show(job.options) + '\n';
  text += "withheld " + std::to_string(job.headers_withheld || !job.options.http.headers.empty());
  text += " created " + show(job.times.created) + " modified " + show(job.times.modified);
  if (job.times.transferred) text += " transferred " + show(*job.times.transferred);
  text += " errors " + std::to_string(job.error_count) + " committing " + std::to_string(job.committing && !ended) +
          std::to_string(job.approved && !ended) + " owes " + std::to_string(job.owes_transferred) +
          std::to_string(job.owes_failed) + '\n';
  text += "owner " + job.owner.name + (job.owner.elevated ? " elevated" : "") + " resumed " +
          std::to_string(job.resumed) + " active " + std::to_string(job.active_time.count()) + " owed " +
          show(job.owed_files) + '\n';
  if (job.error) text += "error " + show(*job.error) + '\n';
  text += "totals " + std::to_string(job.totals.bytes_transferred) + ' ' + std::to_string(job.totals.bytes_known) +
          ' ' + std::to_string(job.totals.sizes_unknown) + ' ' + std::to_string(job.totals.files_finished) + '\n';
  for (const model::FileRecord& file : job.files) text += "  " + show(file) + '\n';
  return text;
}

inline std::string show(const std::vector<model::JobRecord>& jobs) {
  std::string text;
  for (const model::JobRecord& job : jobs) text += show(job);
  return text;
}

/// Puts a change into words.
struct ShowChange {
  std::string text;
  void file(const auto& it) {
    text +=
        " file " + std::to_string(static_cast<std::uint32_t>(it.file)) + " generation " + std::to_string(it.generation);
  }
  void operator()(const model::JobCreated& it) {
    text += "created " + show(it.options) + " withheld " + std::to_string(it.headers_withheld) + " at " + show(it.at) +
            " owner " + it.owner.name + std::to_string(it.owner.elevated);
  }
  void operator()(const model::JobConfigured& it) {
    text +=
        "configured " + show(it.options) + " withheld " + std::to_string(it.headers_withheld) + " at " + show(it.at);
    if (it.owner) text += " owner " + it.owner->name + std::to_string(it.owner->elevated);
  }
  void operator()(const model::FilesAdded& it) {
    text += "files added at " + show(it.at);
    for (const bgxfer::FileSpec& spec : it.files) {
      text += "\n  " + spec.url + " -> " + spec.target.string();
      for (bgxfer::ByteRange range : spec.ranges) {
        text += " range " + std::to_string(range.offset) + '+' + std::to_string(range.length);
      }
      for (std::uint64_t place : spec.placed_at) text += " at " + std::to_string(place);
      if (spec.sha256) text += " sha256 " + spec.sha256->to_string();
      text += show(spec.mirrors, spec.pieces);
      if (spec.size) text += " size " + std::to_string(*spec.size);
    }
  }
  void operator()(const model::JobMoved& it) {
    text +=
        "moved to " + std::string(to_string(it.to)) + " count " + std::to_string(it.error_count) + " at " + show(it.at);
    if (it.error) text += " error " + show(*it.error);
    if (it.resumed || it.to != bgxfer::JobState::suspended) text += " resumed";
    text += " active " + std::to_string(it.active_time.count());
  }
  void operator()(const model::FileStarted& it) {
    text += "started";
    file(it);
    text += " identity " + std::to_string(it.identity.device) + ':' + std::to_string(it.identity.inode) + " size " +
            std::to_string(it.size) + " of " + std::to_string(it.resource_size) + " validator " + it.validator +
            " source " + std::to_string(it.source) + " reported " + it.reported;
    if (it.modified) text += " modified " + show(*it.modified);
  }
  void operator()(const model::FileProgressed& it) {
    text += "progressed";
    file(it);
    text += it.durable ? " durable" : " unsynced";
    for (bgxfer::ByteRange range : it.ranges) {
      text += " range " + std::to_string(range.offset) + '+' + std::to_string(range.length);
    }
  }
  void operator()(const model::FileRestarted& it) {
    text += "restarted";
    file(it);
  }
  void operator()(const model::FileFinished& it) {
    text += "finished";
    file(it);
    text += " identity " + std::to_string(it.identity.device) + ':' + std::to_string(it.identity.inode) + " size " +
            std::to_string(it.size) + " committed " + std::to_string(it.committed) + " preserved " +
            std::to_string(static_cast<int>(it.preserved));
    if (it.modified) text += " modified " + show(*it.modified);
  }
  void operator()(const model::FilesSynced& it) {
    text += "synced";
    for (bgxfer::ByteRange run : it.files) {
      text += " files " + std::to_string(run.offset) + '+' + std::to_string(run.length);
    }
  }
  void operator()(const model::CommitStarted& it) {
    text += "commit started at " + show(it.at) + " approved " + std::to_string(it.approved);
  }
  void operator()(const model::FileValidated& it) {
    text += "validated " + std::to_string(static_cast<std::uint32_t>(it.file));
  }
  void operator()(const model::UrlChanged& it) {
    text += "url of " + std::to_string(static_cast<std::uint32_t>(it.file)) + " or " + it.prefix + " is " + it.url +
            " at " + show(it.at);
  }
  void operator()(const model::Redirected& it) {
    text += "url of " + std::to_string(static_cast<std::uint32_t>(it.file)) + " leads to " + it.reported;
  }
  void operator()(const model::CommitFailed& it) {
    text += "commit failed " + std::to_string(it.committed) + " at " + show(it.at);
    if (it.error) text += " error " + show(*it.error);
  }
  void operator()(const model::NoticeDelivered& it) { runs("notice", it.files); }
  void operator()(const model::SyncBegun& it) { runs("sync begun", it.files); }
  void operator()(const model::SyncEnded& it) { runs("sync ended", it.files); }
  void operator()(const model::FilesOwed& it) { runs("owed", it.files); }
  void runs(const char* what, const std::vector<bgxfer::ByteRange>& files) {
    text += what;
    for (bgxfer::ByteRange run : files) text += ' ' + std::to_string(run.offset) + '+' + std::to_string(run.length);
  }
  void operator()(const model::JobRemoved&) { text += "removed"; }
};

/// The record that the changes make which describe this one.
inline model::JobRecord copy_of(const model::JobRecord& record) {
  model::JobRecord copy;
  describe(record, [&](const model::Change& change) {
    if (const auto* created = std::get_if<model::JobCreated>(&change)) {
      copy = make_record(*created);
    } else {
      apply(copy, change);
    }
  });
  return copy;
}

/// What is left of the jobs where only what was durable is believed, as text.
inline std::string show_durable(const std::vector<model::JobRecord>& jobs) {
  std::vector<model::JobRecord> left;
  for (const model::JobRecord& job : jobs) forget_unsynced(left.emplace_back(copy_of(job)));
  return show(left);
}

/// Everything that a change says, as text.
inline std::string show(const model::Change& change) {
  ShowChange shown{job_of(change).to_string() + ' '};
  std::visit(shown, change);
  return shown.text;
}

}  // namespace bgxfer_tests

#endif
