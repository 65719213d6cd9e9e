#!/usr/bin/env bash
# The Debian and Ubuntu packages that reunite needs, by what for, and nowhere
# else: deploy/try.sh, tests/run.sh and .ci/run read this list.
#
#   deploy/packages.sh build          install what is missing to build it
#   deploy/packages.sh --list test    only show what the tests need
#
# A word may name alternatives, "a|b": one installed is enough, else the first
# that the distribution has is taken. Asks for root or sudo only if something
# is missing. On other systems it says what to install and goes on.
set -euo pipefail

build=(gcc libc6-dev cmake ninja-build "pkg-config|pkgconf" libevent-dev
    "libcurl4-openssl-dev|libcurl4-gnutls-dev" libjansson-dev libssl-dev
    libsqlite3-dev libpq-dev libconfuse-dev ca-certificates)
try=("${build[@]}" curl jq)
test=("${try[@]}" git libcmocka-dev "libhttp-parser-dev|libllhttp-dev"
    python3 python3-pytest python3-yaml python3-jsonschema
    python3-hypothesis openssl sqlite3 strace postgresql
    pgbouncer util-linux iproute2 mandoc zsh "clang-format-14|clang-format")
bench=("${build[@]}" g++ make git python3 python3-pytest postgresql util-linux
    nginx-light redis-server redis-tools webhook)
package=("${build[@]}" dpkg-dev)
# Only where node, npm or node's headers are missing: others' packages of node
# bring all three, and Debian's do not go with them.
node=(nodejs npm libnode-dev)
ci=("${test[@]}" clang shellcheck systemd dpkg-dev debootstrap docker-compose)

die() {
    printf 'deploy/packages.sh: %s\n' "$1" >&2
    exit "${2:-1}"
}

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

is_available() {
    local policy
    policy=$(apt-cache policy "$1" 2>/dev/null)
    [[ $policy == *"Candidate: "[!\(]* ]]
}

# The words of which no alternative is installed.
print_missing() {
    local word name
    for word in "$@"; do
        for name in ${word//|/ }; do
            is_installed "$name" && continue 2
        done
        printf '%s\n' "$word"
    done
}

# The first alternative that can be installed; without one, the first.
choose() {
    local name
    for name in ${1//|/ }; do
        is_available "$name" && break
    done
    is_available "$name" || name=${1%%|*}
    printf '%s\n' "$name"
}

all_available() {
    local word
    for word in "$@"; do
        is_available "$(choose "$word")" || return 1
    done
}

apt_get() {
    local log
    log=$(mktemp)
    if "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
        apt-get -y -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1 </dev/null; then
        rm -f "$log"
        return
    fi
    cat "$log" >&2
    rm -f "$log"
    return 1
}

become_root() {
    as_root=()
    [ "$(id -u)" -eq 0 ] && return
    if command -v sudo >/dev/null; then
        as_root=(sudo)
        [ -t 0 ] || as_root=(sudo -n)
        "${as_root[@]}" true && return
    fi
    die "these packages are missing, and installing them needs root or sudo:
  apt-get install $*"
}

# The tests and benchmarks start servers of their own. The packages' must not
# run on this machine for that: no cluster is made, nothing is started, and
# nothing at boot.
without_services() {
    local no_cluster=/etc/postgresql-common/createcluster.d/reunite.conf
    local no_start=/usr/sbin/policy-rc.d services=() name status=0

    for name in pgbouncer nginx-light redis-server webhook; do
        [[ " $* " != *" $name "* ]] || services+=("${name%-light}")
    done
    [[ " $* " = *" postgresql "* ]] || no_cluster=
    [ ${#services[@]} -gt 0 ] && [ ! -e "$no_start" ] || no_start=
    [ -z "$no_cluster" ] || echo "create_main_cluster = false" |
        "${as_root[@]}" install -D -m 644 /dev/stdin "$no_cluster"
    [ -z "$no_start" ] || printf '#!/bin/sh\nexit 101\n' |
        "${as_root[@]}" install -m 755 /dev/stdin "$no_start"
    apt_get install --no-install-recommends "$@" || status=$?
    for name in $no_cluster $no_start; do
        "${as_root[@]}" rm -f "$name"
    done
    for name in "${services[@]}"; do
        "${as_root[@]}" systemctl disable "$name" >/dev/null 2>&1 || true
    done
    return "$status"
}

install_missing() {
    local words=("$@") names=() word

    become_root "${words[@]%%|*}"
    if ! all_available "${words[@]}"; then
        echo "apt-get update"
        apt_get update || die "apt-get update failed"
    fi
    for word in "${words[@]}"; do
        names+=("$(choose "$word")")
    done
    echo "apt-get install ${names[*]}"
    without_services "${names[@]}" && return
    echo "That failed, perhaps on an old package list: once more with a new one"
    apt_get update || die "apt-get update failed"
    without_services "${names[@]}" || die "apt-get install failed"
}

main() {
    local list=false words missing

    if [ "${1:-}" = --list ]; then
        list=true
        shift
    fi
    case ${1:-} in
    build) words=("${build[@]}") ;;
    try) words=("${try[@]}") ;;
    test) words=("${test[@]}") ;;
    bench) words=("${bench[@]}") ;;
    node) words=("${node[@]}") ;;
    package) words=("${package[@]}") ;;
    ci) words=("${ci[@]}") ;;
    *) die "usage: deploy/packages.sh [--list] build|package|try|test|bench|node|ci" 2 ;;
    esac
    if $list; then
        printf '%s\n' "${words[@]}"
    elif ! command -v apt-get >/dev/null; then
        echo "No apt-get here: have the equivalents of ${words[*]}" >&2
    else
        mapfile -t missing < <(print_missing "${words[@]}")
        [ ${#missing[@]} -eq 0 ] || install_missing "${missing[@]}"
    fi
}
main "$@"
