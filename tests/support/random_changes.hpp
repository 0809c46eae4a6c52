#ifndef BGXFER_TESTS_SUPPORT_RANDOM_CHANGES_HPP
#define BGXFER_TESTS_SUPPORT_RANDOM_CHANGES_HPP

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "model/change.hpp"

namespace bgxfer_tests {

namespace model = bgxfer::detail;

/// Numbers from a seed; the same on every machine (SplitMix64).
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}

  std::uint64_t bits() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  std::uint64_t below(std::uint64_t end) { return bits() % end; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }

 private:
  std::uint64_t state_;
};

/// A queue that does what dice say: every change is applied to `jobs` and handed out.
class RandomChanges {
 public:
  explicit RandomChanges(std::uint64_t seed, bool with_strays = true) : dice_(seed), strays_(with_strays) {}

  std::vector<model::JobRecord> jobs;  ///< Live records, in order of creation.
  bool transferred_too = true;         ///< Whether jobs may move to `transferred`, finished or not.

  model::Change next() {
    model::Change change = invent();
    auto* moved = std::get_if<model::JobMoved>(&change);
    if (moved && moved->to == bgxfer::JobState::transferred && !transferred_too) moved->to = bgxfer::JobState::queued;
    carry_out(change);
    return change;
  }

  void carry_out(const model::Change& change) {
    if (const auto* created = std::get_if<model::JobCreated>(&change)) {
      jobs.push_back(model::make_record(*created));
      return;
    }
    const auto job = std::find_if(jobs.begin(), jobs.end(), [&](const auto& it) { return it.id == job_of(change); });
    if (job == jobs.end()) return;
    if (std::holds_alternative<model::JobRemoved>(change)) {
      jobs.erase(job);
      return;
    }
    model::apply(*job, change);
  }

  /// Whether `next` will be the end of a commit that cannot go on. The engine lets no such job move or be configured
  /// before that end; what it tells of in between (files, notices) and what other jobs do is left out here.
  [[nodiscard]] bool owes_end_of_commit() const { return std::any_of(jobs.begin(), jobs.end(), model::is_void_commit); }

  Dice& dice() { return dice_; }

