"""Access logs as a scenario reads them: whole lines, each taken once, in order."""

import json
import os
import re

from text import BadScenario, Failure, show

_ID = re.compile(rb'(?: id=|,"id":")([0-9a-f]{16})')


class Log:
    """A file that grows. It is read from the begin each time: the scenarios' are small."""

    def __init__(self, path):
        self.path, self.taken = path, 0

    def _read(self):
        if not os.path.exists(self.path):
            return [], ""
        with open(self.path, "rb") as file:
            *lines, partial = file.read().split(b"\n")
        return lines[self.taken:], partial

    def left(self):
        """The whole lines that are not taken."""
        return self._read()[0]

    def take(self, n):
        lines = self.left()[:n]
        self.taken += n
        return lines

    def all(self):
        """The taken ones, too."""
        taken, self.taken = self.taken, 0
        lines, self.taken = self.left(), taken
        return lines

    def text(self):
        return "\n".join(show(line) for line in self.left()[:10]) or "nothing"

    def demand_end(self):
        lines, partial = self._read()
        if lines or partial:
            raise Failure(f"{os.path.basename(self.path)}: not expected:\n{self.text()}"
                          + (f"\nand a broken line: {show(partial)}" if partial else ""))


def demand_own_ids(logs):
    """No two lines, of all the files, have the same id."""
    seen = set()
    for log in logs:
        for line in log.all():
            identity = _ID.search(line)
            if not identity or identity[1] in seen:
                raise Failure(f"no id, or one that is there twice: {show(line)}")
            seen.add(identity[1])


def match_text(line, expression):
    """What the named groups matched."""
    text = line.decode("ascii", "strict")
    match = re.search(expression, text)
    if not match:
        raise Failure(f"expected  {expression}\nlogged    {text}")
    return match.groupdict()


def match_any(line, left):
    """The first of the expressions that matches must have some left."""
    text = line.decode("ascii", "strict")
    found = next((x for x in left if re.search(x, text)), None)
    if found is None or left[found] == 0:
        raise Failure(f"one more than expected, or of no kind:\n{text}")
    left[found] -= 1


def _member_once(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member twice")
    return members


def match_json(line, block):
    """Lines of the block: NAME: JSON, NAME ~ REGEX, ! NAME, only NAME ...; what the named groups
    matched."""
    try:
        members = json.loads(line.decode("utf-8"), object_pairs_hook=_member_once)
    except ValueError as error:
        raise Failure(f"no JSON: {error}\nlogged    {show(line)}") from None
    found = {}
    for want in filter(str.strip, block):
        match = re.fullmatch(r"(\w+)(?:: (.*)| ~ (.*))|! (\w+)|only (.*)", want)
        if not match:
            raise BadScenario(f"json: {want}")
        name, value, expression, absent, names = match.groups()
        if absent:
            good = absent not in members
        elif names:
            good = names.split() == list(members)
        elif value is not None:
            good = name in members and members[name] == json.loads(value)
        else:
            groups = re.search(expression, str(members.get(name, "")))
            good = name in members and groups
            found.update(groups.groupdict() if groups else {})
        if not good:
            raise Failure(f"expected  {want}\nlogged    {show(line, 4096)}")
    return found
