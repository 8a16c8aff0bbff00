"""The ways to find changes that are compared: each takes logarithms without gaps and returns ``Found``, oldest first.

Where a way has a threshold of its own it has its usual value; all of them are spared changes below 1 %.
``KernelCPD linear`` is PELT with least squares, in C; ``ruptures.Pelt`` is the same in Python and takes minutes here.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import ruptures
from asv.step_detect import detect_steps
from scipy import stats

from reports.history.creep import slopes
from reports.history.noise import scatter
from reports.history.steps import Series, steps

try:
    from otava.analysis import compute_change_points
except ImportError:  # pip install --no-deps apache-otava
    compute_change_points = None

SMALLEST = 0.01


@dataclass(frozen=True)
class Found:
    """A change that was found: last point of the old level, first of the new one, ln(after ÷ before)."""

    begin: int
    end: int
    size: float


Method = Callable[[np.ndarray], list[Found]]


def _levels(values: np.ndarray, bounds: Sequence[int]) -> list[Found]:
    """Changes at the bounds; one too small to count is taken back, the smallest first."""
    bounds = list(bounds)
    while bounds:
        edges = [0, *bounds, len(values)]
        levels = [float(np.median(values[begin:end])) for begin, end in itertools.pairwise(edges)]
        sizes = np.diff(levels)
        least = int(np.argmin(np.abs(sizes)))
        if abs(sizes[least]) >= SMALLEST:
            return [Found(at - 1, at, float(size)) for at, size in zip(bounds, sizes, strict=True)]
        del bounds[least]
    return []


def asv_steps(values: np.ndarray) -> list[Found]:
    """asv.step_detect, and of its steps those larger than the mean deviation on either side, as asv reports them."""
    segments = detect_steps(np.exp(values).tolist())
    bounds = [
        new[0] for old, new in itertools.pairwise(segments) if abs(new[2] - old[2]) > max(old[4], new[4]) and new[0] > 0
    ]
    return _levels(values, bounds)


def _noise(values: np.ndarray) -> float:
    return max(scatter(np.diff(values)) / np.sqrt(2), 1e-9)


def _ruptures(kernel: str, penalty: float) -> Method:
    def method(values: np.ndarray) -> list[Found]:
        scaled = (values / _noise(values))[:, None]
        model = ruptures.KernelCPD(kernel=kernel, min_size=3).fit(scaled)
        return _levels(values, model.predict(pen=penalty * np.log(len(values)))[:-1])

    return method


def binseg_l2(values: np.ndarray) -> list[Found]:
    """ruptures.Binseg with least squares."""
    model = ruptures.Binseg(model="l2", min_size=3, jump=1).fit((values / _noise(values))[:, None])
    return _levels(values, model.predict(pen=2 * np.log(len(values)))[:-1])


def mann_whitney(values: np.ndarray, chance: float = 0.01, shortest: int = 6) -> list[Found]:
    """SciPy: split where the rank sums differ most, if significant over all places, then go on inside."""
    pending, bounds = [(0, len(values))], []
    while pending:
        begin, end = pending.pop()
        size = end - begin
        if size < 2 * shortest:
            continue
        ranks = stats.rankdata(values[begin:end])
        left = np.arange(1, size)
        apart = np.abs(np.cumsum(ranks)[:-1] - left * (size + 1) / 2) / np.sqrt(left * (size - left) * (size + 1) / 12)
        apart[: shortest - 1] = apart[size - shortest :] = 0
        at = int(np.argmax(apart)) + 1
        test = stats.mannwhitneyu(values[begin : begin + at], values[begin + at : end])
        if test.pvalue * size < chance:
            bounds.append(begin + at)
            pending += [(begin, begin + at), (begin + at, end)]
    return _levels(values, sorted(bounds))


def sliding_t(values: np.ndarray, window: int = 12, threshold: float = 7.0) -> list[Found]:
    """SciPy: Welch's t of twelve points before and after, above 7 and largest around, as in Mozilla's Perfherder."""
    if len(values) < 2 * window:
        return []
    views = np.lib.stride_tricks.sliding_window_view(values, window)
    before, after = views[: len(values) - 2 * window + 1], views[window:]
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.abs(np.nan_to_num(stats.ttest_ind(before, after, axis=1, equal_var=False).statistic))
    bounds = []
    for at in np.argsort(-apart):
        if apart[at] < threshold:
            break
        if all(abs(at + window - other) >= window for other in bounds):
            bounds.append(int(at) + window)
    return _levels(values, sorted(bounds))


def otava(values: np.ndarray) -> list[Found]:
    """apache-otava (Hunter): E-divisive in windows, then Student's t."""
    points, _ = compute_change_points(np.exp(values).tolist(), max_pvalue=0.001, min_magnitude=SMALLEST)
    return _levels(values, [point.index for point in points])


def ours(values: np.ndarray) -> list[Found]:
    """What gluonmark does."""
    series = Series.of(values)
    return [Found(one.begin, one.end, one.size) for one in slopes(series, steps(series))]


METHODS: dict[str, Method] = {
    "asv.step_detect": asv_steps,
    "ruptures.KernelCPD linear": _ruptures("linear", 2.0),
    "ruptures.KernelCPD linear, penalty × 2": _ruptures("linear", 4.0),
    "ruptures.KernelCPD rbf": _ruptures("rbf", 2.0),
    "ruptures.Binseg l2": binseg_l2,
    "SciPy: Mann-Whitney, bisecting": mann_whitney,
    "SciPy: sliding t": sliding_t,
    **({"apache-otava": otava} if compute_change_points else {}),
    "gluonmark": ours,
}
