# Docent's chores. `make` alone lists them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO          ?= go
STATICCHECK ?= $(GO) run honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK ?= $(GO) run golang.org/x/vuln/cmd/govulncheck@v1.9.0
GORELEASE   ?= $(GO) run golang.org/x/exp/cmd/gorelease@v0.0.0-20261113113407-e3970619a1a4

# Every module of the repository, the root first. `./...` never crosses into a nested module, so each is visited on its own.
MODULES := . $(sort $(patsubst %/go.mod,%,$(shell find . -mindepth 2 -name go.mod -not -path '*/testdata/*' | sed 's|^\./||')))

# What client-go and dubbo-go need takes minutes to lint: only `make check` does it.
SLOW := examples/kubernetes recipes_test/dubbo

# The modules that users import: docs/api has what they export.
LIBRARIES := . $(filter contrib/%,$(MODULES))

# Modules on large libraries, and modules that need real servers of others beside ZooKeeper.
NEIGHBOURS := examples/gozero examples/kubernetes examples/viper internal/release
SERVED     := recipes_test/contrib recipes_test/moving examples/fencing

FUZZTIME ?= 20s
SEEDS    ?= 200
DURATION ?= 10m
# How often jitter and shake run each test, and which packages shake takes.
COUNT    ?= 3
PACKAGES ?= ./...
# How many random programs the conformance suite runs against both servers.
CHECKS   ?= 60
# Tests that compute much and wait for nothing. Under the race detector they run in part or not at all (testworld.Sized and Sequential,
# and oneIn of cmd/docent); make simulation runs them whole.
TABLES := TestFault25_EveryVerb|TestDocs_commandLinesParse|TestEveryArgument_malformed|TestConfig_roundTrip|TestFault44_E|TestHash|TestSticky
TABLES := $(TABLES)|TestShares|TestWeightedShares|TestBoundedLoad|TestLeastPending|TestDownIsPassedOver|TestUsage|TestOwnFlagsComeFirst
TABLES := $(TABLES)|TestHardCasesTable|TestFault36_What|TestFault48|TestFault50_(Me|More|Hostile)|TestRead_hundredThousandNodes|TestFault38_CodesByRights
TABLE_PACKAGES := ./cmd/docent ./groupmembership ./inspect ./internal/core ./naming
# The suites that run on the new cell too, in make test; make check runs all that know a version.
NEW_SUITES ?= ./conformance ./inspect ./security
# How long the tests of one package may take; a busy machine takes long.
TIMEOUT  ?= 20m
# How many rounds the benchmark takes, and when it begins no more of them.
ROUNDS   ?= 12
WITHIN   ?= 10m

# A program under the race detector sleeps for a second before it exits, so that what still runs can race. Every package
# and every docent that a test starts does: 50 ms are as good for that.
export GORACE ?= atexit_sleep_ms=50

.PHONY: help build test test-unit simulation conformance test-ensemble test-new test-dubbo versions lint api deps clean check mutants jitter shake fuzz soak bench scale \
	cover vuln api-diff release screenshots

##@ Daily

help: ## Show this list
	@echo 'make TARGET [VAR=value]'
	@awk -F ':.*## ' '/^##@ / { printf "\n%s\n", substr($$0, 5) } /^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' \
		$(firstword $(MAKEFILE_LIST))
	@echo
	@echo '  CI=true        makes a suite that cannot run (no Java, no ZooKeeper) a failure instead of a skip'
	@echo '  DOCENT_CELL=new        runs the suites on ZooKeeper 3.9, Curator 5.7, kazoo 2.11 (.ci/cell new fetches them; see docs/testing.md)'

build: ## Build the docent command into bin/
	$(GO) build -o bin/ ./cmd/...

# What waits for the network leaves the processors to what computes. The servers of the ensembles compute: nothing runs beside them.
test: ## Everything: deps, lint, unit tests, simulation, conformance, real ensembles of two versions (less than half an hour on two cores from a fresh clone)
	@$(MAKE) --no-print-directory -j2 --output-sync=target deps lint
	@$(MAKE) --no-print-directory test-unit
	@$(MAKE) --no-print-directory simulation
	@$(MAKE) --no-print-directory versions
	@$(MAKE) --no-print-directory conformance
	@$(MAKE) --no-print-directory test-ensemble
	@$(MAKE) --no-print-directory test-new

