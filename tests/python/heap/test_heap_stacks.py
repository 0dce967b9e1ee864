"""The stacks in a capture against those that the program had, frame by frame."""

from __future__ import annotations

import os
import pickle
import random
import subprocess
import sys
from pathlib import Path

import pytest

from heap_captures import Capture

PROGRAM = Path(__file__).with_name("heap_moments.py")
SHAPES = ["alone", "deep", "in_threads", "handed_on", "with_signals", "with_a_profile_function",
          "in_tasks", "in_greenlets"]  # fmt: skip


def run(mode: str, seed: str, shape: str, into: Path, blocks_at: Path) -> None:
    words = [mode, seed, shape, str(into)]
    done = subprocess.run(
        [sys.executable, str(PROGRAM), *words], capture_output=True, text=True, timeout=120,
        env={**os.environ, "PYTHONPATH": str(blocks_at)},
    )  # fmt: skip
    assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stderr[-3000:]}"


def compare(notes: Path, captured: Path) -> int:
    """How many moments there were, each at its stack."""
    stacks, counted = pickle.loads(notes.read_bytes())
    capture = Capture(captured)
    assert capture.clean and not capture.shortened and not capture.untracked
    number_of: dict[int, int | None] = {0: 0}
    found: dict[int, list[int]] = {}
    for number, node in enumerate(capture.nodes[1:], 1):
        noted = stacks.get((number_of[node.parent], *capture.frame(node)))
        number_of[number] = noted
        if noted:  # several nodes when a call has several instructions
            there = found.setdefault(noted, [0, 0])
            there[0] += node.blocks
            there[1] += node.total
    wrong = {
        number: (found.get(number), count)
        for number, count in counted.items()
        if found.get(number) != count
    }
    assert not wrong, describe(stacks, wrong)
    return sum(count for count, _ in counted.values())


def describe(stacks: dict, wrong: dict) -> str:
    by_number = {number: key for key, number in stacks.items()}
    lines = [f"{len(wrong)} stacks are wrong"]
    for number, (found, noted) in list(wrong.items())[:5]:
        lines.append(f"captured [blocks, bytes] {found}, really {noted}:")
        while number and len(lines) < 60:
            number, *frame = by_number[number]
            lines.append(f"    {frame}")
    return "\n".join(lines)


def check(shape: str, seed: str, into: Path, blocks_at: Path) -> int:
    """Noted in one run and captured in another that looks at no frame; and both in one."""
    print(f"seed {seed}")
    moments = 0
    for mode in ("note", "track", "both"):
        run(mode, seed, shape, into, blocks_at)
    captures = sorted(into.glob("track-*.mprof"))
    assert captures
    for captured in captures:
        number = captured.stem.partition("-")[2]
        moments += compare(into / f"note-{number}.notes", captured)
        compare(into / f"both-{number}.notes", into / f"both-{number}.mprof")
    return moments


@pytest.fixture(params=SHAPES)
def shape(request: pytest.FixtureRequest) -> str:
    if request.param == "in_greenlets":
        pytest.importorskip("greenlet")
    return request.param


def test_every_block_is_charged_to_the_stack_it_had(
    shape: str, tmp_path: Path, blocks_at: Path
) -> None:
    moments = check(shape, "1", tmp_path, blocks_at)
    assert moments > 1000, moments


def test_programs_never_run_before_have_their_stacks_too(
    shape: str, tmp_path: Path, blocks_at: Path
) -> None:
    check(shape, str(random.randrange(10**9)), tmp_path, blocks_at)
