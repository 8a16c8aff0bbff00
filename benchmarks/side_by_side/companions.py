"""What does not depend on the machine's mood: reported beside the times of a case."""

from typing import Any

from benchmarks.cases import Case


def of(case: Case) -> dict[str, Any]:
    """What ``case`` is made of."""
    return {"cell": case.cell.id}
