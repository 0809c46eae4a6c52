// The table of spec part 1.4: which call is allowed in which state, and the error of each that is not. Every row and
// every column of it, one cell after the other, each on a job of its own in a world of its own.
#include <array>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "support/world.hpp"

using namespace bgxfer;
using namespace std::chrono_literals;
using test::Incident;
using test::World;
using enum JobState;

namespace {

/// The columns of the table: Q C T, S, E, R, X, A Z.
constexpr std::array<std::array<JobState, 3>, 6> columns = {{{queued, connecting, transferring},
                                                             {suspended, suspended, suspended},
                                                             {error, error, error},
                                                             {transient_error, transient_error, transient_error},
                                                             {transferred, transferred, transferred},
                                                             {completed, cancelled, cancelled}}};
constexpr std::array<JobState, 9> all_states = {queued,          connecting,  transferring, suspended, error,
                                                transient_error, transferred, completed,    cancelled};

std::size_t column_of(JobState state) {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    for (JobState known : columns[i]) {
      if (known == state) return i;
    }
  }
  return columns.size();
}

/// What a cell says. Anything else is the error by its name.
constexpr std::string_view yes = "yes";
constexpr std::string_view later = "later: uploads";  // Spec part 5, which has not been built.

const std::map<std::string_view, Errc> errors = {{"invalid_state", Errc::invalid_state},
                                                 {"empty_job", Errc::empty_job},
                                                 {"file_not_transferred", Errc::file_not_transferred},
                                                 {"not_found", Errc::not_found},
                                                 {"read_only_after_add", Errc::read_only_after_add},
                                                 {"read_only_after_resume", Errc::read_only_after_resume},
                                                 {"read_only_while_active", Errc::read_only_while_active},
                                                 {"unsupported_configuration", Errc::unsupported_configuration}};

class Agreeable final : public CertificateValidator {
 public:
  Result<void> check(const ServerCertificate&) override { return {}; }
};

using Call = std::function<CommandResult(World&, Job&)>;

struct Row {
  std::string_view call;
  std::array<std::string_view, 6> cells;  // In the order of the columns.
  Call make;
  bool custom_method = false;  // On a job with a method of its own.
};

Call set(void (*edit)(JobOptions&)) {
  return [edit](World&, Job& job) { return job.configure(edit); };
}

CommandResult allowed(bool is) {
  return is ? CommandResult() : CommandResult(Error(Errc::not_found, ErrorContext::queue));
}

/// A row that is allowed everywhere but in the final states.
Row plain(std::string_view call, Call make) {
  return {call, {yes, yes, yes, yes, yes, "invalid_state"}, std::move(make), false};
}

Row waiting(std::string_view call) { return {call, {later, later, later, later, later, later}, nullptr, false}; }

