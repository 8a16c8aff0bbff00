"""Puts data and scripts into a page so that they stay what they are."""

import base64
import hashlib
import json
import math
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import altair
import vl_convert
from markupsafe import Markup

ROOM = Path(__file__).parent
# What could end a script element, begin a comment in it, or end a line of JavaScript inside a string.
ESCAPES = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def json_for_script(value: object) -> str:
    """``value`` as JSON that may stand inside ``<script type="application/json">``; it holds no NaN."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).translate(ESCAPES)


@lru_cache
def charting_library() -> str:
    """Vega, Vega-Lite and vega-embed as one script that defines ``vegaEmbed``, for Altair's version of Vega-Lite."""
    version = ".".join(altair.SCHEMA_VERSION.lstrip("v").split(".")[:2])
    return _inline(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", version))


@lru_cache
def own_script(name: str) -> str:
    """A JavaScript file beside this one."""
    return _inline((ROOM / name).read_text(encoding="utf-8"))


def _inline(script: str) -> str:
    """``script`` so that it cannot end the element that it stands in: a string reads the same."""
    return script.replace("\r\n", "\n").replace("</script", "<\\/script").replace("<!--", "<\\!--")


def content_security_policy(scripts: Iterable[str]) -> str:
    """Allows these scripts by their hashes and styles in the page, and nothing from anywhere else."""
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    return f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'"


def breakable(text: str) -> Markup:
    """``text``, escaped; lines may end in it behind the signs that join words in the names of benchmarks."""
    return Markup("<wbr>").join(re.split(r"(?<=[._:/(,])", text))


def figure(value: float, digits: int = 4) -> float | None:
    """``value`` with some significant digits, as short as JSON can have it; None for what is missing or infinite."""
    if not math.isfinite(value):
        return None
    rounded = float(f"{value:.{digits}g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e6 else rounded
