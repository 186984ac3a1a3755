# What a person does with this project. Each target does its own set-up; `make` lists them.

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-alternating demo-mysql demo-api-key errors test test-arm64 test-stack torture bench interop fuzz fuzz-smoke mutants schema lint deny dashboard setup-deploy package validate deploy

# Servers and builds of several tests share the machine: more threads than this only make each slower.
TEST_THREADS ?= 4

# What Lambda runs the functions on, unless samconfig.toml has an answer.
ARCH ?= $(or $(shell sed -n 's/.*Architecture=[\\"]*\(arm64\|x86_64\).*/\1/p' samconfig.toml),arm64)

help: ## List the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 26

setup: ## Install what the tests need and the system lacks (as root, else name it)
	@tests/setup test

demo: ## Rotate a PostgreSQL password twice and show what happens
	@tests/setup demo
	@cargo build --locked --workspace --bins
	@"$${CARGO_TARGET_DIR:-target}/debug/demo"

demo-alternating: ## Rotate between two PostgreSQL users while programs hammer on them
	@tests/setup demo
	@cargo build --locked --workspace --bins
	@"$${CARGO_TARGET_DIR:-target}/debug/demo" alternating

demo-mysql: ## Rotate passwords of MySQL and MariaDB while programs use them
	@tests/setup demo-mysql
	@cargo build --locked --workspace --bins
	@"$${CARGO_TARGET_DIR:-target}/debug/demo" mysql

demo-api-key: ## Rotate the key of a service over HTTP while programs use it
	@tests/setup demo-api-key
	@cargo build --locked --workspace --bins
	@"$${CARGO_TARGET_DIR:-target}/debug/demo" api-key

errors: ## Provoke every error on real servers and show its text
	@tests/setup errors
	@cargo build --locked --workspace --bins
	@"$${CARGO_TARGET_DIR:-target}/debug/errors"

test: ## Run all tests
	@tests/setup test
	cargo build --workspace --bins --locked
	cargo test --workspace --locked -- --test-threads=$(TEST_THREADS)

test-stack: ## Deploy the template to an account on this machine, rotate through it and prove its roles
	@tests/setup stack
	@cargo build --locked --workspace --bins
	@"$${CARGO_TARGET_DIR:-target}/debug/stack"

torture: ## Interrupt rotations everywhere, on real servers and in memory, and show what was tried; ONLY=mysql for some
	@tests/setup test
	@cargo build --locked --workspace --bins
	@"$${CARGO_TARGET_DIR:-target}/debug/torture" "$(ONLY)"
ifeq ($(ONLY),)
	@cargo test --quiet --locked --workspace --test rotation --test contract contract -- --nocapture --test-threads=1
	@cargo test --quiet --locked --workspace --test fleet -- --nocapture
	@tests/setup fuzz
	@fuzz/run 30
endif

test-arm64: ## Build the functions for arm64 and run tests of every kind with them, emulated
	@tests/setup test
	@tests/setup arm64
	@tests/arm64

bench: ## Measure a release build; beside AWS's of AWS_FUNCTIONS=DIR; ONLY=memory for Lambda's memory sizes
	@tests/setup bench
	@cargo run --quiet --locked --package turnlock-tests --bin bench -- $(ONLY)

interop: ## Rotate with AWS's own function of AWS_FUNCTIONS=DIR, and under emulators that are not ours
	@tests/setup interop
	@cargo run --quiet --locked --package turnlock-tests --bin interop

fuzz: ## Fuzz what parses foreign input, ten minutes each; FUZZ_SECONDS=N for another time
	@tests/setup fuzz
	@fuzz/run 600

fuzz-smoke: ## Fuzz what parses foreign input, 30 seconds each
	@tests/setup fuzz
	@fuzz/run 30

mutants: ## Change the core in every place and tell which change no test sees; takes hours
	@tests/setup mutants
	@tests/mutants

schema: ## Write the JSON Schema of providers' descriptions anew
	WRITE_SCHEMA=1 cargo test --quiet --locked --package turnlock-api-key --lib schema

dashboard: ## Draw docs/dashboard.png: the deployed dashboard, with metrics of real rotations
	@tests/setup picture
	@cargo build --locked --workspace --bins
	@"$${CARGO_TARGET_DIR:-target}/debug/stack" picture

lint: ## Check format, lints and documentation
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked

deny: ## Check licences, advisories, bans and sources of the dependencies
	@command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	cargo deny check bans licenses sources
	cargo deny check advisories

setup-deploy: ## Install what builds, checks and deploys the template, in a folder of its own
	@tests/setup deploy

package: ## Build a zip of each function and print the sizes; ARCH=x86_64 for that
	@tests/setup deploy
	@tests/deploy/package $(ARCH)

validate: ## Check the template, its policies and the examples, without an account
	@tests/setup validate
	@tests/deploy/validate

deploy: ## Build the functions and deploy them with SAM; ARGS='--profile NAME' for `sam deploy`
	@tests/setup deploy
	@! grep -q 'Architecture=' samconfig.toml || grep -q 'Architecture=.*$(ARCH)' samconfig.toml || \
	{ echo 'deploy: samconfig.toml has another Architecture than $(ARCH): change it there' >&2; exit 1; }
	@PATH="$$(tests/setup cache)/deploy/bin:$$PATH" && export PATH && \
	sam build --parameter-overrides Architecture=$(ARCH) && \
	if grep -q '^stack_name' samconfig.toml; then sam deploy $(ARGS); \
	else sam deploy --guided --stack-name turnlock --parameter-overrides Architecture=$(ARCH) $(ARGS); fi
