"""Cases: one request or a few on a fresh connection, what must come back, and what becomes of the
connection. A scenario holds many; each is counted, and one that fails does not end the others.

Each is played twice: a probe, a request for another site, is sent when all answers are there, and
in one piece with the case's bytes. It is answered if the connection is to stay open, and
never else. A mark, a request on a connection of its own, ends each turn: the lines of the access
log between two marks are those of the turn between them, so the reasons in it can be told apart.
"""

import fcntl
import json
import os
import re
import socket
import struct
import termios
import time

from client import Client, Response, make_socket
from text import BadScenario, Failure, difference, join_pieces, show, split_words

LOG = "cases.log"
ROUTES = """\
routes: {
  all:  { match = "/"; echo: { } }
  body: { match = "/echo"; echo: { mode = "body"; } }
}
"""
# One loop, so that the log has one order.
AROUND = f"""\
loops = 1;
access_log: {{ path = "${{dir}}/{LOG}"; format = "json"; }}
sites: {{ probe: {{ hosts = [ "probe" ]; routes: {{
  all: {{ match = "/"; respond: {{ body = "probe\\n"; }} }}
}} }} }}
"""
PROBE = b"GET /probe HTTP/1.1\r\nHost: probe\r\n\r\n"
SPLIT_MAX = 300  # a longer request is not cut in all ways
AT_ONCE = 64  # connections
ENDS = ("close", "waits")
_DATE = re.compile(rb"(?<=\r\nDate: )[^\r]*")
NONE = "-"  # the reason of what is no refusal


class Want:
    """One response."""

    def __init__(self, text):
        match = re.fullmatch(r"([1-9]\d\d)(?: ([a-z]\w*))??(?: to ([A-Z]+))?", text)
        if not match:
            raise BadScenario(f"case: {text}")
        self.status, self.reason = int(match[1]), match[2] or NONE
        self.method, self.checks = match[3] or "GET", []


class Case:
    def __init__(self, name, where, data, wants, late, end):
        self.name, self.where, self.data, self.end = name, where, data, end
        self.wants, self.late = wants, late  # late: once the client has ended its direction
        if not data:
            raise BadScenario(f"case {name} sends nothing")

    def logged(self):
        """What the log has of one turn: (status, reason) of each request, the probe among them."""
        lines = [(w.status, w.reason) for w in self.wants + self.late if w.status >= 200]
        return lines + [(200, NONE)] * (self.end == "open")


def read_case(words, block, where, directory):
    """case NAME BYTES; the block: STATUS [REASON] [to METHOD] each with checks below it, `close`,
    `waits`."""
    wants, late, end = [], [], "open"
    for line in filter(str.strip, block):
        text = re.sub(r"\s+# .*", "", line).strip()
        if line[0] in " \t":
            if not wants + late:
                raise BadScenario(f"case: {text}")
            (late or wants)[-1].checks.append(line.strip())
        elif text in ENDS:
            end = text
        else:
            (late if end == "waits" else wants).append(Want(text))
    return Case(words[0], where, join_pieces(words[1:], directory), wants, late, end)


# ---- foreign cases: a file of objects with id, send and expect, a list of acceptable outcomes

def _fits(status, kinds):
    return any(kind == status or kind == f"{status // 100}xx" for kind in kinds)


def _acceptable(case, outcome):
    """Whether what the case demands is one of the outcome's. Where the server waits it has closed
    once the client's side is at its end."""
    if "pending" in outcome:
        return not case.wants and case.end == "waits"
    if "nodata" in outcome:
        return not case.wants and case.end != "open"
    if outcome["n"] != len(case.wants) or (outcome.get("closed") and case.end == "open"):
        return False
    return all(_fits(w.status, kinds) for w, kinds in zip(case.wants, outcome.get("st", [])))


