// Spec part 3 and part 9.5: what a job's properties do, in virtual time.
#include <doctest/doctest.h>

#include "support/world.hpp"

using namespace bgxfer;
using namespace std::chrono_literals;
using test::Incident;
using test::World;
using enum JobState;

namespace {

/// 64 KiB a millisecond: this many bytes take about so many milliseconds.
constexpr std::size_t bytes_in(std::chrono::milliseconds time) {
  return static_cast<std::size_t>(time.count()) * 65'536;
}

}  // namespace

TEST_CASE("T26: a job that runs for longer than its maximum download time is an error, until it is resumed") {
  World world;
  world.start();
  Job job = world.add("a", bytes_in(900ms));
  REQUIRE(job.configure([](JobOptions& it) { it.maximum_download_time = 500ms; }));
  job.resume();
  world.run_for(499ms);
  CHECK(job.state() == transferring);
  world.run_for(2ms);
  CHECK(job.state() == error);
  CHECK(job.error()->code() == Errc::download_time_exceeded);
  CHECK(job.error()->context() == ErrorContext::queue);
  CHECK(world.count<JobFailed>(job) == 1);
  job.resume();
  world.run();
  CHECK(job.state() == transferred);
}

TEST_CASE("T26: only time in connecting and transferring counts") {
  World world;
  world.start();
  Job job = world.add("a", bytes_in(400ms));
  REQUIRE(job.configure([](JobOptions& it) {
    it.maximum_download_time = 500ms;
    it.retry_delay_min = it.retry_delay_max = 60s;
  }));
  Incident cut;
  cut.cut_after = bytes_in(100ms);
  world.transport->incidents = {cut, cut};
  const Clock::TimePoint begin = world.simulation.clock()->now();
  job.resume();
  world.run();
  CHECK(job.state() == transferred);
  CHECK(world.simulation.clock()->now() - begin > 120s);
}

TEST_CASE("T26: the time that a job has used is not forgotten by a restart") {
  World world;
  world.start();
  const JobId id = world.add("a", bytes_in(900ms)).id();
  {
    Job job = *world.queue->find(id);
    REQUIRE(job.configure([](JobOptions& it) {
      it.maximum_download_time = 500ms;
      it.retry_delay_min = it.retry_delay_max = 10s;
    }));
    Incident cut;
    cut.cut_after = bytes_in(400ms);
    world.transport->incidents = {cut};
    job.resume();
  }
  world.run_for(450ms);
  world.run_for(1s);
  REQUIRE(world.queue->find(id)->state() == transient_error);
  world.crash();
  world.start();
  world.run_for(200ms);
  CHECK(world.queue->find(id)->error()->code() == Errc::download_time_exceeded);
}

TEST_CASE("T26: a job without a time of its own has the queue's, and 0 is none at all") {
  World world;
  world.options.limits.maximum_download_time = 100ms;
  world.start();
  Job plain = world.add("a", bytes_in(300ms));
  Job free = world.add("b", bytes_in(300ms));
  REQUIRE(free.configure([](JobOptions& it) { it.maximum_download_time = 0ms; }));
  plain.resume();
  world.run();
  free.resume();
  world.run();
  CHECK(plain.state() == error);
  CHECK(free.state() == transferred);
}

TEST_CASE("T26, T20: a resume while the job runs gives it its time anew") {
  World world;
  world.start();
  Job job = world.add("a", bytes_in(900ms));
  REQUIRE(job.configure([](JobOptions& it) { it.maximum_download_time = 600ms; }));
  job.resume();
  world.run_for(500ms);
  job.resume();
  CHECK(job.state() == transferring);
  world.run();
  CHECK(job.state() == transferred);
}