 private:
  model::Change invent() {
    const auto lost = std::find_if(jobs.begin(), jobs.end(), model::is_void_commit);
    if (lost != jobs.end()) return end_of_void_commit(*lost);
    if (jobs.empty() || (jobs.size() < 5 && dice_.one_in(20))) return created();
    const model::JobRecord& job = jobs[dice_.below(jobs.size())];
    const bgxfer::JobId id = strays_ && dice_.one_in(50) ? bgxfer::JobId::from_random(1, dice_.bits()) : job.id;
    switch (dice_.below(strays_ ? 20 : 19)) {
      case 0:
        if (dice_.one_in(5)) return model::JobConfigured{id, options(), dice_.one_in(2), now(), owner()};
        return model::JobConfigured{id, options(), dice_.one_in(2), now()};
      case 1:
      case 2: return files(id);
      case 3:
      case 4: {
        const auto state = static_cast<bgxfer::JobState>(dice_.below(9));
        return model::JobMoved{
            id, state, error(), count(), now(), job.resumed, std::chrono::milliseconds{dice_.below(100'000)}};
      }
      case 5: return model::FilesSynced{id, {bgxfer::ByteRange{0, 1'000'000}}};
      case 6: return model::CommitStarted{id, now(), dice_.one_in(2)};
      case 7: return model::CommitFailed{id, static_cast<std::uint32_t>(dice_.below(3)), error(), now()};
      case 8:
        if (dice_.one_in(2)) return model::NoticeDelivered{id};
        return model::NoticeDelivered{id, {bgxfer::ByteRange{dice_.below(5), 1 + dice_.below(5)}}};
      case 9:
        if (dice_.one_in(4)) return model::JobRemoved{id};
        break;
      case 19: return model::FileProgressed{id, bgxfer::FileIndex{77}, 0, false, {{0, 5}}};
      default: break;
    }
    if (job.files.empty()) return files(id);
    return file_change(id, job);
  }

  model::Change file_change(const bgxfer::JobId& id, const model::JobRecord& job) {
    const std::uint64_t index = dice_.below(job.files.size());
    const auto file = static_cast<bgxfer::FileIndex>(index);
    const std::uint32_t generation = job.files[index].generation;
    switch (dice_.below(13)) {
      case 11: return model::SyncBegun{id, {bgxfer::ByteRange{index, 1 + dice_.below(3)}}};
      case 12: return model::SyncEnded{id, {bgxfer::ByteRange{index, 1 + dice_.below(3)}}};
      case 10:
        return model::Redirected{id, file, dice_.one_in(3) ? std::string() : "https://elsewhere.example/" + text(20)};
      case 8: return model::FileValidated{id, file};
      case 9:
        if (dice_.one_in(2)) return model::UrlChanged{id, file, "", "https://other.example/" + text(20), now()};
        return model::UrlChanged{
            id, {}, dice_.one_in(2) ? "https://example" : "https://o", "https://" + text(3), now()};
      case 0: return model::FileRestarted{id, file, generation + 1};
      case 1:
        return model::FileFinished{id,
                                   file,
                                   generation,
                                   identity(),
                                   dice_.below(5000),
                                   time(),
                                   dice_.one_in(3),
                                   static_cast<bgxfer::FileAclFlags>(dice_.below(16))};
      case 2:
      case 3:
        return model::FileStarted{id,
                                  file,
                                  generation,
                                  identity(),
                                  dice_.one_in(3) ? model::size_unknown : dice_.below(9000),
                                  dice_.one_in(3) ? model::size_unknown : dice_.bits() >> 1,
                                  text(20),
                                  time(),
                                  static_cast<std::uint32_t>(dice_.below(3)),
                                  text(9)};
      default: {
        model::FileProgressed progressed{id, file, generation, dice_.one_in(2), {}};
        for (std::uint64_t i = dice_.below(4); i > 0; --i)
          progressed.ranges.push_back({dice_.below(4000), 1 + dice_.below(500)});
        return progressed;
      }
    }
  }

  model::JobCreated created() {
    return {bgxfer::JobId::from_random(dice_.bits(), dice_.bits()), options(), dice_.one_in(4), now(), owner()};
  }

  model::FilesAdded files(const bgxfer::JobId& id) {
    model::FilesAdded added{id, {}, now()};
    for (std::uint64_t i = dice_.below(4); i > 0; --i) {
      bgxfer::FileSpec spec;
      spec.url = "https://example.org/" + text(30);
      spec.target = "/games/" + text(30) + 'x';
      if (dice_.one_in(3)) spec.size = dice_.below(1 << 20);
      if (dice_.one_in(3)) spec.sha256.emplace().bytes[dice_.below(32)] = std::byte{0x5a};
      for (std::uint64_t n = dice_.one_in(3) ? dice_.below(4) : 0; n > 0; --n) {
        spec.ranges.push_back(
            {dice_.below(1 << 20), dice_.one_in(4) ? bgxfer::ByteRange::to_end : 1 + dice_.below(1000)});
      }
      for (std::size_t n = 0; dice_.one_in(3) && n < 9 && spec.placed_at.size() < spec.ranges.size(); ++n) {
        spec.placed_at.push_back((spec.placed_at.size() << 21) + dice_.below(100));
      }
      if (spec.placed_at.size() < spec.ranges.size()) spec.placed_at.clear();
      for (std::uint64_t n = dice_.one_in(3) ? dice_.below(4) : 0; n > 0; --n) {
        spec.mirrors.push_back("https://mirror.example/" + text(30));
      }
      if (spec.size && *spec.size > 0 && dice_.one_in(2)) {
        spec.pieces.bytes = 1 + *spec.size / (1 + dice_.below(5));
        spec.pieces.sha256.resize((*spec.size - 1) / spec.pieces.bytes + 1);
        spec.pieces.sha256.back().bytes[dice_.below(32)] = std::byte{0xa5};
      }
      added.files.push_back(std::move(spec));
    }
    return added;
  }

  bgxfer::JobOptions options() {
    bgxfer::JobOptions options;
    options.display_name = text(12);
    options.description = text(40);
    options.priority = static_cast<bgxfer::Priority>(dice_.below(4));
    options.parallel_files = static_cast<std::uint32_t>(1 + dice_.below(64));
    options.connections_per_file = static_cast<std::uint32_t>(1 + dice_.below(3));
    options.retry_delay_min = std::chrono::milliseconds{dice_.below(5000)};
    options.no_progress_timeout = std::chrono::milliseconds{dice_.below(1'000'000)};
    options.bytes_per_second_max = dice_.one_in(2) ? 0 : dice_.bits();
    options.http.redirects.hops_max = static_cast<std::uint32_t>(dice_.below(12));
    options.http.redirects.allow_https_to_http = dice_.one_in(2);
    options.http.redirects.mode = static_cast<bgxfer::RedirectMode>(dice_.below(3));
    options.http.headers_write_only = dice_.one_in(4);
    options.http.credentials_without_tls = dice_.one_in(4);
    options.http.proxy.usage = static_cast<bgxfer::ProxyUsage>(dice_.below(4));
    if (dice_.one_in(3)) options.http.proxy.list = text(20);
    if (dice_.one_in(3)) options.http.tls.client.file = text(20);
    options.http.tls.ignore_expired = dice_.one_in(4);
    options.http.tls.check_revocation = dice_.one_in(4);
    if (dice_.one_in(4)) options.http.tls.pins.resize(1 + dice_.below(3));
    if (dice_.one_in(4)) options.http.method = "POST";
    if (dice_.one_in(3)) options.maximum_download_time = std::chrono::milliseconds{dice_.below(5000)};
    options.download.dynamic_content = dice_.one_in(3);
    options.download.high_performance = dice_.one_in(3);
    options.download.on_demand = dice_.one_in(3);
    if (dice_.one_in(3)) options.download.size_max = 1 + dice_.below(5000);
    if (dice_.one_in(3)) options.transfer_policy = bgxfer::TransferPolicy::standard;
    options.notify.events = static_cast<bgxfer::Notify>(dice_.below(64));
    if (dice_.one_in(2)) options.notify.interval_min = std::chrono::milliseconds{dice_.below(5000)};
    options.notify.handler = text(8);
    if (dice_.one_in(3)) options.notify.command.program = "/bin/" + text(8);
    for (std::uint64_t i = dice_.one_in(3) ? dice_.below(4) : 0; i > 0; --i) {
      options.notify.command.arguments.push_back(text(6));
    }
    options.file_acl_flags = static_cast<bgxfer::FileAclFlags>(dice_.below(16));
    options.identity.usage = static_cast<bgxfer::IdentityUsage>(dice_.below(4));
    options.peer_caching = static_cast<bgxfer::PeerCaching>(dice_.below(8));
    if (dice_.one_in(4)) options.http.stored_credentials = bgxfer::CredentialTarget::proxy;
    return options;
  }

  bgxfer::Owner owner() { return {"uid " + text(6), dice_.one_in(2)}; }

  std::optional<bgxfer::Error> error() {
    if (dice_.one_in(2)) return std::nullopt;
    bgxfer::Error error(bgxfer::http_status(static_cast<int>(400 + dice_.below(200))),
                        bgxfer::ErrorContext::remote_file, text(30));
    if (dice_.one_in(3)) error = bgxfer::Error(bgxfer::Errc::stalled, bgxfer::ErrorContext::transport);
    if (dice_.one_in(3))
      error = bgxfer::Error(std::make_error_code(std::errc::no_space_on_device), bgxfer::ErrorContext::local_file);
    if (dice_.one_in(2)) error = error.with_file(static_cast<std::uint32_t>(dice_.below(9)));
    if (dice_.one_in(2)) error = error.with_retry_after(std::chrono::milliseconds{dice_.below(100'000)});
    return error;
  }

  std::string text(std::uint64_t length_max) {
    std::string text;
    for (std::uint64_t i = dice_.below(length_max); i > 0; --i) text += static_cast<char>('a' + dice_.below(26));
    return text;
  }
  bgxfer::FileIdentity identity() { return {dice_.below(5000), dice_.bits() >> dice_.below(64)}; }
  std::uint32_t count() { return static_cast<std::uint32_t>(dice_.below(4)); }
  std::optional<model::WallTime> time() {
    if (dice_.one_in(3)) return std::nullopt;
    return model::WallTime(std::chrono::seconds{dice_.below(2'000'000'000)});
  }
  model::WallTime now() {
    now_ += std::chrono::milliseconds{1 + dice_.below(1000)};
    return now_;
  }

  Dice dice_;
  bool strays_;
  model::WallTime now_{std::chrono::seconds{1'700'000'000}};
};

}  // namespace bgxfer_tests

#endif
