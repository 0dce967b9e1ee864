"""Sizes as people write them, and as they read them."""

from __future__ import annotations

from memory_profiler._standard import standard

_SIZE = r"(?i)\s*\+?(\d+\.?\d*|\.\d+)\s*([KMGTP]?)(?:I?B?|YTES?)\s*"
_POWERS = " KMGTP"


def parse(size: str | int) -> int:
    """Bytes of "24 MB", "500M", "1.5 GiB", "100" or a number; each unit is 1,024 of the next.

    Raises:
        ValueError: it is no size, and says what is one. TypeError: neither text nor a number.
    """
    if isinstance(size, bool) or not isinstance(size, (str, int, float)):
        raise TypeError(f"a size is text as '24 MB' or a number of bytes, not {size!r}")
    if isinstance(size, str):
        with (
            standard
        ):  # a process that is attached to stands still for what is imported above
            import re
        match = re.fullmatch(_SIZE, size)
        if not match:
            raise ValueError(f"{size!r} is no size: write '24 MB', '500K', '1.5 GiB'")
        power = _POWERS.index(match[2].upper() or " ")
        return int(float(match[1]) * 1024**power)
    if not 0 <= size < float("inf"):
        raise ValueError(f"{size!r} is no size: write bytes, or '24 MB'")
    return int(size)


def show(count: int) -> str:
    """Bytes as "1.5 MiB"; whole ones below 1 KiB, as the reports have them."""
    size, unit = float(abs(count)), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if size < 1023.95:
            break
        size, unit = size / 1024, larger
    sign = "-" if count < 0 else ""
    return f"{sign}{size:.0f} {unit}" if unit == "B" else f"{sign}{size:,.1f} {unit}"


def change(count: int) -> str:
    """The same with its sign: "+1.5 MiB"."""
    return f"+{show(count)}" if count > 0 else show(count)
