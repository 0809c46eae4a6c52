#!/usr/bin/env python3
"""Prints what of each room the programs of a build with --coverage have reached, and fails if that is too little.

    coverage.py BUILD_DIR             one line for each room, and the files where most is missing
    coverage.py BUILD_DIR FILE...     the lines of these files that are missing something

A branch counts where the source decides: in a statement with `if`, `for`, `while`, `switch`, `?`, `&&` or `||`. On other
lines g++ has branches of its own: whether a coroutine is resumed or destroyed, whether its frame is on the heap, whether a
temporary has to be destroyed. And every call has two, for its return and for an exception. Nobody could write a test for
those. Assertions are no decisions either: their other side is the end of the program.
"""

import concurrent.futures
import json
import pathlib
import re
import subprocess
import sys

ROOMS = ["src/model", "src/journal", "src/engine", "src/http"]
LINES_MIN = 95.0
BRANCHES_MIN = 85.0
FILES_SHOWN = 20

TEXT = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)\'|//.*')
DECISION = re.compile(r"\b(?:if|for|while|switch)\b|\?|&&|\|\|")
# Attributes, rvalue references and `if constexpr` decide nothing while the program runs.
NO_DECISION = re.compile(r"\bif constexpr\b|[\w>*]\s*&&(?=\s*(?:\w+\s*)?[,)=;{])|\boperator\W+\(")


class File:
    def __init__(self, name, root):
        self.name = name
        source = (root / name).read_text(encoding="utf-8").splitlines()
        self.deciding = deciding_lines(source)
        self.code = {number for number, line in enumerate(source, 1) if re.search(r"\w", line)}  # Not only braces.
        self.lines = {}
        self.counts = {}  # Of a line in a function, which may be in several objects.

    def add(self, line):
        number = line["line_number"]
        self.lines[number] = self.lines.get(number, False) or line["count"] > 0
        decisions = decided(line["branches"]) if number in self.deciding else []
        if not decisions:
            return
        before = self.counts.setdefault((number, line.get("function_name")), [0] * len(decisions))
        if len(before) == len(decisions):
            before[:] = [a + b for a, b in zip(before, decisions)]

    @property
    def branches(self):
        """By line. A function that the compiler has made twice, as with constructors, is one function in the source."""
        by_line = {}
        for (number, _), counts in self.counts.items():
            taken = [count > 0 for count in counts]
            before = by_line.setdefault(number, taken)
            if len(before) == len(taken):
                by_line[number] = [a or b for a, b in zip(before, taken)]
            elif sum(taken) > sum(before):
                by_line[number] = taken
        return by_line

    def lines_missing(self):
        return [number for number, reached in self.lines.items() if not reached]

    def branches_missing(self):
        return sum(taken.count(False) for taken in self.branches.values())

    def show_gaps(self, root):
        source = (root / self.name).read_text(encoding="utf-8").splitlines()
        branches = self.branches
        for number in sorted(self.lines):
            taken = branches.get(number, [])
            if self.lines[number] and all(taken):
                continue
            sides = f"{taken.count(True)}/{len(taken)}" if taken else ""
            print(f"{self.name}:{number:<5}{'' if self.lines[number] else 'line':5}{sides:6}{source[number - 1].strip()}")


def decided(branches):
    """How often each branch was taken, without those of calls: one for the return, and behind it one for the exception."""
    counts = []
    for branch in branches:
        if not branch["throw"]:
            counts.append(branch["count"])
        elif counts:
            counts.pop()
    return counts


def read(build, root):
    """The files of the rooms, as all objects together have counted them."""

    def counted(notes):
        run = subprocess.run(["gcov", "--json-format", "--stdout", "--branch-probabilities", notes],
                             cwd=build, check=True, capture_output=True)
        return [json.loads(text) for text in run.stdout.splitlines() if text]

    files = {}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for reports in pool.map(counted, sorted(build.rglob("*.gcda"))):
            for report in reports:
                for entry in report["files"]:
                    path = (pathlib.Path(report["current_working_directory"]) / entry["file"]).resolve()
                    name = str(path.relative_to(root)) if path.is_relative_to(root) else ""
                    if not any(name.startswith(room + "/") for room in ROOMS):
                        continue
                    file = files.setdefault(name, File(name, root))
                    for line in entry["lines"]:
                        if line["line_number"] in file.code:
                            file.add(line)
    return list(files.values())


def deciding_lines(source):
    """Numbers of the lines that belong to a statement with a decision in it."""
    deciding, statement, decides = set(), [], False
    for number, line in enumerate(source, 1):
        code = TEXT.sub('""', line).strip() if not line.lstrip().startswith("//") else ""
        statement.append(number)
        decides = decides or bool(DECISION.search(NO_DECISION.sub("", code)))
        if len(statement) == 1:
            assertion = code.startswith("assert(")
        if not code or code[-1] in ";{}:" or code.startswith("#"):
            if decides and not assertion:
                deciding.update(statement)
            statement, decides = [], False
    return deciding


def percent(covered, total):
    return 100.0 * covered / total if total else 100.0


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    files = read(pathlib.Path(sys.argv[1]).resolve(), root)
    if len(sys.argv) > 2:
        for file in files:
            if file.name in sys.argv[2:]:
                file.show_gaps(root)
        return 0

    short = False
    print(f"{'room':14}{'lines':>16}{'branches':>20}   wanted: {LINES_MIN:.0f} % lines, {BRANCHES_MIN:.0f} % branches")
    for room in ROOMS:
        inside = [file for file in files if file.name.startswith(room + "/")]
        lines = sum(len(file.lines) for file in inside)
        lines_reached = lines - sum(len(file.lines_missing()) for file in inside)
        branches = sum(len(taken) for file in inside for taken in file.branches.values())
        branches_taken = branches - sum(file.branches_missing() for file in inside)
        enough = percent(lines_reached, lines) >= LINES_MIN and percent(branches_taken, branches) >= BRANCHES_MIN
        short = short or not enough
        print(
            f"{room:14}{percent(lines_reached, lines):6.1f} % of {lines:5}{percent(branches_taken, branches):9.1f} % of {branches:5}"
            f"     {'ok' if enough else 'short'}"
        )

    inside = [file for file in files if any(file.name.startswith(room + "/") for room in ROOMS)]
    inside.sort(key=lambda file: (len(file.lines_missing()) + file.branches_missing()), reverse=True)
    print(f"\n{'most is missing of':36}{'lines':>8}{'branches':>10}")
    for file in inside[:FILES_SHOWN]:
        print(f"{file.name:36}{len(file.lines_missing()):8}{file.branches_missing():10}")
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
