"""--all and --function: measuring without touching the source."""

from __future__ import annotations

import pytest

from conftest import Run, Workshop
from programs import RETURNS

TOP = "<module>"  # in the row of a top level's entry

LIBRARY = """
    def load(n):
        return [n] * 10

    def save(n):
        return n

    class Store:
        def put(self, n):
            return load(n)

        @classmethod
        def make(cls):
            return cls()

        @staticmethod
        def fixed():
            return 1

        @property
        def size(self):
            return 2
"""
SCRIPT = """
    import library

    TOP = [1] * 10

    def load_small(n):
        return n

    def load_big(n):
        def part(m):
            return m * 2
        return part(n) + sum(k for k in range(3))

    def never():
        return 0

    class Loader:
        def load(self):
            return load_small(1)

        def save(self):
            return library.save(2)

        class Inner:
            def load(self):
                return 3

    def main():
        load_small(1)
        load_big(2)
        Loader().load()
        Loader().save()
        Loader.Inner().load()
        library.load(1)
        store = library.Store.make()
        store.put(1)
        store.fixed()
        assert store.size == 2

    main()
"""


@pytest.fixture
def both(shop: Workshop) -> Workshop:
    shop.write("library.py", LIBRARY)
    shop.write("script.py", SCRIPT)
    return shop


def heads(run: Run) -> list[str]:
    """The `def` line of each table."""
    found = []
    for table in run.tables:
        sources = [row.source.strip() for row in table.rows.values()]
        found.append(
            sources[0]
            if sources[0] == TOP
            else next((s for s in sources if s.startswith(("def ", "async def "))), "?")
        )
    return found


def select(shop: Workshop, *words: str) -> Run:
    run = shop.run(*words, "script.py")
    assert run.err == "", run.err
    assert run.code == 0
    return run


def test_all_measures_the_programs_functions_and_its_top_level(both) -> None:
    run = select(both, "--all")
    names = heads(run)
    own = [name for table, name in zip(run.tables, names) if table.filename == "script.py"]
    assert own[:-1] == [
        "def load_small(n):",
        "def load_big(n):",
        "def load(self):",
        "def save(self):",
        "def load(self):",
        "def main():",
    ]
    top = run.tables[len(own) - 1]
    assert top.line("TOP = [1] * 10").occurrences == 1
    assert top.line("TOP = [1] * 10").increment is not None
    assert run.tables[1].line("return m * 2").occurrences >= 1


def test_all_counts_what_decorated_functions_count_once(both) -> None:
    both.write(
        "script.py",
        """
        @profile
        def one():
            return 1

        def two():
            return one()

        two()
    """,
    )
    run = select(both, "--all")
    assert sorted(h for h in heads(run)[:-1]) == ["def one():", "def two():"]
    assert len(run.tables) == 3
    (table,) = [t for t in run.tables if t.first.source.strip() == "@profile"]
    assert table.line("return 1").occurrences == 1


@pytest.mark.parametrize(
    "pattern, expected",
    [
        ("load_small", ["def load_small(n):"]),
        ("load_*", ["def load_small(n):", "def load_big(n):"]),
        ("load_?ig", ["def load_big(n):"]),
        ("load_[bs]*", ["def load_small(n):", "def load_big(n):"]),
        ("Loader.load", ["def load(self):"]),
        ("Loader.*", ["def load(self):", "def save(self):", "def load(self):"]),
        ("Loader.Inner.load", ["def load(self):"]),
        ("*.load", ["def load(self):", "def load(self):", "def load(n):"]),
        ("__main__.main", ["def main():"]),
        ("library.load", ["def load(n):"]),
        (
            "library.*",
            [
                TOP,
                "def save(n):",
                "def load(n):",
                "def make(cls):",
                "def put(self, n):",
                "def fixed():",
                "def size(self):",
            ],
        ),
        (
            "library.Store.*",
            ["def make(cls):", "def put(self, n):", "def fixed():", "def size(self):"],
        ),
        ("load_big.part", ["def part(m):"]),
    ],
)
def test_a_pattern_is_a_dotted_name_with_globs(both, pattern, expected) -> None:
    assert sorted(heads(select(both, "--function", pattern))) == sorted(expected)


def test_patterns_can_be_repeated(both) -> None:
    run = select(both, "--function", "main", "--function=library.save")
    assert sorted(heads(run)) == ["def main():", "def save(n):"]


def test_counts_are_those_of_a_decorated_function(both) -> None:
    selected = select(both, "--function", "load_big").table("def load_big")
    source = (both.path / "script.py").read_text()
    (both.path / "script.py").write_text(
        source.replace("def load_big", "@profile\ndef load_big")
    )
    decorated = select(both).table("def load_big")
    counts = [
        [(r.source, r.occurrences) for r in t.rows.values() if r.occurrences]
        for t in (selected, decorated)
    ]
    assert counts[0][1:] == counts[1][1:]  # the entry row is the decorator's


