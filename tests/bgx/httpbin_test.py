"""bgx against httpbin, which was written to show clients what HTTP servers do."""

import unittest

from http_test import HttpWorld
from servers import USER, Httpbin

# What it is asked for stands in its URLs, so this password is no secret.
PASSWORD = "in-the-url"
LOGIN = f"{USER}:{PASSWORD}"
WRONG = f"{USER}:marker-wrong"


class HttpbinTest(HttpWorld):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.httpbin = cls.run_server(Httpbin, "httpbin")

    def at(self, path):
        return f"http://127.0.0.1:{self.httpbin.port}/{path}"

    def test_basic(self):
        url = self.at(f"basic-auth/{USER}/{PASSWORD}")
        self.assertIn(b'"authenticated":true', self.get(url, "--user", LOGIN, "--insecure-auth").replace(b" ", b""))
        self.refused(url, "--user", WRONG, "--insecure-auth", says=["http 401", "is wrong", "--user"])

    def test_digest_with_every_hash_that_it_knows(self):
        for algorithm in ("MD5", "SHA-256"):
            url = self.at(f"digest-auth/auth/{USER}/{PASSWORD}/{algorithm}")
            self.assertIn(b'"authenticated":true', self.get(url, "--user", LOGIN).replace(b" ", b""))
            self.refused(url, "--user", WRONG, says=["http 401", "is wrong", "--user"])

    def test_digest_that_goes_stale_after_each_use(self):
        url = self.at(f"digest-auth/auth/{USER}/{PASSWORD}/MD5/1")
        self.assertIn(b'"authenticated":true', self.get(url, "--user", LOGIN).replace(b" ", b""))

    def test_ranges(self):
        content = bytes(ord("a") + i % 26 for i in range(5000))
        self.assertEqual(self.get(self.at("range/5000")), content)

    def test_redirects(self):
        for kind in ("redirect", "relative-redirect", "absolute-redirect"):
            self.assertIn(b'"url"', self.get(self.at(f"{kind}/3")))
        self.refused(self.at("redirect/11"), says=["redirect"])

    def test_statuses(self):
        for status in (400, 403, 404, 410, 429, 500, 501, 503):
            self.refused(self.at(f"status/{status}"), says=[f"http {status}"])

    def test_chunks_without_a_length(self):
        self.assertEqual(len(self.get(self.at("stream-bytes/30000?chunk_size=1000"))), 30_000)

    def test_a_body_that_is_compressed_unasked(self):
        self.refused(self.at("gzip"), says=["encod"])


if __name__ == "__main__":
    unittest.main()
