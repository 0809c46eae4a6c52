#include "schedule.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include <bgxfer/bgxfer.hpp>
#include <bgxfer/http/http_transport.hpp>
#include <bgxfer/testing/faulty_storage.hpp>
#include <bgxfer/testing/simulation.hpp>

#include "counted_network.hpp"
#include "engine/engine.hpp"
#include "model/transitions.hpp"
#include "server.hpp"
#include "swarm.hpp"
#include "trace.hpp"

namespace bgxfer::simulation {

namespace {

using namespace std::chrono_literals;

/// The way to the queue's engine, for the invariants that no host can see.
template <class Door, typename Door::Member member>
struct Open {
  friend typename Door::Member member_of(Door) { return member; }
};
struct EngineDoor {
  using Member = std::shared_ptr<detail::Engine> TransferQueue::*;
  friend Member member_of(EngineDoor);
};
template struct Open<EngineDoor, &TransferQueue::engine_>;

/// The real transport, and somebody who hears of each wish for bytes before it is fulfilled.
class WatchedTransport final : public Transport {
 public:
  using Watch = std::function<void(const std::string& url)>;

  WatchedTransport(std::shared_ptr<Transport> real, Watch watch) : real_(std::move(real)), watch_(std::move(watch)) {}

  Result<void> check_url(std::string_view url) const override { return real_->check_url(url); }
  asio::awaitable<Result<std::unique_ptr<Download>>> open(Request request) override {
    watch_(request.url);
    const std::string url = request.url;
    Result<std::unique_ptr<Download>> opened = co_await real_->open(std::move(request));
    if (!opened) co_return opened.error();
    co_return std::make_unique<Watched>(*std::move(opened), url, watch_);
  }
  void network_changed() noexcept override { real_->network_changed(); }

 private:
  class Watched final : public Download {
   public:
    Watched(std::unique_ptr<Download> real, std::string url, const Watch& watch)
        : real_(std::move(real)), url_(std::move(url)), watch_(watch) {}
    const ResponseHead& head() const noexcept override { return real_->head(); }
    asio::awaitable<Result<std::size_t>> read(std::span<std::byte> into) override {
      watch_(url_);
      return real_->read(into);
    }

   private:
    const std::unique_ptr<Download> real_;
    const std::string url_;
    const Watch& watch_;
  };

  const std::shared_ptr<Transport> real_;
  const Watch watch_;
};

/// What the host knows of a file it has asked for.
struct FileTruth {
  FileSpec spec;
  std::uint64_t added = 0;  ///< Number of the command.
  bool expected = false;    ///< It had all its bytes when `complete` was last accepted.
};

/// Bytes of one file at one time.
struct Sample {
  Clock::TimePoint at{};
  std::uint64_t bytes = 0;
  std::uint32_t generation = 0;
  bool syncing = false;  ///< A sync of them is under way.
};

/// What the host knows of a job.
struct JobTruth {
  JobId id{};
  std::vector<FileTruth> files{};
  std::uint64_t added = 0;  ///< Number of the command.
  std::uint64_t named = 0;
  std::uint64_t last_command = 0;
  bool cancelled = false;
  bool completed = false;  ///< `complete` was accepted at some time.
  Clock::TimePoint priority_changed{};
  std::optional<JobState> heard{};  ///< The last `StateChanged::to` of this life.
  bool owes_transferred = false;    ///< The job is transferred, and nobody has taken the event.
  bool owes_failed = false;
  std::vector<std::vector<Sample>> samples{};
};

/// What `saved` promised.
struct Promise {
  std::uint64_t commands = 0;
  std::vector<std::pair<JobId, JobState>> states{};
};

/// How much a host does in a schedule. Most of what goes wrong needs little, and more schedules run in the same time;
/// what connections share needs many files.
struct Size {
  std::uint64_t jobs_max;
  std::uint64_t files_max;  ///< Of a job, when it is added.
  std::uint64_t actions_per_life_max;
};
constexpr Size small{2, 2, 8};
constexpr Size large{5, 4, 22};
constexpr double small_share = 0.75;

Size choose_size(const Swarm& swarm, Random& random) {
  return !swarm.shares() && random.chance(small_share) ? small : large;
}

constexpr const char* journal_path = "/state/queue.journal";

class Schedule {
  enum class End : std::uint8_t { other, closed, crash, power_cut };

 public:
  Schedule(const Plan& plan, bool print)
      : mode_(plan.mode),
        actions_max_(plan.actions),
        random_(plan.seed * 2 + 1),
        swarm_(Swarm(random_).only(plan.mask)),
        size_(choose_size(swarm_, random_)),
        simulation_(random_.next() | 1),
        trace_(print) {
    trace_.use(simulation_.clock());
    disk_ = std::make_shared<testing::FaultyStorage>(simulation_.clock(), random_.next());
    server_ = std::make_unique<Server>(simulation_, Random(random_.next()), swarm_, trace_);
    server_->on_wrong = [this](std::string what) { violate(std::move(what)); };
    server_->stop_faults_after(plan.faults);
    disk_->on_power_cut([this] { simulation_.stop(); });
    if (print) trace_.before = [this] { print_disk(); };
    choose_options();
    choose_faults();
  }

  Outcome run() {
    const Clock::TimePoint begin = simulation_.clock()->now();
    const std::uint64_t lives = (mode_ == Mode::safety ? 3 : 1) + random_.below(4);
    for (std::uint64_t life = 0; life < lives && ok() && actions_ < actions_max_; ++life) live();
    if (ok() && mode_ == Mode::safety) check_safety();
    if (ok() && mode_ == Mode::liveness) finale();
    stop_process();
    Outcome outcome;
    outcome.violation = violation_;
    outcome.hash = trace_.hash();
    outcome.swarm = swarm_.bits();
    outcome.power_cuts = disk_->power_cuts();
    outcome.crashes = crashes_;
    outcome.recoveries = recoveries_;
    outcome.actions = actions_;
    outcome.faults = server_->faults();
    outcome.steps = simulation_.steps();
    outcome.simulated = simulation_.clock()->now() - begin;
    outcome.checks = checks_;
    outcome.checks[static_cast<std::size_t>(Invariant::secrecy)] += server_->secure_requests();
    return outcome;
  }

