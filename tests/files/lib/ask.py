"""The daemon a case is played against, and the requests it is sent."""

import os
import re
import shutil
import tempfile
import time
from calendar import timegm

from client import Client, Poller, Response
from daemon import Daemon
from play import reserve_port
from text import BadScenario, Failure

# Who may not read everything: what may not be read is told by a daemon that is not root.
AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
BODY_MAX = 64 << 20
_ESCAPE = re.compile(r"\\x([0-9a-fA-F]{2})")
_VALUE = re.compile(r"\$\{(\w+) ?([^}]*)\}")
_FORMATS = {"date": "%a, %d %b %Y %H:%M:%S GMT", "date850": "%A, %d-%b-%y %H:%M:%S GMT",
            "asctime": "%a %b %e %H:%M:%S %Y"}


def add_arguments(parser):
    """What all tests of `files` may be told."""
    parser.add_argument("--muxd", default="build/muxd-test", help="the program under test")
    parser.add_argument("--transport", default="tcp",
                        help="tcp (plain sockets), adverse, adverse-nosendfile; NAME:SEED")
    parser.add_argument("--files", metavar="WORD,WORD...",
                        help="what files are like (MUXD_TEST_FILES)")
    parser.add_argument("--pool", action="store_true", help='with run = "pool"')
    parser.add_argument("--file-cache", metavar="SIZE", help="limits.file_cache")
    parser.add_argument("--patience", type=float, default=30, help="seconds until a wait failed")
    parser.add_argument("--seed", type=int, default=1)


def as_nobody():
    return AS_NOBODY if os.geteuid() == 0 else []


def parse_date(value):
    return timegm(time.strptime(value, _FORMATS["date"]))


def to_bytes(text):
    """\\xHH is that byte; everything else its UTF-8."""
    out, at = b"", 0
    for match in _ESCAPE.finditer(text):
        out += text[at:match.start()].encode() + bytes([int(match[1], 16)])
        at = match.end()
    return out + text[at:].encode()


class Careful(Client):
    """Gives up on a body that no case can mean."""

    def take(self, n, what):
        if n > BODY_MAX:
            raise Failure(f"{what}: too much to read")
        return super().take(n, what)


class Running:
    """A daemon that is up, for a `with`; ended by TERM, and then nothing may be wrong."""

    def __init__(self, site):
        self.site, self.names = site, 0

    def __enter__(self):
        site = self.site
        # One port a thread: while nobody asks for another, they are not used up.
        if not hasattr(site.local, "port"):
            site.local.port = reserve_port()
        port = site.local.port.getsockname()[1]
        self.address = f"127.0.0.1:{port}"
        self.folder = tempfile.mkdtemp(prefix="case-", dir=site.folder)
        os.chmod(self.folder, 0o755)
        conf = f"{self.folder}.conf"
        with open(conf, "w", encoding="utf-8") as file:
            file.write(f'loops = 1;\nlisteners: {{ main: {{ address = "{self.address}"; }} }}\n')
            file.write(site.config())
        os.chmod(conf, 0o644)
        self.poller = Poller(site.options.patience)
        self.daemon = Daemon([*as_nobody(), site.options.muxd, "-c", conf], self.poller,
                             self.folder, site.environment, ())
        self.daemon.output.ignored = site.table.ignored
        try:
            self.daemon.await_ready()
        except Failure as error:
            self.daemon.kill()
            raise Failure(f"{error}\n" + "\n".join(self.daemon.output.lines[-12:])) from None
        return self

    def connect(self):
        self.names += 1
        return Careful(f"c{self.names}", self.poller, self.address)

    def ask(self, client, head, method):
        client.send(head)
        return Response(client, method)

    def __exit__(self, kind, *_):
        try:
            for client in list(self.poller.clients.values()):
                client.close()
            self.daemon.signal("TERM")
            status = self.daemon.wait()
            wrong = self.daemon.output.complaints()
            if kind is None and (status != 0 or wrong):
                raise Failure("\n".join([f"the daemon ended with status {status}", *wrong]))
        finally:
            self.daemon.kill()
            shutil.rmtree(self.folder)


class Site:
    """What the cases of a table have in common."""

    def __init__(self, table, options, folder, local):
        self.table, self.options, self.folder, self.local = table, options, folder, local
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("MUXD_")}
        if options.transport != "tcp":
            seed = "" if ":" in options.transport else ":1"
            self.environment["MUXD_TEST_TRANSPORT"] = options.transport + seed
        if options.files:
            self.environment["MUXD_TEST_FILES"] = options.files
        self.etags = {}

    def config(self):
        text = self.table.config
        if self.options.pool:
            text = text.replace("match =", 'run = "pool"; match =')
        if self.options.file_cache:
            text = f'limits: {{ file_cache = "{self.options.file_cache}"; }}\n' + text
        return text

    def daemon(self):
        return Running(self)

    def learn(self):
        """The tags that the cases name, from a daemon that none of them will talk to."""
        wanted = set()
        for case in self.table.cases:
            for text in (*case.fields, *case.cells):
                wanted |= {m[2] for m in _VALUE.finditer(text) if m[1] == "etag"}
        with self.daemon() as daemon:
            client = daemon.connect()
            for what in sorted(wanted):
                target, _, coding = what.partition(" ")
                head = f"GET {target} HTTP/1.1\r\nHost: x\r\n"
                head += "Accept: text/html\r\n"
                head += f"Accept-Encoding: {coding}\r\n" if coding else ""
                answer = daemon.ask(client, (head + "\r\n").encode(), "GET")
                self.etags[what] = answer.values("ETag")[0] if answer.values("ETag") else '"none"'

    def path(self, name):
        return os.path.join(self.folder, name)

    def _value(self, match):
        """${etag TARGET [CODING]}, ${date NAME [+N]} and its two old spellings, ${x N}."""
        kind, what = match[1], match[2]
        if kind == "etag":
            return self.etags[what]
        if kind == "x":
            return "x" * int(what)
        if kind == "size":
            return str(os.stat(self.path(what)).st_size)
        if kind in _FORMATS:
            name, _, shift = what.partition(" ")
            at = os.stat(self.path(name)).st_mtime if name != "now" else time.time()
            return time.strftime(_FORMATS[kind], time.gmtime(int(at) + int(shift or 0)))
        raise BadScenario(f"no such value: {match[0]}")

    def expand(self, text):
        return _VALUE.sub(self._value, text)


def request(site, case, method):
    """The bytes. "Host: x" unless the case has one, and no body."""
    fields = [site.expand(f) for f in case.fields]
    if not any(f.lower().startswith("host:") for f in fields):
        fields.insert(0, "Host: x")
    if method in ("POST", "PUT", "PATCH"):
        fields.append("Content-Length: 0")
    lines = [f"{method} {site.expand(case.target)} HTTP/1.1", *fields]
    return to_bytes("\r\n".join(lines)) + b"\r\n\r\n"
