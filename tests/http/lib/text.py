"""The text of a scenario: reading the file, and the words and bytes of a step."""

import re
from typing import NamedTuple


class Failure(Exception):
    """The daemon did not do what the scenario says; the text is for the reader."""


class BadScenario(Exception):
    """The scenario itself is wrong."""


class Step(NamedTuple):
    line: int
    text: str
    block: list  # the indented lines below it, without their common indentation


class Scenario(NamedTuple):
    path: str
    about: str
    settings: dict
    steps: list


SETTINGS = {"transport", "split", "skip", "lost", "needs"}
_SETTING = re.compile(r"([a-z]+):\s*(.*)")


def read_scenario(path):
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    about, settings, steps = [], {}, []
    for number, line in enumerate(lines, 1):
        setting = _SETTING.fullmatch(line)
        if line.startswith("#"):
            if not steps and not settings:
                about.append(line.lstrip("# "))
        elif line.startswith((" ", "\t")) or not line.strip():
            if steps:
                steps[-1].block.append(line)
            elif line.strip():
                raise BadScenario(f"{path}:{number}: an indented line belongs to a step")
        elif setting and not steps:
            if setting[1] not in SETTINGS:
                raise BadScenario(f"{path}:{number}: no such setting: {setting[1]}")
            settings[setting[1]] = setting[2].strip()
        else:
            steps.append(Step(number, line, []))
    if not about:
        raise BadScenario(f"{path}: the first line must be a comment that says what is shown")
    steps = [Step(s.line, s.text, _dedent(s.block)) for s in steps]
    return Scenario(path, " ".join(about), settings, steps)


def _dedent(lines):
    while lines and not lines[-1].strip():
        lines.pop()
    margin = min((len(x) - len(x.lstrip()) for x in lines if x.strip()), default=0)
    return [x[margin:] for x in lines]


_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"(?=\s|$)|(\S+)')
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|(.))")
_ESCAPES = {"r": "\r", "n": "\n", "t": "\t", "0": "\0", "\\": "\\", '"': '"'}


def _unescape(match):
    if match[1]:
        return chr(int(match[1], 16))
    if match[2] not in _ESCAPES:
        raise BadScenario(f"no such escape: \\{match[2]}")
    return _ESCAPES[match[2]]


def split_words(text):
    """Words as str, quoted strings as bytes."""
    words = []
    for match in _TOKEN.finditer(text):
        if match[2] is not None:
            if '"' in match[2]:
                raise BadScenario(f"unbalanced quotes: {text}")
            words.append(match[2])
        else:
            # Characters up to U+00FF made by \xHH are bytes; others stand for their UTF-8.
            plain = _ESCAPE.sub(_unescape, match[1])
            words.append(b"".join(
                c.encode("latin-1") if ord(c) < 256 else c.encode() for c in plain))
    return words


def size(word):
    match = re.fullmatch(r"(\d+)([KM]?)", word)
    if not match:
        raise BadScenario(f"not a size: {word}")
    return int(match[1]) << {"": 0, "K": 10, "M": 20}[match[2]]


def seconds(word):
    match = re.fullmatch(r"(\d+)(ms|s)", word)
    if not match:
        raise BadScenario(f"not a time: {word}")
    return int(match[1]) / (1000 if match[2] == "ms" else 1)


_PERIOD = bytes((i ^ i >> 8) & 0xFF for i in range(65536))


def pattern(n):
    """n bytes in which every position within 64 KiB is recognisable; test_pattern makes the
    same."""
    return (_PERIOD * (n // len(_PERIOD) + 1))[:n]


def join_pieces(words, directory):
    """The bytes of:  "text"  pattern N  repeat N "text"  file NAME  ... in a row."""
    out, rest = [], list(words)
    while rest:
        word = rest.pop(0)
        try:
            if isinstance(word, bytes):
                out.append(word)
            elif word == "pattern":
                out.append(pattern(size(rest.pop(0))))
            elif word == "repeat":
                count, what = size(rest.pop(0)), rest.pop(0)
                out.append(what * count)
            elif word == "file":
                with open(f"{directory}/{rest.pop(0)}", "rb") as file:
                    out.append(file.read())
            else:
                raise BadScenario(f"not bytes: {word}")
        except (IndexError, TypeError):
            raise BadScenario(f"{word} needs more words") from None
    return b"".join(out)


def show(data, limit=600):
    """Bytes for a human: escaped, one line each, cut when long."""
    cut = data if len(data) <= limit else data[:limit]
    text = cut.decode("latin-1").encode("unicode_escape").decode().replace("\\n", "\\n\n")
    if len(data) > limit:
        text += f"... ({len(data)} bytes)"
    return text.rstrip("\n")


def difference(want, got):
    """Where two byte strings part, in a few lines."""
    at = next((i for i, (a, b) in enumerate(zip(want, got)) if a != b), min(len(want), len(got)))
    lines = [f"{len(want)} bytes expected, {len(got)} received; they differ at byte {at}"]
    begin = max(0, at - 40)
    for name, data in (("expected", want), ("received", got)):
        lines.append(f"  {name}: {'...' if begin else ''}{show(data[begin:at + 120])}")
    return "\n".join(lines)
