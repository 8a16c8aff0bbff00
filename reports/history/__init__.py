"""Finds where a series of measurements over commits changed its level: when, by how much, and how sure that is.

A benchmark's figure wanders, jumps for one commit, is missing for another, and is measured on machines that others use
as well.  So each series is first freed of single outliers, its noise is taken from neighbouring commits (which a change
of level hardly touches) together with how far neighbours resemble each other, the best division into levels is found
for all positions at once, and each change must then stand a test against that noise.  ``docs/regressions.md`` holds
what else was tried and how each did.
"""
