# The same version as in rust-toolchain.toml.
ARG RUST_VERSION=1.95.0

FROM rust:${RUST_VERSION}-slim-bookworm AS build
ARG RUST_VERSION
# The toolchain file also asks for clippy and rustfmt, which no build needs.
ENV RUSTUP_TOOLCHAIN=${RUST_VERSION}
WORKDIR /build
COPY . .
# The caches outlive the build, so that a change costs only what it changed;
# they are no part of the image, so the programs are copied out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --locked --release --package negaphone --package loadgen \
    && mkdir /out \
    && cp target/release/negaphone target/release/loadgen /out/

# docker build --target loadgen -t loadgen .
FROM debian:bookworm-slim AS loadgen
COPY --from=build /out/loadgen /usr/local/bin/loadgen
USER 10001:10001
ENTRYPOINT ["loadgen"]

# docker build -t negaphone . && docker run --rm --read-only -p 127.0.0.1:8080:8080 negaphone
FROM debian:bookworm-slim AS negaphone
COPY --from=build /out/negaphone /usr/local/bin/negaphone
# A volume that is mounted here is owned by the server's user from the first moment.
RUN install --directory --owner=10001 --group=10001 --mode=0750 /srv/data
# Data is kept in ./data unless told otherwise.
WORKDIR /srv
# Loopback, the program's own default, would be out of reach from outside the container.
ENV NEGAPHONE_LISTEN=0.0.0.0:8080 NEGAPHONE_TCP_PAIR=0.0.0.0:5555 NEGAPHONE_TCP_ROOM=0.0.0.0:5002
USER 10001:10001
VOLUME /srv/data
EXPOSE 8080 5555 5002
# The image has no HTTP client, but its shell can ask. HTTP/1.0, so that the server ends the connection.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /health/ready HTTP/1.0\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ \"$status\" = 200 ]"]
ENTRYPOINT ["negaphone"]
CMD ["serve"]
