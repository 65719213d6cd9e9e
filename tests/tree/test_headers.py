"""Every public header compiles alone, with both compilers."""

import shutil
import subprocess

import pytest

from tree import ROOT, name_of, sources

FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror"]


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_headers_compile_alone(compiler):
    if not shutil.which(compiler):
        pytest.skip(f"no {compiler} here")
    headers = sources("include")
    assert headers
    failed = []
    for header in headers:
        done = subprocess.run(
            [compiler, *FLAGS, "-I", ROOT / "include", "-fsyntax-only"]
            + ["-x", "c", "-include", header, "/dev/null"],
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            failed.append(f"{name_of(header)}: {done.stderr}")
    assert failed == []
