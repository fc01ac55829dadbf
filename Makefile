# Each target is one command; everything depends on `install`, which is quick when nothing changed.
.PHONY: help install demo serve test bench slow lock docs
ARGS =

help:
	@echo "make demo      see it work (under a minute)"
	@echo "make serve     run the server on 127.0.0.1:4566     (ARGS='--port 5000')"
	@echo "make test      the whole test suite                 (ARGS='tests/core -x')"
	@echo "make slow      tests that need minutes each"
	@echo "make bench     measure Stoker and its peers side by side"
	@echo "make install   .venv with the locked dependencies and .venv/bin/stoker"
	@echo "make docs      write the generated pages again"
	@echo "make lock      choose dependency versions again (requirements.lock, the SDK's package-lock)"

install:
	@scripts/install.sh

demo: install
	@.venv/bin/python examples/demo/run.py

serve: install
	@exec .venv/bin/stoker serve $(ARGS)

test: install
	@scripts/test.sh $(ARGS)

slow: install
	@.venv/bin/python -m pytest -m slow -rs --timeout=1800 $(ARGS)

bench: install
	@.venv/bin/python -m bench $(ARGS)

docs: install
	@.venv/bin/python -m stoker.config_page >docs/guide/configuration.md
	@.venv/bin/python scripts/generate_compatibility.py >docs/COMPATIBILITY.md

lock: install
	@.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-header --no-annotate --extra dev --upgrade \
	    pyproject.toml -o requirements.lock
	@cd src/stoker/runtimes/nodejs/sdk && npm update --package-lock-only --ignore-scripts \
	    --no-audit --no-fund --omit-lockfile-registry-resolved
