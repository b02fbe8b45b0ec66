"""Many idle connections, held by other processes, each of which has made one request."""

import re
import resource
import signal
import time

from answers import Asker
from load import FORK
from muxd import Muxd
from play import reserve_port
from text import Failure

PER_CONNECTION_MAX = 700  # bytes
RELOADS = 10
ASK_SOME = 50  # of them, at the end


def _hold(pipe, address, n):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    askers = []
    try:
        for _ in range(n):
            askers.append(Asker(address))
            askers[-1].ask()
        pipe.send(None)
        while pipe.recv() == "ask":
            pipe.send({asker.ask() for asker in askers[::max(1, n // ASK_SOME)]})
    except (Failure, OSError) as error:
        pipe.send(f"{type(error).__name__}: {error}, of {len(askers)}")


class Crowd:
    def __init__(self, address, n):
        self.pipe, theirs = FORK.Pipe()
        self.process = FORK.Process(target=_hold, args=(theirs, address, n), daemon=True)
        self.process.start()
        theirs.close()

    def result(self):
        if not self.pipe.poll(120):
            raise Failure("a client process does not get on")
        said = self.pipe.recv()
        if isinstance(said, str):
            raise Failure(said)
        return said

    def ask_some(self, want):
        """(whether all said that, what they said)"""
        self.pipe.send("ask")
        said = self.result()
        return said == {want}, said

    def close(self):
        self.pipe.send("end")
        self.process.join(10)


def _reload(muxd, address, g, verdict):
    """One reload, and new clients meanwhile: (ms by the log, seconds until told, slowest client)"""
    muxd.read_log()
    first, begin, slowest, told = len(muxd.lines), time.monotonic(), 0.0, []
    muxd.process.send_signal(signal.SIGHUP)
    while not told and time.monotonic() - begin < 10:
        asked, client = time.monotonic(), Asker(address)
        said = client.ask()
        client.close()
        slowest = max(slowest, time.monotonic() - asked)
        if said not in (f"200 g{g}\n", f"200 g{g - 1}\n"):
            verdict(False, "a new client during the reload", said)
        muxd.read_log()
        told = [x for x in muxd.lines[first:] if "reload" in x]
    took = time.monotonic() - begin
    ms = re.search(r"reloaded .* in ([\d.]+) ms", "\n".join(told))
    verdict(ms, f"reload {g} of {RELOADS} with idle connections", told or "nothing in the log")
    return float(ms[1]) if ms else 0.0, took, slowest


def item(options, verdicts):
    """Idle connections that made one request each, and reloads."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    total, verdict = min(options.idle, hard - 200), verdicts.verdict
    with reserve_port() as reserved:
        address = f"127.0.0.1:{reserved.getsockname()[1]}"

        def config(g):
            return ('timeouts: { idle = "1h"; }\nlisteners: { main: '
                    f'{{ address = "{address}"; }} }}\nroutes: {{ all: {{ match = "/"; '
                    f'respond: {{ body = "g{g}\\n"; }} }} }}\n')
        with Muxd(options.muxd, config(0)) as muxd:
            Asker(address).ask()
            before = muxd.rss_kib()
            crowds = [Crowd(address, total // 4) for _ in range(4)]
            for crowd in crowds:
                crowd.result()
            settled = muxd.rss_kib()
            each = (settled - before) * 1024 / total
            print(f"  {total} idle connections: {before} KiB before, {settled} KiB with them, "
                  f"{each:.0f} bytes each")
            seen = []
            for g in range(1, RELOADS + 1):
                muxd.write(config(g))
                seen.append(_reload(muxd, address, g, verdict))
            after = muxd.rss_kib()
            told, took, client = (max(column) for column in zip(*seen))
            print(f"  {RELOADS} reloads: the slowest {told:.1f} ms by the log, {took * 1e3:.1f} ms "
                  f"from HUP; memory then {after} KiB, {(after - before) * 1024 / total:.0f} bytes "
                  f"a connection; a new client waited {client * 1e3:.1f} ms at most")
            for crowd in crowds:
                good, text = crowd.ask_some(f"200 g{RELOADS}\n")
                verdict(good, "idle connections see the last config", text)
                crowd.close()
            if not options.no_memory:
                worst = (max(settled, after) - before) * 1024 / total
                verdict(worst <= PER_CONNECTION_MAX, f"at most {PER_CONNECTION_MAX} bytes each",
                        f"{worst:.0f}")
            verdict(client < 0.5, "a new client is answered at once", f"{client:.3f} s")
            verdict(muxd.stop() == 0, "exit status 0", "\n".join(muxd.lines[-5:]))
