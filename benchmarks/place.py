"""Where a benchmark happens: a folder, the files that are served, and an nginx and relays of its own."""

import itertools
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "support"))
import nginx  # noqa: E402

MIB = 1 << 20

CONFIG = """
daemon off; master_process off; pid nginx.pid; error_log error.log;
worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
  access_log off; log_format sizes '$body_bytes_sent';
  client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
  sendfile on; tcp_nopush on; keepalive_requests 10000000; server_tokens off; open_file_cache max=30000 inactive=600s;
  ssl_protocols TLSv1.3; ssl_buffer_size 16k;
  types {{ }} default_type application/octet-stream;
  server {{
    listen 127.0.0.1:{port};
    {tls}
    root www;
    location /8MBps/ {{ alias www/; limit_rate 8000000; }}
    location /4MBps/ {{ alias www/; limit_rate 4000000; }}
    location /16MBps/ {{ alias www/; limit_rate 16000000; }}
    location /32MBps/ {{ alias www/; limit_rate 32000000; }}
    location /50MBps/ {{ alias www/; limit_rate 50000000; }}
  }}
}}
"""


class BenchmarkServer(nginx.Nginx):
    """nginx without a log, and with locations that give only so much to a connection."""

    config = CONFIG


class Place:
    """Everything below one temporary folder, which is gone in the end."""

    def __init__(self, programs, parent):
        self.programs = pathlib.Path(programs).resolve()
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="bgxfer-bench-", dir=parent))
        self.targets = self.root / "targets"
        self.lists = self.root / "lists"
        self.lists.mkdir()
        self._relays = []
        self._runs = itertools.count()
        self.server = BenchmarkServer(self.root / "server", tls=True)

    def close(self):
        for relay in self._relays:
            relay.stdin.close()
            relay.wait(timeout=10)
        self.server.close()
        shutil.rmtree(self.root, ignore_errors=True)

    def program(self, name):
        path = self.programs / name if name == "bgx" else self.programs / "benchmarks" / name
        if not path.exists():
            raise SystemExit(f"{path} is not built: use ./dev bench, or cmake --build --target benchmarks")
        return path

    def serve(self, name, size):
        """A file of random bytes on the server. The same name has the same bytes in every run."""
        path = self.server.www / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            source = random.Random(name)
            with open(path, "wb") as out:
                for begin in range(0, size, MIB):
                    out.write(source.randbytes(min(MIB, size - begin)))
        return path

    def serve_many(self, folder, sizes):
        """Names of files of these sizes, served below `folder`."""
        names = [f"{folder}/{i:05}.bin" for i in range(len(sizes))]
        for name, size in zip(names, sizes):
            self.serve(name, size)
        return names

    def relay(self, port, delay_ms):
        """The port of a relay to `port` that holds every byte for so long, each way."""
        process = subprocess.Popen([self.program("relay"), str(port), str(delay_ms)], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True)
        self._relays.append(process)
        return int(process.stdout.readline())

    def empty_targets(self):
        """Nothing left of the last run, neither on the disk nor on its way there.

        Small files only move out of the way: ext4 gives out no inode that was deleted a moment ago, and the search for
        another would be the next program's to pay.
        """
        if self.targets.exists():
            for file in self.targets.iterdir():
                if file.stat().st_size >= MIB:
                    file.unlink()
            self.targets.rename(self.root / f"old{next(self._runs)}")
        self.targets.mkdir()
        os.sync()

    def journal(self):
        """A journal that nobody has used: deleted with the targets."""
        return self.targets / ".journal"

    def verify(self, names, who):
        """Every file byte for byte, or there is no figure."""
        for name in names:
            target = self.targets / pathlib.Path(name).name
            if not target.exists() or not same(self.server.www / name, target):
                raise SystemExit(f"{who}: {target.name} is not what the server has")

    def write_list(self, name, lines):
        path = self.lists / name
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    def file_system(self):
        found = subprocess.run(["findmnt", "-no", "FSTYPE", "--target", self.root], capture_output=True, text=True)
        return found.stdout.strip() or "unknown"


def same(a, b):
    if a.stat().st_size != b.stat().st_size:
        return False
    if a.stat().st_size < MIB:
        return a.read_bytes() == b.read_bytes()
    return subprocess.run(["cmp", "-s", a, b]).returncode == 0
