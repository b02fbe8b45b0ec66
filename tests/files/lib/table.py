"""Reads a table of cases; the format is told in README.md."""

import re
from typing import NamedTuple

from text import BadScenario, _dedent

_STATUS = re.compile(r"\d{3}(\|\d{3})*( close)?")


class Case(NamedTuple):
    where: str
    name: str
    method: str
    target: str
    fields: list
    status: str
    cells: list


class Table(NamedTuple):
    path: str
    config: str
    tree: list
    ignored: list  # expressions: what the log may say
    cases: list


def _case(where, text):
    head, *cells = [c.strip() for c in re.split(r"\s\|(?=\s|$)", text)]
    words = head.split(None, 2)
    fields = []
    while cells and not _STATUS.fullmatch(cells[0]):
        fields.append(cells.pop(0))
    if len(words) != 3 or not cells or any(":" not in f for f in fields):
        raise BadScenario(f"{where}: not a case: {text}")
    return Case(where, *words, fields, cells[0], [c for c in cells[1:] if c])


def read_table(path):
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    blocks, cases = {"config": [], "tree": [], "ignore": []}, []
    block = None
    for number, line in enumerate(lines, 1):
        where = f"{path}:{number}"
        if line.startswith("#") or not line.strip():
            continue
        if line[0] != " ":
            block = line.strip() if line.strip() in blocks else None
            if block is None:
                cases.append([where, line])
        elif block:
            blocks[block].append(line)
        elif cases:
            cases[-1][1] += " " + line
        else:
            raise BadScenario(f"{where}: an indented line belongs to a case")
    cases = [_case(where, text) for where, text in cases]
    names = [c.name for c in cases]
    double = {n for n in names if names.count(n) > 1}
    if double:
        raise BadScenario(f"{path}: two cases of one name: {', '.join(sorted(double))}")
    return Table(path, "\n".join(blocks["config"]) + "\n", _dedent(blocks["tree"]),
                 _dedent(blocks["ignore"]), cases)