std::vector<Row> table() {
  constexpr std::string_view add = "read_only_after_add";
  constexpr std::string_view active = "read_only_while_active";
  constexpr std::string_view locked = "unsupported_configuration";
  constexpr std::string_view early = "file_not_transferred";
  constexpr std::string_view once = "read_only_after_resume";
  // clang-format off
  return {
      plain("Suspend", [](World&, Job& job) { return job.suspend(); }),
      plain("Resume", [](World&, Job& job) { return job.resume(); }),
      plain("Cancel", [](World&, Job& job) { return job.cancel(); }),
      plain("Complete, download", [](World&, Job& job) { return job.complete(); }),
      waiting("Complete, upload and upload-reply"),
      plain("AddFile", [](World& world, Job& job) { return job.add({world.file("more", 10)}); }),
      plain("AddFileSet",
            [](World& world, Job& job) { return job.add({world.file("more", 10), world.file("still_more", 10)}); }),
      plain("AddFileWithRanges",
            [](World& world, Job& job) {
              FileSpec file = world.file("more", 100);
              file.ranges = {{10, 20}};
              return job.add({file});
            }),
      plain("SetDisplayName", set([](JobOptions& it) { it.display_name = "other"; })),
      plain("SetDescription", set([](JobOptions& it) { it.description = "other"; })),
      plain("SetPriority", [](World&, Job& job) { return job.set_priority(Priority::high); }),
      plain("SetNotifyFlags", set([](JobOptions& it) { it.notify.events = Notify::disable; })),
      plain("SetNotifyInterface",
            [](World&, Job& job) {
              return job.set_notify_handler([](const Job&, const Event&) { return NotifyResult::handled; });
            }),
      plain("SetNotifyCmdLine", set([](JobOptions& it) { it.notify.command.program = "/bin/true"; })),
      plain("SetMinimumRetryDelay", set([](JobOptions& it) { it.retry_delay_min = 7s; })),
      plain("SetNoProgressTimeout", set([](JobOptions& it) { it.no_progress_timeout = 7h; })),
      plain("SetMaximumDownloadTime", set([](JobOptions& it) { it.maximum_download_time = 7h; })),
      plain("SetCustomHeaders", set([](JobOptions& it) { it.http.headers = {{"X-One", "1"}}; })),
      plain("TakeOwnership", [](World&, Job& job) { return job.take_ownership(); }),
      plain("SetProxySettings", set([](JobOptions& it) { it.http.proxy.usage = ProxyUsage::none; })),
      plain("SetPeerCachingFlags", set([](JobOptions& it) { it.peer_caching = PeerCaching::client | PeerCaching::server; })),
      plain("SetCredentials", set([](JobOptions& it) {
              it.http.credentials = {{CredentialTarget::server, CredentialScheme::basic, "me", "open sesame"}};
            })),
      plain("RemoveCredentials", set([](JobOptions& it) { it.http.credentials.clear(); })),
      plain("SetClientCertificate", set([](JobOptions& it) { it.http.tls.client.file = "/etc/me.pem"; })),
      plain("SetSecurityFlags", set([](JobOptions& it) { it.http.tls.ignore_expired = true; })),
      {"SetFileACLFlags", {yes, yes, yes, yes, "invalid_state", "invalid_state"},
       set([](JobOptions& it) { it.file_acl_flags = FileAclFlags::owner; })},
      plain("SetRemoteName", [](World&, Job& job) { return job.files()[0].set_url("http://server/b"); }),
      plain("ReplaceRemotePrefix",
            [](World&, Job& job) {
              const Result<std::size_t> replaced = job.replace_url_prefix("http://server/", "http://other/");
              return replaced ? CommandResult() : CommandResult(replaced.error());
            }),
      waiting("SetReplyFileName"),
      waiting("GetReplyData"),
      {"SetServerCertificateValidationInterface", {active, yes, yes, active, yes, "invalid_state"},
       set([](JobOptions& it) { it.http.tls.validator = std::make_shared<Agreeable>(); })},
      plain("SetProperty: cost flags", set([](JobOptions& it) { it.transfer_policy = TransferPolicy::standard; })),
      plain("SetProperty: minimum notification interval", set([](JobOptions& it) { it.notify.interval_min = 7s; })),
      plain("SetProperty: notification class id", set([](JobOptions& it) { it.notify.handler = "installer"; })),
      plain("SetProperty: stored credentials",
            set([](JobOptions& it) { it.http.stored_credentials = CredentialTarget::proxy; })),
      {"SetProperty: high performance", {add, add, add, add, add, "invalid_state"},
       set([](JobOptions& it) { it.download.high_performance = true; })},
      {"SetProperty: dynamic content", {once, yes, once, once, once, "invalid_state"},
       set([](JobOptions& it) { it.download.dynamic_content = true; })},
      {"SetProperty: maximum download size", {once, yes, once, once, once, "invalid_state"},
       set([](JobOptions& it) { it.download.size_max = 1'000'000'000; })},
      {"SetProperty: on-demand mode", {once, yes, once, once, once, "invalid_state"},
       set([](JobOptions& it) { it.download.on_demand = true; })},
      {"SetHttpMethod", {once, yes, once, once, once, "invalid_state"},
       set([](JobOptions& it) { it.http.method = "POST"; })},
      {"SetPriority with a custom HTTP method set", {locked, locked, locked, locked, locked, "invalid_state"},
       [](World&, Job& job) { return job.set_priority(Priority::low); }, true},
      {"SetValidationState on a file", {early, early, early, early, yes, "invalid_state"},
       [](World&, Job& job) { return job.files()[0].set_validation_state(true); }},
      plain("RequestFileRanges", [](World&, Job& job) { return job.files()[0].request_ranges({{10, 20}}); }),
      plain("UpdateDownloadPosition", [](World&, Job& job) { return job.files()[0].prioritize_from(10); }),
      {"GetFilledFileRanges", {yes, yes, yes, yes, yes, yes},
       [](World&, Job& job) {
         // Unlike BITS, which refuses the question in final states.
         const std::uint64_t bytes = RangeSet(job.files()[0].arrived()).bytes();
         return allowed(bytes == job.files()[0].progress().bytes_transferred);
       }},
      {"GetError on a job", {"not_found", "not_found", yes, yes, "not_found", "not_found"},
       [](World&, Job& job) { return allowed(job.error().has_value()); }},
      {"All other getters", {yes, yes, yes, yes, yes, yes},
       [](World&, Job& job) {
         const Progress progress = job.progress();
         return allowed(!job.options().display_name.empty() && progress.files_total == 1 && job.files().size() == 1 &&
                        job.times().created <= job.times().modified && !job.owner().name.empty());
       }},
      {"Manager GetJob", {yes, yes, yes, yes, yes, "not_found"},
       [](World& world, Job& job) { return allowed(world.queue->find(job.id()).has_value()); }},
  };
  // clang-format on
}

/// A job in that state, with a file that is large enough to stay there for a while.
Job job_in(World& world, JobState state, bool custom_method) {
  Job job = world.add("a", 1'500'000);
  if (custom_method) job.configure([](JobOptions& it) { it.http.method = "POST"; });
  Incident incident;
  switch (state) {
    case suspended: break;
    case queued: job.resume(); break;
    case connecting:
      job.resume();
      world.run_for(1ms);
      break;
    case transferring:
      job.resume();
      world.run_for(20ms);
      break;
    case error:
      world.transport->resources.clear();
      job.resume();
      world.run();
      break;
    case transient_error:
      if (custom_method) {  // Such a job never waits for another try.
        world.queue->network_changed(Connectivity::offline);
        job.resume();
        world.run_for(1ms);
        break;
      }
      incident.refuse = Error(std::make_error_code(std::errc::connection_refused), ErrorContext::transport, "server");
      world.transport->incidents.push_back(incident);
      job.resume();
      world.run_for(20ms);
      break;
    case transferred:
      job.resume();
      world.run();
      break;
    case completed:
      job.resume();
      world.run();
      job.complete();
      world.run();
      break;
    case cancelled:
      job.cancel();
      world.run();
      break;
  }
  return job;
}

void prepare(World& world) {
  world.options.run_command = [](const NotifyCommand&, const Event&,
                                 const std::function<void(std::error_code, int)>& done) { done({}, 0); };
  world.start();
}

}  // namespace

TEST_CASE("1.4: every call in every state is allowed, or refused with its error and nothing changed") {
  std::map<std::string_view, int> cells;
  const std::vector<Row> rows = table();
  for (const Row& row : rows) {
    for (JobState state : all_states) {
      const std::string_view expected = row.cells[column_of(state)];
      if (!row.make) {
        ++cells[expected];
        continue;
      }
      ++cells["tried"];
      World world;
      prepare(world);
      Job job = job_in(world, state, row.custom_method);
      CAPTURE(row.call);
      CAPTURE(to_string(state));
      REQUIRE(job.state() == state);
      const JobOptions options = job.options();
      const JobTimes times = job.times();

      const CommandResult result = row.make(world, job);
      if (expected == yes) {
        CHECK(result);
        continue;
      }
      REQUIRE_FALSE(result);
      CHECK(result.error().code() == errors.at(expected));
      CHECK(job.state() == state);
      CHECK(job.options() == options);
      CHECK(job.times() == times);
      CHECK(job.files().size() == 1);
    }
  }
  int sum = 0;
  for (const auto& [kind, count] : cells) {
    MESSAGE(std::string(kind), ": ", count, " cells");
    sum += count;
  }
  CHECK(sum == static_cast<int>(rows.size() * all_states.size()));
  CHECK(cells[later] == 3 * 9);  // Nothing else is left out.
  CHECK(cells.size() == 2);
}

TEST_CASE("1.4: a job without files cannot be resumed, and may still become a high-performance one") {
  World world;
  world.start();
  Job job = world.queue->add({}).value();
  CHECK(job.resume().error().code() == Errc::empty_job);
  CHECK(job.configure([](JobOptions& it) { it.download.high_performance = true; }));
  REQUIRE(job.add({world.file("a", 10)}));
  CHECK(job.configure([](JobOptions& it) { it.download.high_performance = false; }).error().code() ==
        Errc::read_only_after_add);
  CHECK(job.options().download.high_performance);
}

TEST_CASE("1.4: what the first resume fixes stays fixed when the job is suspended again, and after a restart") {
  World world;
  world.start();
  const JobId id = world.add("a", 5'000'000).id();
  const auto edit = [](JobOptions& it) { it.download.size_max = 6'000'000; };
  for (int run = 0; run < 3; ++run) {
    Job job = *world.queue->find(id);
    if (run == 0) {
      CHECK(job.configure([](JobOptions& it) { it.download.size_max = 9'000'000; }));
      job.resume();
      job.suspend();
    }
    CHECK(job.state() == suspended);
    const CommandResult late = job.configure(edit);
    REQUIRE_FALSE(late);
    CHECK(late.error().code() == Errc::read_only_after_resume);
    CHECK(job.options().download.size_max == 9'000'000);
    world.run();
    world.crash();
    // The third run reads a journal that the second has written anew.
    world.options.limits.journal_bytes_before_compaction = 1;
    world.start();
  }
}

TEST_CASE("1.4: an edit that breaks one rule changes nothing of the rest") {
  World world;
  world.start();
  Job job = world.add("a", 10);
  const JobOptions before = job.options();
  const CommandResult result = job.configure([](JobOptions& it) {
    it.display_name = "new";
    it.notify.interval_min = 3s;
    it.download.size_max = 0;
  });
  REQUIRE_FALSE(result);
  CHECK(result.error().code() == Errc::invalid_argument);
  CHECK(job.options() == before);
}
