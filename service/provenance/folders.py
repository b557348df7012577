"""Pictures of a folder, to look among them: what a batch wrote is found again without a server."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from service.errors import InvalidInput

from . import prints
from .verify import BytePixels, Shelves, open_picture

ENDINGS = (".png", ".jpg", ".jpeg", ".webp")
MOST = 20_000


def with_folder(shelves: Shelves, folder: Path, without: Path, say: Callable[[str], None]) -> Shelves:
    """The register and the pictures below a folder; these are called by their path in it.

    Args:
        without: the picture that is asked about, which may lie in the folder itself.
        say: told how far it is.
    """
    files = [p for p in sorted(folder.rglob("*")) if p.suffix.lower() in ENDINGS and p.resolve() != without.resolve()]
    known: dict[str, Path] = {}
    digests: dict[str, str] = {}
    rows: list[bytes] = []
    for i, path in enumerate(files[:MOST], 1):
        data = path.read_bytes()
        try:
            rows.append(prints.print_of(open_picture(data)))
        except InvalidInput:
            continue
        name = path.relative_to(folder).as_posix()
        known[name] = path
        digests[hashlib.sha256(data).hexdigest()] = name
        if i % 200 == 0:
            say(f"  {i:,} of {len(files):,} pictures of {folder.name} looked at")
    names, columns = list(known), prints.unpack(rows)

    def nearest(wanted: NDArray[np.uint64], n: int) -> list[tuple[str, prints.Near]]:
        mine = [(names[near.index], near) for near in prints.nearest(columns, wanted, n)]
        return sorted([*shelves.nearest(wanted, n), *mine], key=lambda pair: pair[1].bits)[:n]

    def picture(id: str) -> BytePixels | None:
        return open_picture(known[id].read_bytes()) if id in known else shelves.picture(id)

    return dataclasses.replace(
        shelves,
        nearest=nearest,
        of_file=lambda digest: digests.get(digest) or shelves.of_file(digest),
        picture=picture,
        creative=lambda id: None if id in known else shelves.creative(id),
        count=shelves.count + len(known),
    )
