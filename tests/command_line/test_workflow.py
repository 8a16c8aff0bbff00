"""The workflow that docs/ offers is one, and the commands in it exist."""

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

import gluonmark

ROOT = Path(gluonmark.__file__).resolve().parent
FILE = ROOT / "docs/examples/gate.yml"


@pytest.fixture(scope="module")
def workflow() -> dict[Any, Any]:
    loaded: dict[Any, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return loaded


def scripts(workflow: dict[Any, Any]) -> list[str]:
    return [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]


def test_it_runs_on_pull_requests_and_may_do_no_more_than_comment(workflow: dict[Any, Any]) -> None:
    assert workflow[True] == "pull_request"  # YAML 1.1 takes the key "on" for a truth value
    assert workflow["permissions"] == {"contents": "read", "pull-requests": "write"}


def test_its_scripts_are_shell_and_no_name_from_outside_is_pasted_into_them(workflow: dict[Any, Any]) -> None:
    for script in scripts(workflow):
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)
        assert "${{" not in script


def test_its_command_has_only_options_that_exist(workflow: dict[Any, Any]) -> None:
    (line,) = re.findall(r"^gluonmark (.*)$", "\n".join(scripts(workflow)), re.MULTILINE)
    name, *words = shlex.split(line.replace("$LAYER", workflow["env"]["LAYER"]))
    command = typer.main.get_command(gluonmark.app).commands[name]  # type: ignore[attr-defined]
    command.make_context(name, words)  # raises for what it does not know


def test_a_budget_of_the_gate_ends_before_the_job_does(workflow: dict[Any, Any]) -> None:
    (minutes,) = re.findall(r"--budget (\d+)m", "\n".join(scripts(workflow)))
    assert int(minutes) + 10 < workflow["jobs"]["gate"]["timeout-minutes"]
