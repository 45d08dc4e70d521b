"""The arguments for the gateway's own onboarding in its container, which keep it on the port plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idlehands_deploy.contract import WORKSPACE_TARGET
from idlehands_deploy.gateway.model_servers import OTHER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idlehands_deploy.gateway.model_servers import ModelServer

# The API keys of model providers, with the onboarding's name for each (2026.9.6, `onboard --help`).
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
    """The secrets that are API keys of model providers, in the fleet file's order."""
    return [name for name in secrets if name in CHOICES]


def auth_choice(key: str) -> str:
    """The onboarding's name for the provider of a key."""
    return CHOICES[key]


def onboard_arguments(base: int, choice: str | None, more: Sequence[str]) -> list[str]:
    """The onboarding's arguments.

    Args:
        base: the gateway's port.
        choice: the provider, ``skip`` for none; None to ask at the terminal.
        more: the person's own arguments, which override ours.
    """
    arguments = [
        "onboard",
        "--mode", "local",
        # Required in a container; the onboarding would suggest the values of a host.
        "--gateway-bind", "lan",
        "--gateway-port", str(base),
        "--workspace", WORKSPACE_TARGET,
        # The container is the service.
        "--skip-daemon",
        # References to variables instead of keys: the config then contains no secret, and a key changes only in
        # secrets/.
        "--secret-input-mode", "ref",
        "--suppress-gateway-token-output",
    ]  # fmt: skip
    if choice is not None:
        arguments += ["--non-interactive", "--accept-risk", "--skip-health", "--auth-choice", choice]
    return [*arguments, *more]


def local_arguments(server: ModelServer, model: str) -> list[str]:
    """The onboarding's arguments for a model server on this host."""
    arguments = ["--custom-base-url", server.url, "--custom-model-id", model]
    return [*arguments, "--custom-compatibility", "openai"] if server.kind == OTHER else arguments
