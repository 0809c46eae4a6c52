#include "exhaustive/small_worlds.hpp"

namespace bgxfer::test {

namespace {

using namespace std::chrono_literals;

Job transfer(SmallWorld& world, std::vector<FileSpec> files, JobOptions with = {}) {
  Job job = world.add(std::move(files), std::move(with));
  world.save();
  job.resume();
  world.run();
  return job;
}

void finish(SmallWorld& world, Job job) {
  if (world.dead()) return;
  world.ends(job);
  job.complete();
  world.run();
}

}  // namespace

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> all{
      {"a job is added and saved", [](SmallWorld& world) { world.add({world.file("a", 100)}), world.save(); }},
      {"a small file", [](SmallWorld& world) { finish(world, transfer(world, {world.file("a", 100)})); }},
      {"an empty file", [](SmallWorld& world) { finish(world, transfer(world, {world.file("a", 0)})); }},
      {"a file of several chunks", [](SmallWorld& world) { finish(world, transfer(world, {world.file("a", 9000)})); }},
      {"two files",
       [](SmallWorld& world) {
         finish(world, transfer(world, {world.file("a", 700), world.file("b", 900, 2)}));
       }},
      {"two files at once",
       [](SmallWorld& world) {
         JobOptions options;
         options.parallel_files = 2;
         finish(world, transfer(world, {world.file("a", 3000), world.file("b", 5000, 2)}, options));
       }},
      {"a file over several connections",
       [](SmallWorld& world) {
         world.end_life();
         world.options.limits.slice_bytes_min = 1024;
         world.start();
         JobOptions options;
         options.connections_per_file = 3;
         finish(world, transfer(world, {world.file("a", 20'000)}, options));
       }},
      {"a file of two ranges",
       [](SmallWorld& world) {
         FileSpec spec = world.file("a", 5000);
         const std::string whole = content(5000);
         spec.ranges = {{3000, 500}, {100, 700}};
         world.versions["a"] = {whole.substr(3000, 500) + whole.substr(100, 700)};
         finish(world, transfer(world, {spec}));
       }},
      {"a suspended job",
       [](SmallWorld& world) {
         Job job = world.add({world.file("a", 9000)});
         job.resume();
         world.run_for(13ms);
         if (world.dead()) return;
         job.suspend();
         world.save();
       }},
      {"a job that is cancelled half way",
       [](SmallWorld& world) {
         Job job = world.add({world.file("a", 9000)});
         job.resume();
         world.run_for(13ms);
         if (world.dead()) return;
         world.ends(job);
         job.cancel();
         world.run();
       }},
      {"a job that is completed half way",
       [](SmallWorld& world) {
         Job job = world.add({world.file("a", 500), world.file("b", 9000, 2)});
         job.resume();
         world.run_for(26ms);
         finish(world, job);
       }},
      {"a resource that changes half way",
       [](SmallWorld& world) {
         Job job = world.add({world.file("a", 9000)});
         job.resume();
         world.run_for(13ms);
         world.change("a", 8000, 2);
         if (world.dead()) return;
         job.suspend();
         world.run();
         job.resume();
         world.run();
         finish(world, job);
       }},
      {"a connection that breaks",
       [](SmallWorld& world) {
         Incident incident;
         incident.cut_after = 5000;
         world.transport->incidents.push_back(incident);
         finish(world, transfer(world, {world.file("a", 9000)}));
       }},
      {"a resource without a validator",
       [](SmallWorld& world) {
         FileSpec spec = world.file("a", 9000);
         world.transport->resources[spec.url].validator.clear();
         Incident incident;
         incident.cut_after = 5000;
         world.transport->incidents.push_back(incident);
         finish(world, transfer(world, {spec}));
       }},
      {"a server without ranges",
       [](SmallWorld& world) {
         FileSpec spec = world.file("a", 9000);
         world.transport->resources[spec.url].ranges = false;
         Incident incident;
         incident.cut_after = 5000;
         world.transport->incidents.push_back(incident);
         finish(world, transfer(world, {spec}));
       }},
      {"a file with a digest",
       [](SmallWorld& world) {
         FileSpec spec = world.file("a", 5000);
         spec.sha256 = SmallWorld::digest_of(content(5000));
         finish(world, transfer(world, {spec}));
       }},
      {"a file with the wrong digest",
       [](SmallWorld& world) {
         FileSpec spec = world.file("a", 700);
         spec.sha256 = SmallWorld::digest_of("something else");
         world.versions["a"].clear();
         world.hopeless.insert("wrong");
         JobOptions options;
         options.display_name = "wrong";
         transfer(world, {spec}, options);
       }},
      {"a job with other options",
       [](SmallWorld& world) {
         Job job = world.add({world.file("a", 700)});
         job.configure([](JobOptions& options) { options.display_name = "another"; });
         job.set_priority(Priority::high);
         world.save();
       }},
      {"files that come later",
       [](SmallWorld& world) {
         Job job = transfer(world, {world.file("a", 700)});
         if (world.dead()) return;
         job.add({world.file("b", 900, 2)});
         world.save();
         job.resume();
         world.run();
         finish(world, job);
       }},
      {"two jobs, one of them urgent",
       [](SmallWorld& world) {
         Job slow = world.add({world.file("a", 5000)});
         slow.resume();
         world.run_for(13ms);
         if (world.dead()) return;
         JobOptions urgent;
         urgent.priority = Priority::foreground;
         Job fast = world.add({world.file("b", 700, 2)}, urgent);
         fast.resume();
         world.run();
         finish(world, fast);
         finish(world, slow);
       }},
      {"a journal that is rewritten all the time",
       [](SmallWorld& world) {
         world.end_life();
         world.options.limits.journal_bytes_before_compaction = 1;
         world.start();
         finish(world, transfer(world, {world.file("a", 700), world.file("b", 300, 2)}));
       }},
      {"a file that replaces another",
       [](SmallWorld& world) {
         const FileSpec spec = world.file("a", 700);
         world.versions["a"].insert("what was there before");
         world.disk->put("/files/a", "what was there before");
         finish(world, transfer(world, {spec}));
       }},
      {"a queue that is closed and opened again",
       [](SmallWorld& world) {
         Job job = world.add({world.file("a", 9000)});
         job.resume();
         world.run_for(13ms);
         if (world.dead()) return;
         world.queue->close();
         world.run();
         if (world.dead()) return;
         world.end_life();
         world.start();
         world.run();
       }},
  };
  return all;
}

}  // namespace bgxfer::test
