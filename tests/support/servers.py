"""Real proxies and servers that want a password: each in a folder of its own, on a free port, ended by its own id."""

import hashlib
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import sys
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
auth_param {self.scheme} program {self.helper()}
auth_param {self.scheme} children 2 startup=1 idle=1
{"" if self.scheme == "negotiate" else f"auth_param {self.scheme} realm squid"}
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
""")

    def helper(self):
        return f"/usr/lib/squid/basic_ncsa_auth {self.folder}/basic"

    def command(self):
        return [find("squid"), "-N", "-f", str(self.folder / "squid.conf")]


class DigestSquid(Squid):
    scheme = "digest"

    def helper(self):
        return f"/usr/lib/squid/digest_file_auth {self.folder}/digest"


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


class ApacheServer(Server):
    """An apache in a folder of its own: `prepare` calls `configure`."""

    program = "apache2"
    server_name = "localhost"

    def configure(self, modules, text):
        """Writes the configuration: what every one needs, these modules, and `text`."""
        all_modules = ("mpm_event", "authn_core", "authz_core", "authz_user", *modules)
        lines = [f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in all_modules]
        if os.geteuid() == 0 and _known("www-data"):
            lines += ["User www-data", "Group www-data"]
        lines += [f"ServerRoot {self.folder}", f"ServerName {self.server_name}", f"PidFile {self.folder}/apache2.pid",
                  f"Listen 127.0.0.1:{self.port}", f"ErrorLog {self.folder}/error.log"]
        (self.folder / "apache2.conf").write_text("\n".join(lines) + text)

    def command(self):
        return [find(self.program), "-X", "-d", str(self.folder), "-f", str(self.folder / "apache2.conf")]

    def log_with(self, text, times=1, seconds=20):
        """The access log, once it has this text so often: a request is logged after its client has the answer."""
        deadline = time.monotonic() + seconds
        while (log := self.log()).count(text) < times:
            if time.monotonic() > deadline:
                raise AssertionError(f"{times} x {text!r} is not in the log of {self.folder.name}: {log}")
            time.sleep(0.02)
        return log

    def log(self):
        return (self.folder / "access.log").read_text()


class Apache(ApacheServer):
    """/basic/ and /digest/ want a password."""

    server_name = "127.0.0.1"

    def prepare(self):
        www = self.folder / "www"
        for part in ("basic", "digest"):
            (www / part).mkdir(parents=True, exist_ok=True)
        (self.folder / "users").write_text(f"{USER}:{crypted(PASSWORD)}\n")
        secret = hashlib.md5(f"{USER}:realm:{PASSWORD}".encode()).hexdigest()
        (self.folder / "digests").write_text(f"{USER}:realm:{secret}\n")
        self.configure(["authn_file", "auth_basic", "auth_digest"], f"""
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

    def url(self, name):
        return f"http://127.0.0.1:{self.port}/{name}"


class Httpbin(Server):
    """Run by the Python that has it: the system's, where another one comes first in the path."""

    program = "python3"

    @classmethod
    def there(cls):
        return cls.python() is not None

    @staticmethod
    def python():
        for python in (sys.executable, "/usr/bin/python3"):
            if subprocess.run([python, "-c", "import httpbin"], capture_output=True, check=False).returncode == 0:
                return python
        return None

    def prepare(self):
        pass

    def command(self):
        return [self.python(), "-c", f"import httpbin; httpbin.app.run(host='127.0.0.1', port={self.port}, threaded=True)"]


class Kdc(Server):
    """A realm of its own: the user ME, and the service HTTP/localhost. `environment` is for whoever belongs to it."""

    program = "krb5kdc"
    realm = "BGXFER.TEST"

    @classmethod
    def there(cls):
        return all(find(name) for name in ("krb5kdc", "kdb5_util", "kadmin.local", "kinit"))

    def prepare(self):
        (self.folder / "krb5.conf").write_text(f"""
[libdefaults]
  default_realm = {self.realm}
  dns_lookup_kdc = false
  dns_lookup_realm = false
  dns_canonicalize_hostname = false
  rdns = false
  qualify_shortname = ""
  forwardable = true
[realms]
  {self.realm} = {{
    kdc = 127.0.0.1:{self.port}
  }}
[domain_realm]
  localhost = {self.realm}
""")
        (self.folder / "kdc.conf").write_text(f"""
[kdcdefaults]
  kdc_listen = 127.0.0.1:{self.port}
  kdc_tcp_listen = 127.0.0.1:{self.port}
[realms]
  {self.realm} = {{
    database_name = {self.folder}/principal
    key_stash_file = {self.folder}/stash
    acl_file = {self.folder}/acl
  }}
""")
        self.environment = {"KRB5_CONFIG": str(self.folder / "krb5.conf"),
                            "KRB5_KDC_PROFILE": str(self.folder / "kdc.conf"),
                            "KRB5CCNAME": f"FILE:{self.folder}/tickets", "KRB5RCACHENAME": f"dfl:{self.folder}/replays"}
        self.keytab = self.folder / "http.keytab"
        if self.keytab.exists():
            return
        self.run("kdb5_util", "create", "-s", "-r", self.realm, "-P", "master-key")
        self.run("kadmin.local", "-q", f"addprinc -pw {PASSWORD} {USER}")
        self.run("kadmin.local", "-q", "addprinc -randkey HTTP/localhost")
        self.run("kadmin.local", "-q", f"ktadd -k {self.keytab} HTTP/localhost")
        os.chmod(self.keytab, 0o644)  # For servers that give up root.

    def run(self, program, *words, **options):
        subprocess.run([find(program), *words], check=True, capture_output=True, text=True, timeout=60,
                       env={**os.environ, **self.environment}, **options)

    def command(self):
        return ["env", *(f"{name}={value}" for name, value in self.environment.items()), find("krb5kdc"), "-n",
                "-r", self.realm]

    def log_in(self):
        self.run("kinit", USER, input=PASSWORD + "\n")

    def log_out(self):
        (self.folder / "tickets").unlink(missing_ok=True)


