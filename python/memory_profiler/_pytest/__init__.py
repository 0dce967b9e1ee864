"""The pytest plugin: limits, leaks and baselines of memory, test by test.

    plugin     the hooks, and what a session knows
    items      one test: its phases, what each allocated
    children   processes that a test starts
    marks      limit_memory, limit_leaks, limit_leaked_objects, limit_growth
    verdicts   what a failure says, in text and to GitHub
    survivors  objects that a test leaves
    baseline   the file of --memory-save and --memory-compare
    summary    the table at the end

pytest itself imports `memory_profiler_pytest` alone (entry point `pytest11`). Imports
`_limits`, `_heap` and the ground.
"""
