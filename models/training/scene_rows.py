"""Write ``prompts/scenes/<family>.toml`` from the plates, so that words and pictures never differ.

``python -m models.training.scene_rows``; needs no renderer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PLATES = Path(__file__).resolve().parent.parent / "plates"
SCENES = Path(__file__).resolve().parents[2] / "prompts" / "scenes"
HEAD = "# Places of the family"
KEYS = ("id", "words", "family", "mood", "light_side", "surface", "camera_class", "palette", "categories")


def rows_by_family(plates: Path = PLATES) -> Mapping[str, str]:
    """The text of every family's file, made from ``plate.json`` files."""
    families: dict[str, list[Mapping[str, Any]]] = {}
    for path in sorted(plates.glob("*/plate.json")):
        told = json.loads(path.read_text("utf-8"))
        families.setdefault(told["family"], []).append(told)
    return {family: _toml(family, rows) for family, rows in sorted(families.items())}


def _toml(family: str, rows: list[Mapping[str, Any]]) -> str:
    head = f"{HEAD} {family!r}. Written by models.training.scene_rows from the plates: change those.\n"
    return head + "".join(_row(told) for told in rows)


def _row(told: Mapping[str, Any]) -> str:
    pairs = [(key, told[key]) for key in KEYS] + [("plate", told["id"])]
    # JSON strings and arrays of strings are TOML as well.
    return "\n[[scene]]\n" + "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in pairs)


def main() -> None:
    """Write all files."""
    SCENES.mkdir(parents=True, exist_ok=True)
    families = rows_by_family()
    for path in SCENES.glob("*.toml"):
        if path.stem not in families and path.read_text("utf-8").startswith(HEAD):
            path.unlink()  # a family that is no more
    for family, text in families.items():
        (SCENES / f"{family}.toml").write_text(text, encoding="utf-8")
        print(f"{family}: {text.count('[[scene]]')}")


if __name__ == "__main__":
    main()
