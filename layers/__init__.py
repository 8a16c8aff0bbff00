"""What is measured: every layer written once, imperatively, as MXNet's "Custom Layers" chapter writes it.

A public file of this folder is one layer.  It holds the ``Block``, a float64 NumPy ``reference`` that shares no
code with MXNet, and the ``SUBJECT`` that says at which sizes the layer is measured.  Nothing lists the layers but
the folder itself, so adding one touches one file; and naming them imports none of them, so a broken layer
spoils only itself.
"""

import mxnet_compat  # noqa: F401  (it prepares NumPy and the switches, and must run before MXNet is imported)

from ._catalogue import load, names
from ._errors import LayerError
from ._input import Input, parse_inputs
from ._locate import resolve
from ._subject import Pullback, Reference, Subject

__all__ = ["Input", "LayerError", "Pullback", "Reference", "Subject", "load", "names", "parse_inputs", "resolve"]
