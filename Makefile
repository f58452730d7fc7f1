# Sidelong. `make demo` and `make test` are all a newcomer needs; the rest is for who builds models.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
DATA   ?= ../shared/data
CHECKPOINT ?= $(if $(wildcard work/118m/model.safetensors),work/118m,work/shipped)
PIP    := $(BIN)/pip install --quiet --disable-pip-version-check

.PHONY: demo test lint train exam onnx picture bench clean federated slow-test matrix-test hostile \
        morning

demo: $(VENV)/.base
	@$(BIN)/sidelong demo

test: $(VENV)/.dev
	@$(MAKE) --no-print-directory lint
	@echo "Running the tests (about four minutes on two cores)."
	$(BIN)/pytest

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Sidelong needs Python 3.11 or newer: make PYTHON=python3.11"; exit 2; }
	@command -v c++ >/dev/null || { echo "Sidelong needs a C++ compiler: apt install g++"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.base: $(VENV)/.python pyproject.toml
	@echo "Installing Sidelong. llama.cpp is built from source for this CPU: about five minutes"
	@echo "on two cores, the first time only."
	@$(PIP) -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	@echo "Installing what the tests need, PyTorch among it: a few minutes, the first time only."
	@$(PIP) -e '.[dev,encrypted,export,kdeconnect,matrix]'
	@touch $@

train: | $(DATA)/glancechat $(VENV)/.dev
	DATA=$(DATA) PYTHON=$(BIN)/python scripts/train.sh

# Missed before anything is installed for it.
$(DATA)/glancechat:
	@echo "No folder $@; say where the training data is: make $(MAKECMDGOALS) DATA=FOLDER" >&2; exit 2

# EXAM="--long --baselines --against work/teacher.gguf --plot work/exam.png" asks for more.
exam: | $(DATA)/glancechat $(VENV)/.dev
	$(BIN)/python -m export.exam --model models/sidelong-118m.gguf --data $(DATA) \
	  $(addprefix --statements ,$(wildcard $(DATA)/glancechat/traps-dev.jsonl)) $(EXAM)

# From the checkpoint that `make train` leaves, from another (make onnx CHECKPOINT=DIR), or, where
# there is none, from the shipped model's own weights.
onnx: $(CHECKPOINT)/model.safetensors
	$(BIN)/python -m export.to_onnx $(CHECKPOINT) work/onnx-int8 --type int8
	$(BIN)/python -m export.to_onnx $(CHECKPOINT) work/onnx-int4 --type int4 --keep 27 28 29

$(CHECKPOINT)/model.safetensors: | $(VENV)/.dev
	$(BIN)/python -m export.from_gguf models/sidelong-118m.gguf $(CHECKPOINT)

# Measures this machine, beside whatever of other people's code is installed and has a model in
# work/ (`make test onnx CHECKPOINT=work/shipped`). BENCH=--quick takes less than a minute.
bench: $(VENV)/.bench
	@$(BIN)/python -m scripts.bench.gate
	@$(BIN)/python scripts/bench_latency.py $(BENCH) \
	  $(if $(wildcard work/shipped/model.safetensors),--checkpoint work/shipped) \
	  $(foreach kind,int4 int8 fp32,$(if $(wildcard work/onnx-$(kind)/model.onnx),\
	    --onnx-$(kind) work/onnx-$(kind)))

$(VENV)/.bench: $(VENV)/.base
	@echo "Installing what draws the plot: a few seconds, the first time only."
	@$(PIP) -e '.[bench]'
	@touch $@

# A federation of simulated wearers, all on this machine; SET="rounds=5 method=svd" changes its settings
# (federated/settings.py says what there is).
federated: $(VENV)/.federated
	@$(BIN)/python -m federated.simulate --set data=$(DATA) $(addprefix --set ,$(SET))

$(VENV)/.federated: $(VENV)/.dev
	@echo "Installing Flower and Ray for the simulation: a minute or two, the first time only."
	@$(PIP) -e '.[federated]'
	@touch $@

# Tests that take minutes: a federation with TLS and two devices on loopback, whose node and server
# are killed on the way.
slow-test: $(VENV)/.federated
	$(BIN)/pytest -m slow

# The Matrix connector against a real homeserver on loopback. Synapse (AGPL, large) is no dependency of
# Sidelong's and gets an environment of its own.
matrix-test: $(VENV)/.dev build/synapse/.installed
	$(BIN)/pytest tests/device/connectors/matrix

build/synapse/.installed:
	@echo "Installing Synapse for the tests: a minute, the first time only."
	@$(PYTHON) -m venv build/synapse
	@build/synapse/bin/pip install --quiet --disable-pip-version-check matrix-synapse==1.163.2
	@touch $@

# Texts that want something of the machine, through the whole flow: nothing may happen. HOSTILE=FOLDER
# has further ones, one a file.
hostile: $(VENV)/.dev
	@$(BIN)/python -m tests.hostile $(HOSTILE)

# Thirty messages in four groups, a wearer made by eSpeak who answers by ear, and how long it took.
# Listen to build/morning.wav then.
morning: $(VENV)/.voice
	@mkdir -p build
	@$(BIN)/python scripts/voice_loop.py build/morning.wav

$(VENV)/.voice: $(VENV)/.base
	@command -v espeak-ng >/dev/null || { echo "The wearer needs a voice: apt install espeak-ng" >&2; exit 2; }
	@echo "Installing what hears and speaks: a minute, the first time only."
	@$(PIP) -e '.[voice]'
	@touch $@

picture: $(VENV)/.base
	$(BIN)/python scripts/picture.py docs/demo.svg

clean:
	rm -rf $(VENV) build *.egg-info
