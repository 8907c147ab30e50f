# `make run` and `make test` do their own set-up: they need python3 (3.10 or newer) and a package index, nothing else.

PYTHON ?= python3
# Wherever make was started, and whatever the folder is called: this is the only makefile.
# In quotes of the shell, of which a name may have some itself.
quoted = '$(subst ','\'',$(1))'
ROOT := $(shell cd "$$(dirname $(call quoted,$(strip $(MAKEFILE_LIST))))" && pwd)
HERE := $(call quoted,$(ROOT))
# Not .venv/bin/rider: a script does not lie in every folder.
RIDER := .venv/bin/python -m rider_core.cli.main
TOX := .make/tox/bin/tox
REPORTS := .make/reports
SHELL := /bin/bash

# Some containers and services have no HOME, or one that cannot be written; pip's cache and our data go here then.
ifneq ($(shell [ -n "$$HOME" ] && [ -w "$$HOME" ] && echo writable),writable)
export HOME := $(ROOT)/.make/home
endif

# What bootstrap.py writes there is what pip is configured with: uv reads neither pip's variables nor its files.
export UV_CONFIG_FILE := $(ROOT)/.make/uv.toml
# The interpreters are those of the machine.
export UV_PYTHON_DOWNLOADS := never

# tox finds interpreters by PATH; those of pyenv are put behind what is there.
PYENV_ROOT ?= $(HOME)/.pyenv
export PATH := $(PATH)$(shell printf ':%s' $(PYENV_ROOT)/versions/*/bin)

.DEFAULT_GOAL := help
.PHONY: help run test test-quick lint docs files mutations clean app tox

help: ## show this
	@grep -E '^[a-z-]+[a-zA-Z-]*:.*##' $(HERE)/Makefile | sed -E 's/:.*## /\t/' | expand -t 14
	@echo "bench-NAME    run bench/NAME/run.py"

run: app ## set up, then start Rider-PC (with a simulated robot unless RIDER_PI_HOST is set)
	@cd $(HERE) && exec $(RIDER) up

ifdef K
test: tox ## set up, then run the whole test suite through tox; K=expression: only tests whose names match it
	@$(PYTHON) $(HERE)/contrib/build/test_packages.py
	@cd $(HERE) && exec $(TOX) run -e quick -- tests plugins -k "$(K)"
else
test: tox
	@$(PYTHON) $(HERE)/contrib/build/test_packages.py
	@cd $(HERE) && rm -rf $(REPORTS) && mkdir -p $(REPORTS)
	@cd $(HERE) && $(TOX) run --skip-missing-interpreters $(if $(CI),false,true) --result-json $(REPORTS)/tox.json; \
		status=$$?; $(PYTHON) contrib/build/test_report.py $(REPORTS) && exit $$status
endif

test-quick: tox ## the tests that need no server and no large model, in the minute before a commit
	@cd $(HERE) && exec $(TOX) run -e quick

lint: tox files ## ruff, the layers, mypy
	@cd $(HERE) && exec $(TOX) run -e lint,types

docs: tox ## the guides in English and Polish, in docs/site; a wrong link is an error
	@cd $(HERE) && exec $(TOX) run -e docs

# Against the empty tree: what is wrong in any file, not only in the last change. Patches have their own white space.
files: ## no conflict marks or stray white space, nothing over 1 MB
	@cd $(HERE) && git diff --check "$$(git hash-object -t tree /dev/null)" -- . ':!*.patch'
	@cd $(HERE) && git ls-files -z | xargs -0 -r ls -l -- | \
		awk '$$5 > 1048576 { print "too large: " $$NF; bad = 1 } END { exit bad }'

mutations: tox ## remove each safeguard, and expect its test to fail
	@$(PYTHON) $(HERE)/contrib/build/test_packages.py
	@cd $(HERE) && exec $(TOX) run -e mutations

bench-%: app
	@cd $(HERE) && exec .venv/bin/python bench/$*/run.py

clean: ## remove everything that was built or installed here; your data stays
	@cd $(HERE) && rm -rf .venv .tox .make build dist docs/site docs/.cache web/static web/node_modules *.egg-info plugins/*/build \
		plugins/*/*.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	@find $(HERE) -name __pycache__ -not -path '*/.git/*' -prune -exec rm -rf {} +

app:
	@mkdir -p "$(HOME)"
	@$(PYTHON) $(HERE)/contrib/build/bootstrap.py app

tox:
	@mkdir -p "$(HOME)"
	@$(PYTHON) $(HERE)/contrib/build/bootstrap.py tox
