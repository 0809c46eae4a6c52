"""The queue across processes: add, run, list, show, suspend, resume, cancel, complete, set, and the journal."""

import json
import pathlib
import random
import time
import unittest

from support import MIB, World


class Queue(World):
    def add(self, name, size=1000, *options):
        content = self.serve(name, size)
        identifier = self.bgx("add", self.url(name), name, *options).stdout.strip()
        self.assertRegex(identifier, r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
        return identifier, content

    def states(self):
        return {job["id"]: job["state"] for job in self.json("list")}

    def test_added_jobs_are_run_to_their_end(self):
        one, first = self.add("one", 100_000)
        two, second = self.add("two", 200_000, "--name", "second")
        self.assertEqual(self.states(), {one: "queued", two: "queued"})
        jobs = {job["id"]: job for job in self.done("run")}
        self.assertEqual(jobs[two]["name"], "second")
        self.assertEqual({job["state"] for job in jobs.values()}, {"completed"})
        self.assertEqual(jobs[one]["bytes_received"], 100_000)
        self.assertEqual((self.folder / "one").read_bytes(), first)
        self.assertEqual((self.folder / "two").read_bytes(), second)
        self.assertEqual(self.done("run"), [])

    def test_the_log_and_the_figures_say_what_happened(self):
        self.add("one", 100_000)
        log = self.folder / "bgx.log"
        lines = self.json("run", "--stats", "--log", str(log))
        self.assertEqual([line["event"] for line in lines[-2:]], ["stats", "done"])
        stats = lines[-2]
        self.assertEqual((stats["bytes_received"], stats["requests"], stats["jobs_completed"]), (100_000, 1, 1))
        self.assertGreater(stats["journal_syncs"], 0)
        text = log.read_text()
        for words in ("info queue.restored 1 jobs", "info job.completed job=", "info queue.closed"):
            self.assertIn(words, text)
        table = self.bgx("list", "--stats").stdout
        self.assertRegex(table, r"journal_size +\d+ B")
        self.fails_with(2, "run", "--log", str(self.folder / "nowhere" / "log"), says=("--log",))

    def test_a_job_that_is_suspended_waits_and_one_that_is_cancelled_goes(self):
        held, _ = self.add("held")
        gone, _ = self.add("gone")
        self.assertIn("suspended", self.bgx("suspend", held[:8]).stdout)
        self.assertIn("cancelled", self.bgx("cancel", gone).stdout)
        self.assertEqual(self.states(), {held: "suspended"})
        self.assertEqual(self.done("run")[0]["state"], "suspended")
        self.assertFalse((self.folder / "held").exists())
        self.bgx("resume", held)
        self.done("run")
        self.assertTrue((self.folder / "held").exists())
        self.assertEqual(self.states(), {})

    def test_a_cancelled_job_leaves_nothing_behind(self):
        identifier, _ = self.add("big", 16 * MIB, "--limit-rate", "4M")
        process, log = self.start_telling("run")
        self.wait_for_bytes(log, 2 * MIB)
        self.assertEqual(self.interrupt(process), 130)
        temporary = [path for path in self.folder.iterdir() if path.is_file() and not path.name.startswith("log")]
        self.assertEqual(len(temporary), 1)
        self.bgx("cancel", identifier)
        self.assertFalse(temporary[0].exists())

    def test_complete_keeps_what_is_whole(self):
        small = self.serve("small", 1000)
        self.serve("slow/large", 8 * MIB)
        self.serve("large", 8 * MIB)
        identifier = self.bgx("add", self.url("small"), "small", self.url("slow/large"), "large").stdout.strip()
        process, log = self.start_telling("run")
        self.wait_for_bytes(log, 200_000)
        self.interrupt(process)
        self.bgx("complete", identifier)
        self.assertEqual((self.folder / "small").read_bytes(), small)
        self.assertFalse((self.folder / "large").exists())
        self.assertEqual(self.states(), {})

    def test_set_changes_a_job(self):
        identifier, _ = self.add("one")
        self.bgx("set", identifier, "name=better", "priority=high", "parallel=3", "limit-rate=2M", "retry-delay=0.5",
                 "no-progress-timeout=7", "description=for the weekend", "max-time=90", "cost=standard")
        shown = self.bgx("show", identifier[:4]).stdout
        for text in ("better", "high", "2.0 MiB/s", "0.5 s", "7 s", "for the weekend", "90 s", "standard", "uid ",
                     self.url("one"), str(self.folder / "one")):
            self.assertIn(text, shown)
        job = self.json("show", identifier)[0]
        self.assertEqual((job["name"], job["priority"]), ("better", "high"))
        self.fails_with(2, "set", identifier, "colour=blue", says=("colour", "priority"))
        self.fails_with(2, "set", identifier, "cost=cheap", "name=worse", says=("cheap", "no_surcharge"))
        self.fails_with(2, "set", identifier, "priority=higher", "name=worse", says=("higher",))
        self.assertEqual(self.json("show", identifier)[0]["name"], "better")

    def test_show_says_what_is_known_of_a_file_and_no_secret(self):
        self.serve("one", 1000)
        secret = self.url("chatty/one?signature=marker-query")
        done = self.bgx("add", "--header", "X-Token: marker-header", secret, self.folder / "one",
                        self.url("nothing?signature=marker-query"), self.folder / "two")
        identifier = done.stdout.strip()
        self.assertNotIn("validated", self.bgx("show", identifier).stdout)
        ran = self.bgx("run", "--header", "X-Token: marker-header", "--json", expect=1)
        last = json.loads(ran.stdout.splitlines()[-1])["jobs"][0]["files"]
        fields = {field["name"]: field["value"] for field in last[0]["response_headers"]}
        self.assertEqual(fields["X-Cache"], "HIT, 3 times")
        self.assertEqual(fields["Content-Length"], "1000")
        self.assertEqual((fields["Set-Cookie"], fields["X-Api-Key"]), ("(not shown)", "(not shown)"))
        self.assertEqual(fields["Link"], "</next?...>; rel=next, <http://host/b?...>; rel=b")
        self.assertEqual(fields["X-Mirrors"], "https://one/a,https://two/b;https://three/c@d")
        self.assertEqual(fields["X-Next"], "https://one/a?...")
        self.assertEqual(fields["X-Odd"], "https://?...")
        self.assertIs(last[0]["validated"], False)
        self.assertNotIn("validated", last[1])

        shown, told = self.bgx("show", identifier), self.bgx("show", identifier, "--json")
        self.assertIn("validated: not yet", shown.stdout)
        self.assertIs(json.loads(told.stdout)["files"][0]["validated"], False)
        for text in (shown.stdout, told.stdout, self.bgx("list", "--json").stdout, json.dumps(last[0]["response_headers"]),
                     ran.stderr):
            self.assertNotIn("marker-", text)

    def test_set_changes_where_files_come_from(self):
        identifier, _ = self.add("old", 1000)
        content = self.serve("new", 2000)
        self.bgx("set", identifier, "url=" + self.url("new"))
        self.assertIn(self.url("new"), self.bgx("show", identifier).stdout)
        self.bgx("set", identifier, "url-from=" + self.url("n"), "url-to=" + self.url("n"))
        self.done("run")
        self.assertEqual((self.folder / "old").read_bytes(), content)
        other, _ = self.add("other")
        self.fails_with(2, "set", other, "url=" + self.url("new"), "name=x", says=("go alone",))
        self.fails_with(2, "set", other, "url-from=http://nowhere/", "url-to=http://a/", says=("no URL",))
        self.fails_with(2, "set", other, "url=nonsense", says=("URL",))

    def test_ids_must_name_one_job(self):
        self.add("one")
        self.add("two")
        self.fails_with(2, "show", "zzzz", says=("zzzz", "bgx list"))
        self.fails_with(2, "show", says=("id",))

    def test_a_job_in_error_is_reported_and_the_others_go_on(self):
        bad = self.bgx("add", self.url("missing"), "missing").stdout.strip()
        good, _ = self.add("good")
        done = self.bgx("run", "--json", expect=1)
        jobs = {job["id"]: job for job in json.loads(done.stdout.splitlines()[-1])["jobs"]}
        self.assertEqual((jobs[bad]["state"], jobs[good]["state"]), ("error", "completed"))
        self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertIn("404", done.stderr)
        self.serve("missing", 10)
        self.bgx("run", expect=1)  # It waits for somebody to act.
        self.bgx("resume", bad)
        self.bgx("run")
        self.assertTrue((self.folder / "missing").exists())

    def test_an_option_that_one_job_refuses_begins_no_other(self):
        _, content = self.add("first", 100_000, "--max-size", "1G")
        self.add("second", 100_000)
        self.fails_with(2, "run", "--max-size", "1G", says=("download.size_max",))
        self.assertFalse((self.folder / "first").exists())
        self.bgx("run")
        self.assertEqual((self.folder / "first").read_bytes(), content)

    def test_headers_are_asked_for_again(self):
        content = self.serve("secret/key", 1000)
        self.bgx("add", self.url("secret/key"), "key", "--header", "X-Key: open sesame")
        self.fails_with(1, "run", says=("--header",))
        self.bgx("run", "--header", "X-Key: open sesame")
        self.assertEqual((self.folder / "key").read_bytes(), content)

    def test_an_earlier_job_does_not_delay_a_get(self):
        other, _ = self.add("other", 64 * MIB, "--limit-rate", "1M")
        self.serve("urgent", 1000)
        self.bgx("get", self.url("urgent"), timeout=20)
        self.assertEqual(self.states(), {other: "queued"})

    def test_ten_thousand_small_files_in_one_job(self):
        dice = random.Random(7)
        contents = {f"many/{i:05}": dice.randbytes(dice.randrange(0, 3000)) for i in range(10_000)}
        (self.nginx.www / "many").mkdir()
        for name, content in contents.items():
            (self.nginx.www / name).write_bytes(content)
        target = self.folder / "many"
        target.mkdir()
        began = time.monotonic()
        jobs = self.done("get", *map(self.url, contents), "-d", target, "--parallel", "8", timeout=300)
        taken = time.monotonic() - began
        self.assertEqual(len(jobs[0]["files"]), 10_000)
        self.assertEqual(jobs[0]["bytes_received"], sum(map(len, contents.values())))
        for name, content in contents.items():
            self.assertEqual((self.folder / name).read_bytes(), content)
        print(f"10 000 files: {taken:.1f} s")


class Journal(World):
    def test_a_journal_in_use_is_refused_with_the_pid(self):
        self.serve("big", 8 * MIB)
        process, log = self.start_telling("get", self.url("big"), "--limit-rate", "2M")
        self.wait_for_bytes(log, 100_000)
        self.fails_with(3, "list", says=(str(self.journal), str(process.pid), "--journal", "bgxfer 70"))
        self.fails_with(3, "get", self.url("other"), says=("bgxfer 70",))
        self.assertIsNone(process.poll())

    def test_a_foreign_file_is_left_alone(self):
        self.journal.write_text("This is my diary.\n" * 100)
        self.journal.chmod(0o644)
        self.fails_with(3, "list", says=(str(self.journal), "--journal", "bgxfer 71"))
        self.assertEqual(self.journal.read_text(), "This is my diary.\n" * 100)
        self.assertEqual(self.journal.stat().st_mode & 0o777, 0o644)
        self.assertEqual([path.name for path in self.journal.parent.glob(self.journal.name + "*")], [self.journal.name])

    def test_a_torn_tail_costs_nothing_that_was_promised(self):
        self.serve("x", 10)
        identifier = self.bgx("add", self.url("x"), "x").stdout.strip()
        with open(self.journal, "ab") as journal:
            journal.write(b"\x01\x02\x03")
        self.assertEqual(self.json("list")[0]["id"], identifier)

    def test_the_doctor_says_what_a_journal_holds_and_changes_nothing(self):
        self.fails_with(3, "doctor", says=(str(self.journal), "--journal"))
        self.serve("big", 8 * MIB)
        identifier = self.bgx("add", self.url("big"), "big").stdout.strip()
        process, log = self.start_telling("run", "--limit-rate", "2M")
        self.wait_for_bytes(log, 1_000_000)
        looked = self.json("doctor")
        self.assertEqual(looked[-1]["owner"], process.pid)
        process.kill()
        process.wait()
        looked = self.json("doctor")
        self.assertEqual(looked[0]["id"], identifier)
        self.assertEqual(looked[0]["under_way"][0]["trouble"], "")
        self.assertGreater(looked[0]["under_way"][0]["bytes"], 400_000)
        self.assertEqual((looked[-1]["owner"], looked[-1]["torn"], looked[-1]["damaged"]), (0, False, False))
        pathlib.Path(looked[0]["under_way"][0]["temporary"]).unlink()
        self.assertIn("to fetch again", self.json("doctor")[0]["under_way"][0]["trouble"])
        with open(self.journal, "ab") as journal:
            journal.write(b"\x01\x02\x03")
        before = {path: path.read_bytes() for path in self.journal.parent.iterdir()}
        looked = self.json("doctor")
        self.assertEqual((looked[-1]["owner"], looked[-1]["torn"], looked[-1]["damaged"]), (0, True, False))
        self.assertEqual(looked[-1]["lost"][0]["why"], "what the journal said of these bytes is lost")
        text = self.bgx("doctor").stdout
        self.assertIn(identifier, text)
        self.assertIn("did not finish", text)
        self.assertEqual({path: path.read_bytes() for path in self.journal.parent.iterdir()}, before)
        self.assertEqual(self.bgx("add", self.url("big"), "more").returncode, 0)
        damaged = bytearray(self.journal.read_bytes())
        damaged[90] ^= 1
        self.journal.write_bytes(damaged)
        before = {path: path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}
        self.assertIn('"damaged":true', self.bgx("doctor", "--json", expect=1).stdout)
        self.assertEqual({path: path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}, before)
        self.journal.write_text("This is my diary.\n" * 100)
        self.fails_with(3, "doctor", says=(str(self.journal), "bgxfer 71"))

    def test_a_folder_that_does_not_exist(self):
        self.journal = self.folder / "nowhere" / "queue.journal"
        self.fails_with(3, "list", says=("nowhere",))


if __name__ == "__main__":
    unittest.main()
