"""What the end-to-end tests of bgx share: a world with a server, a folder and a journal, and a way to run bgx in it."""

import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from nginx import Nginx, free_ports  # noqa: E402, F401

BGX = os.environ.get("BGX", "build/dev/bgx")
MIB = 1 << 20


class World(unittest.TestCase):
    """A test case with a server for all its tests, and a folder and a journal for each."""

    tls = False

    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(tempfile.mkdtemp(prefix="bgx-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.root, ignore_errors=True)
        cls.nginx = Nginx(cls.root / "nginx", tls=cls.tls)
        cls.addClassCleanup(cls.nginx.close)

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=self.root))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.journal = self.folder / "journal" / "queue.journal"
        self.journal.parent.mkdir()
        self.environment = {**os.environ, "HOME": str(self.folder), "LC_ALL": "C.UTF-8"}
        self.environment.pop("XDG_STATE_HOME", None)

    def serve(self, name, size, seed=1):
        """A file of random bytes on the server; answers with the bytes."""
        content = random.Random(f"{name} {seed}").randbytes(size)
        path = self.nginx.www / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return content

    def url(self, name):
        return self.nginx.url(name)

    def words(self, *words):
        return [BGX, *[str(word) for word in words], "--journal", str(self.journal)]

    def start(self, *words, **options):
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": self.folder, "env": self.environment, **options}
        process = subprocess.Popen(self.words(*words), **options)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
        process.communicate()

    def bgx(self, *words, expect=0, timeout=120):
        """Runs bgx to its end, in the folder of the test."""
        done = subprocess.run(self.words(*words), capture_output=True, text=True, timeout=timeout, cwd=self.folder,
                              env=self.environment)
        self.assertEqual(done.returncode, expect, f"{words}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
        return done

    def json(self, *words, expect=0, timeout=120):
        """The JSON lines of a run."""
        done = self.bgx(*words, "--json", expect=expect, timeout=timeout)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def done(self, *words, expect=0, timeout=120):
        """The jobs of the last line of `get` or `run`."""
        last = self.json(*words, expect=expect, timeout=timeout)[-1]
        self.assertEqual(last["event"], "done")
        return last["jobs"]

    def fails_with(self, code, *words, says=(), silent=True):
        """One line on stderr that names the thing and the cure, and nothing on stdout."""
        done = self.bgx(*words, "--quiet", expect=code)
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 1, done.stderr)
        for text in says:
            self.assertIn(text, lines[0])
        if silent:
            self.assertEqual(done.stdout, "")
        return lines[0]

    def wait_for_bytes(self, path, size, seconds=20):
        """Until the file of a JSON run tells of so many bytes."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for line in path.read_bytes().split(b"\n")[:-1]:
                event = json.loads(line)
                if event["event"] == "progress" and event["bytes_transferred"] >= size:
                    return
            time.sleep(0.02)
        self.fail(f"no {size} bytes within {seconds} s: {path.read_text()[-1000:]}")

    def start_telling(self, *words):
        """A run that writes JSON lines into a file, so that it can be watched."""
        log = self.folder / f"log{time.monotonic_ns()}"
        with open(log, "wb") as out:
            return self.start(*words, "--json", stdout=out), log

    def interrupt(self, process, number=signal.SIGINT, seconds=20):
        process.send_signal(number)
        return process.wait(timeout=seconds)
