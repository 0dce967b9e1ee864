"""Heap captures, beside `memory_profiler.heap` and `_heap_run`, which have public names.

    children   processes that a program under `mprof heap` starts record their own heaps
    texts      the text of code in no file, as a notebook's cells are
    views      what `mprof` says of a capture
    frames     a recording as a pandas DataFrame
    holders    who keeps objects alive
    shown      a recording as a notebook and a terminal show it

Imported by `heap`, `_heap_run`, `_program`, `_notebook` and memory_profiler_heap.pth. Imports
`_core`, and `_limits` for what is shown to people.
"""