# Outside of the workspace: what contrib needs must not raise what the library does. internal/release builds one platform here, and all
# of them in make release.
# On one processor: the race detector dies when two processors run timers of one bubble (https://go.dev/issue/78156).
# What the libraries of NEIGHBOURS need takes minutes to compile with the race detector.
test-unit: ## Unit and scenario tests of every module that needs no servers, race detector on; packages; needs nothing but Go
	$(GO) test -race -cpu 1 -vet=off -p 3 -timeout $(TIMEOUT) ./...
	@for module in $(filter contrib/% bench,$(MODULES)); do (cd "$$module" && GOWORK=off $(GO) test -race -cpu 1 -vet=off -timeout $(TIMEOUT) ./...); done
	@for module in $(NEIGHBOURS); do (cd "$$module" && GOWORK=off $(GO) test -cpu 1 -vet=off -timeout $(TIMEOUT) ./...); done

# Without the race detector, which test-unit has on, and which makes them slow. A program runs on one processor, so that
# it can be repeated: two halves of them run at a time.
simulation: ## Random programs over all recipes, the models of both protocols, large tables of cases, a few mutants (DOCENT_SEED=N repeats a program)
	@export DOCENT_SEEDS=$${DOCENT_SEEDS:-30}; \
	$(GO) test -vet=off -count=1 -timeout $(TIMEOUT) -run '^Test[A-L]' ./internal/testing/simulation/suite & first=$$!; \
	$(GO) test -vet=off -count=1 -timeout $(TIMEOUT) -run '^Test[M-Z]' ./internal/testing/simulation/suite || { wait $$first || true; exit 1; }; \
	wait $$first
	$(GO) test -vet=off -count=1 -timeout $(TIMEOUT) ./internal/testing/model
	$(GO) test -vet=off -count=1 -timeout $(TIMEOUT) -run '^($(TABLES))' $(TABLE_PACKAGES)
	$(GO) run ./internal/testing/simulation/mutants -few

# Four packages at a time, and three tests of each: much of what they do is waiting for sessions to expire. The longest first.
test-ensemble: ## Fault scenarios on real ZooKeeper servers (skipped with the reason where there is none)
	for module in $(SERVED); do \
		(cd "$$module" && GOWORK=off $(GO) test -race -cpu 1 -vet=off -count=1 -timeout $(TIMEOUT) ./...) || exit 1; done & contrib=$$!; \
	(cd recipes_test && DOCENT_DURATION=$${DOCENT_DURATION:-20s} $(GO) test -race -vet=off -count=1 -p 4 -parallel 3 -timeout $(TIMEOUT) \
		./scenarios ./faults $$($(GO) list ./... | grep -v '/conformance$$\|/scenarios$$\|/faults$$')) || \
		{ wait $$contrib || true; exit 1; }; \
	wait $$contrib

conformance: ## The embedded server against a real ZooKeeper, CHECKS=60 random programs
	cd recipes_test && $(GO) test -race -vet=off -count=1 -timeout $(TIMEOUT) ./conformance -rapid.checks=$(CHECKS)

test-new: export DOCENT_CELL := new
test-new: ## Suites on the new cell: newer versions of ZooKeeper, Curator and kazoo (NEW_SUITES=./... for all)
	@.ci/cell new
	@$(MAKE) --no-print-directory versions
	@case ' $(NEW_SUITES) ' in *' ./conformance '*) $(MAKE) --no-print-directory conformance;; esac
	cd recipes_test && DOCENT_DURATION=$${DOCENT_DURATION:-20s} $(GO) test -race -vet=off -count=1 -p 4 -timeout $(TIMEOUT) \
		$(filter-out ./conformance,$(NEW_SUITES))
	cd recipes_test/contrib && GOWORK=off $(GO) test -race -cpu 1 -vet=off -count=1 -timeout $(TIMEOUT) ./kerberos

