"""Suites as libraries ship them pass under each instrument what they pass alone."""

from __future__ import annotations

import pytest

import shipped

QUICK = {
    "numpy": ["numpy._core.tests.test_indexing"],
    "pandas": ["pandas.tests.io.parser.test_dialect"],
    "sklearn": ["sklearn.tests.test_base"],
}
WHOLE = {
    "numpy": ["numpy._core.tests.test_multiarray", "numpy._core.tests.test_mem_overlap"],
    "pandas": ["pandas.tests.groupby", "pandas.tests.frame.methods"],
    "sklearn": ["sklearn.tests.test_pipeline", "sklearn.utils.tests.test_parallel"],
    "scipy": ["scipy.sparse.tests.test_csr", "scipy.fft.tests.test_multithreading"],
    "joblib": ["joblib.test.test_parallel"],
    "dask": ["dask.tests.test_threaded", "dask.tests.test_multiprocessing"],
}
instruments = pytest.mark.parametrize("way", ["heap", "timeline", "lines"])


@pytest.mark.parametrize("library", shipped.each(QUICK))
@instruments
def test_tests_of_a_library_come_to_what_they_come_to_alone(library, way, tmp_path, base):
    shipped.assert_the_same(
        library, [*shipped.PYTEST, *QUICK[library]], way, tmp_path, base
    )


@pytest.mark.whole
@pytest.mark.parametrize("library", shipped.each(WHOLE))
@instruments
def test_more_tests_of_a_library_come_to_what_they_come_to_alone(
    library, way, tmp_path, base
):
    shipped.assert_the_same(
        library, [*shipped.PYTEST, *WHOLE[library]], way, tmp_path, base
    )
