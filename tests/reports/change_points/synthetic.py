"""Series over commits whose changes are known, drawn from fixed seeds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

COMMITS = 200
# A level is never shorter than this, so that each change can be seen.
SHORTEST = 12


@dataclass(frozen=True)
class Truth:
    """One change: the first commit that is no longer at the old level, the first at the new one, ln(after ÷ before)."""

    begin: int
    end: int
    size: float


@dataclass(frozen=True)
class Labelled:
    """A series: ``values`` are logarithms, NaN where a commit was not measured."""

    kind: str
    values: np.ndarray
    truth: tuple[Truth, ...] = ()
    about: dict[str, float] = field(default_factory=dict)


Noise = Callable[[np.random.Generator, int], np.ndarray]


def normal(random: np.random.Generator, size: int) -> np.ndarray:
    return random.normal(size=size)


def heavy(random: np.random.Generator, size: int) -> np.ndarray:
    """Student's t with three degrees of freedom, of deviation 1."""
    return random.standard_t(3, size) / np.sqrt(3)


def skewed(random: np.random.Generator, size: int) -> np.ndarray:
    """Never much faster, now and then much slower: a lognormal, of deviation 1."""
    drawn = random.lognormal(0, 0.6, size)
    return (drawn - np.exp(0.18)) / np.sqrt((np.exp(0.36) - 1) * np.exp(0.36))


def outliers(random: np.random.Generator, size: int) -> np.ndarray:
    """One in twenty is 10 to 50 deviations too slow."""
    return random.normal(size=size) + np.where(random.random(size) < 0.05, random.uniform(10, 50, size), 0)


def alike(random: np.random.Generator, size: int) -> np.ndarray:
    """Neighbours with a correlation of 0.5."""
    noise = random.normal(size=size)
    for i in range(1, size):
        noise[i] = 0.5 * noise[i - 1] + np.sqrt(0.75) * noise[i]
    return noise


def two_states(random: np.random.Generator, size: int) -> np.ndarray:
    """A third of the runs are on a machine that is 3 deviations slower."""
    return random.normal(size=size) + 3 * (random.random(size) < 1 / 3)


def uneven(random: np.random.Generator, size: int) -> np.ndarray:
    """Noise that grows from a half to three halves of its mean."""
    return random.normal(size=size) * np.linspace(0.5, 1.5, size)


NOISES: dict[str, Noise] = {f.__name__: f for f in (normal, heavy, skewed, outliers, alike, two_states, uneven)}
DEVIATIONS = (0.005, 0.01, 0.02, 0.05)
SIZES = (0.02, 0.03, 0.05, 0.10, 0.20)


def clean(copies: int, seed: int) -> Iterator[Labelled]:
    """Series that never change: whatever is found is false."""
    for name, noise in NOISES.items():
        for number, deviation in enumerate(DEVIATIONS):
            for copy in range(copies):
                random = np.random.default_rng([seed, 1, list(NOISES).index(name), number, copy])
                values = _gaps(random, deviation * noise(random, COMMITS), missing=0.2 * (copy % 2))
                yield Labelled(f"clean, {name}", values, (), {"deviation": deviation})


def steps(copies: int, seed: int) -> Iterator[Labelled]:
    """One to three steps of one size, up or down."""
    for name, noise in NOISES.items():
        for place, size in enumerate(SIZES):
            for number, deviation in enumerate(DEVIATIONS):
                for copy in range(copies):
                    random = np.random.default_rng([seed, 2, list(NOISES).index(name), place, number, copy])
                    positions = _positions(random, 1 + copy % 3)
                    signs = random.choice([-1, 1], len(positions))
                    truth = tuple(
                        Truth(int(at), int(at), float(sign * np.log1p(size)))
                        for at, sign in zip(positions, signs, strict=True)
                    )
                    level = sum((one.size * (np.arange(COMMITS) >= one.end) for one in truth), np.zeros(COMMITS))
                    values = _gaps(random, level + deviation * noise(random, COMMITS), missing=0.2 * (copy % 2))
                    yield Labelled(f"steps, {name}", values, truth, {"size": size, "deviation": deviation})


def creeps(copies: int, seed: int) -> Iterator[Labelled]:
    """One gradual change over 40 to 150 commits."""
    for place, size in enumerate((0.05, 0.10, 0.20)):
        for number, deviation in enumerate((0.005, 0.01, 0.02)):
            for copy in range(copies):
                random = np.random.default_rng([seed, 3, place, number, copy])
                length = int(random.integers(40, 151))
                begin = int(random.integers(20, COMMITS - length - 20)) if length < COMMITS - 40 else 20
                total = float(np.log1p(size))
                level = np.interp(np.arange(COMMITS), [begin, begin + length], [0, total])
                values = _gaps(random, level + deviation * random.normal(size=COMMITS), missing=0.2 * (copy % 2))
                about = {"size": size, "deviation": deviation}
                yield Labelled("creep", values, (Truth(begin, begin + length, total),), about)


def wandering(copies: int, seed: int) -> Iterator[Labelled]:
    """No change, but a level that slowly goes up and down by as much as the noise: a machine, not a commit."""
    for number, deviation in enumerate(DEVIATIONS):
        for copy in range(copies):
            random = np.random.default_rng([seed, 4, number, copy])
            phase, length = random.uniform(0, 2 * np.pi), random.uniform(30, 100)
            slow = np.sin(2 * np.pi * np.arange(COMMITS) / length + phase)
            yield Labelled("wandering", deviation * (slow + random.normal(size=COMMITS)), (), {"deviation": deviation})


def _positions(random: np.random.Generator, number: int) -> np.ndarray:
    while True:
        positions = np.sort(random.integers(SHORTEST, COMMITS - SHORTEST + 1, number))
        if np.all(np.diff(positions) >= SHORTEST):
            return positions


def _gaps(random: np.random.Generator, values: np.ndarray, missing: float) -> np.ndarray:
    values = values.copy()
    values[random.random(len(values)) < missing] = np.nan
    return values