test-dubbo: ## Applications of naming/dubbo and of dubbo-go, each found by the other
	cd recipes_test/dubbo && GOWORK=off $(GO) test -vet=off -count=1 -timeout $(TIMEOUT) ./...

# The peers say what they have loaded: a class path alone does not tell.
versions: ## The versions of ZooKeeper, Curator and kazoo that the suites run with (DOCENT_CELL=new: the newer ones)
	cd recipes_test && $(GO) test -vet=off -count=1 -v -timeout $(TIMEOUT) -run '^(TestCell|TestLoaded)$$' ./ensemble ./peers

# GOWORK=off: what is checked is what a user of one module gets, without the workspace.
lint: export GOWORK := off
lint: ## gofmt, go vet and staticcheck over every module; docs/api says what they export
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then \
		echo 'lint: not formatted (run gofmt -w):' >&2; echo "$$unformatted" >&2; exit 1; fi
	@for module in $(filter-out $(SLOW),$(MODULES)); do \
		echo "lint: $$module"; \
		(cd "$$module" && $(GO) vet ./... && $(STATICCHECK) ./...); \
	done
	@$(GO) run ./internal/checks/api -check $(LIBRARIES)

api: ## Write what the packages export into docs/api, after a change of the API
	@$(GO) run ./internal/checks/api $(LIBRARIES)

deps: ## Install what the suites need (Debian packages, as root), or say what is missing; fetch the new cell
	@.ci/deps
	@.ci/cell new

clean: ## Remove built programs and coverage
	rm -rf bin cover dist

##@ Rare: what takes long, and what a change of the core asks for

