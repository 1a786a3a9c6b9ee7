# Tradewind's verbs, the same for people and for CI. Needs Python 3.11 or newer and POSIX tools; `make help` lists them.
SHELL = /bin/sh
BIN = .venv/bin
# One per core, and not many more: the end-to-end tests start servers and agents of their own.
WORKERS = 2
# Where `make demo` keeps its state, apart from yours.
DEMO_STATE = $(CURDIR)/.cache/demo

# How many seeds `make simulate` plays; SEED=S plays one and tells its story.
N = 1000

.DEFAULT_GOAL = help
.PHONY: help demo test coverage check web api-types simulate fmt bench docs docs-cli new-provider lock run-environment environment clean

help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

demo: run-environment ## Train a small model on this machine, and stop the server in the middle
	@scripts/demo "$(DEMO_STATE)"

test: check web ## Run every check and every test
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

# On its own: tracing makes the tests take twice as long.
coverage: environment web ## Run every test, and show what of the code they reach
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --cov --cov-report=term

check: environment ## Check format, style, types, the arrows between rooms and file sizes
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	scripts/check-file-sizes
	scripts/build-web check

web: environment ## Build the web application, from which the server serves it
	scripts/build-web

api-types: environment ## Write the types that the web application sees the HTTP API with
	scripts/build-web types

simulate: environment ## Play N random runs of the control plane, or the one of SEED
	$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED),--seeds $(N)) --workers $(WORKERS)

fmt: environment ## Format the code and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: environment ## Run the benchmarks (docs/benchmarks.md)
	$(BIN)/python -m benchmarks

docs: ## Build the documentation into site/
	@scripts/bootstrap docs
	$(BIN)/mkdocs build --strict

docs-cli: environment ## Write what the documentation takes from the code: commands, endpoints, states
	$(BIN)/python scripts/write_cli_docs.py
	$(BIN)/python scripts/write_api_docs.py
	$(BIN)/python scripts/write_state_docs.py

new-provider: environment ## Write a provider of machines, with its contract test: make new-provider NAME=x
	@$(BIN)/python scripts/new_provider.py "$(NAME)"

lock: ## Resolve and pin the requirements anew (needs uv)
	scripts/lock

clean: ## Remove what these verbs made
	rm -rf .venv .cache site web/node_modules src/tradewind/server/static .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.*

run-environment:
	@scripts/bootstrap run

environment:
	@scripts/bootstrap dev
