#!/usr/bin/env python3
"""Verifies an export of a ledger. Written from docs/PROOFS.md alone; Python's standard library only.

    verify.py EXPORT [--vkey NAME+ID+KEY] [--checkpoints FILE]

Exit code 0: it is as it should be; 1: it is not; 2: it could not be read.
"""

import argparse
import base64
import hashlib
import json
import re
import struct
import sys
import uuid

COLUMNS = (
    "position account_id version type schema_version available_delta reserved_delta debt_delta payload "
    "producer command_id ordinal request_digest actor causation trace_id recorded_at"
).split()
INTEGERS = set(
    "position version schema_version available_delta reserved_delta debt_delta ordinal causation recorded_at".split()
)
BYTES = {"request_digest": 16, "trace_id": 16}
NULLABLE = {"causation", "trace_id"}


class Wrong(Exception):
    """What is wrong with the log."""


def sha256(data):
    return hashlib.sha256(data).digest()


def unhex(text, length):
    if not isinstance(text, str) or not re.fullmatch("[0-9a-f]{%d}" % (2 * length), text):
        raise Wrong("not %d bytes of hex: %r" % (length, text))
    return bytes.fromhex(text)


# --- Ed25519, RFC 8032, 5.1 -------------------------------------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def add(a, b):
    m, n = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = n - m, d - c, d + c, n + m
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(k, point):
    sum_ = (0, 1, 1, 0)
    while k:
        if k & 1:
            sum_ = add(sum_, point)
        point, k = add(point, point), k >> 1
    return sum_


def equal(a, b):
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def recover_x(y, sign):
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if x2 == 0:
        return None if sign else 0
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * ROOT % P
    if (x * x - x2) % P:
        return None
    return P - x if x & 1 != sign else x


