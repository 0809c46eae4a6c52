"""Runs bgxfer and its peers in turn and says how we compare. See README.md; `./dev bench` builds and installs first."""

import argparse
import os
import pathlib
import platform
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from measure import Meter  # noqa: E402
from place import Place  # noqa: E402
from questions import ALL, Bench  # noqa: E402
from report import print_answer  # noqa: E402


def first_line(*words):
    return subprocess.run(words, capture_output=True, text=True).stdout.splitlines()[0]


def machine(place):
    model = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True,
                            cwd=pathlib.Path(__file__).parent).stdout.strip()
    peers = ", ".join([first_line("curl", "--version").split(" (")[0], first_line("aria2c", "--version"),
                       first_line("wget2", "--version")])
    return (f"{os.cpu_count()} x {model}, {memory:.0f} GiB, Linux {platform.release()}, {place.file_system()}, "
            f"load {os.getloadavg()[0]:.1f}, {first_line('g++', '--version')}, bgxfer {commit}; {peers}")


def main():
    parser = argparse.ArgumentParser(prog="./dev bench", description="bgxfer against its peers, and against bars.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which questions, of: {', '.join(ALL)} (all)")
    parser.add_argument("--json", action="store_true", help="answers as JSON lines on stdout; the tables go to stderr")
    parser.add_argument("--rounds", type=int, default=5, help="runs of every program for each question (5)")
    parser.add_argument("--folder", default=os.environ.get("TMPDIR", "/tmp"),
                        help="where files are served from and written to; /dev/shm leaves the disk out (%(default)s)")
    parser.add_argument("--programs", default="build/release", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in ALL]
    if unknown:
        parser.error(f"there is no question {unknown[0]}; there are: {', '.join(ALL)}")
    if arguments.rounds < 1:
        parser.error("--rounds must be 1 or more")

    out = sys.stderr if arguments.json else sys.stdout
    place = Place(arguments.programs, arguments.folder)
    answers = []
    try:
        line = machine(place)
        print(line, file=out)
        bench = Bench(place, Meter(place.program("meter"), place.root), arguments.rounds, out)
        for name in arguments.names or ALL:
            for answer in ALL[name](bench):
                answers.append(answer)
                print_answer(answer, out)
                out.flush()
                if arguments.json:
                    print(answer.line(line), flush=True)
    finally:
        place.close()
    short = [answer for answer in answers if not answer.ok]
    print(f"\n{len(answers)} answers, {len(short)} short", file=out)


if __name__ == "__main__":
    main()
