#!/usr/bin/env python3
"""Prints what of each room the tests and the simulation reach, from a report of gcovr, and fails if that is too little.

    coverage.py REPORT.json             one line for each room, and the files where most is missing
    coverage.py REPORT.json FILE...     the lines of these files that are missing something

A branch counts where the source decides: in a statement with `if`, `for`, `while`, `switch`, `?`, `&&` or `||`. On other
lines g++ has branches of its own: whether a coroutine is resumed or destroyed, whether its frame is on the heap, whether a
temporary has to be destroyed. Nobody could write a test for those. Assertions are no decisions either: their other side is
the end of the program.
"""

import json
import pathlib
import re
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
    def __init__(self, entry, root):
        self.name = entry["file"]
        deciding = deciding_lines((root / self.name).read_text(encoding="utf-8").splitlines())
        self.lines = {}
        self.branches = {}
        for line in entry["lines"]:
            number = line["line_number"]
            if line.get("gcovr/noncode"):
                continue
            self.lines[number] = line["count"] > 0
            if number in deciding and line["branches"]:
                self.branches[number] = [branch["count"] > 0 for branch in line["branches"]]

    def lines_missing(self):
        return [number for number, reached in self.lines.items() if not reached]

    def branches_missing(self):
        return sum(taken.count(False) for taken in self.branches.values())

    def show_gaps(self, root):
        source = (root / self.name).read_text(encoding="utf-8").splitlines()
        for number in sorted(self.lines):
            taken = self.branches.get(number, [])
            if self.lines[number] and all(taken):
                continue
            sides = f"{taken.count(True)}/{len(taken)}" if taken else ""
            print(f"{self.name}:{number:<5}{'' if self.lines[number] else 'line':5}{sides:6}{source[number - 1].strip()}")


def deciding_lines(source):
    """Numbers of the lines that belong to a statement with a decision in it."""
    deciding, statement, decides = set(), [], False
    for number, line in enumerate(source, 1):
        code = TEXT.sub('""', line).strip() if not line.lstrip().startswith("//") else ""
        statement.append(number)
        decides = decides or bool(DECISION.search(NO_DECISION.sub("", code)))
        if len(statement) == 1 and code.startswith("assert("):
            assertion = True
        elif len(statement) == 1:
            assertion = False
        if not code or code[-1] in ";{}:" or code.startswith("#"):
            if decides and not assertion:
                deciding.update(statement)
            statement, decides = [], False
    return deciding


def percent(covered, total):
    return 100.0 * covered / total if total else 100.0


def main():
    report = pathlib.Path(sys.argv[1])
    root = pathlib.Path(__file__).resolve().parents[2]
    files = [File(entry, root) for entry in json.loads(report.read_text(encoding="utf-8"))["files"]]
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
