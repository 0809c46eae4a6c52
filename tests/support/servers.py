"""Real proxies and servers that want a password: each in a folder of its own, on a free port, ended by its own id."""

import hashlib
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import time

from nginx import free_ports

USER, PASSWORD = "me", "open-sesame"


def find(name):
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")


def crypted(password):
    done = subprocess.run(["openssl", "passwd", "-apr1", password], check=True, capture_output=True, text=True)
    return done.stdout.strip()


class Server:
    """A program that listens on `port`. Subclasses write its settings and name its command line."""

    program = ""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        os.chmod(self.folder, 0o777)  # Some of them give up root, and want to write all the same.
        for _ in range(5):  # Somebody else may take the port before the program does.
            self.port = free_ports(1)[0]
            self.prepare()
            with open(self.folder / "output", "w") as output:
                self._process = subprocess.Popen(self.command(), stdout=output, stderr=output, cwd=self.folder,
                                                 stdin=subprocess.DEVNULL)
            if self._answers():
                return
            self.close()
        raise RuntimeError(f"{self.program} does not start: {(self.folder / 'output').read_text()[-2000:]}")

    @classmethod
    def there(cls):
        return find(cls.program) is not None

    def close(self):
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _answers(self):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return True
            except OSError:
                time.sleep(0.05)
        return False


class Squid(Server):
    """Asks for Basic or Digest, and knows server.test."""

    program = "squid"
    scheme = "basic"

    def prepare(self):
        (self.folder / "hosts").write_text("127.0.0.1 server.test localhost\n")
        (self.folder / "basic").write_text(f"{USER}:{crypted(PASSWORD)}\n")
        (self.folder / "digest").write_text(f"{USER}:{PASSWORD}\n")
        helper = {"basic": f"/usr/lib/squid/basic_ncsa_auth {self.folder}/basic",
                  "digest": f"/usr/lib/squid/digest_file_auth {self.folder}/digest"}[self.scheme]
        (self.folder / "squid.conf").write_text(f"""
http_port 127.0.0.1:{self.port}
pid_filename {self.folder}/squid.pid
cache_log {self.folder}/cache.log
access_log stdio:{self.folder}/access.log
hosts_file {self.folder}/hosts
coredump_dir {self.folder}
visible_hostname localhost
shutdown_lifetime 0 seconds
pinger_enable off
netdb_filename none
cache deny all
auth_param {self.scheme} program {helper}
auth_param {self.scheme} children 2 startup=1 idle=1
auth_param {self.scheme} realm squid
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
""")

    def command(self):
        return [find("squid"), "-N", "-f", str(self.folder / "squid.conf")]


class DigestSquid(Squid):
    scheme = "digest"


class Tinyproxy(Server):
    program = "tinyproxy"

    def prepare(self):
        (self.folder / "tinyproxy.conf").write_text(
            f"Port {self.port}\nListen 127.0.0.1\nAllow 127.0.0.1\nTimeout 60\nBasicAuth {USER} {PASSWORD}\n")

    def command(self):
        return [find("tinyproxy"), "-d", "-c", str(self.folder / "tinyproxy.conf")]


class Socks(Server):
    program = "microsocks"

    def prepare(self):
        pass

    def command(self):
        return [find("microsocks"), "-i", "127.0.0.1", "-p", str(self.port), "-u", USER, "-P", PASSWORD]


class Apache(Server):
    """/basic/ and /digest/ want a password."""

    program = "apache2"

    def prepare(self):
        www = self.folder / "www"
        for part in ("basic", "digest"):
            (www / part).mkdir(parents=True, exist_ok=True)
        (self.folder / "users").write_text(f"{USER}:{crypted(PASSWORD)}\n")
        secret = hashlib.md5(f"{USER}:realm:{PASSWORD}".encode()).hexdigest()
        (self.folder / "digests").write_text(f"{USER}:realm:{secret}\n")
        modules = "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n" for name in (
            "mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_basic", "auth_digest"))
        owner = "User www-data\nGroup www-data\n" if os.geteuid() == 0 and _known("www-data") else ""
        (self.folder / "apache2.conf").write_text(f"""
{modules}{owner}
ServerRoot {self.folder}
ServerName 127.0.0.1
PidFile {self.folder}/apache2.pid
Listen 127.0.0.1:{self.port}
ErrorLog {self.folder}/error.log
DocumentRoot {www}
<Directory {www}/basic>
  AuthType Basic
  AuthName realm
  AuthUserFile {self.folder}/users
  Require valid-user
</Directory>
<Directory {www}/digest>
  AuthType Digest
  AuthName realm
  AuthDigestProvider file
  AuthUserFile {self.folder}/digests
  Require valid-user
</Directory>
""")

    def command(self):
        return [find("apache2"), "-X", "-d", str(self.folder), "-f", str(self.folder / "apache2.conf")]

    def url(self, name):
        return f"http://127.0.0.1:{self.port}/{name}"


def _known(user):
    try:
        pwd.getpwnam(user)
        return True
    except KeyError:
        return False
