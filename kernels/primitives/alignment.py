"""Alignments: what it costs that frames say some labels in order, with blanks between them, and its gradient.

    cost[n] = −log Σ over alignments of Π over frames f of softmax(x[f, n])[the symbol aligned with frame f]

An alignment gives each frame a symbol: the labels in order, each for one or more frames, with any number of blanks
before, between and behind them, at least one between two equal labels (Graves et al. 2006).  It is a path through
2·labels + 1 states, of which the odd ones are the labels and the even ones blanks.

As in MXNet, labels that cannot be aligned cost nothing.  Their gradient is zero; MXNet's is what memory held before.
A label that is no symbol counts as the nearest one; frames and labels are no more than there are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .base import Primitive, Value


@dataclass(frozen=True)
class Alignments(Primitive):
    """(x: frames, batch, symbols; labels: batch, places; frames of each row; labels of each row) → cost: batch.

    The two last inputs are there as ``told_frames`` and ``told_labels`` say.  Otherwise all frames count, and the
    labels before the first that is the padding: −1 where the blank is the last symbol, 0 where it is the first.
    """

    blank_first: bool
    told_frames: bool
    told_labels: bool

    @property
    def padding(self) -> int:
        """What stands behind the labels of a row."""
        return 0 if self.blank_first else -1

    def evaluate(self, batch: int, *arrays: np.ndarray) -> np.ndarray:
        """The sum over all paths, in logarithms, frame by frame."""
        costs = np.zeros(arrays[0].shape[1], arrays[0].dtype)
        for row, logs, states in _rows(self, arrays):
            costs[row] = -_ends(_reached(logs, states), len(states))
        return costs

    def gradient(self, value: Value, head: Value) -> list[Value | None]:
        """That of x."""
        x = value.inputs[0]
        slope = Value(AlignmentsGradient(self), (head, *value.inputs), x.shape, x.dtype, f"d_{x.name or 'x'}")
        return [slope, *[None] * (len(value.inputs) - 1)]


@dataclass(frozen=True)
class AlignmentsGradient(Primitive):
    """(gradient of the costs, what ``of`` takes …) → gradient of x: for each frame that counts, the probability of
    each symbol less the share of the alignments that have it there, times the head."""

    of: Alignments

    def evaluate(self, batch: int, *arrays: np.ndarray) -> np.ndarray:
        """The share of a state: the paths up to it, times those from it on, of all paths."""
        head, *inputs = arrays
        result = np.zeros_like(inputs[0])
        for row, logs, states in _rows(self.of, inputs):
            said = logs[:, states]
            with np.errstate(all="ignore"):
                paths = _reached(logs, states) + _reached(logs[::-1], states[::-1])[::-1, ::-1] - said
                paths[np.isneginf(said)] = -np.inf
                shares = np.where(np.isneginf(paths), 0.0, np.exp(paths - np.logaddexp.reduce(paths[0])))
            slopes = np.exp(logs)
            np.subtract.at(slopes, (np.arange(len(logs))[:, None], states), shares)
            result[: len(logs), row] = slopes * head[row]
        return result


def _rows(primitive: Alignments, inputs: Sequence[np.ndarray]) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """For each row that can be aligned its place, log softmax(x) of the frames that count, the symbol of each state."""
    x, labels, *told = inputs
    frames = told[0] if primitive.told_frames else np.full(x.shape[1], len(x))
    counts = told[-1] if primitive.told_labels else _unpadded(labels, primitive.padding)
    last = x.shape[2] - 1
    for row, (frame_count, label_count) in enumerate(zip(frames, counts, strict=True)):
        row_frames, count = min(max(int(frame_count), 0), len(x)), min(max(int(label_count), 0), labels.shape[1])
        said = np.clip(labels[row, :count].astype(np.int64), 0, last)
        if row_frames >= max(1, count + np.sum(said[1:] == said[:-1])):
            states = np.full(2 * count + 1, 0 if primitive.blank_first else last)
            states[1::2] = said
            with np.errstate(all="ignore"):
                below = x[:row_frames, row] - x[:row_frames, row].max(axis=1, keepdims=True)
                yield row, below - np.log(np.exp(below).sum(axis=1, keepdims=True)), states


def _unpadded(labels: np.ndarray, padding: int) -> np.ndarray:
    stops = labels.astype(np.int64) == padding
    return np.where(stops.any(axis=1), stops.argmax(axis=1), labels.shape[1])


def _reached(logs: np.ndarray, states: np.ndarray) -> np.ndarray:
    """The logarithm of the probability of all paths up to each state of each frame, both included."""
    skips = np.zeros(len(states), bool)  # from the label before: not to a blank, nor to the same label
    skips[3::2] = states[3::2] != states[1:-2:2]
    scores = np.full((len(logs), len(states)), -np.inf)
    scores[0, :2] = logs[0, states[:2]]
    with np.errstate(all="ignore"):
        for frame in range(1, len(logs)):
            before = np.concatenate([[-np.inf, -np.inf], scores[frame - 1]])
            two_before = np.where(skips, before[:-2], -np.inf)
            scores[frame] = np.logaddexp(np.logaddexp(before[2:], before[1:-1]), two_before) + logs[frame, states]
    return scores


def _ends(scores: np.ndarray, states: int) -> float:
    """The logarithm of the probability of all paths: they end in the last label or the blank behind it."""
    return float(np.logaddexp.reduce(scores[-1, max(states - 2, 0) :]))


def alignments(
    x: Value, labels: Value, frames: Value | None, counts: Value | None, blank_first: bool, name: str = ""
) -> Value:
    """The cost of each row."""
    told = [value for value in (frames, counts) if value is not None]
    primitive = Alignments(blank_first, frames is not None, counts is not None)
    return Value(primitive, (x, labels, *told), (x.shape[1],), x.dtype, name)
