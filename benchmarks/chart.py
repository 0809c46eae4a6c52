#!/usr/bin/env python3
"""Draws a chart from the answers of `./dev bench --json`: ours as a share of theirs, question by question, with the bar
that each is held to.

Run: ./dev bench --json > bench.json; benchmarks/chart.py bench.json > benchmarks/chart.svg
"""

import html
import json
import pathlib
import sys
import textwrap

# The drawing, in pixels.
LABELS = 330          # Where the names end and the bars begin.
UNIT = 230            # A bar of 1: as much as theirs, or as much as the limit allows.
MOST = 1.5            # Longer bars are cut, and say so.
FIGURES = 250         # Room for words behind the longest bar.
WIDTH = LABELS + round(UNIT * MOST) + FIGURES
NAME_MAX = 48         # Letters that fit beside the bars.
ROW = 19
MARGIN = 14

# Readable on white and on black, also for who sees no red or green: blue and orange differ in brightness too, and what is
# short says so in words.
STYLE = """
  svg { color-scheme: light dark; }
  .page { fill: #ffffff; } text { fill: #24292f; } .quiet { fill: #656d76; }
  .ok { fill: #2a6fbb; } .short { fill: #d9730d; } .told { fill: #a9b7c6; }
  .grid { stroke: #d0d7de; } .one { stroke: #8c959f; } .limit { stroke: #24292f; stroke-width: 2.5; }
  .head { font-size: 15px; font-weight: bold; } .question { font-weight: bold; } .small { font-size: 11px; }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; } text { fill: #e6edf3; } .quiet { fill: #9198a1; }
    .ok { fill: #4c9be8; } .short { fill: #f0883e; } .told { fill: #57616d; }
    .grid { stroke: #30363d; } .one { stroke: #6e7681; } .limit { stroke: #e6edf3; }
  }
"""


class Row:
    """One bar: how long it is, and where its limit stands; both in shares of what it is held against."""

    def __init__(self, name, share, limit, told):
        self.name = name
        self.share = share
        self.limit = limit      # None: it is shown beside the others, and held to nothing.
        self.told = told        # The words behind it.

    @property
    def kind(self):
        if self.limit is None:
            return "told"
        return "ok" if self.share <= self.limit else "short"


def limit_of(answer, against):
    """The bar as a number, and whether more is better."""
    text = answer["bar"].get(against)
    if text is None:
        return None, False
    sign, number = text.split()
    return float(number), sign == ">="


def figure(value, unit):
    return f"{value:,.3g} {unit}".replace(",", " ") if abs(value) < 1000 else f"{value:,.0f} {unit}".replace(",", " ")


def rows_beside_others(answer):
    """One row for each other program: our figure as a share of theirs. Empty if the question is about us alone."""
    ours, unit = answer["ours"], answer["unit"]
    rows = []
    if unit == "x":
        return rows  # A share already.
    for name, theirs in answer["peers"].items():
        limit, at_least = limit_of(answer, name)
        if at_least or not theirs:
            continue
        rows.append(Row(name, ours / theirs, limit, f"{figure(ours, unit)} to {figure(theirs, unit)}"))
    for against, ratio in answer["ratio"].items():
        limit, at_least = limit_of(answer, against)
        if against not in answer["peers"] and against != unit and not at_least:
            rows.append(Row(against, ratio, limit, ""))
    return rows


def rows_against_limits(answer):
    """One row for each limit of its own, as the share of it that is used up. Where more is better, it is the other way round."""
    rows = []
    for against, value in answer["ratio"].items():
        limit, at_least = limit_of(answer, against)
        own = against == answer["unit"]
        if limit is None or not (own or at_least or answer["unit"] == "x"):
            continue
        words = figure(value, answer["unit"]) if own else f"{value:.2f} x {against}"
        told = f"{words} ({'at least' if at_least else 'at most'} {limit:g})"
        if at_least:
            share = limit / value if value else float("inf")
        else:
            share = value / limit if limit else (0.0 if value <= 0 else float("inf"))
        rows.append(Row("" if own else against, share, 1.0, told))
    return rows


