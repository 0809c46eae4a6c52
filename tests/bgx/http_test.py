"""bgx through real proxies, and to servers that want a password or a certificate."""

import os
import random
import unittest

from support import World
from servers import PASSWORD, USER, Apache, DigestSquid, Socks, Squid, Tinyproxy

LOGIN = f"{USER}:{PASSWORD}"
WRONG = f"{USER}:marker-wrong"


class HttpWorld(World):
    tls = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        os.chmod(cls.root, 0o755)  # Servers that give up root read below it.

    def get(self, url, *options, expect=0):
        target = self.folder / "file"
        if target.exists():
            target.unlink()
        self.bgx("get", url, "-o", target, "--cacert", self.nginx.authority, "--no-progress-timeout", "0", *options,
                 "--quiet", expect=expect)
        return target.read_bytes()

    def refused(self, url, *options, says):
        line = self.fails_with(1, "get", url, "-o", self.folder / "refused", "--cacert", self.nginx.authority,
                               "--no-progress-timeout", "0", *options, says=says)
        self.assertNotIn("marker-wrong", line)
        self.assertFalse((self.folder / "refused").exists())
        self.assert_no_secret(b"marker-wrong", PASSWORD.encode())
        return line

    def assert_no_secret(self, *secrets):
        for path in self.journal.parent.iterdir():
            for secret in secrets:
                self.assertNotIn(secret, path.read_bytes(), path)

    @classmethod
    def run_server(cls, kind, name, *more):
        if not kind.there():
            raise unittest.SkipTest(f"{kind.__name__} needs packages that are not installed: ./dev installs them")
        server = kind(cls.root / name, *more)
        cls.addClassCleanup(server.close)
        return server


class ProxyTests:
    """What every proxy must carry. `proxy` is its URL."""

    def options(self, login):
        return ["--proxy", self.proxy, "--proxy-user", login]

    def test_plain_and_tls_through_it(self):
        content = self.serve("file.bin", 300_000)
        self.assertEqual(self.get(self.url("file.bin"), *self.options(LOGIN)), content)
        self.assertEqual(self.get(self.nginx.https_url("file.bin"), *self.options(LOGIN)), content)
        self.assert_no_secret(PASSWORD.encode())

    def test_wrong_password(self):
        self.serve("file.bin", 1000)
        for url in (self.url("file.bin"), self.nginx.https_url("file.bin")):
            self.refused(url, *self.options(WRONG), says=["http 407", "is wrong", "--proxy-user"])

    def test_no_password(self):
        self.serve("file.bin", 1000)
        self.refused(self.url("file.bin"), "--proxy", self.proxy, says=["http 407", "--proxy-user"])


class SquidTest(ProxyTests, HttpWorld):
    kind = Squid

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.squid = cls.run_server(cls.kind, "squid")
        cls.proxy = f"http://127.0.0.1:{cls.squid.port}"

    def test_environment_and_names_that_only_the_proxy_knows(self):
        content = self.serve("file.bin", 5000)
        url = f"http://server.test:{self.nginx.port}/file.bin"
        self.environment["http_proxy"] = self.proxy
        self.environment.pop("no_proxy", None)
        self.assertEqual(self.get(url, "--proxy-user", LOGIN), content)
        self.environment["http_proxy"] = self.proxy.replace("http://", f"http://{LOGIN}@")
        self.assertEqual(self.get(url), content)


class DigestSquidTest(SquidTest):
    kind = DigestSquid


class TinyproxyTest(ProxyTests, HttpWorld):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.proxy = f"http://127.0.0.1:{cls.run_server(Tinyproxy, 'tinyproxy').port}"

    def test_wrong_password(self):
        # It answers as if it were the server (401 instead of 407), so it is the error that has to tell them apart.
        self.serve("file.bin", 1000)
        for url in (self.url("file.bin"), self.nginx.https_url("file.bin")):
            self.refused(url, *self.options(WRONG), says=["http 401", "proxy 127.0.0.1"])


class SocksTest(ProxyTests, HttpWorld):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.proxy = f"socks5://127.0.0.1:{cls.run_server(Socks, 'socks').port}"


class NoProxyTest(HttpWorld):
    def test_a_proxy_that_is_not_there(self):
        self.serve("file.bin", 1000)
        self.refused(self.url("file.bin"), "--proxy", "http://127.0.0.1:1", says=["127.0.0.1"])

    def test_none_and_bypass(self):
        content = self.serve("file.bin", 1000)
        self.assertEqual(self.get(self.url("file.bin"), "--proxy", "none"), content)
        self.assertEqual(self.get(self.url("file.bin"), "--proxy", "127.0.0.1:1", "--proxy-bypass", "127.0.0.1"), content)

    def test_a_proxy_that_is_none(self):
        self.refused(self.url("file.bin"), "--proxy", "ftp://x", says=["ftp://x", "--proxy"])


class ApacheTest(HttpWorld):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.apache = cls.run_server(Apache, "apache")
        cls.content = random.Random(1).randbytes(200_000)
        for part in ("basic", "digest"):
            (cls.apache.folder / "www" / part / "file.bin").write_bytes(cls.content)

    def test_basic(self):
        url = self.apache.url("basic/file.bin")
        self.assertEqual(self.get(url, "--user", LOGIN, "--insecure-auth"), self.content)
        self.refused(url, "--user", WRONG, "--insecure-auth", says=["http 401", "is wrong", "--user"])

    def test_basic_does_not_go_over_plain_http_unasked(self):
        self.refused(self.apache.url("basic/file.bin"), "--user", LOGIN, says=["http 401", "over plain http"])

    def test_digest(self):
        url = self.apache.url("digest/file.bin")
        self.assertEqual(self.get(url, "--user", LOGIN), self.content)
        self.refused(url, "--user", WRONG, says=["http 401", "is wrong", "--user"])

    def test_password_from_a_file(self):
        login = self.folder / "login"
        login.write_text(LOGIN + "\n")
        self.assertEqual(self.get(self.apache.url("digest/file.bin"), "--user", f"@{login}"), self.content)

    def test_a_queued_job_waits_for_its_password(self):
        target = self.folder / "queued"
        self.bgx("add", "--user", LOGIN, self.apache.url("digest/file.bin"), target)
        self.assert_no_secret(PASSWORD.encode())
        self.bgx("run", expect=1)
        self.bgx("run", "--user", LOGIN)
        self.assertEqual(target.read_bytes(), self.content)


