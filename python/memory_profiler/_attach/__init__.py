"""What a process does to which `mprof heap PID` or `mprof objects PID` attaches.

    run         what mprof has it run, by its path: loads this package, answers
    recording   begins a recording as `heap.start` does, and ends it; looks who holds objects

Imported by nobody; mprof starts it. Imports `heap` and `_core`.
"""