def test_the_first_call_is_measured(both) -> None:
    both.write(
        "script.py",
        """
        def once():
            block = [1] * 10
            return block
        once()
    """,
    )
    (table,) = select(both, "--function", "once").tables
    assert table.line("block = ").occurrences == 1


def test_a_pattern_that_matches_nothing_is_said_in_one_line(both) -> None:
    run = both.run(
        "--function", "nosuch", "--function", "never", "--function", "main", "script.py"
    )
    assert run.code == 0
    lines = run.err.splitlines()
    assert len(lines) == 2 and "Traceback" not in run.err
    assert "nosuch" in run.err and "never" in run.err
    assert heads(run) == ["def main():"]


def test_modules_run_with_m_are_selected_from(both) -> None:
    both.write("pkg/__init__.py", "")
    both.write(
        "pkg/tool.py",
        """
        from pkg import helper
        def work(n):
            return helper.double(n)
        work(1)
    """,
    )
    both.write(
        "pkg/helper.py",
        """
        def double(n):
            return 2 * n
    """,
    )
    for words, expected in (
        (("--function", "pkg.helper.*"), [TOP, "def double(n):"]),
        (("--function", "work"), ["def work(n):"]),
        (("--function", "pkg.helper.double"), ["def double(n):"]),
        (("--function", "*double"), ["def double(n):"]),
    ):
        run = both.run(*words, "-m", "pkg.tool")
        assert run.err == "" and sorted(heads(run)) == expected
    run = both.run("--all", "-m", "pkg.tool")
    assert run.err == "" and heads(run)[0] == "def work(n):"
    assert sorted(heads(run)) == [TOP, TOP, "def double(n):", "def work(n):"]


def test_threads_are_counted(both) -> None:
    both.write(
        "script.py",
        """
        import threading

        def work(n):
            size = n
            return size

        threads = [threading.Thread(target=lambda: [work(n) for n in range(100)]) for _ in range(4)]
        for t in threads: t.start()
        for t in threads: t.join()
    """,
    )
    run = select(both, "--function", "work")
    assert run.table("def work").line("size = n").occurrences == 400


def test_generators_coroutines_and_lambdas_are_selected(both) -> None:
    both.write(
        "script.py",
        """
        import asyncio
        def numbers():
            yield 1
        async def work():
            await asyncio.sleep(0)
        async def ticks():
            yield 1
        async def main():
            await work()
            async for _ in ticks(): pass
        list(numbers())
        asyncio.run(main())
    """,
    )
    names = sorted(heads(select(both, "--function", "*")))
    for name in (
        "def numbers():",
        "async def work():",
        "async def ticks():",
        "async def main():",
    ):
        assert name in names
    assert sorted(heads(select(both, "--all"))) == [
        TOP,
        "async def main():",
        "async def ticks():",
        "async def work():",
        "def numbers():",
    ]


def test_decorated_and_selected_is_one_table(both) -> None:
    both.write("script.py", RETURNS)
    (table,) = select(both, "--function", "work").tables
    assert table.line("return 1").occurrences == 1


def test_standard_library_functions_can_be_selected(both) -> None:
    both.write(
        "script.py",
        """
        import json
        json.loads('{"a": [1, 2]}')
    """,
    )
    run = select(both, "--function", "json.loads")
    assert heads(run) == ["def loads(s, *, cls=None, object_hook=None, parse_float=None,"]


def test_exceptions_and_sys_exit_still_report(both) -> None:
    both.write(
        "script.py",
        """
        import sys
        def work():
            sys.exit(3)
        work()
    """,
    )
    run = both.run("--all", "script.py")
    assert run.code == 3 and len(run.tables) == 2
    run = both.run("--function", "work", "script.py")
    assert run.code == 3 and len(run.tables) == 1


def test_a_function_that_runs_when_selection_ends_is_no_crash(both) -> None:
    both.write(
        "script.py",
        """
        import atexit, threading, time
        def late():
            return 1
        atexit.register(late)
        def forever():
            while True:
                late()
        threading.Thread(target=forever, daemon=True).start()
        time.sleep(0.05)
    """,
    )
    for words in (("--all",), ("--function", "late")):
        run = both.run(*words, "script.py", timeout=30)
        assert run.err == "" and run.code == 0


def test_with_the_other_options(both) -> None:
    run = both.run("--function", "main", "--peak", "--json", "script.py")
    assert run.err == "" and '"function": "main"' in run.out
    run = both.run("--all", "--timestamp", "script.py")
    assert "Traceback" not in run.err
