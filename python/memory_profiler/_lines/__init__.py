"""Line by line: which functions are measured, and the tables of what they did.

    profiler   LineProfiler: functions, blocks and their tables
    block      `with profile.block()` of the imported name
    percall    the imported decorator: a table for each call
    family     tables of child processes, in files that they count in
    selection  `--all` and `--function`: what is measured without a decorator
    debugger   `--pdb-mmem`

Imported by `_profile`, `_program`, `_notebook`. Imports `_calls`, `_report` and the ground.
"""
