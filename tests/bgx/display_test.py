"""The progress display on a pseudo terminal."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
import unittest

from support import MIB, World


class Terminal:
    """What a person would see: enough of a terminal to follow what bgx draws."""

    def __init__(self, columns):
        self.master, self.slave = pty.openpty()
        self.text = b""
        self.resize(columns)

    def resize(self, columns, rows=24):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds, process=None):
        """What arrives within this time, or until the process has ended."""
        begin = len(self.text)
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            over = process is not None and process.poll() is not None
            if not select.select([self.master], [], [], 0 if over else min(left, 0.05))[0]:
                if over:
                    break
                continue
            try:
                self.text += os.read(self.master, 65536)
            except OSError:
                break
        return self.text[begin:].decode()

    def close(self):
        os.close(self.master)
        os.close(self.slave)


class Display(World):
    def setUp(self):
        super().setUp()
        self.environment["TERM"] = "xterm"
        self.environment.pop("NO_COLOR", None)
        self.terminal = Terminal(100)
        self.addCleanup(self.terminal.close)

    def watch(self, *words):
        return self.start(*words, stdin=self.terminal.slave, stdout=self.terminal.slave, stderr=self.terminal.slave,
                          start_new_session=True)

    @staticmethod
    def widths(text):
        """The columns of each line that was drawn."""
        plain = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)
        return [len(line) for line in re.split(r"\r\n|\r", plain)]

    def test_bars_follow_the_files_and_survive_a_resize(self):
        for name in ("one", "two"):
            self.serve(name, 12 * MIB)
        process = self.watch("get", self.url("one"), self.url("two"), "--parallel", "2", "--limit-rate", "8M")
        text = self.terminal.read(1.2)
        self.assertRegex(text, r"one +\[\x1b\[32m#+\x1b\[0m-+\] +\d+ %")
        self.assertRegex(text, r"two +\[")
        self.assertRegex(text, r"MiB/s, \d+ s left")
        self.assertLess(max(self.widths(text)), 100)

        self.terminal.resize(50)
        process.send_signal(signal.SIGWINCH)
        self.terminal.read(0.4)
        narrow = self.terminal.read(0.5)
        self.assertLess(max(self.widths(narrow)), 50)
        self.terminal.resize(8)  # Silly, but no reason to fail.
        process.send_signal(signal.SIGWINCH)
        self.terminal.read(0.4)
        self.terminal.resize(120)
        process.send_signal(signal.SIGWINCH)
        end = self.terminal.read(20, process)
        self.assertEqual(process.wait(timeout=20), 0)
        self.assertTrue(end.endswith("done: one and 1 more, 24.0 MiB\r\n"), repr(end[-200:]))
        self.assertIn("\x1b[J", end[-200:])

    def test_no_color_is_respected(self):
        self.environment["NO_COLOR"] = "1"
        self.serve("one", 6 * MIB)
        process = self.watch("get", self.url("one"), "--limit-rate", "8M")
        text = self.terminal.read(20, process)
        process.wait(timeout=20)
        self.assertRegex(text, r"\[#+-+\]")
        self.assertNotRegex(text, r"\x1b\[[0-9;]*m")

    def test_an_interrupt_leaves_a_clean_terminal(self):
        self.serve("one", 16 * MIB)
        before = termios.tcgetattr(self.terminal.slave)
        process = self.watch("get", self.url("one"), "--limit-rate", "4M")
        self.terminal.read(0.8)
        process.send_signal(signal.SIGINT)
        end = self.terminal.read(20, process)
        self.assertEqual(process.wait(timeout=20), 130)
        after_erasure = end[end.rindex("\x1b[J"):]
        self.assertIn("interrupted; what has arrived is kept", after_erasure)
        self.assertNotIn("[#", after_erasure)
        self.assertEqual(termios.tcgetattr(self.terminal.slave), before)

    def test_a_waiting_job_says_why_and_for_how_long(self):
        process = self.watch("get", self.url("broken/x"), "--retry-delay", "30")
        text = self.terminal.read(1.5)
        self.assertRegex(text, r"transient_error, waits before the next attempt, next in \d+ s \(HTTP status 503")
        self.assertEqual(self.interrupt(process), 130)

    def test_json_and_quiet_draw_nothing(self):
        self.serve("one", 1000)
        self.watch("get", self.url("one"), "--quiet").wait(timeout=20)
        self.assertEqual(self.terminal.read(0.2), "")
        self.watch("get", self.url("one"), "--json").wait(timeout=20)
        self.assertNotIn("\x1b", self.terminal.read(0.2))


if __name__ == "__main__":
    unittest.main()
