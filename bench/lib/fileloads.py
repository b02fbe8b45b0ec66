"""The loads of bench/files: which files, and how they are asked for."""

import hashlib
import os
import random
import sys

MANY_SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "many.lua")


class Load:
    def __init__(self, name, paths, size, connections):
        self.name, self.paths, self.size, self.connections = name, paths, size, connections
        self.path = paths[0]

    @property
    def is_large(self):
        """Whether muxd may send it by sendfile(2)."""
        return self.size > 128 << 10

    def content(self, path):
        return random.Random(path).randbytes(self.size)

    def make(self, folder):
        for path in self.paths:
            name = folder + path
            if os.path.exists(name) and os.path.getsize(name) == self.size:
                continue
            os.makedirs(os.path.dirname(name), exist_ok=True)
            with open(name, "wb") as file:
                file.write(self.content(path))

    def wrk_options(self):
        return ["-s", MANY_SCRIPT] if len(self.paths) > 1 else []

    def verify(self, server):
        """Each file, over one connection; brings them into the caches of the server, too."""
        with server.connect() as sock:
            for path in self.paths:
                wrong = self._wrong(sock, path)
                if wrong:
                    sys.exit(f"{server.name}: GET {path}: {wrong}")

    def _wrong(self, sock, path):
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
        got = bytearray()
        while b"\r\n\r\n" not in got:
            more = sock.recv(1 << 18)
            if not more:
                return f"the connection ended after {bytes(got)!r}"
            got += more
        head, _, body = got.partition(b"\r\n\r\n")
        fields = head.lower().split(b"\r\n")
        if not head.startswith(b"HTTP/1.1 200 ") or b"content-length: %d" % self.size not in fields:
            return bytes(head)
        while len(body) < self.size:
            more = sock.recv(1 << 18)
            if not more:
                return f"the body ends after {len(body)} bytes"
            body += more
        if hashlib.sha256(body).digest() != hashlib.sha256(self.content(path)).digest():
            return "another content"
        return None


# With large files few connections, as the CPU of answers that are under way at the end counts.
LOADS = {load.name: load for load in (
    Load("1k", ["/1k.css"], 1 << 10, 64),
    Load("16k", ["/16k.js"], 16 << 10, 64),
    Load("100k", ["/100k.jpg"], 100 << 10, 32),
    Load("10m", ["/10m.mp4"], 10 << 20, 4),
    Load("many", [f"/many/{i // 100:02}/{i % 100:02}.html" for i in range(10000)], 4 << 10, 64),
)}


def make_files(folder, loads):
    """Those that are not there. Readable by all, as some servers change their user."""
    os.makedirs(folder, exist_ok=True)
    os.chmod(folder, 0o755)
    for load in loads:
        load.make(folder)
