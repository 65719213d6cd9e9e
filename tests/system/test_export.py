"""`reunite journal export`: the same as the list, for other programs; into a
file that is whole or not there; of any size."""

import csv
import io
import json
import os
import sqlite3
import stat
import subprocess

import pytest

import harness
import rounds

ADDRESS = "vera@people.example"


@pytest.fixture
def merged(sandbox, daemon):
    """A daemon that has merged somebody and made nothing else of it."""
    reunite = daemon(apply="auto")
    rounds.profile(sandbox, "Vera Visitor", ADDRESS)
    rounds.begin(sandbox, rounds.jwt("Vera Visitor", ADDRESS))
    reunite.decided_as("merge")
    reunite.idle()
    return reunite


def as_text(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return " ".join(value)
    return str(value)


def test_csv_is_the_list(merged):
    text = merged.command("journal", "export", "--format", "csv").stdout
    table = list(csv.DictReader(io.StringIO(text, newline="")))
    entries = merged.journal()
    assert len(table) == len(entries) > 0
    for row, entry in zip(table, entries):
        assert {k: v for k, v in row.items() if v} == {
            k: as_text(v) for k, v in entry.items() if as_text(v)}
    assert ADDRESS not in text


def test_personal_data_takes_its_flag(merged):
    text = merged.command("journal", "export", "--format", "csv",
                          "--show-personal-data").stdout
    rows = csv.DictReader(io.StringIO(text, newline=""))
    images = [json.loads(row["before_image"]) for row in rows
              if row["action"] == "merge"]
    assert ADDRESS in json.dumps(images)
    assert ADDRESS in merged.command("journal", "export",
                                     "--show-personal-data").stdout


def test_a_file_is_its_owners_and_replaces_none(merged, tmp_path):
    path = tmp_path / "journal.jsonl"
    old_part = tmp_path / "journal.jsonl.part"  # of a command that was killed
    old_part.write_text("half a line, and longer than the whole\n" * 1000)
    old_part.chmod(0o666)
    old = os.umask(0)
    try:
        done = merged.command("journal", "export", "--out", path, "--json")
    finally:
        os.umask(old)
    entries = merged.journal()
    assert json.loads(done.stdout) == {"exported": len(entries),
                                       "file": str(path)}
    assert [json.loads(line) for line in path.open()] == entries
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not old_part.exists()
    before = path.read_bytes()
    again = merged.command("journal", "export", "--out", path, check=False)
    assert again.returncode == 1
    assert "no file is replaced" in again.stderr
    assert path.read_bytes() == before
    assert not old_part.exists()


def test_a_file_that_cannot_be_written_is_told(merged, tmp_path):
    there = list(tmp_path.iterdir())
    for path in (tmp_path / "no" / "such" / "folder", tmp_path):
        done = merged.command("journal", "export", "--out", path, check=False)
        assert done.returncode == 1
        assert str(path) in done.stderr
    assert list(tmp_path.iterdir()) == there


def test_a_full_disk_leaves_no_file(merged, tmp_path):
    """The limit of a file's size is the same to the program."""
    path = tmp_path / "journal.csv"
    done = subprocess.run(
        ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh",
         harness.binary("reunite"), "journal", "export", "--out", path,
         "-c", merged.config], capture_output=True, text=True)
    assert done.returncode != 0
    assert not path.exists()


def multiply(path, count, image):
    """The journal's last entry, so many times."""
    db = sqlite3.connect(path)
    names = [row[1] for row in db.execute("PRAGMA table_info(journal)")
             if row[1] != "id"]
    values = ["?2" if name == "before_image" else name for name in names]
    db.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
        " WHERE i < ?1) INSERT INTO journal(" + ", ".join(names) +
        ") SELECT " + ", ".join(values) + " FROM n CROSS JOIN"
        " (SELECT * FROM journal ORDER BY id DESC LIMIT 1)", (count, image))
    db.commit()
    db.close()


def peak_of(argv):
    """Kilobytes that it took at most, and how many lines it wrote."""
    reader, writer = os.pipe()
    child = os.posix_spawn(argv[0], argv, os.environ,
                           file_actions=[(os.POSIX_SPAWN_DUP2, writer, 1),
                                         (os.POSIX_SPAWN_CLOSE, reader)])
    os.close(writer)
    with os.fdopen(reader, "rb") as out:
        lines = sum(1 for _ in out)
    _, status, usage = os.wait4(child, 0)
    assert status == 0
    return usage.ru_maxrss, lines


def test_memory_does_not_grow_with_the_journal(merged):
    argv = [harness.binary("reunite"), "journal", "export",
            "--show-personal-data", "--format", "csv", "-c", str(merged.config)]
    assert merged.stop() == 0
    path = f"{merged.folder}/reunite.db"
    count = len(merged.journal())
    image = json.dumps({"padding": "x" * 16000})
    multiply(path, 1500, image)  # three pages
    few, lines = peak_of(argv)
    assert lines == count + 1501
    multiply(path, 6000, image)
    many, lines = peak_of(argv)
    assert lines == count + 7501
    # 96 MB more were written; sanitizers keep what was freed for a while
    if not os.environ.get("REUNITE_SANITIZE"):
        assert many < few + 16 * 1024
