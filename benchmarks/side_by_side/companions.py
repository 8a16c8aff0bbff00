"""What does not depend on the machine's mood: reported beside the times of a case.

``code``        digest of what is generated for the case, or of nothing for the layer as it was written, and of every
                Python file of which a function runs in a call
``generated``   digest of what is generated alone, with the files that compiled code contains
``inputs``      digest of inputs and parameters, values included
``bytes``       of arrays that MXNet holds at once on behalf of one call
``operations``  that one call gives to MXNet's engine; ``operators`` are their names
``launches``    of generated kernels in one call: one for each part that numba runs, and one for its gradients

All are the same whenever one looks.  MXNet's profiler counts waiting and deleting as operations, and how many of these
there are depends on who is faster; they are left out.
"""

import gc
import hashlib
import json
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from benchmarks import cases
from benchmarks.grid import Cell

if TYPE_CHECKING:
    from layers import Subject

HOUSEKEEPING = ("WaitForVar", "DeleteVariable")
WARM_CALLS = 3  # the first of all generates and compiles, the next ones make what is kept for later calls
KILOBYTE = 1000  # the profiler's

# What surrounds every call without being a function that runs in it.
SURROUNDING = ("switches.py", "mxnet_compat.py")
DIGITS = 16


def of(cell: Cell, subject: "Subject | None") -> dict[str, Any]:
    """The companions of a case that is known to work."""
    import layers

    layer = subject or layers.load(cell.layer)
    call = cases.unproved(cell, subject)
    for _ in range(WARM_CALLS):
        call()
    ran = files_that_run(call)
    made, contained = generated(cell, layer, strict=subject is None)
    return {
        "code": digest([made, *(path.read_bytes() for path in sorted({*ran, *contained, *surrounding()}))]),
        "generated": digest([made, *(path.read_bytes() for path in contained)]),
        "inputs": inputs(cell, layer),
        "launches": launches(cell, layer),
        **counted(call),
    }


def generated(cell: Cell, layer: "Subject", strict: bool) -> tuple[bytes, list[Path]]:
    """The source that is generated for a case, and the files of our own that compiled code contains."""
    import kernels
    from kernels import compile as compiling

    if cell.variant == "imperative":
        return b"", []
    shapes = [one.shape(cell.batch) for one in layer.inputs]
    dtypes = [one.dtype or layer.dtype for one in layer.inputs]
    arguments = (cell.variant, shapes, layer.dtype, cell.context, dtypes, strict)
    text = kernels.source(layer.build(), *arguments)
    if cell.variant != "numba":
        return text.encode(), []
    room = Path(compiling.__file__).parent
    places = [room / name for name in (*compiling.LIBRARY, "native")]
    files = [file for place in places for file in (place.rglob("*.py") if place.is_dir() else [place])]
    return text.encode(), sorted(files)


def surrounding() -> list[Path]:
    """The modules that set switches before anything runs."""
    import switches

    return [Path(switches.__file__).with_name(name) for name in SURROUNDING]


def files_that_run(call: Callable[[], object]) -> set[Path]:
    """The Python files of which a function runs in ``call``."""
    seen: set[str] = set()

    def note(frame: FrameType, _event: str, _argument: object) -> None:
        seen.add(frame.f_code.co_filename)

    gc.collect()  # what ends somebody else's garbage is no part of the call
    gc.disable()
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
        gc.enable()
    return {Path(name) for name in seen if os.path.isfile(name) and name != __file__}


def inputs(cell: Cell, layer: "Subject") -> str:
    """A digest of what the case computes with."""
    block, arrays = cases.initialised(layer, cell)
    named = block._collect_params_with_prefix()
    values = [*arrays, *(named[name].data() for name in sorted(named))]
    return digest(
        part
        for array in (value.asnumpy() for value in values)
        for part in (f"{array.shape} {array.dtype}".encode(), array.tobytes())
    )


def launches(cell: Cell, layer: "Subject") -> int:
    """How many generated kernels a call runs."""
    import kernels

    if cell.variant != "numba":
        return 0
    block, arrays = cases.initialised(layer, cell)
    parts = sum(part.runs_by == "numba" for part in kernels.parts(block, *arrays))
    return parts if cell.mode == "forward" else 2 * parts


def counted(call: Callable[[], object]) -> dict[str, Any]:
    """What MXNet's profiler sees of one call."""
    import mxnet

    mxnet.nd.waitall()
    with tempfile.TemporaryDirectory() as folder:
        # Nothing is written there, but the file is deleted at once if there is one: never name one that matters.
        nothing = os.path.join(folder, "profile.json")
        mxnet.profiler.set_config(
            profile_memory=True, profile_imperative=True, profile_symbolic=True, aggregate_stats=True, filename=nothing
        )
        mxnet.profiler.set_state("run")
        try:
            call()
            mxnet.nd.waitall()
        finally:
            mxnet.profiler.set_state("stop")
    found = json.loads(mxnet.profiler.dumps(reset=True, format="json"))
    memory = found["Memory"].get("Device Storage", {}).values()
    ran = {name: one["Count"] for name, one in found["Time"].get("operator", {}).items() if name not in HOUSEKEEPING}
    return {
        "bytes": round(KILOBYTE * sum(one["Max"] for one in memory)),
        "operations": sum(ran.values()),
        "operators": sorted(ran),
    }


def digest(parts: Iterable[bytes]) -> str:
    """A digest of several texts that keeps them apart."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(f"{len(part)} ".encode() + part)
    return whole.hexdigest()[:DIGITS]
