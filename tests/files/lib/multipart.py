"""A strict reader of multipart/byteranges (RFC 9110 section 14.6, RFC 2046 section 5.1.1)."""

import re

from text import Failure, show

_TYPE = re.compile(r"multipart/byteranges; *boundary=(\"?)([0-9A-Za-z'()+_,./:=?-]{1,70})\1")
_FIELD = re.compile(rb"([A-Za-z-]+): ([ -~]+)")
_RANGE = re.compile(r"bytes (0|[1-9]\d*)-(0|[1-9]\d*)/(0|[1-9]\d*)")


def boundary_of(content_type):
    match = _TYPE.fullmatch(content_type)
    if not match:
        raise Failure(f"not a type of multipart/byteranges: {content_type}")
    return match[2].encode()


def content_range(value):
    """First byte, last byte, size."""
    match = _RANGE.fullmatch(value)
    if not match:
        raise Failure(f"not a Content-Range: {value}")
    first, last, size = (int(n) for n in match.groups())
    if not first <= last < size:
        raise Failure(f"an impossible Content-Range: {value}")
    return first, last, size


def parts_of(content_type, body):
    """(first, last, size, type, bytes) of each part. Nothing stands before the first and behind
    the last; a part has Content-Type and Content-Range and nothing else."""
    mark, parts = b"--" + boundary_of(content_type), []
    at = 2 if body.startswith(b"\r\n") else 0
    while True:
        if body[at:at + len(mark)] != mark:
            raise Failure(f"no boundary at byte {at}: {show(body[at:at + 100])}")
        at += len(mark)
        if body[at:] == b"--\r\n" and parts:
            return parts
        end = body.find(b"\r\n\r\n", at)
        if body[at:at + 2] != b"\r\n" or end < 0:
            raise Failure(f"no head of a part at byte {at}: {show(body[at:at + 100])}")
        fields = {}
        for line in body[at + 2:end].split(b"\r\n"):
            field = _FIELD.fullmatch(line)
            if not field or field[1].lower() in fields:
                raise Failure(f"bad field of a part: {show(line)}")
            fields[field[1].lower()] = field[2].decode()
        if set(fields) != {b"content-type", b"content-range"}:
            raise Failure(f"a part's fields are {sorted(fields)}")
        first, last, size = content_range(fields[b"content-range"])
        at = end + 4 + last - first + 1
        if body[at:at + 2] != b"\r\n":
            raise Failure(f"the part {first}-{last} does not end where it says")
        parts.append((first, last, size, fields[b"content-type"], body[end + 4:at]))
        at += 2
