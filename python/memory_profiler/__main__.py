"""`python -m memory_profiler`. Python runs this file itself: it imports nothing that a program
could have one of, not even `__future__`."""

from memory_profiler._program.options import main

if __name__ == "__main__":
    main()
