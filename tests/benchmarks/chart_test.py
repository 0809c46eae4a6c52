"""The chart of the benchmarks, drawn from figures that are made up. Run: python3 tests/benchmarks/chart_test.py"""

import contextlib
import io
import pathlib
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "benchmarks"))
import chart  # noqa: E402
from report import Answer, Bar, limited, missing  # noqa: E402

SVG = "{http://www.w3.org/2000/svg}"

ANSWERS = [
    Answer("1 GiB: CPU", 0.5, "s", {"curl": 1.25, "wget2": 0.8, "<floor> & sync": 0.5},
           [Bar("curl", 0.5), Bar("<floor> & sync", 0.9)], {"curl": 0.4, "<floor> & sync": 1.0}),
    Answer("small files: wall", 9, "s", {"curl -Z": 3}, [Bar("the best peer", 0.8)], {"the best peer": 3.0}),
    Answer("8 connections", 8, "s", {"aria2": 8, "one connection": 64}, [Bar("aria2", 1.0), Bar("one connection", 7.6, True)],
           {"aria2": 1.0, "one connection": 8.0}),
    Answer("three mirrors", 0.9, "x", {"the sum": 1}, [Bar("the sum", 0.95, True)], {"the sum": 0.9}),
    limited("peak RSS", 7.5, "MiB", 10),
    limited("idle: wake-ups", 0, "wake-ups", 0),
    limited("idle: ticks", 3, "ticks", 0),
    missing("not there yet", "not built"),
]


def read(answers, machine="a machine <of ours>"):
    """What the chart reads of them."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        for answer in answers:
            print(answer.line(machine), file=file)
        file.flush()
        return chart.read(file.name)


class Chart(unittest.TestCase):
    def setUp(self):
        self.root = xml.fromstring("\n".join(chart.drawn(read(ANSWERS))))
        self.bars = [it for it in self.root.iter(SVG + "rect") if it.get("class") != "page"]
        self.words = [it.text for it in self.root.iter(SVG + "text")]

    def kinds(self):
        return [it.get("class") for it in self.bars]

    def test_every_figure_beside_ours_has_a_bar_as_long_as_the_ratio(self):
        self.assertEqual(self.kinds()[:3], ["ok", "told", "short"])
        lengths = [float(it.get("width")) / chart.UNIT for it in self.bars[:3]]
        for length, ratio in zip(lengths, [0.4, 0.625, 1.0]):
            self.assertAlmostEqual(length, ratio, places=2)

    def test_the_bar_that_a_figure_is_held_to_is_marked_where_it_stands(self):
        marks = [(float(it.get("x1")) - chart.LABELS) / chart.UNIT for it in self.root.iter(SVG + "line")
                 if it.get("class") == "limit"]
        for mark, limit in zip(marks, [0.5, 0.9, 0.8, 1.0]):
            self.assertAlmostEqual(mark, limit, places=2)

    def test_a_bar_that_is_too_long_is_cut_and_says_so(self):
        self.assertTrue(any(words.startswith("3.00…") for words in self.words))
        longest = max(float(it.get("width")) for it in self.bars)
        self.assertLessEqual(longest, chart.UNIT * chart.MOST)

    def test_what_is_short_says_so_in_words(self):
        short = sum(kind == "short" for kind in self.kinds())
        # floor, the best peer, the sum, ticks.
        self.assertEqual(short, 4)
        self.assertEqual(sum(words.endswith("short") for words in self.words), short)

    def test_where_more_is_better_a_longer_bar_is_still_worse(self):
        row = chart.rows_against_limits(read(ANSWERS)[3])[0]
        self.assertAlmostEqual(row.share, 0.95 / 0.9)
        self.assertEqual(row.kind, "short")
        row = chart.rows_against_limits(read(ANSWERS)[2])[0]
        self.assertAlmostEqual(row.share, 7.6 / 8)
        self.assertEqual(row.kind, "ok")

    def test_a_limit_of_nothing_is_kept_by_nothing_alone(self):
        of = {answer["question"]: answer for answer in read(ANSWERS)}
        self.assertEqual(chart.rows_against_limits(of["idle: wake-ups"])[0].kind, "ok")
        self.assertEqual(chart.rows_against_limits(of["idle: ticks"])[0].kind, "short")

    def test_the_machine_and_what_has_no_answer_are_told(self):
        self.assertIn("a machine <of ours>", self.words)
        self.assertIn("Without an answer: 1.", self.words)

    def test_it_can_be_read_in_the_light_and_in_the_dark(self):
        style = self.root.find(SVG + "style").text
        self.assertIn("prefers-color-scheme: dark", style)
        for name in ("page", "ok", "short", "told", "limit"):
            self.assertEqual(style.count(f".{name} {{"), 2)

    def test_of_a_question_that_was_answered_twice_the_last_answer_counts(self):
        answers = read([limited("peak RSS", 9, "MiB", 10), limited("peak RSS", 8, "MiB", 10)])
        self.assertEqual([answer["ours"] for answer in answers], [8])

    def test_nothing_is_drawn_of_nothing(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            print(missing("not there yet", "not built").line(""), file=file)
            file.flush()
            sys.argv = ["chart.py", file.name]
            with self.assertRaises(SystemExit) as ended, contextlib.redirect_stdout(io.StringIO()):
                chart.main()
        self.assertIn("no answer", str(ended.exception))


if __name__ == "__main__":
    unittest.main()
