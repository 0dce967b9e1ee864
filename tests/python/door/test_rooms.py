"""The rooms of src/: what is planted there against their rule is found."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.one_version

TOP = Path(__file__).parents[3]
ACCOUNTING, LINES = "src/capture/heap/accounting", "src/capture/lines"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    shutil.copytree(TOP / "src", tmp_path / "src")
    return tmp_path


def check(tree: Path) -> tuple[int, str]:
    run = subprocess.run(
        [sys.executable, TOP / "tools/check_includes.py", "src"],
        cwd=tree, capture_output=True, text=True,
    )  # fmt: skip
    assert run.stderr == ""
    return run.returncode, run.stdout


def plant(tree: Path, name: str, text: str, after: str = "") -> None:
    """Adds a line to a file: at its end, or behind the first line that has a text."""
    path = tree / name
    old = path.read_text() if path.exists() else ""
    head, mark, tail = old.partition(after) if after else (old, "", "")
    assert mark == after
    end, _, rest = tail.partition("\n") if after else ("", "", "")
    path.write_text(f"{head}{mark}{end}\n{text}\n{rest}")


def test_the_rooms_as_they_are_break_no_rule(tree: Path) -> None:
    assert check(tree) == (0, "rooms: each looks downstream only, no circles\n")


@pytest.mark.parametrize(
    "name, header, said",
    [
        ("base/clock.c", "record/heap.h", "base may not include record/heap.h"),
        ("capture/heap/accounting/ledger.c", "capture/heap/python/recording.h",
         "capture/heap/accounting may not include capture/heap/python/recording.h"),
        ("capture/timeline/sampler.c", "capture/lines/gate.h",
         "capture/timeline may not include capture/lines/gate.h"),
        ("capture/timeline/sampler.c", "capture/heap/accounting/flow.h",
         "capture/timeline may not include capture/heap/accounting/flow.h"),
        ("capture/lines/gate.c", "capture/timeline/fork_events.h",
         "capture/lines may not include capture/timeline/fork_events.h"),
        ("capture/lines/gate.c", "capture/heap/accounting/shadow.h",
         "capture/lines may not include capture/heap/accounting/shadow.h"),
        ("capture/lines/gate.c", "capture/heap/python/session.h",
         "capture/lines sees capture/heap/python/lines.h alone of capture/heap/python, "
         "not capture/heap/python/session.h"),
        ("report/lines/text.c", "report/heap/text.h",
         "report/lines may not include report/heap/text.h"),
        ("store/heap/read.c", "Python.h",
         "only the Python door and the tracer see Python.h"),
    ],
)  # fmt: skip
def test_an_include_of_a_room_that_is_none_of_its_is_found(
    tree: Path, name: str, header: str, said: str
) -> None:
    plant(
        tree,
        f"src/{name}",
        f"#include <{header}>" if header == "Python.h" else f'#include "{header}"',
    )
    code, out = check(tree)
    assert code == 1 and f"{name}: {said}\n" in out


@pytest.mark.parametrize(
    "line",
    [
        "void mp_hooks_stop(void);\nvoid mp_planted(void) { mp_hooks_stop(); }",
        "extern void mp_hooks_stop(void);",
        "void *mp_planted = (void *)mp_hooks_stop;",
    ],
)
def test_a_call_into_a_room_above_is_found_however_it_is_declared(
    tree: Path, line: str
) -> None:
    plant(tree, f"{ACCOUNTING}/biased_lock.c", line)
    code, out = check(tree)
    assert code == 1
    assert (
        "capture/heap/accounting/biased_lock.c: capture/heap/accounting may not use mp_hooks_stop "
        "of capture/heap/python\n"
    ) in out


def test_a_variable_of_a_room_above_is_found(tree: Path) -> None:
    plant(tree, f"{ACCOUNTING}/biased_lock.c", "extern struct mp_recording mp_recording;")
    assert (
        "capture/heap/accounting/biased_lock.c: capture/heap/accounting may not use mp_recording "
        "of capture/heap/python\n"
    ) in check(tree)[1]


def test_what_only_looks_like_a_call_is_none(tree: Path) -> None:
    plant(
        tree, f"{ACCOUNTING}/biased_lock.c",
        '/* mp_hooks_stop() ends it. */\nstatic const char *const planted = "mp_hooks_stop";\n'
        "struct mp_recording;",
    )  # fmt: skip
    assert "biased_lock.c" not in check(tree)[1]


def test_headers_that_include_each_other_are_found(tree: Path) -> None:
    plant(
        tree,
        f"{ACCOUNTING}/counting_filter.h",
        '#include "capture/heap/accounting/shadow.h"',
        after="#define",
    )
    code, out = check(tree)
    assert code == 1
    assert (
        "circle of files: capture/heap/accounting/counting_filter -> capture/heap/accounting/shadow -> "
        in out
    )


def test_files_that_call_each_other_are_found(tree: Path) -> None:
    """The ledger calls its recordings inside; they may not call it."""
    plant(tree, f"{ACCOUNTING}/nest.c", "void mp_planted(void *l) { mp_ledger_settle(l); }")
    code, out = check(tree)
    assert code == 1
    assert (
        "circle of files: capture/heap/accounting/ledger -> capture/heap/accounting/nest -> "
        in out
    )


def test_a_room_that_nobody_listed_is_found(tree: Path) -> None:
    (tree / "src/capture/live").mkdir()
    plant(tree, "src/capture/live/view.c", "void mp_live_view(void) {}")
    code, out = check(tree)
    assert code == 1 and "capture/live/view.c: no such room" in out
    assert "capture/live: needs a README.md of ten lines at most\n" in out


def test_a_readme_that_says_another_rule_is_found(tree: Path) -> None:
    plant(tree, f"{LINES}/README.md", "And it may include whatever it likes.")
    code, out = check(tree)
    assert code == 1
    assert (
        "capture/lines/README.md: ends otherwise than tools/check_includes.py says" in out
    )
