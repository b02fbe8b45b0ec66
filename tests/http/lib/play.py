"""Plays one scenario: each kind of step is one method of Play."""

import fcntl
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time

from accesslog import Log, demand_own_ids, match_any, match_json, match_text
from cases import AROUND, ROUTES, Cases, has_cases, read_case, read_foreign
from client import Client, Poller, Response
from daemon import VALGRIND, Daemon
from text import (BadScenario, Failure, difference, join_pieces, seconds, size, split_words)

LAUNCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "launch.py")
DEFAULTS = """\
loops = 2;
"""
LISTENERS = """\
listeners: { main: { address = "${address}"; } }
"""
# What the log says at the end of each reload.
_OUTCOME = r"muxd: (?:error: )?(?:reloaded|reload failed|reload refused)\b"


def reserve_port():
    """A socket bound to a free port. While it is open the kernel gives the port to nobody who does
    not ask for it by number, as the daemon does: both have SO_REUSEADDR, and only one listens.
    """
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return sock


def _expression(words):
    return " ".join(w if isinstance(w, str) else w.decode() for w in words)


class Play:
    def __init__(self, scenario, options):
        self.scenario, self.options = scenario, options
        self.directory = tempfile.mkdtemp(prefix="muxd-")
        self.poller = Poller(options.patience)
        self.daemon = None
        self.told_to_end = False
        self.ended = False  # the scenario has seen the daemon's end itself
        self.gates = []
        self.reserved = []
        self.inherited = []  # (name, listening socket)
        self.occupied = {}  # address: listening socket
        self.descriptors = 0  # at most that many in the daemon
        self.logs = {}  # name: Log
        self.cases = Cases(self) if has_cases(scenario.steps) else None
        self.where = None  # of the step that is played
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("MUXD_")}
        if options.transport:
            self.environment["MUXD_TEST_TRANSPORT"] = options.transport
        if options.files:
            self.environment["MUXD_TEST_FILES"] = options.files
        self.values = {"dir": self.directory, "config": f"{self.directory}/muxd.conf"}
        self.values["address"] = (f"127.0.0.1:{self._value('port')}"
                                  if scenario.settings.get("transport") == "tcp"
                                  else f"unix:{self.directory}/sock")

    # ---- the whole

    def run(self):
        """None, or the text of the failure."""
        step = None
        try:
            try:
                for step in self.scenario.steps:
                    self._step(step)
            except Failure:
                # Where connections are reset at random, only that the daemon lives on is asked.
                if not self.lossy() or self.ended:
                    raise
            step = None
            if self.cases:
                self._finish_cases()
            elif self.options.split:
                self._splits()
            self._finish()
            return None
        except (Failure, BadScenario, subprocess.TimeoutExpired) as error:
            where = f"{self.scenario.path}:{step.line}: {step.text}\n" if step else ""
            return f"{where}{error}{self._said()}"
        finally:
            self._clean_up()

    def _step(self, step):
        self.where = f"{self.scenario.path}:{step.line}"
        text = self._expand(step.text)
        words = split_words(text)
        block = [self._expand(line) for line in step.block]
        self._do(words, block)

    def _do(self, words, block):
        many = None
        if isinstance(words[0], str):
            many = re.fullmatch(r"c(\d+)(?:\.\.(\d+))?", words[0])
        verb = words[1 if many else 0]
        method = getattr(self, ("on_" if many else "do_") + verb.replace("-", "_"), None)
        if method is None:
            raise BadScenario(f"no such step: {verb}")
        if not many:
            method(words[1:], block)
            return
        self.do_start([], [])
        for i in range(int(many[1]), int(many[2] or many[1]) + 1):
            method(f"c{i}", words[2:], block)

    def _expand(self, text):
        return re.sub(r"\$\{(\w+)\}", lambda m: str(self._value(m[1])), text)

    def _value(self, name):
        if name not in self.values:
            if not name.startswith("port"):
                raise BadScenario(f"no such value: ${{{name}}}")
            self.reserved.append(reserve_port())
            self.values[name] = self.reserved[-1].getsockname()[1]
        return self.values[name]

    def lossy(self):
        return (self.options.transport or "").startswith("reset")

    def _finish_cases(self):
        if self.lossy():
            self.cases.failures.clear()
            return
        self.cases.finish()
        if self.options.split:
            self.cases.split()

    def _finish(self):
        if self.daemon and not self.ended:
            for client in list(self.poller.clients.values()):
                client.close()
            self._open_gates()
            if not self.told_to_end:
                self.daemon.signal("TERM")
            self.do_exit(["0"], [])
        if self.daemon:
            if self.daemon.output.complaints():
                raise Failure("unexpected output of the daemon")
            if self.scenario.settings.get("lost") != "yes" and self.daemon.output.unbalanced():
                raise Failure("work did not come back: "
                              + ", ".join(self.daemon.output.unbalanced()))
        for log in self.logs.values():
            log.demand_end()
        demand_own_ids(self.logs.values())

    def _said(self):
        if not self.daemon or not self.daemon.output.lines:
            return ""
        return "\nThe daemon said:\n" + "\n".join("  " + x for x in self.daemon.output.lines)

    def _clean_up(self):
        for client in list(self.poller.clients.values()):
            client.close()
        self._open_gates()
        if self.daemon:
            self.daemon.kill()
        for gate in self.gates:
            os.close(gate)
        for sock in [*self.reserved, *self.occupied.values(), *(s for _, s in self.inherited)]:
            sock.close()
        shutil.rmtree(self.directory)

    def _command(self):
        command = (VALGRIND if self.options.valgrind else []) + [self.options.muxd]
        if self.inherited or self.descriptors:
            sockets = ",".join(f"{name}={s.fileno()}" for name, s in self.inherited)
            command = [sys.executable, LAUNCH, str(self.descriptors), sockets] + command
        return command

    # ---- files and the process

    def _path(self, name):
        path = os.path.join(self.directory, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def do_config(self, _words, block):
        """A running daemon finds either the old file or the new one."""
        text = "\n".join(block) + "\n"
        if not re.search(r"^\s*listeners\s*[:=]", text, re.M):
            text += self._expand(LISTENERS)
        if self.cases:
            text += self._expand(AROUND)
        elif not re.search(r"^\s*loops\s*=", text, re.M):
            text += DEFAULTS
        self._replace(self.values["config"], text.encode())

    def _replace(self, path, data):
        with open(path + ".new", "wb") as file:
            file.write(data)
        os.rename(path + ".new", path)

    def do_file(self, words, block):
        """file NAME bytes... | an indented text"""
        data = join_pieces(words[1:], self.directory)
        if not words[1:] and block:
            data = "".join(line + "\n" for line in block).encode()
        with open(self._path(words[0]), "wb") as file:
            file.write(data)

    def do_let(self, words, _block):
        """let NAME bytes...: what ${NAME} stands for from here on."""
        self.values[words[0]] = join_pieces(words[1:], self.directory).decode("latin-1")

    def do_time(self, words, _block):
        """time NAME SECONDS-SINCE-1970"""
        os.utime(self._path(words[0]), (int(words[1]), int(words[1])))

    def do_truncate(self, words, _block):
        """truncate NAME SIZE"""
        os.truncate(self._path(words[0]), size(words[1]))

    def do_link(self, words, _block):
        os.symlink(words[1], self._path(words[0]))

    def do_mkdir(self, words, _block):
        os.makedirs(self._path(words[0]))

    def do_remove(self, words, _block):
        if words[0] in self.logs:
            self.logs.pop(words[0]).demand_end()
        path = self._path(words[0])
        is_dir = os.path.isdir(path) and not os.path.islink(path)
        (os.rmdir if is_dir else os.unlink)(path)

    def do_fifo(self, words, _block):
        os.mkfifo(self._path(words[0]))

    def do_socket(self, words, _block):
        """A socket file nobody listens on."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(self._path(words[0]))

    def do_release(self, words, _block):
        """Lets go all who wait in open(2) for a writer of this FIFO, now and later."""
        self.gates.append(os.open(self._path(words[0]), os.O_RDWR | os.O_NONBLOCK))

    def _open_gates(self):
        for entry in os.scandir(self.directory):
            if entry.is_file(follow_symlinks=False) or not os.path.exists(entry.path):
                continue
            if not entry.is_dir() and (os.stat(entry.path).st_mode & 0o170000) == 0o010000:
                self.do_release([entry.name], [])

    def do_env(self, words, _block):
        self.environment[words[0]] = " ".join(words[1:])

    def do_descriptors(self, words, _block):
        """descriptors N: the daemon may have no more."""
        self.descriptors = int(words[0])

    def do_inherit(self, words, _block):
        """inherit NAME PORT: the daemon is given a socket that listens there."""
        sock = socket.create_server(("127.0.0.1", int(words[1])))
        self.inherited.append((words[0], sock))

    def do_occupy(self, words, _block):
        """occupy ADDRESS: somebody else listens there, until `vacate ADDRESS`."""
        if words[0].startswith("unix:"):
            self.occupied[words[0]] = sock = socket.socket(socket.AF_UNIX)
            sock.bind(words[0][5:])
            sock.listen()
        else:
            host, port = words[0].rsplit(":", 1)
            self.occupied[words[0]] = socket.create_server((host, int(port)))

    def do_vacate(self, words, _block):
        self.occupied.pop(words[0]).close()

    def do_start(self, words, _block):
        if self.daemon:
            return
        if self.cases and not os.path.exists(self.values["config"]):
            self.do_config([], [ROUTES])
        if not os.path.exists(self.values["config"]):
            raise BadScenario("no config before the first step that needs the daemon")
        self.daemon = Daemon(self._command() + ["-c", self.values["config"]], self.poller,
                             self.directory, self.environment,
                             [s.fileno() for _, s in self.inherited])
        if words != ["only"]:
            self.daemon.await_ready()

    def do_signal(self, words, _block):
        self.do_start([], [])
        self.daemon.signal(words[0])
        self.told_to_end = self.told_to_end or words[0] in ("TERM", "INT")

    def do_reload(self, words, _block):
        """reload [REGEX] | reload fails [REGEX]: sends HUP and waits for the line that tells the
        outcome, which REGEX must match."""
        want = "reloaded"
        if words[:1] == ["fails"]:
            want, words = "reload failed", words[1:]
        self.do_signal(["HUP"], [])
        line = self._outcome()
        if want not in line or not re.search(_expression(words), line):
            raise Failure(f"expected '{want}' {_expression(words)}, the daemon said:\n{line}")

    def _outcome(self):
        lines = []

        def told():
            line = self.daemon.output.take(_OUTCOME)
            if line:
                lines.append(line)
            return line or self.daemon.output.ended
        self.poller.wait(told, "the outcome of the reload")
        if not lines:
            raise Failure("the daemon ended instead of reloading")
        return lines[0]

    def do_same_as_check(self, _words, _block):
        """Waits for each message `muxd check` has about the config, in a line of its own in the
        log, with its note behind it, and takes them."""
        done = self._run_muxd(["check", "-c", self.values["config"]])
        found = re.findall(r"^(\S.*?: (?:error|warning): .*)(?:\n +.*)*(?:\n(\S.*?: )note: (.*))?$",
                           done.stdout, re.M)
        if not found:
            raise Failure(f"check has nothing to say:\n{done.stdout}")
        for text, place, note in found:
            whole = f"{text} ({place}{note})" if note else text
            self.do_log([re.escape(whole) + "$"], [])

    def do_within(self, words, block):
        """within TIME STEP: it must not take longer."""
        begin = time.monotonic()
        self._do(words[1:], block)
        took = time.monotonic() - begin
        if took > seconds(words[0]):
            raise Failure(f"took {took:.3f} s")

    def do_exit(self, words, _block):
        status = self.daemon.wait()
        self.ended = True
        want = int(words[0]) if words[0].isdigit() else -getattr(signal, "SIG" + words[0])
        if status != want:
            raise Failure(f"the daemon ended with status {status}, expected {want}")

    def do_ignore(self, words, _block):
        """ignore REGEX: such lines may be there or not."""
        self.do_start([], [])
        self.daemon.output.ignored.append(_expression(words))

    def do_log(self, words, _block):
        """log REGEX: waits for such a line on the daemon's output, and takes it."""
        expression = _expression(words)
        self.do_start([], [])
        output = self.daemon.output
        self.poller.wait(lambda: output.take(expression) or output.ended,
                         f"a line that matches {expression}")
        if output.ended and not any(re.search(expression, line) for line in output.lines):
            raise Failure(f"the daemon ended without a line that matches {expression}")

    def do_notified(self, words, _block):
        """notified REGEX: waits for such a line on the notification socket, in the datagram the
        last such step found or a later one."""
        want = _expression(words)
        self.do_start([], [])
        self.poller.wait(lambda: self.daemon.states.find(want), f"notification {want}")

    def do_run(self, words, block):
        """run muxd ARGS: another process of the program; the block says what is expected."""
        if words[0] != "muxd":
            raise BadScenario("run: the only program is muxd")
        done = self._run_muxd(words[1:])
        wants = [line.split(None, 1) for line in block if line.strip()]
        if "exit" not in [w[0] for w in wants]:
            wants.append(["exit", "0"])
        for key, value in wants:
            expression = value[2:]
            if key == "exit":
                good = str(done.returncode) == value or value == "!0" and done.returncode > 0
            elif key == "output" and value[:2] in ("~ ", "! "):
                good = bool(re.search(expression, done.stdout, re.M)) == (value[0] == "~")
            else:
                raise BadScenario(f"run: {key} {value}")
            if not good:
                raise Failure(f"{key} {value}: exit {done.returncode}, output:\n{done.stdout}")

    def _run_muxd(self, arguments):
        return subprocess.run(self._command() + arguments, cwd=self.directory,
                              env=self.environment, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=self.options.patience, check=False)

    # ---- access logs

    def _log(self, name):
        return self.logs.setdefault(name, Log(self._path(name)))

    def look_until(self, condition, complaint):
        """What the kernel tells no one of."""
        end = time.monotonic() + self.poller.patience
        while not self.poller.wait(condition, "", None, 0.005):
            if time.monotonic() > end:
                raise Failure(complaint())

    def _next_line(self, name):
        log = self._log(name)
        self.look_until(log.left, lambda: f"waited for a line in {name}")
        return log.take(1)[0]

    def do_lines(self, words, block):
        """lines NAME: waits for the next lines of the file, which match the REGEXes of the block,
        one each, in this order. (?P<name>...) sets ${name}."""
        for expression in filter(str.strip, block):
            self.values.update(match_text(self._next_line(words[0]), expression))

    def do_json(self, words, block):
        """json NAME: waits for the next line of the file, an object that is as the block says."""
        self.values.update(match_json(self._next_line(words[0]), block))

    def do_count(self, words, block):
        """count NAME ...: waits for the next lines of all these files, so many of each kind, in any
        order; the block: N REGEX, the first that matches counts."""
        kinds = [line.split(None, 1) for line in block if line.strip()]
        left = {expression: int(n) for n, expression in kinds}
        logs, n = [self._log(name) for name in words], sum(left.values())
        self.look_until(lambda: sum(len(log.left()) for log in logs) >= n,
                         lambda: f"waited for {n} lines; there are:\n"
                         + "\n".join(log.text() for log in logs))
        for log in logs:
            for line in log.take(len(log.left())):
                match_any(line, left)

    def do_no_lines(self, words, _block):
        """no-lines NAME: none is left, and none is broken."""
        self._log(words[0]).demand_end()

    def do_await(self, words, _block):
        """await NAME: waits until there is such a file."""
        path = self._path(words[0])
        self.look_until(lambda: os.path.exists(path), lambda: f"waited for {words[0]}")

    def do_rename(self, words, _block):
        """rename OLD NEW: the lines that are not taken yet are those of NEW."""
        old, new = words
        os.rename(self._path(old), self._path(new))
        if old in self.logs:
            self.logs[new] = self.logs.pop(old)
            self.logs[new].path = self._path(new)

    # ---- cases

    def do_case(self, words, block):
        self.do_start([], [])
        self.cases.add([read_case(words, block, self.where, self.directory)])

    def do_cases(self, words, block):
        """cases FILE TARGET: the cases of a file beside the scenario."""
        self.do_start([], [])
        path = os.path.join(os.path.dirname(self.scenario.path), words[0])
        self.cases.add(read_foreign(path, words[1], block, self.where))

    # ---- connections

    def _client(self, name):
        return self.poller.clients.get(name) or Client(name, self.poller, self.values["address"])

    def on_connect(self, name, words, _block):
        """connect [ADDRESS] [receive-buffer N]"""
        address, buffer = self.values["address"], None
        if words and words[0] != "receive-buffer":
            address = words.pop(0)
        if words:
            buffer = size(words[1])
        if name in self.poller.clients:
            raise BadScenario(f"{name} is connected already")
        Client(name, self.poller, address, buffer)

    def on_refused(self, name, words, _block):
        """refused ADDRESS: nobody listens there, or not much longer."""
        def refused():
            try:
                Client(name, self.poller, words[0]).close()
            except Failure:
                return True
            return False
        self.look_until(refused, lambda: f"waited for {words[0]} to refuse")

    def on_send(self, name, words, _block):
        self._client(name).send(join_pieces(words, self.directory))

    def on_request(self, name, words, block):
        """A request head by line, with CRLF behind each and an empty line; bytes: the body."""
        head = "".join(line + "\r\n" for line in block) + "\r\n"
        self._client(name).send(head.encode("utf-8") + join_pieces(words, self.directory))

    def on_get(self, name, words, _block):
        self._client(name).send(f"GET {words[0]} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    def on_sent(self, name, _words, _block):
        self._client(name).sent()

    def on_taken(self, name, _words, _block):
        """Waits until the daemon has read all that was sent (unix sockets only)."""
        self.taken(self._client(name))

    def taken(self, client):
        client.sent()

        def empty():
            try:
                left = struct.unpack("i", fcntl.ioctl(client.socket, termios.TIOCOUTQ, b"\0" * 4))
            except OSError:
                return True
            # The kernel tells no one when a peer has read, so look again, and often.
            return left[0] == 0 or time.sleep(0.0002)
        end = time.monotonic() + self.poller.patience
        while not empty():
            if time.monotonic() > end:
                raise Failure(f"the daemon reads nothing from {client.name}")

    def on_pull(self, name, words, _block):
        self._client(name).pull(size(words[0]))

    def on_shutdown(self, name, _words, _block):
        self._client(name).shutdown()

    def on_close(self, name, _words, _block):
        client = self._client(name)
        client.sent()
        client.close()

    def on_abort(self, name, _words, _block):
        self._client(name).abort()

    def on_expect_bytes(self, name, words, _block):
        want = join_pieces(words, self.directory)
        got = self._client(name).take(len(want), f"{len(want)} bytes")
        if got != want:
            raise Failure(difference(want, got))

    def on_expect_close(self, name, _words, _block):
        client = self._client(name)
        client.expect_end(by_reset=False)
        client.close()

    def on_expect_end(self, name, _words, _block):
        client = self._client(name)
        client.expect_end()
        client.close()

    def on_cut(self, name, _words, _block):
        """Waits until the daemon has closed, reading nothing."""
        self._client(name).expect_cut()

    def on_hold(self, _name, words, _block):
        """Takes nothing for that long: what a slow client does."""
        self.poller.wait(lambda: False, "", None, seconds(words[0]))

    def on_expect_silence(self, name, words, _block):
        self._client(name).expect_silence(seconds(words[0]))

    def on_expect(self, name, words, block):
        """expect STATUS [to METHOD] [truncated] [times N]"""
        client, statuses = self._client(name), words.pop(0).split("|")
        method, truncated, times = "GET", False, 1
        while words:
            option = words.pop(0)
            if option == "to":
                method = words.pop(0)
            elif option == "truncated":
                truncated = True
            elif option == "times":
                times = int(words.pop(0))
            else:
                raise BadScenario(f"expect: {option}")
        for _ in range(times):
            response = Response(client, method, truncated)
            self.values["received"] = len(response.body)
            if str(response.status) not in statuses:
                raise Failure(f"expected {'|'.join(statuses)}, received:\n{response.text()}")
            for line in block:
                if line.strip():
                    self.check(response, line)

    def check(self, response, line):
        """One line of what is expected of a response."""
        def fail(why=""):
            raise Failure(f"expected  {line}{why}\nreceived:\n{response.text()}")

        kind, _, rest = line.partition(" ")
        field = re.fullmatch(r"(!?)\s*([\w-]+)(?::\s*(.*)| ~ (.*))?", line)
        if kind == "body":
            self._check_body(response.body, rest, fail)
        elif kind == "decoded":
            self._check_body(response.decoded(), rest, fail)
        elif kind in ("framing", "reason"):
            if getattr(response, kind) != rest:
                fail()
        elif not field:
            raise BadScenario(f"expect: {line}")
        else:
            self._check_field(response, field, fail)

    def _check_field(self, response, field, fail):
        absent, name, value, expression = field.groups()
        values = response.values(name)
        if absent:
            good = not values
        elif value is not None:
            good = value in values
        elif expression is not None:
            good = any(re.search(expression, v) for v in values)
        else:
            good = bool(values)
        if not good:
            fail()

    def _check_body(self, body, rest, fail):
        if rest.startswith("~ "):
            if not re.search(rest[2:].encode(), body, re.S):
                fail()
        elif rest.startswith("length "):
            if len(body) != size(rest.split()[1]):
                fail(f" ({len(body)})")
        else:
            want = join_pieces(split_words(rest), self.directory)
            if body != want:
                fail("\n" + difference(want, body))

    # ---- all ways to cut a request

    def _splits(self):
        """What the scenario sends on its one connection gives the same answer however it is cut."""
        data = b"".join(self._sent_bytes(step) for step in self.scenario.steps)
        if not data or len(data) > 300:
            raise BadScenario(f"split: {len(data)} bytes are sent, not 1 to 300")
        whole = self._exchange([data])
        cuts = [[data[:i], data[i:]] for i in range(1, len(data))]
        cuts.append([data[i:i + 1] for i in range(len(data))])
        for pieces in cuts:
            got = self._exchange(pieces)
            if got != whole:
                raise Failure(f"cut as {[len(p) for p in pieces]}: " + difference(whole, got))

    def _sent_bytes(self, step):
        words = split_words(self._expand(step.text))
        block = "".join(self._expand(x) + "\r\n" for x in step.block)
        if len(words) < 2 or words[1] not in ("send", "request", "get"):
            return b""
        if words[1] == "get":
            return f"GET {words[2]} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        head = (block + "\r\n").encode() if words[1] == "request" else b""
        return head + join_pieces(words[2:], self.directory)

    def _exchange(self, pieces):
        client = Client("split", self.poller, self.values["address"])
        for piece in pieces:
            client.send(piece)
            self.taken(client)
        client.shutdown()
        answer = client.take_all()
        client.close()
        answer = re.sub(rb"\r\nDate: [^\r]*", b"\r\nDate: -", answer)
        return re.sub(rb"\bid=[0-9a-f]{16}\b", b"id=-", answer)
