# The commands of this project: `make help` lists them.
#
# Every target makes the environments that it needs, from the lock files and inside your checkout; a
# repeat run skips that. You may give variables as `make run PORT=8001` or set them in the environment:
# make exports those of its command line.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh
# make installs environments at the same time; lint waits for its own only.
MAKEFLAGS += --jobs=4

# The interpreter that makes the environments: by default the first of these that works.
PYTHON ?=
PYTHONS := python3.14 python3.13 python3.12 python3.11 python3

# The deployed stage: dev or prod, see .chalice/config.json.
STAGE ?=

# The program that starts containers: docker compose, podman compose, …
COMPOSE ?= docker compose

# Arguments for pytest: make test ARGS="tests/unit -k claim"
ARGS ?=

# All tests, three modules at a time: they wait for their own processes nearly half of the time.
everything := --numprocesses 3 --dist loadscope --no-loadscope-reorder

# How long `make chaos` and `make prove` disturb, from which seed (by default another each time), how many tasks.
MINUTES ?= 5
SEED ?=
TASKS ?= 1000

# How many requests `make fuzz` sends: from the description, by schemathesis, and mutations of them.
REQUESTS ?= 10000
MUTATIONS ?= 100000

# Random programs on which the simulator and qiskit-aer must agree.
PROGRAMS ?= 1000

