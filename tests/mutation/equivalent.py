"""Mistakes that no test can notice: they compute the same, or only say the same in other words.

Each with its reason.  ``--rules`` takes another mistake in the same rule instead.
"""

AXIS_OF_FIXED_LENGTH = "an axis of fixed length has it for every batch size"
A_NAME = "only what a value is called in generated code"
LESS_THAN_2 = "less than 2 in either case, which is all that is asked"
IN_ANY_ORDER = "asked of all of them, in any order"
A_GUESS = "a guess of what the work takes"
OTHER_SIZE = "tiles or blocks of another size: slower"
AMONG_THEM = "a table that is asked only whether a type is in it"

# (file, rule, before, after): why
EQUIVALENT: dict[tuple[str, str, str, str], str] = {
    ("kernels/emit/contractions.py", "_innermost.merit", "16", "15"): "a batch size to guess by",
    ("kernels/emit/loops.py", "neutral", "0", "1"): "the sign of an infinity",
    ("kernels/emit/shares.py", "_Printer._stores", "0", "-1"): LESS_THAN_2,
    ("kernels/emit/shares.py", "_Printer._stores", "0", "1"): LESS_THAN_2,
    ("kernels/emit/wholes.py", "print_cumulate", "reversed(list(zip(loops, value.shape, strict=True)))",
     "list(zip(loops, value.shape, strict=True))"): "loops over the same elements, in a slower order",
    ("kernels/forms.py", "_form", "_contiguous(x, weight, out)", "_contiguous(x, out, weight)"): IN_ANY_ORDER,
    ("kernels/forms.py", "_form", "_contiguous(x, weight, out)", "_contiguous(weight, x, out)"): IN_ANY_ORDER,
    ("kernels/forms.py", "_form_gradient", "_contiguous(head, x, weight, out)",
     "_contiguous(head, x, out, weight)"): IN_ANY_ORDER,
    ("kernels/forms.py", "_form_gradient", "_contiguous(head, x, weight, out)",
     "_contiguous(head, weight, x, out)"): IN_ANY_ORDER,
    ("kernels/forms.py", "_form_weights", "_contiguous(head, x, out)", "_contiguous(x, head, out)"): IN_ANY_ORDER,
    ("kernels/forms.py", "", "8", "9"): "from how many rows on which of two ways is taken",
    ("kernels/forms.py", "", "{'fastmath': {'contract', 'nsz'}, APART: True, 'error_model': 'numpy', **PART}",
     "{'fastmath': {'contract', 'nsz'}, APART: True, 'error_model': 'numpy'}"): "wrappers that nobody calls",
    ("kernels/forms.py", "APART", "True", "False"): "what LLVM is told in advance",
    ("kernels/forms.py", "blocks", "rows - 1", "rows + 1"): "a block without rows more",
    ("kernels/forms.py", "'fastmath'", "{'contract', 'nsz'}", "{'contract'}"): "what LLVM is told in advance",
    ("kernels/forms.py", "'fastmath'", "{'contract', 'nsz'}", "{'nsz'}"): "rounds once more",
    ("kernels/forms.py", "blocks", "(rows - 1) // rows_of_block(rows)", "(rows - 1) * rows_of_block(rows)"):
     "blocks without rows more",
    ("kernels/forms.py", "nanoseconds", "x.size * x.shape[1] * of_units.shape[1]",
     "x.size * x.shape[1] / of_units.shape[1]"): A_GUESS,
    ("kernels/forms.py", "nanoseconds", "x.size * x.shape[1]", "x.size / x.shape[1]"): A_GUESS,
    ("kernels/forms.py", "rows_of_block", "2", "1"): OTHER_SIZE,
    ("kernels/forms.py", "rows_of_block", "2", "3"): OTHER_SIZE,
    ("kernels/forms.py", "rows_of_block", "2 * ROWS", "2 / ROWS"): OTHER_SIZE,
    ("kernels/library/product.py", "", "4", "3"): A_GUESS,
    ("kernels/library/product.py", "", "110", "109"): A_GUESS,
    ("kernels/library/product.py", "copied", "0", "-1"): "the last column, which is written after that or not read",
    ("kernels/operators/elementwise.py", "2.0", "2.0", "2.02"): "the power function squares as well, only slower",
    ("kernels/operators/products.py", "fully_connected", "2", "1"): "of two axes there is nothing to merge",
    ("kernels/operators/reductions.py", "reduced_axes", "sorted(named)", "named"): "a set of a few small whole numbers "
     "is in order",
    ("kernels/operators/statistics.py", "_moments", "'mean'", "'sum'"): A_NAME,
    ("kernels/primitives/alignment.py", "Alignments.gradient", "x.name or 'x'", "x.name and 'x'"): A_NAME,
    ("kernels/primitives/fourier.py", "fourier", "0", "-1"): AXIS_OF_FIXED_LENGTH,
    ("kernels/primitives/functions/exponentials.py", "'soft_relu'", "'a if a > 20 else log1p(exp(a))'",
     "'a if a >= 20 else log1p(exp(a))'"): "at 20 both say the same to ten digits",
    ("kernels/primitives/functions/special.py", "", "691", "692"): "of the last term of a series, 4e-16 at most",
    ("kernels/primitives/reduce.py", "'largest'", "'a if a > total or a != a else total'",
     "'a if a >= total or a != a else total'"): "of equal ones either is the largest",
    ("kernels/program.py", "_returned",
     "[*(f'd_{name}' for name in differentiated), *(_named(f'new_{move.old.name}', taken) for move in moves)]",
     "[*(_named(f'new_{move.old.name}', taken) for move in moves), *(f'd_{name}' for name in differentiated)]"): A_NAME,
    ("kernels/reads.py", "", "(View, Slice, Pad, Concat)", "(View, Slice, Concat, Pad)"): AMONG_THEM,
    ("kernels/tiles.py", "1", "8", "7"): OTHER_SIZE,
    ("kernels/tiles.py", "1", "8", "9"): OTHER_SIZE,
    ("kernels/tiles.py", "2", "2", "1"): "vectors of another length than this machine has",
    ("kernels/tiles.py", "4", "4", "3"): OTHER_SIZE,
    ("kernels/tiles.py", "4", "6", "5"): OTHER_SIZE,
    ("kernels/tiles.py", "2", "6", "7"): OTHER_SIZE,
    ("kernels/transform/shares.py", "", "350", "349"): A_GUESS,
    ("kernels/transform/shares.py", "", "350", "351"): A_GUESS,
    ("kernels/transform/__init__.py", "rows_of_bins", "_signature_and_code(bins, rows, length, kept, backward=True)",
     "_signature_and_code(rows, bins, length, kept, backward=True)"): "both arrays are of one type",
    ("kernels/transform/rows.py", "_joined", "2", "3"): "what is written too much is overwritten next",
    ("kernels/transform/codelets.py", "4", "4", "5"): "transforms of four by way of two: slower",
    ("kernels/transform/group.py", "'float32'", "32", "31"): "as many whole lanes",
    ("kernels/transform/rows.py", "", "0", "1"): "what the processor is told in advance",
    ("kernels/transform/rows.py", "_square", "0", "1"): "both columns of a pair are in one slot",
    ("kernels/transform/shares.py", "write_shared", "1000", "999"): A_GUESS,
    ("kernels/transform/vectors.py", "Product.__sub__", "other.alone() if isinstance(other, Product) else other",
     "other if isinstance(other, Product) else other.alone()"): "what a product is lessened by is another product",
    ("kernels/transform/vectors.py", "loop", "[mark, INDEX(len(builder.module.metadata))]",
     "[INDEX(len(builder.module.metadata)), mark]"): "what makes a loop's name its own, replaced in the next line",
    ("kernels/reads.py", "Branch", "0.0", "0.5"): "what has no source is told its number",
    ("kernels/vectors.py", "Vectors.__init__", "8 * self.bytes", "8 / self.bytes"): "LLVM names its functions itself",
}  # fmt: skip