def point(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    x = recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = (recover_x(BASE_Y, 0), BASE_Y, 1, recover_x(BASE_Y, 0) * BASE_Y % P)


def is_signed(public, message, signature):
    if len(public) != 32 or len(signature) != 64:
        return False
    a, r = point(public), point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    return equal(times(s, BASE), add(r, times(h, a)))


# --- Checkpoints ------------------------------------------------------------------------------------------


def read_key(vkey):
    name, id_, key = vkey.split("+", 2)
    data = base64.b64decode(key, validate=True)
    if len(data) != 33 or data[0] != 1:
        raise ValueError("not an Ed25519 key")
    if sha256(name.encode() + b"\n\x01" + data[1:])[:4] != bytes.fromhex(id_):
        raise ValueError("its id is not that of its name and key")
    return name, bytes.fromhex(id_), data[1:]


def number(text, what):
    if not re.fullmatch("0|[1-9][0-9]*", text):
        raise Wrong("a checkpoint's %s is no number" % what)
    return int(text)


def read_checkpoint(note, keys):
    if "\n\n" not in note or not note.endswith("\n"):
        raise Wrong("a checkpoint is no signed note")
    text, signatures = note.rsplit("\n\n", 1)
    text += "\n"
    signed = not keys
    for line in signatures[:-1].split("\n"):
        match = re.fullmatch("\u2014 ([^ ]+) ([A-Za-z0-9+/=]+)", line)
        if not match:
            raise Wrong("a checkpoint's signature has another form")
        data = base64.b64decode(match[2], validate=True)
        for name, id_, public in keys:
            if (name, id_) == (match[1], data[:4]):
                if not is_signed(public, text.encode(), data[4:]):
                    raise Wrong("a checkpoint is forged:\n" + text)
                signed = True
    if not signed:
        raise Wrong("a checkpoint is not signed by a known key:\n" + text)
    lines = text[:-1].split("\n")
    if len(lines) < 6:
        raise Wrong("a checkpoint lacks a line")
    extensions = [line.split(" ", 1) for line in lines[3:6]]
    if [e[0] for e in extensions] != ["incarnation", "head", "time"]:
        raise Wrong("a checkpoint has other lines")
    if keys and lines[0] not in [name for name, _, _ in keys]:
        raise Wrong("a checkpoint's origin is not the name of its key")
    root = base64.b64decode(lines[2], validate=True)
    return {
        "size": number(lines[1], "size"),
        "root": root,
        "incarnation": number(extensions[0][1], "incarnation"),
        "head": unhex(extensions[1][1], 32),
    }


def notes_in(text):
    parts = text.split("\n\n")[:-1]
    return [parts[i] + "\n\n" + parts[i + 1] + "\n" for i in range(0, len(parts) - 1, 2)]


def that_count(checkpoints):
    """Without those that were given up when a restore was accepted."""
    first = {}
    for c in checkpoints:
        first[c["incarnation"]] = min(c["size"], first.get(c["incarnation"], c["size"]))
    return [
        c
        for c in checkpoints
        if not any(i > c["incarnation"] and c["size"] > size for i, size in first.items())
    ]


# --- Events and the tree ----------------------------------------------------------------------------------


def encode(name, value):
    if value is None:
        if name not in NULLABLE:
            raise Wrong("%s is null" % name)
        return b"\xff\xff\xff\xff"
    if name in INTEGERS:
        if type(value) is not int:
            raise Wrong("%s is no integer" % name)
        data = struct.pack(">q", value)
    elif name == "account_id":
        data = uuid.UUID(value).bytes
    elif name in BYTES:
        data = unhex(value, BYTES[name])
    else:
        data = value.encode()
    return struct.pack(">I", len(data)) + data


def event_hash(event):
    if set(event) != set(COLUMNS) | {"prev_hash", "hash"}:
        raise Wrong("it has other columns")
    data = b"plantain/event/1" + unhex(event["prev_hash"], 32)
    return sha256(data + b"".join(encode(name, event[name]) for name in COLUMNS))


class Tree:
    def __init__(self, size, roots):
        if len(roots) != bin(size).count("1"):
            raise Wrong("the header's tree does not fit its first position")
        self.size, self.roots = size, roots

    def push(self, leaf):
        size, node = self.size, leaf
        while size & 1:
            node, size = sha256(b"\x01" + self.roots.pop() + node), size >> 1
        self.roots.append(node)
        self.size += 1

    def root(self):
        if not self.roots:
            return sha256(b"")
        node = self.roots[-1]
        for left in reversed(self.roots[:-1]):
            node = sha256(b"\x01" + left + node)
        return node


def canonical(text):
    """RFC 8785 for objects with ASCII keys and integers."""
    value = json.loads(text, parse_float=lambda _: 1 / 0)
    again = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return again == text


def verify(lines, keys, outside):
    header = json.loads(next(lines))
    if header.get("format") != "plantain-export/1":
        raise Wrong("this is no export that is known here")
    first, last = header["from"], header["to"]
    tree = Tree(first - 1, [unhex(h, 32) for h in header["tree"]])
    before = unhex(header["prev_hash"], 32)
    if first == 1 and before != bytes(32):
        raise Wrong("position 1 does not begin with zeros")
    all_ = [read_checkpoint(note, keys) for note in header["checkpoints"] + outside]
    open_ = [c for c in that_count(all_) if c["size"] >= first]
    by_size = {}
    for c in open_:
        by_size.setdefault(c["size"], []).append(c)
    versions, balances, at, recorded, footer, compared = {}, {}, first - 1, 0, None, 0
    for line in lines:
        event = json.loads(line)
        if "events" in event:
            footer = event
            break
        at += 1
        if event.get("position") != at:
            raise Wrong("position %d is missing" % at)
        try:
            own = event_hash(event)
        except (Wrong, ValueError, AttributeError, struct.error) as error:
            raise Wrong("position %d can't be read: %s" % (at, error)) from error
        if unhex(event["prev_hash"], 32) != before:
            raise Wrong("position %d: its prev_hash is not the hash before" % at)
        if unhex(event["hash"], 32) != own:
            raise Wrong("position %d: its hash is not that of its columns" % at)
        if not canonical(event["payload"]):
            raise Wrong("position %d: its payload is not canonical" % at)
        if event["recorded_at"] < recorded:
            raise Wrong("position %d: time goes back" % at)
        recorded, account = event["recorded_at"], event["account_id"]
        if event["version"] != versions.get(account, 0 if first == 1 else event["version"] - 1) + 1:
            raise Wrong("position %d: a version of its account is missing" % at)
        versions[account] = event["version"]
        deltas = (event["available_delta"], event["reserved_delta"], event["debt_delta"])
        balances[account] = tuple(a + b for a, b in zip(balances.get(account, (0, 0, 0)), deltas))
        if first == 1 and min(balances[account]) < 0:
            raise Wrong("position %d: a balance below zero" % at)
        before = own
        tree.push(sha256(b"\x00" + own))
        for c in by_size.pop(at, []):
            compared += 1
            if c["root"] != tree.root() or c["head"] != own:
                raise Wrong("the log is not what the checkpoint of size %d says" % at)
    if footer is None:
        raise Wrong("the last line is missing: the file was cut short")
    if next(lines, None) is not None:
        raise Wrong("lines follow the last one")
    if at != last or footer["events"] != last - first + 1:
        raise Wrong("it ends at %d instead of %d" % (at, last))
    if unhex(footer["head"], 32) != before or unhex(footer["root"], 32) != tree.root():
        raise Wrong("its last line says another end")
    if by_size and max(by_size) > last:
        raise Wrong("a checkpoint knows the log up to %d: events are missing at its end" % max(by_size))
    return at - first + 1, compared, before, tree.root()


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("export")
    arguments.add_argument("--vkey", action="append", default=[])
    arguments.add_argument("--checkpoints", action="append", default=[])
    args = arguments.parse_args()
    try:
        keys = [read_key(vkey) for vkey in args.vkey]
        outside = []
        for name in args.checkpoints:
            with open(name, encoding="utf-8") as file:
                outside += notes_in(file.read())
        export = open(args.export, encoding="utf-8")
    except (OSError, ValueError) as error:
        print("can't be read:", error, file=sys.stderr)
        return 2
    try:
        events, compared, head, root = verify(export, keys, outside)
    except (Wrong, ValueError, KeyError, TypeError, ZeroDivisionError) as error:
        print("NOT VERIFIED:", error)
        return 1
    print("events       %d\nhead         %s\nroot         %s" % (events, head.hex(), root.hex()))
    print("checkpoints  %d agree%s" % (compared, "" if keys else "; signatures were not checked"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
