#!/usr/bin/env bash
# Builds everything and runs every test, on a fresh Debian or Ubuntu too.
#
#   tests/run.sh                           everything, with gcc
#   tests/run.sh -R unit/test_policy       what ctest selects
#   tests/run.sh --preset asan -L unit     another preset: asan, tsan, clang
#   tests/run.sh --preset clang --build    only build it
#
# Quiet while all is well. The last line says how many tests passed, failed
# and were skipped; the exit code says the same.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
packages="test"
preset=dev
build_only=false
while [ $# -gt 0 ]; do
    case $1 in
    --preset)
        preset=${2:?--preset needs a name}
        shift 2
        ;;
    --build)
        build_only=true
        shift
        ;;
    -h | --help)
        sed -n '2,/^set/s/^# \{0,1\}//p' tests/run.sh
        exit
        ;;
    *) break ;;
    esac
done
[ "$preset" = clang ] && packages=ci
folder=build/$preset

say() {
    printf 'tests/run.sh: %s\n' "$1"
}

# Runs a command; shows what it printed only if it failed.
quietly() {
    local log=$folder/$1.log
    shift
    "$@" >"$log" 2>&1 </dev/null && return
    grep -Ev '^\[[0-9]+/[0-9]+\] ' "$log" >&2 || true
    say "this failed: $*" >&2
    exit 1
}

build() {
    mkdir -p "$folder"
    [ "$preset" = clang ] || export CC=gcc
    quietly configure cmake --preset "$preset"
    quietly build cmake --build "$folder" -j "$(nproc)"
}

# "N passed, N failed" and, if there are any, ", N skipped", from the log.
print_summary() {
    awk '/\*\*\*Skipped/ { skipped++ }
        / tests failed out of / { failed = $4; total = $NF; seen = 1 }
        END {
            if (!seen)
                exit 1
            printf "%d passed, %d failed", total - failed - skipped, failed
            if (skipped)
                printf ", %d skipped", skipped
            print ""
        }' "$1"
}

run_tests() {
    local log=$folder/tests.log status=0
    local uninteresting='^(Internal ctest|Test project)|^ +Start +[0-9]+: '
    uninteresting+='| +Passed +[0-9.]+ sec$'

    # One more than there are processors: most tests wait for something.
    ctest --test-dir "$folder" -j "$(($(nproc) + 1))" --output-on-failure --no-label-summary \
        --no-tests=error "$@" >"$log" 2>&1 </dev/null || status=$?
    if [ "$status" -ne 0 ]; then
        grep -Ev "$uninteresting" "$log" >&2 || true
    else
        grep -F '***Skipped' "$log" || true
    fi
    if ! print_summary "$log"; then
        say "no test was run" >&2
        [ "$status" -ne 0 ] || status=1
    fi
    return "$status"
}

bash deploy/packages.sh "$packages"
say "building into $folder"
build
$build_only && exit
say "running the tests"
# A proxy is for the world outside; the tests talk to this machine only.
export no_proxy='127.0.0.1,localhost,::1'
run_tests "$@"
