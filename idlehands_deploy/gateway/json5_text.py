"""JSON and JSON5 as a person or a gateway writes it."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

from idlehands_deploy.gateway.json5_plain import NotPlainError, as_json

# No config is nested so deeply, and each Python reads another depth.
DEEPEST = 200
# More than any config has. Each value costs up to a millisecond in a report or an import, and each character of a path
# some microseconds.
MOST_VALUES = 10_000
LONGEST_TEXT = 32 * 1024
# A gateway may write any file into its state.
LONGEST_JSON5 = 64 * 1024
# Characters of unusual JSON5, and of what is none: the library needs up to a second for so many.
LONGEST_UNUSUAL = 4 * 1024
NO_NUMBER = "has a number that is too large, or none"


class FlawError(ValueError):
    """A config that cannot be read; the message completes a sentence."""


def parse_config(text: str) -> dict[str, Any]:
    """Parse one file of a config.

    Raises:
        FlawError: it is not JSON5, or not an object. The message quotes nothing from the file: it contains credentials.
    """
    value = parse_json5(text)
    if not isinstance(value, dict):
        raise FlawError("is not an object in { }")
    return value


def parse_json5(text: str, *, limited: bool = True) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """Parse JSON or JSON5.

    Args:
        limited: whether it may have no more and no longer values than any config.

    Raises:
        FlawError: it is neither, or has what no config has. The message quotes nothing from the text.
    """
    try:
        value = json.loads(text, parse_float=_number)
    except ValueError:
        value = _parse_json5(text)
    except RecursionError:
        raise FlawError("is nested too deeply") from None
    check_values(value, limited=limited)
    return value


def check_values(value: object, *, limited: bool = True) -> None:
    """Refuse what the readers of a config cannot take; without recursion, for which Python has limits.

    Raises:
        FlawError: it is too deep, has a number that is none or, if ``limited``, more or longer values than any config.
    """
    level, count = [value], 0
    for _ in range(DEEPEST + 1):
        count += len(level)
        if limited and count > MOST_VALUES:
            raise FlawError(f"has more than {MOST_VALUES} values, which is the limit")
        # Infinities and what is no number too; of integers as long, Python makes no text.
        if any(isinstance(item, int | float) and not abs(item) <= sys.float_info.max for item in level):
            raise FlawError(NO_NUMBER)
        if limited and any(isinstance(item, str) and len(item) > LONGEST_TEXT for item in level):
            raise FlawError(f"has a text of more than {LONGEST_TEXT >> 10} kB, which is the limit")
        level = [
            item
            for each in level
            if isinstance(each, dict | list)
            for item in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return
    raise FlawError("is nested too deeply")


def _parse_json5(text: str) -> Any:  # noqa: ANN401
    if len(text) > LONGEST_JSON5:
        raise FlawError(f"is not plain JSON, and too long for JSON5: more than {LONGEST_JSON5 // 1024} kB")
    try:
        return json.loads(as_json(text), parse_float=_number)
    except (NotPlainError, json.JSONDecodeError) as error:
        return _parse_unusual(text, error.lineno)
    except ValueError:  # of Python, which reads and writes no integers of thousands of digits
        raise FlawError(NO_NUMBER) from None
    except RecursionError:
        raise FlawError("is nested too deeply") from None


def _parse_unusual(text: str, line: int) -> Any:  # noqa: ANN401
    """The library's reading, which names the place of a mistake."""
    import json5  # noqa: PLC0415 - slow, and most configs are the gateway's own plain JSON

    if len(text) > LONGEST_UNUSUAL:
        raise FlawError(f"is not JSON5, or has what JSON5 seldom has, at line {line}")
    try:
        return json5.loads(text, parse_float=_number)
    except ValueError as error:
        where = re.match(r"<string>:(\d+) .*? at column (\d+)", str(error), re.DOTALL)
        place = f" at line {where.group(1)}, column {where.group(2)}" if where else ""
        raise FlawError(f"is not JSON5{place}") from None
    except RecursionError:
        raise FlawError("is nested too deeply") from None


def _number(text: str) -> int | float:
    # The gateway reads 18789.0 and 1.8789e4 as port 18789.
    number = float(text)
    return int(number) if number.is_integer() else number
