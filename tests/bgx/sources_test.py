#!/usr/bin/env python3
"""bgx get over several connections and from mirrors, against a real nginx that limits each connection to 400 kB/s."""

import hashlib
import json
import time
import unittest

from support import MIB, World


class Sources(World):
    def read(self, name):
        return (self.folder / name).read_bytes()

    def test_eight_connections_are_several_times_as_fast_as_one(self):
        content = self.serve("big", 2 * MIB)
        began = time.monotonic()
        events = self.json("get", self.url("slow/big"), "--connections", "8", "-o", "big")
        seconds = time.monotonic() - began
        self.assertEqual(self.read("big"), content)
        # One connection would take more than five seconds.
        self.assertLess(seconds, 4)
        working = [file["connections"] for event in events if event.get("event") == "progress"
                   for file in event["files"] if "connections" in file]
        self.assertGreater(max(len(connections) for connections in working), 1)
        for connections in working:
            for one in connections:
                self.assertGreaterEqual(one["bytes_left"], 0)

    def test_a_file_that_the_url_does_not_have_comes_from_a_mirror(self):
        content = self.serve("there", 300_000)
        done = self.done("get", self.url("gone"), "--mirror", self.url("there"), "-o", "file")
        self.assertEqual(self.read("file"), content)
        self.assertEqual(done[0]["state"], "completed")

    def test_an_added_file_has_its_mirrors(self):
        content = self.serve("there", 300_000)
        self.bgx("add", self.url("gone"), "file", "--mirror", self.url("there"))
        self.assertEqual(self.done("run")[0]["state"], "completed")
        self.assertEqual(self.read("file"), content)

    def test_a_mirror_with_another_file_spoils_nothing(self):
        content = self.serve("right", 2 * MIB, seed=1)
        self.serve("wrong", 2 * MIB, seed=2)
        digest = hashlib.sha256(content).hexdigest()
        for words in ([], ["--sha256", digest]):
            self.bgx("get", self.url("slow/right"), "--mirror", self.url("wrong"), "--connections", "4", "-o", "file", *words)
            self.assertEqual(self.read("file"), content)
            (self.folder / "file").unlink()

    def test_show_tells_the_plan_of_an_interrupted_job_and_why(self):
        content = self.serve("big", 4 * MIB)
        words = ("get", self.url("slow/big"), "--mirror", self.url("big?token=SECRET"), "--connections", "2", "-o", "big",
                 "--limit-rate", "1M")
        process = self.start(*words, "--json")
        self.wait_for_received(process, MIB)
        self.interrupt(process)
        listed = self.json("list")
        identity = next(event["id"] for event in listed if event.get("event") == "job")
        shown = self.bgx("show", identity).stdout
        self.assertIn("plan: ", shown)
        self.assertIn("up to 2 connections", shown)
        self.assertIn("mirrors share the work once", shown)
        self.assertNotIn("SECRET", shown)
        self.bgx("set", identity, "connections=4", "limit-rate=0")
        self.bgx(*words[:-2], "--connections", "4")
        self.assertEqual(self.read("big"), content)

    def wait_for_received(self, process, size):
        for line in process.stdout:
            event = json.loads(line)
            if event.get("event") == "progress" and event["bytes_transferred"] >= size:
                return
        self.fail("it ended before that")

    def test_words_that_do_not_fit(self):
        url = self.url("x")
        self.fails_with(2, "get", url, url + "y", "--mirror", url, says=["--mirror is of one file"])
        self.fails_with(2, "add", url, "x", url + "y", "y", "--mirror", url, says=["--mirror is of one file"])
        self.fails_with(2, "add", url, "x", "--range", "0-9", says=["--range is for get"])
        self.fails_with(2, "get", url, "--connections", "0", says=["1 to 32"])
        self.fails_with(2, "get", url, "--connections", "33", says=["1 to 32"])
        self.fails_with(2, "get", url, "--mirror", "ftp://example.org/x", says=["ftp://example.org/x"])


if __name__ == "__main__":
    unittest.main()
