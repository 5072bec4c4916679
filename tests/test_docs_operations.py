"""The page on running a ledger: every command in it does what the page says, in order, on a real server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.database import connecting

HOUSE = Path(__file__).parents[1]
PAGE = HOUSE / "docs" / "operations.md"


@pytest.mark.skipif(shutil.which("pg_dump") is None, reason="pg_dump is not installed: see .ci/packages.txt")
def test_every_command_of_the_page_does_what_the_page_says(debian_url: str, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    script = programs / "fenhao"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -c "from api.cli import main; main()" "$@"\n')
    script.chmod(0o755)
    with connecting(debian_url) as connection:
        connection.execute("create database drill")
        connection.execute("create database drill_2")
    url = debian_url.replace("/postgres?", "/drill?")
    environment = {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(HOUSE),
        "FENHAO_HOME": str(tmp_path / "home"),
        "FENHAO_DATABASE_URL": url,
        "FENHAO_LANGUAGE": "en",
    }
    for name in ("FENHAO_SCHEMA", "FENHAO_SERVICE_URL", "FENHAO_HEADS", "FENHAO_POLICY", "FENHAO_TWO_PERSONS_FROM"):
        environment.pop(name, None)
    said = []
    for block in re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL):
        if "--continues" in block:  # "with a schema and a home of its own"
            environment |= {
                "FENHAO_HOME": str(tmp_path / "home-2"),
                "FENHAO_DATABASE_URL": debian_url.replace("/postgres?", "/drill_2?"),
            }
        environment["FENHAO_HEADS"] = f"{environment['FENHAO_HOME']}-heads"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        said.append(done.stdout + done.stderr)
    assert said[3].count("does not agree with the heads kept outside it") == 3, "signing, recording, serving"
    assert len(said) == 6
