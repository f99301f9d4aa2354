# Trestle's everyday commands; `make` or `make help` lists them. demo, test-unit, build and check need Node 20, 22 or 24 and nothing else.
.DEFAULT_GOAL := help
.PHONY: help deps build demo test test-unit test-e2e test-istio peers bench check clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps:
	@node scripts/deps.mjs

build: deps ## dist/cli.js, the trestle command
	@npm run --silent build

demo: build ## the main job with nothing installed: a mesh, sample applications, a rule; ONCE=1 ends by itself
	@node dist/cli.js demo $(if $(ONCE),--once)

test: deps ## everything, real peers included (sets them up on Debian); ends with "N passed, N failed"
	@node scripts/test.mjs

test-unit: deps ## unit, conformance and fuzz tests
	@npm run --silent test:unit

test-e2e: build peers ## only the tests with real peers; ONLY=test/e2e/NAME.test.ts for one file
	@npm run --silent test:e2e -- $(ONLY)

test-istio: build peers ## only the tests with Kubernetes' API server; builds it the first time (5 minutes or more)
	@node --import tsx test/support/build-kubernetes.ts
	@npm run --silent test:istio -- $(ONLY)

peers: deps ## installs (Debian) and builds what the tests with real peers need
	@scripts/peers.sh
	@node --import tsx test/support/build-peers.ts

bench: build ## calls through Trestle, Envoy, nginx, haproxy and direct, in one run, as tables; ARGS=--quick for two minutes, --write for docs/performance.md
	@node --import tsx test/bench/run.ts $(ARGS)

check: deps ## types, lint, and the tree check (imports, pure folders, file lengths, unit tests, doc comments)
	@npm run --silent typecheck
	@npm run --silent lint
	@npx --no-install vitest run --project unit test/unit/tree.test.ts

clean: ## removes what the build made
	@rm -rf dist coverage .cache
