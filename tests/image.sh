#!/usr/bin/env bash
# Builds the image of deploy/Dockerfile without a container engine, looks at
# it, and starts it as the manifests do.
#
#   tests/image.sh              build and test, then remove everything
#   tests/image.sh --out FILE   keep the image, as an archive for docker load
#
# The way: buildah with --isolation chroot, on a base that debootstrap makes
# from this machine's own Debian mirror, under the name that the Dockerfile
# asks for. By hand, as root: it takes some minutes and 3 GB in TMPDIR. What
# .ci/run does is tests/system/test_image.py alone, on files that the same
# deploy/image-root.sh puts together from the programs under test.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=${REUNITE_BUILD:-$PWD/build/dev}
out=

die() {
    printf 'tests/image.sh: %s\n' "$1" >&2
    exit "${2:-1}"
}

say() {
    printf 'tests/image.sh: %s\n' "$*"
}

# Runs a command; shows what it printed only if it failed.
quietly() {
    "$@" >"$work/log" 2>&1 </dev/null && return
    cat "$work/log" >&2
    die "this failed: $*"
}

tool() {
    buildah --storage-driver vfs --root "$work/storage" \
        --runroot "$work/run" "$@"
}

clean_up() {
    tool unmount --all >/dev/null 2>&1 || true
    rm -rf --one-file-system "$work"
}

# Where this machine gets that release from; if it does not, debootstrap knows.
mirror_of() {
    local found

    # shellcheck disable=SC2016 # apt's own variable
    found=$(apt-get indextargets --format '$(REPO_URI)' \
        'Created-By: Packages' "Codename: $1" 'Component: main' |
        grep '/debian/*$' | head -n 1) || true
    printf '%s\n' "$found"
}

make_base() {
    local base=$1 name mirror

    mirror=$(mirror_of "$suite")
    quietly debootstrap --variant=minbase "$suite" "$work/base" \
        ${mirror:+"$mirror"}
    rm -rf "$work/base"/var/cache/apt/archives/*.deb \
        "$work/base"/var/lib/apt/lists/*
    name=$(tool from scratch)
    quietly tool copy "$name" "$work/base" /
    quietly tool commit --rm "$name" "$base"
}

show_sizes() {
    say "the base: $(du -sm "$work/base" | cut -f1) MB, the image:" \
        "$(du -sm "$root" | cut -f1) MB, of which the program" \
        "$(du -sk "$root/usr/local/bin/reunite" | cut -f1) KB"
}

main() {
    local base suite root name started

    case ${1:-} in
    --out) out=$(realpath "${2:?--out needs a file}") ;;
    -h | --help)
        sed -n '2,/^set/s/^# \{0,1\}//p' tests/image.sh
        exit
        ;;
    '') ;;
    *) die "usage: tests/image.sh [--out FILE]" 2 ;;
    esac
    [ "$(id -u)" -eq 0 ] || die "this needs root"
    for name in buildah debootstrap jq; do
        command -v "$name" >/dev/null || die "apt-get install $name"
    done
    work=$(mktemp -d "${TMPDIR:-/tmp}/reunite-image.XXXXXX")
    chmod 755 "$work"
    trap clean_up EXIT
    base=$(sed -n 's/^ARG BASE=//p' deploy/Dockerfile)
    suite=${base#debian:}
    suite=${suite%-slim}
    started=$SECONDS
    say "making $base by debootstrap"
    make_base "docker.io/library/$base"
    say "building by buildah, isolation chroot"
    quietly tool bud --isolation chroot --format docker --pull-never \
        -t reunite -f deploy/Dockerfile .
    tool inspect --type image reunite | jq .Docker.config >"$work/config.json"
    root=$(tool mount "$(tool from --pull-never reunite)")
    show_sizes
    say "starting it, $((SECONDS - started)) s after the beginning"
    REUNITE_SOURCE=$PWD REUNITE_BUILD=$build REUNITE_IMAGE_ROOT=$root \
        REUNITE_IMAGE_JSON=$work/config.json PYTHONDONTWRITEBYTECODE=1 \
        /usr/bin/python3 -m pytest -q -rs -p no:cacheprovider \
        tests/system/test_image.py
    [ -z "$out" ] || quietly tool push reunite "docker-archive:$out:reunite"
}
main "$@"
