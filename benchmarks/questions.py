"""The questions: what each one runs, and the bar that it is held to."""

import hashlib
import json
import pathlib
import random
import subprocess
import time

from measure import Costs, in_turn
from place import MIB
from rated_server import RatedServer
from report import Bar, Answer, compare, limited, missing, print_costs

GIB = 1024 * MIB


class Bench:
    """What every question needs: the place, the meter, how often, and where the tables go."""

    def __init__(self, place, meter, rounds, out):
        self.place = place
        self.meter = meter
        self.rounds = rounds
        self.out = out

    def title(self, text):
        print(f"\n{text}", file=self.out, flush=True)

    def compete(self, contestants, names):
        """Runs all of them in turn; each has to bring the files of these names."""
        def before(_):
            self.place.empty_targets()

        def after(who):
            self.place.verify(names, who)

        costs = in_turn(self.rounds, {who: lambda words=words: self.meter.run(words) for who, words in contestants.items()},
                        before, after)
        print_costs(costs, self.out)
        return costs

    def compete_once(self, who, words, names):
        """One run of a program that takes so long, and varies so little, that one is enough."""
        self.place.empty_targets()
        cost = self.meter.run(words)
        self.place.verify(names, who)
        print_costs({f"{who} (once)": Costs([cost])}, self.out)
        return Costs([cost])

    def fetch(self, name, lines, *options):
        """Words that run our driver over a list of (url, name[, sha256])."""
        place = self.place
        path = place.write_list(name, ("\t".join([url, str(place.targets / pathlib.Path(target).name), *more])
                                       for url, target, *more in lines))
        return [place.program("fetch"), path, place.journal(), *options]

    def bgx_knows(self, option):
        told = subprocess.run([self.place.program("bgx"), "help", "get"], capture_output=True, text=True).stdout
        told += subprocess.run([self.place.program("bgx"), "help"], capture_output=True, text=True).stdout
        return option in told


def large(bench):
    """1 GiB over http to disk, as a user would fetch it."""
    place = bench.place
    place.serve("large.bin", GIB)
    url = place.server.url("large.bin")
    target = place.targets / "large.bin"
    port = place.server.port
    bench.title(f"1 GiB, http, to {place.file_system()}")
    costs = bench.compete({
        "bgxfer": [place.program("bgx"), "get", "-q", url, "-o", target, "--journal", place.journal()],
        "curl": ["curl", "-s", "-o", target, url],
        "aria2 -x4": ["aria2c", "-q", "--no-conf", "--file-allocation=falloc", "-x4", "-s4", "-d", place.targets, url],
        "wget2": ["wget2", "-q", "--no-config", "-O", target, url],
        "floor": [place.program("floor"), "plain", "127.0.0.1", port, "/large.bin", target],
        "floor + sync": [place.program("floor"), "plain", "127.0.0.1", port, "/large.bin", target, "sync"],
    }, ["large.bin"])
    note = "the peers leave their bytes to the kernel; ours are durable before bgx says so, as those of `floor + sync`"
    yield compare("1 GiB http: CPU", "cpu", costs, [Bar("curl", 0.50), Bar("aria2 -x4", 0.40), Bar("floor", 1.15)], note)
    yield compare("1 GiB http: wall", "wall", costs, [Bar("curl", 0.65), Bar("the best peer", 1.0)], note)
    yield limited("peak RSS: 1 GiB single", round(costs["bgxfer"].median("rss"), 2), "MiB", 10)


def tls(bench):
    """1 GiB over TLS 1.3."""
    place = bench.place
    place.serve("large.bin", GIB)
    url = f"https://127.0.0.1:{place.server.tls_port}/large.bin"
    target = place.targets / "large.bin"
    authority = place.server.authority
    bench.title(f"1 GiB, TLS 1.3, to {place.file_system()}")
    costs = bench.compete({
        "bgxfer": [place.program("bgx"), "get", "-q", url, "-o", target, "--cacert", authority, "--journal", place.journal()],
        "curl": ["curl", "-s", "--tlsv1.3", "--cacert", authority, "-o", target, url],
        "wget2": ["wget2", "-q", "--no-config", "--no-http2", f"--ca-certificate={authority}", "-O", target, url],
        "floor": [place.program("floor"), "tls", "127.0.0.1", place.server.tls_port, "/large.bin", target, authority],
    }, ["large.bin"])
    yield compare("1 GiB TLS 1.3: CPU", "cpu", costs, [Bar("curl", 0.80), Bar("floor", 1.12)])


