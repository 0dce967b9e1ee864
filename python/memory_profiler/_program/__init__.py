"""Programs that we run: `python -m memory_profiler`, what `mprof heap` and `mprof run` start.

    options    the command line          run           a program under a profiler
    program    finds and runs one        ending        ends as the interpreter does
    child      processes started anew    run_profiler  counts for every decorator of a run
    compat     names of 0.61 that programs import

Imported by `__main__` and `_heap_run`. Imports all but `_notebook` and `_mprof`.
"""