class GssApache(ApacheServer):
    """/negotiate/ wants a ticket of `kdc`, /ntlm/ the user ME of the domain HOME."""

    def __init__(self, folder, kdc):
        self.kdc = kdc
        super().__init__(folder)

    @classmethod
    def there(cls):
        return find(cls.program) is not None and pathlib.Path("/usr/lib/apache2/modules/mod_auth_gssapi.so").exists()

    def prepare(self):
        www = self.folder / "www"
        for part in ("negotiate", "ntlm"):
            (www / part).mkdir(parents=True, exist_ok=True)
        self.delegated = self.folder / "delegated"
        self.delegated.mkdir(exist_ok=True)
        os.chmod(self.delegated, 0o777)
        (self.folder / "ntlm-users").write_text(f"HOME:{USER}:{PASSWORD}\n")
        self.configure(["auth_gssapi", "alias"], f"""
LogFormat "%u %s %U"
CustomLog {self.folder}/access.log "%u %s %U%q %{{Authorization}}i"
DocumentRoot {www}
Redirect 302 /negotiate/away.bin http://127.0.0.1:{self.port}/negotiate/file.bin?landed
<Directory {www}/negotiate>
  AuthType GSSAPI
  AuthName realm
  GssapiCredStore keytab:{self.kdc.keytab}
  GssapiAllowedMech krb5
  GssapiDelegCcacheDir {self.delegated}
  Require valid-user
</Directory>
<Directory {www}/ntlm>
  AuthType GSSAPI
  AuthName realm
  GssapiAllowedMech ntlmssp
  GssapiConnectionBound On
  Require valid-user
</Directory>
""")

    def command(self):
        environment = {**self.kdc.environment, "NTLM_USER_FILE": str(self.folder / "ntlm-users"),
                       "KRB5RCACHENAME": f"dfl:{self.folder}/replays"}
        return ["env", *(f"{name}={value}" for name, value in environment.items()), *super().command()]

    def url(self, name):
        return f"http://localhost:{self.port}/{name}"


class NtlmProxy(ApacheServer):
    """An apache that forwards and tunnels (CONNECT) for the user ME of the domain HOME, who proves himself by NTLM."""

    @classmethod
    def there(cls):
        modules = pathlib.Path("/usr/lib/apache2/modules")
        return find(cls.program) is not None and all(
            (modules / f"mod_{name}.so").exists() for name in ("auth_gssapi", "proxy_connect"))

    def prepare(self):
        (self.folder / "ntlm-users").write_text(f"HOME:{USER}:{PASSWORD}\n")
        self.configure(["auth_gssapi", "proxy", "proxy_http", "proxy_connect"], f"""
CustomLog {self.folder}/access.log "%m %s %u"
ProxyRequests On
AllowCONNECT 1-65535
<Proxy *>
  AuthType GSSAPI
  AuthName proxy
  GssapiAllowedMech ntlmssp
  GssapiConnectionBound On
  Require valid-user
</Proxy>
""")

    def command(self):
        return ["env", f"NTLM_USER_FILE={self.folder}/ntlm-users", *super().command()]


class NegotiateSquid(Squid):
    """Asks for a ticket of `kdc`."""

    scheme = "negotiate"

    def __init__(self, folder, kdc):
        self.kdc = kdc
        super().__init__(folder)

    @classmethod
    def there(cls):
        return find(cls.program) is not None and pathlib.Path("/usr/lib/squid/negotiate_kerberos_auth").exists()

    def helper(self):
        return f"/usr/lib/squid/negotiate_kerberos_auth -k {self.kdc.keytab} -s HTTP/localhost@{self.kdc.realm}"

    def command(self):
        environment = {**self.kdc.environment, "KRB5RCACHENAME": f"dfl:{self.folder}/replays"}
        return ["env", *(f"{name}={value}" for name, value in environment.items()), *super().command()]


def _known(user):
    try:
        pwd.getpwnam(user)
        return True
    except KeyError:
        return False
