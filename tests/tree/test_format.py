"""clang-format 14 has nothing to change, and no path of a machine is left."""

import re
import shutil
import subprocess

import pytest

from tree import ROOT, name_of, sources

# Homes, and temporary folders with somebody's own name for them.
MACHINE = re.compile(r"(?<![\w.])/(?:home|Users|root|work)/[\w.-]+/")
TEXT = {".c", ".h", ".py", ".txt", ".md", ".json", ".conf", ".in", ".1", ".5"}
FOLDERS = ("src", "include", "tests", "deploy", "docs", "cmake")


def formatter() -> str:
    for name in ("clang-format-14", "clang-format"):
        path = shutil.which(name)
        if path:
            out = subprocess.run(
                [path, "--version"], capture_output=True, text=True
            ).stdout
            if "version 14." in out:
                return path
    pytest.skip("clang-format 14 decides, and it is not here")


def test_the_format_is_that_of_clang_format():
    files = [name_of(path) for path in sources("src", "include", "tests")]
    done = subprocess.run(
        [formatter(), "--dry-run", "--ferror-limit=1", "-Werror", *files],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    places = re.findall(r"^\S+:\d+:\d+: error", done.stderr, flags=re.M)
    assert places == []
    assert done.returncode == 0, done.stderr


def machine_paths(text: str) -> list[str]:
    found = [m[0] for m in MACHINE.finditer(text)]
    # a clone at /src or /reunite would find itself everywhere
    if len(ROOT.parts) > 2:
        found += [str(ROOT)] * text.count(f"{ROOT}/")
    return found


def test_no_path_of_a_machine_is_left():
    files = [p for p in ROOT.iterdir() if p.is_file()]
    for folder in FOLDERS:
        files += (p for p in (ROOT / folder).rglob("*") if p.is_file())
    found = [
        f"{name_of(path)}: {paths[0]}"
        for path in files
        if path.suffix in TEXT
        and (paths := machine_paths(path.read_text(errors="replace")))
    ]
    assert found == []


def test_a_path_of_a_machine_is_seen():
    assert machine_paths("x = /home/" + "me/src/a.c")
    assert len(ROOT.parts) <= 2 or machine_paths(f"cd {ROOT}/src")
    assert not machine_paths("/api/v2/users/me/merge /var/lib/reunite/x")
