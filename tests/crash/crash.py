#!/usr/bin/env python3
"""SIGKILL at random times: a real nginx, a real bgx, and a queue that has to survive it.

    ./dev crash --kills 200 [--seed N] [--worlds N] [--https]

Several worlds at the same time, each with a server and a queue of its own. In rounds: several jobs are added, and `bgx run`
is killed again and again until the queue is done. Between kills jobs get other priorities, and files change on the server.
Kills fall at random, or at the moment in which the journal is rewritten, or in which hundreds of files get their names.
Checked are

- that every file ends byte-exact as a version that was served, never a mixture, and nothing else is left in the folder;
- that no job is lost: one whose id was printed is in the queue after every kill, or its files are in place;
- what each kill costs. Measured in three independent ways, and the worst counts:
    report   what the next run says it has to fetch again, per file (RestoreReport.bytes_to_fetch_again);
    shown    the progress that the killed run had last printed of a file, minus where the next run goes on;
    disk     the size of the temporary file when the process was dead, minus where the next run goes on.
  Each must be at most 1 MiB per file in flight. A file that changed on the server starts again, and is not counted.
  A file that was being synced when its run was killed costs what a power cut would have, all since its last checkpoint;
  nobody can tell whether the sync had failed (docs/architecture.md, ordering rule 5). So does one whose run was killed
  in the middle of a write to the journal. Those are counted apart, as `bgx doctor` finds them in the journal.

"fetched again in all" is the sum of these costs. "sent twice" is what the server's log says it sent, minus the sizes of
the files: an upper bound, most of which is what the kernel's socket buffers held when bgx died, and which never arrived.
"""

import argparse
import filecmp
import hashlib
import json
import multiprocessing
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from nginx import Nginx  # noqa: E402

MIB = 1 << 20
COST_MAX = MIB
AS_A_POWER_CUT = ("the last run ended while these bytes were being synced", "what the journal said of these bytes is lost")
MUTABLE = ("mutable-1", "mutable-2", "mutable-3")


class Violation(Exception):
    """Something that must not be."""


class WrongBytes(Violation):
    """A file that is not what was served."""


class LostJob(Violation):
    """A job that was promised and is not there."""


class Figures:
    """What the summary prints."""

    def __init__(self):
        self.kills = 0
        self.rounds = 0
        self.files = 0
        self.bytes = 0
        self.worst = {"report": 0, "shown": 0, "disk": 0, "sync": 0}
        self.cost = 0
        self.killed_syncs = 0
        self.sent = 0
        self.killed_adds = 0
        self.killed_rewrites = 0
        self.killed_commits = 0
        self.changed_files = 0
        self.wrong_bytes = 0
        self.lost_jobs = 0
        self.changed_jobs = 0

    def note(self, way, cost):
        self.worst[way] = max(self.worst[way], cost)

    def add(self, other):
        for name, value in vars(other).items():
            if name == "worst":
                for way, cost in value.items():
                    self.note(way, cost)
            else:
                setattr(self, name, getattr(self, name) + value)


def json_lines(path):
    """The whole lines of a run's output; a killed run may have left a part of one."""
    text = path.read_bytes()
    lines = text[: text.rfind(b"\n") + 1].splitlines()
    return [json.loads(line) for line in lines]


