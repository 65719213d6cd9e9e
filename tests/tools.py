"""Programs of others that some tests need, and that nobody has to install:
what is not in PATH is taken out of its Debian package, into build/tools."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build" / "tools"


def unpack(package: str, folder: Path) -> str:
    """Empty, or why it could not be done."""
    if not shutil.which("apt-get"):
        return "there is no apt-get"
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as here:
        done = subprocess.run(
            ["apt-get", "download", "-qq", package], cwd=here,
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )
        packed = list(Path(here).glob("*.deb"))
        if done.returncode or not packed:
            return f"apt-get download {package} failed"
        out = Path(here) / "out"
        subprocess.run(["dpkg-deb", "-x", packed[0], out], check=True)
        if not folder.exists():  # another test may have been first
            try:
                out.rename(folder)
            except OSError:
                assert folder.exists()
    return ""


def find(program: str, package: str) -> str:
    """Its path; skips the test where there is none."""
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    if found := shutil.which(program, path=path):
        return found
    folder = FOLDER / package
    why = "" if folder.exists() else unpack(package, folder)
    for place in ("usr/bin", "usr/sbin"):
        if (folder / place / program).exists():
            return str(folder / place / program)
    pytest.skip(f"no {program} here: {why or f'{package} has none'}")
