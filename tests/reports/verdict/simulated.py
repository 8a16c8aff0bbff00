"""Blocks as a noisy machine gives them, with a truth that is known: the lines of a record."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from reports.verdict import frame, suspects

# Standard deviations, of logarithms: of one process from the next, and of a sample within its process.  Together the
# ratio of a block has 3.6 %.
PROCESS = 0.022
SAMPLE = 0.03
SAMPLES = 8

NOISES = ("normal", "heavy", "drift", "neighbour", "skewed")


def processes(noise: str, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """Logarithms of two processes that run at once: float64 (*shape, 2), exchangeable and of ``PROCESS``, about."""
    values = random.standard_normal((*shape, 2)) * PROCESS
    if noise == "heavy":  # Student's t with three degrees of freedom has a variance of 3
        values = random.standard_t(3, (*shape, 2)) * PROCESS / np.sqrt(3)
    elif noise == "skewed":
        values = (random.exponential(1, (*shape, 2)) - 1) * PROCESS
    elif noise == "neighbour":  # comes and goes, and takes from one of the two
        hit = random.random((*shape, 1)) < 0.3
        values += hit * (random.random((*shape, 1)) < [0.5]) * [1.0, 0.0] * 0.5
        values += hit * (random.random((*shape, 1)) < [0.5]) * [0.0, 1.0] * 0.5
    elif noise == "drift":  # the machine becomes slower and noisier with every block
        steps = np.linspace(0, 1, shape[-1])[:, None]
        values = values * (1 + 2 * steps) + 0.3 * steps
    return values


def blocks(
    cases: Sequence[str],
    number: int,
    random: np.random.Generator,
    slower: Mapping[str, float] | None = None,
    *,
    stage: int = 1,
    kind: str = "pair",
    noise: str = "heavy",
) -> Iterator[dict]:
    """``number`` blocks of ``cases``, of which those in ``slower`` take so much longer in the head: 0.05 is 5 %."""
    drawn = processes(noise, (len(cases), number), random)
    for block in range(number):
        for place, case in enumerate(cases):
            levels = drawn[place, block] + [0.0, np.log1p((slower or {}).get(case, 0.0))]
            seconds = 1e-5 * np.exp(levels[:, None] + SAMPLE * random.standard_normal((2, SAMPLES)))
            yield {
                "stage": stage,
                "block": block + 1,
                "kind": kind,
                "case": case,
                "first": str(random.choice(("base", "head"))),
                "base": seconds[0].tolist(),
                "head": seconds[1].tolist(),
                "calls": 100,
                "seconds": 0.1,
                "conditions": {arm: {"steal": 0.0, "involuntary": 2} for arm in ("base", "head")},
            }


def gate(cases: Sequence[str], seed: int, slower: Mapping[str, float] | None = None) -> list[dict]:
    """The whole record of a gate of 4 minutes, of identical code but for what is planted."""
    random = np.random.default_rng(seed)
    plants = {case: {"kind": "spin", "share": share} for case, share in (slower or {}).items()}
    lines: list[dict] = [{"schema": 1, "budget": 240.0, "plants": plants}]
    lines += [{"stage": 0, "block": 0, "kind": "build", "case": case, "start": 2.0, "companions": {}} for case in cases]
    lines += blocks(cases, 18, random, slower)
    lines += blocks(cases[:4], 6, random, kind="control")
    found = suspects(frame(lines))
    lines += blocks(found, 30, random, slower, stage=2)
    lines += blocks(found, 10, random, stage=2, kind="control")
    return [*lines, {"spent": 239.0, "end": ""}]
