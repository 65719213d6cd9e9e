"""`queue check`: what it says of stores that are sound, untidy and damaged."""

import json
import sqlite3

import rounds

ADDRESS = "nora@people.example"


def check(reunite, *argv):
    done = reunite.command("queue", "check", *argv, check=False)
    assert not done.stderr or len(done.stderr.splitlines()) == 1
    return done


def test_a_store_in_use_is_sound(sandbox, daemon):
    reunite = daemon()
    rounds.profile(sandbox, "Nora", ADDRESS)
    rounds.begin(sandbox, rounds.jwt("Nora", ADDRESS))
    reunite.decided()
    for argv in ((), ("--quick",)):
        done = check(reunite, *argv)
        assert (done.returncode, done.stdout) == (0, "the store is sound\n")
    assert check(reunite, "--json").stdout == ""
    reunite.stop()
    assert check(reunite).returncode == 0


def test_what_does_not_fit_is_told_and_mended(sandbox, daemon):
    reunite = daemon(apply="review")
    rounds.profile(sandbox, "Nora", ADDRESS)
    rounds.begin(sandbox, rounds.jwt("Nora", ADDRESS))
    reunite.decided()
    reunite.stop()
    with sqlite3.connect(f"{reunite.folder}/reunite.db") as db:
        db.execute("UPDATE jobs SET rests_on = NULL")
    db.close()
    done = check(reunite, "--json")
    assert done.returncode == 1
    (finding,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert finding["level"] == "wrong"
    assert finding["what"].startswith("jobs that wait for a review")
    assert finding["mend"] == "`reunite queue retry ID`"
    assert finding["count"] == 1
    assert "wrong: 1 jobs that wait" in check(reunite).stdout
    reunite.command("queue", "retry", str(finding["example"]))
    assert check(reunite).returncode == 0


def test_a_damaged_file_is_told(sandbox, daemon):
    reunite = daemon()
    reunite.stop()
    path = f"{reunite.folder}/reunite.db"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        root = db.execute("SELECT rootpage FROM sqlite_master"
                          " WHERE name = 'jobs_due'").fetchone()[0]
        size = db.execute("PRAGMA page_size").fetchone()[0]
    db.close()
    with open(path, "r+b") as f:
        f.seek((root - 1) * size)
        f.write(b"\xff" * size)
    done = check(reunite)
    assert done.returncode == 1
    assert "the store is damaged" in done.stderr
    assert done.stdout == ""
    found = json.loads(check(reunite, "--json").stdout)
    assert found["level"] == "damage" and found["mend"] == "go back to a copy"