# What make test does in part under the race detector, it does whole: sizes, seeds, programs, faults.
check: export DOCENT_SCALE := 1
check: export DOCENT_DURATION := 3m
check: export DOCENT_VALUES := 30000
check: export DOCENT_MODEL := full
check: ## make test in full size: every unit test without the race detector and with it, more seeds, longer faults
	@$(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory lint SLOW=
	$(GO) test -vet=off -count=1 -timeout 30m ./...
	@$(MAKE) --no-print-directory test-unit TIMEOUT=60m
	@DOCENT_SEEDS=$${DOCENT_SEEDS:-100} $(MAKE) --no-print-directory simulation
	@$(MAKE) --no-print-directory versions
	@$(MAKE) --no-print-directory conformance CHECKS=300
	@$(MAKE) --no-print-directory test-ensemble TIMEOUT=60m
	@$(MAKE) --no-print-directory test-dubbo
	@$(MAKE) --no-print-directory test-new CHECKS=300 TIMEOUT=60m \
		NEW_SUITES='./conformance ./scenarios ./faults ./interop ./differential ./security ./inspect ./ui ./peers ./ensemble ./scale'
	@$(MAKE) --no-print-directory release VERSION=v0.0.0

mutants: ## Break the library in every known way: the simulations must notice each; rewrites docs/reliability.md
	DOCENT_SEEDS=$${DOCENT_SEEDS:-200} $(GO) run ./internal/testing/simulation/mutants -into docs/reliability.md

jitter: ## Every test of the root module with a scheduler that dawdles at random, COUNT=3 times: orders that are rare otherwise
	DOCENT_SEEDS=$${DOCENT_SEEDS:-20} $(GO) run ./internal/testing/jitter -count=$(COUNT) -timeout 0 ./...

shake: ## Packages of the root module (PACKAGES=./...) COUNT=3 times on a busy machine; their processes are stopped at random
	@DOCENT_ROUNDS=$(COUNT) .ci/shake $(PACKAGES)

fuzz: ## Every fuzz target for FUZZTIME=20s each
	@found=0; for module in $(MODULES); do \
		for pkg in $$(cd "$$module" && $(GO) list ./...); do \
			for target in $$(cd "$$module" && $(GO) test -list '^Fuzz' "$$pkg" | grep '^Fuzz' || true); do \
				found=1; echo "fuzz: $$pkg $$target"; \
				(cd "$$module" && $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$pkg"); \
			done; \
		done; \
	done; if [ $$found = 0 ]; then echo 'fuzz: no target found' >&2; exit 1; fi

# A test that can run longer than make test wants it to reads these two variables and has Simulation or Soak in its name.
soak: ## Simulations and ensembles of both versions for long: SEEDS=200 programs, DURATION=10m of faults in each test
	@.ci/cell new
	DOCENT_SEEDS=$(SEEDS) DOCENT_DURATION=$(DURATION) $(GO) test -race -cpu 1 -count=1 -timeout 0 -run 'Simulation|Soak' ./...
	cd recipes_test && DOCENT_SEEDS=$(SEEDS) DOCENT_DURATION=$(DURATION) $(GO) test -race -count=1 -p 1 -timeout 0 -run 'Simulation|Soak|Conformance' ./...
	cd recipes_test && DOCENT_CELL=new DOCENT_SEEDS=$(SEEDS) DOCENT_DURATION=$(DURATION) $(GO) test -race -count=1 -p 1 -timeout 0 -run 'Soak' ./faults

# The figures of docs/performance.md, next to Curator, kazoo and etcd where they are installed.
bench: ## Docent and its peers side by side (about ten minutes); rewrites docs/performance.*
	@.ci/deps
	@command -v etcd >/dev/null || { [[ $$(id -u) == 0 ]] && command -v apt-get >/dev/null && \
		DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends etcd-server; } || \
		echo 'bench: no etcd (Debian: apt-get install etcd-server), its rows will say so'
	$(GO) run ./bench -rounds $(ROUNDS) -within $(WITHIN) -docs docs

# The pictures are what tests of the page see, so they show the page as it is.
SCREENSHOTS := problems no-quorum election
screenshots: ## The pictures of docs/ui.md (needs Chromium)
	@dir=$$(mktemp -d); trap 'rm -r "$$dir"' EXIT; mkdir -p docs/ui; \
	(cd recipes_test && DOCENT_SHOTS="$$dir" CI=true $(GO) test -count=1 -timeout $(TIMEOUT) -run '^TestConsole(Timeline|NoQuorum)?$$' ./ui); \
	for name in $(SCREENSHOTS); do cp "$$dir/$$name.png" docs/ui/; done

scale: ## What many holds, elections, keys, sessions and members cost, in full size
	cd recipes_test && DOCENT_SCALE=1 $(GO) test -v -count=1 -timeout 10m ./scale

cover: ## Coverage of the root module's tests, into cover/
	@mkdir -p cover
	$(GO) test -coverpkg=./... -coverprofile=cover/cover.out ./...
	$(GO) tool cover -html=cover/cover.out -o cover/cover.html
	$(GO) tool cover -func=cover/cover.out | tail -1

##@ For a release

vuln: ## Known vulnerabilities that a module's code reaches (asks vuln.go.dev)
	@for module in $(MODULES); do echo "vuln: $$module"; (cd "$$module" && GOWORK=off $(GOVULNCHECK) ./...); done

# docs/api has the API in a form that git can compare; gorelease says whether the new version's number fits.
api-diff: ## What the API has gained and lost since the last release; VERSION=vX.Y.Z says whether the number fits
	@last=$$(git describe --tags --abbrev=0 --match 'v*' HEAD^ 2>/dev/null || true); \
	if [ -z "$$last" ]; then echo 'api-diff: there is no release yet'; exit 0; fi; \
	git diff --stat "$$last" -- docs/api; git diff -U0 "$$last" -- docs/api | grep '^[-+][^-+]' || true; \
	GOWORK=off $(GORELEASE) -base "$$last" $${VERSION:+-version "$$VERSION"}

# What is built is checked at once: each artifact is unpacked and tried, and a second build has to have the same bytes.
release: ## Build every artifact of a release into dist/, and check it; VERSION=vX.Y.Z
	cd internal/release && GOWORK=off $(GO) run . -version "$(VERSION)"
	cd internal/release && GOWORK=off VERSION="$(VERSION)" DOCENT_DIST=dist $(GO) test -vet=off -count=1 -timeout $(TIMEOUT) .
