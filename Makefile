# What a person types. Every target installs what it needs first (scripts/setup says what and why).
SHELL := /bin/bash
.DEFAULT_GOAL := help
CARGO ?= cargo
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
SABOTC := $(TARGET_DIR)/release/sabotc

.PHONY: help setup demo test lint nexmark differential bench install clean

help: ## Lists the targets.
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

demo: ## Builds the compiler, makes sample data and runs the main job on it.
	@scripts/setup build
	@scripts/demo "$(TARGET_DIR)"

test: ## Formats, lints and tests everything; what CI runs.
	@scripts/setup build test
	@$(MAKE) --no-print-directory lint
	$(CARGO) test --workspace --locked

lint: ## rustfmt and clippy, warnings are errors.
	$(CARGO) fmt --all --check
	$(CARGO) check --package sabot-runtime --no-default-features --locked
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings

nexmark: ## Compares the queries of Nexmark over a million events with DuckDB's answers, over a tenth of them with the interpreter's.
	@scripts/setup build test
	SABOT_NEXMARK_EVENTS=1000000 $(CARGO) test --release --locked -p sabot-snapshots --test nexmark

differential: ## Compares 20,000 random functions with what rustc makes of them; SEED=3 takes others, COUNT=100000 more.
	@scripts/setup build test
	SABOT_RANDOM_UDFS=$(or $(COUNT),20000) SABOT_RANDOM_SEED=$(or $(SEED),2) \
		$(CARGO) test --release --locked -p sabot-snapshots --test udfs random_functions

bench: ## Measures Sabot beside DuckDB, Polars and DataFusion; see benches/RESULTS.md.
	@scripts/setup build bench
	benches/peers/run
	benches/nexmark/run --latency

install: ## Installs sabotc and the runtime it makes executables of into ~/.cargo/bin.
	@scripts/setup build
	$(CARGO) install --locked --path compiler/sabotc
	$(CARGO) install --locked --path runtime

clean: ## Removes what was built.
	$(CARGO) clean
