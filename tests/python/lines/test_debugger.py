"""--pdb-mmem: the debugger where memory rises over a maximum."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time

import pytest

from conftest import Run, Workshop

SAID = re.compile(
    r"Current memory (\d+\.\d\d) MiB exceeded the maximum of (\d+\.\d\d) MiB\n"
    r"Stepping into the debugger \n"
)
STEPS = """
    def note(text):
        print("did", text, flush=True)

    @profile
    def steps():
        note("one")
        block = b"x" * (200 * 2 ** 20)
        note("two")
        size = len(block)
        del block
        note("three")
        return size

    print("got", steps())
"""


def debug(shop: Workshop, source: str, commands: str, maximum: str = "150", **rest) -> Run:
    rest.setdefault("input", commands.encode())
    return shop.profile(source, f"--pdb-mmem={maximum}", **rest)


def stops(run: Run) -> list[str]:
    """The source lines at which the debugger stopped."""
    return re.findall(r"(?m)^-> (.*)$", run.out)


def test_it_says_two_lines_and_stops_before_the_next_line(shop) -> None:
    run = debug(shop, STEPS, "p size if 'size' in dir() else 'not yet'\np len(block)\nc\n")
    assert run.err == "" and run.code == 0
    (said,) = SAID.finditer(run.out)
    assert 200 < float(said[1]) < 300 and said[2] == "150.00"
    assert stops(run)[0] == 'note("two")'
    assert "'not yet'" in run.out and str(200 * 2**20) in run.out
    assert run.out.index("did one") < said.start() < run.out.index("did two")


def test_nothing_runs_twice(shop) -> None:
    for commands in ("c\n", "n\nn\nn\nc\n", "s\nr\nn\nc\n", "u\nd\nn\nc\n"):
        run = debug(shop, STEPS, commands)
        assert run.code == 0 and run.err == "", commands
        did = re.findall(r"(?:\(Pdb\) )*did (\w+)", run.out)
        assert did == ["one", "two", "three"], commands
        assert f"got {200 * 2**20}" in run.out


def test_next_and_step_go_on_with_the_program(shop) -> None:
    run = debug(shop, STEPS, "n\nn\nn\nc\n")
    assert stops(run) == ['note("two")', "size = len(block)", "del block", 'note("three")']
    run = debug(shop, STEPS, "s\ns\nc\n")
    assert stops(run) == [
        'note("two")',
        "def note(text):",
        'print("did", text, flush=True)',
    ]


def test_breakpoints_set_at_the_prompt_hold(shop) -> None:
    run = debug(shop, STEPS, "b 11\nc\np size\nc\n")
    assert stops(run) == ['note("two")', "del block"]
    assert str(200 * 2**20) in run.out and run.err == "" and run.code == 0


def test_no_report_is_printed(shop) -> None:
    for maximum in ("150", "100000"):
        run = debug(shop, STEPS, "c\n", maximum)
        assert "Line #" not in run.out and run.err == ""
        assert len(SAID.findall(run.out)) == (maximum == "150")


def test_it_stops_again_when_memory_comes_back_over_the_maximum(shop) -> None:
    run = debug(
        shop,
        """
        @profile
        def waves():
            for n in range(3):
                block = b"x" * (200 * 2 ** 20)
                size = len(block)
                del block
                print("wave", n)

        waves()
    """,
        "c\n" * 9,
    )
    assert run.err == "" and run.code == 0
    assert len(SAID.findall(run.out)) == 3
    assert stops(run) == ["size = len(block)"] * 3
    assert re.findall(r"wave (\d)", run.out) == ["0", "1", "2"]


def test_q_ends_quietly(shop) -> None:
    for commands in ("q\n", "n\nq\n", "s\nq\n", "exit\n", "n\nn\nquit\n", "", "n\n"):
        run = debug(shop, STEPS, commands)
        assert run.err == "", (commands, run.err)
        assert "Traceback" not in run.out and "BdbQuit" not in run.out
        assert run.code == 0, commands
        assert "got" not in run.out


def test_q_runs_the_programs_finally_blocks(shop) -> None:
    run = debug(
        shop,
        """
        @profile
        def steps():
            try:
                block = b"x" * (200 * 2 ** 20)
                size = len(block)
            finally:
                print("cleaned")

        steps()
    """,
        "q\n",
    )
    assert run.out.endswith("cleaned\n") and run.err == "" and run.code == 0


def test_a_maximum_first_reached_at_the_return_stops_there(shop) -> None:
    run = debug(
        shop,
        """
        @profile
        def make():
            return b"x" * (200 * 2 ** 20)

        block = make()
        print("got", len(block))
    """,
        "w\nc\n",
    )
    assert run.err == "" and run.code == 0
    assert len(SAID.findall(run.out)) == 1
    assert stops(run)[0].startswith("return b")
    assert f"got {200 * 2**20}" in run.out


FILLED_BY_A_CALL = """
    kept = []
    {decorator}
    def fill():
        kept.append(b"x" * (200 * 2 ** 20))
        inside = 1

    @profile
    def caller():
        fill()
        after = len(kept)
        return after

    caller()
