"""How long a look-up takes among 100,000 pictures: ``python tests/benchmarks/bench_verify.py [n]``.

Rows are written to a SQLite file as the service does; printed are reading them all once (a new process), a search of
every print, and the look-up of an exact file.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from sqlalchemy import insert

from service.provenance import prints
from service.provenance.register import Index
from service.storage import Database, tables
from service.storage.prints import Prints


def main(n: int) -> None:
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'prints.sqlite'}")
        database.migrate()
        for start in range(0, n, 5_000):
            made = rng.integers(0, 256, (min(5_000, n - start), prints.PRINT_BYTES), dtype=np.uint8)
            made[:, :: prints.BITS // 8] &= 0x7F  # the first bit of a hash is 0
            rows = [
                {
                    "workspace": "main",
                    "creative_id": f"cr_{start + i}",
                    "sha256": f"{start + i:064x}",
                    "print": bytes(row),
                }
                for i, row in enumerate(made)
            ]
            with database.engine.begin() as connection:
                connection.execute(insert(tables.picture_prints), rows)
        kept, index = Prints(database, "main"), Index()
        begun = time.perf_counter()
        count = index.refresh(kept)
        print(f"{count:,} prints read once in {time.perf_counter() - begun:.2f} s")
        wanted = prints.unpack([kept.after(n // 2)[0].print])[:, 0]
        times = []
        for _ in range(20):
            begun = time.perf_counter()
            index.refresh(kept)
            found = index.nearest(wanted, 6)
            times.append(time.perf_counter() - begun)
        assert found[0][0] == f"cr_{n // 2}"
        print(f"search of all of them: median {1e3 * np.median(times):.0f} ms, worst {1e3 * max(times):.0f} ms")
        begun = time.perf_counter()
        assert kept.of_file(f"{n // 3:064x}") == f"cr_{n // 3}"
        print(f"exact file: {1e3 * (time.perf_counter() - begun):.1f} ms")
        database.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
