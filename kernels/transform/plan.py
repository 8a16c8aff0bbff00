"""Which steps a transform takes, in which order they leave its numbers, and their constants in float64."""

import numpy as np

LONGEST = 1024
LARGEST_POWER = 3  # of 2 in one pass: radix 8 leaves room in registers


def radices(count: int) -> tuple[int, ...]:
    """The sizes of the passes of a complex transform, whose product is ``count``; none if it has another factor.

    Powers of two go into as few passes as may be, of nearly one size; each pass reads and writes the whole buffer.
    """
    power = (count & -count).bit_length() - 1
    number = -(-power // LARGEST_POWER)
    found = [2 ** (power // number + (place < power % number)) for place in range(number)]
    count >>= power
    for radix in (3, 5):
        while count % radix == 0:
            found.append(radix)
            count //= radix
    return tuple(found) if count == 1 else ()


def passes(radices: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """(radix, distance of a butterfly's numbers, where its factors begin in the table) for each pass."""
    step, place, found = int(np.prod(radices)), 0, []
    for radix in radices:
        step //= radix
        found.append((radix, step, place))
        place += 2 * (radix - 1) * step
    return found


def twiddles(radices: tuple[int, ...]) -> np.ndarray:
    """The factors e^(−2πi·ps/block) of all passes, for each offset p in a block those of its results s = 1, 2, …"""
    table = [np.exp(-2j * np.pi * np.outer(np.arange(step), np.arange(1, radix)) / (radix * step)).ravel()
             for radix, step, _ in passes(radices)]  # fmt: skip
    return np.asarray(np.concatenate([*table, np.zeros(1)]).view(np.float64))


def order(radices: tuple[int, ...]) -> np.ndarray:
    """The slot of each bin after the passes, int64: its digits, the last one first.  One more slot for the last bin."""
    count = int(np.prod(radices))
    bins = np.arange(count)
    slots, step = np.zeros(count, np.int64), count
    for radix in radices:
        step //= radix
        slots += bins % radix * step
        bins //= radix
    return np.append(slots, count)


def mirror_roots(length: int) -> np.ndarray:
    """−i/2·e^(−2πi·k/length) for the lower half of the bins, interleaved."""
    roots: np.ndarray = -0.5j * np.exp(-2j * np.pi * np.arange(length // 4 + 1) / length)
    return roots.view(np.float64)


def suits(length: int) -> bool:
    """Whether rows of so many numbers are transformed here: faster than one after the other, whatever their number.

    Beyond LONGEST a few rows are not: a group of them no longer fits into the first cache.
    """
    return length % 2 == 0 and length <= LONGEST and bool(radices(length // 2))
