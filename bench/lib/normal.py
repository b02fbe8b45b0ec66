"""Well-behaved clients beside something that is not: they ask one thing at a time, check every
answer byte for byte, and remember how long each took. Each is a process, so that none waits for
another."""

import http.client
import multiprocessing
import time

FORK = multiprocessing.get_context("fork")
PATIENCE = 20  # seconds; no answer until then is a failure
FAILURES_SHOWN = 3


def quantile(values, q):
    return sorted(values)[min(len(values) - 1, int(len(values) * q))] if values else float("nan")


class Normal:
    """Asks `asks`, a list of (method, path, body to send, body expected), in turn, `rate` a second; over
    a new connection each time, or over one that is kept. What began late is asked late, not left out:
    a stall costs every request that it delays."""

    def __init__(self, name, port, asks, rate, keep):
        self.name, self.port, self.asks, self.rate, self.keep = name, port, asks, rate, keep
        self.enough = FORK.RawValue("b", 0)
        self.pipe, theirs = FORK.Pipe()
        self.process = FORK.Process(target=self._run, args=(theirs,), daemon=True)
        self.process.start()

    def collect(self):
        """(of each answer the seconds it took, and when it was asked; texts of failures)"""
        self.enough.value = 1
        result = self.pipe.recv()
        self.process.join()
        return result

    def _run(self, pipe):
        took, failures, conn, n = [], [], None, 0
        due = time.monotonic()
        while not self.enough.value:
            time.sleep(max(0, due - time.monotonic()))
            due += 1 / self.rate
            begin = time.monotonic()
            try:
                if not conn:
                    conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
                self._ask(conn, *self.asks[n % len(self.asks)])
                took.append((time.monotonic() - begin, begin))
                if not self.keep:
                    conn.close()
                    conn = None
            except (OSError, ValueError, http.client.HTTPException) as error:
                failures.append(f"{self.name}: {type(error).__name__}: {error}")
                conn = None
            n += 1
            if due < time.monotonic() - 1:  # after a stall: no flood
                due = time.monotonic()
        pipe.send((took, failures))

    def _ask(self, conn, method, path, send, expected):
        conn.request(method, path, body=send, headers={"User-Agent": "normal"})
        answer = conn.getresponse()
        body = answer.read()
        if answer.status != 200 or body != expected:
            raise ValueError(f"{method} {path}: {answer.status}, {len(body)} bytes")


class Normals:
    """A kept and a new connection at a usual rate, and a fast one."""

    def __init__(self, port, asks):
        self.clients = [Normal("kept", port, asks, 40, True), Normal("new", port, asks, 40, False),
                        Normal("fast", port, asks[:1], 400, True)]
        self.begin = time.monotonic()

    def finish(self):
        """Prints what they saw; (p99 in ms, number of failures, number of answers)"""
        all_took, all_failures = [], []
        for client in self.clients:
            took, failures = client.collect()
            ms = [t * 1e3 for t, _ in took]
            slowest, at = max(took, default=(0, self.begin))
            print(f"  normal client, {client.name:4}: {len(took)} answers, {len(failures)} failures; "
                  f"p50 {quantile(ms, .5):.2f} ms, p99 {quantile(ms, .99):.2f} ms, "
                  f"max {slowest * 1e3:.2f} ms, asked at {at - self.begin:.1f} s")
            all_took.append(quantile(ms, .99))
            all_failures += failures
        for failure in all_failures[:FAILURES_SHOWN]:
            print(f"    {failure}")
        return max(all_took), len(all_failures)
