"""The OpenAPI document, and schemathesis, which asks everything that it describes with values of its own."""

from __future__ import annotations

import re
import subprocess
import sysconfig
from pathlib import Path

import pytest
from harness.robot_harness import robot_harness
from rest_harness import RestHarness

from rider_core.api.roles import Role
from rider_core.testing.processes import Processes
from rider_core.testing.valkey import Valkey

#: Requests that schemathesis makes up for each operation, apart from those that it derives from the schema.
EXAMPLES = 10
#: `GET /support` runs `rider doctor`, which takes some seconds, and more on a busy machine.
REQUEST_LIMIT_S = 60
#: Its checks that do not fit: a wrong password is answered with 429 after ten of them; whether a payload fits its task
#: is more than the schema says; and it takes two users of one panel for strangers.
LEFT_OUT = ("ignored_auth", "positive_data_acceptance", "object_level_authorization")
SCHEMATHESIS = str(Path(sysconfig.get_path("scripts")) / "schemathesis")


def test_every_operation_is_described(rest: RestHarness) -> None:
    rest.start()
    operations = {
        f"{method.upper()} {path}": operation
        for path, methods in rest.document["paths"].items()
        for method, operation in methods.items()
    }
    for name, operation in operations.items():
        assert operation["summary"], name
        assert not operation["summary"].endswith("."), name
        assert operation["tags"], name
        assert operation["x-rider-role"] in {None, *(role.value for role in Role)}, name
        assert "default" not in operation["responses"], name
    ids = [operation["operationId"] for operation in operations.values()]
    assert len(ids) == len(set(ids))
    assert rest.document["openapi"] == "3.1.0"
    schemas = rest.document["components"]["schemas"]
    used = set(re.findall(r"#/components/schemas/(\w+)", str(rest.document)))
    assert used <= schemas.keys()


@pytest.mark.slow
def test_schemathesis_finds_no_5xx_and_no_undocumented_answer(
    rest: RestHarness, processes: Processes, valkey: Valkey, tmp_path: Path
) -> None:
    with robot_harness(processes, valkey) as robot:
        robot.start_link()
        rest.start(RIDER_WEB_PASSWORD="open sesame")  # it makes users: everybody would have to sign in after the first
        run = subprocess.run(
            [
                *(SCHEMATHESIS, "run", f"{rest.panel.url}/api/v1/openapi.json", "--auth", "rider:open sesame"),
                *("--checks", "all", "--exclude-checks", ",".join(LEFT_OUT), "--continue-on-failure"),
                *("--phases", "coverage,fuzzing", "--max-examples", str(EXAMPLES), "--seed", "1", "--no-color"),
                *("--warnings", "off", "--request-timeout", str(REQUEST_LIMIT_S)),
                *("--max-response-time", str(REQUEST_LIMIT_S)),
            ],
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
            cwd=tmp_path,
        )
    print(run.stdout[-600:])
    assert run.returncode == 0, run.stdout[-12_000:] + run.stderr[-2_000:]
    assert "Traceback" not in rest.panel.processes.log("panel.log")
