"""What was measured, as objects and as text.

    results    tables of lines as plain objects, in bytes
    sources    the source lines that stand beside the figures
    codemap    the classic's view of tables, in MiB
    write      text, JSON, CSV and HTML onto a stream that may refuse

Imported by `_lines`, `_timeline`, `_program`, `_notebook`. Imports the ground alone.
"""
