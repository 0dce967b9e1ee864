"""Every public name of memory_profiler 0.61 exists and behaves; documentation holds."""

from __future__ import annotations

import inspect
import pkgutil
import re
import types

import pytest

import memory_profiler
from conftest import run_python
from memory_profiler import (
    CodeMap,
    LineProfiler,
    LogFile,
    TimeStamper,
    choose_backend,
    memory_usage,
    show_results,
)  # fmt: skip
from programs import RETURNS

pytestmark = pytest.mark.one_version

CLASSIC_NAMES = [
    "CodeMap", "LineProfiler", "LogFile", "MemTimer", "MemitResult", "TimeStamper",
    "_TimeStamperCM", "__version__", "_find_script", "_func_exec", "_get_child_memory",
    "_get_memory", "choose_backend", "exec_with_profiler", "has_tracemalloc", "memory_usage",
    "profile", "run_module_with_profiler", "show_results",
]  # fmt: skip
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(memory_profiler.__path__, "memory_profiler.")
    if not re.search(r"\._core|\.__main__|\.plot|\._pure|\._mprof", module.name)
)


def parameters(func: object) -> list[tuple[str, object]]:
    return [(name, p.default) for name, p in inspect.signature(func).parameters.items()]


@pytest.mark.parametrize("name", CLASSIC_NAMES)
def test_the_classics_name_exists(name) -> None:
    assert getattr(memory_profiler, name) is not None
    assert name in dir(memory_profiler)
    namespace: dict[str, object] = {}
    exec(f"from memory_profiler import {name}", namespace)
    assert name in namespace


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nosuch"):
        memory_profiler.nosuch
    with pytest.raises(ImportError):
        from memory_profiler import nosuch  # noqa: F401


def test_a_star_import_brings_what_all_names() -> None:
    namespace: dict[str, object] = {}
    exec("from memory_profiler import *", namespace)
    assert set(memory_profiler.__all__) <= set(namespace)


def test_the_package_is_typed_and_has_a_version() -> None:
    import importlib.metadata
    import importlib.resources

    assert importlib.resources.files(memory_profiler).joinpath("py.typed").is_file()
    assert memory_profiler.__version__ == importlib.metadata.version("memory_profiler")
    assert memory_profiler.has_tracemalloc is True


def test_signatures_keep_the_classics_positional_order() -> None:
    empty = inspect.Parameter.empty
    assert parameters(memory_profiler.profile)[:4] == [
        ("func", None),
        ("stream", None),
        ("precision", 1),
        ("backend", "psutil"),
    ]
    assert parameters(memory_usage) == [
        ("proc", -1),
        ("interval", 0.1),
        ("timeout", None),
        ("timestamps", False),
        ("include_children", False),
        ("multiprocess", False),
        ("max_usage", False),
        ("retval", False),
        ("stream", None),
        ("backend", None),
        ("max_iterations", None),
    ]
    assert parameters(show_results) == [("prof", empty), ("stream", None), ("precision", 1)]
    assert [name for name, _ in parameters(TimeStamper)] == ["backend", "include_children"]
    assert [name for name, _ in parameters(CodeMap)] == ["include_children", "backend"]
    assert parameters(LogFile) == [("name", None), ("reportIncrementFlag", False)]
    assert parameters(choose_backend) == [("new_backend", None)]
    for name, first in (
        ("exec_with_profiler", "filename"),
        ("run_module_with_profiler", "module"),
    ):
        found = [name for name, _ in parameters(getattr(memory_profiler, name))]
        assert found == [first, "profiler", "backend", "passed_args"]
    found = [name for name, _ in parameters(memory_profiler._get_memory)]
    assert found == ["pid", "backend", "timestamps", "include_children", "filename"]
    found = [name for name, _ in parameters(memory_profiler._get_child_memory)]
    assert found == ["process", "meminfo_attr", "memory_metric"]
    assert [name for name, _ in parameters(LineProfiler.runctx)][1:] == [
        "cmd",
        "globals",
        "locals",
    ]
    assert parameters(TimeStamper.timestamp)[1:] == [("name", "<block>")]
    assert parameters(TimeStamper.show_results)[1:] == [("stream", None)]


# --- running programs ---


def test_exec_with_profiler_runs_a_script(shop) -> None:
    check = (
        'assert __name__ == "__main__" and sys.argv == ["target.py", "a", "b c"], sys.argv'
    )
    shop.write("target.py", f"import sys\n{check}\n" + RETURNS)
    shop.write(
        "caller.py",
        """
        import sys
        import memory_profiler as m
        before = (sys.argv[:], sys.path[:], sys.modules["__main__"])
        prof = m.LineProfiler()
        m.exec_with_profiler("target.py", prof, "psutil", ["a", "b c"])
        m.show_results(prof)
    """,
    )
    run = shop.python("caller.py")
    assert run.err == "" and run.code == 0
    assert run.table("def work").line("return 1").occurrences == 1


