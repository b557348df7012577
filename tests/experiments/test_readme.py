"""The examples of the room's README and docstrings run as printed."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import numpy as np
import pytest

ROOM = Path(__file__).parents[2] / "experiments"


def test_the_readme_runs_as_printed() -> None:
    found = doctest.testfile(str(ROOM / "README.md"), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert found.attempted > 10
    assert found.failed == 0


@pytest.mark.parametrize("name", ["types", "posterior", "analysis", "planning"])
def test_docstring_examples_run_as_printed(name: str) -> None:
    module = importlib.import_module(f"experiments.{name}")
    found = doctest.testmod(module, extraglobs={"np": np})
    assert found.attempted > 0
    assert found.failed == 0
