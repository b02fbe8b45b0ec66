"""Makes the files that a table of cases is about."""

import errno
import os
import socket
import time

from text import BadScenario, join_pieces, pattern, split_words

MODIFIED = 1000000000  # Sun, 09 Sep 2001 01:46:40 GMT, of each file that has no `time`


def _amount(word):
    unit = {"K": 10, "M": 20, "G": 30}.get(word[-1])
    return int(word[:-1]) << unit if unit else int(word)


def _text(word):
    return word if isinstance(word, str) else os.fsdecode(word)


def _bind(name):
    """A socket; its path may be longer than an address."""
    with socket.socket(socket.AF_UNIX) as sock:
        here = os.open(".", os.O_RDONLY)
        try:
            os.chdir(os.path.dirname(name))
            sock.bind(os.path.basename(name))
        finally:
            os.fchdir(here)
            os.close(here)


def _make(name, kind, rest):
    if kind == "text":
        with open(name, "wb") as file:
            file.write(join_pieces(rest, None))
    elif kind == "pattern":
        with open(name, "wb") as file:
            file.write(pattern(_amount(rest[0])))
    elif kind == "sparse":
        with open(name, "wb") as file:
            file.seek(_amount(rest[0]) - len(rest[1]))
            file.write(rest[1])
    elif kind == "directory":
        os.makedirs(name, exist_ok=True)
    elif kind == "link":
        os.symlink(_text(rest[0]), name)
    elif kind == "fifo":
        os.mkfifo(name)
    elif kind == "socket":
        _bind(name)
    elif kind == "device":
        try:
            os.mknod(name, 0o020666, os.makedev(int(rest[0]), int(rest[1])))
        except OSError as error:
            if error.errno != errno.EPERM:
                raise
    else:
        raise BadScenario(f"no such kind of file: {kind}")
    if kind in ("text", "pattern", "sparse"):
        os.utime(name, (MODIFIED, MODIFIED))


def make(folder, lines):
    """Each line: NAME KIND ...; `mode` and `time` are for what a line above has made. Modes come
    last: nobody may look into a directory any more."""
    modes = []
    for line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, kind, *rest = split_words(line)
        name = os.path.join(folder, _text(name))
        if kind == "mode":
            modes.append((name, int(rest[0], 8)))
        elif kind == "time":
            at = int(rest[0]) + (time.time() if rest[0][0] == "+" else 0)
            os.utime(name, (at, at))
        else:
            os.makedirs(os.path.dirname(name), exist_ok=True)
            _make(name, kind, rest)
    for name, mode in modes:
        os.chmod(name, mode)


def forget(folder):
    """So that it can be removed."""
    for top, folders, _ in os.walk(folder):
        for name in folders:
            if not os.path.islink(os.path.join(top, name)):
                os.chmod(os.path.join(top, name), 0o700)
