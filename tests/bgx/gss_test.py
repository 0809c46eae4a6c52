"""bgx proves itself by Kerberos and by NTLM: to a real apache and a real squid, in a realm of the test's own."""

import random
import unittest

from http_test import LOGIN, WRONG, HttpWorld
from servers import PASSWORD, USER, GssApache, Kdc, NegotiateSquid, NtlmProxy

REALM_LOGIN = f"{USER}@{Kdc.realm}:{PASSWORD}"
REALM_WRONG = f"{USER}@{Kdc.realm}:marker-wrong"


class GssWorld(HttpWorld):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.kdc = cls.run_server(Kdc, "kdc")

    def setUp(self):
        super().setUp()
        self.environment.update(self.kdc.environment)
        self.kdc.log_out()


class ServerTest(GssWorld):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.apache = cls.run_server(GssApache, "apache", cls.kdc)
        cls.content = random.Random(1).randbytes(200_000)
        for part in ("negotiate", "ntlm"):
            for name in ("file.bin", "other.bin"):
                (cls.apache.folder / "www" / part / name).write_bytes(cls.content)

    def test_a_ticket_is_used_where_the_job_asks_for_it_and_never_delegated(self):
        self.kdc.log_in()
        url = self.apache.url("negotiate/file.bin")
        self.refused(f"{url}?unasked", says=["http 401", "negotiate"])
        log = self.apache.log_with("file.bin?unasked")
        self.assertNotIn("file.bin?unasked Negotiate ", log)
        self.assertEqual(self.get(f"{url}?asked", "--negotiate"), self.content)
        log = self.apache.log_with(f"{USER}@{Kdc.realm} 200 /negotiate/file.bin?asked")
        self.assertIn("file.bin?asked Negotiate ", log)
        self.assertEqual(list(self.apache.delegated.iterdir()), [])

    def test_a_name_and_a_password_instead_of_a_ticket(self):
        self.assertEqual(self.get(self.apache.url("negotiate/file.bin"), "--negotiate", "--user", REALM_LOGIN), self.content)
        self.refused(self.apache.url("negotiate/file.bin"), "--negotiate", "--user", REALM_WRONG,
                     says=["http 401", "Negotiate failed here", "--user"])

    def test_no_ticket(self):
        self.refused(self.apache.url("negotiate/file.bin"), "--negotiate", says=["http 401", "Negotiate failed here"])

    def test_a_host_that_the_realm_does_not_know(self):
        self.kdc.log_in()
        self.refused(f"http://127.0.0.1:{self.apache.port}/negotiate/file.bin", "--negotiate",
                     says=["http 401", "Negotiate failed here", "HTTP/127.0.0.1"])

    def test_a_ticket_stays_with_its_origin(self):
        self.kdc.log_in()
        self.refused(self.apache.url("negotiate/away.bin"), "--negotiate", says=["http 401"])
        log = self.apache.log_with("/negotiate/file.bin?landed")
        self.assertNotIn("file.bin?landed Negotiate ", log)

    def test_a_job_of_several_files_shows_tickets_unasked(self):
        self.kdc.log_in()
        self.bgx("add", "--negotiate", self.apache.url("negotiate/file.bin?several"), self.folder / "one",
                 self.apache.url("negotiate/other.bin?several"), self.folder / "two")
        self.bgx("run", expect=1)
        self.bgx("run", "--negotiate")
        self.assertEqual((self.folder / "two").read_bytes(), self.content)
        log = self.apache.log_with("?several Negotiate ", times=2)
        self.assertEqual(len([line for line in log.splitlines() if " 401 " in line and "?several" in line]), 1, log)

    def test_ntlm_keeps_to_its_connection(self):
        url = self.apache.url("ntlm/file.bin")
        self.assertEqual(self.get(url, "--ntlm", "--user", f"HOME\\{LOGIN}"), self.content)
        self.refused(url, "--ntlm", "--user", f"HOME\\{WRONG}", says=["http 401", "is wrong", "--user"])


class ProxyTest(GssWorld):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.squid = cls.run_server(NegotiateSquid, "squid", cls.kdc)
        cls.proxy = f"http://localhost:{cls.squid.port}"

    def test_plain_and_tls_through_it(self):
        content = self.serve("file.bin", 300_000)
        self.kdc.log_in()
        for url in (self.url("file.bin"), self.nginx.https_url("file.bin")):
            self.assertEqual(self.get(url, "--proxy", self.proxy, "--proxy-negotiate"), content)

    def test_the_account_of_a_queued_job_needs_not_be_given_again_and_is_for_proxies_alone(self):
        content = self.serve("file.bin", 300_000)
        self.kdc.log_in()
        for name, url in (("plain", self.url("file.bin")), ("tls", self.nginx.https_url("file.bin"))):
            self.bgx("add", "--proxy", self.proxy, "--proxy-account", url, self.folder / name)
        self.bgx("run", "--cacert", self.nginx.authority)
        for name in ("plain", "tls"):
            self.assertEqual((self.folder / name).read_bytes(), content)
        apache = self.run_server(GssApache, "apache-beside", self.kdc)
        (apache.folder / "www" / "negotiate" / "file.bin").write_bytes(content)
        self.refused(apache.url("negotiate/file.bin"), "--proxy-account", says=["http 401", "negotiate"])
        self.assertNotIn("Negotiate ", apache.log_with("/negotiate/file.bin"))

    def test_no_ticket(self):
        self.serve("file.bin", 1000)
        for url in (self.url("file.bin"), self.nginx.https_url("file.bin")):
            self.refused(url, "--proxy", self.proxy, "--proxy-negotiate", says=["http 407", "Negotiate failed here"])


class NtlmProxyTest(HttpWorld):
    """Three steps on one connection to the proxy, which then becomes the tunnel."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.proxy = cls.run_server(NtlmProxy, "ntlm-proxy")
        cls.options = ["--proxy", f"http://localhost:{cls.proxy.port}", "--proxy-ntlm"]

    def test_plain_and_through_a_tunnel(self):
        content = self.serve("file.bin", 300_000)
        for method, url in (("GET", self.url("file.bin")), ("CONNECT", self.nginx.https_url("file.bin"))):
            self.assertEqual(self.get(url, *self.options, "--proxy-user", f"HOME\\{LOGIN}"), content)
            self.proxy.log_with(f"{method} 200 ")
        self.assert_no_secret(PASSWORD.encode())

    def test_wrong_password(self):
        self.serve("file.bin", 1000)
        for url in (self.url("file.bin"), self.nginx.https_url("file.bin")):
            self.refused(url, *self.options, "--proxy-user", f"HOME\\{WRONG}", says=["http 407", "is wrong", "--proxy-user"])


if __name__ == "__main__":
    unittest.main()
