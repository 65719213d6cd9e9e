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
    "lib/sysusers.d/reunite.conf",
    "lib/tmpfiles.d/reunite.conf",
    "share/bash-completion/completions/reunite",
    "share/doc/reunite/examples/Caddyfile",
    "share/doc/reunite/examples/grafana-dashboard.json",
    "share/doc/reunite/examples/nginx.conf",
    "share/doc/reunite/examples/prometheus-alerts.yml",
    "share/doc/reunite/reunite.conf",
    "share/man/man1/reunite-sandbox.1",
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


@pytest.fixture
def units(prefix, tmp_path):
    """The units as they are installed, in a folder of their own."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze here")
    for name in ("reunite.service", "reunite.socket"):
        text = (prefix / "lib/systemd/system" / name).read_text()
        # What it starts must be there; the prefix it was made for is another.
        text = re.sub(r"ExecStart=/\S+", f"ExecStart={prefix}/bin/reunite", text)
        text = re.sub(r"^Documentation=.*\n", "", text, flags=re.M)
        (tmp_path / name).write_text(text)
    return tmp_path


def analyze(*argv):
    return subprocess.run(
        ["systemd-analyze", *argv], capture_output=True, text=True
    )


@pytest.mark.parametrize("name", ["reunite.service", "reunite.socket"])
def test_the_unit_is_verified(units, name):
    done = analyze("verify", units / name)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_unit_exposes_little(units):
    """What the pages say, where they are about the same systemd; 0 is best,
    10 worst, and no network would be 0.6 less."""
    done = analyze("security", "--offline=true", "--no-pager",
                   units / "reunite.service")
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd-analyze cannot judge a file")
    score = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)[1]
    assert float(score) <= 1.2, done.stdout
    page = (ROOT / "deploy/installing.md").read_text()
    version, told = re.search(
        r"(?s)systemd (\d+).*exposure\s+of ([\d.]+)", page
    ).groups()
    if analyze("--version").stdout.startswith(f"systemd {version} "):
        assert told == score


def test_the_man_pages_are_clean():
    if not shutil.which("mandoc"):
        pytest.skip("no mandoc here")
    pages = sorted((ROOT / "deploy").glob("*.[15]"))
    assert len(pages) == 3
    done = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning", *pages],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
