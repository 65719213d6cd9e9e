#!/usr/bin/env bash
# Makes the root file system of the image (deploy/Dockerfile): the program, the
# shared libraries that it loads, certificates, a user, and nothing else. No
# shell, no package manager: what is not there cannot be used, and needs no
# updates.
#
#   deploy/image-root.sh FOLDER PROGRAM
#
# The program gets the place /usr/local/bin. The packages that the libraries
# came from are listed where scanners look in images without dpkg
# (var/lib/dpkg/status.d), each with its copyright.
set -euo pipefail

uid=10001
certificates=/etc/ssl/certs/ca-certificates.crt

die() {
    printf 'deploy/image-root.sh: %s\n' "$1" >&2
    exit "${2:-1}"
}

# Where a library is, as the loader finds it; /lib may be a link to /usr/lib.
real_place() {
    printf '%s/%s\n' "$(realpath "$(dirname "$1")")" "$(basename "$1")"
}

# All that ldd names, and what glibc itself loads when a thread is cancelled.
libraries_of() {
    local found

    found=$(ldd "$1") || die "$1 is no program that loads libraries"
    [[ $found != *"not found"* ]] || die "a library is missing: $found"
    {
        grep -o '/[^ ]*' <<<"$found"
        /sbin/ldconfig -p | sed -n 's,.*libgcc_s\.so\.1 .*=> ,,p' | head -n 1
    } | sort -u
}

add_library() {
    install -D -m 755 "$1" "$root$(real_place "$1")"
}

# Their packages. dpkg knows a file by the name that its package has for it:
# as the loader says, or where it really is, with or without /usr. What was
# made here belongs to none.
packages_of() {
    local names=() name

    for name; do
        names+=("$name" "$(realpath "$name")")
        names+=("${names[-1]#/usr}")
    done
    { dpkg-query -S "${names[@]}" 2>/dev/null || true; } | sed 's/, .*//; s/: .*//' |
        sort -u
}

add_package() {
    local name=${1%%:*}

    dpkg-query -s "$1" >"$root/var/lib/dpkg/status.d/$name"
    install -D -m 644 "/usr/share/doc/$name/copyright" \
        "$root/usr/share/doc/$name/copyright"
}

add_user() {
    echo "reunite:x:$uid:$uid:reunite:/var/lib/reunite:/nonexistent" \
        >"$root/etc/passwd"
    echo "reunite:x:$uid:" >"$root/etc/group"
}

main() {
    local link name found libraries

    [ $# -eq 2 ] || die "usage: deploy/image-root.sh FOLDER PROGRAM" 2
    root=$1
    [ ! -e "$root" ] || die "$root is there already"
    found=$(libraries_of "$2")
    mapfile -t libraries <<<"$found"
    umask 022
    mkdir -p "$root"/{etc/reunite,etc/ssl/certs,usr/lib,var/lib/dpkg/status.d}
    mkdir -m 1777 "$root/tmp"
    for link in /lib /lib64; do
        [ ! -L "$link" ] || ln -s "$(readlink "$link")" "$root$link"
    done
    install -D -m 755 "$2" "$root/usr/local/bin/reunite"
    for name in "${libraries[@]}"; do
        add_library "$name"
    done
    cp "$certificates" "$root$certificates"
    for name in $(packages_of "${libraries[@]}") ca-certificates; do
        add_package "$name"
    done
    add_user
    # Else names in /etc/hosts would come after those of the DNS.
    echo "hosts: files dns" >"$root/etc/nsswitch.conf"
}
main "$@"
