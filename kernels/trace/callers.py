"""Who calls MXNet: the line of the user's code, found among the frames of a call."""

import re
import sys
from pathlib import Path
from types import FrameType

OWN_PACKAGE = __name__.partition(".")[0]
EXAMPLES = f"{OWN_PACKAGE}.operators.examples"  # layers like anybody's, although they stand in this package
BOUNDARY = "run_watched"  # of dispatch.py: the user's code is called from there
WATCHING = ("watched", "note_shape")  # what of ours stands between MXNet and who asked it for a shape


def package_of(frame: FrameType) -> str:
    """The top-level package whose code runs in a frame; examples of operators are layers like anybody's."""
    module: str = frame.f_globals.get("__name__", "")
    return EXAMPLES if module.startswith(EXAMPLES) else module.partition(".")[0]


def user_line() -> str:
    """Where the user's code called MXNet: the innermost frame outside MXNet, or else the Gluon layer's own."""
    gluon_layer = gluon_code = ""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        package = package_of(frame)
        # The line goes into generated source: only what cannot end a comment or a string there.
        name = re.sub(r"[^\w. +-]", "_", Path(frame.f_code.co_filename).name)
        function, where = frame.f_code.co_name, f"{name}:{frame.f_lineno}"
        if package == OWN_PACKAGE:
            if function == BOUNDARY:
                break
        elif package != "mxnet":
            return where
        elif function in {"forward", "hybrid_forward"} and not gluon_layer:
            gluon_layer = f"mxnet {where}"
        elif frame.f_globals["__name__"].startswith("mxnet.gluon.") and not gluon_code:
            gluon_code = f"mxnet {where}"
        frame = frame.f_back
    return gluon_layer or gluon_code


def reads_a_shape() -> bool:
    """Whether it is a user's code that MXNet was asked for a shape by."""
    asked = False
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        package, name = package_of(frame), frame.f_code.co_name
        asked = asked or package not in ("mxnet", OWN_PACKAGE)
        if package != "mxnet" and name not in WATCHING and "<lambda>" not in name:
            break
        frame = frame.f_back
    return asked
