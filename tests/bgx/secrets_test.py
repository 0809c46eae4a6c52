"""Marked secrets through real proxies and servers: none is found in a journal, a log, an error or an event."""

import base64
import itertools
import unittest

from http_test import HttpWorld
from servers import PASSWORD, USER, Apache, DigestSquid, Socks, Squid, Tinyproxy

KEY_PASSWORD = "open sesame"  # Of the client certificate that the nginx of these tests takes.


class Way:
    """One way to a file: its URL, and the options that carry a password."""

    def __init__(self, name, url, *options, secret, status):
        self.name, self.url, self.options, self.secret, self.status = name, url, options, secret, status

    def words(self, secret):
        return [option.format(secret) for option in self.options]


class SecretsTest(HttpWorld):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.content = b"what is no secret" * 1000
        cls.apache = cls.run_server(Apache, "apache")
        for part in ("basic", "digest"):
            (cls.apache.folder / "www" / part / "file.bin").write_bytes(cls.content)
        (cls.nginx.www / "file.bin").write_bytes(cls.content)
        login = USER + ":{}"
        cls.ways = []
        for kind, scheme in ((Squid, "http"), (DigestSquid, "http"), (Tinyproxy, "http"), (Socks, "socks5")):
            proxy = cls.run_server(kind, kind.__name__)
            for url in (cls.nginx.url("file.bin"), cls.nginx.https_url("file.bin")):
                # Tinyproxy answers a wrong password as if it were the server.
                status = "http 401" if kind is Tinyproxy else "http 407"
                cls.ways.append(Way(f"{kind.__name__} to {url[:5]}", url, "--proxy", f"{scheme}://127.0.0.1:{proxy.port}",
                                    "--proxy-user", login, secret=PASSWORD, status=status))
        for part, more in (("basic", ["--insecure-auth"]), ("digest", [])):
            cls.ways.append(Way(f"apache {part}", cls.apache.url(f"{part}/file.bin"), "--user", login, *more,
                                secret=PASSWORD, status="http 401"))
        cls.ways.append(Way("nginx with client certificates", cls.nginx.members_url("file.bin"), "--cert",
                            str(cls.nginx.folder / "member.p12"), "--key-password", "{}", secret=KEY_PASSWORD,
                            status="the password is wrong"))

    def test_none_is_told_where_it_opens_the_door_and_where_it_is_wrong(self):
        marks = (f"marker-secret-{number}" for number in itertools.count(1))
        secrets, told = {PASSWORD, KEY_PASSWORD}, {}
        log = self.folder / "log"

        def keep(what, done):
            told[what + ": stdout"], told[what + ": stderr"] = done.stdout.encode(), done.stderr.encode()

        for way in self.ways:
            headers = []
            for name in ("X-Key", "Authorization" if "--user" not in way.options else "Cookie"):
                secrets.add(mark := next(marks))
                headers += ["--header", f"{name}: {mark}"]
            common = ["--no-progress-timeout", "0", "--log", log]
            fetching = ["--cacert", self.nginx.authority, *common]
            good, bad = self.folder / "good", self.folder / "bad"
            secrets.add(wrong := next(marks))
            with self.subTest(way.name):
                # A queued job waits for its secrets, and has them only while it runs.
                keep(way.name + ", added", self.bgx("add", way.url, good, *common, *headers, *way.words(way.secret), "--json"))
                told[way.name + ", added: journal"] = self.journal.read_bytes()
                keep(way.name + ", run", self.bgx("run", *fetching, *headers, *way.words(way.secret), "--json", "--stats"))
                self.assertEqual(good.read_bytes(), self.content)
                good.unlink()

                done = self.bgx("get", way.url, "-o", bad, *fetching, *headers, *way.words(wrong), "--json", expect=1)
                self.assertIn(way.status, done.stderr)
                self.assertFalse(bad.exists())
                keep(way.name + ", wrong", done)
                identifier = self.json("list")[0]["id"]
                for words in (("show", identifier), ("show", identifier, "--json"), ("list", "--json"), ("doctor",)):
                    keep(f"{way.name}, {words}", self.bgx(*words))
                told[way.name + ", wrong: journal"] = self.journal.read_bytes()
                self.bgx("cancel", identifier)
            told.update((f"{way.name}: {path.name}", path.read_bytes()) for path in self.journal.parent.iterdir())
        told["log"] = log.read_bytes()
        self.assertIn(b"job.failed", told["log"])  # It is no log if nothing is in it.

        self.assertGreaterEqual(len(secrets), 20)
        for secret in secrets:
            for form in (secret.encode(), base64.b64encode(f"{USER}:{secret}".encode()), secret.encode().hex().encode()):
                for where, text in told.items():
                    self.assertNotIn(form, text, where)
        print(f"{len(secrets)} secrets on {len(self.ways)} ways: in none of {len(told)} journals, logs, errors and events")


if __name__ == "__main__":
    unittest.main()
