# shellcheck shell=bash
#
# The servers that scripts/bench measures beside this crate: builds or installs
# each, and tells how it is started. benches/peers/README.md describes them.
# Sourced by scripts/bench.

# shellcheck disable=SC2154 # `root` and `target` are set by the script that sources this
# shellcheck source=scripts/lib/testenv.sh
source "$root/scripts/lib/testenv.sh"

# peers_list: a line for each peer that could be had: its name, the command that
# starts it, its version and settings. In the command ADDRESS stands for where it
# is to listen, and FRAMING for `json` or `sse`. What else is said goes to stderr.
peers_list() {
    local peer
    for peer in rmcp typescript python go; do
        "_peer_$peer" || echo "$peer could not be had: it is left out" >&2
    done
}

_peer() { printf '%s\t%s\t%s\n' "$1" "$2" "$3"; }

_peer_rmcp() {
    local manifest=$root/benches/peers/rmcp/Cargo.toml version
    cargo build --profile production --locked --manifest-path "$manifest" --target-dir "$target" >&2 || return 1
    version=$(sed -n 's/^rmcp = .*"=\([0-9.]*\)".*/\1/p' "$manifest")
    _peer "rmcp $version" "$target/production/peer-rmcp ADDRESS sessions" \
        "hyper's \`http1\` with TCP_NODELAY; sessions, without priming events, keep-alive timers, tracing and the cache of finished calls"
    _peer "rmcp $version, stateless" "$target/production/peer-rmcp ADDRESS stateless" \
        "the same without sessions: nothing resumes, and answers are the only messages"
}

_peer_typescript() {
    command -v npm >/dev/null && testenv_bench_typescript >&2 || return 1
    local manifest=$root/benches/peers/typescript/package.json node name version
    node=$("$(testenv_node)" --version)
    for name in sdk1:sdk sdk2:server; do
        version=$(sed -n "s|.*\"@modelcontextprotocol/${name#*:}\": \"\([0-9.]*\)\".*|\1|p" "$manifest")
        _peer "TypeScript SDK $version" "$testenv_dir/bench-typescript/${name%:*} ADDRESS FRAMING" \
            "Node $node, \`node:http\`, the low-level server, one validator for all sessions"
    done
}

_peer_python() {
    testenv_bench_python >&2 || return 1
    local version
    version=$(sed -n 's/^mcp==//p' "$root/benches/peers/python/requirements.txt")
    _peer "Python SDK $version" "$testenv_dir/python-bench/server ADDRESS FRAMING" \
        "$("$testenv_dir/python-bench/bin/python" --version), uvicorn on uvloop and httptools, the low-level server, without tracing and logs"
}

# A binary that keeps to the contract of the peers.
_peer_go() {
    [[ -n ${MCP_BENCH_GO:-} ]] || return 1
    _peer "${MCP_BENCH_GO_NAME:-Go}" "$MCP_BENCH_GO ADDRESS FRAMING" "${MCP_BENCH_GO_SETTINGS:-as it was given}"
}