class Round:
    """Some jobs, from adding them until every file is in place."""

    def __init__(self, bgx, nginx, folder, dice, figures, kills_max, https):
        self.bgx = bgx
        self.nginx = nginx
        self.dice = dice
        self.figures = figures
        self.kills_max = kills_max
        self.https = https
        self.out = folder / "out"
        self.out.mkdir()
        self.journal = folder / "queue.journal"
        self.log = folder / "log"
        self.jobs = {}      # id -> names of its files
        self.expected = {}  # name -> the file that is served
        self.versions = {}  # a file that is served -> the digests of its versions that are gone
        self.changed = set()  # names of the files whose source has changed
        # What the last killed run left: (job, file index) -> bytes
        self.shown = {}
        self.sizes = {}
        self.syncing = set()  # (job, file index) that were being synced
        self.forgotten = set()  # Those of earlier kills too: their temporary files are longer than what is believed of them

    def url(self, name):
        return self.nginx.https_url(name) if self.https else self.nginx.url(name)

    def command(self, *words):
        return [str(self.bgx), *words, "--journal", str(self.journal), "--json"]

    def call(self, *words):
        return subprocess.run(self.command(*words), capture_output=True, text=True, timeout=120)

    def add(self, served, *options, killed_after=None):
        names = [f"{len(self.expected) + i:04}-{name}" for i, name in enumerate(served)]
        pairs = [word for name, source in zip(names, served) for word in (self.url(source), str(self.out / name))]
        command = self.command("add", *options, *pairs)
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if killed_after is not None:
            time.sleep(killed_after)
            if process.poll() is None:
                process.kill()
                self.figures.kills += 1
                self.figures.killed_adds += 1
        said, complaint = process.communicate()
        self.expected.update({name: self.nginx.www / source for name, source in zip(names, served)})
        if said.endswith("\n"):
            self.jobs[json.loads(said)["id"]] = names
        elif killed_after is None:
            raise Violation(f"add failed: {complaint}")
        else:
            # No id was given, so the job may be there or not.
            listed = self.listed()
            unknown = [job for job in listed if job not in self.jobs]
            for job in unknown:
                self.jobs[job] = names
            if not unknown:
                for name in names:
                    del self.expected[name]

    def listed(self):
        answer = self.call("list")
        if answer.returncode != 0:
            raise Violation(f"list failed: {answer.stderr}")
        return [json.loads(line)["id"] for line in answer.stdout.splitlines()]

    def in_place(self, name):
        target = self.out / name
        if not target.exists():
            return False
        source = self.expected[name]
        return filecmp.cmp(target, source, shallow=False) or digest(target) in self.versions.get(source, ())

    def disturb(self):
        """What a host and a server may do between two runs."""
        if self.dice.random() < 0.2:
            job = self.dice.choice(list(self.jobs))
            priority = self.dice.choice(("foreground", "high", "normal", "low"))
            self.figures.changed_jobs += self.call("set", job, f"priority={priority}").returncode == 0
        if self.dice.random() < 0.15:
            source = self.dice.choice([self.nginx.www / name for name in MUTABLE])
            self.versions.setdefault(source, set()).add(digest(source))
            replace_file(source, self.dice.randbytes(source.stat().st_size + self.dice.choice((0, 0, 1, 4096))))
            self.changed.update(name for name, served in self.expected.items() if served == source)
            self.figures.changed_files += 1

    def run_until_done(self, rate):
        while True:
            words = ["run", "--retry-delay", "0.1", "--parallel", "3", "--compact-at", "4k"]
            if rate:
                words += ["--limit-rate", str(rate)]
            if self.https:
                words += ["--cacert", str(self.nginx.authority)]
            patience = None
            if self.figures.kills < self.kills_max:
                patience = self.dice.choice([self.dice.uniform(0.01, 0.1), self.dice.uniform(0.05, 0.3)])
            with open(self.log, "wb") as log:
                process = subprocess.Popen(self.command(*words), stdout=log, stderr=subprocess.PIPE)
                if patience is not None and self.dice.random() < 0.4:
                    self.kill_in_the_act(process, patience * 4)
                try:
                    process.wait(timeout=patience if patience is not None else 300)
                except subprocess.TimeoutExpired:
                    process.kill()
                complaint = process.communicate()[1].decode()
            killed = process.returncode == -9
            events = json_lines(self.log)
            self.check_start(events)
            self.take_note(events, killed)
            if killed:
                if patience is None:
                    raise Violation("bgx run did not end")
                self.figures.kills += 1
                self.disturb()
                continue
            if process.returncode != 0:
                raise Violation(f"bgx run ended with {process.returncode}: {complaint}")
            return

    def kill_in_the_act(self, process, patience):
        """Kills while the journal is being rewritten, or while files get their names; not at all if neither comes."""
        rewriting = self.journal.with_name(self.journal.name + ".new")
        begun = self.journal.exists()
        had = self.named()
        end = time.monotonic() + patience
        while time.monotonic() < end and process.poll() is None:
            if begun and rewriting.exists():
                process.kill()
                self.figures.killed_rewrites += 1
                return
            if had < self.named():
                process.kill()
                self.figures.killed_commits += 1
                return
            time.sleep(0.0005)

    def named(self):
        """How many files have their names."""
        return sum(not name.startswith(".") for name in os.listdir(self.out))

    def check_start(self, events):
        """The first events of a run, held against what was there when the last one was killed."""
        restored = [event for event in events if event["event"] == "restored"]
        if not restored:
            return  # Killed before it had read the journal: the next one is held against the same.
        jobs = {event["id"]: event for event in events if event["event"] == "job"}
        if len(jobs) < restored[0]["jobs"]:
            return  # Killed while it was still telling.
        for job, names in self.jobs.items():
            if job not in jobs and not all(self.in_place(name) for name in names):
                raise LostJob(f"job {job} is lost")
        costs = {}
        for lost in restored[0]["files"]:
            self.compare("report", (lost["job"], lost["file"]), lost["bytes"], costs)
        for way, before in (("shown", self.shown), ("disk", self.sizes)):
            for (job, index), size in before.items():
                if job in jobs:
                    self.compare(way, (job, index), size - jobs[job]["files"][index]["bytes"], costs)
        self.figures.cost += sum(costs.values())
        self.shown = {}
        self.sizes = {}
        self.syncing = set()

    def compare(self, way, file, cost, costs):
        job, index = file
        if cost <= 0 or self.jobs[job][index] in self.changed:
            return
        if file in self.syncing:
            way = "sync"
        self.figures.note(way, cost)
        costs[file] = max(cost, costs.get(file, 0))
        if cost > COST_MAX and way != "sync":
            raise Violation(f"a kill cost {cost} bytes of file {file} ({way}); at most {COST_MAX} are allowed")

    def take_note(self, events, killed):
        """What a run had reached when it ended."""
        told = any(event["event"] == "restored" for event in events)
        if killed:
            self.find_syncs()
        for event in events:
            if event["event"] == "progress":
                for file in event["files"]:
                    self.shown[event["job"], file["file"]] = file["bytes"]
        if not killed or not told:
            return
        for event in events:
            if event["event"] != "job":
                continue
            for index, file in enumerate(event["files"]):
                temporary = pathlib.Path(file["temporary"]) if "temporary" in file else None
                if temporary and temporary.exists() and (event["id"], index) not in self.forgotten:
                    self.sizes[event["id"], index] = temporary.stat().st_size

    def find_syncs(self):
        """Which files were being synced when the run was killed."""
        answer = self.call("doctor")
        if not answer.stdout:
            return  # There is no journal yet.
        lost = json.loads(answer.stdout.splitlines()[-1])["lost"]
        found = {(it["job"], it["file"]) for it in lost if it["why"] in AS_A_POWER_CUT}
        self.figures.killed_syncs += bool(found)
        self.syncing |= found
        self.forgotten |= found

    def check_end(self):
        left = self.listed()
        if left:
            raise Violation(f"jobs are left over: {left}")
        for name in self.expected:
            if not self.in_place(name):
                raise WrongBytes(f"{name} is not what was served")
        others = {path.name for path in self.out.iterdir()} - set(self.expected)
        if others:
            raise Violation(f"left behind: {sorted(others)}")
        self.figures.rounds += 1
        self.figures.files += len(self.expected)
        self.figures.bytes += sum(source.stat().st_size for source in self.expected.values())


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def replace_file(path, content):
    """Another file of the same name, with an entity tag of its own."""
    fresh = path.with_name(path.name + ".fresh")
    fresh.write_bytes(content)
    before = path.stat().st_mtime_ns if path.exists() else 0
    os.utime(fresh, ns=(before, max(before + 10**9, time.time_ns())))
    os.replace(fresh, path)


