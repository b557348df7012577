"""The house: which room may import which, and that our names are ours."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("prompts", "models", "experiments", "service")
MAY_IMPORT = {"prompts": set(), "models": set(), "experiments": set(), "service": {"prompts", "models", "experiments"}}


def imported_packages(path: Path) -> set[str]:
    """Top-level names that a file imports absolutely, at any depth of nesting."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_the_rooms_below_it(room: str) -> None:
    wrong = {
        str(path.relative_to(ROOT)): sorted(others)
        for path in (ROOT / room).rglob("*.py")
        if (others := (imported_packages(path) & set(ROOMS)) - {room} - MAY_IMPORT[room])
    }
    assert not wrong


def test_the_experiments_room_needs_only_numpy_and_scipy() -> None:
    allowed = {"numpy", "scipy", "experiments"} | set(sys.stdlib_module_names)
    wrong = {
        path.name: sorted(others)
        for path in (ROOT / "experiments").rglob("*.py")
        if (others := imported_packages(path) - allowed)
    }
    assert not wrong


def test_only_the_api_knows_http_codes() -> None:
    """``HTTPException`` of FastAPI stays inside service/api, the app that mounts it, and the frame of the pages."""
    frames = {ROOT / "service" / "app.py", ROOT / "service" / "pages" / "web.py"}
    wrong = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "service").rglob("*.py")
        if "api" not in path.parts and path not in frames and "HTTPException" in path.read_text("utf-8")
    ]
    assert not wrong


def test_nobody_else_owns_our_package_names() -> None:
    owners = metadata.packages_distributions()
    foreign = {room: sorted(set(owners.get(room, [])) - {"adloom"}) for room in ROOMS}
    assert not any(foreign.values()), foreign


def test_tests_have_no_init_file_that_would_hide_a_room() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_the_four_rooms_are_listed_for_the_distribution() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == list(ROOMS)
    assert "Private :: Do Not Upload" in project["project"]["classifiers"]
    assert "torch==2.13.0" in project["project"]["dependencies"]


def test_starting_the_service_does_not_load_the_networks() -> None:
    """A server must start in moments: torch and friends are imported by the backend that needs them."""
    code = "import sys, service.app; print(sorted({'torch', 'transformers', 'diffusers', 'cv2'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
