"""What both styles of a picture are made with."""

from __future__ import annotations

from typing import Any

LONGEST_LABEL = 44

Json = dict[str, Any]


def visible(label: str, longest: int = LONGEST_LABEL) -> str:
    """A label that matplotlib neither hides (leading _) nor reads as a formula ($)."""
    if len(label) > longest:
        label = label[: longest - 3] + "..."
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in label)
    text = text.encode("utf-8", "backslashreplace").decode()
    return (" " + text if text.startswith("_") else text).replace("$", r"\$")


def values(points: Json) -> tuple[list[float], list[float]]:
    """Times and MiB of a curve, gaps as not-a-number."""
    nan = float("nan")
    return points["t"], [nan if m is None else m for m in points["m"]]


def import_pyplot() -> Any:
    from matplotlib import pyplot

    return pyplot
