"""What `cmake --install` puts where, and whether it is fit to be used."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tree import BUILD, ROOT

INSTALLED = {
    "bin/reunite",
    "bin/reunite-sandbox",
    "lib/systemd/system/reunite.service",
    "lib/systemd/system/reunite.socket",
    "share/bash-completion/completions/reunite",
    "share/doc/reunite/reunite.conf",
    "share/man/man1/reunite.1",
    "share/man/man5/reunite.conf.5",
    "share/zsh/site-functions/_reunite",
}


@pytest.fixture(scope="module")
def prefix(tmp_path_factory) -> Path:
    if not BUILD:
        pytest.skip("REUNITE_BUILD names no build")
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run(
        ["cmake", "--install", BUILD, "--prefix", folder],
        check=True,
        capture_output=True,
    )
    return folder


def test_files_are_where_they_belong(prefix):
    found = {
        str(path.relative_to(prefix))
        for path in prefix.rglob("*")
        if path.is_file()
    }
    assert found == INSTALLED


def test_the_installed_program_runs(prefix):
    done = subprocess.run(
        [prefix / "bin/reunite", "--version"], capture_output=True, text=True
    )
    assert done.returncode == 0
    assert re.fullmatch(r"reunite \d+\.\d+\.\d+\n", done.stdout)


def test_the_installed_example_is_right(prefix):
    example = prefix / "share/doc/reunite/reunite.conf"
    names = re.findall(r"\$\{(\w+)\}", example.read_text())
    variables = {name: "x" for name in names if name != "NAME"}
    done = subprocess.run(
        [prefix / "bin/reunite", "check", "-c", example],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "********" in done.stdout


def test_the_unit_is_verified(prefix, tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze here")
    text = (prefix / "lib/systemd/system/reunite.service").read_text()
    assert "@" not in text.split("ExecStart=")[1].splitlines()[0]
    # What it starts must be there; the prefix it was made for is another.
    text = re.sub(r"ExecStart=\S+", f"ExecStart={prefix}/bin/reunite", text)
    text = re.sub(r"^Documentation=.*\n", "", text, flags=re.M)
    unit = tmp_path / "reunite.service"
    unit.write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", unit], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_man_pages_are_clean():
    if not shutil.which("mandoc"):
        pytest.skip("no mandoc here")
    pages = [ROOT / "deploy/reunite.1", ROOT / "deploy/reunite.conf.5"]
    done = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning", *pages],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