def read_foreign(path, target, block, where):
    """Each object becomes a case; the block says for each which of its outcomes is this server's:
    ID STATUS [REASON] ... [END] [# TEXT], or with `unlike` before the # if it is none of them."""
    answers = {}
    for line in filter(str.strip, block):
        name, *words = re.sub(r"\s+# .*", "", line).split()
        if name in answers:
            raise BadScenario(f"{name} is there twice")
        answers[name] = (" ".join(words), line)
    cases = []
    with open(path, encoding="utf-8") as file:
        for record in map(json.loads, filter(str.strip, file)):
            if record["id"] not in answers:
                raise BadScenario(f"no answer for {record['id']}")
            text, line = answers.pop(record["id"])
            case = _foreign_case(record, text, where, target)
            good = any(_acceptable(case, x) for x in record["expect"])
            if good == bool(re.search(r"\bunlike\b", text)) or (not good and "# " not in line):
                raise BadScenario(f"{line}: {'unlike' if good else 'not one of'} "
                                  f"{record['expect']}")
            cases.append(case)
    if answers:
        raise BadScenario(f"not in {path}: {' '.join(answers)}")
    return cases


def _foreign_case(record, text, where, target):
    end = re.search(r"\b(?:close|waits)\b", text)
    answers = re.sub(r"\b(?:close|waits|unlike)\b.*", "", text)
    wants = [Want(x.strip()) for x in re.findall(r"\d+\D*", answers)]
    data = "".join(record["send"]).replace("${echo}", target).encode("latin-1")
    return Case(record["id"], where, data, wants, [], end[0] if end else "open")


# ---- playing

class Cases:
    """All cases of one scenario, as they are played."""

    def __init__(self, play):
        self.play = play
        self.all = []
        self.failures = {}  # name: text
        self.turns = []  # (case, what its log lines must be)
        self.marker = None

    def add(self, cases):
        """Plays them. A failure is kept; the next is played all the same."""
        for case in cases:
            if any(case.name == other.name for other in self.all):
                raise BadScenario(f"case {case.name} is there twice")
            self.all.append(case)
            for at_once in (False, True) if case.end != "waits" else (False,):
                try:
                    self._turn(case, at_once)
                except Failure as error:
                    self._fail(case, f"{'probe at once: ' if at_once else ''}{error}")
                self._mark(case)

    def _fail(self, case, text):
        self.failures.setdefault(
            case.name, f"{case.where}: case {case.name}\nsent: {show(case.data)}\n{text}")

    def _turn(self, case, at_once):
        client = Client("case", self.play.poller, self.play.values["address"])
        try:
            client.send(case.data + PROBE if at_once else case.data)
            wants = case.wants
            if self.play.options.transport:  # whether a body is late is up to the transport
                wants = [w for w in wants if w.status >= 200]
            for want in wants:
                self._expect(client, want)
            if case.end == "open":
                if not at_once:
                    client.send(PROBE)
                self._expect_probe(client)
            elif case.end == "waits":
                self.play.taken(client)
                client.shutdown()
                for want in case.late:
                    self._expect(client, want)
            if case.end != "open":
                client.expect_end(by_reset=False)
        finally:
            client.close()

    def _expect(self, client, want):
        response = Response(client, want.method)
        while self.play.options.transport and response.status == 100:
            response = Response(client, want.method)
        if response.status != want.status:
            raise Failure(f"expected {want.status} {want.reason}, received:\n{response.text()}")
        for line in want.checks:
            self.play.check(response, line)

    def _expect_probe(self, client):
        response = Response(client)
        if response.body != b"probe\n":
            raise Failure(f"the connection is of no use any more:\n{response.text()}")

    def _mark(self, case):
        if self.play.lossy():
            return
        if self.marker is None or self.marker.eof:
            self.marker = Client("marker", self.play.poller, self.play.values["address"])
        number = len(self.turns)
        self.marker.send(f"GET /mark/{number} HTTP/1.1\r\nHost: probe\r\n\r\n".encode())
        self._expect_probe(self.marker)
        self.turns.append(case)

    def finish(self):
        """When all are played: what the log has of them."""
        if self.marker:
            self.marker.close()
        groups = self._groups()
        for case, group in zip(self.turns, groups):
            if group != case.logged():
                self._fail(case, f"logged {group}\nexpected {case.logged()}")

    def _groups(self):
        """(status, reason) of each line, by turn."""
        lines, groups = [], [[]]
        path = os.path.join(self.play.directory, LOG)

        def complete():
            with open(path, "rb") as file:
                lines[:] = file.read().split(b"\n")[:-1]
            return sum(b"/mark/" in line for line in lines) >= len(self.turns)
        self.play.look_until(complete, lambda: f"waited for {len(self.turns)} turns in {LOG}")
        for line in map(json.loads, lines):
            if line.get("target", "").startswith("/mark/"):
                groups.append([])
            else:
                groups[-1].append((line["status"], line.get("reason", NONE)))
        return groups

    # ---- all ways to cut a request

    def split(self):
        """Each case gives the same answer however it is cut. Many at the same time, each on a
        connection of its own; a piece is sent when the daemon has read the one before."""
        todo = []
        for case in self.all:
            data = case.data
            if len(data) >= SPLIT_MAX or case.name in self.failures:
                continue
            try:
                case.whole = self._exchange([[data]])[0]
            except Failure as error:
                self._fail(case, str(error))
                continue
            todo += [(case, [data[:i], data[i:]]) for i in range(1, len(data))]
            todo.append((case, [data[i:i + 1] for i in range(len(data))]))
        todo.sort(key=lambda x: len(x[1]))
        for at in range(0, len(todo), AT_ONCE):
            part = todo[at:at + AT_ONCE]
            for (case, pieces), got in zip(part, self._exchange([p for _, p in part])):
                if got != case.whole and _read(got, case) != _read(case.whole, case):
                    self._fail(case, f"cut as {[len(p) for p in pieces]}: "
                               + difference(case.whole, got))

    def _exchange(self, many):
        """The answers to several lists of pieces."""
        sockets = []
        try:
            for _ in many:
                sockets.append(make_socket(self.play.values["address"]))
            for i in range(max(map(len, many))):
                now = [(s, p) for s, p in zip(sockets, many) if i < len(p)]
                for sock, pieces in now:
                    _send(sock, pieces[i])
                for sock, pieces in now:
                    if i + 1 < len(pieces):
                        self._await_taken(sock)
            return [self._answer(sock) for sock in sockets]
        finally:
            for sock in sockets:
                sock.close()

    def _await_taken(self, sock):
        end = time.monotonic() + self.play.options.patience
        while struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, b"\0" * 4))[0]:
            if time.monotonic() > end:
                raise Failure("the daemon reads nothing")
            time.sleep(0.0001)

    def _answer(self, sock):
        """All of it, without what differs each time: dates, ids, a 100 (Continue)."""
        sock.settimeout(self.play.options.patience)
        try:
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the peer has closed
        answer = b""
        try:
            while data := sock.recv(1 << 16):
                answer += data
        except ConnectionResetError:
            answer += b"(reset)"
        except TimeoutError:
            raise Failure(f"no end of the answer: {show(answer)}") from None
        answer = answer.replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"")
        answer = _DATE.sub(b"Sun, 06 Nov 1994 08:49:37 GMT", answer)
        return re.sub(rb"\b[0-9a-f]{16}\b", b"(id)", answer)


