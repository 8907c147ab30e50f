"""The snippet of the READMEs works."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from openai_harness import MODEL_FILE, OpenAIHarness

from rider_core.testing.required_files import required_file

ROOT = Path(__file__).parents[3]

#: A README for each async mode, and words of its transcript; they differ in the language only.
READMES = {"eventlet": ("README.md", "going to the kitchen"), "threading": ("README.pl.md", "jestem robotem")}


def test_the_snippet_runs(harness: OpenAIHarness, tmp_path: Path) -> None:
    name, words = READMES[harness.mode]
    required_file(harness.models / MODEL_FILE, "the model (set RIDER_MODEL_PATH)")
    section = (ROOT / name).read_text().split("OPENAI_BASE_URL=")[1]
    settings, _, rest = section.partition("\n")
    assert settings == "http://127.0.0.1:8000/v1 OPENAI_API_KEY=none"
    snippet = re.search(r"```python\n(.+?)```", rest, re.DOTALL)
    assert snippet is not None
    environment = {**harness.processes.environment, "OPENAI_BASE_URL": harness.url, "OPENAI_API_KEY": "none"}
    done = subprocess.run(
        [sys.executable, "-c", snippet[1]],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "first second" in done.stdout
    assert words in done.stdout.lower()
