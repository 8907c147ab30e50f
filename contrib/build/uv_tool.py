"""Gets uv and configures it as pip is. It installs in half of the time; where it cannot, pip does it."""

from __future__ import annotations

import ast
import json
import subprocess
from pathlib import Path

from environments import bundled_pip, fetch_pip, make_venv, own_environment, run_python, say

#: Its command line and its configuration change between minor versions.
UV = "uv==0.13.*"
#: pip's options in the order in which the later ones count more.
_SECTIONS = ("global.", "install.", ":env:.")


class UvTool:
    """uv in an environment of its own.

    Args:
        folder: That environment.
        config: The file that uv reads in place of pip's configuration.
    """

    def __init__(self, folder: Path, config: Path) -> None:
        self.folder, self.config = folder, config
        self.program = folder / "bin" / "uv"
        self._stamp = folder / "version"

    def prepare(self) -> bool:
        """Fetch uv where it is not there yet, and write its configuration. False: there is none for this machine."""
        whole = self.program.exists() and (self.folder / "bin" / "python").exists()
        if not whole or not self._stamp.is_file() or self._stamp.read_text() != UV:
            make_venv(self.folder)
            say("fetching uv, which installs the rest")
            # No build from source: that wants a compiler for Rust, and takes longer than uv saves.
            if self._pip("install", "--quiet", "--only-binary=:all:", UV) != 0:
                say("uv cannot be had here: pip installs the rest, which takes longer")
                return False
            self._stamp.write_text(UV)
        self._write_config()
        return True

    def install(self, venv: Path, arguments: list[str]) -> bool:
        """Whether it has installed that; where it fails, its reason is on the screen."""
        environment = {**own_environment(), "UV_CONFIG_FILE": str(self.config), "UV_PYTHON_DOWNLOADS": "never"}
        python = str(venv / "bin" / "python")
        command = [str(self.program), "pip", "install", "--quiet", "--python", python, *arguments]
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            say("uv failed; its reason stands above. pip tries the same")
        return done.returncode == 0

    def _write_config(self) -> None:
        """uv reads neither pip's variables nor its files."""
        self.config.parent.mkdir(exist_ok=True)
        self.config.touch(mode=0o600)  # an index's address may hold a password
        self.config.write_text(uv_config(self._pip_options()))

    def _pip_options(self) -> dict[str, str]:
        command = [str(self.folder / "bin" / "python"), f"{self._pip_wheel()}/pip", "config", "list"]
        listed = subprocess.run(
            command, env=own_environment(), capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
        )
        return options_of(listed.stdout)

    def _pip(self, *arguments: str) -> int:
        return run_python(self.folder, [f"{self._pip_wheel()}/pip", *arguments])

    def _pip_wheel(self) -> Path:
        known = [bundled_pip(), *self.folder.glob("pip-*.whl")]
        return next((wheel for wheel in known if wheel is not None), None) or fetch_pip(self.folder)


def options_of(listed: str) -> dict[str, str]:
    """The options that `pip config list` prints, by name; what the environment says counts over what files say."""
    options: dict[str, str] = {}
    for section in _SECTIONS:
        for line in listed.splitlines():
            name, _, value = line.partition("=")
            if name.startswith(section):
                options[name.removeprefix(section)] = str(ast.literal_eval(value))
    return options


def uv_config(pip: dict[str, str]) -> str:
    """The text of a uv.toml that does what these options of pip do."""
    lines = []
    if "extra-index-url" in pip:
        lines.append('index-strategy = "unsafe-best-match"')  # as pip chooses: the newest version of any index
    if pip.get("no-index", "").lower() in ("1", "true", "yes", "on"):
        lines.append("no-index = true")
    if "find-links" in pip:
        lines.append(f"find-links = {json.dumps(pip['find-links'].split())}")
    if "trusted-host" in pip:
        lines.append(f"allow-insecure-host = {json.dumps(pip['trusted-host'].split())}")
    for url in pip.get("extra-index-url", "").split():
        lines += ["[[index]]", f"url = {json.dumps(url)}"]
    if "index-url" in pip:
        lines += ["[[index]]", f"url = {json.dumps(pip['index-url'])}", "default = true"]
    return "".join(f"{line}\n" for line in lines)
