"""Judges an answer: what its case says, and what holds for every answer of `files`."""

import json
import os
import re

from ask import parse_date, to_bytes
from multipart import boundary_of, content_range, parts_of
from text import BadScenario, Failure, difference, split_words

_FIELD = re.compile(r"([A-Za-z-]+)(:| ~| !~| !=) ?(.*)")
STRONG = re.compile(r'"[!#-~\x80-\xff]+"')
# What may differ between two answers to one request, and depends on when it was asked.
DATES = ("date", "expires")
LITTLE = 5  # seconds
_ID = re.compile(rb"\b[0-9a-f]{16}\b")  # of a request that was refused


def _file(site, words):
    """Bytes of a file: NAME, or NAME FIRST-LAST."""
    with open(site.path(words[0]), "rb") as file:
        if len(words) == 1:
            return file.read()
        first, last = map(int, words[1].split("-"))
        file.seek(first)
        return file.read(last - first + 1)


def _demand(condition, what):
    if not condition:
        raise Failure(what)


def _body(site, answer, text):
    match = re.fullmatch(r"(~|!~) (.*)", text)
    if match:
        found = re.search(to_bytes(match[2]), answer.body, re.S) is not None
        _demand(found == (match[1] == "~"), f"the body does not fit {text}")
        return
    words = split_words(text)
    want = words[0] if isinstance(words[0], bytes) else _file(site, words)
    _demand(answer.body == want, f"the body differs: {difference(want, answer.body)}")


def _parts(site, answer, text):
    """NAME TYPE FIRST-LAST ...: a multipart body of these parts, in this order."""
    name, kind, *ranges = text.split()
    size = os.stat(site.path(name)).st_size
    got = parts_of(answer.values("Content-Type")[0], answer.body)
    _demand([f"{p[0]}-{p[1]}" for p in got] == ranges, f"the parts are {[p[:2] for p in got]}")
    for first, last, length, its_type, data in got:
        _demand(length == size, f"a part says the size is {length}, not {size}")
        _demand(its_type.split(";")[0] == kind, f"a part's type is {its_type}")
        _demand(data == _file(site, [name, f"{first}-{last}"]),
                f"the part {first}-{last} has other bytes than the file")


def _field(site, answer, cell):
    match = _FIELD.fullmatch(cell)
    if not match:
        raise BadScenario(f"not an expectation: {cell}")
    name, how, text = match.groups()
    values = answer.values(name)
    if how == ":":
        _demand(values == [site.expand(text)], f"{name} is {values}, not {site.expand(text)}")
    elif how == " ~":
        _demand(len(values) > 0 and re.search(text, ", ".join(values)),
                f"{name} is {values}, not ~ {text}")
    elif how == " !~":
        _demand(not re.search(text, ", ".join(values)), f"{name} is {values}, which fits {text}")
    else:
        _demand(values and site.expand(text) not in values, f"{name} is {values}")


def _json(answer, text):
    """`NAMES`: the names in the listing, in this order."""
    try:
        said = json.loads(answer.body)
    except ValueError as error:
        raise Failure(f"not JSON: {error}") from None
    entries = said if isinstance(said, list) else said["entries"]
    names = [e["name"] for e in entries]
    _demand(names == json.loads(text), f"the names are {names}")


def _cell(site, answer, cell):
    word, _, rest = cell.partition(" ")
    if word == "!":
        there = [n for n in rest.split() if answer.values(n)]
        _demand(not there, f"there is {', '.join(there)}")
    elif word == "body":
        _body(site, answer, rest)
    elif word == "parts":
        _parts(site, answer, rest)
    elif word == "names":
        _json(answer, rest)
    elif word == "expires":
        dates = [parse_date(answer.values(n)[0]) for n in ("Expires", "Date") if answer.values(n)]
        # Date is written last, perhaps a second later.
        _demand(len(dates) == 2 and int(rest) - 1 <= dates[0] - dates[1] <= int(rest),
                f"Expires is {answer.values('Expires')}, Date {answer.values('Date')}")
    else:
        _field(site, answer, cell)


def _always(answer):
    """What no case need say."""
    fields = [n.lower() for n, _ in answer.fields]
    double = {n for n in fields if fields.count(n) > 1 and n not in ("vary", "cache-control")}
    _demand(not double, f"twice in one answer: {double}")
    tags = answer.values("ETag")
    _demand(all(STRONG.fullmatch(t) for t in tags), f"not a strong tag: {tags}")
    if answer.status in (200, 206):
        _demand(answer.values("X-Content-Type-Options") == ["nosniff"], "no nosniff")
        _demand(answer.framing in ("length", "none"), f"framed by {answer.framing}")
    if answer.status in (206, 304):
        _demand(tags, "no ETag")
    if answer.status == 304:
        extra = {"content-type", "content-encoding", "content-range", "content-length",
                 "transfer-encoding"} & set(fields)
        _demand(not extra, f"a 304 with {extra}")
    if answer.status == 206 and answer.values("Content-Range"):
        first, last, _ = content_range(answer.values("Content-Range")[0])
        _demand(answer.framing == "none" or len(answer.body) == last - first + 1,
                f"{len(answer.body)} bytes of {first}-{last}")
    elif answer.status == 206:
        parts_of(answer.values("Content-Type")[0], answer.body)
    elif answer.status != 416:
        _demand("content-range" not in fields, "a Content-Range")


def judge(site, case, answer):
    try:
        statuses = case.status.removesuffix(" close").split("|")
        _demand(str(answer.status) in statuses, f"status {answer.status}, not {case.status}")
        if "close" not in case.status:
            _demand(answer.values("Connection") != ["close"], "it closes the connection")
        _always(answer)
        for cell in case.cells:
            _cell(site, answer, cell)
    except Failure as error:
        raise Failure(f"{error}\n{answer.text()}") from None


def _is_of_now(answer):
    """As a file of tomorrow is: of when it was looked at, which may be a little before Date."""
    dates = [answer.values(name) for name in ("Date", "Last-Modified")]
    return all(dates) and parse_date(dates[0][0]) - parse_date(dates[1][0]) < LITTLE


def _comparable(answer, body):
    """Boundaries and the ids of errors are drawn anew each time."""
    fields = {n.lower(): v for n, v in answer.fields if n.lower() not in DATES}
    if _is_of_now(answer):
        fields.pop("last-modified", None)
    kind, content = fields.get("content-type", ""), answer.body
    if kind.startswith("multipart/"):
        content = content.replace(boundary_of(kind), b"BOUNDARY")
        fields["content-type"] = "multipart/byteranges"
    if answer.status >= 400:
        content = _ID.sub(b"ID", content)
    return answer.status, fields, content if body else None


def same(one, other, what, body=True):
    a, b = _comparable(one, body), _comparable(other, body)
    if a != b:
        raise Failure(f"{what} is another:\n{one.text()}\n--- not ---\n{other.text()}")