"""


def test_a_maximum_reached_in_an_undecorated_callee_stops_after_the_calling_line(
    shop,
) -> None:
    run = debug(shop, FILLED_BY_A_CALL.format(decorator=""), "p len(kept)\nc\n")
    assert stops(run) == ["after = len(kept)"] and run.err == "" and run.code == 0


def test_a_maximum_reached_in_a_nested_decorated_call_stops_in_it(shop) -> None:
    run = debug(shop, FILLED_BY_A_CALL.format(decorator="@profile"), "up\nc\n")
    assert stops(run) == ["inside = 1", "fill()"] and run.err == "" and run.code == 0


@pytest.mark.parametrize("kind", ["generator", "coroutine"])
def test_a_maximum_reached_in_a_generator_or_coroutine_stops_in_it(shop, kind) -> None:
    source = {
        "generator": """
            @profile
            def steps():
                yield 1
                block = b"x" * (200 * 2 ** 20)
                size = len(block)
                yield 2
                print("end")

            print("got", list(steps()))
        """,
        "coroutine": """
            import asyncio
            @profile
            async def steps():
                await asyncio.sleep(0)
                block = b"x" * (200 * 2 ** 20)
                size = len(block)
                await asyncio.sleep(0)
                print("end")
                return [1, 2]

            print("got", asyncio.run(steps()))
        """,
    }[kind]
    for commands in ("c\n", "n\nn\nc\n"):
        run = debug(shop, source, commands)
        assert stops(run)[0] == "size = len(block)"
        assert run.err == "" and run.code == 0
        assert run.out.replace("(Pdb) ", "").endswith("end\ngot [1, 2]\n")


def test_a_maximum_reached_in_a_thread_stops_in_it(shop) -> None:
    run = debug(
        shop,
        """
        import threading
        @profile
        def steps():
            block = b"x" * (200 * 2 ** 20)
            size = len(block)
            print("end")

        thread = threading.Thread(target=steps)
        thread.start()
        thread.join()
    """,
        "n\nc\n",
    )
    assert stops(run)[0] == "size = len(block)" and run.err == "" and run.code == 0
    assert "end" in run.out


def test_an_imported_profile_stops_too(shop) -> None:
    run = debug(
        shop,
        "from memory_profiler import profile\nimport sys\n"
        + "\n".join(line[4:] for line in STEPS.splitlines()),
        "c\n",
    )
    assert len(SAID.findall(run.out)) == 1 and run.err == "" and "Line #" not in run.out


@pytest.mark.parametrize("how", ["closed", "null", "none"])
def test_without_a_stdin_it_ends_as_q_does(shop, how) -> None:
    source = (
        STEPS
        if how != "none"
        else STEPS.replace('print("got"', 'import sys; sys.stdin = None; print("got"')
    )
    stdin = subprocess.DEVNULL
    options = {"stdin": stdin} if how != "closed" else {"preexec_fn": lambda: os.close(0)}
    shop.write("script.py", source)
    run = shop.run("--pdb-mmem=150", "script.py", timeout=20, **options)
    assert len(SAID.findall(run.out)) == 1
    assert run.code == 0 and "Traceback" not in run.err, run.err


def test_an_exception_that_leaves_the_function_stays_the_programs(shop) -> None:
    run = debug(
        shop,
        """
        @profile
        def steps():
            block = b"x" * (200 * 2 ** 20)
            raise LookupError("mine")

        try:
            steps()
        except LookupError as error:
            print("caught", error)
    """,
        "c\nc\n",
    )
    assert run.err == "" and run.code == 0 and run.out.endswith("caught mine\n")


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "abc", ""])
def test_a_bad_maximum_is_2(shop, value) -> None:
    run = debug(shop, STEPS, "", value)
    assert run.code == 2 and "Traceback" not in run.err and "usage" in run.err


def test_a_small_maximum_stops_at_the_first_line(shop) -> None:
    run = debug(shop, STEPS, "c\n" * 20, "1")
    assert stops(run)[0] == 'note("one")' and run.err == ""


def test_a_terminal_sees_the_prompt_and_drives_it(shop) -> None:
    shop.write("script.py", STEPS)
    parent, child = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "memory_profiler", "--pdb-mmem=150", "script.py"],
        cwd=shop.path,
        stdin=child,
        stdout=child,
        stderr=child,
        start_new_session=True,
        env={**os.environ, "TERM": "dumb", "PYTHON_BASIC_REPL": "1"},
    )
    os.close(child)
    seen = ""

    def read_until(text: str) -> None:
        nonlocal seen
        end = time.monotonic() + 30
        while text not in seen:
            assert time.monotonic() < end, seen
            if not select.select([parent], [], [], 1)[0]:
                continue
            try:
                seen += os.read(parent, 4096).decode().replace("\r\n", "\n")
            except OSError:  # the other end is closed
                assert text in seen, seen
                return

    read_until("(Pdb) ")
    assert SAID.search(seen) and '-> note("two")' in seen
    for command in ("p 6 * 7", "n", "c"):
        at = len(seen)
        os.write(parent, f"{command}\n".encode())
        read_until(
            {
                "p 6 * 7": "42\n(Pdb) ",
                "n": "-> size = len(block)\n(Pdb) ",
                "c": "got 209715200\n",
            }[command]
        )
    assert process.wait(30) == 0
    os.close(parent)
    assert seen.count("did one") == seen.count("did two") == seen.count("did three") == 1


def test_variables_assigned_at_the_prompt_are_the_programs(shop) -> None:
    run = debug(
        shop,
        """
        @profile
        def steps():
            answer = 1
            block = b"x" * (200 * 2 ** 20)
            size = len(block)
            print("answer", answer)

        steps()
    """,
        "!answer = 42\nc\n",
    )
    assert "answer 42" in run.out and run.err == "" and run.code == 0


def test_our_own_frames_are_not_shown(shop) -> None:
    run = debug(shop, STEPS, "w\nr\nn\nc\n")
    assert "memory_profiler/" not in run.out and run.err == "", run.out


def test_a_maximum_that_is_no_number_is_said_in_our_words(shop) -> None:
    for word in ("abc", "", "nan", "0", "-1"):
        run = shop.run(f"--pdb-mmem={word}", "script.py")
        assert run.code == 2 and run.out == ""
        assert f"argument --pdb-mmem: {word!r} is not a size in MiB above 0" in run.err
        assert "_maximum" not in run.err
