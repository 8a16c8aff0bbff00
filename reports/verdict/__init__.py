"""Judges a pull request from the record that ``gluonmark gate`` writes: what became slower, and how sure that is.

A process differs from the next one of the same code by 3-5 %, so samples of one process are not independent of each
other, and every rule that pools them calls identical code slower sooner or later.  Here the unit is a block: a fresh
base and a fresh head process, measured in turns.  What a block says of a case is one number, the logarithm of
head ÷ base.  If the code is identical, either sign of it is as likely as the other, whatever the noise is, and so
Wilcoxon's signed-rank test is exact; nothing here assumes a distribution.

``blocks`` reads the record, ``decide`` judges it and ``suspects`` names the cases that deserve more blocks; both are
pure functions, so that ``calibration`` can replay recorded blocks thousands of times.  docs/gate.md says how often
they are right.
"""

from reports.verdict.blocks import frame, load
from reports.verdict.calibration import figures, records, tables
from reports.verdict.decide import Verdict, decide, suspects
from reports.verdict.printed import comment, junit_xml, no_comment, no_junit, printed
from reports.verdict.rules import RULES, Rules

__all__ = [
    "RULES",
    "Rules",
    "Verdict",
    "comment",
    "decide",
    "figures",
    "frame",
    "junit_xml",
    "load",
    "no_comment",
    "no_junit",
    "printed",
    "records",
    "suspects",
    "tables",
]
