"""Damages result files at random: mutates the JSON tree, then perhaps the text."""

import json
import math
import random
from collections.abc import Callable
from typing import Any

# What nobody expects where it stands.
NASTY: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, -0.0, 1e308, -1e308, 5e-324, math.nan, math.inf, -math.inf),
    *(2**31, 2**53 + 1, 2**63, -(2**63) - 1, 2**64, 10**30, 10**400, int("9" * 4000)),
    *("", " ", "\0", "nan", "1e5", "\ud800", "\U0001f600", "a\r\nb", "<script>", "=1+1", "%s{0}", "x" * 5000),
    *("2026-01-01", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+23:59", "version", "value", "series", "shape"),
    *([], {}, [[]], [{}], {"": None}, [None] * 50, [[["1"] * 20] * 3], {"a": {"b": {"c": []}}}, ["1", ["2"], {"3": 4}]),
    *("__import__('os')", "'\\ud800'", "[" * 500, "9" * 999, "'" + "\\" * 9, "1e999", "-" * 900 + "1", "{1: 2}"),
)
DEEP = 5000

Tree = Any


def damaged(document: Tree, seed: int) -> bytes:
    """``document`` as JSON with up to five damages, those that ``seed`` draws."""
    draw = random.Random(seed)
    tree = json.loads(json.dumps(document))
    for _ in range(draw.randint(0, 4)):
        tree = _mutated(tree, draw)
    data = json.dumps(tree).encode()
    return draw.choice(TEXTS)(data, draw) if draw.random() < 0.3 else data


def _mutated(tree: Tree, draw: random.Random) -> Tree:
    """``tree`` with one place changed; places near the root are as likely as the many leaves."""
    if not isinstance(tree, dict | list) or not tree or draw.random() < 0.1:
        return draw.choice((lambda: draw.choice(NASTY), lambda: [tree], lambda: {"x": tree}))()
    key = draw.choice(list(tree)) if isinstance(tree, dict) else draw.randrange(len(tree))
    action = draw.random()
    if action < 0.6:
        tree[key] = _mutated(tree[key], draw)
    elif action < 0.75:
        del tree[key]
    elif isinstance(tree, dict):
        tree[str(draw.choice(NASTY))] = tree[key] if action < 0.9 else draw.choice(NASTY)
    else:
        tree.insert(key, tree[key] if action < 0.9 else draw.choice(NASTY))
    return tree


def _cut(data: bytes, draw: random.Random) -> bytes:
    return data[: draw.randrange(len(data) + 1)]


def _overwritten(data: bytes, draw: random.Random) -> bytes:
    place = draw.randrange(len(data) + 1)
    return data[:place] + bytes(draw.choices(range(256), k=draw.randint(1, 4))) + data[place + 1 :]


def _twice(data: bytes, draw: random.Random) -> bytes:
    """A key of some object twice."""
    places = [place for place in range(len(data) - 1) if data[place : place + 2] == b'{"']
    if not places:
        return data
    place = draw.choice(places)
    name = data[place + 1 : data.find(b'"', place + 2) + 1]
    return data[: place + 1] + name + b": 1, " + data[place + 1 :]


def _deep(data: bytes, draw: random.Random) -> bytes:
    depth = draw.choice((50, 300, 900, DEEP))
    return data.replace(b"1", b"[" * depth + b"1" + b"]" * depth, 1)


TEXTS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _cut,
    _overwritten,
    _twice,
    _deep,
    lambda data, draw: data.decode().encode(draw.choice(("utf-16", "utf-8-sig", "utf-32"))),
    lambda data, draw: data + draw.choice((b"\0", b"{}", b" " * 100, b"\xff\xfe")),
)
