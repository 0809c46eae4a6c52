"""A real nginx for tests: in a folder of its own, on free ports, ended by its own process id."""

import os
import pathlib
import shutil
import socket
import subprocess
import time

PROGRAM = shutil.which("nginx") or "/usr/sbin/nginx"

CONFIG = """
daemon off; master_process off; pid nginx.pid; error_log error.log;
events {{ worker_connections 256; }}
http {{
  log_format sizes '$body_bytes_sent'; access_log access.log sizes;
  client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
  sendfile on; keepalive_requests 100000; server_tokens off;
  types {{ }} default_type application/octet-stream;
  map $http_x_key $allowed {{ default 0; "open sesame" 1; }}
  server {{
    listen 127.0.0.1:{port};
    {tls}
    root www;
    location /secret/ {{ if ($allowed = 0) {{ return 403; }} }}
    location /slow/ {{ alias www/; limit_rate 400k; }}
    location /moved/ {{ rewrite ^/moved/(.*)$ /$1 redirect; }}
    location /broken/ {{ return 503; }}
    location /away/ {{ rewrite ^/away/(.*)$ /$1?signature=marker-signed redirect; }}
    location /chatty/ {{
      alias www/;
      add_header Set-Cookie "id=marker-cookie";
      add_header X-Api-Key marker-key;
      add_header Link "</next?signature=marker-link>; rel=next, <http://me:marker-user@host/b#marker-part>; rel=b";
      add_header X-Cache "HIT, 3 times";
      add_header X-Mirrors "https://one/a,https://me:marker-second@two/b;https://me:marker's@marker-third@three/c@d";
      add_header X-Next "https://one/a?next='marker-next,https://two/b";
      add_header X-Odd "https://me:marker-odd?marker-odder@one/a";
    }}
  }}
  {members}
}}
"""


def free_ports(count):
    """Ports that nobody used a moment ago."""
    sockets = [socket.socket() for _ in range(count)]
    for probe in sockets:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in sockets]
    for probe in sockets:
        probe.close()
    return ports


class Nginx:
    """Serves `folder`/www over http and, with `tls`, over https by a certificate of its own authority."""

    config = CONFIG

    def __init__(self, folder, tls=False):
        self.folder = pathlib.Path(folder)
        self.www = self.folder / "www"
        self.www.mkdir(parents=True)
        self.authority = self.folder / "authority.pem"
        self._tls = tls
        if tls:
            self._make_certificates()
        self._start()

    def url(self, name):
        return f"http://127.0.0.1:{self.port}/{name}"

    def https_url(self, name):
        return f"https://localhost:{self.tls_port}/{name}"

    def members_url(self, name):
        """Where a client certificate of the authority is needed."""
        return f"https://localhost:{self.members_port}/{name}"

    def bytes_sent(self):
        """Bytes of all bodies so far, as far as the server knows."""
        return sum(int(line) for line in (self.folder / "access.log").read_text().split())

    def close(self):
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait()

    def restart(self):
        """Away and back on the same ports."""
        self.close()
        self._launch()

    def _start(self):
        for _ in range(5):  # Somebody else may take a port before nginx does.
            self.port, self.tls_port, self.members_port = free_ports(3)
            tls = members = ""
            if self._tls:
                keys = "ssl_certificate server.pem; ssl_certificate_key server.key;"
                members = (f"server {{ listen 127.0.0.1:{self.members_port} ssl; {keys} root www; "
                           "ssl_client_certificate authority.pem; ssl_verify_client on; }")
                tls = f"listen 127.0.0.1:{self.tls_port} ssl; ssl_certificate server.pem; ssl_certificate_key server.key;"
            (self.folder / "nginx.conf").write_text(self.config.format(port=self.port, tls=tls, members=members))
            if self._launch():
                return
        raise RuntimeError(f"nginx does not start: {(self.folder / 'stderr').read_text()}")

    def _launch(self):
        command = [PROGRAM, "-p", f"{self.folder}/", "-c", "nginx.conf", "-e", "stderr"]
        with open(self.folder / "stderr", "w") as stderr:
            self._process = subprocess.Popen(command, stderr=stderr, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return True
            except OSError:
                time.sleep(0.02)
        self.close()
        return False

    def _make_certificates(self):
        def openssl(*words):
            subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)

        (self.folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", "/CN=Test authority", "-keyout", "authority.key", "-out", "authority.pem")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost",
                "-keyout", "server.key", "-out", "server.csr")
        openssl("x509", "-req", "-in", "server.csr", "-CA", "authority.pem", "-CAkey", "authority.key",
                "-CAcreateserial", "-days", "2", "-extfile", "names", "-out", "server.pem")
        os.chmod(self.folder / "server.key", 0o600)
        (self.folder / "usage").write_text("extendedKeyUsage=clientAuth\n")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=member",
                "-keyout", "member.key", "-out", "member.csr")
        openssl("x509", "-req", "-in", "member.csr", "-CA", "authority.pem", "-CAkey", "authority.key",
                "-CAcreateserial", "-days", "2", "-extfile", "usage", "-out", "member.pem")
        openssl("pkcs12", "-export", "-in", "member.pem", "-inkey", "member.key", "-passout", "pass:open sesame",
                "-out", "member.p12")
