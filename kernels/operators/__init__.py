"""MXNet's operators in terms of the primitives: one table, one row an operator.

Every file of this folder enters its rules into the table.
"""

import importlib
import pkgutil

from .table import OPERATORS, Site, UnsupportedError

__all__ = ["OPERATORS", "Site", "UnsupportedError"]

for _module in pkgutil.iter_modules(__path__):
    if not _module.ispkg:  # examples are read by those who show or test them
        importlib.import_module(f"{__name__}.{_module.name}")
