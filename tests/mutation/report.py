"""The figures of a run, and what survived."""

from collections import Counter
from collections.abc import Mapping

from mutants import Mutant


def print_report(verdicts: Mapping[Mutant, str]) -> None:
    """Two tables, by file and by kind: mutants, caught, survived; then every survivor."""
    for heading in ("file", "kind"):
        total = Counter(getattr(mutant, heading) for mutant in verdicts)
        survived = Counter(getattr(mutant, heading) for mutant, caught in verdicts.items() if not caught)
        print(f"{heading:<42}{'mutants':>9}{'caught':>9}{'survived':>9}")
        for row in total:
            print(f"{row:<42}{total[row]:>9}{total[row] - survived[row]:>9}{survived[row]:>9}")
        print(f"{'':<42}{total.total():>9}{total.total() - survived.total():>9}{survived.total():>9}\n")
    for mutant in sorted((mutant for mutant, caught in verdicts.items() if not caught), key=lambda m: (m.file, m.line)):
        print(f"{mutant.file}:{mutant.line}  {mutant.kind}\n    {mutant.before}\n  → {mutant.after}")
