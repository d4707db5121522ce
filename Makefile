# Everything a developer does here, each in a line or two. `make` alone lists it.

PORT ?= 8042
DATA ?= ./data
PYTHON ?=
WORKERS ?= 2
COUNT ?=
SEED ?= 1
ARGS ?=

BIN := .venv/bin
SOURCES := $(wildcard layers/dicomorph/dicomorph functions local tests tools)
TEMPLATE := $(wildcard template.yaml)

.DEFAULT_GOAL := help
.PHONY: help setup run test coverage test-slow test-second test-clients kills fuzz mutants bench-engine bench-large bench-jobs bench-transcoding check fix lock lock-check validate build sizes deploy release replay smoke clean generated template openapi permissions
export PYTHON
# The environment is installed without caches: unless the first run may leave them, each process of a
# test, server or worker, compiles its libraries anew, and takes three times as long to start.
unexport PYTHONDONTWRITEBYTECODE

# SAM in its own environment, whose Python also builds the layers.
SAM := PATH="$(CURDIR)/.venv-sam/bin:$$PATH" SAM_CLI_TELEMETRY=0

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Create or update .venv with everything (done for you by the other targets)
	@tools/environment dev

run: ## Start the server: make run PORT=8042 DATA=./data INCOMING=./incoming
	@tools/environment local
	@$(BIN)/python -m local --port $(PORT) --data "$(DATA)" $(if $(INCOMING),--incoming "$(INCOMING)") $(ARGS)

test: setup ## Run the fast tests: make test ARGS="-k uid" (COVERAGE=1 measures as make coverage does)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(if $(COVERAGE),--cov) $(ARGS)

coverage: ## Run the fast tests and say which lines and branches none of them reaches
	@$(MAKE) --no-print-directory test COVERAGE=1

test-slow: setup ## Run the slow tests, with long random searches
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m slow --hypothesis-profile=slow $(ARGS)

kills: setup ## Kill the server and, as root, cut its power COUNT times each: make kills COUNT=100
	@$(BIN)/python -m pytest -q -s -m slow --rounds $(or $(COUNT),30) tests/local/test_kills.py tests/local/test_power_cuts.py $(ARGS)

test-second: setup ## Hold index and state machine against second implementations of AWS (needs npm)
	@mkdir -p .cache/second && cp requirements/second/*.json .cache/second
	@cd .cache/second && npm ci --silent --ignore-scripts --no-audit --no-fund
	@$(BIN)/python -m pytest -q -m "slow or not slow" --second tests/template/test_second_validator.py \
		$(addprefix tests/contract/test_,index_annotations.py index_dynamodb.py index_dynamodb_sizes.py index_histories.py \
		index_remove.py index_replacing.py index_store.py job_records.py) $(ARGS)

test-clients: setup ## Hold the server against clients of Orthanc: pyorthanc and orthanc-api-client
	@$(BIN)/python -m venv .cache/clients && .cache/clients/bin/pip install -q -r requirements/clients.txt
	@$(BIN)/python -m pytest -q -m slow tests/local/test_clients.py $(ARGS)

fuzz: setup ## Mutate files and edit them: make fuzz COUNT=200000 SEED=1
	@nice -n 10 $(BIN)/python -m tests.fuzz.campaign $(if $(COUNT),--count $(COUNT)) --seed $(SEED) --workers $(WORKERS) $(ARGS)

mutants: setup ## Change the product in COUNT places, one at a time: make mutants COUNT=500 SEED=1
	@nice -n 10 $(BIN)/python -m tests.mutants.campaign $(if $(COUNT),--count $(COUNT)) --seed $(SEED) --workers $(WORKERS) $(ARGS)

bench-engine: setup ## Measure the engine: make bench-engine ARGS="ct rtstruct --baseline MODULE.py"
	@$(BIN)/python -m tests.benchmarks.engine $(ARGS)

bench-large: setup ## Measure large instances over HTTP: make bench-large ARGS="--work /var/tmp --native 506"
	@$(BIN)/python -m tests.benchmarks.large $(ARGS)

bench-jobs: setup ## Measure jobs: make bench-jobs ARGS="--work /var/tmp --scale 100000"
	@$(BIN)/python -m tests.benchmarks.jobs $(ARGS)

bench-transcoding: setup ## Measure transcoding: make bench-transcoding ARGS="FILE --syntax 1.2.840.10008.1.2.4.80"
	@$(BIN)/python -m tests.benchmarks.transcoding $(ARGS)

check: setup ## Check format, lint, types, imports and the template
	@$(BIN)/ruff format --check --quiet . || { echo "Run 'make fix'."; exit 1; }
	@$(BIN)/ruff check .
	@$(BIN)/mypy $(SOURCES)
	@$(BIN)/lint-imports --no-logo
	@$(if $(TEMPLATE),$(BIN)/cfn-lint $(TEMPLATE))

validate: setup ## Let AWS SAM check the template, and look at what it makes of it
	@tools/environment sam
	@$(SAM) AWS_DEFAULT_REGION=eu-west-1 sam validate --lint
	@$(BIN)/python -m pytest -q -m slow tests/template/test_expanded_template.py tests/template/test_released_template.py

build: ## Build what is deployed to AWS, and start every function from it
	@tools/environment sam
	@find functions -name __pycache__ -type d -prune -exec rm -rf {} +
	@$(SAM) sam build
	@$(SAM) python -m tools.build_check

# Of what was built, or builds it.
sizes: $(if $(wildcard .aws-sam/build/template.yaml),,build) ## List the sizes of what was built against Lambda's limit
	@tools/environment sam
	@$(SAM) python -m tools.build_sizes

deploy: build ## Deploy to AWS; the first time with questions
	@$(SAM) python -m tools.build_sizes
	@$(SAM) python -m tools.deploy $(ARGS)

release: setup build ## Pack what was built into dist/: for SAM, and for CloudFormation, CDK, Terraform and pipelines
	@$(SAM) python -m tools.build_sizes
	@mkdir -p dist
	@$(BIN)/python -m tools.release_archive dist
	@$(SAM) python -m tools.release_template dist

replay: setup ## Move dead letters of what arrived back to their queue: make replay STACK=dicomorph (ARGS=--all)
	@$(BIN)/python -m tools.replay $(if $(STACK),--stack "$(STACK)") $(ARGS)

smoke: setup ## Try a server with synthetic data: make smoke STACK=dicomorph, or URL=http://127.0.0.1:8042
	@$(BIN)/python -m tools.smoke $(if $(STACK),--stack "$(STACK)") $(if $(URL),--url "$(URL)") $(ARGS)

fix: setup ## Format, and repair what ruff can
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

generated: template openapi ## Write all that follows from the table of routes
	@$(BIN)/python -m tools.compatibility

template: setup ## Write the generated parts of template.yaml anew
	@$(BIN)/python -m tools.template

openapi: setup ## Write docs/openapi.json anew
	@$(BIN)/python -m tools.openapi

permissions: setup ## Write docs/permissions.md anew
	@$(BIN)/python -m tests.support.permissions_table > docs/permissions.md

lock: setup ## Resolve the dependencies anew: make lock ARGS=--upgrade
	@tools/lock $(ARGS)

lock-check: setup ## Prove that the lock installs from wheels on every Python and architecture
	@tools/lock-check

clean: ## Remove the environment, caches and builds (never DATA)
	@rm -rf .venv .venv-sam .cache .aws-sam build dist .hypothesis .*_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
