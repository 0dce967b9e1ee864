"""memory_usage as its users know it: what can be measured, and what comes back."""

import inspect
import io
import re
import subprocess
import sys
import threading
import time

import pytest

from conftest import Workshop
from memory_profiler._timeline.usage import memory_usage
from programs import build_jump
from usage_helpers import MIB, TOLERANCE, run, spike


def test_the_signature_is_the_classics():
    names = [
        "proc", "interval", "timeout", "timestamps", "include_children", "multiprocess",
        "max_usage", "retval", "stream", "backend", "max_iterations",
    ]  # fmt: skip
    parameters = inspect.signature(memory_usage).parameters
    assert list(parameters) == names
    assert parameters["proc"].default == -1
    assert parameters["interval"].default == 0.1
    assert not any(
        p.default for n, p in parameters.items() if n not in ("proc", "interval")
    )


# A function --------------------------------------------------------------------------------


def test_a_function_runs_exactly_once_in_this_process_and_thread():
    calls = []
    usage = memory_usage(lambda: calls.append(threading.get_ident()))
    assert calls == [threading.get_ident()]
    assert len(usage) == 2


@pytest.mark.parametrize("shape", [
    lambda f: (f, (1, 2), {"c": 3}), lambda f: [f, [1, 2], {"c": 3}],
    lambda f: (f, (1, 2, 3)), lambda f: (lambda: f(1, 2, 3),), lambda f: lambda: f(1, 2, 3),
])  # fmt: skip
def test_every_shape_of_a_call_is_taken(shape):
    usage, returned = memory_usage(shape(lambda a, b, c: (a, b, c)), retval=True)
    assert returned == (1, 2, 3)
    assert all(isinstance(mib, float) and 5 < mib < 1000 for mib in usage)


def test_code_runs_in_a_fresh_namespace():
    marker = sys.modules[__name__]
    assert memory_usage(
        "assert __name__ == '__main__' and 'marker' not in globals(); x = 1"
    )
    assert not hasattr(marker, "x")
    grown = memory_usage("data = bytearray(80 << 20); import time; time.sleep(.1)", 0.02)
    assert max(grown) - grown[0] > 75


def test_samples_begin_before_the_call_and_end_after_it():
    kept = []
    usage = memory_usage((lambda: kept.append(bytearray(64 * MIB)),), interval=3600)
    assert len(usage) == 2
    assert usage[1] - usage[0] == pytest.approx(64, abs=TOLERANCE)


def test_timestamps_pair_each_figure_with_its_time():
    before = time.time()
    usage = memory_usage((time.sleep, (0.25,)), interval=0.05, timestamps=True)
    times = [at for _, at in usage]
    assert times == sorted(times)
    assert before <= times[0] and times[-1] <= time.time()
    assert 2 <= len(usage) <= 8


def deadlines_not_accounted_for() -> float:
    """Milliseconds of a run of half a second in which a sample was neither taken nor missed. The
    last one counts in full when it came late: only the one after it would tell.
    """
    from memory_profiler import _core

    sampler = _core.Sampler(0.001)
    sampler.start()
    time.sleep(0.5)
    sampler.stop()
    times = [at for _, at in sampler.samples()]
    taken, missed = len(times) - 2, sampler.work()["late"]
    span = times[-2] - times[0]  # the last is stop()'s
    return abs(taken + missed - span / 0.001)


def test_samples_stand_on_absolute_deadlines():
    """Deadlines that move with each late sample would lose some in every run."""
    assert any(deadlines_not_accounted_for() <= 3 for _ in range(8))


def test_a_spike_of_a_millisecond_is_in_the_maximum():
    before = memory_usage()[0]
    peak = memory_usage((spike, (200,)), interval=3600, max_usage=True)
    assert peak - before == pytest.approx(200, abs=TOLERANCE)


def test_a_spike_before_the_call_is_not_in_its_maximum():
    spike(300)
    before = memory_usage()[0]
    assert memory_usage((spike, (50,)), max_usage=True) - before == pytest.approx(50, abs=2)
    assert memory_usage((int,), max_usage=True) - before == pytest.approx(0, abs=TOLERANCE)


def test_a_call_inside_a_call_leaves_the_outer_maximum_alone():
    inner = []

    def work():
        spike(150)
        inner.append(memory_usage((spike, (40,)), max_usage=True))
        spike(20)

    before = memory_usage()[0]
    outer = memory_usage(work, max_usage=True)
    assert inner[0] - before == pytest.approx(40, abs=TOLERANCE)
    assert outer - before == pytest.approx(150, abs=TOLERANCE)


