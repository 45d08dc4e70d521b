"""How the gateway's own onboarding is called in its container: arguments that keep it on the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idlehands_deploy.contract import WORKSPACE_TARGET

if TYPE_CHECKING:
    from collections.abc import Sequence

# The keys that open a provider, by what the gateway's onboarding calls it (2026.9.6, `onboard --help`).
SAME_NAMES = """
AI_GATEWAY ARCEEAI BASETEN BYTEPLUS CEREBRAS CHUTES CLAWROUTER CLOUDFLARE_AI_GATEWAY COHERE DEEPINFRA DEEPSEEK FAL
FEATHERLESS FIREWORKS GEMINI GMI GROQ HUGGINGFACE KILOCODE LITELLM LONGCAT META MISTRAL MOONSHOT NOVITA NVIDIA OPENAI
OPENROUTER QIANFAN RADIUS RUNWAY SYNTHETIC TOGETHER TOKENHUB TOKENPLAN VENICE VOLCENGINE VYDRA XAI XIAOMI ZAI
"""
CHOICES = {f"{name}_API_KEY": f"{name.lower().replace('_', '-')}-api-key" for name in SAME_NAMES.split()} | {
    "ANTHROPIC_API_KEY": "apiKey",
    "COMFY_API_KEY": "comfy-cloud-api-key",
    "KIMI_API_KEY": "kimi-code-api-key",
    "MINIMAX_API_KEY": "minimax-global-api",
    "QWEN_API_KEY": "qwen-api-key",
}


def provider_keys(secrets: Sequence[str]) -> list[str]:
    """The secrets that open a model provider, in the fleet file's order."""
    return [name for name in secrets if name in CHOICES]


def auth_choice(key: str) -> str:
    """What the gateway's onboarding calls the provider that a key opens."""
    return CHOICES[key]


def onboard_arguments(base: int, choice: str | None, more: Sequence[str]) -> list[str]:
    """The onboarding's arguments.

    Args:
        base: the gateway's port.
        choice: the way in to a model provider, ``skip`` for none; None to ask at the terminal.
        more: arguments of the person's own, which outrank ours.
    """
    arguments = [
        "onboard",
        "--mode", "local",
        # What its container needs, whatever the onboarding would propose to a host.
        "--gateway-bind", "lan",
        "--gateway-port", str(base),
        "--workspace", WORKSPACE_TARGET,
        # The container is the service.
        "--skip-daemon",
        # References to variables in the place of keys: the config then holds no secret, and a new key in
        # secrets/ is the only place to change.
        "--secret-input-mode", "ref",
        "--suppress-gateway-token-output",
    ]  # fmt: skip
    if choice is not None:
        arguments += ["--non-interactive", "--accept-risk", "--skip-health", "--auth-choice", choice]
    return [*arguments, *more]
