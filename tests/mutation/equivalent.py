"""Mistakes that no test can notice: they compute the same, or only say the same in other words.

Each with its reason.  ``--rules`` takes another mistake in the same rule instead.
"""

AXIS_OF_FIXED_LENGTH = "an axis of fixed length has it for every batch size"

# (file, rule, before, after): why
EQUIVALENT: dict[tuple[str, str, str, str], str] = {
    ("kernels/operators/indexing.py", "slice_axis", "0", "1"): "MXNet always tells where a slice begins",
    ("kernels/primitives/fourier.py", "fourier", "0", "-1"): AXIS_OF_FIXED_LENGTH,
    ("kernels/primitives/functions/exponentials.py", "'soft_relu'", "'a if a > 20 else log1p(exp(a))'",
     "'a if a >= 20 else log1p(exp(a))'"): "at 20 both say the same to ten digits",
    ("kernels/primitives/functions/special.py", "", "691", "692"): "of the last term of a series, 4e-16 at most",
    ("kernels/primitives/reduce.py", "'largest'", "'a if a > total or a != a else total'",
     "'a if a >= total or a != a else total'"): "of equal ones either is the largest",
    ("kernels/reads.py", "Branch", "0.0", "0.5"): "what has no source is told its number",
}  # fmt: skip
