# shellcheck shell=bash
#
# What the tests need beyond cargo, installed into a folder of the project's
# own: Node 22, both versions of the official conformance suite, the TypeScript
# clients, the Python clients, a YAML parser, the proxies. Sourced by scripts/test.
#
# Everything is pinned by a lock file that is checked in. An installed piece
# carries a stamp, the hash of its pins: as long as they agree nothing is done,
# and a piece that failed half-way has no stamp and is laid anew.

# shellcheck disable=SC2154 # `root` is set by the script that sources this
testenv_dir="$root/target/testenv"

# testenv_hash FILE...: the hash of the pins.
testenv_hash() { cat "$@" | sha256sum | cut -d' ' -f1; }

# testenv_piece NAME PINS... -- COMMAND...: run COMMAND in a fresh folder
# $testenv_dir/NAME unless its stamp fits the pins.
testenv_piece() {
    local name=$1 hash files=()
    shift
    while [[ $1 != -- ]]; do
        files+=("$1")
        shift
    done
    shift
    local dir="$testenv_dir/$name"
    hash=$(testenv_hash "${files[@]}")
    if [[ -f $dir/.stamp && $(<"$dir/.stamp") == "$hash" ]]; then
        return 0
    fi
    echo "installing $name"
    rm -rf "$dir"
    mkdir -p "$dir"
    (cd "$dir" && "$@") || return 1
    echo "$hash" >"$dir/.stamp"
}

# The lock files name no registry; `npm ci` takes the one that is configured.
# No install script runs: nothing that is pinned here has one.
_npm_ci() {
    cp "$1/package.json" "$1/package-lock.json" . &&
        timeout 300 npm ci --ignore-scripts --omit-lockfile-registry-resolved \
            --no-audit --no-fund --loglevel=error
}

_venv() {
    timeout 60 python3 -m venv . &&
        timeout 300 bin/pip install --quiet --disable-pip-version-check --no-deps -r "$1" &&
        bin/pip check --disable-pip-version-check
}

testenv_npm() { testenv_piece "$1" "$2/package.json" "$2/package-lock.json" -- _npm_ci "$2"; }

# testenv_python NAME PINS: a virtual environment with what the pins name.
testenv_python() {
    local pins=$2
    # A virtual environment belongs to the interpreter that made it.
    local interpreter="$testenv_dir/python3.version"
    mkdir -p "$testenv_dir"
    python3 -VV >"$interpreter" 2>&1 || return 1
    testenv_piece "python-$1" "$pins" "$interpreter" -- _venv "$pins"
}

