"""What is known of a case beside time, and is the same whenever one looks: code, memory, operations.

What a gate records of it, ``benchmarks/side_by_side/companions.py`` says.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from reports.frame import is_figure
from reports.verdict.blocks import BASE, HEAD

# Digests of all that decides how long a case takes, apart from the machine.
WHOLE = ("code", "inputs")
# In the order of telling; of ``code``, ``generated`` is a part.
DIGESTS = {"generated": "the generated code", "code": "the code around it", "inputs": "the inputs"}
# Numbers of one call.
COUNTS = {"bytes": "bytes held", "operations": "engine operations", "launches": "kernel launches"}


def difference(companions: Mapping[str, Any]) -> str:
    """In which respects base and head differ, or that code and inputs are identical; nothing if nothing is known."""
    if identical(companions):
        return "code and inputs are identical"
    base, head = companions.get(BASE) or {}, companions.get(HEAD) or {}
    return "; ".join((*_digests(base, head), *_counts(base, head), *_operators(base, head)))


def identical(companions: Mapping[str, Any]) -> bool:
    """Whether code and inputs are known to be the same in both commits."""
    base, head = companions.get(BASE) or {}, companions.get(HEAD) or {}
    return all(base.get(name) is not None and base[name] == head.get(name) for name in WHOLE)


def _digests(base: Mapping[str, Any], head: Mapping[str, Any]) -> Iterator[str]:
    differ = [name for name in DIGESTS if base.get(name) != head.get(name)]
    if "generated" in differ and "code" in differ:
        differ.remove("code")
    if differ:
        yield f"{' and '.join(DIGESTS[name] for name in differ)} changed"


def _counts(base: Mapping[str, Any], head: Mapping[str, Any]) -> Iterator[str]:
    for name, what in COUNTS.items():
        before, after = base.get(name), head.get(name)
        if is_figure(before) and is_figure(after) and before != after:
            yield f"{what} {before:,} → {after:,}"


def _operators(base: Mapping[str, Any], head: Mapping[str, Any]) -> Iterator[str]:
    before, after = (set(map(str, arm.get("operators") or ())) for arm in (base, head))
    for what, names in (("now calls", after - before), ("no longer calls", before - after)):
        if names:
            yield f"{what} {', '.join(sorted(names))}"
