"""--all: the program's own directory tree, top levels with a row for their entry."""

from __future__ import annotations

import pytest

from conftest import MIB, Workshop, assert_increments

OWN = ("script.py", "helper.py", "pkg/__init__.py", "pkg/deep/part.py")


@pytest.fixture
def project(shop: Workshop) -> Workshop:
    shop.write("helper.py", "BLOCK = bytearray(20 << 20)\ndef work(n):\n    return n\n")
    shop.write("pkg/__init__.py", "import decimal\n")
    shop.write("pkg/deep/__init__.py", "")
    shop.write("pkg/deep/part.py", "class Part:\n    def run(self):\n        return 1\n")
    shop.write("lib/site-packages/other.py", "def foreign():\n    return 1\n")
    shop.write(
        "script.py",
        """\
        import sys, helper; KEPT = bytearray(30 << 20)
        sys.path.append("lib/site-packages")
        import other
        from pkg.deep import part

        part.Part().run(); other.foreign(); helper.work(1)
        exec(compile("def made():\\n    return 1\\nmade()", "<string>", "exec"))
    """,
    )
    return shop


def test_all_measures_the_modules_of_the_programs_tree_and_no_others(project) -> None:
    run = project.run("--all", "script.py")
    assert (run.code, run.err) == (0, "")
    files = [t.filename.removeprefix(f"{project.path}/") for t in run.tables]
    assert set(files) == set(OWN)
    assert run.table("class Part").line("class Part").occurrences
    assert run.table("return n", top=False).line("return n").occurrences == 1
    assert len([t for t in run.tables if t.first.source == "<module>"]) == len(OWN)


def test_the_same_of_a_module_and_of_a_folder(project) -> None:
    source = (project.path / "script.py").read_text()
    (project.path / "__main__.py").write_text(source)
    for words in (("-m", "script"), (str(project.path),)):
        run = project.run("--all", *words)
        assert (run.code, run.err) == (0, "")
        assert run.table("return n", top=False).line("return n").occurrences == 1
        assert not any("site-packages" in table.filename for table in run.tables)


def test_what_line_1_adds_is_its_own_row_beside_the_entry(project, tolerance) -> None:
    run = project.run("--all", "script.py")
    (table,) = [t for t in run.tables if 0 in t.rows and t.filename == "script.py"]
    entry, first = table.rows[0], table.rows[1]
    assert entry.source == "<module>" and entry.occurrences == first.occurrences == 1
    assert entry.increment == entry.memory
    assert_increments(table, {"import sys, helper": 50}, tolerance)
    last = max(row.memory for row in table.rows.values() if row.memory)
    grown = sum(row.increment or 0 for row in table.rows.values() if row is not entry)
    assert grown == pytest.approx(last - entry.memory, abs=tolerance)


def test_scripts_that_cut_the_table_into_words_find_the_increment(project) -> None:
    words = [line.split() for line in project.run("--all", "script.py").out.splitlines()]
    (row,) = [w for w in words if w[:1] == ["1"] and w[-1:] == ["20)"] and "sys," in w]
    assert float(row[3]) == pytest.approx(50, abs=5) and row[4] == "MiB"
    entries = [w for w in words if w[:1] == ["0"]]
    assert len(entries) == len(OWN) and all(w[3] == w[1] for w in entries)


def test_json_and_results_have_the_entry_as_line_0(project, tolerance) -> None:
    (function,) = [
        f
        for f in project.run("--all", "--json", "script.py").document["functions"]
        if f["function"] == "<module>" and f["filename"] == "script.py"
    ]
    entry, first = function["lines"][:2]
    assert function["first_line"] == entry["line"] == 0
    assert entry["increment"] == function["baseline"]
    assert first["increment"] == pytest.approx(50 * MIB, abs=tolerance * MIB)


def test_a_function_pattern_takes_top_levels_too(project, tolerance) -> None:
    run = project.run("--function", "helper.*", "script.py")
    assert run.err == ""
    assert {t.filename for t in run.tables} == {str(project.path / "helper.py")}
    assert_increments(run.table("<module>"), {"BLOCK": 20}, tolerance)
    run = project.run("--function", "*", "script.py")
    assert run.err == "" and run.table("KEPT").rows[0].source == "<module>"


@pytest.mark.parametrize("words", [("--function", "*"), ("--all",)])
def test_no_function_of_ours_is_in_a_report(project, words) -> None:
    run = project.run(*words, "script.py")
    assert run.err == "" and "memory_profiler" not in run.out.replace(str(project.path), "")


def test_a_report_of_many_functions_shows_the_same_lines_as_one_of_few(shop) -> None:
    """From the fourth function of a file on, its tree says where functions end."""
    body = """
        @profile
        def {name}(x, y=(1,
                         2)):
            if x:
                return [
                    x,
                ]
            def inner():
                return 1
            # a comment inside

              # further in
        # outside
    """
    shop.write("few.py", body.format(name="one") + "\n        one(1)\n")
    names = ["a", "b", "c", "d", "one"]
    many = "".join(body.format(name=name) for name in names)
    shop.write("many.py", many + "".join(f"\n        {name}(1)" for name in names) + "\n")
    few, last = shop.run("few.py").tables, shop.run("many.py").tables
    assert len(last) == len(names)
    lines = [[row.source for row in t.rows.values()] for t in (few[0], last[-1])]
    assert lines[0] == lines[1] and "further in" in lines[0][-1]
