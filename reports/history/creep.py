"""Tells a gradual change from steps: several small steps one way, or one that a slope explains better."""

import itertools
from dataclasses import replace

import numpy as np

from reports.history.steps import Change, Series

# Places tried for either end of a slope.
PLACES = 24
# A slope is believed where it explains the series better by this much log likelihood than as many steps as were found.
BETTER = 2.0
# What takes fewer points is a step that is hard to place.
SHORTEST = 10


def slopes(series: Series, steps: list[Change]) -> list[Change]:
    """``steps`` with those that a slope explains better replaced by it, in their order."""
    if not steps:
        return []
    clean, noise = series.clean, series.noise
    edges = [0, *(step.end for step in steps), len(clean)]
    result: list[Change] = []
    first = 0
    while first < len(steps):
        last = _same_way(steps, first)
        slope = None
        for end in range(last, first - 1, -1):
            slope = _slope(clean, noise, edges, steps[first : end + 1], first)
            if slope:
                break
        result.append(slope or steps[first])
        first = end + 1 if slope else first + 1
    return result


def _same_way(steps: list[Change], first: int) -> int:
    """The last of the steps from ``first`` on that all go the same way."""
    last = first
    while last + 1 < len(steps) and np.sign(steps[last + 1].size) == np.sign(steps[first].size):
        last += 1
    return last


def _slope(clean: np.ndarray, noise: float, edges: list[int], steps: list[Change], first: int) -> Change | None:
    """The slope from the level before the first of ``steps`` to that after the last, if it explains more."""
    left, right = edges[first], edges[first + len(steps) + 1]
    part = clean[left:right]
    inner = edges[first : first + len(steps) + 2]
    by_steps = sum(float(np.sum((clean[a:b] - clean[a:b].mean()) ** 2)) for a, b in itertools.pairwise(inner))
    begin, end, before, after, by_slope = _best(part)
    parameters = 2 * len(steps) + 1 - 4  # positions and levels of the steps, less those of a slope
    gain = (by_steps - by_slope) / (2 * noise**2) + parameters * np.log(len(part)) / 2
    long_enough = end - begin >= SHORTEST and np.sign(after - before) == np.sign(steps[0].size)
    if gain < BETTER or not long_enough:
        return None
    strongest = min(steps, key=lambda step: step.chance)
    size = after - before
    error = noise * np.sqrt(4 / len(part))
    begin, end = left + begin, left + end
    return replace(
        strongest, begin=begin, end=end, size=size, error=error, before=before, after=after, earliest=begin, latest=end
    )


def _best(part: np.ndarray) -> tuple[int, int, float, float, float]:
    """The continuous slope between two levels that leaves the least squares: begin, end, before, after, and these."""
    size = len(part)
    places = np.unique(np.linspace(0, size - 1, PLACES).astype(int))
    begins, ends = (grid.ravel() for grid in np.meshgrid(places, places, indexing="ij"))
    begins, ends = begins[ends > begins], ends[ends > begins]
    share = np.clip((np.arange(size) - begins[:, None]) / (ends - begins)[:, None], 0, 1)
    old, new = 1 - share, share
    aa, ab, bb = (old * old).sum(1), (old * new).sum(1), (new * new).sum(1)
    ay, by = old @ part, new @ part
    determinant = aa * bb - ab * ab
    usable = determinant > 1e-9 * aa * bb
    determinant = np.where(usable, determinant, 1.0)
    before, after = (bb * ay - ab * by) / determinant, (aa * by - ab * ay) / determinant
    left = np.where(usable, part @ part - before * ay - after * by, np.inf)
    best = int(np.argmin(left))
    return int(begins[best]), int(ends[best]), float(before[best]), float(after[best]), float(left[best])
