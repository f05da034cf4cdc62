# syntax=docker/dockerfile:1

FROM rust:1.95-slim-bookworm AS build
WORKDIR /build

# The dependencies are a layer of their own: it is rebuilt only when the manifest or the lock changes.
# The benches are cut out of the manifest here, because cargo wants to see their files.
# The tests' package is a member of the workspace, so cargo wants to see it, too; nothing of it is compiled.
COPY Cargo.toml Cargo.lock ./
COPY tests/support/Cargo.toml tests/support/
RUN mkdir -p src tests/support/src \
    && echo 'fn main() {}' > src/main.rs \
    && touch src/lib.rs tests/support/src/lib.rs \
    && awk '/^\[\[bench\]\]/ { skip = 1; next } /^\[/ { skip = 0 } !skip' Cargo.toml > Cargo.deps.toml \
    && mv Cargo.deps.toml Cargo.toml \
    && cargo build --locked --release \
    && rm -rf src

COPY . .
# Sources that are older than the layer above would be taken for built already.
RUN find src config -type f -exec touch {} + \
    && cargo build --locked --release --bin aura-platform


FROM debian:bookworm-slim

# git: the git tools run it. tini: an init, see below. The roots of TLS are compiled into the binary.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --home-dir /nonexistent aura \
    && install -d -o aura -g aura /workspace /keys /redis-users

COPY --from=build /build/target/release/aura-platform /usr/local/bin/aura-platform

USER 10001:10001
# Settings may be mounted at /app/config/aura.toml. Not the workspace: a repository there must not be
# able to bring settings along.
WORKDIR /app
EXPOSE 9000
# SIGTERM ends the streams so that every client resumes elsewhere.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s --retries=3 \
    CMD ["aura-platform", "healthcheck"]
# What children leave behind belongs to process 1, and stays a zombie unless that waits for it: MCP
# servers that daemonise, helpers of a git that was ended. tini does, and hands signals on.
ENTRYPOINT ["tini", "--", "aura-platform"]
CMD ["serve"]