def test_calls_in_several_threads_each_see_the_process():
    results = []

    def measure():
        results.append(memory_usage((spike, (60,)), interval=0.001, max_usage=True))

    before = memory_usage()[0]
    threads = [threading.Thread(target=measure) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert all(55 < peak - before < 4 * 60 + 10 for peak in results)


def test_the_shapes_of_maximum_result_and_times():
    assert isinstance(memory_usage((int,), max_usage=True), float)
    mib, at = memory_usage((int,), max_usage=True, timestamps=True)
    assert isinstance(mib, float) and abs(at - time.time()) < 60
    assert memory_usage((int, ("7",)), max_usage=True, retval=True)[1] == 7
    (mib, at), value = memory_usage((int,), max_usage=True, timestamps=True, retval=True)
    assert value == 0
    assert isinstance(memory_usage((int,), multiprocess=True)[0], float)


def test_max_iterations_and_timeout_neither_repeat_nor_stop_a_function():
    calls = []
    memory_usage(
        (lambda: (calls.append(1), time.sleep(0.05)),), 0.01, 0.01, max_iterations=5
    )
    assert calls == [1]


def test_a_function_writes_its_samples_to_a_stream():
    stream = io.StringIO()
    assert memory_usage((time.sleep, (0.1,)), interval=0.02, stream=stream) is None
    lines = stream.getvalue().splitlines()
    assert len(lines) >= 2
    assert all(re.fullmatch(r"MEM \d+\.\d{6} \d+\.\d{4}", line) for line in lines)
    assert memory_usage((int,), stream=stream, retval=True) == (None, 0)


def test_children_are_added_and_we_are_not_one_of_them():
    alone = memory_usage((int,), include_children=True)
    plain = memory_usage((int,))
    assert alone[0] == pytest.approx(plain[0], abs=TOLERANCE)
    code = "d = bytearray(60 << 20); print(flush=True); input()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe) as child:
        child.stdout.readline()
        summed = memory_usage((int,), include_children=True)[0]
        assert 60 < summed - memory_usage()[0] < 100
        assert memory_usage(-1, include_children=True)[0] == pytest.approx(summed, abs=2)
        nested = memory_usage(-1, multiprocess=True)
        assert len(nested) == 1 and len(nested[0]) == 2 and 60 < nested[0][1] < 100
        stream = io.StringIO()
        assert memory_usage(-1, multiprocess=True, stream=stream) is None
        assert re.fullmatch(
            rf"MEM \d+\.\d{{6}} \d+\.\d{{4}}\nCHLD {child.pid} \d+\.\d{{6}} \d+\.\d{{4}}\n",
            stream.getvalue(),
        )
        child.communicate(b"\n")


# A process ---------------------------------------------------------------------------------


def test_a_pid_is_one_sample_and_a_timeout_makes_more():
    assert len(memory_usage()) == 1
    assert len(memory_usage(-1, 0.02, 0.1)) == 5
    assert memory_usage(-1, 0.1, 0) == []
    assert memory_usage(-1, 0.1, 0.01) == []
    assert isinstance(memory_usage(-1, 0.02, 0.1, max_usage=True), float)
    assert isinstance(memory_usage(-1, 0.1, 0, max_usage=True), float)


def test_a_string_of_digits_is_a_pid():
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE
    ) as child:
        by_text = memory_usage(str(child.pid))
        assert by_text == pytest.approx(memory_usage(child.pid), abs=20)
        assert len(memory_usage(str(child.pid), 0.01, 0.03, timestamps=True)[2]) == 2
        child.communicate(b"\n")


def test_a_popen_is_sampled_until_it_ends():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(.3)"])
    usage = memory_usage(child, interval=0.02)
    assert child.returncode == 0
    assert len(usage) >= 5 and max(usage) > 5


def test_a_popen_outlives_the_timeout():
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE
    ) as child:
        assert len(memory_usage(child, 0.02, 0.1)) == 5
        assert memory_usage(child, 0.1, 0) == []
        assert child.poll() is None
        child.communicate(b"\n")


def test_the_mark_of_a_popen_that_moved_is_its_maximum():
    code = "input(); d = bytearray(150 << 20); del d; print(flush=True); input()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe) as child:
        base = memory_usage(child.pid)[0]

        class Driven:  # like Popen; lets the spike happen between two samples
            pid = child.pid
            looks = 0

            def poll(self):
                self.looks += 1
                if self.looks == 2:
                    child.stdin.write(b"\n")
                    child.stdin.flush()
                    child.stdout.readline()
                return None if self.looks < 3 else 0

        peak = memory_usage(Driven(), interval=0.001, max_usage=True)
        assert base + 145 < peak < base + 200
        child.communicate(b"\n")


