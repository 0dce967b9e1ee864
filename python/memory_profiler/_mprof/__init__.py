"""`python -m mprof` in Python, for the py3-none-any wheel alone.

    commands   run, attach, peak, list, rm, clean
    picture    plot

Imported by mprof.py alone. Imports `_pure` and `memory_profiler.plot`.
"""
