"""Whether repeated runs keep growing, by what is live after each of them.

No single reading decides: what is allocated once (a cache that fills, a table that doubles) is
in one part of the runs, and what leaks is in all of them.

    live  |            ..''       |      ......
          |      ..''             |      :
          |..''                   |......:
            keeps growing           grew once
"""

from __future__ import annotations

_PARTS = 3


def parts(live: list[int]) -> list[int]:
    """What each third of the runs added; `live` begins with what was there before them."""
    last = len(live) - 1
    ends = [last * i // _PARTS for i in range(_PARTS + 1)]
    return [live[ends[i + 1]] - live[ends[i]] for i in range(_PARTS)]


def lasting(live: list[int]) -> int:
    """Bytes that the runs add if each part of them adds what the least of them did; 0: it does
    not keep growing."""
    return max(0, min(parts(live))) * _PARTS
