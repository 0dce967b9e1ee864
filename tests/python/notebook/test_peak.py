"""_core.Peak: intervals in which the process's high-water mark is watched."""

from __future__ import annotations

import pytest

from memory_profiler import _core
from notebooks import take

MIB = 2**20


def spike(size: int) -> None:
    """Takes that many MiB and gives them back."""
    take(size).close()


def test_an_interval_knows_a_spike_between_readings(tolerance: float) -> None:
    peak = _core.Peak()
    spike(150)
    assert peak.end() - peak.start == pytest.approx(150 * MIB, abs=tolerance * MIB)


def test_intervals_nest_and_each_sees_its_own(tolerance: float) -> None:
    outer = _core.Peak()
    spike(120)
    inner = _core.Peak()
    spike(60)
    assert inner.end() - inner.start == pytest.approx(60 * MIB, abs=tolerance * MIB)
    spike(40)
    assert outer.end() - outer.start == pytest.approx(120 * MIB, abs=tolerance * MIB)


def test_reading_leaves_it_open(tolerance: float) -> None:
    peak = _core.Peak()
    spike(50)
    first = peak.read()
    spike(90)
    assert peak.read() - first == pytest.approx(40 * MIB, abs=tolerance * MIB)
    peak.end()


def test_it_ends_once() -> None:
    peak = _core.Peak()
    peak.end()
    for call in (peak.end, peak.read):
        with pytest.raises(RuntimeError, match="this peak has ended: make another"):
            call()


def test_it_takes_no_arguments() -> None:
    with pytest.raises(TypeError):
        _core.Peak(1)


def test_a_curve_needs_samples_and_a_known_form() -> None:
    with pytest.raises(ValueError, match="there are no samples to show"):
        _core.render_series("html", [], 0, 0.1)
    with pytest.raises(ValueError, match="unknown form 'png': html, svg or words"):
        _core.render_series("png", [(1, 0.0)], 0, 0.1)
    with pytest.raises(TypeError):
        _core.render_series("svg", [("a", 0.0)], 0, 0.1)
    with pytest.raises(ValueError, match="there are no runs to show"):
        _core.html_runs(1, [])
    with pytest.raises(TypeError):
        _core.html_runs(1, ["a"])


def test_a_curve_is_drawn_of_one_sample_and_of_equal_ones() -> None:
    for samples in ([(MIB, 0.0)], [(MIB, 0.1 * i) for i in range(5)]):
        for form in ("html", "svg", "words"):
            said = _core.render_series(form, samples, MIB, 0.1)
            assert "nan" not in said and "inf" not in said and "peak 1.0 MiB" in said
