"""The package, made of this tree, and machines to install it on."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

sys.path.insert(0, os.path.dirname(__file__))

import machine as machines  # noqa: E402

ROOT = machines.ROOT
NEWER = "0.2.0-1"


def pytest_terminal_summary(terminalreporter):
    for text in machines.SAID:
        terminalreporter.write_line(f"package: {text}")


@pytest.fixture(scope="session")
def scratch():
    """Not in /tmp, which may be memory or forbid what a machine needs."""
    if why := machines.why_not():
        pytest.skip(why)
    (ROOT / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / "build",
                                     prefix="package-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def package(scratch):
    """As deploy/installing.md makes it."""
    start = time.monotonic()
    for argv in (["cmake", "--preset", "deb"],
                 ["cmake", "--build", "--preset", "deb"]):
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    for old in (ROOT / "build/deb").glob("*.deb"):
        old.unlink()
    done = subprocess.run(["cpack"], cwd=ROOT / "build/deb",
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    made, = (ROOT / "build/deb").glob("*.deb")
    machines.say(f"made {made.name}: {time.monotonic() - start:.0f} s")
    return made


@pytest.fixture(scope="session")
def newer(package, scratch):
    """The next version, with another example configuration."""
    folder = scratch / "newer"
    subprocess.run(["dpkg-deb", "-R", package, folder], check=True)
    control = folder / "DEBIAN/control"
    control.write_text(re.sub(r"(?m)^Version: .*", f"Version: {NEWER}",
                              control.read_text()))
    for name in ("etc/reunite/reunite.conf", "usr/share/reunite/reunite.conf"):
        with open(folder / name, "a", encoding="utf-8") as f:
            f.write("# as the next version has it\n")
    made = scratch / "newer.deb"
    subprocess.run(["dpkg-deb", "-b", folder, made], check=True,
                   capture_output=True)
    return made


@pytest.fixture(scope="session")
def first(scratch, package):
    """The package on an empty machine, installed by apt with what it needs;
    what was said is kept as first.said."""
    machines.empty_debian()
    made = machines.Machine(scratch / "first")
    policy = made.path("usr/sbin/policy-rc.d")
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    shutil.copy("/etc/resolv.conf", made.path("etc/resolv.conf"))
    shutil.copy(package, made.path("root/reunite.deb"))
    done = made.run("apt-get", "update", online=True, check=False)
    if done.returncode:
        pytest.skip("apt-get update failed: " + done.stdout[-200:])
    made.said = made.run("apt-get", "install", "-y",
                         "--no-install-recommends", "/root/reunite.deb",
                         online=True).stdout
    machines.say("installed on an empty machine")
    yield made
    made.delete()


@pytest.fixture
def machine(scratch, first, newer):
    """A copy of it, with the next version's package in /root."""
    made = machines.Machine(scratch / "machine", first.root)
    shutil.copy(newer, made.path("root/newer.deb"))
    yield made
    made.delete()


@pytest.fixture(scope="module")
def booted(scratch, first, newer):
    """The same with systemd, and its daemon configured and enabled."""
    made = machines.Machine(scratch / "booted", first.root)
    shutil.copy(newer, made.path("root/newer.deb"))
    made.path("usr/sbin/policy-rc.d").unlink()
    try:
        made.boot()
        machines.say("booted with systemd")
        yield made
    finally:
        made.delete()