def test_exec_with_profiler_takes_a_time_stamper(shop) -> None:
    shop.write("target.py", RETURNS)
    run = shop.python(
        "-c",
        "import memory_profiler as m; t = m.TimeStamper('psutil');"
        "m.exec_with_profiler('target.py', t, 'psutil'); t.show_results()",
    )
    assert run.err == "" and run.out.startswith("FUNC __main__.work ")


def test_run_module_with_profiler_runs_a_module(shop) -> None:
    shop.write("pkg/__init__.py", "")
    shop.write("pkg/tool.py", 'import sys\nassert sys.argv[1:] == ["a"]\n' + RETURNS)
    run = shop.python(
        "-c",
        "import memory_profiler as m; p = m.LineProfiler();"
        "m.run_module_with_profiler('pkg.tool', p, 'psutil', ['a']);"
        "m.show_results(p)",
    )
    assert run.err == "" and run.table("def work").line("return 1").occurrences == 1


def test_find_script_looks_here_then_on_path_then_exits_with_1(
    shop, monkeypatch, capsys
) -> None:
    here = shop.write("here.py", "")
    shop.write("bin/there.py", "")
    monkeypatch.chdir(shop.path)
    monkeypatch.setenv("PATH", str(shop.path / "bin"))
    assert memory_profiler._find_script("here.py") == "here.py"
    assert memory_profiler._find_script("there.py") == str(shop.path / "bin" / "there.py")
    with pytest.raises(SystemExit) as exit:
        memory_profiler._find_script("nosuch.py")
    assert exit.value.code == 1
    assert capsys.readouterr().err == "Could not find script nosuch.py\n"
    assert here.exists()


def test_func_exec_executes_in_a_namespace() -> None:
    names = {"a": 1}
    memory_profiler._func_exec("b = a + 1", names)
    assert names["b"] == 2


def test_the_results_of_memit_have_the_classics_text() -> None:
    result = memory_profiler.MemitResult([10.5, 12.25], 10.0, 1, None, 0.1, False)
    assert (result.mem_usage, result.baseline, result.repeat) == ([10.5, 12.25], 10.0, 1)
    assert (result.timeout, result.interval, result.include_children) == (None, 0.1, False)
    assert str(result) == "peak memory: 12.25 MiB, increment: 2.25 MiB"
    out = types.SimpleNamespace(text=lambda s: setattr(out, "said", s))
    result._repr_pretty_(out, False)
    assert out.said == "<MemitResult : peak memory: 12.25 MiB, increment: 2.25 MiB>"


def test_choose_backend_names_a_backend_or_fails() -> None:
    assert choose_backend() == choose_backend(None) == "psutil"
    for name in ("psutil", "psutil_pss", "psutil_uss", "posix", "tracemalloc"):
        assert choose_backend(name) == name
    with pytest.raises(KeyError):
        choose_backend("nosuch")


# --- documentation ---


DOCTESTS = """
import doctest, importlib, sys
name = sys.argv[1]
loaded = importlib.import_module(name)
runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
finder = doctest.DocTestFinder()
found = finder.find(loaded, name)
if name == "memory_profiler._profile":  # what an instance says is not visited
    call = type(loaded.profile).__call__
    found += finder.find(call, "profile", globs={"profile": loaded.profile})
for example in found:
    runner.run(example)
sys.exit(runner.summarize(verbose=False).failed)
"""


OF_DASK = "memory_profiler._cluster.nanny", "memory_profiler._cluster.watch"


@pytest.mark.parametrize("module", ["memory_profiler", *MODULES])
def test_the_examples_in_docstrings_run(module) -> None:
    if module in ("memory_profiler.dask", *OF_DASK):
        pytest.importorskip("distributed")  # they are plugins of that
    run = run_python("-c", DOCTESTS, module)  # a process whose heap nobody used
    assert run.code == 0, run.out + run.err


@pytest.mark.parametrize(
    "name", ["LineProfiler", "TimeStamper", "memory_usage", "profile", "show_results"]
)
def test_the_main_names_say_arguments_results_errors_and_source(name) -> None:
    target = getattr(memory_profiler, name)
    text = inspect.getdoc(target if name != "profile" else type(target).__call__)
    assert "Args:" in text and ">>> " in text
    assert "Raises:" in text
    if name not in ("show_results",):
        assert "Source" in text
    if name in ("profile", "memory_usage"):
        assert "Returns:" in text


def test_every_public_class_function_and_method_has_a_docstring() -> None:
    missing = []
    for name in memory_profiler.__all__:
        target = getattr(memory_profiler, name)
        if not callable(target):
            continue
        if not inspect.getdoc(target):
            missing.append(name)
        if isinstance(target, type):
            missing += [
                f"{name}.{key}"
                for key, member in vars(target).items()
                if not key.startswith("_")
                and callable(member)
                and not inspect.getdoc(member)
            ]
    assert missing == []
