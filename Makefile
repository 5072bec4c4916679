# 分毫 fenhao. A fresh machine needs Python 3.11+ and this file: `make run`, `make test`.

PYTHON ?= python3
UV ?= uv
HOURS ?= 8
# Half as many again as cores: a test waits for PostgreSQL, a browser or a process for a third of its time.
WORKERS ?= $(shell $(BIN)/python -c 'import os; print((os.cpu_count() or 1) * 3 // 2)')
BIN := .venv/bin
STAMP := .venv/installed

.PHONY: help run test soak lint lock clean

help:
	@echo "make run    show the ledger at work on a made-up foundation's year"
	@echo "make test   run every test"
	@echo "make soak   try random histories against the model for HOURS=8, new ones each time"
	@echo "make lint   check style, types, import directions and the tidy rules"
	@echo "make lock   pin the newest versions that pyproject.toml allows (needs uv)"
	@echo "make clean  remove the virtual environment and the caches; data folders stay"
	@echo
	@echo "PYTHON=/path/to/python3.12 chooses another Python (3.11 or newer)."

run: $(STAMP)
	@$(BIN)/fenhao demo

# Libraries are compiled once, not by each of the processes that tests start, whatever the environment says.
test soak: export PYTHONDONTWRITEBYTECODE =

test: $(STAMP)
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal

soak: $(STAMP)
	FENHAO_TEST_HOURS=$(HOURS) $(BIN)/python -m pytest tests/test_ledger_model.py -k every_step --timeout=0 -s

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/test_house.py

# The stamp is written last, so an installation that broke off half way starts afresh. Hashes are checked for everything
# that is downloaded; the project itself is built by the setuptools of the lock, without a download of its own. Nothing is
# compiled ahead: what is never imported would be a third of the time.
$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "fenhao needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) -V 2>&1). Name another: make PYTHON=/path/to/python3.12" >&2; \
		exit 2; }
	@rm -rf .venv
	@$(PYTHON) -m venv .venv || { \
		echo "'$(PYTHON)' cannot make a virtual environment (on Debian or Ubuntu: apt-get install python3-venv)" >&2; exit 2; }
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

lock:
	$(UV) pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --extra dev \
		-o requirements.lock pyproject.toml

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
