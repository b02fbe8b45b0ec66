"""Files that cannot be loaded, of all kinds."""

import os
import re
import shutil
import signal
import socket
import time

from answers import Asker
from muxd import Muxd
from play import reserve_port

BAD_MAX = 2.5  # seconds until the log tells
LISTENERS = 'listeners: {{ main: {{ address = "127.0.0.1:{port}"; }} }}\n'
GOOD = LISTENERS + 'routes: {{ all: {{ match = "/"; respond: {{ body = "old\\n"; }} }} }}\n'


def good(port):
    return GOOD.format(port=port)


def put(name, text):
    """Breaks the config of a daemon by a text."""
    def put_text(muxd, port, taken):
        muxd.write(text.format(port=port, taken=taken))
    put_text.__doc__ = name
    return put_text


def in_place(name, make):
    """Breaks it by something that is no file."""
    def replace(muxd, _port, _taken):
        os.rename(muxd.conf, muxd.conf + ".old")
        make(muxd.conf)
    replace.__doc__ = name
    return replace


ROUTE = LISTENERS + 'routes: {{ all: {{ match = "/"; %s }} }}\n'
BAD = [
    put("syntax", 'listeners: {{ main: {{ address = "127.0.0.1:{port}" \nroutes = [ ;\n'),
    put("unknown key", ROUTE % 'respond: {{ bdy = "new"; }} '),
    put("several mistakes", ROUTE % 'mtch = 1; respond: {{ status = 99; }} }} b: {{ '),
    put("missing root", ROUTE % 'files: {{ root = "/nonexistent/root"; }} '),
    put("missing include", 'include = [ "missing.conf" ];\n' + ROUTE % 'respond: {{ }} '),
    put("port taken", 'listeners: {{ main: {{ address = "127.0.0.1:{port}"; }}\n'
        '  more: {{ address = "127.0.0.1:{taken}"; }} }}\n'
        'routes: {{ all: {{ match = "/"; respond: {{ body = "new\\n"; }} }} }}\n'),
    in_place("no file", lambda path: None),
    in_place("a directory", os.mkdir),
    in_place("a FIFO", os.mkfifo),
]


def unreadable(muxd, port, _taken):
    """unreadable"""
    muxd.write(good(port))
    os.chmod(muxd.conf, 0)


def judge(muxd, verdicts, breaks, port, taken):
    name = breaks.__doc__
    kept, said = Asker(f"127.0.0.1:{port}"), []
    said.append(kept.ask())
    breaks(muxd, port, taken)
    muxd.read_log()
    first, begin = len(muxd.lines), time.monotonic()
    muxd.process.send_signal(signal.SIGHUP)
    while True:
        said.append(kept.ask())
        muxd.read_log()
        if any("reload failed" in x or "reloaded " in x for x in muxd.lines[first:]):
            break
        if time.monotonic() - begin > 10:
            break
    took = time.monotonic() - begin
    log = muxd.lines[first:]
    muxd.seen = len(muxd.lines)
    said += [kept.ask(), Asker(f"127.0.0.1:{port}").ask()]
    verdicts.verdict(any(re.search(r"reload failed: [1-9]\d* errors?, \d+ warnings?; the config "
                                   r"loaded at \d\d:\d\d:\d\d serves on$", x) for x in log),
                     f"{name}: the log says that the reload failed", "\n".join(log))
    verdicts.verdict(took < BAD_MAX, f"{name}: within {BAD_MAX} s", f"{took:.3f} s")
    verdicts.verdict(set(said) == {"200 old\n"}, f"{name}: serves on", set(said))
    if name == "port taken":
        want = [f"{muxd.conf}:2:[0-9]+: error: listener more: cannot listen on "
                f"127.0.0.1:{taken}: Address already in use$"]
    else:
        want = [re.escape(x) + "$" for x in muxd.check()]
    missing = [x for x in want if not any(re.search(x, line) for line in log)]
    verdicts.verdict(want and not missing and len(log) == len(want) + 1,
                     f"{name}: the log says what `muxd check` says, no more and no less",
                     "\n".join(["check:", *want, "log:", *log]))
    muxd.write(good(port))
    line = muxd.reload()[0]
    verdicts.verdict("reloaded " in line, f"{name}: a good file is loaded again", line)
    return took


def item(options, verdicts):
    """Files that cannot be loaded: the old config serves on, and the log says why."""
    with reserve_port() as reserved, socket.create_server(("127.0.0.1", 0)) as other:
        port, taken = reserved.getsockname()[1], other.getsockname()[1]
        slowest = {}
        with Muxd(options.muxd, good(port)) as muxd:
            for breaks in BAD:
                slowest[breaks.__doc__] = judge(muxd, verdicts, breaks, port, taken)
            verdicts.verdict(muxd.stop() == 0, "exit status 0", "\n".join(muxd.lines[-5:]))
        if os.geteuid() == 0 and shutil.which("setpriv"):
            nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
            with Muxd(options.muxd, good(port), nobody) as muxd:
                slowest["unreadable"] = judge(muxd, verdicts, unreadable, port, taken)
                verdicts.verdict(muxd.stop() == 0, "exit status 0", "\n".join(muxd.lines[-5:]))
        else:
            print("  unreadable: needs root and setpriv, left out")
        name = max(slowest, key=slowest.get)
        print(f"  {len(slowest)} kinds of bad files; the slowest answer in the log after "
              f"{slowest[name] * 1e3:.0f} ms ({name})")
