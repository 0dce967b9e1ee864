"""What of ours a profiled program can see: calls, descriptors."""

from __future__ import annotations

import pytest

from conftest import PURE, Workshop

DESCRIPTORS = """
import os

def ancestors():
    links = []
    for fd in os.listdir("/proc/self/fd"):
        try:
            links.append(os.readlink(f"/proc/self/fd/{fd}"))
        except OSError:
            pass
    here = f"/proc/{os.getpid()}/"
    return [link for link in links if link.startswith("/proc/") and not link.startswith(here)
            and link.split("/")[2].isdigit() and not link.endswith("/fd")]

def generations(n):
    if n:
        pid = os.fork()
        if not pid:
            generations(n - 1)
            os._exit(len(ancestors()))
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if code:
            os._exit(code)
"""


@pytest.mark.skipif(PURE, reason="descriptors are the C core's")
@pytest.mark.parametrize("decorated", [False, True])
def test_a_forked_child_keeps_no_descriptor_on_its_ancestors(
    shop: Workshop, decorated
) -> None:
    call = "profile(generations)(4)" if decorated else "generations(4)"
    run = shop.profile(
        f"{DESCRIPTORS}\n@profile\ndef warm(): return bytearray(2 << 20)\nwarm()\n{call}\n",
        *(() if decorated else ("--peak", "--heap")),
    )
    assert (run.code, run.err) == (0, "")


@pytest.mark.skipif(PURE, reason="there is no mprof heap")
def test_nor_does_one_that_records_its_heap(shop: Workshop) -> None:
    shop.write("script.py", f"{DESCRIPTORS}\ngenerations(4)\n")
    from recordings import Recorder

    run = Recorder(shop.path).mprof("heap", "-o", "run.mprof", "script.py")
    assert run.code == 0, run.err


@pytest.mark.skipif(PURE, reason="a finder in Python is a function like others")
def test_a_program_that_traces_calls_sees_none_of_ours(shop: Workshop) -> None:
    run = shop.profile("""
        import sys
        seen = set()
        def trace(frame, event, arg):
            seen.add(frame.f_globals.get("__name__"))
        sys.setprofile(trace)
        import decimal, json.tool, xml.dom
        sys.setprofile(None)
        assert len(seen) > 1
        assert not [name for name in seen if str(name).startswith("memory_profiler")], seen
        @profile
        def work(): pass
    """)
    assert (run.code, run.err) == (0, "")
