# `make quickstart` and `make test` are all that a fresh machine needs: both set up .venv first.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
PINS ?= cpu
CORES ?= 2
INSTALLED = $(VENV)/.installed-$(PINS)
RUN = PATH="$(abspath $(VENV))/bin:$$PATH"
MATH_VERIFY = .venv-math-verify

.PHONY: help quickstart test test-slow math-verify lint format schema

help:  ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

quickstart: $(INSTALLED)  ## run config/config.yaml to its tables
	$(RUN) snakemake quickstart --cores $(CORES)

test: $(INSTALLED) $(MATH_VERIFY)/.installed lint  ## every test that runs on a CPU, but for those of minutes
	$(RUN) python -m pytest -m "not slow" --numprocesses $(CORES) --dist worksteal

test-slow: $(INSTALLED)  ## the tests that take minutes
	$(RUN) python -m pytest -m slow

math-verify: $(MATH_VERIFY)/.installed  ## set up .venv-math-verify, for a second opinion on verdicts

lint: $(INSTALLED)  ## ruff, snakefmt and snakemake's own linter
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) snakefmt --check Snakefile rules
	$(RUN) snakemake --lint
	$(RUN) python scripts/document_config.py --check
	$(RUN) python scripts/record_code.py

format: $(INSTALLED)  ## format Python and Snakemake files
	$(RUN) ruff check --fix .
	$(RUN) ruff format .
	$(RUN) snakefmt Snakefile rules

schema: $(INSTALLED)  ## write config/schema.json and the key reference in config/README.md
	$(RUN) python scripts/document_config.py

define check_python
@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if v == (3, 11) else \
    "found Python %d.%d at " % v + sys.executable + "; expected 3.11, which the pins are for; run make PYTHON=/path/to/python3.11")'
endef

$(INSTALLED): envs/$(PINS).txt envs/dev.txt envs/install.sh
	$(check_python)
	$(PYTHON) -m venv $(VENV)
	$(RUN) bash envs/install.sh $(PINS) dev
	@touch $@

$(MATH_VERIFY)/.installed: envs/math-verify.txt envs/install.sh
	$(check_python)
	$(PYTHON) -m venv $(MATH_VERIFY)
	PATH="$(abspath $(MATH_VERIFY))/bin:$$PATH" bash envs/install.sh math-verify
	@touch $@
