"""What one forward pass did: its calls of operators, in order, by numbered arrays; and what it must not do."""

from dataclasses import dataclass, field
from typing import NoReturn

import mxnet

from ..errors import KernelError, UncompilableError
from .callers import reads_a_shape, user_line
from .handles import dtype_of, shape_of

LEAVES_GRAPH = {
    "MXNDArraySyncCopyToCPU": (
        "copies an array to NumPy inside forward ({line}), by asnumpy(), asscalar(), printing or a condition on "
        "data: such a layer cannot be traced; keep the values in mx.nd (nd.where instead of if)"
    ),
    "MXNDArraySyncCopyFromCPU": (
        "makes an array from Python numbers inside forward ({line}): make it once in __init__, as a "
        "gluon.Constant, so that every variant sees the same array"
    ),
    "MXInvokeCachedOpEx": "calls a hybridized graph that is not one of its child blocks ({line}): register it",
    **dict.fromkeys(
        ("MXAutogradSetIsRecording", "MXAutogradSetIsTraining"),
        "switches recording or the mode inside forward ({line}), by pause(), train_mode() or the like, which no "
        "variant follows: use nd.BlockGrad for what has no gradient",
    ),
    "MXAutogradIsRecording": "asks inside forward ({line}) whether MXNet records, which no variant can follow",
    "MXNDArrayGetGrad": "asks inside forward ({line}) for a gradient, which no variant can follow",
    "MXCustomFunctionRecord": "calls an autograd.Function inside forward ({line}), which cannot be traced",
}


@dataclass(frozen=True)
class Seen:
    """One operator call: arrays by number, attributes as MXNet's own text."""

    operator: str
    inputs: tuple[int, ...]
    attributes: tuple[tuple[str, str], ...]
    outputs: tuple[int, ...]
    line: str


@dataclass
class Recording:
    """What one forward pass did.  Arrays are numbered in order of appearance, leaves first."""

    subject: str
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    dtypes: list[str] = field(default_factory=list)
    calls: list[Seen] = field(default_factory=list)
    leaves: int = 0
    refusal: UncompilableError | None = None
    reads_shapes: bool = False
    slice_is_view: bool = False  # the next call of ``slice`` stands for a view of its input's memory
    _numbers: dict[int, int] = field(default_factory=dict)
    _memory: dict[int, int] = field(default_factory=dict)

    def add_leaf(self, array: mxnet.nd.NDArray) -> int:
        """Number an array that forward starts from."""
        self.leaves += 1
        return self._bind(array.handle.value)

    def number(self, array: mxnet.nd.NDArray) -> int:
        """The number of an array of this recording."""
        return self._find(array.handle.value, user_line())

    def call(self, operator: str, inputs: list[int], attributes: dict[str, str], outputs: list[int]) -> None:
        """Note ``outputs = operator(inputs)``; arrays are given as MXNet handles."""
        line = user_line()
        sources = tuple(self._find(handle, line) for handle in inputs)
        targets = tuple(self._bind(handle) for handle in outputs)
        if operator == "slice" and self.slice_is_view:
            self._memory[targets[0]] = self._memory[sources[0]]
        self.slice_is_view = False
        self.calls.append(Seen(operator, sources, tuple(attributes.items()), targets, line))

    def alias(self, operator: str, source: int, target: int, attributes: dict[str, str]) -> None:
        """Note an array that shares the memory of another."""
        line = user_line()
        origin = self._find(source, line)
        number = self._bind(target)
        self._memory[number] = self._memory[origin]
        self.calls.append(Seen(operator, (origin,), tuple(attributes.items()), (number,), line))

    def row(self, source: int, target: int, index: int) -> None:
        """Note ``target = source[index]``, which shares its memory, as a slice and a reshape."""
        line = user_line()
        origin = self._find(source, line)
        part = self._add((1, *self.shapes[origin][1:]), self.dtypes[origin])
        number = self._bind(target)
        self._memory[part] = self._memory[number] = self._memory[origin]
        place = (("axis", "0"), ("begin", str(index)), ("end", str(index + 1)))
        self.calls.append(Seen("slice_axis", (origin,), place, (part,), line))
        self.calls.append(Seen("Reshape", (part,), (("shape", str(self.shapes[number])),), (number,), line))

    def forget(self, handle: int) -> None:
        """The handle was freed; MXNet may use its address again."""
        self._numbers.pop(handle, None)

    def refuse(self, entry_point: str) -> NoReturn:
        """Raise the error for something that leaves the graph."""
        self._refuse(LEAVES_GRAPH[entry_point].format(line=user_line()))

    def _bind(self, handle: int) -> int:
        shape = shape_of(handle)
        if 0 in shape:  # operators that are given such an array may end the process
            reason = f"an array of shape {shape} in forward, at {user_line()}: the batch is too small for it"
            raise KernelError(f"{self.subject} makes {reason}") from ValueError("an empty array")
        number = self._numbers[handle] = self._add(shape, dtype_of(handle))
        return number

    def _add(self, shape: tuple[int, ...], dtype: str) -> int:
        number = self._memory[len(self.shapes)] = len(self.shapes)
        self.shapes.append(shape)
        self.dtypes.append(dtype)
        return number

    def _find(self, handle: int, line: str) -> int:
        if handle not in self._numbers:
            self._refuse(
                f"uses an array at {line} that is neither an input nor one of its parameters: "
                "register it as a gluon Parameter or Constant"
            )
        return self._numbers[handle]

    def check_writable(self, handle: int) -> None:
        """Refuse a write that other arrays would see, before it happens."""
        number = self._numbers.get(handle)
        if number is None:  # an array made empty inside forward, written for the first time
            return
        sharers = sum(memory == self._memory[number] for memory in self._memory.values())
        if number < self.leaves or sharers > 1:
            what = "an input or a parameter" if number < self.leaves else "a view of another array"
            self._refuse(f"writes into {what} at {user_line()}: compute a new array instead")

    def note_shape(self) -> None:
        """Somebody asks for a shape; a user's forward may then branch on it."""
        self.reads_shapes = self.reads_shapes or reads_a_shape()

    def _refuse(self, reason: str) -> NoReturn:
        self.refusal = UncompilableError(f"{self.subject} {reason}")
        raise self.refusal
