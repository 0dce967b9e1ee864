"""Programs that lose their files, their rights or their root while they run: the text of a table, not the
figures, and never the program."""

from __future__ import annotations

import os

import pytest

from conftest import PURE, Workshop

#: What the program does before it works, and whether the pure-Python build can read memory behind it.
WAYS = {
    "another root": ("os.mkdir('empty'); os.chroot('empty'); os.chdir('/')", False),
    "another user": ("os.setgid(65534); os.setuid(65534)", True),
    "no descriptors": ("resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))", False),
}
WORK = """
{first}import os, resource

@profile
def work():
    kept = bytearray(5 * 2**20)
    return len(kept)

{then}
print(work())
"""


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to give it up")
@pytest.mark.parametrize("how", ["-m", "imported"])
@pytest.mark.parametrize("way", WAYS)
def test_a_program_that_cannot_be_read_any_more_has_its_figures(
    shop: Workshop, way: str, how: str
) -> None:
    then, readable = WAYS[way]
    first = "" if how == "-m" else "from memory_profiler import profile\n"
    os.chmod(shop.path, 0o700)  # another user does not reach the source
    os.chmod(shop.write("work.py", WORK.format(first=first, then=then)), 0o600)
    run = shop.python(*(["-m", "memory_profiler"] if how == "-m" else []), "work.py")
    assert run.code == 0 and f"{5 * 2**20}\n" in run.out, run.err
    assert "Traceback" not in run.err and run.err.count("\n") <= 1
    if PURE and not readable:
        assert "cannot read" in run.err or "cannot be read" in run.err
        return
    assert not run.err and "ERROR: Could not find file " in run.out
    (table,) = run.tables
    rows = [row for row in table.rows.values() if row.increment is not None]
    assert [row.occurrences for row in rows] == [1, 1, 1]
    assert 5 <= rows[1].increment < 6
