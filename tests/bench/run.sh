#!/usr/bin/env bash
# How fast is it? Installs what that needs, builds reunite for release, and
# measures it beside its peers in one run on this machine.
#
#   tests/bench/run.sh                      all of it, about an hour
#   tests/bench/run.sh --quick              everything once, to see that it works
#   tests/bench/run.sh --only intake,jobs   some cases; --list names them
#   tests/bench/run.sh --publish            and rewrite the README's figures
#
# Further options are those of bench.py. Servers listen on loopback only, data
# is in a temporary folder in /var/tmp (--folder), and nothing is left running.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
folder=build/bench
modules=$folder/peers

say() {
    printf 'tests/bench/run.sh: %s\n' "$1" >&2
}

# Runs a command; shows what it printed only if it failed.
quietly() {
    local log=$folder/$1.log
    shift
    "$@" >"$log" 2>&1 </dev/null && return
    cat "$log" >&2
    say "this failed: $*"
    return 1
}

build() {
    quietly configure cmake -S . -B "$folder" -G Ninja \
        -DCMAKE_BUILD_TYPE=RelWithDebInfo -DBUILD_TESTING=OFF \
        -DREUNITE_BENCH=ON
    quietly build cmake --build "$folder"
}

# The peers on Node, at the versions of package.json. better-sqlite3 is
# compiled against the headers of the node that is here: Debian's libnode-dev
# and others' packages put them under /usr.
install_peers() {
    local wanted=tests/bench/peers/package.json stamp=$modules/installed

    mkdir -p "$modules"
    { cat "$wanted" && node --version; } | cmp -s - "$stamp" && return
    cp "$wanted" "$modules/package.json"
    rm -rf "$modules/node_modules" "$stamp"
    quietly peers env npm_config_nodedir=/usr \
        npm_config_build_from_source=true npm --prefix "$modules" install \
        --no-package-lock --no-audit --no-fund --loglevel=error &&
        { cat "$wanted" && node --version; } >"$stamp"
}

case " $* " in
*" --help "* | *" -h "*)
    sed -n '2,/^set/s/^# \{0,1\}//p' tests/bench/run.sh
    exit
    ;;
*" --list "*) exec /usr/bin/python3 tests/bench/bench.py --list ;;
esac
bash deploy/packages.sh bench
{ command -v node && command -v npm && [ -e /usr/include/node/node.h ]; } \
    >/dev/null || bash deploy/packages.sh node
mkdir -p "$folder"
say "building into $folder"
build
install_peers || say "going on without the peers on Node"
exec /usr/bin/python3 tests/bench/bench.py --build "$folder" \
    --modules "$modules/node_modules" --out "$folder/results" "$@"