 private:
  // The world.

  void choose_options() {
    const auto pick = [this](std::initializer_list<std::uint64_t> of) { return of.begin()[random_.below(of.size())]; };
    options_.storage = disk_;
    options_.clock = simulation_.clock();
    options_.journal = journal_path;
    options_.sha256 = quick_digest;
    options_.chunk_bytes = swarm_.shares() ? 4096 : pick({4096, 8192, 16384});
    if (random_.chance(0.2)) options_.bytes_per_second_max = 50'000;
    Limits& limits = options_.limits;
    limits.claim_bytes = pick({1, 5'000, 20'000});
    limits.checkpoint_interval = std::chrono::milliseconds(pick({20, 200, 2000}));
    limits.journal_bytes_before_compaction = pick({512, 4096, 1 << 20});
    limits.overlap_bytes = pick({64, 3000});
    limits.slice_bytes_min = swarm_.shares() ? pick({1, 2'000}) : pick({1, 2'000, 20'000});
    limits.time_slice = std::chrono::milliseconds(pick({1000, 5000, 60'000}));
    limits.background_jobs_max = pick({1, 1, 2});
    limits.foreground_jobs_max = pick({1, 3, 16});
    limits.background_beside_foreground = random_.chance(0.3);
    limits.disk_space_retest = 1s;
    limits.restarts_max = static_cast<std::uint32_t>(pick({1, 5}));
    http_.network = std::make_shared<CountedNetwork>(server_->network(), [this](std::size_t count) {
      look(Invariant::limits);
      if (count > http_.connections_per_host_max) violate("(j) a host has " + std::to_string(count) + " connections");
    });
    http_.clock = simulation_.clock();
    http_.connections_per_host_max = static_cast<std::size_t>(pick({1, 2, 6}));
    http_.idle_connections_max = static_cast<std::size_t>(pick({1, 64}));
    if (trace_.prints()) {
      options_.log = [this](const LogEntry& entry) { trace_.say("log: " + to_line(entry)); };
      options_.log_level = LogLevel::debug;
    }
  }

  void choose_faults() {
    const auto rate = [this](Fault fault) {
      return swarm_.has(fault) ? 0.02 + 0.1 * static_cast<double>(random_.below(3)) : 0;
    };
    rates_.open = rate(Fault::disk_open);
    rates_.read = rate(Fault::disk_read);
    rates_.write = rate(Fault::disk_write) / 4;
    rates_.sync = rate(Fault::disk_sync);
    rates_.rename = rate(Fault::disk_rename);
    disk_->set_rates(rates_);
    if (swarm_.has(Fault::disk_slow)) {
      const std::chrono::microseconds most(1 + random_.below(swarm_.shares() ? 200'000 : 20'000));
      disk_->set_latency(random_.chance(0.5) ? most : most / 10, most);
    }
  }

  [[nodiscard]] bool ok() const { return violation_.empty(); }
  [[nodiscard]] bool ended() const { return !ok() || disk_->powered_off(); }
  [[nodiscard]] Clock::TimePoint now() const { return simulation_.clock()->now(); }

  /// What the disk has done since the last line.
  void print_disk() {
    const std::vector<std::string> lines = disk_->history();
    const std::uint64_t fresh = std::min<std::uint64_t>(disk_->operations() - printed_operations_, lines.size());
    printed_operations_ = disk_->operations();
    for (std::size_t i = lines.size() - fresh; i < lines.size(); ++i) trace_.say("disk: " + lines[i]);
  }

  void look(Invariant invariant) { ++checks_[static_cast<std::size_t>(invariant)]; }

  void violate(std::string what) {
    if (!ok()) return;
    violation_ = std::move(what);
    trace_.say("VIOLATION " + violation_);
    simulation_.stop();
  }

  void pass_time() {
    if (ended()) return;
    switch (random_.below(6)) {
      case 0: break;
      case 1: {
        std::uint64_t steps = random_.below(30);
        simulation_.run_until([this, &steps] { return steps-- == 0 || ended(); }, 40);
        break;
      }
      case 2: simulation_.run_for(std::chrono::microseconds(random_.below(50'000))); break;
      case 3: simulation_.run_for(std::chrono::milliseconds(random_.below(500))); break;
      case 4: simulation_.run_for(std::chrono::milliseconds(random_.below(5'000))); break;
      case 5: simulation_.run_for(std::chrono::milliseconds(random_.below(60'000))); break;
    }
  }

  // Lives of the process.

  void live() {
    if (swarm_.has(Fault::disk_plan) && random_.chance(0.5)) {
      const std::uint64_t at = disk_->operations() + 1 + random_.below(60);
      const auto code = std::make_error_code(random_.chance(0.3) ? std::errc::no_space_on_device : std::errc::io_error);
      random_.chance(0.5) ? disk_->fail_at(at, code) : disk_->fail_from(at, code);
      trace_("disk will fail", at);
    }
    const bool cuts = swarm_.has(Fault::power) && random_.chance(0.7);
    if (cuts) {
      const std::uint64_t at = disk_->operations() + 1 + random_.below(random_.chance(0.3) ? 10 : 150);
      disk_->cut_power_at(at);
      trace_("power will go", at);
    }
    open();
    const std::uint64_t actions = 3 + random_.below(size_.actions_per_life_max - 2);
    for (std::uint64_t i = 0; i < actions && actions_ < actions_max_ && queue_ && !ended(); ++i) {
      ++actions_;
      act();
      pass_time();
    }
    if (!ok()) return;
    if (disk_->powered_off() || (cuts && random_.chance(0.5))) {
      lose_power();
    } else if (queue_ && swarm_.has(Fault::crash) && random_.chance(0.6)) {
      crash();
    } else if (queue_ && swarm_.has(Fault::rude) && random_.chance(0.5)) {
      destroy();
    } else if (queue_) {
      close();
    }
    if (disk_->powered_off()) lose_power();
    mend();
    check_names();
  }

  /// Ends what was planned for one life.
  void mend() {
    disk_->heal();
    disk_->set_rates(rates_);
    disk_->set_capacity(std::numeric_limits<std::uint64_t>::max());
  }

  void open() {
    trace_("open");
    for (JobTruth& job : jobs_) job.heard.reset();
    restored_.reset();
    // No life gives its jobs the ids of the one before, whoever writes the script.
    const std::uint64_t seed = random_.next() | 1;
    options_.seed = seed == options_.seed ? seed + 2 : seed;
    options_.transport = std::make_shared<WatchedTransport>(http::make_transport(http_),
                                                            [this](const std::string& url) { about_to_read(url); });
    queue_.emplace(simulation_.executor(), options_);
    events_ = queue_->on_event([this](const Event& event) { hear(event); });
    asio::co_spawn(simulation_.executor(), watch_restored(queue_->restored()), asio::detached);
    if (random_.chance(0.1)) act_add();
    simulation_.run_until([this] { return restored_.has_value() || ended(); });
    if (ended()) return;
    if (!restored_) return violate("(g) the queue does not open");
    trace_("restored", restored_->has_value());
    if (!*restored_) {
      trace_.say("not restored: " + restored_->error().message());
      if (!swarm_.disk_faults() || restored_->error().code() != std::errc::io_error) {
        const bool full = restored_->error().code() == std::errc::no_space_on_device;
        if (!swarm_.disk_faults() || !full)
          return violate("(b) the journal cannot be opened: " + restored_->error().message());
      }
      events_.reset();
      queue_.reset();
      simulation_.run_for(5min);
      if (!ended()) check_quiet("(h) after a queue that could not open");
      return;
    }
    check_restored();
  }

  asio::awaitable<void> watch_restored(asio::awaitable<Result<RestoreReport>> condition) {
    Result<RestoreReport> report = co_await std::move(condition);
    if (report) records_lost_ = report->records_lost;
    restored_ = std::move(report);
  }

  void lose_power() {
    sample();
    trace_("power cut");
    disk_->power_cut();
    note_end(End::power_cut, now());
    stop_process();
  }

  void crash() {
    sample();
    trace_("crash");
    ++crashes_;
    note_end(End::crash, now());
    disk_->process_crash();
    stop_process();
  }

  /// What was there when a life ended is measured against that moment, whatever happens before the next one has
  /// restored it.
  void note_end(End how, Clock::TimePoint when) {
    if (after_ == End::other) ended_at_ = when;
    after_ = how;
  }

  /// Coroutines vanish where they stand.
  void stop_process() {
    simulation_.kill();
    events_.reset();
    queue_.reset();
    options_.transport.reset();
    simulation_.kill();
    look(Invariant::quiet);
    if (server_->open_connections() != 0) violate("(h) the dead process holds connections");
  }

  void destroy() {
    trace_("destroy");
    const Clock::TimePoint began = now();
    if (disk_faults_now()) return stop_process_quietly();
    events_.reset();
    queue_.reset();
    note_end(End::closed, began);
    simulation_.run_for(5min);
    if (ended()) return;
    check_quiet("(h) after the queue was destroyed");
  }

  /// With a disk that fails for ever the journal is tried for ever: such a process has to be killed.
  void stop_process_quietly() {
    after_ = End::other;
    disk_->process_crash();
    stop_process();
  }

  [[nodiscard]] bool disk_faults_now() const { return swarm_.disk_faults(); }

  void close() {
    trace_("close");
    const Clock::TimePoint began = now();
    closed_ = false;
    queue_->close();
    asio::co_spawn(simulation_.executor(), watch_closed(queue_->closed()), asio::detached);
    simulation_.run_for(5min);
    if (ended()) return;
    if (!closed_) {
      return violate("(h) the queue does not close");
    }
    if (disk_faults_now()) return stop_process_quietly();
    note_end(End::closed, began);
    events_.reset();
    queue_.reset();
    simulation_.run_for(5min);
    if (ended()) return;
    check_quiet("(h) after the queue was closed");
  }

  asio::awaitable<void> watch_closed(asio::awaitable<void> condition) {
    co_await std::move(condition);
    closed_ = true;
  }

  void check_quiet(const std::string& when) {
    look(Invariant::quiet);
    if (simulation_.sleepers() != 0) return violate(when + ": " + std::to_string(simulation_.sleepers()) + " sleepers");
    if (simulation_.ready() != 0) return violate(when + ": work is ready");
    if (server_->open_connections() != 0) return violate(when + ": connections are open");
  }

  // The host.

  void act() {
    if (jobs_.empty()) return act_add();
    switch (random_.below(20)) {
      case 0:
      case 1: return act_add();
      case 2: return act_on(&Schedule::suspend);
      case 3: return act_on(&Schedule::cancel);
      case 4:
      case 5: return act_on(&Schedule::complete);
      case 6: return act_on(&Schedule::add_files);
      case 7:
      case 8: return act_on(&Schedule::set_priority);
      case 9: return act_on(&Schedule::configure);
      case 10:
        if (swarm_.has(Fault::offline)) {
          const bool online = random_.chance(0.5);
          trace_("network", online);
          queue_->network_changed(online ? Connectivity::online : Connectivity::offline);
        }
        return;
      case 11:
        if (swarm_.has(Fault::disk_full)) {
          const std::uint64_t room =
              random_.chance(0.5) ? random_.below(200'000) : std::numeric_limits<std::uint64_t>::max();
          trace_("room", room);
          disk_->set_capacity(room);
        }
        return;
      case 12:
      case 13: return act_save();
      default: return act_on(&Schedule::resume);
    }
  }

  void act_add() {
    if (jobs_.size() >= size_.jobs_max) return;
    JobOptions wanted;
    wanted.priority = static_cast<Priority>(random_.below(4));
    wanted.parallel_files = static_cast<std::uint32_t>(1 + random_.below(3));
    if (swarm_.shares()) {
      wanted.connections_per_file = static_cast<std::uint32_t>(2 + random_.below(3));
    } else if (random_.chance(0.5)) {
      wanted.connections_per_file = static_cast<std::uint32_t>(1 + random_.below(4));
    }
    wanted.retry_delay_min = std::chrono::milliseconds(random_.below(2000));
    wanted.retry_delay_max = 20s;
    if (random_.chance(0.2)) wanted.no_progress_timeout = std::chrono::milliseconds(random_.below(100'000));
    if (random_.chance(0.2)) wanted.bytes_per_second_max = 50'000;
    JobTruth truth;
    const std::uint64_t number = ++commands_;
    const std::uint64_t files = random_.below(size_.files_max + 1);
    for (std::uint64_t i = 0; i < files; ++i) truth.files.push_back(make_file(number));
    for (const FileTruth& file : truth.files) wanted.files.push_back(file.spec);
    wanted.display_name = std::to_string(number);
    Result<Job> added = queue_->add(std::move(wanted));
    trace_("add", files, added.has_value());
    look(Invariant::commands);
    if (!added) {
      if (added.error().code() != Errc::queue_closed && !closed_by_disk(added.error()))
        violate("(x) add refused: " + added.error().message());
      return;
    }
    truth.id = added->id();
    truth.added = truth.named = truth.last_command = number;
    truth.priority_changed = now();
    jobs_.push_back(std::move(truth));
  }

  [[nodiscard]] bool closed_by_disk(const Error& error) const {
    return disk_faults_now() && (error.code() == std::errc::io_error || error.code() == std::errc::no_space_on_device);
  }

  FileTruth make_file(std::uint64_t number) {
    FileTruth file;
    const std::string name = "f" + std::to_string(++files_made_);
    file.spec.url = (random_.chance(0.3) ? "https://server/" : "http://server/") + name;
    file.spec.target = "/files/" + name;
    server_->add("/" + name, file.spec.url.starts_with("https"));
    file.added = number;
    const std::span<const std::byte> bytes = resource_of(file.spec).versions.back().bytes;
    if (bytes.size() > 100 && random_.chance(swarm_.shares() ? 0.15 : 0.3)) {
      const std::uint64_t third = bytes.size() / 3;
      file.spec.ranges = {ByteRange{2 * third, third}, ByteRange{random_.below(third), third / 2 + 1}};
      if (random_.chance(0.5)) file.spec.ranges[0].length = ByteRange::to_end;
      if (random_.chance(0.5)) file.spec.ranges[1].offset = 0;
    } else if (random_.chance(0.15)) {
      file.spec.size = bytes.size();
    }
    if (file.spec.ranges.empty() && bytes.size() > 100 && random_.chance(swarm_.shares() ? 0.5 : 0.2)) {
      file.spec.size = bytes.size();
      file.spec.pieces = pieces_of(bytes);
    }
    for (std::size_t i = random_.chance(swarm_.shares() ? 0.6 : 0.3) ? 1 + random_.below(2) : 0; i > 0; --i) {
      const std::string scheme = file.spec.url.substr(0, file.spec.url.find("//"));
      file.spec.mirrors.push_back(scheme + "//" + Server::mirror_host(i - 1) + "/" + name);
    }
    if (!file.spec.mirrors.empty()) server_->rely_on_mirrors("/" + name);
    if (random_.chance(0.15)) {
      const std::vector<std::byte> whole = assemble(file.spec, bytes).value();
      std::unique_ptr<Sha256Stream> digest = quick_digest();
      digest->update(whole);
      file.spec.sha256 = digest->finish();
    }
    std::string words = "  ";
    words.append(name).append(":");
    for (ByteRange range : file.spec.ranges) {
      words.append(" ").append(std::to_string(range.offset)).append("+").append(std::to_string(range.length));
    }
    if (file.spec.size) words.append(" size ").append(std::to_string(*file.spec.size));
    if (file.spec.sha256) words += " digest";
    if (!file.spec.pieces.sha256.empty()) words += " pieces";
    words.append(" mirrors ").append(std::to_string(file.spec.mirrors.size()));
    trace_.say(words);
    return file;
  }

  static PieceHashes pieces_of(std::span<const std::byte> bytes) {
    PieceHashes pieces;
    pieces.bytes = 16 * 1024;
    for (; !bytes.empty(); bytes = bytes.subspan(std::min<std::size_t>(bytes.size(), pieces.bytes))) {
      const std::unique_ptr<Sha256Stream> digest = quick_digest();
      digest->update(bytes.first(std::min<std::size_t>(bytes.size(), pieces.bytes)));
      pieces.sha256.push_back(digest->finish());
    }
    return pieces;
  }

  [[nodiscard]] const Resource& resource_of(const FileSpec& spec) const {
    return server_->resource("/" + spec.target.filename().string());
  }

  void act_on(void (Schedule::*verb)(Job&, JobTruth&)) {
    JobTruth& truth = jobs_[random_.below(jobs_.size())];
    std::optional<Job> job = queue_->find(truth.id);
    if (!job) return;
    (this->*verb)(*job, truth);
  }

  void accepted(JobTruth& truth) { truth.last_command = ++commands_; }

  void resume(Job& job, JobTruth& truth) {
    const Result<void> done = job.resume();
    trace_("resume", index_of(truth), done.has_value());
    if (done) accepted(truth);
  }
  void suspend(Job& job, JobTruth& truth) {
    const Result<void> done = job.suspend();
    trace_("suspend", index_of(truth), done.has_value());
    if (done) accepted(truth);
  }
  void cancel(Job& job, JobTruth& truth) {
    if (random_.chance(0.5)) return;
    const Result<void> done = job.cancel();
    trace_("cancel", index_of(truth), done.has_value());
    if (!done) return;
    accepted(truth);
    truth.cancelled = true;
  }
  void complete(Job& job, JobTruth& truth) {
    if (job.state() != JobState::transferred && random_.chance(0.7)) return;
    const std::vector<File> files = job.files();
    const Result<void> done = job.complete();
    trace_("complete", index_of(truth), done.has_value());
    if (!done) return;
    accepted(truth);
    for (std::size_t i = 0; i < std::min(files.size(), truth.files.size()); ++i) {
      truth.files[i].expected = files[i].progress().transferred;
    }
    expect_names(truth);
    if (random_.chance(0.2)) act_save();
    // The power goes while files get their names.
    if (swarm_.has(Fault::power) && random_.chance(0.5))
      disk_->cut_power_at(disk_->operations() + 1 + random_.below(12));
  }
  /// Files may be added to a job that is transferred, and wait for the host to resume it.
  static bool is_whole(const Job& job) {
    const Progress progress = job.progress();
    return job.state() == JobState::transferred && progress.files_transferred == progress.files_total;
  }
  void expect_names(JobTruth& truth) {
    truth.completed = true;
    for (const FileTruth& file : truth.files) targets_[file.spec.target.string()] = file.spec;
  }
  void add_files(Job& job, JobTruth& truth) {
    const std::uint64_t number = commands_ + 1;
    const FileTruth file = make_file(number);
    const Result<void> done = job.add({file.spec});
    trace_("add file", index_of(truth), done.has_value());
    if (!done) return;
    accepted(truth);
    truth.files.push_back(file);
  }
  void set_priority(Job& job, JobTruth& truth) {
    const auto priority = static_cast<Priority>(random_.below(4));
    const Result<void> done = job.set_priority(priority);
    trace_("set_priority", index_of(truth), static_cast<std::uint64_t>(priority), done.has_value());
    if (!done) return;
    accepted(truth);
    truth.priority_changed = now();
  }
  void configure(Job& job, JobTruth& truth) {
    const std::string name = std::to_string(commands_ + 1);
    const Result<void> done = job.configure([&](JobOptions& wanted) {
      wanted.display_name = name;
      wanted.parallel_files = static_cast<std::uint32_t>(1 + random_.below(3));
    });
    trace_("configure", index_of(truth), done.has_value());
    if (!done) return;
    accepted(truth);
    truth.named = truth.last_command;
  }

  void act_save() {
    Promise promise;
    promise.commands = commands_;
    for (const Job& job : queue_->jobs()) promise.states.emplace_back(job.id(), job.state());
    trace_("save", promise.commands);
    asio::co_spawn(simulation_.executor(), save(queue_->saved(), std::move(promise)), asio::detached);
  }

  asio::awaitable<void> save(asio::awaitable<Result<void>> condition, Promise promise) {
    Result<void> saved = co_await std::move(condition);
    trace_("saved", promise.commands, saved.has_value());
    if (saved && promise.commands >= promised_.commands) promised_ = std::move(promise);
  }

  std::uint64_t index_of(const JobTruth& truth) const { return static_cast<std::uint64_t>(&truth - jobs_.data()); }

  JobTruth* truth_of(JobId id) {
    for (JobTruth& truth : jobs_) {
      if (truth.id == id) return &truth;
    }
    return nullptr;
  }

  // What the host hears.

  void hear(const Event& event) {
    JobTruth* truth = truth_of(job_of(event));
    const std::uint64_t index = truth ? index_of(*truth) : 99;
    trace_("event", event.index(), index);
    if (!truth) return;  // Added within this very step.
    look(Invariant::events);
    if (truth->heard && is_final(*truth->heard)) {
      return violate("(f) an event of kind " + std::to_string(event.index()) + " after the job was final");
    }
    if (const auto* attempt = std::get_if<AttemptFailed>(&event)) trace_.say("  because " + attempt->error.message());
    if (const auto* changed = std::get_if<StateChanged>(&event)) return hear_state(*truth, *changed);
    const bool transferred = std::holds_alternative<JobTransferred>(event);
    const bool failed = std::holds_alternative<JobFailed>(event);
    if ((transferred || failed) && swarm_.has(Fault::throwing) && random_.chance(0.3)) {
      throw std::runtime_error("a callback throws");
    }
    if (transferred) truth->owes_transferred = false;
    if (failed) truth->owes_failed = false;
  }

  void hear_state(JobTruth& truth, const StateChanged& changed) {
    trace_.say("  job " + std::to_string(index_of(truth)) + " " + std::string(to_string(changed.from)) + " -> " +
               std::string(to_string(changed.to)));
    if (truth.heard && *truth.heard != changed.from) {
      return violate("(f) a gap: heard of " + std::string(to_string(*truth.heard)) + ", then from " +
                     std::string(to_string(changed.from)) + " to " + std::string(to_string(changed.to)));
    }
    look(Invariant::transitions);
    bool lawful = false;
    for (const detail::Transition& row : detail::transitions()) {
      lawful = lawful || ((row.from >> static_cast<unsigned>(changed.from) & 1) != 0 && row.to == changed.to);
    }
    if (!lawful) {
      return violate("(d) from " + std::string(to_string(changed.from)) + " to " + std::string(to_string(changed.to)) +
                     " is in no row of the table");
    }
    truth.heard = changed.to;
    truth.owes_transferred = changed.to == JobState::transferred;
    truth.owes_failed = changed.to == JobState::error;
  }

  // What nobody but the simulation sees.

  [[nodiscard]] detail::Engine& engine() { return *((*queue_).*member_of(EngineDoor())); }

  void about_to_read(const std::string& url) {
    if (!queue_ || ended()) return;
    sample();
    detail::Model& model = *engine().model();
    const detail::Model::Lock lock = model.lock();
    if (model.limits().background_beside_foreground) return;
    bool foreground_runs = false;
    for (const detail::Model::Core& job : model.jobs(lock)) {
      const JobTruth* truth = truth_of(job->record.id);
      const bool settled = truth && truth->priority_changed < now() && job->slice_began < now();
      foreground_runs = foreground_runs || (settled && job->record.options.priority == Priority::foreground &&
                                            is_running(job->record.state));
    }
    if (!foreground_runs) return;
    look(Invariant::fairness);
    for (const detail::Model::Core& job : model.jobs(lock)) {
      if (job->record.options.priority == Priority::foreground) continue;
      const JobTruth* truth = truth_of(job->record.id);
      if (!truth || truth->priority_changed >= now()) continue;
      for (const detail::FileRecord& file : job->record.files) {
        if (file.url == url) return violate("(i) a background job reads beside a foreground job");
      }
    }
  }

  /// Notes how far every file is, and looks at what must always be true.
  void sample() {
    if (!queue_) return;
    detail::Model& model = *engine().model();
    const detail::Model::Lock lock = model.lock();
    for (const detail::Model::Core& job : model.jobs(lock)) {
      look(Invariant::sums);
      if (detail::count_totals(job->record) != job->record.totals)
        violate("(s) the totals are not the sum of the files");
      JobTruth* truth = truth_of(job->record.id);
      if (!truth) continue;
      truth->samples.resize(std::max(truth->samples.size(), job->record.files.size()));
      for (std::size_t i = 0; i < job->record.files.size(); ++i) {
        const detail::FileRecord& file = job->record.files[i];
        std::vector<Sample>& samples = truth->samples[i];
        if (!samples.empty() && samples.back().generation != file.generation) samples.clear();
        const bool syncing = file.facts && file.facts->syncs > 0;
        if (samples.empty() || samples.back().bytes != file.bytes() || samples.back().syncing != syncing) {
          samples.push_back(Sample{now(), file.bytes(), file.generation, syncing});
        }
      }
    }
  }

  // After a restart.

  void check_restored() {
    if (lives_++ > 0) ++recoveries_;
    detail::Model& model = *engine().model();
    const detail::Model::Lock lock = model.lock();
    for (JobTruth& truth : jobs_) {
      const detail::Model::Core job = model.find(lock, truth.id);
      check_restored(truth, job.get());
      if (!ok()) return;
      truth.samples.clear();
      if (!job && truth.completed) completed_and_gone_.insert(truth.id);
      if (!job) continue;
      truth.files.resize(std::min(truth.files.size(), job->record.files.size()));
      truth.named = std::stoull(job->record.options.display_name);
      if (job->record.state != JobState::transferred) truth.owes_transferred = false;
      if (job->record.state != JobState::error) truth.owes_failed = false;
    }
    // What was not promised and did not survive never was.
    std::erase_if(jobs_, [&](const JobTruth& truth) { return !model.find(lock, truth.id); });
    after_ = End::other;
  }

  void check_restored(const JobTruth& truth, const detail::JobCore* job) {
    const std::string who = "job " + std::to_string(index_of(truth));
    const bool kept = truth.added <= promised_.commands || (after_ == End::closed && !swarm_.disk_faults());
    if (kept) look(Invariant::promises);
    if (!job) {
      if (kept && !truth.cancelled && !truth.completed) violate("(b) " + who + " was saved and is gone");
      if (kept) check_completed(truth);
      return;
    }
    const detail::JobRecord& record = job->record;
    for (std::size_t i = 0; i < truth.files.size(); ++i) {
      const FileTruth& file = truth.files[i];
      if (i >= record.files.size()) {
        if (file.added <= promised_.commands) return violate("(b) " + who + " has lost a file that was saved");
        break;
      }
      if (record.files[i].url != file.spec.url) return violate("(b) " + who + " has another file");
    }
    const std::uint64_t name = std::stoull(record.options.display_name);
    if (truth.named <= promised_.commands && name < truth.named)
      return violate("(b) " + who + " has lost its new options: is " + std::to_string(name) + ", was " +
                     std::to_string(truth.named));
    if (records_lost_ == 0 && !swarm_.disk_faults() && !record.committing) {
      for (const detail::FileRecord& file : record.files) {
        if (disk_->contents(file.target)) return violate("(a) " + who + " has names, and its journal no decision");
      }
    }
    if (truth.cancelled || truth.completed) return;
    // A hole in what was appended since the last sync looks like damage, and then no byte is believed.
    if (records_lost_ > 0) return;
    for (const auto& [id, state] : promised_.states) {
      const bool still = id == truth.id && truth.last_command <= promised_.commands;
      const bool rests = state == JobState::suspended || state == JobState::transferred;
      if (still && rests && record.state != state) {
        return violate("(b) " + who + " was saved as " + std::string(to_string(state)) + " and is " +
                       std::string(to_string(record.state)));
      }
    }
    check_loss(truth, record, who);
  }

  /// A job that is gone because it was completed has left everything it had.
  void check_completed(const JobTruth& truth) {
    if (truth.cancelled || records_lost_ > 0) return;
    for (const FileTruth& file : truth.files) {
      if (!file.expected || disk_->contents(file.spec.target)) continue;
      return violate("(a) job " + std::to_string(index_of(truth)) + " is completed without " +
                     file.spec.target.string() + ", which it had");
    }
  }

  void check_loss(const JobTruth& truth, const detail::JobRecord& record, const std::string& who) {
    if (swarm_.disk_faults() || swarm_.has(Fault::disk_slow)) return;
    for (std::size_t i = 0; i < std::min(truth.samples.size(), record.files.size()); ++i) {
      const detail::FileRecord& file = record.files[i];
      const std::vector<Sample>& samples = truth.samples[i];
      if (samples.empty()) continue;
      // What arrives as one: a chunk, or a piece that had to be verified first.
      const std::uint64_t at_once = file.facts ? file.facts->pieces.bytes : 0;
      const std::uint64_t slack = options_.limits.claim_bytes + std::max<std::uint64_t>(options_.chunk_bytes, at_once);
      std::uint64_t had = 0;
      std::uint64_t spare = slack;
      // A crash in the middle of a sync costs what a power cut does.
      const bool as_power_cut = after_ == End::power_cut || (after_ == End::crash && samples.back().syncing);
      if (after_ == End::crash) had = samples.back().bytes;
      if (after_ == End::closed) {
        had = samples.back().bytes;
        spare = 0;
      }
      if (as_power_cut) {
        had = 0;
        for (const Sample& sample : samples) {
          if (sample.at + options_.limits.checkpoint_interval + 1ms < ended_at_) had = sample.bytes;
        }
        spare = 0;
      }
      if (had > 0) look(Invariant::loss);
      // What a run forgets at its start has another generation.
      const std::uint32_t forgotten = samples.back().generation + (after_ == End::crash && as_power_cut ? 1 : 0);
      const bool same = file.generation == samples.back().generation || file.generation == forgotten;
      if (file.bytes() + spare < had && same) {
        return violate("(c) " + who + " file " + std::to_string(i) + " had " + std::to_string(had) + " bytes and has " +
                       std::to_string(file.bytes()));
      }
    }
  }

  // What is on the disk.

  /// The parts of a resource that a file is made of, in order; empty if it does not have them.
  using Parts = std::vector<std::span<const std::byte>>;
  static std::optional<Parts> parts_of(const FileSpec& spec, std::span<const std::byte> resource) {
    if (spec.ranges.empty()) return Parts{resource};
    Parts parts;
    for (ByteRange range : spec.ranges) {
      const std::uint64_t end = range.length == ByteRange::to_end ? resource.size() : range.end();
      if (range.offset > end || end > resource.size()) return std::nullopt;
      parts.push_back(
          resource.subspan(static_cast<std::size_t>(range.offset), static_cast<std::size_t>(end - range.offset)));
    }
    return parts;
  }

  static std::optional<std::vector<std::byte>> assemble(const FileSpec& spec, std::span<const std::byte> resource) {
    const std::optional<Parts> parts = parts_of(spec, resource);
    if (!parts) return std::nullopt;
    std::vector<std::byte> bytes;
    for (const auto part : *parts) bytes.insert(bytes.end(), part.begin(), part.end());
    return bytes;
  }

  static bool is_made_of(std::span<const std::byte> bytes, const FileSpec& spec, std::span<const std::byte> resource) {
    const std::optional<Parts> parts = parts_of(spec, resource);
    if (!parts) return false;
    for (const auto part : *parts) {
      if (part.size() > bytes.size() || !std::equal(part.begin(), part.end(), bytes.begin())) return false;
      bytes = bytes.subspan(part.size());
    }
    return bytes.empty();
  }

  void check_names() {
    if (!ok()) return;
    for (const std::filesystem::path& path : disk_->names()) {
      const std::string name = path.string();
      look(Invariant::names);
      if (name.starts_with("/files/.bgx-") && name.ends_with(".part")) continue;
      if (name.starts_with(journal_path)) {
        const std::string rest = name.substr(std::strlen(journal_path));
        if (rest.empty() || rest == ".new" || rest.starts_with(".damaged-")) continue;
      }
      if (name.starts_with("/files/f")) {
        check_file(name);
        continue;
      }
      violate("(e) a name that nobody asked for: " + name);
    }
  }

  void check_file(const std::string& name) {
    look(Invariant::bytes);
    const auto known = targets_.find(name);
    const FileSpec* spec = known == targets_.end() ? nullptr : &known->second;
    for (const JobTruth& truth : jobs_) {
      for (const FileTruth& file : truth.files) {
        if (file.spec.target != name) continue;
        if (!truth.completed) return violate("(a) " + name + " has its name before complete");
        spec = &file.spec;
      }
    }
    if (!spec) return violate("(e) nobody asked for " + name);
    const std::vector<std::byte> bytes = disk_->contents(name).value();
    const Resource& resource = resource_of(*spec);
    std::vector<Version> versions = resource.versions;
    versions.insert(versions.end(), resource.pages.begin(), resource.pages.end());
    // Where nothing else can be had, nobody can tell a mirror's bytes from the right ones; but they are all of it.
    if (!spec->mirrors.empty() && swarm_.has(Fault::mirror_differs)) versions.push_back(resource.other);
    for (const Version& version : versions) {
      if (is_made_of(bytes, *spec, version.bytes)) {
        if (!spec->pieces.sha256.empty() && pieces_of(bytes) != spec->pieces)
          violate("(a) " + name + " has another piece than the host gave");
        if (spec->size && *spec->size != bytes.size()) violate("(a) " + name + " has another size than the host gave");
        if (!spec->sha256) return;
        const std::unique_ptr<Sha256Stream> digest = quick_digest();
        digest->update(bytes);
        if (digest->finish() != *spec->sha256) violate("(a) " + name + " has another SHA-256 than the host gave");
        return;
      }
    }
    for (const Version& version : versions) {
      const std::vector<std::byte> right = assemble(*spec, version.bytes).value_or(std::vector<std::byte>());
      const auto differs = std::mismatch(right.begin(), right.end(), bytes.begin(), bytes.end()).first;
      if (trace_.prints()) {
        std::string there;
        for (auto byte = bytes.begin() + (differs - right.begin()); byte != bytes.end() && there.size() < 60; ++byte) {
          const char letter = static_cast<char>(*byte);
          there += letter >= ' ' && letter < 127 ? letter : '.';
        }
        trace_.say("there: " + there);
      }
      trace_.say("as version " + version.etag + " up to byte " + std::to_string(differs - right.begin()) + " of " +
                 std::to_string(right.size()));
    }
    violate("(a) " + name + " is no version of its resource (" + std::to_string(bytes.size()) + " bytes)");
  }

  // The end: all is well from here on.

  /// The faults never stop: whatever is there when the last life has ended is right, and the journal can be read.
  void check_safety() {
    trace_("safety");
    disk_->power_cut();
    note_end(End::power_cut, now());
    stop_process();
    if (!ok()) return;
    rates_ = testing::FaultRates();
    mend();
    open();
    if (ok() && !queue_) return violate("(b) the queue does not open on a disk that works");
    if (ok()) check_names();
  }

  /// The moment when the faults stop: between two lives, or in the middle of one.
  void finale() {
    const bool in_the_middle = random_.chance(0.5);
    if (in_the_middle) {
      open();
      const std::uint64_t actions = random_.below(small.actions_per_life_max + 1);  // As few for a large host.
      for (std::uint64_t i = 0; i < actions && actions_ < actions_max_ && queue_ && !ended(); ++i) {
        ++actions_;
        act();
        pass_time();
      }
      if (!ok()) return;
      if (disk_->powered_off()) lose_power();
    }
    trace_("finale", in_the_middle);
    rates_ = testing::FaultRates();
    mend();
    disk_->set_latency(Clock::Duration{0});
    server_->heal();
    if (queue_) {
      queue_->network_changed(Connectivity::online);
    } else {
      open();
    }
    if (!ok()) return;
    if (!queue_) return violate("(g) the queue does not open although all is well");
    for (int round = 0; round < 2 && ok(); ++round) bring_to_an_end(round);
    if (ok()) complete_all();
    if (!ok()) return;
    check_names();
    close();
    if (ok()) check_leftovers();
  }

  void bring_to_an_end(int round) {
    std::set<JobId> committing;
    for (Job job : queue_->jobs()) {
      const Result<void> resumed = job.resume();
      if (!resumed && resumed.error().code() == Errc::invalid_state) committing.insert(job.id());
    }
    simulation_.run_for(10min);
    if (!ok()) return;
    sample();
    for (const Job& job : queue_->jobs()) {
      const JobTruth* truth = truth_of(job.id());
      const JobState state = job.state();
      const std::string who = "job " + std::to_string(truth ? index_of(*truth) : 99);
      if (job.files().empty()) continue;
      look(Invariant::liveness);
      // A resource that has changed may never again be what the host expects: then it is tried again for as long as it
      // may be.
      const bool fits = !truth || std::all_of(truth->files.begin(), truth->files.end(),
                                              [this](const FileTruth& file) { return still_fits(file.spec); });
      const bool tries = state == JobState::transient_error || state == JobState::queued ||
                         state == JobState::connecting || state == JobState::transferring;
      if (!fits && tries) continue;
      // A fault that was under way when the faults stopped may have ended its commit: then it waits for the host, who
      // resumes it in the next round.
      if (state == JobState::suspended && committing.contains(job.id()) && round == 0) continue;
      if (state != JobState::transferred && state != JobState::error) {
        return violate("(g) " + who + " is still " + std::string(to_string(state)));
      }
      if (!truth) continue;
      if (truth->owes_transferred || truth->owes_failed) {
        if (!swarm_.has(Fault::throwing))
          return violate("(f) nobody heard that " + who + " is " + std::string(to_string(state)));
      }
      if (state == JobState::error && round > 0) {
        const std::error_code code = job.error()->code();
        const bool lawful = code == Errc::unproven_end || code == Errc::wrong_size || code == Errc::checksum_mismatch ||
                            code == Errc::invalid_range || code == Errc::ranges_unsupported || code == http_status(416);
        if (!fits && (code == Errc::no_progress || code == Errc::body_truncated)) continue;
        if (!lawful) return violate("(g) " + who + " fails although all is well: " + job.error()->message());
      }
    }
  }

  /// Whether what is served now can become the file that the host wants.
  [[nodiscard]] bool still_fits(const FileSpec& spec) const {
    const std::span<const std::byte> bytes = resource_of(spec).versions.back().bytes;
    const std::optional<std::vector<std::byte>> whole = assemble(spec, bytes);
    if (!whole || (spec.size && *spec.size != whole->size())) return false;
    if (!spec.pieces.sha256.empty() && pieces_of(*whole) != spec.pieces) return false;
    if (!spec.sha256) return true;
    const std::unique_ptr<Sha256Stream> digest = quick_digest();
    digest->update(*whole);
    return digest->finish() == *spec.sha256;
  }

  void complete_all() {
    std::vector<std::pair<FileSpec, std::uint64_t>> expected;
    for (Job job : queue_->jobs()) {
      JobTruth* truth = truth_of(job.id());
      if (!truth) {
        // It was gone once, and a power cut has brought it back: the journal had not heard that it is completed. The
        // rest of what nobody knows shows below.
        if (completed_and_gone_.contains(job.id())) (void)job.complete();
        continue;
      }
      const bool all = is_whole(job);
      if (!all && random_.chance(0.5)) {
        job.cancel();
        truth->cancelled = true;
        continue;
      }
      if (!job.complete()) {
        // Bytes of a file are gone since the job was transferred.
        job.cancel();
        truth->cancelled = true;
        continue;
      }
      expect_names(*truth);
      if (!all) continue;
      for (const FileTruth& file : truth->files) expected.emplace_back(file.spec, index_of(*truth));
    }
    simulation_.run_for(1min);
    if (!ok()) return;
    for (const Job& job : queue_->jobs()) {
      const std::optional<Error> error = job.error();
      return violate("(g) a job cannot be completed: " + (error ? error->message() : std::string("no reason given")));
    }
    for (const auto& [spec, owner] : expected) {
      if (!disk_->contents(spec.target))
        return violate("(a) job " + std::to_string(owner) + " is completed without " + spec.target.string());
    }
  }

  void check_leftovers() {
    if (swarm_.disk_faults() || disk_->power_cuts() > 0) return;
    for (const std::filesystem::path& path : disk_->names()) {
      if (path.filename().string().starts_with(".bgx-")) return violate("(h) left behind: " + path.string());
    }
  }

  const Mode mode_;
  const std::uint64_t actions_max_;
  Random random_;
  const Swarm swarm_;
  const Size size_;
  testing::Simulation simulation_;
  Trace trace_;
  std::shared_ptr<testing::FaultyStorage> disk_;
  std::unique_ptr<Server> server_;
  QueueOptions options_;
  http::TransportOptions http_;
  testing::FaultRates rates_;
  std::optional<TransferQueue> queue_;
  Subscription events_;
  std::optional<Result<RestoreReport>> restored_;
  std::size_t records_lost_ = 0;
  bool closed_ = false;

  std::vector<JobTruth> jobs_;
  std::set<JobId> completed_and_gone_;       // Of them, of earlier lives.
  std::map<std::string, FileSpec> targets_;  // That may have been taken: their job was completed.
  std::uint64_t commands_ = 0;
  std::uint64_t files_made_ = 0;
  Promise promised_;
  End after_ = End::other;
  Clock::TimePoint ended_at_{};
  std::uint64_t crashes_ = 0;
  std::uint64_t lives_ = 0;
  std::uint64_t recoveries_ = 0;
  std::uint64_t actions_ = 0;
  Checks checks_{};
  std::uint64_t printed_operations_ = 0;
  std::string violation_;
};

}  // namespace

Outcome run_schedule(const Plan& plan, bool print) {
  Plan chosen = plan;
  if (plan.mode == Mode::by_seed) chosen.mode = plan.seed % 4 == 0 ? Mode::safety : Mode::liveness;
  Schedule schedule(chosen, print);
  return schedule.run();
}

Outcome run_script(std::span<const std::uint8_t> bytes, bool print) {
  constexpr std::size_t head = 3;
  Plan plan;
  if (bytes.size() >= head) {
    plan.seed = bytes[0] + std::uint64_t{256} * bytes[1];
    plan.mode = bytes[2] % 2 == 0 ? Mode::safety : Mode::liveness;
    script = bytes.subspan(head);
  }
  Outcome outcome = run_schedule(plan, print);
  script = {};
  return outcome;
}

}  // namespace bgxfer::simulation
