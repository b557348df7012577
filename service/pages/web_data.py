"""JSON inside a page."""

from __future__ import annotations

import json
from typing import Any


def data(value: Any) -> str:
    """JSON for a data block of a page; what a template puts out with ``|safe`` must come from here.

    >>> print(data({"name": "</script>"}))
    {"name":"\\u003c/script\\u003e"}
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
