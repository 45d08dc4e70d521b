from __future__ import annotations

import json

import pytest

from idlehands_deploy.errors import Problem
from idlehands_deploy.gateway.config import GatewayConfig
from idlehands_deploy.gateway.config_changes.validation import own_problems, read_validation


def test_each_issue_is_a_problem_at_its_path() -> None:
    issues = [
        {"path": "gateway.bind", "message": "Invalid input"},
        {"path": "<root>", "message": "JSON5 parse failed\x1b[2J"},
        {"path": "gateway.bind", "message": "Invalid input"},
    ]
    said = json.dumps({"ok": False, "valid": False, "issues": issues}, indent=2)
    assert read_validation(f"a line before {{}}\n{said}\na line after {{\n") == (
        Problem("gateway.bind", "Invalid input"),
        Problem("", "JSON5 parse failed[2J"),
    )


def test_a_valid_config_has_no_problem() -> None:
    assert read_validation('{"valid": true, "path": "/x", "warnings": [{"path": "a", "message": "b"}]}') == ()


@pytest.mark.parametrize(
    "output",
    ["", "Segmentation fault", "{", '"valid"', "[{}]", '{"valid": false, "error": {"message": "disk I/O error"}}'],
)
def test_a_validation_that_failed_itself_judges_nothing(output: str) -> None:
    assert read_validation(output) is None


@pytest.mark.parametrize(
    ("config", "problems"),
    [
        (GatewayConfig("x", {"gateway": {"mode": "local"}}), []),
        (GatewayConfig("x", {}), ["gateway.mode: is missing"]),
        (
            GatewayConfig("x", {"gateway": {"mode": "remote"}}),
            ["gateway.mode: is not local, so that no gateway starts"],
        ),
        (GatewayConfig("x", flaws=("is not JSON5 at line 1, column 2",)), ["is not JSON5 at line 1, column 2"]),
        (GatewayConfig("x", unreadable="Permission denied"), []),
    ],
)
def test_what_a_start_refuses_is_seen_without_a_gateway(config: GatewayConfig, problems: list[str]) -> None:
    assert [str(problem) for problem in own_problems(config)] == problems
