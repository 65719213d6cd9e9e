"""The measurement of nodes beside SQLite runs, and counts what it says; how
fast anything is it does not judge."""

import json
import os
import shutil
import subprocess
import sys

import pytest

SCALE = os.path.join(os.path.dirname(__file__), "..", "bench", "scale.py")


def test_nodes_are_measured_beside_sqlite(tmp_path):
    if not shutil.which("wrk"):
        pytest.skip("no wrk here")
    found = tmp_path / "found.json"
    done = subprocess.run(
        [sys.executable, SCALE, os.environ["REUNITE_BUILD"], "--nodes",
         "0,2", "--rounds", "1", "--seconds", "1", "--connections", "4",
         "--accounts", "2", "--merges", "3", "--events", "20",
         "--idle-seconds", "1", "--idle-accounts", "2", "--json",
         str(found)], capture_output=True, text=True, timeout=200,
        check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads(found.read_text())
    subjects = [(accounts, on) for accounts in (1, 2)
                for on in ("SQLite", "2 nodes")]
    for part in ("intake", "merges"):
        assert [(r["accounts"], r["on"]) for r in rows[part]] == subjects
        for row in rows[part]:
            once = row["rounds"][0]
            assert once["rate"] > 0
            # three merges may take less than the kernel counts
            assert once["node_us"] > 0 or part == "merges"
            assert (once["statements"] > 1) == (row["on"] == "2 nodes")
    assert all(r["rounds"][0]["errors"] == 0 for r in rows["intake"])
    assert all(r["rounds"][0]["calls"] >= 4 for r in rows["merges"])
    for row in rows["storage"]:
        assert row["events"] >= 20
        assert row["bytes"]["events"] > 0 < row["bytes"]["jobs"]
    assert [r["accounts"] for r in rows["idle"]] == [2, 2]
    for part in ("Intake", "Merges", "Storage", "Nothing to do"):
        assert part in done.stdout
