from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.gateway.onboarding import auth_choice, onboard_arguments, provider_keys
from tests.support.helpers import run

if TYPE_CHECKING:
    from pathlib import Path

OURS = (
    "onboard --mode local --gateway-bind lan --gateway-port 19789 --workspace /home/idlehands/workspace --skip-daemon "
    "--secret-input-mode ref --suppress-gateway-token-output"
)


def test_onboarding_at_a_terminal_keeps_the_plan() -> None:
    assert " ".join(onboard_arguments(19789, None, [])) == OURS


def test_onboarding_with_a_chosen_provider_asks_nothing() -> None:
    assert " ".join(onboard_arguments(19789, "skip", ["--team"])) == (
        f"{OURS} --non-interactive --accept-risk --skip-health --auth-choice skip --team"
    )


@pytest.mark.parametrize(
    ("key", "choice"),
    [
        ("OPENAI_API_KEY", "openai-api-key"),
        ("ANTHROPIC_API_KEY", "apiKey"),
        ("GEMINI_API_KEY", "gemini-api-key"),
        ("AI_GATEWAY_API_KEY", "ai-gateway-api-key"),
    ],
)
def test_a_key_is_passed_under_the_gateway_s_own_name_for_it(key: str, choice: str) -> None:
    assert auth_choice(key) == choice


def test_only_secrets_of_providers_are_keys_and_keep_the_order_of_the_fleet_file() -> None:
    assert provider_keys(["TELEGRAM_BOT_TOKEN", "XAI_API_KEY", "OPENAI_API_KEY"]) == ["XAI_API_KEY", "OPENAI_API_KEY"]


def test_without_a_terminal_and_without_a_key_nothing_is_started(tmp_path: Path) -> None:
    done = run(tmp_path, "onboard", "main")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(
        "Error: No secret of main is a provider's key, so there is nothing to set it up with.\n"
        "Set one, such as: idlehands-deploy secret set main OPENAI_API_KEY   "
        "(or: --auth-choice skip, or --local for a model on this host)\n"
    )
    assert list(tmp_path.iterdir()) == []
