"""Counts instructions and allocations on the hot path, which repeat where times do not, and compares them with what they were.

Fails when one has grown by more than a quarter. `--write` notes new counts, for changes that are meant.
"""

import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

REFERENCE = pathlib.Path(__file__).resolve().parent / "costs.json"
GROWTH_MAX = 1.25
CHUNK = 256 * 1024

# What a unit costs is the difference between much of it and little: starting and ending a queue is in neither.
QUESTIONS = {
    "a chunk of 256 KiB": ((1, 64 * CHUNK), (1, 192 * CHUNK), 128),
    "a file of 16 KiB": ((100, 16384), (500, 16384), 400),
    "a queued file": ((1000, "queue"), (5000, "queue"), 4000),
}


def cost(program, files, what):
    """Instructions, and how often memory was taken from the heap."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bgxfer-steps-"))
    try:
        done = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", program, folder, str(files), str(what)],
                              capture_output=True, text=True)
        found = re.search(r"Collected : (\d+)", done.stderr)
        if done.returncode != 0 or not found:
            raise SystemExit(f"steps {files} {what} failed under callgrind:\n{done.stdout}{done.stderr}")
        return int(found.group(1)), int(done.stdout)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def per_unit(program, few, much, units):
    (few_instructions, few_allocations), (instructions, allocations) = cost(program, *few), cost(program, *much)
    return {"instructions": round((instructions - few_instructions) / units),
            "allocations": round((allocations - few_allocations) / units, 1)}


def main():
    parser = argparse.ArgumentParser(prog="./dev bench --check", description=__doc__)
    parser.add_argument("--check", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--write", action="store_true", help="note the counts as the new reference")
    parser.add_argument("--programs", default="build/release", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    program = pathlib.Path(arguments.programs) / "benchmarks" / "steps"
    counts = {name: per_unit(program, *question) for name, question in QUESTIONS.items()}
    if arguments.write:
        REFERENCE.write_text(json.dumps(counts, indent=2) + "\n")
    reference = json.loads(REFERENCE.read_text())
    grown = False
    for name, units in counts.items():
        for unit, count in units.items():
            was = reference.get(name, {}).get(unit)
            if was is None:
                sys.exit(f"{name}: no {unit} in {REFERENCE.name}; note them with ./dev bench --check --write")
            too_much = count > was * GROWTH_MAX
            grown = grown or too_much
            print(f"{name}: {count} {unit}, {was} before{': GROWN' if too_much else ''}")
    sys.exit("The hot path has grown by more than a quarter. If it has to, say why and run ./dev bench --check --write."
             if grown else 0)


if __name__ == "__main__":
    main()
