# Everything runs inside .venv, which each target makes for itself when it is missing or stale.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
DEMO   ?= demo-output

.PHONY: help demo test test-fast check bench docs site page screenshots bundled-model clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

# The light install: what a user gets. No torch.
$(VENV)/.core: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[graph]'
	touch $@

# The development install. torch comes first and alone: 2.13.0 is the CPU build, a range would bring CUDA.
$(VENV)/.dev: $(VENV)/.core
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

demo: $(VENV)/.core  ## install (without torch) and filter the packaged sample with the bundled model
	$(BIN)/cacre demo -o $(DEMO)
	$(BIN)/cacre run $(DEMO)/candidates.jsonl --extractor mini-zh -o $(DEMO)/from-text.jsonl --all $(DEMO)/from-text-all.jsonl
	$(BIN)/cacre evaluate $(DEMO)/from-text.jsonl $(DEMO)/candidates.jsonl --mode flat
	$(BIN)/cacre graph $(DEMO)/from-text.jsonl --to turtle -o $(DEMO)/from-text.ttl

test: $(VENV)/.dev  ## run every test
	$(BIN)/python -m pytest -n 2

test-fast: $(VENV)/.dev  ## run the tests that take no training
	$(BIN)/python -m pytest -n 2 -m 'not slow'

check: $(VENV)/.dev  ## lint, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev  ## speed, as ratios side by side in one run
	$(BIN)/python benchmarks/verify_speed.py

docs: $(VENV)/.dev  ## check that every command and file named in the docs exists
	$(BIN)/python -m pytest tests/test_docs.py

site: $(VENV)/.dev  ## build the documentation as a site, into build/docs-site/site
	$(BIN)/python docs/tools/site.py

page:  ## build the review page (needs Node 20.19 or newer); commit what comes out
	cd page && npm ci --no-audit --no-fund && npm run build

screenshots: $(VENV)/.dev  ## take the pictures of docs/review.md (needs chromium)
	$(BIN)/python page/screenshots.py docs/images

bundled-model: $(VENV)/.dev  ## train, fit and export mini-zh from corpus/encoder (PRETRAIN=1 CORPUS=folder: pre-train too; resumable)
	PATH="$(CURDIR)/$(BIN):$$PATH" bash corpus/bundled_model.sh

clean:  ## remove what was built, not what was trained
	rm -rf $(VENV) $(DEMO) dist build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
