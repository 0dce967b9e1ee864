"""The core in plain Python, for systems and interpreters that the C core was not built for.

    meter     bytes of processes, from /proc or from psutil
    lines     line tables and who is charged for what changed
    monitoring, settrace   the interpreter's events: one of them, by what it offers
    sampler   a process's memory over time, by a Python thread
    render    the reports, byte for byte the C core's
    mprof     `python -m mprof`

`memory_profiler._core` is made of these where the extension module is not there.
"""

__version__ = "1.0.0"
