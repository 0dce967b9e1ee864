"""Which tests the pure-Python build is not asked to pass, and why.

It has the same interface and the same reports; these tests assert what only the C core has.
"""

from __future__ import annotations

from typing import Any

import pytest

#: Files about the native program and about work (system calls, events, readings).
FILES = ("test_heap*.py", "test_mprof*.py", "test_plot*.py", "test_recordings*.py", "test_peaks.py", "test_work.py",
         "test_trace_311*.py", "test_peak.py", "test_readme.py", "test_timeline*.py", "test_page*.py", "test_dat*.py",
         "test_maps.py", "test_native.py", "test_depth.py", "test_endings.py", "test_finalization.py", "test_outputs.py", "test_pytest*.py", "test_limit.py", "test_mheap.py",
         "test_stretches.py")  # fmt: skip

MARKS = "sets the high-water mark back"
GATE = "forces a gate"
FEW = "keeps one descriptor open"
THREAD = "samples with a native thread"

NATIVE = "has a native mprof"
DRAWN = "draws for notebooks"
FORK = "has its thread back only after Python counted threads"

#: Test, or one of its cases -> what it needs the C core for.
TESTS = {
    "test_verbose_version_names_the_gate_and_the_granularity": GATE,
    "test_faults_52_few_descriptors_are_enough": FEW,
    "test_faults_53_a_descriptor_that_the_program_made_its_own_is_not_closed": FEW,
    "test_a_fault_in_the_meter_is_not_charged": FEW,
    "test_a_spike_before_the_call_is_not_in_its_maximum": MARKS,
    "test_a_call_inside_a_call_leaves_the_outer_maximum_alone": MARKS,
    "test_the_mark_of_a_popen_that_moved_is_its_maximum": MARKS,
    "test_under_a_sampler_that_owns_the_mark_it_is_left_alone": MARKS,
    "test_a_small_program_started_by_a_large_one_has_its_own_maximum": MARKS,
    "test_a_sampler_that_is_dropped_while_it_runs_is_reaped": THREAD,
    "test_faults_41_forks_while_sampling_give_no_new_warning": FORK,
    "test_faults_41_hooks_of_the_program_do_not_bring_the_thread_back_too_early": FORK,
    "test_calls_in_several_threads_each_see_the_process": MARKS,
    "test_mprun_counts_the_heap_on_request": "--heap",
    "test_the_numbers_are_those_of_the_json": "--peak",
    "test_faults_62_a_sub_interpreter_is_refused_in_one_line": "is of one interpreter",
    "test_faults_62_a_free_threaded_build_is_refused_in_one_line": "is not for such a Python",
    "test_memit_measures_a_spike_in_each_run": MARKS,
    "test_memit_starts_no_thread_and_no_process": THREAD,
    "test_loading_the_extension_imports_little_beside_the_package": THREAD,
    "test_the_result_is_a_line_profiler_with_data": "--peak",
    "test_html_is_made_of_what_a_sanitizer_keeps": DRAWN,
    "test_markup_in_source_stays_text": DRAWN,
    "test_the_line_that_added_most_is_marked_in_words": DRAWN,
    "test_a_cell_is_drawn_with_words": DRAWN,
    "test_an_interrupted_cell_ends_and_the_kernel_goes_on": DRAWN,
    "test_samples_stand_on_absolute_deadlines": THREAD,
    "test_with_the_other_options": "--peak",
    "test_the_examples_in_docstrings_run[memory_profiler.heap]": "records the heap",
    "test_the_examples_in_docstrings_run[memory_profiler.testing]": "records the heap",
    "test_the_examples_in_docstrings_run[memory_profiler._limits.limit]": "records the heap",
    "test_python_m_runs_no_module_that_lies_beside_the_program[-m --all --peak --heap]": "--heap",
    "test_an_imported_profile_runs_no_module_that_lies_beside_the_program[profile(heap=True, peak=True)]": "--heap",
    "test_nor_does_any_other_door[heap]": "records the heap",
    "test_python_finds_the_start_in_mprof": NATIVE,
    "test_a_recursion_error_leaves_the_stack_of_activations_empty": "counts its work",
    "test_bars_of_all_functions_have_one_scale_and_the_most_memory_is_marked[options1]": "--peak",
    "test_pools_that_are_terminated_lose_nothing": "--peak",
    "test_every_kind_of_report_has_what_children_did": "--heap",
    "test_a_child_whose_table_is_cut_short_goes_on": "survives SIGBUS",
    "test_faults_81_the_program_goes_on_where_its_table_cannot_be_written[an object that raises--m]": "gives the interpreter an exit code for its end",
    "test_faults_63_greenlets_that_run_one_function_are_not_mixed": "follows greenlets",
}


def _lacks_mprof(what: object) -> bool:
    words = str(what)
    return "no native mprof" in words or ("No such file" in words and "/mprof'" in words)


class Plugin:
    """Skips what runs the native program, which is not there."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self) -> Any:
        return (yield from self._run())

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Any:
        return (yield from self._run())

    def _run(self) -> Any:
        try:
            return (yield)
        except FileNotFoundError as error:
            if not _lacks_mprof(error):
                raise
            pytest.skip(f"the C core alone: {NATIVE}")

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Any:
        """A file that looks for it when it is loaded."""
        report = yield
        if report.failed and _lacks_mprof(report.longrepr):
            report.outcome = "skipped"
            report.longrepr = (
                str(collector.path),
                0,
                f"Skipped: the C core alone: {NATIVE}",
            )
        return report
