# The two commands of the README are `make demo` and `make test`; each does all set-up it needs on
# a new Debian 12 machine with Rust and Node.
.PHONY: demo test walk kills desktop tools peers lint deny bench soak check

DEMO_ARGS ?=

# A complete hotline with sample data. DEMO_ARGS="--callers 20" shows it busy.
demo: tools desktop
	cargo run --release -- demo $(DEMO_ARGS)

# Everything that must hold. Installs what the tests talk to: SIPp, baresip, linphone, Chromium,
# PostgreSQL, tshark.
test: tools peers desktop lint
	cd desktop && npm run --silent check && npm test --silent && npm run --silent e2e
	cargo test --workspace --no-fail-fast

# Every order of events in small call centers, the large ones of them too: some minutes.
walk:
	ACD_WALK=whole cargo test -p acd --lib walk

# `kill -9` under 200 recorded calls, twenty times, on a machine that has nothing else to do: some
# minutes. `make test` does it twice.
kills:
	HOTLINE_TEST_KILLS=20 cargo test -p net --test media -- --nocapture killed::

# What the build needs beside Rust, installed where missing.
tools:
	scripts/install-build-tools

# What the tests talk to, installed where missing.
peers:
	scripts/install-peers

# The web application, built into desktop/dist, from where the engine embeds it.
desktop:
	scripts/build-desktop

lint: tools
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

# Licences and sources of all dependencies. Needs cargo-deny: cargo install cargo-deny --locked
deny:
	cargo deny check bans licenses sources

# Measures beside the bare kernel loop and writes docs/performance.md. A quiet machine, please.
bench: tools
	benches/run.sh

# 200,000 calls at a steady 300 a second, and 20,000 offers to agents at 50 a second, about twenty
# minutes; SOAK_CALLS=5000 tries it. Fails if a call fails, anything is left, memory or threads grow,
# or a phone rings before its pop.
soak: tools
	ulimit -n "$$(ulimit -H -n)" && cargo bench --bench soak
