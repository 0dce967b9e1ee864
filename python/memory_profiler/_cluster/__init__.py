"""Heap captures of workers that an engine starts, on hosts that share no files.

    recording   this process records into a folder of its host that is the run's
    nanny       Dask's start workers that record from their first import on
    watch       what Dask says of their memory, kept in their captures
    clocks      how much hosts' clocks differ, where plots look for it
    travel      captures as bytes, and files again where they are gathered

Imported by `dask`, `ray` and `mpi`, which have public names.
"""