class Drawing:
    """Shapes from top to bottom."""

    def __init__(self):
        self.y = MARGIN
        self.shapes = []

    def text(self, x, words, css="", anchor="start"):
        self.shapes.append(f'<text x="{x}" y="{self.y}" class="{css}" text-anchor="{anchor}">{html.escape(words)}</text>')

    def line(self, x, top, bottom, css):
        self.shapes.append(f'<line x1="{x}" x2="{x}" y1="{top}" y2="{bottom}" class="{css}"/>')

    def heading(self, words, explained):
        self.y += 18
        self.text(MARGIN, words, "head")
        self.y += 17
        self.text(MARGIN, explained, "quiet small")
        self.y += 6

    def bar(self, row, name, css=""):
        self.y += ROW
        top, bottom = self.y - 12, self.y + 2
        cut = row.share > MOST
        length = round(UNIT * min(row.share, MOST), 1)
        self.text(LABELS - 8, name, css, "end")
        self.shapes.append(f'<rect x="{LABELS}" y="{top}" width="{max(length, 1.5)}" height="14" rx="2" class="{row.kind}"/>')
        if row.limit is not None and row.limit <= MOST:
            self.line(round(LABELS + UNIT * row.limit, 1), top - 2, bottom + 2, "limit")
        words = " · ".join(filter(None, [f"{row.share:.2f}{'…' if cut else ''}", row.told, "short" if row.kind == "short" else ""]))
        behind = max(length, UNIT * (row.limit or 0) if (row.limit or 0) <= MOST else 0)
        self.text(round(LABELS + behind + 8, 1), words, "small")

    def grid(self, top):
        """Lines at every half, behind the bars that were drawn since `top`."""
        at = [0, 0.5, 1, 1.5]
        lines = [f'<line x1="{LABELS + UNIT * x}" x2="{LABELS + UNIT * x}" y1="{top}" y2="{self.y + 6}" '
                 f'class="{"one" if x == 1 else "grid"}"/>' for x in at]
        self.y += 18
        for x in at:
            self.text(LABELS + UNIT * x, f"{x:g}", "quiet small", "middle")
        return lines


def section(drawing, title, explained, groups, one_line):
    """A heading, and the rows of each question under its name, or beside it where there is one row."""
    if not groups:
        return
    drawing.heading(title, explained)
    top, first = drawing.y + 4, len(drawing.shapes)
    beside = [(question, rows) for question, rows in groups if one_line and len(rows) == 1 and len(question) <= NAME_MAX]
    for question, rows in beside:
        drawing.bar(rows[0], question)
    for question, rows in groups:
        if (question, rows) in beside:
            continue
        drawing.y += 22
        drawing.text(MARGIN, question, "question")
        for row in rows:
            drawing.bar(row, shortened(row.name))
    drawing.shapes[first:first] = drawing.grid(top)
    drawing.y += 14


def shortened(name):
    """So much of a name as there is room for beside the bars."""
    return name if len(name) <= NAME_MAX else name[:NAME_MAX - 1].rstrip() + "…"


def drawn(answers):
    """The chart as lines of SVG."""
    drawing = Drawing()
    measured = [answer for answer in answers if not answer.get("missing") and answer["ours"] is not None]
    beside = [(answer["question"], rows) for answer in measured if (rows := rows_beside_others(answer))]
    alone = [(answer["question"], rows) for answer in measured if (rows := rows_against_limits(answer))]
    section(drawing, "Beside other programs", "Ours as a share of theirs; shorter is better. The upright stroke is the bar "
            "that we are held to; grey is shown without one.", beside, False)
    section(drawing, "Against limits", "The share of a limit that is used up; shorter is better, and 1 is the limit. Where more "
            "is better, it is what is asked for as a share of what there is.", alone, True)
    missing = len(answers) - len(measured)
    lines = [f"Without an answer: {missing}."] if missing else []
    for machine in dict.fromkeys(answer["machine"] for answer in measured if answer.get("machine")):
        lines += textwrap.wrap(machine, 150)
    for line in lines:
        drawing.y += 15
        drawing.text(MARGIN, line, "quiet small")
    height = drawing.y + MARGIN
    yield (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
           'font-family="system-ui, sans-serif" font-size="12.5" role="img">')
    yield "<title>What the same work costs bgxfer, beside other programs and against limits</title>"
    yield f"<style>{STYLE}</style>"
    yield f'<rect width="{WIDTH}" height="{height}" class="page"/>'
    yield from drawing.shapes
    yield "</svg>"


def read(path):
    """The answers of a file, in its order. Of a question that was answered more than once, the last."""
    lines = [line for line in pathlib.Path(path).read_text().splitlines() if line.strip()]
    return list({answer["question"]: answer for answer in map(json.loads, lines)}.values())


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    answers = read(sys.argv[1])
    if all(answer.get("missing") or answer["ours"] is None for answer in answers):
        sys.exit("chart: no answer is in there; run ./dev bench --json")
    print("\n".join(drawn(answers)))


if __name__ == "__main__":
    main()