class CertificateTest(HttpWorld):
    def certificate(self, name):
        return str(self.nginx.folder / name)

    def test_client_certificates(self):
        content = self.serve("file.bin", 1000)
        url = self.nginx.members_url("file.bin")
        self.refused(url, says=["http 400", "--cert"])
        self.assertEqual(self.get(url, "--cert", self.certificate("member.pem"), "--key", self.certificate("member.key")),
                         content)
        self.assertEqual(self.get(url, "--cert", self.certificate("member.p12"), "--key-password", "open sesame"), content)
        self.refused(url, "--cert", self.certificate("member.p12"), "--key-password", "marker-wrong",
                     says=["member.p12: the password is wrong", "--key-password"])

    def test_a_queued_job_gets_its_certificate_or_the_password_of_it_later(self):
        content = self.serve("file.bin", 1000)
        url, certificate = self.nginx.members_url("file.bin"), ("--cert", self.certificate("member.p12"))
        password = ("--key-password", "open sesame")
        self.bgx("add", url, "one")
        self.bgx("run", "--cacert", self.nginx.authority, *certificate, *password)
        self.assertEqual((self.folder / "one").read_bytes(), content)
        self.bgx("add", url, "two", *certificate, *password)
        self.bgx("run", "--cacert", self.nginx.authority, expect=1)
        self.bgx("run", "--cacert", self.nginx.authority, *password)
        self.assertEqual((self.folder / "two").read_bytes(), content)

    def test_untrusted_servers(self):
        content = self.serve("file.bin", 1000)
        url = self.nginx.https_url("file.bin")
        line = self.fails_with(1, "get", url, "-o", "x", says=["not trusted", "--cacert", "--insecure-ca"])
        self.assertIn("localhost", line)
        self.bgx("get", url, "-o", "x", "--insecure-ca")
        self.assertEqual((self.folder / "x").read_bytes(), content)

    def test_pins(self):
        content = self.serve("file.bin", 1000)
        url = self.nginx.https_url("file.bin")
        line = self.refused(url, "--pin", "0" * 64, says=["--pin", "its key is "])
        found = line.split("its key is ")[1][:64]
        self.assertEqual(self.get(url, "--pin", found), content)


class RedirectTest(HttpWorld):
    def test_refused(self):
        content = self.serve("file.bin", 1000)
        self.assertEqual(self.get(self.url("moved/file.bin")), content)
        self.refused(self.url("moved/file.bin"), "--redirects", "refuse", says=["http 302", "leads to", "/file.bin"])

    def test_followed_and_not_told(self):
        self.serve("file.bin", 1000)
        job = self.done("get", self.url("away/file.bin"), "--redirects", "follow")[0]
        self.assertNotIn("leads_to", job["files"][0])

    def test_reported(self):
        content = self.serve("file.bin", 1000)
        job = self.done("get", self.url("away/file.bin"), "--redirects", "report")[0]
        self.assertEqual((self.folder / "file.bin").read_bytes(), content)
        self.assertEqual(job["files"][0]["url"], self.url("away/file.bin"))
        self.assertEqual(job["files"][0]["leads_to"], self.url("file.bin"))  # Without what may be secret in it.

    def test_a_refused_one_is_told_by_show_and_gone_to_where_the_host_says_so(self):
        content = self.serve("file.bin", 1000)
        words = ("get", self.url("away/file.bin"), "-o", "kept", "--redirects", "refuse")
        self.fails_with(1, *words, says=["http 302", "leads to", self.url("file.bin"), "--redirects follow"])
        job = self.json("list")[0]
        self.assertEqual(job["files"][0]["leads_to"], self.url("file.bin"))
        shown = self.bgx("show", job["id"]).stdout
        self.assertIn("leads to " + self.url("file.bin"), shown)
        self.assertIn("refuse", shown)
        for done in (self.bgx("show", job["id"]), self.bgx("show", job["id"], "--json"), self.bgx("list", "--json")):
            self.assertNotIn("marker-signed", done.stdout + done.stderr)
        again = self.done(*words, expect=1)[0]  # The same command is the same job, and asks the same URL.
        self.assertEqual((again["id"], again["files"][0]["url"]), (job["id"], self.url("away/file.bin")))
        followed = self.done("get", self.url("away/file.bin"), "-o", "kept", "--redirects", "follow")[0]
        self.assertEqual(followed["id"], job["id"])
        self.assertNotIn("leads_to", followed["files"][0])
        self.assertEqual((self.folder / "kept").read_bytes(), content)

    def test_usage(self):
        self.serve("file.bin", 1000)
        for words, says in ((["--redirects", "perhaps"], "use follow, report or refuse"), (["--user", "nobody"], "NAME:PASSWORD"),
                            (["--user", "@/nonexistent"], "/nonexistent"), (["--pin", "abc"], "64 hex digits"),
                            (["--method", "CONNECT"], "http.method"), (["--proxy", "http://a:b@c"], "http.credentials")):
            self.fails_with(2, "get", self.url("file.bin"), *words, says=[says])


if __name__ == "__main__":
    unittest.main()
