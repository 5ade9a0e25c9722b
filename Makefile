# Two commands do everything, set-up included: `make run` and `make test`. `make` alone lists the rest.
PYTHON  ?= python3
PROFILE ?= demo
VENV    := .venv
ifeq ($(OS),Windows_NT)
BIN     := $(VENV)/Scripts
else
BIN     := $(VENV)/bin
endif
READY   := $(VENV)/.ready
# People see pip's progress; a CI log does not need it.
QUIET   := $(if $(CI),--quiet)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help run test test-browser screenshot panel lab notebooks figures bench bench-gpu lint format \
        realesrgan check lock clean

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(READY)  ## install if needed, execute the notebooks, paint pictures at 64, 256 and 1024
	@$(BIN)/artgan run --profile $(PROFILE)

test: $(READY)  ## install if needed, run every test but those in a browser
	@$(BIN)/python -m pytest

test-browser: $(READY)  ## drive the panel in a real browser, if there is a Chromium; pictures go to build/browser
	@$(BIN)/python -m pytest tests/browser -m browser

screenshot: $(READY)  ## take the picture of the panel for figures/ anew, with that browser
	@$(BIN)/python -m pytest tests/browser -m browser -k "looks and light" -q
	@cp build/browser/page_1440_light.png figures/generation_panel.png

panel: $(READY)  ## serve the generation panel as a page
	@$(BIN)/artgan panel

lab: $(READY)  ## open the notebooks in JupyterLab
	@$(BIN)/jupyter lab notebooks

notebooks: $(READY)  ## execute the notebooks, and export them to HTML: PROFILE=smoke|demo|paper
	@$(BIN)/artgan notebooks --profile $(PROFILE)

figures: $(READY)  ## redraw the committed figures from data/results
	@$(BIN)/python -m reproduction.figures

bench: $(READY)  ## measure beside what others use, up to half an hour: build/bench/cpu.json and data/results
	@$(BIN)/python -m benchmarks.suite --out data/results/bench-cpu.json
	@$(BIN)/python -m reproduction.figures

bench-gpu:  ## the same on a CUDA device, under ten minutes; PYTHON needs no more than torch and our first dependencies
	@$(if $(wildcard $(READY)),$(BIN)/python,$(PYTHON)) -m benchmarks.suite --device cuda --out data/results/bench-cuda.json

lint: $(READY)  ## ruff (library, tests, notebooks) and mypy (library)
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

format: $(READY)  ## let ruff rewrite what it can
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

realesrgan: $(READY)  ## install the package realesrgan too, on Python 3.11 and 3.12
	@$(BIN)/python -m pip install $(QUIET) --no-deps --no-build-isolation --require-hashes -r requirements-realesrgan.txt

check:  ## what CI runs
	@bash .ci/run

lock:  ## resolve requirements.lock anew from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-annotate \
	    --quiet --output-file requirements.lock

clean:  ## remove what runs have written below build/
	rm -rf build

# The stamp is newer than what it was made from, so a second call installs nothing.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else \
	    "artgan needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; name another by make PYTHON=python3.12")'
	@echo "Installing into $(VENV): several gigabytes with PyTorch, a few minutes, once."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install $(QUIET) --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install $(QUIET) --no-deps --no-build-isolation --editable .
	@touch $(READY)
