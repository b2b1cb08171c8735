# Everyday commands of Lockhouse. GNU make 3.81 or later, a POSIX shell and Python 3.11 to 3.14 are all that has to be there.

PY := .venv/bin/python
STAMP := .venv/.requirements.sha256
# Each test process has a Valkey, workers and a browser of its own: more of them than this only get into each other's way.
TEST_PROCESSES ?= 4
# manage.py in the place of the recipe's shell: signals reach it, and it ends with make even by kill -9.
MANAGE := $(PY) -m config.tooling.with_parent $$PPID
LINTS := lint-style lint-format lint-types lint-imports lint-templates lint-django

.DEFAULT_GOAL := help
.PHONY: help setup demo run test lint $(LINTS) format bench wheels browser tools lock FORCE

help:  ## this list
	@echo "make <target>:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-9s %s\n", $$1, $$2 }' Makefile

setup: $(STAMP)  ## make .venv and install what requirements.lock names; again only after it changed

# The stamp keeps the checksum that was installed, for a checkout may give the file any time.
$(STAMP): FORCE
	@sh config/tooling/setup.sh $(STAMP)
FORCE:

demo: setup  ## start everything on an embedded Valkey and print the URL and the logins (PORT=8000); Ctrl-C ends it all
	@exec $(MANAGE) demo $(if $(PORT),--port $(PORT))

run: setup  ## start web and observer on the system that the environment names (PORT=8000)
	@exec $(MANAGE) up $(if $(PORT),--port $(PORT))

test: setup browser tools  ## everything that must pass: lint, types, import contracts, all tests (K=words limits the tests)
	@sh config/tooling/test.sh "$(MAKE)" $(TEST_PROCESSES) $(if $(K),-k "$(K)")

lint: setup  ## style, format, types, import contracts, templates, Django's checks
	@$(MAKE) --no-print-directory -k -j2 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target) $(LINTS)

lint-style:
	@$(PY) -m ruff check --quiet .
lint-format:
	@$(PY) -m ruff format --quiet --check . || { echo "some files are not formatted: make format"; $(PY) -m ruff format --check --output-format concise .; exit 1; }
lint-types:
	@$(PY) -m mypy
lint-imports:
	@.venv/bin/lint-imports --no-logo
lint-templates:
	@find templates tasks_demo -name '*.html' -exec .venv/bin/djade --check {} +
lint-django:  # with a database of its own, with and without the demo
	@for demo in 0 1; do \
	  export LOCKHOUSE_DEMO=$$demo DATABASE_URL=sqlite://:memory: DJANGO_SECRET_KEY=only-for-the-linter; \
	  $(PY) manage.py check --fail-level WARNING && $(PY) manage.py makemigrations --check --dry-run || exit 1; \
	done

format: setup  ## let ruff and djade rewrite what they can
	@$(PY) -m ruff check --quiet --fix-only .
	@$(PY) -m ruff format .
	@find templates tasks_demo -name '*.html' -exec .venv/bin/djade {} + || true  # it fails when it has changed a file

bench: setup browser  ## measure the budgets, in a table and in var/bench/figures.json (QUICK=1: shapes and ratios alone; ONLY="events_in memory", REPEAT=1, MINUTES=40)
	@$(PY) -m tests.bench $(ONLY) $(if $(QUICK),--quick) $(if $(REPEAT),--repeat $(REPEAT)) $(if $(MINUTES),--minutes $(MINUTES))

wheels: setup  ## build the wheels of lockhouse and of lockhouse-lock, the part for the users' workers, into dist/
	@$(PY) -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist . ./dashboard/locking
	@ls dist/*.whl

browser: setup  ## find a Chromium or Chrome for the tests, or install one
	@$(PY) -m config.tooling.machine browser

tools: setup  ## find docker-compose, PostgreSQL and RabbitMQ for the tests that need them, or install them where apt-get may be used
	@$(PY) -m config.tooling.machine compose
	@$(PY) -m config.tooling.machine postgres
	@$(PY) -m config.tooling.machine rabbitmq

# uv resolves for every platform and Python at once; what is written stays plain: pip alone installs it, and no address of an index is in it.
lock: setup  ## resolve pyproject.toml anew into requirements.lock (UPGRADE=1 for the newest versions)
	@command -v uv >/dev/null || $(PY) -m pip install --quiet uv
	@PATH=$(CURDIR)/.venv/bin:$$PATH uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --extra demo --extra postgres --group dev $(if $(UPGRADE),--upgrade) pyproject.toml -o requirements.lock