# _debs PINS: unpack Debian's packages here. A version that has left the archive
# (each security update takes its predecessor away) is replaced by the one that
# followed it, and `substituted` says so.
_debs() {
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
    local package version updated='' wanted=()
    : >substituted
    while read -r package version; do
        [[ $package && $package != \#* ]] || continue
        # A library that the system has is taken from there.
        [[ $package != lib* ]] || ! dpkg-query -W "$package" >/dev/null 2>&1 || continue
        wanted+=("$package=$version")
    done <"$1"
    # All at once is quick; one by one is for an archive that moved on.
    _deb "${wanted[@]}" || for package in "${wanted[@]}"; do
        _deb "$package" && continue
        if [[ ! $updated && $(id -u) -eq 0 ]]; then
            updated=yes
            timeout 120 apt-get update >/dev/null 2>&1
            _deb "$package" && continue
        fi
        _deb "${package%%=*}" || { echo "$package cannot be had" >&2 && return 1; }
        echo "$package is gone, took $(basename "${package%%=*}"_*.deb)" | tee -a substituted >&2
    done
    for package in *.deb; do
        dpkg-deb --extract "$package" . && rm "$package" || return 1
    done
    _debs_complete
}

_deb() { timeout 300 apt-get download -qq -o APT::Sandbox::User=root "$@" 2>/dev/null; }

# _debs_complete: every library that the programs want is there.
_debs_complete() {
    local lacking
    lacking=$(LD_LIBRARY_PATH=$(testenv_debs_libraries "$PWD") ldd usr/sbin/{nginx,haproxy,nft,conntrack} \
        usr/bin/traffic_server 2>&1 | grep 'not found' | sort -u)
    [[ -z $lacking ]] || { echo "$lacking" >&2 && return 1; }
}

# testenv_debs_libraries DIR: the folders of the libraries that were unpacked there.
testenv_debs_libraries() {
    local dir
    printf '%s' "$1/usr/lib/trafficserver"
    for dir in "$1"/usr/lib/*-linux-gnu "$1"/lib/*-linux-gnu; do printf ':%s' "$dir"; done
}

testenv_debs() {
    local pins="$root/tests/network/debs.txt"
    testenv_piece debs "$pins" -- _debs "$pins"
}

# testenv_valgrind: the folder of a valgrind that scripts/instructions can run. Its own where the
# system has none.
testenv_valgrind() {
    local pins="$root/benches/core/debs.txt"
    testenv_piece valgrind "$pins" -- _valgrind "$pins" || return 1
    echo "$testenv_dir/valgrind"
}

_valgrind() {
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
    local package version
    read -r package version <"$1"
    _deb "$package=$version" || _deb "$package" || return 1
    dpkg-deb --extract "$package"_*.deb . && rm "$package"_*.deb
}

# testenv_node: the path of Node 22.
testenv_node() {
    local binary
    for binary in "$testenv_dir"/node/node_modules/node-*/bin/node; do
        [[ -x $binary ]] && echo "$binary" && return 0
    done
    return 1
}

# The peers of benches/peers, each as a program `PROGRAM ADDRESS [MODE]`.

# testenv_bench_typescript: `sdk1` and `sdk2` in $testenv_dir/bench-typescript.
testenv_bench_typescript() {
    local peer="$root/benches/peers/typescript" dir="$testenv_dir/bench-typescript" node script
    testenv_npm node "$root/scripts/node" && node=$(testenv_node) || return 1
    testenv_npm bench-typescript "$peer" || return 1
    # Node looks for packages from where a script lies.
    cp "$peer"/*.mjs "$dir" || return 1
    for script in sdk1 sdk2; do
        _program "$dir/$script" "$node" "$dir/$script.mjs" || return 1
    done
}

# testenv_bench_python: `server` in $testenv_dir/python-bench.
testenv_bench_python() {
    local peer="$root/benches/peers/python" dir="$testenv_dir/python-bench"
    testenv_python bench "$peer/requirements.txt" || return 1
    _program "$dir/server" "$dir/bin/python" "$peer/server.py"
}

# _program FILE COMMAND...: what is started as FILE is COMMAND, in the same process.
_program() {
    local file=$1
    shift
    { echo '#!/bin/sh' && printf 'exec%s "$@"\n' "$(printf ' %q' "$@")"; } >"$file" && chmod +x "$file"
}

# testenv_setup: lay everything; each piece that could not be had is named in
# `missing`, so that what needs it can be skipped by name.
testenv_setup() {
    missing=()
    if ! command -v npm >/dev/null; then
        missing+=("node (no npm)" "conformance-stable (no npm)" "conformance-next (no npm)" "ts (no npm)")
    else
        testenv_npm node "$root/scripts/node" && testenv_node >/dev/null || missing+=(node)
        testenv_npm conformance-stable "$root/tests/conformance/stable" || missing+=(conformance-stable)
        testenv_npm conformance-next "$root/tests/conformance/next" || missing+=(conformance-next)
        testenv_npm ts "$root/tests/clients/ts" || missing+=(ts)
    fi
    local version
    for version in 1.30.0 2.3.0; do
        testenv_python "$version" "$root/tests/clients/python/requirements-$version.txt" ||
            missing+=("python-$version")
    done
    testenv_debs || missing+=("debs (nginx, haproxy, trafficserver, nftables)")
}
