"""The rules of other tools, on the same blocks: what each would have said after as many seconds of measuring.

All of them look at the samples of a case as if each were independent of the others.  Each gets every sample of as many
blocks of all cases as a gate's whole budget has time for, that is more processes than its tool would start.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np
from scipy import special, stats

from reports.error import ReportError
from reports.verdict.pool import Pool
from reports.verdict.shares import Share
from reports.verdict.timing import FIRST_STAGE

# asv/_stats.py, is_different: p_threshold; asv/commands/common_args.py: --factor.
ASV_CHANCE, ASV_FACTOR = 0.002, 1.1
SIGNIFICANT = 0.05
# criterion.rs: noise_threshold, and how many times it resamples (there 100,000).
NOISE, RESAMPLES = 0.01, 1000

# From samples of base and head, float64 (cases, samples) each, to the cases that it calls slower.
Rule = Callable[[np.ndarray, np.ndarray], np.ndarray]


def asv(base: np.ndarray, head: np.ndarray, factor: float = ASV_FACTOR) -> np.ndarray:
    """``asv continuous``: medians differ by a factor, and the rank sums of all samples with p < 0.002."""
    slower: np.ndarray = np.median(head, axis=1) > factor * np.median(base, axis=1)
    return slower & (rank_sums(base, head) < ASV_CHANCE)


def minimum(base: np.ndarray, head: np.ndarray) -> np.ndarray:
    """pytest-benchmark's ``--benchmark-compare-fail=min:5%``."""
    slower: np.ndarray = 100 * head.min(axis=1) / base.min(axis=1) - 100 > 5
    return slower


def mann_whitney(base: np.ndarray, head: np.ndarray) -> np.ndarray:
    """Rank sums of pooled samples, p < 0.05, whatever the size of the change."""
    slower: np.ndarray = np.median(head, axis=1) > np.median(base, axis=1)
    return slower & (rank_sums(base, head) < SIGNIFICANT)


def bootstrap(base: np.ndarray, head: np.ndarray) -> np.ndarray:
    """As criterion.rs does it: the 95 % interval of the ratio of means, from resampled samples, lies above 1 %."""
    means = [weights(samples.shape[1], seed) @ samples.T for seed, samples in enumerate((base, head))]
    lower = np.quantile(means[1] / means[0], SIGNIFICANT / 2, axis=0)
    slower: np.ndarray = lower > 1 + NOISE
    return slower


RIVALS: Mapping[str, Rule] = {
    "asv continuous, factor 1.1": asv,
    "asv continuous, factor 1.05": lambda base, head: asv(base, head, 1.05),
    "pytest-benchmark min:5%": minimum,
    "Mann-Whitney, pooled, p < 0.05": mann_whitney,
    "bootstrap, pooled, 95 %, above 1 %": bootstrap,
}


def rank_sums(base: np.ndarray, head: np.ndarray) -> np.ndarray:
    """The two-sided chance of Mann and Whitney's test by its normal approximation, as asv computes it."""
    first, second = base.shape[1], head.shape[1]
    ranks = stats.rankdata(np.concatenate([base, head], axis=1), axis=1)
    statistic = ranks[:, :first].sum(axis=1) - first * (first + 1) / 2
    deviation = np.sqrt(first * second * (first + second + 1) / 12)
    chances: np.ndarray = 2 * special.ndtr(-np.abs(statistic - first * second / 2) / deviation)
    return chances


def rivals(
    blocks: Pool, number: int, sizes: Sequence[float], seed: int = 0
) -> dict[str, tuple[Share, Mapping[float, Share]]]:
    """For each of ``RIVALS``: false alarms in ``number`` runs of identical code, and how often each size is found."""
    random = np.random.default_rng(seed)
    whole = min(map(len, blocks.samples.values()), default=0)
    taken = min(whole, int(blocks.timing.early / FIRST_STAGE))
    if not taken:
        raise ReportError("no block has figures of every case: rivals have nothing to look at")
    false, found = dict.fromkeys(RIVALS, 0), {name: dict.fromkeys(sizes, 0) for name in RIVALS}
    for _ in range(number):
        drawn = random.permutation(whole)[:taken]
        planted = blocks.cases[random.integers(len(blocks.cases))]
        for name, rule in RIVALS.items():
            false[name] += any(rule(*group).any() for group in _groups(blocks, drawn))
            for size in sizes:
                base, head = _pooled(blocks, [planted], drawn)
                found[name][size] += bool(rule(base, head * (1 + size))[0])
    return {
        name: (Share(false[name], number), {size: Share(found[name][size], number) for size in sizes})
        for name in RIVALS
    }


def _groups(blocks: Pool, drawn: np.ndarray) -> Sequence[tuple[np.ndarray, np.ndarray]]:
    """The samples of all cases; cases with as many samples together."""
    groups: dict[int, list[str]] = {}
    for case in blocks.cases:
        groups.setdefault(blocks.samples[case].shape[2], []).append(case)
    return [_pooled(blocks, cases, drawn) for cases in groups.values()]


def _pooled(blocks: Pool, cases: Sequence[str], drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Base and head of ``cases``, float64 (cases, samples): what a block is, is forgotten."""
    samples = np.stack([blocks.samples[case][drawn] for case in cases])
    return samples[:, :, 0].reshape(len(cases), -1), samples[:, :, 1].reshape(len(cases), -1)


@lru_cache(maxsize=16)
def weights(samples: int, seed: int) -> np.ndarray:
    """How often each sample is taken, as a share of all: float64 (resamples, samples)."""
    drawn = np.random.default_rng(seed).multinomial(samples, np.full(samples, 1 / samples), size=RESAMPLES)
    shares: np.ndarray = drawn / samples
    return shares
