"""Tells a gradual change from steps: several small steps one way, or one that a slope explains better."""

import itertools
from dataclasses import replace

import numpy as np

from reports.history.steps import Change, Series

# Places tried for either end of a slope, in so many points or means of points.
PLACES = 24
LONGEST = 250
# A slope is believed where it explains the series better by this much log likelihood than as many steps as were found.
BETTER = 2.0
# What takes fewer points is a step that is hard to place.
SHORTEST = 10


def slopes(series: Series, steps: list[Change]) -> list[Change]:
    """``steps`` with those that a slope explains better replaced by it, in their order."""
    edges = [0, *(step.end for step in steps), len(series.clean)]
    result: list[Change] = []
    first = 0
    while first < len(steps):
        longest = _same_way(steps, first)
        tried = ((end, _slope(series, edges[first : end + 2], steps[first:end])) for end in range(longest, first, -1))
        end, slope = next(((end, slope) for end, slope in tried if slope), (first + 1, steps[first]))
        result.append(slope)
        first = end
    return result


def _same_way(steps: list[Change], first: int) -> int:
    """One past the last of the steps from ``first`` on that all go the same way."""
    ways = [np.sign(step.size) for step in steps]
    return next((i for i in range(first, len(steps)) if ways[i] != ways[first]), len(steps))


def _slope(series: Series, edges: list[int], steps: list[Change]) -> Change | None:
    """The slope from the level before the first of ``steps`` to that after the last, if it explains more."""
    clean, left = series.clean, edges[0]
    part = clean[left : edges[-1]]
    by_steps = sum(float(np.sum((clean[a:b] - clean[a:b].mean()) ** 2)) for a, b in itertools.pairwise(edges))
    begin, end, before, after, by_slope = _best(part)
    size = after - before
    parameters = 2 * len(steps) + 1 - 4  # positions and levels of the steps, less those of a slope
    gain = (by_steps - by_slope) / (2 * series.noise**2) + parameters * np.log(len(part)) / 2
    if gain < BETTER or end - begin < SHORTEST or size * steps[0].size <= 0:
        return None
    strongest = min(steps, key=lambda step: step.chance)
    begin, end = left + begin, left + end
    figures = {"size": size, "before": before, "after": after, "error": series.noise * np.sqrt(4 / len(part))}
    return replace(strongest, begin=begin, end=end, earliest=begin, latest=end, **figures)


def _best(part: np.ndarray) -> tuple[int, int, float, float, float]:
    """The slope between two levels that leaves the least squares: begin, end, before, after, and these."""
    block = -(-len(part) // LONGEST)  # a long one is searched in means of neighbours
    coarse = part[: len(part) // block * block].reshape(-1, block).mean(axis=1)
    places = np.unique(np.linspace(0, len(coarse) - 1, PLACES).astype(int))
    begins, ends = (grid.ravel() for grid in np.meshgrid(places, places, indexing="ij"))
    begins, ends = begins[ends > begins], ends[ends > begins]
    if not begins.size:
        return 0, 0, 0.0, 0.0, np.inf
    best = int(np.argmin(_fitted(coarse, begins, ends)[2]))
    begin, end = int(begins[best]) * block, int(ends[best]) * block
    before, after, left = (float(one[0]) for one in _fitted(part, np.array([begin]), np.array([end])))
    return begin, end, before, after, left


def _fitted(part: np.ndarray, begins: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each slope from ``begins`` to ``ends``: the levels before and after it, and the squares that are left."""
    new = np.clip((np.arange(len(part)) - begins[:, None]) / (ends - begins)[:, None], 0, 1)
    old = 1 - new
    aa, ab, bb = (np.einsum("ij,ij->i", one, other) for one, other in ((old, old), (old, new), (new, new)))
    ay, by = old @ part, new @ part
    determinant = aa * bb - ab * ab
    usable = determinant > 1e-9 * aa * bb
    determinant = np.where(usable, determinant, 1.0)
    before, after = (bb * ay - ab * by) / determinant, (aa * by - ab * ay) / determinant
    return before, after, np.where(usable, part @ part - before * ay - after * by, np.inf)
