"""Over time: `memory_usage`, and when functions begin and end.

    usage      memory_usage: samples while a function or process runs
    traced     its sampler for the tracemalloc backend
    memory     one reading of one process
    memtimer   the classic's sampler behind a pipe
    timestamps spans of functions and blocks: TimeStamper

Imported by `_program`. Imports `_calls`, `_report` and the ground.
"""
