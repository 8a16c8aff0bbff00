"""Turns result files of asv and pytest-benchmark, ours or anybody's, into tables that can be acted upon.

Files go in, one tidy frame comes out of ``read``, and everything else is a function from frame to frame or from frame
to text: nothing here measures.  The room imports neither MXNet nor Numba nor the rooms that do, because reports are
built where the results are looked at, and that machine may have neither.
"""

from reports.annotations import printed as annotations
from reports.crossovers import crossovers
from reports.error import ReportError
from reports.findings import findings
from reports.latest import latest
from reports.publish import page_beside, publish
from reports.read import read
from reports.regressions import regressions
from reports.render import render
from reports.speedups import speedups

__all__ = [
    "ReportError",
    "annotations",
    "crossovers",
    "findings",
    "latest",
    "page_beside",
    "publish",
    "read",
    "regressions",
    "render",
    "speedups",
]