def hashed(bench):
    """1 GiB with its SHA-256 checked on the way, on an executor of two threads."""
    place = bench.place
    path = place.serve("large.bin", GIB)
    digest = subprocess.run([place.program("floor"), "hash", path], capture_output=True, text=True, check=True).stdout.strip()
    url = place.server.url("large.bin")
    bench.title(f"1 GiB, http, SHA-256, two threads, to {place.file_system()}")
    costs = in_turn(bench.rounds, {
        "bgxfer": lambda: bench.meter.run(bench.fetch("hashed", [(url, "large.bin", digest)], "--threads", 2)),
        "ours without": lambda: bench.meter.run(bench.fetch("plain", [(url, "large.bin")], "--threads", 2)),
        "hashing alone": lambda: bench.meter.run([place.program("floor"), "hash", path]),
    }, lambda _: place.empty_targets(), lambda who: who == "hashing alone" or place.verify(["large.bin"], who))
    print_costs(costs, bench.out)
    ours, without, alone = costs["bgxfer"], costs["ours without"], costs["hashing alone"]
    larger = max(without.median("wall"), alone.median("wall"))
    both = without.median("cpu") + alone.median("cpu")
    yield Answer("1 GiB with SHA-256, two threads: wall", round(ours.median("wall"), 4), "s",
                 {"the larger of without and hashing alone": round(larger, 4)},
                 [Bar("the larger", 1.10)], {"the larger": round(ours.median("wall") / larger, 4)})
    yield Answer("1 GiB with SHA-256, two threads: CPU", round(ours.median("cpu"), 4), "s", {"without + hashing alone": round(both, 4)},
                 [Bar("the sum", 1.10)], {"the sum": round(ours.median("cpu") / both, 4)})


def small(bench):
    """10 000 files of 1 to 64 KiB from one origin."""
    place = bench.place
    sizes = random.Random(5)
    names = place.serve_many("small", [sizes.randint(1024, 64 * 1024) for _ in range(10_000)])
    urls = [(place.server.url(name), name) for name in names]
    bench.title(f"10 000 files of 1 to 64 KiB, http, to {place.file_system()}")
    words = several_files(bench, "small", urls, 4, aria2=["-j16", "-x1"])
    slowest = words.pop("aria2")
    costs = bench.compete(words, names)
    costs["aria2"] = bench.compete_once("aria2", slowest, names)
    yield compare("10 000 small files: wall", "wall", costs, [Bar("the best peer", 0.80)])
    yield compare("10 000 small files: CPU", "cpu", costs, [Bar("curl -K", 1.0)])


def several_files(bench, name, urls, parallel, aria2=None, curl_parallel=None):
    """Who fetches a list of files, and how each of them is told."""
    place = bench.place
    config = place.write_list(f"{name}.curl", (f'url="{url}"\noutput="{place.targets / pathlib.Path(target).name}"'
                                               for url, target in urls))
    plain = place.write_list(f"{name}.urls", (url for url, _ in urls))
    words = {
        "bgxfer": bench.fetch(name, urls, "--parallel", parallel),
        "curl -K": ["curl", "-s", "-K", config],
        "curl -Z": ["curl", "-s", "-Z", *(["--parallel-max", curl_parallel] if curl_parallel else []), "-K", config],
    }
    if aria2:
        words["wget2"] = ["wget2", "-q", "--no-config", "-i", plain, "-P", place.targets]
        words["aria2"] = ["aria2c", "-q", "--no-conf", "--file-allocation=none", *aria2, "-i", plain, "-d", place.targets]
    return words


def far(bench):
    """2 000 files of 16 KiB behind a line that takes 20 ms each way, 8 at once."""
    place = bench.place
    names = place.serve_many("far", [16 * 1024] * 2_000)
    port = place.relay(place.server.port, 20)
    urls = [(f"http://127.0.0.1:{port}/{name}", name) for name in names]
    bench.title("2 000 files of 16 KiB behind 20 ms each way, 8 at once")
    words = several_files(bench, "far", urls, 8, curl_parallel=8)
    one_by_one = words.pop("curl -K")
    costs = bench.compete(words, names)
    costs["curl -K"] = bench.compete_once("curl -K", one_by_one, names)
    yield compare("2 000 files behind 20 ms each way, 8 at once: wall", "wall", costs, [Bar("curl -Z", 1.0), Bar("curl -K", 0.15)])


HALF = 512 * MIB
PIECE = MIB


