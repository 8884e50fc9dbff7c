# shellcheck shell=bash
#
# The servers that scripts/bench measures beside this crate: builds or installs
# each, and tells how it is started. Sourced by scripts/bench.

# shellcheck disable=SC2154 # `root` and `target` are set by the script that sources this
# shellcheck source=scripts/lib/testenv.sh
source "$root/scripts/lib/testenv.sh"

# The line that a peer is for drive: NAME, COMMAND and DESCRIPTION.
_peer() { printf '%s\t%s\t%s\n' "$1" "$2" "$3"; }

# peers_list: a line for each peer that could be had. What else is said goes to stderr.
peers_list() {
    local peer
    for peer in rmcp go typescript python; do
        [[ -d $root/benches/peers/$peer ]] || continue
        "_peer_$peer" || echo "$peer could not be had: it is left out" >&2
    done
}

_peer_rmcp() {
    local manifest=$root/benches/peers/rmcp/Cargo.toml version
    cargo build --release --locked --manifest-path "$manifest" --target-dir "$target" >&2 || return 1
    version=$(sed -n 's/^rmcp = .*"=\([0-9.]*\)".*/\1/p' "$manifest")
    _peer "rmcp $version" "$target/release/peer-rmcp ADDRESS sessions" \
        "on hyper's http1 with TCP_NODELAY; sessions, without priming events, caches of finished calls, keep-alive timers and tracing"
    _peer "rmcp $version, stateless" "$target/release/peer-rmcp ADDRESS stateless" \
        "the same without sessions: no resuming, no messages but answers"
}

_peer_typescript() {
    command -v npm >/dev/null || return 1
    local source=$root/benches/peers/typescript home=$testenv_dir/bench-typescript node name version
    testenv_npm node "$root/scripts/node" >&2 && testenv_npm bench-typescript "$source" >&2 || return 1
    node=$(testenv_node) && cp "$source"/*.mjs "$home" || return 1
    for name in sdk1:sdk sdk2:server; do
        version=$(sed -n "s|.*\"@modelcontextprotocol/${name#*:}\": \"\([0-9.]*\)\".*|\1|p" "$source/package.json")
        _peer "TypeScript SDK $version" "$node $home/${name%:*}.mjs ADDRESS json" \
            "Node $("$node" --version), node:http, the low-level server, JSON answers, one validator for all sessions"
    done
}

_peer_python() {
    local pins=$root/benches/peers/python/requirements.txt home=$testenv_dir/bench-python version
    testenv_piece bench-python "$pins" -- _venv "$pins" >&2 || return 1
    version=$(sed -n 's/^mcp==//p' "$pins")
    _peer "Python SDK $version" "$home/bin/python $root/benches/peers/python/server.py ADDRESS json" \
        "$("$home/bin/python" --version), uvicorn on uvloop and httptools, the low-level server, JSON answers, no tracing"
}
