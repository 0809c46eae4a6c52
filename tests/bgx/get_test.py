"""`bgx get`, end to end against a real nginx."""

import json
import pathlib
import hashlib
import signal
import subprocess
import time
import unittest

from support import MIB, World


class Get(World):
    def read(self, name):
        return (self.folder / name).read_bytes()

    def test_a_file_arrives_whole_under_the_last_name_of_its_url(self):
        content = self.serve("a file.bin", 3 * MIB + 17)
        job = self.done("get", self.url("a%20file.bin?key=1"))[0]
        self.assertEqual(self.read("a file.bin"), content)
        self.assertEqual(job["state"], "completed")
        self.assertEqual(job["bytes_received"], len(content))
        self.assertEqual(job["files"][0]["bytes"], len(content))
        self.assertEqual(job["files"][0]["path"], str(self.folder / "a file.bin"))
        self.assertEqual(job["files"][0]["url"], self.url("a%20file.bin?key=1"))
        self.assertNotIn("error", job)

    def test_several_files_go_to_a_folder(self):
        contents = {name: self.serve(name, size) for name, size in (("one", 100), ("two", MIB), ("three", 0))}
        (self.folder / "in").mkdir()
        jobs = self.done("get", *map(self.url, contents), "-d", "in", "--parallel", "2")
        self.assertEqual(len(jobs), 1)
        for name, content in contents.items():
            self.assertEqual(self.read(f"in/{name}"), content)

    def test_a_file_of_this_machine_is_fetched_beside_one_of_a_server(self):
        content = self.serve("from a server", 1000)
        (self.folder / "share").mkdir()
        (self.folder / "share/from a share").write_bytes(b"x" * 3_000_001)
        share = f"file://{self.folder}/share"
        job = self.done("get", self.url("from%20a%20server"), f"{share}/from%20a%20share")[0]
        self.assertEqual(job["state"], "completed")
        self.assertEqual(self.read("from a server"), content)
        self.assertEqual(self.read("from a share"), b"x" * 3_000_001)

    def test_a_file_that_is_not_there_is_named_with_what_to_do(self):
        missing = f"{self.folder}/share/missing"
        self.fails_with(1, "get", f"file://{missing}", says=(missing, "there is no such file", "check the URL"))
        self.fails_with(2, "get", "file://server/share/a", says=("mount the share",))

    def test_an_existing_file_is_replaced_by_a_relative_name(self):
        content = self.serve("new", 1000)
        (self.folder / "old").write_text("old")
        done = self.bgx("get", self.url("new"), "-o", "./old")
        self.assertEqual(self.read("old"), content)
        self.assertEqual(done.stdout, "")
        self.assertIn("done: old", done.stderr)

    def test_redirects_are_followed_and_do_not_name_the_file(self):
        content = self.serve("there", 1000)
        self.bgx("get", self.url("moved/there"), "-o", "here")
        self.assertEqual(self.read("here"), content)

    def test_it_ends_when_its_work_is_done_although_the_server_keeps_the_connection(self):
        self.serve("file", 1000)
        took = []
        for _ in range(5):
            began = time.monotonic()
            self.bgx("get", self.url("file"))
            took.append(time.monotonic() - began)
        self.assertLess(min(took), 0.9)  # Idle connections are kept for a second.

    def test_after_a_kill_the_same_job_goes_on(self):
        content = self.serve("big", 16 * MIB)
        process, log = self.start_telling("get", self.url("big"), "--limit-rate", "8M")
        self.wait_for_bytes(log, 6 * MIB)
        process.kill()
        process.wait()
        first = [json.loads(line) for line in log.read_bytes().split(b"\n")[:-1]]
        job = self.done("get", self.url("big"), "--limit-rate", "0")[0]
        self.assertEqual(job["id"], next(event["id"] for event in first if event["event"] == "job"))
        self.assertLessEqual(job["bytes_received"], 11 * MIB)
        self.assertEqual(self.read("big"), content)

    def test_what_is_fixed_once_a_job_has_begun_is_refused_and_the_job_stays(self):
        self.serve("file", 100_000)
        self.fails_with(1, "get", self.url("file"), "--max-size", "50k", says=("--max-size", "bgx cancel"))
        self.fails_with(2, "get", self.url("file"), "--max-size", "1M", says=("download.size_max", "bgx cancel"))
        job = self.json("list")[0]
        self.assertEqual(job["state"], "error")
        self.bgx("cancel", job["id"])
        self.bgx("get", self.url("file"), "--max-size", "1M")

    def test_an_interrupt_ends_with_130_and_keeps_everything(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                content = self.serve("big", 12 * MIB)
                process, log = self.start_telling("get", self.url("big"), "--limit-rate", "8M")
                self.wait_for_bytes(log, 4 * MIB)
                began = time.monotonic()
                self.assertEqual(self.interrupt(process, number), 130)
                self.assertLess(time.monotonic() - began, 3)
                last = json.loads(log.read_text().splitlines()[-1])
                self.assertEqual(last["event"], "done")
                kept = last["jobs"][0]["bytes_transferred"]
                self.assertGreaterEqual(kept, 4 * MIB)
                job = self.done("get", self.url("big"), "--limit-rate", "0")[0]
                self.assertEqual(job["id"], last["jobs"][0]["id"])
                self.assertLessEqual(job["bytes_received"], len(content) - kept + 256 * 1024)
                self.assertEqual(self.read("big"), content)
                (self.folder / "big").unlink()

    def test_a_refused_wish_for_other_bytes_gives_nothing_up(self):
        content = self.serve("big", 4 * MIB)
        process, log = self.start_telling("get", self.url("big"), "--limit-rate", "2M")
        self.wait_for_bytes(log, MIB)
        self.interrupt(process)
        right = hashlib.sha256(content).hexdigest()
        self.fails_with(2, "get", self.url("big"), "--sha256", right, "--mirror", "ftp://example.org/big", says=("ftp:",))
        self.fails_with(2, "get", self.url("big"), "--sha256", right, "--header", "Host: other", says=("Host",))
        job = self.done("get", self.url("big"), "--limit-rate", "0")[0]
        self.assertLess(job["bytes_received"], 3 * MIB + 256 * 1024)
        self.assertEqual(self.read("big"), content)

    def test_a_hangup_that_is_ignored_from_outside_ends_nothing(self):
        content = self.serve("big", 4 * MIB)
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # As nohup does.
        try:
            process, log = self.start_telling("get", self.url("big"), "--limit-rate", "2M")
        finally:
            signal.signal(signal.SIGHUP, before)
        self.wait_for_bytes(log, MIB)
        self.assertEqual(self.interrupt(process, signal.SIGHUP), 0)
        self.assertEqual(self.read("big"), content)

    def test_a_rate_limit_is_kept(self):
        self.serve("limited", 4 * MIB)
        began = time.monotonic()
        self.bgx("get", self.url("limited"), "--limit-rate", "2M")
        self.assertGreater(time.monotonic() - began, 1.5)

    def test_headers_are_sent_and_never_stored(self):
        content = self.serve("secret/file", 8 * MIB)
        self.fails_with(1, "get", self.url("secret/file"), says=("http 403", "--header"))
        identifier = self.json("list")[0]["id"]
        header = ("--header", "X-Key: open sesame")
        job = self.done("get", self.url("secret/file"), *header)[0]
        self.assertEqual((job["id"], job["state"]), (identifier, "completed"))
        self.assertEqual(self.read("file"), content)
        for path in self.journal.parent.iterdir():
            self.assertNotIn(b"sesame", path.read_bytes())

    def test_headers_are_given_again_to_go_on(self):
        content = self.serve("secret/file", 12 * MIB)
        header = ("--header", "X-Key: open sesame")
        process, log = self.start_telling("get", self.url("secret/file"), "--limit-rate", "8M", *header)
        self.wait_for_bytes(log, 3 * MIB)
        process.kill()
        process.wait()
        self.fails_with(1, "get", self.url("secret/file"), says=("give --header again", "bgxfer 80"))
        job = self.done("get", self.url("secret/file"), "--limit-rate", "0", *header)[0]
        self.assertLess(job["bytes_received"], 10 * MIB)
        self.assertEqual(self.read("file"), content)

    def test_ranges_are_fetched_one_behind_the_other_or_to_their_places(self):
        content = self.serve("whole", 10_000)
        one = self.done("get", self.url("whole"), "-o", "one", "--range", "9990-", "--range", "0-9")[0]
        self.assertEqual(self.read("one"), content[9990:] + content[:10])
        self.assertEqual(one["bytes_received"], 20)
        self.done("get", self.url("whole"), "-o", "two", "--range", "100-199@50", "--range", "0-9@0")
        self.assertEqual(self.read("two"), content[:10] + bytes(40) + content[100:200])
        for wrong in ("9", "9-8", "a-b", "-5", "1-2@", "1-2@x"):
            self.fails_with(2, "get", self.url("whole"), "--range", wrong, says=("--range",))
        self.fails_with(2, "get", self.url("whole"), "--range", "0-1@5", "--range", "2-3", says=("@PLACE",))
        self.fails_with(2, "get", self.url("whole"), self.url("other"), "--range", "0-1", says=("one file",))

    def test_on_demand_ranges_come_to_their_places_and_the_rest_when_it_is_wanted(self):
        content = self.serve("lazy", 100_000)
        words = ("get", self.url("lazy"), "-o", "part", "--on-demand")
        place = self.bgx(*words, "--range", "10-19", "--range", "50000-50099").stdout.rstrip("\n")
        self.assertFalse((self.folder / "part").exists())
        partial = pathlib.Path(place).read_bytes()
        self.assertEqual((partial[10:20], partial[50_000:50_100]), (content[10:20], content[50_000:50_100]))
        job = self.json("list")[0]
        self.assertEqual((job["state"], job["bytes_transferred"], job["bytes_total"]), ("suspended", 110, 100_000))
        self.assertIn("on-demand", self.bgx("show", job["id"]).stdout)

        more = self.done(*words, "--range", "0-19")[0]
        self.assertEqual((more["id"], more["bytes_received"], more["state"]), (job["id"], 10, "suspended"))
        self.assertEqual(more["files"][0]["temporary"], place)
        rest = self.done("get", self.url("lazy"), "-o", "part")[0]
        self.assertEqual((rest["id"], rest["state"]), (job["id"], "completed"))
        self.assertEqual(rest["bytes_received"], 100_000 - 120)
        self.assertEqual(self.read("part"), content)

    def test_on_demand_for_all_of_a_file_finishes_it(self):
        content = self.serve("lazy", 10_000)
        self.assertEqual(self.bgx("get", self.url("lazy"), "--on-demand", "--range", "0-").stdout, "")
        self.assertEqual(self.read("lazy"), content)
        self.assertEqual(self.bgx("list", "--json").stdout, "")

    def test_on_demand_for_all_of_a_file_waits_until_it_has_its_name(self):
        content = self.serve("lazy", 4 * MIB)
        self.bgx("get", self.url("lazy"), "--on-demand", "--range", "0-9")
        job = self.done("get", self.url("lazy"), "--limit-rate", "4M")[0]
        self.assertEqual(job["state"], "completed")
        self.assertEqual(self.read("lazy"), content)

    def test_on_demand_beyond_the_end(self):
        self.serve("lazy", 10_000)
        self.fails_with(1, "get", self.url("lazy"), "--on-demand", "--range", "9999-10000", says=("range", "lazy"))

    def test_on_demand_beyond_the_end_of_what_has_arrived(self):
        content = self.serve("lazy", 4 * MIB)
        process, log = self.start_telling("get", self.url("lazy"), "--on-demand", "--range", "0-", "--limit-rate", "2M")
        self.wait_for_bytes(log, 1)
        (self.folder / "lazy").mkdir()  # It arrives, but cannot have its name.
        self.assertEqual(process.wait(timeout=20), 1)
        (self.folder / "lazy").rmdir()
        words = ("get", self.url("lazy"), "--on-demand", "--range")
        self.fails_with(1, *words, f"{4 * MIB - 1}-{4 * MIB}", says=("range", "lazy"))
        self.assertFalse((self.folder / "lazy").exists())
        self.assertEqual(self.done(*words, f"0-{4 * MIB - 1}")[0]["bytes_received"], 0)
        self.assertEqual(self.read("lazy"), content)

    def test_on_demand_needs_ranges_without_places(self):
        self.fails_with(2, "get", self.url("x"), "--on-demand", says=("--on-demand", "--range FIRST-LAST"))
        self.fails_with(2, "get", self.url("x"), "--on-demand", "--range", "0-9@5", says=("--on-demand", "@PLACE"))
        self.fails_with(2, "get", self.url("x"), self.url("y"), "--on-demand", "--range", "0-9", says=("one file",))
        self.fails_with(2, "add", self.url("x"), "x", "--on-demand", says=("--on-demand", "get"))

    def test_a_right_digest_is_accepted_and_a_wrong_one_refused(self):
        content = self.serve("digested", MIB)
        right = hashlib.sha256(content).hexdigest()
        wrong = hashlib.sha256(b"other").hexdigest()
        self.fails_with(1, "get", self.url("digested"), "--sha256", wrong, says=("SHA-256", "--sha256", "bgxfer 61"))
        self.assertFalse((self.folder / "digested").exists())
        job = self.done("get", self.url("digested"), "--sha256", right)[0]
        self.assertEqual(job["state"], "completed")
        self.assertEqual(self.read("digested"), content)
        self.assertEqual(self.json("list"), [])

    def test_a_missing_file_is_named_without_its_query(self):
        line = self.fails_with(1, "get", self.url("nothing?token=hidden"), says=("404", self.url("nothing"), "check the URL"))
        self.assertNotIn("hidden", line)
        job = self.done("get", self.url("nothing?token=hidden"), expect=1)[0]
        self.assertEqual(job["state"], "error")
        self.assertEqual(job["error"]["code"], 404)
        self.assertEqual(job["files"][0]["error"]["code"], 404)

    def test_a_server_in_trouble_is_asked_again_until_the_patience_ends(self):
        began = time.monotonic()
        self.fails_with(1, "get", self.url("broken/x"), "--retry-delay", "0.1", "--no-progress-timeout", "0.6", says=("503", "later"))
        self.assertGreater(time.monotonic() - began, 0.3)

    def test_a_server_that_comes_back_ends_the_wait(self):
        content = self.serve("later", 1000)
        self.nginx.close()
        process, log = self.start_telling("get", self.url("later"), "--retry-delay", "0.2")
        time.sleep(0.6)
        self.nginx.restart()
        self.assertEqual(process.wait(timeout=20), 0)
        self.assertEqual(self.read("later"), content)
        self.assertIn("attempt_failed", log.read_text())


class Refused(World):
    """What is wrong on the command line is said at once, and nothing is added."""

    def tearDown(self):
        self.assertEqual(self.json("list"), [])

    def test_unknown_words(self):
        self.fails_with(2, "get", self.url("x"), "--frobnicate", says=("--frobnicate", "bgx help"))
        self.fails_with(2, "fetch", self.url("x"), says=("fetch", "bgx help"))
        self.fails_with(2, "get", says=("URL",))
        self.fails_with(2, "get", self.url("x"), "--parallel", "0", says=("--parallel", "1 to 64"))
        self.fails_with(2, "get", self.url("x"), "--priority", "urgent", says=("--priority", "foreground"))
        self.fails_with(2, "get", self.url("x"), "--retry-delay", "soon", says=("--retry-delay", "seconds"))
        self.fails_with(2, "get", self.url("x"), "--sha256", "abc", says=("64 hex digits",))
        self.fails_with(2, "get", self.url("x"), "--header", "no colon", says=("--header",))
        self.fails_with(2, "get", self.url("x"), "--header", "Range: bytes=0-1", says=("Range",))
        self.fails_with(2, "get", self.url("x"), "--range", "0-5", "--range", "3-8", says=("each --range",))
        self.fails_with(2, "get", self.url("x"), "--max-size", "much", says=("--max-size", "a number of bytes, such"))
        self.fails_with(2, "list", "extra", says=("extra",))
        self.fails_with(2, "add", self.url("x"), says=("file after each URL",))

    def test_options_that_would_do_nothing(self):
        x, key = self.url("x"), str(self.folder / "key")
        self.fails_with(2, "add", x, "x", "-d", "folder", says=("-d is for get, not for add",))
        self.fails_with(2, "add", x, "x", "--output=y", says=("--output is for get, not for add",))
        self.fails_with(2, "add", x, "x", "--cacert", key, says=("--cacert is for get, run, not for add",))
        self.fails_with(2, "run", "--sha256", "0" * 64, says=("--sha256 is for get, add, not for run",))
        self.fails_with(2, "run", "--name", "n", says=("--name is for get, add, resume, not for run",))
        self.fails_with(2, "list", "--priority", "high", says=("not for list", "bgx help"))
        self.fails_with(2, "set", "id", "name=n", "--priority", "high", says=("not for set", "KEY=VALUE"))
        self.fails_with(2, "doctor", "--stats", says=("not for doctor",))
        self.fails_with(2, "run", "--key", key, says=("--key", "--cert FILE"))
        self.fails_with(2, "get", x, "--key-password", "marker-word", says=("--key-password", "--cert FILE"))
        self.fails_with(2, "get", x, "--proxy-bypass", "*.example.org", says=("--proxy-bypass", "--proxy URL"))

    def test_bad_urls(self):
        for url in ("ftp://example.org/x", "nonsense", "http://", "http://exa mple/x"):
            with self.subTest(url):
                self.fails_with(2, "get", url, says=("http://",))

    def test_bad_targets(self):
        self.fails_with(2, "get", self.url("x"), "-o", "none/x", says=("none", "mkdir"))
        self.fails_with(2, "get", self.url("x"), "-o", ".", says=("folder",))
        self.fails_with(2, "get", self.url("x"), self.url("y"), "-o", "z", says=("-o", "-d"))
        self.fails_with(2, "get", self.url("x"), self.url("other/x"), says=("same target", str(self.folder / "x")))
        self.fails_with(2, "add", self.url("x"), "same", self.url("y"), "./same", says=("same target",))


class Text(World):
    def test_help_and_version(self):
        for words in (("help",), ("--help",)):
            self.assertIn("bgx get URL", self.bgx(*words).stdout)
        for verb in ("get", "add", "run", "list", "show", "suspend", "resume", "cancel", "complete", "set", "help"):
            self.assertIn(f"bgx {verb}", self.bgx("help", verb).stdout)
        self.assertRegex(self.bgx("--version").stdout, r"^bgx \d+\.\d+\.\d+\n$")
        self.fails_with(2, "help", "nothing", says=("nothing",))

    def test_quiet_says_nothing(self):
        self.serve("q", 10)
        done = self.bgx("get", self.url("q"), "--quiet")
        self.assertEqual((done.stdout, done.stderr), ("", ""))

    def test_the_default_journal_is_below_the_state_folder(self):
        self.serve("q", 10)
        words = [word for word in self.words("add", self.url("q"), "q") if not word.startswith(("--journal", str(self.journal)))]
        for variables, place in (({}, ".local/state/bgx"), ({"XDG_STATE_HOME": str(self.folder / "xdg")}, "xdg/bgx")):
            done = subprocess.run(words, cwd=self.folder, env={**self.environment, **variables}, capture_output=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue((self.folder / place / "queue.journal").exists())
            self.assertEqual((self.folder / place).stat().st_mode & 0o777, 0o700)


class Https(World):
    tls = True

    def test_a_file_arrives_and_strangers_are_refused(self):
        content = self.serve("over tls", 5 * MIB)
        url = self.nginx.https_url("over%20tls")
        self.bgx("get", url, "--cacert", self.nginx.authority)
        self.assertEqual((self.folder / "over tls").read_bytes(), content)
        self.fails_with(1, "get", url, "-o", "again", says=("not trusted", "--cacert", "bgxfer 44"))


if __name__ == "__main__":
    unittest.main()