# `.venv-run` holds what runs and deploys a stage, `.venv` all that development needs on top of it.
run_python := .venv-run/bin/python
runtime := .venv-run/.installed
python := .venv/bin/python
environment := .venv/.installed
emulator := .venv-emulator/.installed
client := .venv-client/.installed
celery := .venv-celery/.installed
oracle := .venv-oracle/.installed
fuzz := .venv-fuzz/.installed
code = $(wildcard app.py chalicelib infra tests benchmarks tools examples client/src)
templates = $(wildcard infra/templates/*.yaml)
lint_imports := PYTHONPATH=client/src .venv/bin/lint-imports --no-logo

##@ Run it here

.PHONY: run
run: $(runtime) $(emulator) ## Run a stage on your machine: emulator, API on PORT (8000), WORKERS (2); Ctrl-C stops it
	@exec $(run_python) -m infra.local run

.PHONY: api
api: $(runtime) ## Add an API process to a running `make run`: make api PORT=8001
	@exec $(run_python) -m infra.local api

.PHONY: worker
worker: $(runtime) ## Add a worker process to a running `make run`
	@exec $(run_python) -m infra.local worker

.PHONY: stop
stop: $(runtime) ## Stop every process of this DATA_DIR (.local)
	@exec $(run_python) -m infra.local stop

.PHONY: reset
reset: $(runtime) ## Empty the data in DATA_DIR after asking (YES=1 does not ask)
	@exec $(run_python) -m infra.local reset

.PHONY: audit
audit: $(runtime) ## Check that the stage of this DATA_DIR lost nothing and did nothing twice
	@exec $(run_python) -m infra.audit

.PHONY: prune
prune: $(runtime) ## Delete pieces of circuits and results that no task refers to and that are older than a day
	@exec $(run_python) -m infra.audit.prune

##@ Change it

.PHONY: test
test: lint $(emulator) $(client) $(fuzz) ## Lint, then every test, as CI does: make test ARGS="tests/unit -k claim"
	@exec $(python) -m pytest $(or $(ARGS),$(everything))

.PHONY: check
check: lint unit ## Lint, types and the unit tests, in a minute; a room's tests too: make check ARGS=tests/local

.PHONY: unit
unit: $(environment) ## The unit tests alone: make unit ARGS="tests/unit/domain"
	@exec $(python) -m pytest --numprocesses 2 $(or $(ARGS),tests/unit)

.PHONY: lint
lint: $(environment) ## Style, types, direction of imports, CloudFormation templates
	@status=0; \
	$(python) -m ruff check --quiet || status=1; \
	$(python) -m ruff format --check --quiet || { echo "not formatted: make format" >&2; status=1; }; \
	$(python) -m mypy --no-error-summary $(code) || status=1; \
	$(lint_imports) > .venv/imports.log 2>&1 || { cat .venv/imports.log >&2; status=1; }; \
	$(if $(templates),.venv/bin/cfn-lint $(templates) || status=1;) \
	exit $$status

.PHONY: format
format: $(environment) ## Format the code and fix what ruff can fix
	@$(python) -m ruff check --fix --quiet --exit-zero
	@$(python) -m ruff format

.PHONY: benchmark
benchmark: $(environment) $(emulator) $(celery) ## Measure every figure that has a goal (15 to 30 minutes); counts and pages alone: make benchmark ARGS=pages
	@exec $(python) -m benchmarks $(ARGS)

.PHONY: docs
docs: $(environment) ## Write docs/openapi.json and its page from the code
	@$(python) -m tools.openapi

.PHONY: lock
lock: $(environment) ## Pin all dependencies again after a change of pyproject.toml; upgrade: make lock ARGS=--upgrade
	@$(python) -m tools.lock $(ARGS)

.PHONY: clean
clean: ## Remove environments, caches and builds; never data
	rm -rf .venv .venv-run .venv-client .venv-emulator .venv-celery .venv-fuzz .venv-oracle .venv*.old .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
	rm -rf $(addsuffix __pycache__,./ */ */*/ */*/*/ */*/*/*/ */*/*/*/*/)

##@ Prove it

.PHONY: chaos
chaos: $(environment) $(emulator) ## Load, kill -9 and pauses on real processes: make chaos MINUTES=5 SEED=7 TASKS=1000
	@exec $(python) -m tests.proof.chaos --minutes $(MINUTES) --tasks $(TASKS) $(if $(SEED),--seed $(SEED))

.PHONY: oracle
oracle: $(environment) $(oracle) ## Hold the simulator against qiskit-aer, on random programs too: make oracle PROGRAMS=1000
	@exec $(python) -m tests.proof.oracle --oracle .venv-oracle --programs $(PROGRAMS)

.PHONY: fuzz
fuzz: $(environment) $(emulator) $(fuzz) ## Requests by the description, then mutations of them: make fuzz REQUESTS=10000 MUTATIONS=100000 SEED=7
	@exec $(python) -m tests.proof.fuzz --requests $(REQUESTS) --mutations $(MUTATIONS) $(if $(SEED),--seed $(SEED))

.PHONY: prove
prove: $(environment) $(emulator) $(client) $(fuzz) $(oracle) ## All evidence in full; each part's figures at the end (tests/README.md)
	@rm -rf $(evidence); mkdir -p $(evidence); date +%s > $(evidence)/started
	@trap 'kill 0' INT; \
	{ $(call prove,explorer,$(python) -m tests.proof.explorer --full --mutants); \
	  $(call prove,families,EVIDENCE=full $(python) -m pytest -q --timeout 0 -o faulthandler_timeout=0 $(families)); \
	  $(call prove,oracle,$(python) -m tests.proof.oracle --oracle .venv-oracle --programs $(PROGRAMS)); } & \
	$(call prove,faults,$(python) -m tests.proof.faults --full); \
	wait; \
	$(call prove,chaos,$(python) -m tests.proof.chaos --minutes $(MINUTES) --tasks $(TASKS) $(if $(SEED),--seed $(SEED)))
	@echo; echo "commit $$(git describe --always --dirty 2> /dev/null || echo unknown)," \
	  "$$(( ($$(date +%s) - $$(cat $(evidence)/started)) / 60 )) minutes"; \
	for part in explorer families oracle faults chaos; do \
	  while IFS= read -r line; do \
	    case $$line in $(figures)) echo "$$part: $$line" ;; esac; done < $(evidence)/$$part.txt; \
	done; \
	test ! -e $(evidence)/failed || { echo "failed: $$(tr '\n' ' ' < $(evidence)/failed)" >&2; exit 1; }

##@ Deploy it

.PHONY: package
package: $(runtime) ## One SAM stack and one zip in build/package for a pipeline: make package STAGE=prod
	@exec $(run_python) -m infra.deploy package --stage "$(STAGE)" $(ARGS)

.PHONY: stacks
stacks: $(runtime) ## Deploy a stage's table, queues, logs and alarms, which `chalice deploy` needs
	@exec $(run_python) -m infra.deploy stacks --stage "$(STAGE)"

.PHONY: deploy
deploy: $(runtime) ## Deploy a stage to the AWS account of your credentials: make deploy STAGE=dev
	@exec $(run_python) -m infra.deploy deploy --stage "$(STAGE)" $(ARGS)

.PHONY: doctor
doctor: $(runtime) ## Read a live stage and name every wrong setting
	@exec $(run_python) -m infra.deploy doctor --stage "$(STAGE)"

.PHONY: smoke
smoke: $(runtime) ## Send one task through a live stage
	@exec $(run_python) -m infra.deploy smoke --stage "$(STAGE)"

.PHONY: destroy
destroy: $(runtime) ## Remove a stage but for its data, after asking (YES=1 does not ask)
	@exec $(run_python) -m infra.deploy destroy --stage "$(STAGE)"

##@ Try it elsewhere

.PHONY: localstack
localstack: $(runtime) ## LocalStack in a container on LOCALSTACK_PORT (4566), and `make run` against it
	@$(COMPOSE) version > /dev/null 2>&1 || { \
	  echo "make localstack needs a container engine with Compose; this does not work: $(COMPOSE)" >&2; exit 1; }
	$(COMPOSE) --file docker-compose.localstack.yml up --detach --wait
	@exec env AWS_ENDPOINT_URL=http://127.0.0.1:$(or $(LOCALSTACK_PORT),4566) $(run_python) -m infra.local run

.PHONY: test-endpoint
test-endpoint: $(environment) ## Contract and acceptance tests at an endpoint that nothing else uses: AWS_ENDPOINT_URL=…
	@exec $(python) -m tests.support.external_backends endpoint $(ARGS)

.PHONY: test-dynamodb-local
test-dynamodb-local: $(environment) ## The store's contract on AWS DynamoDB Local, unpacked in DYNAMODB_LOCAL_DIR
	@exec $(python) -m tests.support.external_backends dynamodb-local $(ARGS)

##@ Help

.PHONY: help
help: ## This list
	@while IFS= read -r line; do case $$line in \
	  "##@ "*) printf '\n%s\n' "$${line#"##@ "}" ;; \
	  [a-z]*:*"## "*) printf '  make %-19s %s\n' "$${line%%:*}" "$${line##*"## "}" ;; \
	  esac; done < $(firstword $(MAKEFILE_LIST))

# --- evidence --------------------------------------------------------------------------------------
# $(call prove,NAME,COMMAND) keeps what a part prints, says when it begins and ends, and notes a
# failure without stopping: one run tells you all that is wrong. The faults take most of the time and
# the other parts one core, so they run at the same time; chaos, which needs both cores, comes last.

evidence := build/evidence
prove = echo "$(1): begun, its output is in $(evidence)/$(1).txt"; \
  if PYTHONUNBUFFERED=1 $(2) > $(evidence)/$(1).txt 2>&1; then echo "$(1): done"; \
  else echo "$(1): failed"; echo $(1) >> $(evidence)/failed; fi
# The tests whose families `make test` samples (tests/support/evidence.py).
families := tests/acceptance/test_simulator.py tests/client/test_faults.py tests/client/test_real_service.py tests/contract tests/deploy/test_package.py \
  tests/functional/test_validations.py tests/pool tests/proof/faults/test_batch_of_a_hundred.py tests/proof/fuzz tests/proof/stateful
figures := circuits*|configurations*|scenarios*|states*|mutants*|seed*|killed*|paused*|submissions*|tasks*|retries*|audit*|violations*|*[0-9]" passed"*

# --- environments ----------------------------------------------------------------------------------
# tools/environment.py says how they are made.

find_python = \
  for candidate in $(or $(PYTHON),$(PYTHONS)); do \
    "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
      > /dev/null 2>&1 && { python=$$candidate; break; }; \
  done; \
  test -n "$$python" || { \
    echo "Python 3.11 or later with its venv module is needed (tried: $(or $(PYTHON),$(PYTHONS)));" \
      "name one with: make PYTHON=/path/to/python" >&2; \
    exit 1; }

$(runtime): requirements-run.lock
	@python=; $(find_python); exec "$$python" tools/environment.py .venv-run $<

$(environment): requirements-dev.lock
	@python=; $(find_python); exec "$$python" tools/environment.py .venv $<

$(client): requirements-client.lock
	@python=; $(find_python); exec "$$python" tools/environment.py .venv-client $<

$(emulator): requirements-emulator.lock
	@python=; $(find_python); exec "$$python" tools/environment.py .venv-emulator $<

$(celery): requirements-celery.lock
	@python=; $(find_python); exec "$$python" tools/environment.py .venv-celery $<

$(fuzz): requirements-fuzz.lock
	@python=; $(find_python); exec "$$python" tools/environment.py .venv-fuzz $<

$(oracle): requirements-oracle.lock
	@python=; $(find_python); exec "$$python" tools/environment.py .venv-oracle $<
