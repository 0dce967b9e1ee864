"""What memory_usage does with failures, forks, signals and bad input, by row of the list."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest

from memory_profiler import _core
from memory_profiler._timeline.memory import _get_child_memory, _get_memory
from memory_profiler._timeline.usage import memory_usage
from usage_helpers import run, spike

KERNEL = tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2])
root_only = pytest.mark.skipif(os.getuid() != 0, reason="needs root to become another user")


@pytest.mark.parametrize("proc", [
    None, -2, 0, -(2**40), 2**31, 2**70, True, 1.5, {}, b"1", (), [], (3,), ("x", ()),
    (int, (), {}, 1), "-2", "0",
])  # fmt: skip
def test_faults_30_what_cannot_be_measured_is_a_value_error(proc):
    with pytest.raises(ValueError) as raised:
        memory_usage(proc)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("pid", [999_999_999, "999999999"])
def test_faults_30_a_dead_pid_is_named(pid):
    with pytest.raises(ProcessLookupError, match="no process 999999999"):
        memory_usage(pid)
    with pytest.raises(ProcessLookupError, match="no process 999999999"):
        _get_memory(int(pid), "psutil")
    assert list(_get_child_memory(int(pid))) == []


def test_faults_30_a_kernel_thread_has_no_memory_and_a_zombie_is_gone():
    kernel = [p for p in os.listdir("/proc") if p.isdigit() and not _exe(p)]
    if kernel:
        assert memory_usage(int(kernel[0])) == [0.0]
    child = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    child.stdout.read()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    with pytest.raises(ProcessLookupError, match="has ended"):
        memory_usage(child.pid)
    child.communicate()


def _exe(pid):
    with contextlib.suppress(OSError):
        return open(f"/proc/{pid}/cmdline").read() or "Kthread:\t0" in _status(pid)
    return True


def _status(pid):
    with open(f"/proc/{pid}/status") as file:
        return file.read()


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), "abc", None, 1j])
def test_faults_28_an_interval_that_is_no_time_is_refused(seconds):
    with pytest.raises(ValueError, match="interval must be a positive number of seconds"):
        memory_usage(int, interval=seconds)


@pytest.mark.parametrize("seconds", [-1, float("nan"), "abc"])
def test_faults_28_a_timeout_that_is_no_time_is_refused(seconds):
    with pytest.raises(ValueError, match="timeout must be a positive number of seconds"):
        memory_usage(-1, timeout=seconds)


def test_an_interval_too_short_or_too_long_for_a_clock_is_taken():
    assert len(memory_usage((time.sleep, (0.01,)), interval=1e-300)) > 2
    assert len(memory_usage((int,), interval=1e300)) == 2
    assert len(memory_usage((int,), interval=float("inf"))) == 2


def test_faults_32_a_process_that_dies_ends_the_samples():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    killer = threading.Timer(0.2, child.kill)
    killer.start()
    usage = memory_usage(child.pid, interval=0.02, timeout=100)
    killer.join()
    assert 2 <= len(usage) < 5000 and all(mib > 0 for mib in usage[1:])
    assert child.wait() == -signal.SIGKILL


def test_faults_32_a_popen_that_is_already_over_has_no_samples():
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert memory_usage(child) == []
    with pytest.raises(ProcessLookupError):
        memory_usage(child, max_usage=True)
    for _ in range(20):
        assert len(memory_usage(subprocess.Popen(["true"]), interval=0.001)) < 100


def test_faults_32_a_popen_on_its_way_out_is_waited_for():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)

    class Slow:  # gone before the second sample, reapable some polls later
        pid = child.pid
        polls = 0
        returncode = None

        def poll(self):
            self.polls += 1
            if self.polls == 2:
                child.communicate(b"\n")
            if self.polls == 5:
                self.returncode = child.returncode
            return self.returncode

    slow = Slow()
    assert len(memory_usage(slow, interval=0.001)) == 1
    assert slow.returncode == 0


@root_only
@pytest.mark.parametrize("backend", ["psutil_pss", "psutil_uss"])
def test_faults_35_pss_of_another_user_is_refused_not_replaced(backend):
    out = run(f"""
        parent = os.getppid()
        os.setgid(65534), os.setuid(65534)
        print(memory_usage(parent)[0] > 5)
        try:
            memory_usage(parent, backend={backend!r})
        except PermissionError as error:
            print(error.strerror)
    """)
    assert out.startswith("True\ncannot read the ")
    assert "needs the same user or CAP_SYS_PTRACE" in out


@root_only
@pytest.mark.skipif(not shutil.which("unshare"), reason="needs unshare")
def test_faults_36_without_proc_the_message_says_so():
    program = "from memory_profiler._timeline.usage import memory_usage; memory_usage(int)"
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /proc && exec "$0" -c "$1"',
         sys.executable, program],
        capture_output=True, text=True,
    )  # fmt: skip
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip(done.stderr.strip())
    last = done.stderr.strip().splitlines()[-1]
    assert last.endswith("cannot read the RSS of this process: /proc is missing or masked")


@root_only
@pytest.mark.skipif(not shutil.which("unshare"), reason="needs unshare")
@pytest.mark.skipif(
    KERNEL < (5, 8), reason="hidepid is the whole machine's before Linux 5.8"
)
def test_faults_36_a_hidden_process_is_not_called_dead():
    program = """if 1:
        import os
        from memory_profiler._timeline.usage import memory_usage
        os.setgid(65534), os.setuid(65534)
        try: memory_usage(os.getppid())
        except ProcessLookupError as error: print(error.strerror)
    """
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c",
         'mount -t proc -o hidepid=2 proc /proc && "$0" -c "$1"; true',
         sys.executable, program],
        capture_output=True, text=True,
    )  # fmt: skip
    if "mount" in done.stderr or "unshare" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert "cannot be seen" in done.stdout, done.stderr


@pytest.mark.parametrize("raised", [
    ValueError("mine"), KeyboardInterrupt(), SystemExit(7), GeneratorExit(), MemoryError(),
], ids=repr)  # fmt: skip
def test_faults_58_what_the_function_raises_comes_out_unchanged(raised):
    def fail():
        raise raised

    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with pytest.raises(type(raised)) as caught:
        memory_usage(fail, interval=0.001, max_usage=True)
    assert caught.value is raised
    assert child.poll() is None, "another child was touched"
    child.communicate(b"\n")
    assert child.returncode == 0


def test_faults_58_the_sampler_is_reaped_after_an_exception():
    out = run("""
        kept = []
        for error in ValueError, KeyboardInterrupt, SystemExit:
            def fail():
                print(threads(), end=" ")
                raise error
            try: memory_usage(fail, 0.001)
            except BaseException as caught:
                print(caught.__class__.__name__, end=" ")
                kept.append(caught)  # with its frames and what they hold
            time.sleep(0.05)
            print(threads())
    """)
    assert out == "2 ValueError 1\n2 KeyboardInterrupt 1\n2 SystemExit 1\n"


def test_faults_58_exit_inside_a_function_ends_the_program():
    run("memory_usage((sys.exit, (7,)))", check=7)
    run("memory_usage((os._exit, (4,)))", check=4)


def test_faults_58_ctrl_c_while_looking_at_a_process_comes_out():
    out = run("""
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        try: memory_usage(-1, 0.01, timeout=60)
        except KeyboardInterrupt: print("out")
    """)
    assert out == "out\n"


FORKS = """
    def forks():
        for _ in range({count}):
            pid = os.fork()
            if pid == 0:
                os._exit(0)
            os.waitpid(pid, 0)
        return threads()
