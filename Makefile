# Two commands: `make run` opens the explorer on the embedded bundle, `make test` runs the gate. Both set everything up.
# `make run ARGS=--debug` shows tracebacks of the explorer's own faults, `make run ARGS="--bundle DIR"` another bundle.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DATA ?= ../shared/data
RUNS ?= runs
PLM ?= assets/demo
ARGS ?=

# What the embedded bundle is made of.
DEMO = --config precompute/demo.toml \
	--proteins $(DATA)/uniprot_yeast_ecoli_bsubtilis.tsv.gz --more-proteins $(DATA)/uniprot_other.tsv.gz \
	--annotations $(DATA)/annotations.gaf.gz \
	--ontology $(DATA)/go.obo.gz --clusters $(DATA)/homology_clusters.tsv.gz \
	--contacts $(DATA)/binding_residues.tsv.gz --structures $(DATA)/structures --plm $(PLM) --out assets/demo

TESTS = OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses=logical --maxprocesses=4 --dist=worksteal

.PHONY: run test coverage check parity docs demo results lock clean

run: $(READY)
	$(BIN)/streamlit run explorer/app.py -- $(ARGS)

test: check
	$(TESTS)

# The same tests with every line counted that they run, which takes them two thirds longer.
coverage: $(READY)
	$(TESTS) --cov --cov-report=term:skip-covered

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

# Hold the SAEs and the files of others against two independent packages, ESM-C and ProtT5 against transformers; these need
# much, and perhaps not the same version of it, so they get environments of their own. nnsight asks
# for torchvision, which nothing here calls and which breaks transformers where it was built for another torch.
parity:
	$(PYTHON) -m venv $(RUNS)/parity
	$(RUNS)/parity/bin/pip install --quiet --editable '.[dev,parity]'
	$(RUNS)/parity/bin/pip uninstall --quiet --yes torchvision
	PROTSAE_PARITY=required $(RUNS)/parity/bin/pytest tests/protsae/test_parity.py \
		tests/protsae/test_foreign_files.py tests/protsae/test_hugging_face.py tests/export/test_saelens.py
	$(PYTHON) -m venv $(RUNS)/plms
	$(RUNS)/plms/bin/pip install --quiet --editable '.[dev,plms]'
	$(RUNS)/plms/bin/pytest tests/protsae/test_transformer_plms.py

# The docs as a site, in $(RUNS)/site; nothing is fetched while it is built or read.
docs: $(READY)
	$(BIN)/pip install --quiet --editable '.[docs]'
	$(BIN)/mkdocs build --strict

# Rebuild the embedded bundle from the source data in $(DATA): relatives, language model, precompute. Takes hours on a CPU.
# It takes the model that the bundle holds; `make demo PLM=esm2_t6_8M_UR50D` takes Meta's own weights instead, which are
# downloaded for it (a larger ESM-2 likewise), and `make demo PLM=runs/plm` trains the embedded ones anew.
demo: $(READY) $(if $(filter $(RUNS)/plm,$(PLM)),$(RUNS)/plm/weights.safetensors)
	$(BIN)/python -m precompute run $(DEMO)
	$(BIN)/python -m precompute analyse assets/demo steerability

$(RUNS)/plm/weights.safetensors: | $(READY) $(RUNS)/clusters.tsv
	$(BIN)/python -m precompute plm --config precompute/demo_plm.toml \
		--sequences $(DATA)/sequences.fasta.gz --clusters $(DATA)/homology_clusters.tsv.gz $(RUNS)/clusters.tsv \
		--init $(DATA)/../plm/esm2_8m_healed.safetensors --out $(RUNS)/plm

$(RUNS)/clusters.tsv: | $(READY)
	mkdir -p $(RUNS)
	$(BIN)/python -m precompute cluster --sequences $(DATA)/sequences.fasta.gz --out $@

# Evaluate all methods on the embedded bundle's data and write docs/results.md; goes on with what the bundle tells, once
# its proteins are embedded again (a quarter of an hour on two cores).
results: $(READY)
	$(BIN)/python -m precompute stage proteins $(DEMO)
	$(BIN)/python -m precompute stage embed $(DEMO)
	$(BIN)/python -m precompute evaluate assets/demo --report docs/results.md $(ARGS)

lock:
	$(PYTHON) -m venv $(RUNS)/lock
	$(RUNS)/lock/bin/pip install -q -e '.[dev]'
	$(RUNS)/lock/bin/pip freeze --exclude-editable | sed 's/+cpu$$//' > requirements.lock

clean:
	rm -rf $(VENV)

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --requirement requirements.lock
	$(BIN)/pip install --quiet --no-deps --editable .
	touch $(READY)