# Backends ----------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["psutil", "psutil_pss", "psutil_uss", "posix"])
def test_every_backend_sees_memory_grow(backend, recwarn):
    kept = []
    usage = memory_usage((lambda: kept.append(bytearray(50 * MIB)),), backend=backend)
    assert usage[-1] - usage[0] == pytest.approx(50, abs=TOLERANCE)
    assert not recwarn.list


def test_tracemalloc_counts_what_python_allocates():
    import tracemalloc

    def work():
        data = bytearray(30 * MIB)
        time.sleep(0.1)
        del data

    def work_with_spike():
        work()
        spike(80)

    usage = memory_usage(work, 0.02, backend="tracemalloc")
    assert 29 < max(usage) - usage[0] < 31 and usage[-1] < 1
    assert (
        79 < memory_usage(work_with_spike, 3600, backend="tracemalloc", max_usage=True) < 81
    )
    assert not tracemalloc.is_tracing()
    with pytest.raises(ValueError, match="this process only"):
        memory_usage(1, backend="tracemalloc")
    with pytest.raises(ValueError, match="cannot see child"):
        memory_usage(int, include_children=True, backend="tracemalloc")


def test_tracemalloc_of_the_program_goes_on():
    out = run("""
        import tracemalloc
        tracemalloc.start()
        kept = bytearray(20 << 20)
        usage = memory_usage((spike, (5,)), backend="tracemalloc")
        print(tracemalloc.is_tracing(), usage[0] > 19)
    """)
    assert out == "True True\n"


def test_an_unknown_backend_is_named():
    with pytest.raises(KeyError, match="nosuch"):
        memory_usage(backend="nosuch")


# What it costs -----------------------------------------------------------------------------


def test_importing_it_brings_nothing_heavy():
    out = run("""
        memory_usage(int)
        heavy = {"multiprocessing", "psutil", "IPython", "tracemalloc", "asyncio"}
        print(sorted(heavy & set(sys.modules)))
    """)
    assert out == "[]\n"
    code = """
        import sys
        before = set(sys.modules)
        from memory_profiler._timeline.usage import memory_usage
        heavy = {"subprocess", "threading", "multiprocessing", "tracemalloc", "psutil"}
        print(sorted(heavy & (set(sys.modules) - before)))
    """
    done = subprocess.run(
        [sys.executable, "-c", inspect.cleandoc(code)], capture_output=True, text=True
    )
    assert done.stdout == "[]\n", done.stderr


def test_a_sample_is_one_reading():
    from memory_profiler import _core

    sampler = _core.Sampler(0.001)
    sampler.start()
    time.sleep(0.1)
    sampler.stop()
    assert sampler.work()["reads"] == len(sampler.samples()) >= 3


def test_many_calls_leave_no_thread_and_no_descriptor():
    out = run("""
        spike()
        memory_usage(spike, max_usage=True)  # the process keeps one meter of its own
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(200):
            memory_usage(int, 0.001, max_usage=True)
        time.sleep(0.05)
        print(len(os.listdir("/proc/self/fd")) - before, threads())
    """)
    assert out == "0 1\n"


def test_the_examples_in_the_docstrings_are_true():
    code = """
        import doctest
        from memory_profiler import _backends
        from memory_profiler._timeline import memory
        from memory_profiler._timeline import memtimer
        from memory_profiler._timeline import usage
        for module in _backends, memory, memtimer, usage:
            done = doctest.testmod(module)
            print(module.__name__, done.failed, done.attempted > 0)
    """
    for line in run(code).splitlines():
        assert line.endswith(" 0 True"), line


@pytest.mark.skipif(sys.platform != "linux", reason="preloads a library")
@pytest.mark.parametrize("backend", ["psutil", "tracemalloc"])
def test_faults_55_steps_of_the_wall_clock_move_no_time_stamp(
    shop: Workshop, backend: str
) -> None:
    run = shop.python(
        "-c",
        "import time; from memory_profiler import memory_usage\n"
        f"usage = memory_usage((time.sleep, (0.3,)), interval=0.01, timestamps=True, "
        f"backend={backend!r})\n"
        "times = [stamp for _, stamp in usage]\n"
        "print(len(times) > 10, times == sorted(times), times[-1] - times[0] < 60)",
        env={"LD_PRELOAD": build_jump(shop.path)},
    )
    assert run.out == "True True True\n", run
