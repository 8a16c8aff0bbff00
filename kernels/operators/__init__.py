"""MXNet's operators in terms of the primitives: one table, one row an operator."""

from . import elementwise, products, randomness, reductions, shapes
from .table import OPERATORS, Site, UnsupportedError

__all__ = ["OPERATORS", "Site", "UnsupportedError", "elementwise", "products", "randomness", "reductions", "shapes"]
