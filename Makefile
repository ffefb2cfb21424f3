# Everything starts with `python3 -m okryu.bootstrap`: it makes .venv fit constraints.txt and takes no time when it does.
PYTHON ?= python3
IN_VENV = $(PYTHON) -m okryu.bootstrap
DEV = $(IN_VENV) --dev

.DEFAULT_GOAL := help
.NOTPARALLEL:
KILLS ?= 500
RACE_SECONDS ?= 60
OUTAGE_SECONDS ?= 300
HISTORIES ?= 1000
.PHONY: help run test long chaos lint check bench-payments bench-catalogue shell psql manage clean

help:  ## List the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 16
	@echo "Variables: HOST (127.0.0.1), PORT (8000), DATABASE_URL (the embedded PostgreSQL), PYTHON (python3)"

run:  ## The whole shop on http://127.0.0.1:8000/, with the demo if it is empty; Ctrl-C stops it
	@$(IN_VENV) -- python -m okryu.run

test:  ## All tests but the long ones, in under 5 minutes; T=tests/orders for a part
	@$(DEV) --browser -- python -m pytest -n 2 -m "not long" $(T)

long:  ## The tests marked long: kills, races, deep property runs
	@$(DEV) --browser -- python -m pytest -n 2 -m "long and not alone" $(T) || [ $$? -eq 5 ]
	@$(DEV) --browser -- python -m pytest -m "long and alone" $(T) || [ $$? -eq 5 ]  # 5: none in this part

chaos:  ## Hours of kills, races, histories; KILLS=500, RACE_SECONDS=60, OUTAGE_SECONDS=300, HISTORIES=1000, PAUSE=3, SEED
	@$(DEV) -- env KILLS=$(KILLS) python -m tests.payments.kills
	@$(DEV) -- env RACE_SECONDS=$(RACE_SECONDS) OUTAGE_SECONDS=$(OUTAGE_SECONDS) HISTORIES=$(HISTORIES) CRASH_POINTS=all \
		python -m pytest -m long tests/payments tests/orders

lint:  ## ruff, mypy, import directions, migrations, templates, foreign hosts
	@$(DEV) -- true
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy okryu accounts catalog orders payments bench
	.venv/bin/lint-imports
	.venv/bin/python manage.py makemigrations --check --dry-run
	.venv/bin/python manage.py compile_messages
	.venv/bin/djlint --lint --quiet templates

check: lint test long  ## What CI runs: lint, test and long

bench-payments:  ## Every figure of the ledger against its bar; QUICK=1 for a trial, WRITE=docs/benchmarks.md to keep it
	@$(DEV) -- python -m bench.payments $(if $(QUICK),--size quick) $(if $(WRITE),--write $(WRITE))

bench-catalogue:  ## Every figure of the catalogue against its bar at 1,000,000 products, built once; WRITE=docs/benchmarks.md
	@$(DEV) -- python -m bench.catalogue $(if $(WRITE),--write $(WRITE))

shell:  ## A Django shell in the shop's database
	@$(IN_VENV) -- python manage.py shell

psql:  ## A PostgreSQL prompt in the shop's database
	@$(IN_VENV) -- python manage.py dbshell

manage:  ## Any command: make manage C="audit_ledger"
	@$(IN_VENV) -- python manage.py $(C)

clean:  ## Remove the virtual environment and caches; the shop's data (var/) stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
