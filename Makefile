# Everything here sets itself up: a virtual environment beside this file, then the weights.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
OUT ?= demo-output

.PHONY: help demo test serve check format clean

help:  ## what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/ -/'

$(VENV)/.ready: pyproject.toml constraints.txt
	@echo "setting up $(VENV): a few minutes and about 3 GB, the first time only"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/.ready-dev: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

$(VENV)/.weights: $(VENV)/.ready
	$(BIN)/adloom weights add smollm2
	-$(BIN)/adloom weights add ocr
	-$(BIN)/adloom weights add opennsfw
	touch $@

demo: $(VENV)/.weights  ## the main job on the sample products, into demo-output/
	$(BIN)/adloom demo --out $(OUT)

test: $(VENV)/.ready-dev $(VENV)/.weights  ## all tests
	$(BIN)/python -m pytest -q

serve: $(VENV)/.weights  ## the service on this machine, with the sample products loaded
	$(BIN)/adloom serve --samples

check: $(VENV)/.ready-dev  ## style, types, import direction
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.ready-dev  ## let ruff lay the code out
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## remove what the commands above made, weights excepted
	rm -rf $(VENV) $(OUT) .pytest_cache .mypy_cache .ruff_cache build dist