def serve_files(nginx, dice):
    """Random files: large ones that kills land in, and small ones."""
    large = []
    for size in (6, 9, 14, 7):
        name = f"large-{size}"
        (nginx.www / name).write_bytes(dice.randbytes(size * MIB + dice.randrange(100_000)))
        large.append(name)
    small = []
    for i in range(60):
        name = f"small-{i}"
        (nginx.www / name).write_bytes(dice.randbytes(dice.choice([0, 1, dice.randrange(1, 65536)])))
        small.append(name)
    for name in MUTABLE:
        replace_file(nginx.www / name, dice.randbytes(3 * MIB + dice.randrange(100_000)))
    return large, small


def crash(arguments, folder, seed, kills, figures):
    dice = random.Random(seed)
    nginx = Nginx(folder / "nginx", tls=arguments.https)
    try:
        large, small = serve_files(nginx, dice)
        while figures.kills < kills:
            place = folder / "round"
            place.mkdir()
            it = Round(arguments.bgx, nginx, place, dice, figures, kills, arguments.https)
            it.add(large[:3], "--name", "three at once", "--parallel", "3", "--priority", "foreground")
            it.add(large[3:], "--name", "one large", "--priority", "foreground")
            it.add(small[:1], "--name", "killed while added", killed_after=dice.uniform(0.0, 0.015))
            it.add(small, "--name", "many small", "--parallel", "3")
            it.add(large[:1] + small[:3], "--name", "a mixture", "--priority", "low")
            it.add(list(MUTABLE), "--name", "changes on the server", "--priority", "high")
            it.add(small * 8, "--name", "a commit of hundreds of files", "--parallel", "8", "--priority", "high")
            it.run_until_done(dice.choice([8 * MIB, 25 * MIB, 80 * MIB]))
            it.check_end()
            shutil.rmtree(place)
    finally:
        nginx.close()
        figures.sent = nginx.bytes_sent()


