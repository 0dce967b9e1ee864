"""What both instruments do around calls: the wrapper for each kind of object, and what of it
pickle can send.

    wrap       finds the code in a function, method, property, class; wraps each kind
    travel     wrappers begin their calls in the process that unpickles them

Imported by `_lines`, `_timeline`, `_program`, `_notebook`. Imports `_lost` and `_say` alone.
"""
