"""Questions and their answers, as tables for people and as lines of JSON."""

import dataclasses
import json


@dataclasses.dataclass
class Bar:
    """What is asked: our figure against one other. `limit` is for the ratio, or for the figure itself."""

    against: str        # a peer, or the unit of a limit of its own: "MiB", "s"
    limit: float
    at_least: bool = False

    def __str__(self):
        return f"{'>=' if self.at_least else '<='} {self.limit:g}"

    def met_by(self, ratio):
        return ratio >= self.limit if self.at_least else ratio <= self.limit


@dataclasses.dataclass
class Answer:
    """One question, answered or, with `missing`, not."""

    question: str
    ours: object = None
    unit: str = "s"
    peers: dict = dataclasses.field(default_factory=dict)
    bars: list = dataclasses.field(default_factory=list)
    ratios: dict = dataclasses.field(default_factory=dict)
    missing: str = ""
    note: str = ""

    @property
    def ok(self):
        return not self.missing and all(bar.met_by(self.ratios[bar.against]) for bar in self.bars)

    def line(self, machine):
        """The answer as JSON. `ratio` and `bar` are keyed by what we are held against."""
        return json.dumps({
            "question": self.question, "ours": self.ours, "unit": self.unit, "peers": self.peers, "ratio": self.ratios,
            "bar": {bar.against: str(bar) for bar in self.bars}, "ok": self.ok, "missing": self.missing,
            "note": self.note, "machine": machine})


def compare(question, what, costs, bars, note=""):
    """Our median against those of the peers. A bar against "the best peer" means the least of all that are no floor."""
    figures = {name: round(cost.median(what), 4) for name, cost in costs.items()}
    ours = figures.pop("bgxfer")
    answer = Answer(question, ours, "MiB" if what == "rss" else "s", figures, bars, note=note)
    best = min((value for name, value in figures.items() if not name.startswith("floor")), default=0)
    for bar in bars:
        other = best if bar.against == "the best peer" else figures[bar.against]
        answer.ratios[bar.against] = round(ours / other, 4) if other else float("inf")
    return answer


def limited(question, ours, unit, limit, at_least=False, note=""):
    """A figure with a limit of its own."""
    return Answer(question, ours, unit, {}, [Bar(unit, limit, at_least)], {unit: ours}, note=note)


def missing(question, why, bars=()):
    return Answer(question, bars=list(bars), missing=why)


def print_costs(costs, out):
    width = max(map(len, costs))
    print(f"  {'':{width}}  {'CPU s':>8} {'+-%':>4}  {'wall s':>8} {'+-%':>4}  {'RSS MiB':>8}", file=out)
    for name, cost in costs.items():
        print(f"  {name:{width}}  {cost.median('cpu'):8.3f} {cost.spread('cpu'):4.0f}  {cost.median('wall'):8.3f} "
              f"{cost.spread('wall'):4.0f}  {cost.median('rss'):8.1f}", file=out)


def print_answer(answer, out):
    verdict = "ok" if answer.ok else "short"
    if answer.missing:
        print(f"  {verdict:5}  {answer.question}: {answer.missing}", file=out)
        return
    bars = []
    for bar in answer.bars:
        own = bar.against == answer.unit
        ratio = answer.ratios[bar.against]
        mark = "" if bar.met_by(ratio) else " SHORT"
        bars.append(f"{bar} {bar.against}{mark}" if own else f"{ratio:.2f} x {bar.against} ({bar}){mark}")
    print(f"  {verdict:5}  {answer.question}: {answer.ours:g} {answer.unit}; {', '.join(bars)}", file=out)
    if answer.note:
        print(f"         {answer.note}", file=out)
