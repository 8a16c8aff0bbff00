# Two commands: `make bench` measures, `make test` checks.  Each sets everything up by itself first.

PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/gluonmark-is-installed
PEERS_STAMP := $(VENV)-peers/peers-are-installed

.PHONY: bench test three-ways peers mutants docs setup clean
.DEFAULT_GOAL := bench

bench: setup
	$(VENV)/bin/gluonmark bench --profile quick

test: setup
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/pytest --numprocesses auto --dist worksteal

# On a machine with nothing else to do: that asv, pytest-benchmark and gluonmark bench give the same figures.
three-ways: setup
	$(VENV)/bin/python tests/benchmarks/three_ways.py

# Beside PyTorch, JAX and ONNX Runtime: an hour or so, on a machine with nothing else to do.
peers: setup $(PEERS_STAMP)
	$(VENV)/bin/python -m benchmarks.peers.compare

$(PEERS_STAMP): benchmarks/peers/requirements.txt
	$(PYTHON) -m venv --clear $(VENV)-peers
	@echo "Installing PyTorch, JAX and ONNX Runtime into $(VENV)-peers."
	@$(VENV)-peers/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

# Deliberate mistakes in the generator, one after the other: which does no test notice?  It goes on where it stopped.
mutants: setup
	$(VENV)/bin/python tests/mutation/run.py

# The tables in docs/ are found by trying; the same tests keep them true.
docs: setup
	$(VENV)/bin/pytest tests/command_line/test_documents.py tests/kernels/test_gluon_classes.py --rewrite-golden

setup: $(STAMP)

# The stamp is made last: what failed half-way is done again.
$(STAMP): pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "gluonmark needs Python 3.10, 3.11 or 3.12: install one with 'sudo apt-get install python3 python3-venv'." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' || { echo "gluonmark needs Python 3.10, 3.11 or 3.12, and $(PYTHON) is $$($(PYTHON) -V 2>&1): name another one with 'make setup PYTHON=python3.12'." >&2; exit 1; }
	@$(PYTHON) -c 'import ctypes; ctypes.CDLL("libquadmath.so.0")' 2>/dev/null || { echo "MXNet needs the system library libquadmath: install it with 'sudo apt-get install libquadmath0'." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments: install what is missing with 'sudo apt-get install python3-venv'." >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	@echo "Installing gluonmark and what it needs into $(VENV): about 250 MB to download."
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[suite,test]'
	-@$(VENV)/bin/gluonmark prepare # where nothing can be kept, first calls compile
	@$(VENV)/bin/asv machine --yes >/dev/null # asv refuses to run on a machine that it does not know
	@touch $@

clean:
	rm -rf $(VENV) $(VENV)-peers .asv .mypy_cache .pytest_cache .ruff_cache build *.egg-info
