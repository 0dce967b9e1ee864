"""Limits: how much memory a stretch of a program may hold, and what held it.

    sizes      "24 MB" to bytes, bytes to "24.0 MiB"
    measuring  the recording that all stretches of a process are in, and one stretch
    holders    which lines held it, as text
    limit      `memory_profiler.limit` and MemoryLimitExceeded
    growth     whether repeated runs keep growing
    command    mprof itself

Imported by `door`, `testing`, `_pytest`. Imports the ground.
"""