def world(arguments, number, kills, results):
    """A world of its own, in a process of its own: what it saw and how it ended."""
    figures = Figures()
    verdict = "ok"
    with tempfile.TemporaryDirectory(prefix="bgx-crash-", dir=arguments.folder) as folder:
        try:
            crash(arguments, pathlib.Path(folder), f"{arguments.seed}/{number}", kills, figures)
        except Exception as failure:  # Whatever it is, the others have to hear of it.
            figures.wrong_bytes += isinstance(failure, WrongBytes)
            figures.lost_jobs += isinstance(failure, LostJob)
            verdict = f"VIOLATION: {failure}" if isinstance(failure, Violation) else f"failed: {failure!r}"
            kept = pathlib.Path(tempfile.mkdtemp(prefix="bgx-crash-kept-", dir=arguments.folder))
            shutil.copytree(pathlib.Path(folder) / "round", kept / "round", dirs_exist_ok=True)
            verdict += f" (world {number}; what was there is kept in {kept})"
    results.put((figures, verdict))


def main():
    parser = argparse.ArgumentParser(description="SIGKILL bgx at random times, and check that nothing is lost.")
    parser.add_argument("--bgx", type=pathlib.Path, required=True)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--worlds", type=int, help="side by side; by default as many as keep two cores busy")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--https", action="store_true")
    parser.add_argument("--folder", type=pathlib.Path, help="where files go (the system's folder for temporary ones)")
    arguments = parser.parse_args()
    arguments.bgx = arguments.bgx.resolve()
    worlds = arguments.worlds or max(1, min(6, arguments.kills // 25))

    print(f"seed {arguments.seed}, {worlds} worlds", flush=True)
    began = time.monotonic()
    results = multiprocessing.Queue()
    for number in range(worlds):
        kills = arguments.kills // worlds + (number < arguments.kills % worlds)
        multiprocessing.Process(target=world, args=(arguments, number, kills, results)).start()
    figures = Figures()
    verdicts = []
    for _ in range(worlds):
        seen, verdict = results.get()
        figures.add(seen)
        verdicts.append(verdict)
    bad = [verdict for verdict in verdicts if verdict != "ok"]
    seconds = time.monotonic() - began
    print(
        f"crash: {figures.kills} kills ({figures.killed_adds} of bgx add, {figures.killed_rewrites} while the journal was "
        f"rewritten, {figures.killed_commits} while files got their names, {figures.killed_syncs} during a sync), "
        f"{figures.changed_jobs} other priorities, "
        f"{figures.changed_files} files changed on the server, in {figures.rounds} rounds; "
        f"{figures.files} files, {figures.bytes / MIB:.0f} MiB byte-exact; {figures.wrong_bytes} with wrong bytes, "
        f"{figures.lost_jobs} jobs lost; "
        f"worst cost of one kill for one file: {figures.worst['report']} bytes (report), "
        f"{figures.worst['shown']} (shown), {figures.worst['disk']} (disk), allowed {COST_MAX}, and {figures.worst['sync']} during its sync; "
        f"{figures.cost / max(1, figures.kills) / 1024:.0f} KiB on average over all files; "
        f"fetched again in all {figures.cost / MIB:.1f} MiB, sent twice at most "
        f"{max(0, figures.sent - figures.bytes) / MIB:.1f} MiB; {seconds:.0f} s, "
        f"{figures.kills / seconds * 60:.0f} kills a minute; {'; '.join(bad) or 'ok'}"
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
