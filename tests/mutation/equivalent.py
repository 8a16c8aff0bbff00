"""Mistakes that no test can notice: they compute the same, or only say the same in other words.

Each with its reason.  ``--rules`` takes another mistake in the same rule instead.
"""

# (file, rule, before, after): why
EQUIVALENT: dict[tuple[str, str, str, str], str] = {}
