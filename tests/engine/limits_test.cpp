// Spec part 10: every limit on what a queue, a job and a file may hold, asked through the calls that hosts make. At the
// limit it is taken; one over it is refused with its error, and nothing has changed.
#include <functional>

#include <doctest/doctest.h>

#include "support/world.hpp"

using namespace bgxfer;
using namespace std::chrono_literals;
using test::World;

namespace {

/// Everything that a refused call could have changed.
struct State {
  explicit State(const World& world) {
    for (const Job& job : world.queue->jobs()) {
      options.push_back(job.options());
      for (const File& file : job.files()) files.push_back(file.url() + " " + file.target().string());
    }
    if (const auto bytes = world.storage->contents("/state/queue.journal")) journal = *bytes;
  }
  std::vector<JobOptions> options{};
  std::vector<std::string> files{};
  std::vector<std::byte> journal{};

  friend bool operator==(const State&, const State&) = default;
};

/// One limit: how it is made small, and a call that asks for as much as it allows and `over` more.
struct Row {
  const char* name;
  std::function<void(Limits&)> lower;
  std::function<Result<void>(World&, Job&, std::size_t over)> call;
  Errc refusal;
};

Result<void> configured(Job& job, const std::function<void(JobOptions&)>& edit) { return job.configure(edit); }

Result<void> added_file(World& world, Job& job, const std::function<void(FileSpec&)>& edit) {
  FileSpec file = world.file("x", 100);
  edit(file);
  return job.add({file});
}

Result<void> added_job(World& world, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const Result<Job> added = world.queue->add({});
    if (!added) return added.error();
  }
  return {};
}

const std::string host = "http://s/";

const Row rows[] = {
    {"jobs_max", [](Limits& it) { it.jobs_max = 3; },
     [](World& world, Job&, std::size_t over) { return added_job(world, over == 0 ? 2 : 1); }, Errc::too_many_jobs},
    {"jobs_per_owner_max", [](Limits& it) { it.jobs_per_owner_max = 3; },
     [](World& world, Job&, std::size_t over) { return added_job(world, over == 0 ? 2 : 1); },
     Errc::too_many_jobs_of_owner},
    {"files_per_job_max", [](Limits& it) { it.files_per_job_max = 3; },
     [](World& world, Job& job, std::size_t over) -> Result<void> {
       std::vector<FileSpec> files{world.file("b", 1)};
       if (over == 0) files.push_back(world.file("c", 1));
       if (over == 1) files = {world.file("d", 1)};
       return job.add(files);
     },
     Errc::too_many_files},
    {"ranges_per_file_max", [](Limits& it) { it.ranges_per_file_max = 3; },
     [](World& world, Job& job, std::size_t over) {
       return added_file(world, job, [over](FileSpec& it) {
         for (std::size_t i = 0; i < 3 + over; ++i) it.ranges.push_back({2 * i, 1});
       });
     },
     Errc::too_many_ranges},
    {"mirrors_per_file_max", [](Limits& it) { it.mirrors_per_file_max = 3; },
     [](World& world, Job& job, std::size_t over) {
       return added_file(world, job, [over](FileSpec& it) { it.mirrors.assign(3 + over, host); });
     },
     Errc::invalid_argument},
    {"pieces_per_file_max", [](Limits& it) { it.pieces_per_file_max = 3; },
     [](World& world, Job& job, std::size_t over) {
       return added_file(world, job, [over](FileSpec& it) {
         it.pieces.bytes = 16'384;
         it.pieces.sha256.resize(3 + over);
         it.size = it.pieces.bytes * (3 + over);
       });
     },
     Errc::invalid_argument},
    {"display_name_bytes_max", [](Limits& it) { it.display_name_bytes_max = 30; },
     [](World&, Job& job, std::size_t over) {
       return configured(job, [over](JobOptions& it) { it.display_name.assign(30 + over, 'n'); });
     },
     Errc::string_too_long},
    {"description_bytes_max", [](Limits& it) { it.description_bytes_max = 30; },
     [](World&, Job& job, std::size_t over) {
       return configured(job, [over](JobOptions& it) { it.description.assign(30 + over, 'd'); });
     },
     Errc::string_too_long},
    {"url_bytes_max", [](Limits& it) { it.url_bytes_max = 30; },
     [](World& world, Job& job, std::size_t over) {
       return added_file(world, job,
                         [over](FileSpec& it) { it.url = host + std::string(30 - host.size() + over, 'u'); });
     },
     Errc::string_too_long},
    {"url_segment_bytes_max", [](Limits& it) { it.url_segment_bytes_max = 30; },
     [](World& world, Job& job, std::size_t over) {
       return added_file(world, job, [over](FileSpec& it) { it.url = host + std::string(30 + over, 'u') + "/a"; });
     },
     Errc::string_too_long},
    {"target_bytes_max", [](Limits& it) { it.target_bytes_max = 30; },
     [](World& world, Job& job, std::size_t over) {
       return added_file(world, job, [over](FileSpec& it) { it.target = "/files/" + std::string(23 + over, 't'); });
     },
     Errc::string_too_long},
    {"header_bytes_max", [](Limits& it) { it.header_bytes_max = 30; },
     [](World&, Job& job, std::size_t over) {
       return configured(job, [over](JobOptions& it) { it.http.headers = {{"A", std::string(25 + over, 'v')}}; });
     },
     Errc::string_too_long},
    {"command_program_bytes_max", [](Limits& it) { it.command_program_bytes_max = 30; },
     [](World&, Job& job, std::size_t over) {
       return configured(job,
                         [over](JobOptions& it) { it.notify.command.program = "/" + std::string(29 + over, 'p'); });
     },
     Errc::string_too_long},
    {"command_arguments_bytes_max", [](Limits& it) { it.command_arguments_bytes_max = 30; },
     [](World&, Job& job, std::size_t over) {
       return configured(job, [over](JobOptions& it) {
         it.notify.command.program = "/bin/true";
         it.notify.command.arguments = {std::string(29 + over, 'a')};
       });
     },
     Errc::string_too_long},
};

}  // namespace

TEST_CASE(
    "10: whatever a queue, a job or a file may hold is taken at its limit, and one over is refused with nothing "
    "changed") {
  int refused = 0;
  for (const Row& row : rows) {
    CAPTURE(std::string(row.name));
    World world;
    row.lower(world.options.limits);
    // Never called: no job is started.
    world.options.sha256 = [] { return std::unique_ptr<Sha256Stream>(); };
    world.options.run_command = [](const NotifyCommand&, const Event&, const auto&) {};
    world.start();
    Job job = world.add("a", 100);
    const Result<void> taken = row.call(world, job, 0);
    CHECK_MESSAGE(static_cast<bool>(taken), (taken ? std::string() : taken.error().message()));
    world.run_for(1s);

    const State before(world);
    const Result<void> over = row.call(world, job, 1);
    REQUIRE_FALSE(over);
    CHECK(over.error().code() == row.refusal);
    world.run_for(1s);
    CHECK(State(world) == before);
    ++refused;
  }
  MESSAGE(refused, " limits, each taken at its limit and refused one over");
}