class _Bytes:
    """An answer that is here already, for Response to read."""

    def __init__(self, data):
        self.input, self.eof, self.reset = bytearray(data), True, False

    def take(self, n, what):
        if len(self.input) < n:
            raise Failure(f"the end, instead of {what}")
        data = bytes(self.input[:n])
        del self.input[:n]
        return data

    def take_until(self, mark, what):
        at = self.input.find(mark)
        return self.take(at + len(mark) if at >= 0 else len(self.input) + 1, what)

    def take_all(self):
        return self.take(len(self.input), "the end")


def _read(answer, case):
    """What it says to who does not see how it is cut into chunks."""
    source, said = _Bytes(answer), []
    try:
        for want in (w for w in case.wants + case.late if w.status >= 200):
            response = Response(source, want.method)
            said.append((response.status, response.fields, response.framing, response.body))
    except Failure as error:
        said.append(str(error))
    return said, bytes(source.input)


def _send(sock, data):
    try:
        sock.send(data)
    except (BrokenPipeError, ConnectionResetError):
        pass  # refused before; what was said is still to be read


def case_names(steps):
    """The names in a scenario's steps, without playing it."""
    names = []
    for step in steps:
        if step.text.startswith("case "):
            names.append(step.text.split()[1])
        elif step.text.startswith("cases "):
            names += [line.split()[0] for line in step.block if line.strip()]
    return names


def has_cases(steps):
    return any(step.text.startswith(("case ", "cases ")) for step in steps)
