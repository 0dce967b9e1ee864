"""Real libraries do under each instrument what they do alone, and known lines hold known bytes."""

from __future__ import annotations

import math
import pathlib

import pytest

import harness
import left_out

JOBS = sorted(path.stem for path in harness.JOBS.glob("*.py"))


def run(job: str, instrument: str, tmp_path: pathlib.Path, base: pathlib.Path):
    """Runs a job under an instrument, and compares what it did with what it does alone."""
    left_out.skip(job, instrument)
    plain = harness.alone(job, base)
    where = harness.room(tmp_path / job, job)
    words = [*harness.INSTRUMENTS[instrument], f"{job}.py"]
    ended = harness.run_to_the_last(words, where, plain.seconds + harness.GRACE)
    assert not ended.left, f"still there: {ended.left}\n{ended.err}"
    out = harness.without_own_words(ended.out) if instrument == "timeline" else ended.out
    assert (ended.code, out) == (plain.code, plain.out), ended.err
    assert harness.own_words(ended.err) == []
    return where


def each_job(jobs):
    """A test of each job: of `jobs` in `make test-real`, of all in `make test-real-all`."""
    groups = [
        pytest.param(
            job,
            marks=[
                pytest.mark.xdist_group(job),
                *([] if job in jobs else [pytest.mark.whole]),
            ],
        )
        for job in JOBS
    ]
    return pytest.mark.parametrize("job", groups)


@each_job(JOBS)
def test_a_job_is_itself_under_heap_and_its_lines_hold_their_bytes(job, tmp_path, base):
    where = run(job, "heap", tmp_path, base)
    held = harness.held_in_heap(where, job)
    for line in harness.held_by(job):
        assert line.allows(held.get(line.line, 0), 64 << 10), (line, held.get(line.line))


@each_job(JOBS[::2])
def test_a_job_is_itself_when_sampled_and_its_lines_hold_their_bytes(job, tmp_path, base):
    where = run(job, "sampled", tmp_path, base)
    held = harness.held_in_heap(where, job)
    for line in harness.held_by(job):
        error = 5 * math.sqrt(harness.SAMPLE * line.bytes)
        assert line.allows(held.get(line.line, 0), error), (line, held.get(line.line))


@each_job(JOBS[1::2])
def test_a_job_is_itself_over_time_and_the_peak_holds_its_lines(job, tmp_path, base):
    where = run(job, "timeline", tmp_path, base)
    (peak,) = harness.mprof_json(where, "peak", "--json", "run.dat")
    assert peak["peak"] >= 0.98 * sum(
        line.bytes for line in harness.held_by(job) if not line.heap_alone
    )


@each_job(JOBS)
def test_a_job_is_itself_under_all_and_its_lines_add_their_bytes(job, tmp_path, base):
    where = run(job, "lines", tmp_path, base)
    added = harness.added_by_lines(where, job)
    for line in harness.held_by(job):
        if not line.heap_alone:
            assert line.allows(added.get(line.line, 0), 1 << 20), (
                line,
                added.get(line.line),
            )
