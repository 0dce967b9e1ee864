"""%memit, %mprun, %%mprof, %%mheap, %holders.

    magics     the magics and their options
    cells      statements compiled as the shell compiles its own
    lookup     which functions `-f` means
    heap       a cell recorded block by block
    holders    who keeps objects alive
    options    a magic's options
    results    what the magics return, and how it shows itself
    steps      which line of a cell ran when

Imported by nobody, only through names of `memory_profiler`. Imports `_lines`, `_calls`,
`_report`, `_limits`, `_heap`, `heap` and the ground.
"""
