"""The scripts of the first contact: they say what is so, and install only
what is missing. Programs that they call are played by stubs."""

import os
import shutil
import subprocess

import pytest

from tree import ROOT

SCRIPTS = ["deploy/packages.sh", "deploy/try.sh", "deploy/image-root.sh",
           "tests/run.sh", "tests/image.sh", ".ci/run", "tests/bench/run.sh"]


def test_shellcheck_is_content():
    if not shutil.which("shellcheck"):
        pytest.skip("no shellcheck here")
    done = subprocess.run(
        ["shellcheck", *SCRIPTS], capture_output=True, text=True, cwd=ROOT
    )
    assert done.stdout == ""


class Stubs:
    """Programs first in PATH; each call is written down, then the stub's
    own script runs."""

    def __init__(self, folder):
        self.folder = folder
        self.calls_file = folder / "calls"
        self.calls_file.touch()
        self.bin = folder / "bin"
        self.bin.mkdir()

    def add(self, name, script="exit 0"):
        program = self.bin / name
        program.write_text(
            "#!/bin/sh\n"
            f'echo "{name} $*" >>"{self.calls_file}"\n'
            f"{script}\n"
        )
        program.chmod(0o755)

    def run(self, *argv):
        return subprocess.run(
            [*map(str, argv)],
            env={**os.environ, "PATH": f"{self.bin}:/usr/bin:/bin"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    def calls(self, name):
        lines = self.calls_file.read_text().splitlines()
        return [line for line in lines if line.split()[0] == name]


@pytest.fixture
def stubs(tmp_path):
    return Stubs(tmp_path)


PACKAGES = ROOT / "deploy/packages.sh"
KNOWN = "Candidate: 1.0"
UNKNOWN = "Candidate: (none)"


def debian(stubs, installed="*", known="*", user=0):
    """A machine where these packages (patterns of sh) are installed and known;
    after an update all are known."""
    updated = stubs.folder / "updated"
    stubs.add("id", f"echo {user}")
    stubs.add(
        "dpkg-query",
        f"for p; do :; done; case $p in {installed}) printf installed ;;"
        " *) exit 1 ;; esac",
    )
    stubs.add(
        "apt-cache",
        f"[ -e {updated} ] && echo '{KNOWN}' && exit\n"
        f"case $2 in {known}) echo '{KNOWN}' ;; *) echo '{UNKNOWN}' ;; esac",
    )
    stubs.add(
        "apt-get",
        f'case "$*" in *update) touch {updated} ;; esac',
    )


def test_nothing_is_installed_when_nothing_is_missing(stubs):
    debian(stubs)
    done = stubs.run(PACKAGES, "ci")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert stubs.calls("apt-get") == []


def test_what_is_missing_is_installed(stubs):
    debian(stubs, installed="[!j]*")
    done = stubs.run(PACKAGES, "try")
    assert done.stdout == "apt-get install jq\n"
    assert [call.split()[-1] for call in stubs.calls("apt-get")] == ["jq"]


def test_the_list_is_updated_if_it_lacks_something(stubs):
    debian(stubs, installed="[!j]*", known="[!j]*")
    done = stubs.run(PACKAGES, "try")
    assert done.stdout == "apt-get update\napt-get install jq\n"


def test_one_alternative_is_enough(stubs):
    debian(stubs, installed="libllhttp-dev", known="[!p]*")
    names = stubs.run(PACKAGES, "build").stdout.split()
    assert "libhttp-parser-dev" not in names
    assert "libcurl4-openssl-dev" in names
    assert "libcurl4-gnutls-dev" not in names


def test_without_root_it_says_what_is_missing(stubs):
    debian(stubs, installed="[!j]*", user=1000)
    stubs.add("sudo", "exit 1")
    done = stubs.run(PACKAGES, "try")
    assert done.returncode == 1
    assert "needs root or sudo:\n  apt-get install jq\n" in done.stderr
    assert stubs.calls("apt-get") == []


def test_what_apt_says_is_shown_when_it_fails(stubs):
    debian(stubs, installed="[!j]*")
    stubs.add("apt-get", 'echo "E: no luck"; exit 100')
    done = stubs.run(PACKAGES, "try")
    assert done.returncode == 1
    assert "E: no luck" in done.stderr


def kept_off(stubs, group):
    """What is done besides apt-get while these packages are installed: pairs
    of what was made and removed, and which services are disabled."""
    for name in ("install", "rm", "systemctl"):
        stubs.add(name, "cat >&2" if name == "install" else "")
    done = stubs.run(PACKAGES, group)
    assert done.returncode == 0
    calls = [line.split() for line in stubs.calls_file.read_text().splitlines()
             if line.split()[0] in ("install", "apt-get", "rm", "systemctl")]
    calls = [call for call in calls if "/tmp" not in call[-1]]
    order = [call[0] for call in calls]
    made = [call[-1] for call in calls if call[0] == "install"]
    assert made == [call[-1] for call in calls if call[0] == "rm"]
    middle = order.index("apt-get")
    assert "install" not in order[middle:] and "rm" not in order[:middle]
    disabled = [call[2] for call in calls if call[0] == "systemctl"]
    return done.stderr, made, set(calls[middle]), disabled


def test_no_service_is_left_on_the_machine(stubs):
    debian(stubs, installed="[!p]*")
    told, made, installed, disabled = kept_off(stubs, "test")
    assert "create_main_cluster = false" in told
    assert made[0].startswith("/etc/postgresql-common/createcluster.d/")
    assert {"postgresql", "pgbouncer"} <= installed
    assert disabled == ["pgbouncer"]


def test_no_peer_of_the_benchmarks_is_started(stubs):
    debian(stubs, installed="[!nrw]*")
    told, made, installed, disabled = kept_off(stubs, "bench")
    # a machine that forbids services already is left as it is
    assert made == ["/usr/sbin/policy-rc.d"] or not made
    assert bool(made) != os.path.exists("/usr/sbin/policy-rc.d")
    assert ("exit 101" in told) == bool(made)
    assert {"nginx-light", "redis-server", "webhook"} <= installed
    assert disabled == ["nginx", "redis-server", "webhook"]


CTEST = """cat <<'END'
Test project x
    Start 1: unit/a
1/3 Test #1: unit/a ..........   Passed    0.01 sec
2/3 Test #2: unit/b ..........***{b}    0.01 sec
what it said

{percent}% tests passed, {failed} tests failed out of {total}

Total Test time (real) =   0.02 sec
END
exit {status}"""


@pytest.fixture
def runner(stubs):
    """tests/run.sh in a tree of its own, with stubs for what it calls."""
    for name in ("tests", "deploy"):
        (stubs.folder / name).mkdir()
    shutil.copy(ROOT / "tests/run.sh", stubs.folder / "tests")
    (stubs.folder / "deploy/packages.sh").write_text("exit 0\n")
    stubs.add("cmake")
    return lambda *argv: stubs.run(
        "bash", stubs.folder / "tests/run.sh", *argv
    )


def test_it_ends_with_the_truth(stubs, runner):
    stubs.add("ctest", CTEST.format(
        b="Failed", percent=67, failed=1, total=3, status=8))
    done = runner()
    assert done.returncode == 8
    assert done.stdout.splitlines()[-1] == "2 passed, 1 failed"
    assert "what it said" in done.stderr


def test_skipped_tests_are_counted(stubs, runner):
    stubs.add("ctest", CTEST.format(
        b="Skipped", percent=100, failed=0, total=3, status=0))
    done = runner()
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "2 passed, 0 failed, 1 skipped"
    assert done.stderr == ""


def test_no_test_is_no_success(stubs, runner):
    stubs.add("ctest", "echo 'No tests were found!!!'")
    done = runner("-R", "nothing")
    assert done.returncode == 1
    assert "no test was run" in done.stderr


def test_a_build_that_fails_is_shown(stubs, runner):
    stubs.add("cmake", 'echo "[1/2] cc a.c"; echo "a.c:1: error"; exit 1')
    stubs.add("ctest")
    done = runner()
    assert done.returncode == 1
    assert "a.c:1: error" in done.stderr
    assert "[1/2]" not in done.stderr
    assert stubs.calls("ctest") == []


def test_presets_and_what_ctest_selects(stubs, runner):
    stubs.add("ctest", CTEST.format(
        b="Passed", percent=100, failed=0, total=2, status=0))
    done = runner("--preset", "asan", "-L", "unit")
    assert done.stdout.splitlines()[-1] == "2 passed, 0 failed"
    assert stubs.calls("cmake")[0] == "cmake --preset asan"
    assert stubs.calls("ctest")[0].endswith("-L unit")
