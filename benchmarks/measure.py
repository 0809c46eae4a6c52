"""What a run of a program cost, and what several runs say together."""

import dataclasses
import json
import os
import pathlib
import statistics
import subprocess


@dataclasses.dataclass
class Cost:
    """One run of one program: seconds of processor and of wall time, and the largest resident set in MiB."""

    cpu: float
    wall: float
    rss: float
    output: str = ""


@dataclasses.dataclass
class Costs:
    """The runs of one program for one question."""

    runs: list

    def median(self, what):
        return statistics.median(getattr(run, what) for run in self.runs)

    def spread(self, what):
        """From the least to the most, in per cent of the median."""
        values = [getattr(run, what) for run in self.runs]
        return 100 * (max(values) - min(values)) / (self.median(what) or 1)


class Failed(Exception):
    """A program that did not do what it was run for: no figure is worth anything."""


class Meter:
    """Runs programs through the meter, which is small enough not to be seen in their figures."""

    def __init__(self, program, folder):
        self._program = program
        self._folder = pathlib.Path(folder)
        # A home of their own: no configuration of whoever runs this, and nothing left in it.
        self._environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8"}

    def run(self, words, expect=0):
        figures = self._folder / "figures.json"
        figures.unlink(missing_ok=True)
        done = subprocess.run([self._program, figures, *map(str, words)], cwd=self._folder, env=self._environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
        told = json.loads(figures.read_text()) if figures.exists() else {"exit": "unknown"}
        if done.returncode != 0 or told["exit"] != expect:
            raise Failed(f"{' '.join(map(str, words))[:300]}: exit {told['exit']}\n{done.stdout[-1000:]}\n{done.stderr[-1000:]}")
        return Cost(told["user"] + told["system"], told["wall"], told["rss_kib"] / 1024, done.stdout)


def in_turn(rounds, contestants, before, after):
    """Every contestant once in each round, so that whatever else the machine does falls on all of them.

    Each round begins with another one: who comes behind a file that was just deleted finds its memory at hand, and who
    comes first has to get new pages, which on a virtual machine costs more than all else.

    `contestants` maps a name to a function that runs it and answers with its cost; `before` and `after` are called
    around each run, untimed, with the name.
    """
    costs = {name: Costs([]) for name in contestants}
    names = list(contestants)
    for first in range(rounds):
        for turn in range(len(names)):
            name = names[(first + turn) % len(names)]
            before(name)
            cost = contestants[name]()
            after(name)
            costs[name].runs.append(cost)
    return costs
