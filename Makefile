# One door for everyone: make run, make test, make check. CI runs the same recipes (.ci/run).
# Needs Python 3.11 or later and make; everything else comes from requirements.lock.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
INSTALLED := $(VENV)/installed-from-lock
COMPILE := $(PY) -m uv pip compile --quiet --generate-hashes --no-annotate --no-header --no-emit-index-url --python-version 3.11
# Two workers by default, as in CI; more cores: make test WORKERS=auto
WORKERS ?= 2
TESTS ?=

.DEFAULT_GOAL := help
.PHONY: help install run test system-packages check openapi lock bench clean

help:
	@echo "make run     startar systemet på den här datorn (Ctrl+C stoppar)"
	@echo "make test    kör alla tester, även i webbläsare (TESTS=tests/common för en del)"
	@echo "make check   granskar kod, migreringar, inställningar och API-beskrivning"
	@echo "make openapi skriver docs/openapi.yaml på nytt"
	@echo "make lock    låser beroenden på nytt (requirements.lock, requirements-production.lock)"
	@echo "make bench   mäter prestanda (tar tid)"
	@echo "make clean   tar bort byggda filer; data i .local lämnas orörda"

install: $(INSTALLED)

# Made again only when the lock file has changed.
$(INSTALLED): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 eller senare behövs. Ange en annan med make PYTHON=python3.12 ..."; exit 1; }
	@test -x $(PY) || { echo "Skapar Python-miljön i $(VENV) ..."; $(PYTHON) -m venv $(VENV); } || { echo "Python-miljön kunde inte skapas (Debian: apt-get install python3-venv)."; rm -rf $(VENV); exit 1; }
	@echo "Installerar beroenden enligt requirements.lock ..."
	@$(PY) -m pip install --quiet --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

run: $(INSTALLED)
	@$(PY) -m sdv.embedded run

test: $(INSTALLED) system-packages
	@$(PY) -m pytest -n $(WORKERS) --dist loadgroup $(TESTS)

# Chromium for the journeys, Pango for letters. Says loudly what is missing; in CI a missing Chromium is an error.
system-packages:
	@.ci/system-packages

check: $(INSTALLED)
	@.ci/check

openapi: $(INSTALLED)
	@$(PY) manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

# Hashes, and no address of an index: whoever installs uses the index of their own configuration.
lock: $(INSTALLED)
	@$(COMPILE) --extra embedded --extra dev pyproject.toml -o requirements.lock
	@$(COMPILE) pyproject.toml -o requirements-production.lock

# Each fills a database of its own in .local, once.
bench: $(INSTALLED)
	@$(PY) -m bench
	@$(PY) -m bench.times
	@$(PY) -m bench.lists
	@$(PY) -m bench.reports

clean:
	@rm -rf test-results .ruff_cache .import_linter_cache .hypothesis .local/test .local/check
	@find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
