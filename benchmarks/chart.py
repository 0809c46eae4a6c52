"""Draws chart.svg from the answers of `./dev bench --json`: what the same work costs us and the others.

Run: ./dev bench large tls small --json > bench.json; python3 benchmarks/chart.py bench.json > benchmarks/chart.svg
"""

import html
import json
import pathlib
import sys

# Of which questions, and what the chart calls them.
QUESTIONS = {
    "1 GiB http: CPU": "1 GiB over http: seconds of CPU",
    "1 GiB TLS 1.3: CPU": "1 GiB over TLS 1.3: seconds of CPU",
    "10 000 small files: CPU": "10 000 files of 1 to 64 KiB: seconds of CPU",
    "10 000 small files: wall": "10 000 files of 1 to 64 KiB: seconds until all are there",
}

NAMES_WIDTH = 110
BARS_WIDTH = 430
ROW = 20
GAP = 34
OURS, THEIRS, INK = "#2563a8", "#b8c0c8", "#30363c"


def drawn(answers):
    """The chart as lines of SVG. Each question has a scale of its own: the longest bar is the most that anybody took."""
    y = 10
    shapes = []
    for question, title in QUESTIONS.items():
        answer = answers.get(question)
        if not answer or answer["ours"] is None:
            continue
        figures = {"bgxfer": answer["ours"], **answer["peers"]}
        most = max(figures.values())
        y += 16
        shapes.append(f'<text x="0" y="{y}" class="title">{html.escape(title)}</text>')
        for name, seconds in sorted(figures.items(), key=lambda item: item[1]):
            y += ROW
            width = max(2, round(BARS_WIDTH * seconds / most))
            colour = OURS if name == "bgxfer" else THEIRS
            shapes.append(f'<text x="{NAMES_WIDTH - 8}" y="{y}" text-anchor="end">{html.escape(name)}</text>')
            shapes.append(f'<rect x="{NAMES_WIDTH}" y="{y - 11}" width="{width}" height="14" fill="{colour}"/>')
            shapes.append(f'<text x="{NAMES_WIDTH + width + 6}" y="{y}">{seconds:.2f}</text>')
        y += GAP - 16
    width = NAMES_WIDTH + BARS_WIDTH + 60
    yield (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}" width="{width}" height="{y}" '
           f'font-family="sans-serif" font-size="12" fill="{INK}">')
    yield "<style>.title { font-weight: bold; font-size: 13px; }</style>"
    yield f'<rect width="{width}" height="{y}" fill="#ffffff"/>'
    yield from shapes
    yield "</svg>"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    lines = pathlib.Path(sys.argv[1]).read_text().splitlines()
    answers = {answer["question"]: answer for answer in map(json.loads, lines)}
    if not any(question in answers for question in QUESTIONS):
        sys.exit("chart: none of its questions is in there; run ./dev bench large tls small --json")
    print("\n".join(drawn(answers)))


if __name__ == "__main__":
    main()