def limited_server(bench):
    """512 MiB from a server that gives 8 MB/s to a connection."""
    question = "512 MiB from a server of 8 MB/s per connection, 8 connections"
    bars = [Bar("one connection", 7.6, True), Bar("aria2 -x8 -s8", 1.0)]
    if not bench.bgx_knows("--connections"):
        yield missing(question, "not built yet: several connections for one file", bars)
        return
    place = bench.place
    place.serve("half.bin", HALF)
    url = place.server.url("8MBps/half.bin")
    target = place.targets / "half.bin"
    bench.title(question)
    costs = bench.compete({
        "bgxfer": [place.program("bgx"), "get", "-q", "--connections", 8, url, "-o", target, "--journal", place.journal()],
        "aria2 -x8 -s8": ["aria2c", "-q", "--no-conf", "--file-allocation=falloc", "-x8", "-s8", "-k1M", "-d", place.targets, url],
    }, ["half.bin"])
    answer = compare(question, "wall", costs, [bars[1]])
    answer.bars.insert(0, bars[0])
    one = HALF / 8e6
    answer.peers["one connection"] = round(one, 3)
    answer.ratios["one connection"] = round(one / answer.ours, 3)
    yield answer


def mirrors(bench):
    """Three mirrors of different speed for one file; then one of them dies, or lies."""
    question = "three mirrors of 4, 16 and 32 MB/s for one file"
    bar = Bar("the sum of their speeds", 0.95, True)
    share = Bar("what the others give", 0.95, True)
    dying, lying = f"{question}: that of 16 dies after a quarter", f"{question}: that of 16 lies"
    if not bench.bgx_knows("--mirror"):
        for asked, held in ((question, bar), (dying, share), (lying, share)):
            yield missing(asked, "not built yet: several sources for one file", [held])
        return
    path = bench.place.serve("half.bin", HALF)
    pieces = write_pieces(bench, path)
    for asked, held, middle, more in ((question, bar, {}, []), (dying, share, {"dies_after": HALF // 4}, []),
                                      (lying, share, {"lies": True}, ["--pieces", pieces])):
        bench.title(asked)
        ratios = [fetch_from_mirrors(bench, path, middle, more) for _ in range(bench.rounds)]
        yield Answer(asked, sorted(ratios)[len(ratios) // 2], "x", {held.against: 1}, [held],
                     {held.against: sorted(ratios)[len(ratios) // 2]})


def write_pieces(bench, path):
    """The SHA-256 of every MiB, for who has to tell a mirror that lies."""
    lines = [HALF, PIECE]
    with open(path, "rb") as file:
        while (piece := file.read(PIECE)):
            lines.append(hashlib.sha256(piece).hexdigest())
    return bench.place.write_list("pieces", lines)


def fetch_from_mirrors(bench, path, middle, more):
    """One run, as the share of the time that the bytes would take from mirrors that lose none of theirs."""
    place = bench.place
    place.empty_targets()
    servers = [RatedServer(path, 32e6), RatedServer(path, 16e6, **middle), RatedServer(path, 4e6)]
    try:
        words = bench.fetch("mirrors", [(servers[0].url(), "half.bin")], "--connections", 3, "--mirror", servers[1].url(),
                            "--mirror", servers[2].url(), "--count", *more)
        cost = bench.meter.run(words)
    finally:
        for server in servers:
            server.close()
    place.verify(["half.bin"], "bgxfer")
    print_costs({"bgxfer": Costs([cost])}, bench.out)
    given = middle.get("dies_after", 0)
    speed = 36e6 if middle else 52e6
    ideal = dying_time(given) if given else HALF / speed
    return round(ideal / json.loads(cost.output)["seconds"], 4)


def dying_time(given):
    """All three until the one of 16 MB/s has given its last byte, then the other two."""
    until = given / 16e6
    return until + (HALF - 52e6 * until) / 36e6


def slow_tail(bench):
    """One of eight connections is given 1 % of the speed of the others."""
    question = "the last 1 % with one of 8 connections at 1 % of the speed"
    bar = Bar("of the total time", 0.02)
    if not bench.bgx_knows("--connections"):
        yield missing(question, "not built yet: several connections for one file", [bar])
        return
    place = bench.place
    path = place.serve("half.bin", HALF)
    bench.title(question)
    shares = []
    for _ in range(bench.rounds):
        place.empty_targets()
        server = RatedServer(path, 8e6, slow_one=3, slow_rate=8e4)
        try:
            cost = bench.meter.run(bench.fetch("tail", [(server.url(), "half.bin")], "--connections", 8))
            seconds = json.loads(cost.output)["seconds"]
            shares.append(server.seconds_of_last(0.01, HALF) / seconds)
        finally:
            server.close()
        place.verify(["half.bin"], "bgxfer")
        print_costs({"bgxfer": Costs([cost])}, bench.out)
    share = round(sorted(shares)[len(shares) // 2], 4)
    yield Answer(question, share, "x", {"the total time": 1}, [bar], {bar.against: share})


def many_at_once(bench):
    """What 64 files at once take in memory, with and without TLS."""
    place = bench.place
    names = place.serve_many("middle", [16 * MIB] * 64)
    for question, limit, base, more in (
            ("peak RSS: 64 files at once", 32, place.server.url(""), []),
            ("peak RSS: 64 files at once over TLS", 40, f"https://127.0.0.1:{place.server.tls_port}/", ["--ca", place.server.authority])):
        bench.title(f"64 files of 16 MiB at once, {base.split(':')[0]}")
        urls = [(base + name, name) for name in names]
        costs = bench.compete({"bgxfer": bench.fetch("middle", urls, "--parallel", 64, *more)}, names)
        yield limited(question, round(costs["bgxfer"].median("rss"), 2), "MiB", limit)


def queued(bench):
    """1 000 000 files in the queue."""
    place = bench.place
    bench.title("1 000 000 queued files in 10 jobs")
    added, reopened = [], []
    folder = place.root / "patch"
    folder.mkdir(exist_ok=True)
    for _ in range(bench.rounds):
        place.empty_targets()
        words = [place.journal(), folder, 1_000_000, 10]
        added.append(json.loads(bench.meter.run([place.program("queued"), "add", *words]).output))
        reopened.append(json.loads(bench.meter.run([place.program("queued"), "reopen", *words]).output))
        if reopened[-1]["files"] != 1_000_000:
            raise SystemExit(f"queued: {reopened[-1]['files']} files came back of 1 000 000")
    middle = lambda runs, key: sorted(run[key] for run in runs)[len(runs) // 2]  # noqa: E731
    size = place.journal().stat().st_size / 1e6
    print(f"  add {middle(added, 'seconds'):.2f} s, {middle(added, 'bytes_per_file'):.0f} bytes a file resident after it; "
          f"reopen {middle(reopened, 'seconds'):.2f} s, {middle(reopened, 'bytes_per_file'):.0f} bytes a file after it; "
          f"journal {size:.0f} bytes a file", file=bench.out)
    yield limited("1 000 000 queued files: add", round(middle(added, "seconds"), 3), "s", 2)
    yield limited("1 000 000 queued files: RSS", max(middle(added, "bytes_per_file"), middle(reopened, "bytes_per_file")),
                  "bytes per file", 400)
    yield limited("1 000 000 queued files: reopen", round(middle(reopened, "seconds"), 3), "s", 3)


def arrival(bench):
    """An urgent job while four background transfers saturate the line."""
    place = bench.place
    place.serve("large.bin", GIB)
    urgent = place.serve_many("urgent", [256 * 1024] * 20)
    bench.title("an urgent job comes while 4 background transfers saturate")
    url = place.server.url
    lines = [f"{url('large.bin')}\t{place.targets}/background{i}.bin" for i in range(4)]
    lines += [f"{url(name)}\t{place.targets / pathlib.Path(name).name}" for name in urgent]
    path = place.write_list("arrival", lines)
    times, again = [], 0
    for _ in range(min(bench.rounds, 3)):
        place.empty_targets()
        told = json.loads(bench.meter.run([place.program("arrival"), path, place.journal()]).output)
        place.verify(urgent, "arrival")
        for i in range(4):
            (place.targets / f"background{i}.bin").rename(place.targets / "large.bin")
            place.verify(["large.bin"], "arrival")
        times += told["milliseconds"]
        again += told["fetched_again"]
    times.sort()
    print(f"  {len(times)} arrivals: median {times[len(times) // 2]:.2f} ms, slowest {times[-1]:.2f} ms; {again} bytes fetched again",
          file=bench.out)
    yield limited("an urgent job's first byte, the slowest of all", times[-1], "ms", 10)
    yield limited("bytes that a background transfer fetched again", again, "bytes", 0)


def idle(bench, seconds=60):
    """10 000 suspended jobs and nothing to do."""
    place = bench.place
    bench.title(f"10 000 suspended jobs for {seconds} s")
    place.empty_targets()
    with subprocess.Popen([place.program("idle"), place.journal(), place.targets, "10000"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as process:
        if process.stdout.readline().strip() != "10000":
            raise SystemExit("idle: did not get its jobs")
        time.sleep(3)  # What there was to write has been written.
        before = wake_ups(process.pid)
        time.sleep(seconds)
        after = wake_ups(process.pid)
        process.stdin.close()
        process.wait(timeout=60)
    print(f"  {after[0] - before[0]} wake-ups, {after[1] - before[1]} ticks, {after[2]} threads", file=bench.out)
    yield limited("idle, 10 000 suspended jobs: wake-ups", after[0] - before[0], "wake-ups", 0)
    yield limited("idle, 10 000 suspended jobs: CPU", after[1] - before[1], "ticks", 0)


def wake_ups(pid):
    """Voluntary context switches and ticks of processor time of all threads, and how many threads there are."""
    switches = ticks = 0
    tasks = list(pathlib.Path(f"/proc/{pid}/task").iterdir())
    for task in tasks:
        for line in (task / "status").read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches:"):
                switches += int(line.split()[1])
        fields = (task / "stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return switches, ticks, len(tasks)


def journal(bench):
    """What the journal writes and syncs while 1 GiB arrives at 50 MB/s."""
    place = bench.place
    place.serve("large.bin", GIB)
    bench.title("the journal while 1 GiB arrives at 50 MB/s")
    place.empty_targets()
    words = bench.fetch("journal", [(place.server.url("50MBps/large.bin"), "large.bin")], "--count")
    told = json.loads(bench.meter.run(words).output)
    place.verify(["large.bin"], "fetch")
    share = 100 * told["log_bytes"] / told["bytes"]
    print(f"  {told['log_bytes']} bytes in {told['log_appends']} writes, {told['log_syncs']} syncs of the journal and "
          f"{told['file_syncs']} of the file in {told['seconds']:.1f} s", file=bench.out)
    yield limited("journal bytes per payload byte", round(share, 5), "%", 0.1)
    print(f"  {told['steady_syncs']} of both in the {told['steady_seconds']:.1f} s between the first checkpoint and the last",
          file=bench.out)
    yield limited("syncs per second in steady state, journal and file together",
                  round(told["steady_syncs"] / told["steady_seconds"], 3), "per second", 1)


def durability(bench):
    """The same 1 GiB with checkpoints and without."""
    place = bench.place
    place.serve("large.bin", GIB)
    lines = [(place.server.url("large.bin"), "large.bin")]
    bench.title(f"1 GiB with checkpoints and without, to {place.file_system()}")
    costs = bench.compete({
        "with": bench.fetch("durable", lines),
        "without": bench.fetch("durable", lines, "--checkpoint-ms", 3_600_000),
        "every 100 ms": bench.fetch("durable", lines, "--checkpoint-ms", 100),
        "with, spare_page_cache": bench.fetch("durable", lines, "--spare-page-cache"),
    }, ["large.bin"])
    share = costs["without"].median("wall") / costs["with"].median("wall")
    yield Answer("throughput with checkpoints", round(share, 4), "x", {"without": 1}, [Bar("without", 0.95, True)],
                 {"without": round(share, 4)}, note="both end with one sync of the file, as every job does")


PATCH_FILES = 200_000
PATCH_BYTES = 50_000_000_000
LINE = 125e6
ROUND_TRIP = 0.030


def predicted(at_once, files=PATCH_FILES):
    """docs/performance.md: either the line is full, or every file costs a round trip and its share of the line."""
    each = PATCH_BYTES / PATCH_FILES
    return max(files * each / LINE, files / at_once * (ROUND_TRIP + each / LINE))


def model(bench):
    """50 GB in 200 000 files over 1 Gbit/s with 30 ms: what the cost model says, and what the queue does in virtual time."""
    bench.title("50 GB in 200 000 files over 1 Gbit/s with 30 ms, in virtual time")
    for at_once in (4, 8, 16, 32):
        words = [bench.place.program("model"), PATCH_FILES, PATCH_BYTES // PATCH_FILES, int(LINE), int(ROUND_TRIP * 1000), at_once]
        cost = bench.meter.run(words)
        told = json.loads(cost.output)
        if told["bytes"] != PATCH_BYTES:
            raise SystemExit(f"model: {told['bytes']} bytes came of {PATCH_BYTES}")
        says = predicted(at_once)
        print(f"  {at_once:2} files at once: predicted {says:7.1f} s, simulated {told['seconds']:7.1f} s; the simulation took "
              f"{cost.cpu:.0f} s", file=bench.out)
        yield Answer(f"the cost model for a patch, {at_once} files at once", told["seconds"], "s", {"predicted": round(says, 1)},
                     [Bar("off the prediction", 0.05)],
                     {"off the prediction": round(abs(told["seconds"] / says - 1), 4)})


ALL = {
    "large": large, "tls": tls, "hashed": hashed, "small": small, "far": far, "limited": limited_server, "mirrors": mirrors,
    "tail": slow_tail, "memory": many_at_once, "queued": queued, "arrival": arrival, "idle": idle, "journal": journal,
    "durability": durability, "model": model,
}