"""


@pytest.mark.parametrize("backend", ["psutil", "tracemalloc"])
def test_faults_41_forks_while_sampling_give_no_new_warning(backend):
    code = FORKS.format(count=100) + f"""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        usage, alive = memory_usage(forks, 0.0005, retval=True, backend={backend!r})
    print([str(warning.message) for warning in caught], alive, len(usage) > 3)
    """  # fmt: skip
    assert run(code) == "[] 2 True\n"


def test_faults_41_hooks_of_the_program_do_not_bring_the_thread_back_too_early():
    code = FORKS.format(count=20) + """
    memory_usage(int)
    os.register_at_fork(after_in_parent=lambda: [str(i) for i in range(100)])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        alive = memory_usage(forks, 0.0005, retval=True)[1]
    print([str(warning.message) for warning in caught], alive)
    """  # fmt: skip
    assert run(code) == "[] 2\n"


def test_faults_41_a_program_thread_still_warns_as_it_would_without_us():
    code = FORKS.format(count=1) + """
    stop = threading.Event()
    threading.Thread(target=stop.wait).start()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        memory_usage(forks, 0.001)
    stop.set()
    print(len(caught))
    """  # fmt: skip
    assert run(code) == f"{1 if sys.version_info >= (3, 12) else 0}\n"


def test_faults_39_forks_among_busy_threads_neither_hang_nor_crash():
    out = run("""
        warnings.simplefilter("ignore")
        stop = threading.Event()
        def churn():
            while not stop.is_set():
                memory_usage((spike, (1,)), 0.001, max_usage=True)
        workers = [threading.Thread(target=churn) for _ in range(4)]
        for worker in workers: worker.start()
        codes = set()
        for _ in range(100):
            pid = os.fork()
            if pid == 0:
                os._exit(3 if len(memory_usage((spike, (1,)), 0.001)) >= 2 else 4)
            codes.add(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        stop.set()
        for worker in workers: worker.join()
        print(codes)
    """)
    assert out == "{3}\n"


def test_faults_39_a_child_that_returns_through_the_call_ends_it_too():
    out = run("""
        def split():
            return os.fork()
        usage, pid = memory_usage(split, 0.001, retval=True, max_usage=True)
        if pid == 0:
            os._exit(5 if usage > 1 and threads() == 1 else 6)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    """)
    assert out == "5\n"


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_faults_40_it_works_in_pools_of_every_kind(method, tmp_path):
    program = tmp_path / "pool.py"
    program.write_text(f"""
import multiprocessing, time
from memory_profiler._timeline.usage import memory_usage
def task(mib):
    return memory_usage((bytearray, (mib << 20,)), max_usage=True, retval=True)[0]
def both():
    with multiprocessing.get_context({method!r}).Pool(2) as pool:
        return pool.map(task, [30, 60])
if __name__ == "__main__":
    usage, (small, large) = memory_usage(both, 0.01, retval=True, include_children=True)
    print(20 < large - small < 40, len(usage) > 2)
""")
    done = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, timeout=120
    )
    assert (done.stdout, done.stderr) == ("True True\n", "")


@pytest.mark.parametrize("backend", ["psutil", "tracemalloc"])
def test_faults_45_signals_and_masks_of_the_program_are_as_without_us(backend):
    code = """
        handled = []
        signal.signal(signal.SIGALRM, lambda *a: handled.append(threading.get_native_id()))
        def work():
            before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
            signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
            until = time.monotonic() + 0.3
            while time.monotonic() < until: pass
            signal.setitimer(signal.ITIMER_REAL, 0)
            own = [t for t in os.listdir("/proc/self/task") if t != str(os.getpid())]
            blocked = [line for line in open(f"/proc/self/task/{own[0]}/status")
                       if line.startswith("SigBlk")][0].split()[1]
            return before, int(blocked, 16)
        mask, blocked = memory_usage(work, 0.001, retval=True, backend=BACKEND)[1]
        everything = sum(1 << (n - 1) for n in signal.valid_signals()
                         if n not in (signal.SIGKILL, signal.SIGSTOP))
        print(mask, blocked & everything == everything, set(handled) == {os.getpid()},
              len(handled) > 10, signal.pthread_sigmask(signal.SIG_BLOCK, []))
    """
    out = run(code.replace("BACKEND", repr(backend)))
    assert out == "set() True True True set()\n"


def test_faults_45_a_system_call_of_the_program_is_not_interrupted():
    out = run("""
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        def work():
            return libc.usleep(200_000), ctypes.get_errno()
        print(memory_usage(work, 0.0005, retval=True)[1])
    """)
    assert out == "(0, 0)\n"


@root_only
def test_faults_52_without_a_thread_to_be_had_nothing_runs():
    out = run("""
        import resource
        os.setgid(65534), os.setuid(65534)
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        ran = []
        try: memory_usage((ran.append, (1,)))
        except OSError as error: print(error.strerror, ran)
    """)
    assert out.startswith("cannot start the sampling thread: ") and out.endswith("[]\n")


def test_faults_52_a_full_descriptor_table_costs_only_speed():
    out = run("""
        import resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
        files = []
        try:
            while True: files.append(os.open("/dev/null", os.O_RDONLY))
        except OSError: pass
        os.close(files.pop())
        usage = memory_usage((bytearray, (50 << 20,)), max_usage=True, retval=True)
        print(usage[0] > 50)
    """)
    assert out == "True\n"


def test_faults_53_a_program_that_closes_our_descriptor_is_sampled_on():
    out = run("""
        kept = []
        def work():
            os.closerange(3, 4096)
            time.sleep(0.05)
            null = os.open("/dev/null", os.O_RDWR)
            for fd in range(300, 190, -1): os.dup2(null, fd)
            kept.append(bytearray(40 << 20))
            time.sleep(0.2)
        usage = memory_usage(work, 0.005)
        os.write(200, b"still the program's")
        print(len(usage) > 2, usage[-1] - usage[0] > 38)
    """)
    assert out == "True True\n"


@pytest.mark.parametrize("flags, ours", [("p", False), ("", True)])
def test_under_a_sampler_that_owns_the_mark_it_is_left_alone(flags, ours):
    out = run(f"""
        os.environ["MPROF_RUN"] = f"1:{{os.getpid()}}:{flags}:0:/run.dat"
        spike(150)
        seen = memory_usage((spike, (40,)), max_usage=True) - memory_usage()[0]
        mark = open("/proc/self/status").read().split("VmHWM:")[1].split()[0]
        print(round(seen / 10) == 4, int(mark) < 150 * 1024)
    """)
    exact, was_reset = out.split()
    assert was_reset == str(ours)
    assert exact == "True" or not ours  # a sample may have seen the spike all the same


def test_faults_53_a_descriptor_that_the_program_made_its_own_is_not_closed():
    out = run("""
        from memory_profiler import _core
        sampler = _core.Sampler(10)
        links = {fd: os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")
                 if int(fd) >= 200}
        null = os.open("/dev/null", os.O_RDWR)
        for fd in links: os.dup2(null, int(fd))
        del sampler
        print(len(links) > 0, all(os.write(int(fd), b"x") for fd in links))
    """)
    assert out == "True True\n"


def test_a_daemonic_process_can_measure():
    out = run("""
        import multiprocessing
        def body(queue):
            queue.put(len(memory_usage((spike, (1,)))))
        context = multiprocessing.get_context("fork")
        queue = context.SimpleQueue()
        process = context.Process(target=body, args=(queue,), daemon=True)
        process.start()
        print(queue.get() >= 2)
        process.join()
    """)
    assert out == "True\n"


def test_a_small_program_started_by_a_large_one_has_its_own_maximum():
    ballast = bytearray(200 << 20)
    out = run("""
        before = memory_usage()[0]
        print(round((memory_usage((spike, (40,)), max_usage=True) - before) / 10))
    """)
    assert out == "4\n"
    del ballast


def test_a_running_sampler_refuses_what_its_thread_owns():
    sampler = _core.Sampler(10)
    sampler.stop()
    sampler.start()
    for use in (
        sampler.start,
        sampler.sample,
        sampler.samples,
        sampler.children,
        sampler.work,
    ):
        with pytest.raises(RuntimeError, match="stop it first"):
            use()
    sampler.stop()
    sampler.stop()
    assert len(sampler.samples()) == 2
    for wrong in {"interval": 0}, {"interval": float("nan")}, {"interval": 1, "pid": -1}:
        with pytest.raises(ValueError):
            _core.Sampler(**wrong)
    with pytest.raises(ValueError, match="unknown metric"):
        _core.Sampler(1, metric="vms")


def test_a_sampler_that_is_dropped_while_it_runs_is_reaped():
    out = run("""
        from memory_profiler import _core
        for _ in range(50):
            sampler = _core.Sampler(0.0005, peak=True)
            sampler.start()
            del sampler
        time.sleep(0.05)
        print(threads())
    """)
    assert out == "1\n"
    spike(1)
