"""The whole API description against generated requests: no 5xx, no undocumented answer, no answer of another shape."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from service.app import create_app
from tests.benchmarks.kill_loop import free_port
from tests.service.conftest import fake_studio, settings_in

EXAMPLES = 2  # for each operation; whoever has the time asks for more
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
KEY = "a-key-for-the-fuzzer"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server in a thread."""
    port = free_port()
    app = create_app(settings_in(tmp_path_factory.mktemp("fuzzed"), admin_key=KEY), fake_studio)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.mark.slow
def test_no_generated_request_is_answered_with_a_surprise(address: str, tmp_path: Path) -> None:
    schemathesis = Path(sys.executable).with_name("schemathesis")
    command = [
        str(schemathesis), "run", f"{address}/openapi.json", "--header", f"X-API-Key: {KEY}", "--checks", CHECKS,
        "--phases", "fuzzing", "--max-examples", str(EXAMPLES), "--seed", "1", "--continue-on-failure",
        "--exclude-path-regex", "^/v1/jobs/.*/events$",  # a stream that ends when its job does
        "--exclude-path-regex", "^/v1/keys",  # it would revoke keys
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=280, check=False)
    assert done.returncode == 0, done.stdout[-6_000:]
    assert "generated" in done.stdout