TEST_CASE("T25: a job that nobody has touched for the inactivity timeout is cancelled with its files") {
  World world;
  world.options.limits.inactivity_timeout = 24h;
  world.start();
  Job idle = world.add("a", 100'000);
  Job done = world.add("b", 100'000);
  done.resume();
  world.run_for(12h);
  CHECK(done.state() == transferred);
  CHECK(world.temporary_files() == 1);
  idle.configure([](JobOptions& it) { it.description = "still wanted"; });
  world.run_for(12h + 1s);
  CHECK(done.state() == cancelled);
  CHECK(idle.state() == suspended);
  CHECK(world.temporary_files() == 0);
  world.run_for(12h);
  CHECK(idle.state() == cancelled);
  CHECK(world.queue->jobs().empty());
}

TEST_CASE("T25: bytes that arrive are activity") {
  World world;
  world.options.limits.inactivity_timeout = 1s;
  world.start();
  Job job = world.add("a", bytes_in(3s));
  job.resume();
  world.run_for(2900ms);
  CHECK(job.state() == transferring);
}

TEST_CASE("T25: time between two runs counts, by the wall clock") {
  World world;
  world.options.limits.inactivity_timeout = 24h;
  world.start();
  const JobId id = world.add("a", 100'000).id();
  world.run_for(13h);
  world.crash();
  world.start();
  REQUIRE(world.queue->find(id));
  world.run_for(12h);
  CHECK_FALSE(world.queue->find(id));
}

TEST_CASE("T25: without a timeout a job waits for ever, and the queue keeps no timer for it") {
  World world;
  world.start();
  const Clock::TimePoint begin = world.simulation.clock()->now();
  Job job = world.add("a", 100'000);
  world.run();
  CHECK(world.simulation.clock()->now() - begin < 1s);
  world.run_for(24h * 365);
  CHECK(job.state() == suspended);
}

TEST_CASE("T25: once its last job has gone, the queue keeps no timer for the timeout") {
  World world;
  world.options.limits.inactivity_timeout = 24h;
  world.start();
  const Clock::TimePoint begin = world.simulation.clock()->now();
  Job job = world.add("a", 100'000);
  job.resume();
  world.run_for(10s);
  job.complete();
  world.run();
  CHECK(job.state() == completed);
  CHECK(world.simulation.clock()->now() - begin < 1min);
}

TEST_CASE("T30: a network that costs too much blocks a job, and the next that does not sets it free") {
  World world;
  world.start();
  Job job = world.add("a", bytes_in(200ms));
  Job other = world.add("b", bytes_in(200ms));
  REQUIRE(job.configure([](JobOptions& it) { it.transfer_policy = TransferPolicy::standard; }));
  job.resume();
  world.run_for(100ms);
  REQUIRE(job.state() == transferring);
  world.queue->cost_changed({CostState::overcap_charged});
  world.run_for(1ms);
  CHECK(job.state() == transient_error);
  CHECK(job.error()->code() == Errc::blocked_by_cost);
  CHECK(job.waiting().reason == WaitReason::cost);
  CHECK_FALSE(job.waiting().next_attempt_in);
  const std::uint64_t before = job.progress().bytes_transferred;
  other.resume();
  world.run_for(24h * 30);
  CHECK(other.state() == transferred);
  CHECK(job.state() == transient_error);
  CHECK(job.progress().bytes_transferred == before);
  CHECK(job.error_count() == 0);

  world.queue->cost_changed({CostState::below_cap});
  world.run_for(1ms);
  CHECK(is_running(job.state()));
  world.run();
  CHECK(job.state() == transferred);
  CHECK(job.bytes_received() == bytes_in(200ms));
}

TEST_CASE("T30: a change of the transfer policy acts at once") {
  World world;
  world.start();
  Job job = world.add("a", bytes_in(200ms));
  world.queue->cost_changed({CostState::roaming});
  job.resume();
  world.run_for(50ms);
  CHECK(job.state() == transferring);
  job.configure([](JobOptions& it) { it.transfer_policy = TransferPolicy::not_roaming; });
  world.run_for(1ms);
  CHECK(job.waiting().reason == WaitReason::cost);
  job.configure([](JobOptions& it) { it.transfer_policy = TransferPolicy::always; });
  world.run_for(1ms);
  CHECK(is_running(job.state()));
}

TEST_CASE("T30: a blocked job that is resumed tries again and is blocked again; one that is suspended stays so") {
  World world;
  world.start();
  Job job = world.add("a", bytes_in(200ms));
  job.configure([](JobOptions& it) { it.transfer_policy = TransferPolicy::unrestricted; });
  world.queue->cost_changed({CostState::usage_based});
  job.resume();
  world.run();
  REQUIRE(job.waiting().reason == WaitReason::cost);
  job.resume();
  CHECK(job.state() == queued);
  world.run();
  CHECK(job.waiting().reason == WaitReason::cost);
  job.suspend();
  world.queue->cost_changed({CostState::unrestricted});
  world.run();
  CHECK(job.state() == suspended);
  CHECK(world.transport->asked.empty());
}

TEST_CASE("T12, T30: a retry that falls due where the job may not run asks nobody for anything") {
  for (bool offline : {false, true}) {
    CAPTURE(offline);
    World world;
    world.start();
    test::Incident refusal;
    refusal.refuse = Error(http_status(503), ErrorContext::remote_file, "server");
    world.transport->incidents.push_back(refusal);
    Job job = world.add("a", 1000);
    REQUIRE(job.configure([](JobOptions& options) { options.transfer_policy = TransferPolicy::unrestricted; }));
    job.resume();
    world.run_for(100ms);
    REQUIRE(job.state() == JobState::transient_error);
    world.transport->asked.clear();
    if (offline) {
      world.queue->network_changed(Connectivity::offline);
    } else {
      world.queue->cost_changed({CostState::roaming});
    }
    world.run();
    CHECK(job.state() == JobState::transient_error);
    CHECK(job.waiting().reason == (offline ? WaitReason::network : WaitReason::cost));
    CHECK(world.transport->asked.empty());
    if (offline) {
      world.queue->network_changed(Connectivity::online);
    } else {
      world.queue->cost_changed({CostState::unrestricted});
    }
    world.run();
    CHECK(job.state() == JobState::transferred);
  }
}

TEST_CASE("T30: a network that costs nothing sets no job free while there is none") {
  World world;
  world.start();
  Job job = world.add("a", 1000);
  REQUIRE(job.configure([](JobOptions& options) { options.transfer_policy = TransferPolicy::unrestricted; }));
  world.queue->cost_changed({CostState::roaming});
  job.resume();
  world.run();
  REQUIRE(job.waiting().reason == WaitReason::cost);
  world.queue->network_changed(Connectivity::offline);
  world.queue->cost_changed({CostState::unrestricted});
  world.run();
  CHECK(world.transport->asked.empty());
  world.queue->network_changed(Connectivity::online);
  world.run();
  CHECK(job.state() == JobState::transferred);
}

TEST_CASE("times without end are times without end") {
  World world;
  Limits& limits = world.options.limits;
  limits.time_slice = limits.checkpoint_interval = limits.disk_space_retest = limits.maximum_download_time =
      limits.retry_after_max = std::chrono::milliseconds::max();
  world.start();
  test::Incident refusal;
  refusal.refuse = Error(http_status(503), ErrorContext::remote_file, "server");
  world.transport->incidents.push_back(refusal);
  std::vector<Job> jobs;
  for (const char* name : {"a", "b"}) {
    jobs.push_back(world.add(name, 2'000'000));
    REQUIRE(jobs.back().configure([](JobOptions& options) {
      options.no_progress_timeout = std::chrono::milliseconds::max();
      options.maximum_download_time = std::chrono::milliseconds::max();
    }));
    jobs.back().resume();
  }
  world.run();
  for (const Job& job : jobs) {
    CHECK(job.state() == JobState::transferred);
    CHECK(world.count<JobFailed>(job) == 0);
  }
  // Each had its turn, and the one that was turned down a second one.
  CHECK(world.transport->asked.size() == 3);
}

TEST_CASE("T30: a blocked job is still blocked, or free, by the cost of the next run") {
  World world;
  world.start();
  Job job = world.add("a", 100'000);
  const JobId id = job.id();
  job.configure([](JobOptions& it) { it.transfer_policy = TransferPolicy::standard; });
  world.queue->cost_changed({CostState::roaming});
  job.resume();
  world.run();
  world.crash();
  world.start();
  world.run();
  CHECK(world.queue->find(id)->state() == transferred);
}

TEST_CASE("9.5: a policy allows the states that are its bits, and congestion only with its own") {
  CHECK(allows(TransferPolicy::always, {CostState::roaming, true}));
  CHECK_FALSE(allows(TransferPolicy::not_roaming, {CostState::roaming}));
  CHECK(allows(TransferPolicy::not_roaming, {CostState::overcap_charged}));
  CHECK_FALSE(allows(TransferPolicy::no_surcharge, {CostState::overcap_charged}));
  CHECK(allows(TransferPolicy::no_surcharge, {CostState::near_cap}));
  CHECK_FALSE(allows(TransferPolicy::standard, {CostState::near_cap}));
  CHECK(allows(TransferPolicy::standard, {CostState::usage_based}));
  CHECK_FALSE(allows(TransferPolicy::unrestricted, {CostState::usage_based}));
  CHECK(allows(TransferPolicy::unrestricted, {CostState::overcap_throttled}));
  const TransferPolicy own = CostState::unrestricted | CostState::near_cap;
  CHECK(allows(own, {CostState::near_cap}));
  CHECK_FALSE(allows(own, {CostState::near_cap, true}));
  CHECK(allows(own | TransferPolicy::ignore_congestion, {CostState::near_cap, true}));
  CHECK(to_string(own) == "custom");
  for (const char* name : {"always", "not_roaming", "no_surcharge", "standard", "unrestricted"}) {
    CHECK(to_string(*parse_transfer_policy(name)) == name);
  }
  CHECK_FALSE(parse_transfer_policy("custom"));
}

TEST_CASE("9.5: jobs that do not say so follow the policy of their priority") {
  World world;
  world.options.limits.transfer_policy[static_cast<std::size_t>(Priority::low)] = TransferPolicy::unrestricted;
  world.start();
  world.queue->cost_changed({CostState::near_cap});
  Job normal = world.add("a", 1000);
  Job low = world.add("b", 1000, Priority::low);
  Job own = world.add("c", 1000, Priority::low);
  own.configure([](JobOptions& it) { it.transfer_policy = TransferPolicy::always; });
  for (Job job : {normal, low, own}) job.resume();
  world.run();
  CHECK(normal.state() == transferred);
  CHECK(low.waiting().reason == WaitReason::cost);
  CHECK(own.state() == transferred);
  low.set_priority(Priority::normal);
  world.run();
  CHECK(low.state() == transferred);
}

TEST_CASE("T34: a running job whose priority changes goes back into the line, with its bytes") {
  World world;
  world.start();
  Job job = world.add("a", bytes_in(300ms));
  job.resume();
  world.run_for(100ms);
  REQUIRE(job.state() == transferring);
  REQUIRE(job.set_priority(Priority::low));
  CHECK(job.state() == queued);
  world.run();
  CHECK(job.state() == transferred);
  CHECK(world.states(job) ==
        std::vector{queued, connecting, transferring, queued, connecting, transferring, transferred});
  CHECK(job.bytes_received() == bytes_in(300ms));
}

TEST_CASE(
    "T34, 3.13: a running job whose peer-caching flags change goes back into the line, and its file goes on where it "
    "was") {
  World world;
  world.start();
  Job job = world.add("a", bytes_in(300ms));
  job.resume();
  world.run_for(100ms);
  REQUIRE(job.state() == transferring);
  REQUIRE(job.configure([](JobOptions& it) { it.peer_caching = PeerCaching::client; }));
  CHECK(job.state() == queued);
  world.run();
  CHECK(job.state() == transferred);
  CHECK(job.bytes_received() == bytes_in(300ms));
}

TEST_CASE(
    "3.13: peer-caching flags survive a restart and a compaction, and unknown ones are refused with nothing changed") {
  World world;
  world.start();
  const JobId id = world.add("a", 10).id();
  REQUIRE(world.queue->find(id)->configure(
      [](JobOptions& it) { it.peer_caching = PeerCaching::client | PeerCaching::server; }));
  for (int run = 0; run < 3; ++run) {
    Job job = *world.queue->find(id);
    CHECK(job.options().peer_caching == (PeerCaching::client | PeerCaching::server));
    const JobTimes times = job.times();
    const CommandResult refused = job.configure([](JobOptions& it) {
      it.display_name = "other";
      it.peer_caching = static_cast<PeerCaching>(8);
    });
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == Errc::invalid_argument);
    CHECK(job.options().display_name == "a");
    CHECK(job.times() == times);
    world.run();
    world.crash();
    // The third run reads a journal that the second has written anew.
    world.options.limits.journal_bytes_before_compaction = 1;
    world.start();
  }
}

TEST_CASE("T34: a change that needs no fresh start leaves a running job alone") {
  World world;
  world.start();
  Job job = world.add("a", bytes_in(300ms));
  job.resume();
  world.run_for(100ms);
  REQUIRE(job.configure([](JobOptions& it) { it.display_name = "other"; }));
  CHECK(job.state() == transferring);
  world.run();
  CHECK(world.transport->asked.size() == 1);
}

TEST_CASE("3.12: a job larger than its maximum download size is an error, whether the server told the size or not") {
  for (const bool sized : {true, false}) {
    CAPTURE(sized);
    World world;
    world.start();
    JobOptions options;
    options.download.size_max = 150'000;
    options.files = {world.file("a", 100'000), world.file("b", 50'001)};
    world.resource("b").sized = sized;
    Job job = world.queue->add(options).value();
    job.resume();
    world.run();
    CHECK(job.state() == error);
    CHECK(job.error()->code() == Errc::download_too_large);
    CHECK(job.error()->file() == 1u);
  }
}

TEST_CASE("3.12: a job of exactly its maximum download size is fine") {
  World world;
  world.start();
  JobOptions options;
  options.download.size_max = 150'000;
  options.files = {world.file("a", 100'000), world.file("b", 50'000)};
  Job job = world.queue->add(options).value();
  job.resume();
  world.run();
  CHECK(job.state() == transferred);
}

TEST_CASE("3.12: dynamic content needs neither size nor end, and begins anew after an interruption") {
  World world;
  world.start();
  JobOptions options;
  options.download.dynamic_content = true;
  options.retry_delay_min = options.retry_delay_max = 1s;
  options.files = {world.file("a", 300'000)};
  test::Resource& resource = world.resource("a");
  resource.sized = resource.ranges = resource.delimited = false;
  Incident cut;
  cut.cut_after = 200'000;
  world.transport->incidents = {cut, cut, cut, cut, cut, cut, cut};
  Job job = world.queue->add(options).value();
  job.resume();
  world.run();
  REQUIRE(job.state() == transferred);
  CHECK(job.bytes_received() == 7 * 200'000 + 300'000);
  for (const test::Asking& asked : world.transport->asked) CHECK(asked.range == ByteRange{});
  job.complete();
  world.run();
  CHECK(world.contents("a") == test::content(300'000));
}

TEST_CASE("3.12: dynamic content excludes ranges and on-demand mode") {
  World world;
  world.start();
  JobOptions options;
  options.download.dynamic_content = true;
  FileSpec ranged = world.file("a", 1000);
  ranged.ranges = {{10, 20}};
  options.files = {ranged};
  CHECK(world.queue->add(options).error().code() == Errc::unsupported_configuration);
  options.files.clear();
  Job job = world.queue->add(options).value();
  CHECK(job.add({ranged}).error().code() == Errc::unsupported_configuration);
  CHECK(job.files().empty());
  CHECK(job.configure([](JobOptions& it) { it.download.on_demand = true; }).error().code() ==
        Errc::unsupported_configuration);
  Job ranges = world.queue->add({}).value();
  REQUIRE(ranges.add({ranged}));
  CHECK(ranges.configure([](JobOptions& it) { it.download.dynamic_content = true; }).error().code() ==
        Errc::unsupported_configuration);
}

TEST_CASE("2.4: a high-performance job is not noted while it runs, and begins anew after a restart") {
  for (const bool fast : {false, true}) {
    CAPTURE(fast);
    World world;
    world.start();
    JobOptions options;
    options.download.high_performance = fast;
    options.files = {world.file("a", bytes_in(500ms))};
    const JobId id = world.queue->add(options).value().id();
    world.queue->find(id)->resume();
    world.run_for(400ms);
    world.crash();
    world.start();
    CHECK((world.queue->find(id)->progress().bytes_transferred == 0) == fast);
    world.run();
    Job job = *world.queue->find(id);
    REQUIRE(job.state() == transferred);
    CHECK((job.bytes_received() == bytes_in(500ms)) == fast);
    job.complete();
    world.run();
    CHECK(world.contents("a") == test::content(bytes_in(500ms)));
    CHECK(world.temporary_files() == 0);
  }
}

TEST_CASE("2.4: a high-performance job keeps its bytes while the process lives") {
  World world;
  world.start();
  JobOptions options;
  options.download.high_performance = true;
  options.files = {world.file("a", bytes_in(500ms))};
  Job job = world.queue->add(options).value();
  job.resume();
  world.run_for(250ms);
  job.suspend();
  world.run();
  job.resume();
  world.run();
  CHECK(job.state() == transferred);
  CHECK(job.bytes_received() == bytes_in(500ms));
}

TEST_CASE("3.14: the owner is the queue's, survives restarts, and take_ownership changes him and drops secrets") {
  World world;
  world.options.owner = {"alice", true};
  world.options.run_command = [](const NotifyCommand&, const Event&, const auto& done) { done({}, 0); };
  world.start();
  const JobId id = world.add("a", 100'000).id();
  {
    Job job = *world.queue->find(id);
    CHECK(job.owner() == Owner{"alice", true});
    REQUIRE(job.configure([](JobOptions& it) {
      it.http.headers = {{"Authorization", "secret"}};
      it.notify.command.program = "/bin/true";
      it.notify.handler = "installer";
    }));
  }
  world.run();
  world.crash();
  world.options.owner = {"bob", false};
  world.start();
  {
    Job job = *world.queue->find(id);
    CHECK(job.owner() == Owner{"alice", true});
    CHECK(job.resume().error().code() == Errc::headers_needed);
    REQUIRE(job.take_ownership());
    CHECK(job.owner() == Owner{"bob", false});
    CHECK(job.options().http.headers.empty());
    CHECK(job.options().notify.command == NotifyCommand{});
    CHECK(job.options().notify.handler == "installer");
    CHECK(job.resume());
  }
  world.run();
  world.crash();
  world.start();
  CHECK(world.queue->find(id)->owner() == Owner{"bob", false});
  CHECK(world.queue->find(id)->state() == transferred);
}

TEST_CASE("3.14: without a name from the host, the owner is the user of the process") {
  World world;
  world.start();
  CHECK(world.add("a", 10).owner().name.starts_with("uid "));
}

TEST_CASE("10: an owner may have so many jobs, and not one more") {
  World world;
  world.options.limits.jobs_per_owner_max = 2;
  world.options.owner.name = "alice";
  world.start();
  Job first = world.add("a", 10);
  world.add("b", 10);
  JobOptions options;
  CHECK(world.queue->add(options).error().code() == Errc::too_many_jobs_of_owner);
  CHECK(world.queue->jobs().size() == 2);
  world.run();
  world.crash();
  world.options.owner.name = "bob";
  world.start();
  REQUIRE(world.queue->add(options));
  // One of alice's becomes his.
  REQUIRE(world.queue->jobs().front().take_ownership());
  CHECK(world.queue->add(options).error().code() == Errc::too_many_jobs_of_owner);
  world.queue->jobs().front().cancel();
  world.run();
  CHECK(world.queue->add(options));
}

TEST_CASE("10: a queue may have so many jobs, and not one more, unless it is exempt") {
  for (const bool exempt : {false, true}) {
    World world;
    world.options.limits.jobs_max = 2;
    world.options.limits.files_per_job_max = 2;
    world.options.limits.ranges_per_file_max = 2;
    world.options.limits_exempt = exempt;
    world.start();
    Job job = world.add("a", 10);
    FileSpec ranges = world.file("r", 100);
    ranges.ranges = {{0, 1}, {2, 1}, {4, 1}};
    const CommandResult third_range = job.add({ranges});
    CHECK(static_cast<bool>(third_range) == exempt);
    if (!exempt) CHECK(third_range.error().code() == Errc::too_many_ranges);
    if (!exempt) CHECK(job.add({world.file("b", 10)}));
    CHECK(job.files().size() == 2);
    const CommandResult third = job.add({world.file("c", 10)});
    CHECK(static_cast<bool>(third) == exempt);
    if (!exempt) CHECK(third.error().code() == Errc::too_many_files);
    CHECK(job.files().size() == (exempt ? 3 : 2));
    CHECK(world.queue->add({}));
    const Result<Job> third_job = world.queue->add({});
    CHECK(third_job.has_value() == exempt);
    if (!exempt) CHECK(third_job.error().code() == Errc::too_many_jobs);
  }
}

TEST_CASE(
    "4.1: two files of a job never have the same target, whenever they are added, and what is refused changes "
    "nothing") {
  World world;
  world.start();
  JobOptions twice;
  twice.files = {world.file("a", 10), world.file("b", 10), world.file("a", 10)};
  const Result<Job> refused = world.queue->add(twice);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::duplicate_target);
  CHECK(refused.error().file() == 2u);
  CHECK(world.queue->jobs().empty());

  Job job = world.add("a", 10);
  for (const std::vector<FileSpec>& files :
       {std::vector{world.file("b", 10), world.file("a", 10)}, std::vector{world.file("b", 10), world.file("b", 10)}}) {
    const CommandResult added = job.add(files);
    REQUIRE_FALSE(added);
    CHECK(added.error().code() == Errc::duplicate_target);
    CHECK(added.error().file() == 1u);
    CHECK(job.files().size() == 1);
  }
  REQUIRE(job.add({world.file("b", 10)}));
  CHECK(job.add({world.file("b", 10)}).error().code() == Errc::duplicate_target);
  CHECK(job.files().size() == 2);
}
