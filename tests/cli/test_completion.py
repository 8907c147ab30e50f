"""`rider completion bash` in a real bash, and its mention in the READMEs."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rider_core.testing.processes import Processes, install_plugin

ROOT = Path(__file__).parents[2]
PLUGIN = """
from rider_core.api import ModelEntry, TextGenerator, hookimpl
RIDER_API = "1.0"
class Parrot(TextGenerator):
    name = "parrot"
    def generate_stream(self, request):
        yield request.prompt
@hookimpl
def register_providers(register):
    register(Parrot)
@hookimpl
def register_models(register):
    for name in ("small-one", "small-two", "large"):
        register(ModelEntry(name, f"{name}.bin", "five bytes", "MIT", 5, "00" * 32, ()))
"""
#: As pip writes it: click derives the variable that requests completions from the program's name.
PROGRAM = f"#!{sys.executable}\nfrom rider_core.cli.main import main\nmain()\n"


class Bash:
    """A shell that has read the script."""

    def __init__(self, processes: Processes) -> None:
        install_plugin(processes.folder, "parrot", PLUGIN)
        program = processes.folder / "rider"
        program.write_text(PROGRAM)
        program.chmod(0o755)
        path = f"{processes.folder}{os.pathsep}{os.environ['PATH']}"
        self.environment = {**processes.environment, "PATH": path}
        self.script = self.run("rider completion bash")

    def run(self, text: str) -> str:
        command = ["bash", "--norc", "-c", text]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def completed(self, *lines: str) -> list[list[str]]:
        """The completions of each line."""
        ask = f"{self.script}\nshopt -s progcomp\n"
        for line in lines:
            words = line.split(" ")
            ask += f"COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}; COMPREPLY=()\n"
            ask += 'function="$(complete -p rider)"; function="${function#*-F }"; "${function% rider}" rider\n'
            ask += 'echo "${COMPREPLY[@]}"\n'
        return [line.split() for line in self.run(ask).splitlines()]


@pytest.fixture
def bash(processes: Processes) -> Bash:
    if shutil.which("bash") is None:
        pytest.fail("these tests need bash")
    return Bash(processes)


def test_bash_completes_names(bash: Bash) -> None:
    bash.run(f"bash -n <<'END'\n{bash.script}\nEND")
    tasks, models, providers, commands = bash.completed(
        "rider run te", "rider models pull small", "rider run text.generate hi --provider p", "rider comp"
    )
    assert tasks == ["text.generate"]
    assert models == ["small-one", "small-two"]
    assert providers == ["parrot"]
    assert commands == ["completion"]


@pytest.mark.parametrize("name", ["README.md", "README.pl.md"])
def test_it_can_be_found(name: str) -> None:
    assert 'eval "$(rider completion bash)"' in (ROOT / name).read_text(encoding="utf-8")
