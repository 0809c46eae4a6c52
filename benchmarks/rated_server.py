"""A server of one file that gives each connection so many bytes per second, and misbehaves when told to.

nginx limits a connection too, but not one of eight, and it neither dies nor lies.
"""

import pathlib
import re
import socket
import threading
import time

SLICE_SECONDS = 0.01


class RatedServer:
    """Serves `path` on loopback, with ranges, in threads of this process, until it is closed.

    `rate` is in bytes per second and for each connection. `slow_rate` is that of the `slow_one`th connection, counted
    from 1. With `dies_after` the server hangs up on everybody once it has sent so many bytes, and listens no more. With
    `lies` every 64th KiB of what it sends is wrong.
    """

    def __init__(self, path, rate, slow_one=0, slow_rate=0, dies_after=None, lies=False):
        self._bytes = memoryview(pathlib.Path(path).read_bytes())
        if lies:
            wrong = bytearray(self._bytes)
            for at in range(0, len(wrong), 64 * 1024):
                wrong[at] ^= 0xff
            self._bytes = memoryview(bytes(wrong))
        self._rate = rate
        self._slow_one = slow_one
        self._slow_rate = slow_rate
        self._dies_after = dies_after
        self._lock = threading.Lock()
        self._open = set()
        self._accepted = 0
        self._sent = 0
        self._dead = False
        self.died_at = None           # As time.monotonic().
        self.log = []                 # (time.monotonic(), all bytes sent so far)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, name="file.bin"):
        return f"http://127.0.0.1:{self.port}/{name}"

    def forget(self):
        """As if nobody had come yet: the first connection from here on is the first one."""
        with self._lock:
            self._accepted = self._sent = 0
            self.log = []

    def close(self):
        with self._lock:
            self._dead = True
            connections = list(self._open)
        for connection in (*connections, self._listener):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self._listener.close()

    def seconds_of_last(self, share, size):
        """How long it took from when all but `share` of `size` bytes had been sent until the last one was."""
        with self._lock:
            before = next(when for when, sent in self.log if sent >= size * (1 - share))
            return self.log[-1][0] - before

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._accepted += 1
                rate = self._slow_rate if self._accepted == self._slow_one else self._rate
                self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection, rate), daemon=True).start()

    def _serve(self, connection, rate):
        try:
            with connection, connection.makefile("rb") as lines:
                while self._answer(connection, lines, rate):
                    pass
        except OSError:
            pass  # Whoever asked has hung up: so may anybody.
        finally:
            with self._lock:
                self._open.discard(connection)

    def _answer(self, connection, lines, rate):
        first = lines.readline()
        head = {}
        while (line := lines.readline().strip()):
            name, _, value = line.partition(b":")
            head[name.strip().lower()] = value.strip().decode()
        if not first:
            return False
        size = len(self._bytes)
        begin, end = 0, size
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", head.get(b"range", ""))
        status = "200 OK"
        more = ""
        if asked:
            begin = int(asked[1])
            end = min(int(asked[2]) + 1, size) if asked[2] else size
            if begin >= end:
                connection.sendall(f"HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */{size}\r\n"
                                   "Content-Length: 0\r\n\r\n".encode())
                return True
            status = "206 Partial Content"
            more = f"Content-Range: bytes {begin}-{end - 1}/{size}\r\n"
        connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {end - begin}\r\n{more}Accept-Ranges: bytes\r\n"
                           'ETag: "1"\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n'.encode())
        if first.startswith(b"HEAD"):
            return True
        return self._send(connection, begin, end, rate)

    def _send(self, connection, begin, end, rate):
        """What the line would carry by now, again and again."""
        started = time.monotonic()
        at = begin
        while at < end:
            due = begin + int((time.monotonic() - started) * rate)
            count = min(end, due) - at
            if count <= 0:
                time.sleep(SLICE_SECONDS)
                continue
            connection.sendall(self._bytes[at:at + count])
            at += count
            with self._lock:
                self._sent += count
                self.log.append((time.monotonic(), self._sent))
                dies = self._dies_after is not None and self._sent >= self._dies_after and not self._dead
                if dies:
                    self.died_at = time.monotonic()
            if dies:
                self.close()
                return False
            time.sleep(SLICE_SECONDS)
        return True
