"""`forget`: a person goes, and no file of the store keeps the bytes."""

import contextlib
import glob
import json
import signal
import sqlite3

import harness
import pytest
import rounds

ADDRESS = "nora.newton@people.example"
NORA = rounds.jwt("Nora Newton", ADDRESS)
MARKS = [b"nora.newton", b"Nora Newton", b"nora-newton"]


def bytes_of(reunite):
    found = b""
    for path in glob.glob(f"{reunite.folder}/reunite.db*"):
        with open(path, "rb") as f:
            found += f.read()
    return found


def rows(reunite, table):
    with contextlib.closing(sqlite3.connect(
            f"file:{reunite.folder}/reunite.db?mode=ro", uri=True)) as db:
        return db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def forget(reunite, *argv, **kwargs):
    done = reunite.command("forget", *argv, "--json", **kwargs)
    return json.loads(done.stdout)


def merged(sandbox, reunite):
    owner = rounds.profile(sandbox, "Nora Newton", ADDRESS)
    begun = rounds.begin(sandbox, NORA, webhooks=("sunco", "trigger"))
    assert reunite.decided_as("merge")["profile_id"] == owner
    reunite.idle()
    return begun, owner


def test_nothing_of_a_merged_person_is_left(sandbox, daemon):
    reunite = daemon()
    begun, owner = merged(sandbox, reunite)
    assert any(mark in bytes_of(reunite) for mark in MARKS)
    told = forget(reunite, "--email", " Nora.Newton@People.example ",
                  "--dry-run")
    assert told["zendesk_users"] >= 1 and told["journal_entries"] >= 1
    told = forget(reunite, "--email", ADDRESS)
    assert told["journal_entries"] >= 1
    # the trigger may have made a job of its own before the person was known
    assert told["jobs"] in (1, 2) and told["links"] == 1
    assert rows(reunite, "jobs") == rows(reunite, "links") == 0
    left = bytes_of(reunite)
    assert [m for m in MARKS if m in left] == []
    assert begun["sunco_user_id"].encode() not in left
    entry = reunite.decided_as("merge")
    assert (entry["profile_id"], entry["sunco_user_id"]) == (owner, None)
    assert forget(reunite, "--email", ADDRESS)["journal_entries"] == 0


@pytest.mark.both_stores
def test_by_the_other_names(sandbox, daemon):
    for name in ("user", "sunco-user"):
        sandbox.control("POST", "reset")
        reunite = daemon()
        begun, owner = merged(sandbox, reunite)
        told = forget(reunite, f"--{name}", str(
            owner if name == "user" else begun["sunco_user_id"]))
        assert told["jobs"] >= 1
        left = bytes_of(reunite)
        assert [m for m in MARKS if m in left] == []
        assert reunite.stop() == 0


@pytest.mark.both_stores
def test_a_review_goes_too_and_the_daemon_lives_on(sandbox, daemon):
    reunite = daemon(apply="review")
    owner = rounds.profile(sandbox, "Nora Newton", ADDRESS)
    rounds.begin(sandbox, NORA)
    reunite.decided()
    assert len(reunite.reviews()) == 1
    assert forget(reunite, "--user", str(owner))["reviews"] == 1
    assert reunite.reviews() == []
    assert [m for m in MARKS if m in bytes_of(reunite)] == []
    reunite.idle()
    rounds.begin(sandbox, rounds.GOBLIN)
    reunite.decided(2)


@pytest.mark.both_stores
def test_who_comes_again_is_a_new_person(sandbox, daemon):
    reunite = daemon()
    begun, owner = merged(sandbox, reunite)
    forget(reunite, "--user", str(owner))
    sandbox.act("messages", conversation_id=begun["conversation_id"],
                text="hello again")
    rounds.begin(sandbox, NORA, zendesk="auto")
    entries = reunite.decided(2)
    assert entries[-1]["reason"] == "already_linked"
    assert rounds.merges(sandbox) == [(begun["zendesk_user_id"], owner)]


def test_wrong_usage_and_older_copies(sandbox, daemon):
    reunite = daemon()
    for argv in ((), ("--user", "1", "--email", ADDRESS),
                 ("--email", "nobody"), ("--sunco-user", "a b"),
                 ("--user", "1", "--account", "other")):
        done = reunite.command("forget", *argv, check=False)
        assert done.returncode == 2, argv
        assert len(done.stderr.splitlines()) == 1
    copy = f"{reunite.folder}/reunite.db.schema-2"
    sqlite3.connect(copy).close()
    with open(copy, "wb") as f:
        f.write(b"old")
    done = reunite.command("forget", "--user", "1", "--json")
    assert copy in done.stderr and "older copy" in done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["copy"] == copy and told["made"].startswith("20")
    done = reunite.command("doctor", "--json", check=False)
    (finding,) = [f for f in map(json.loads, done.stdout.splitlines())
                  if f["check"] == "copies"]
    assert copy in finding["finding"] and "delete" in finding["mend"]


# --- while it works, and by a webhook ---

def gone_by_itself(reunite, *marks):
    """The daemon empties the log, too, once nobody reads it."""
    harness.wait_until(
        lambda: not any(m in bytes_of(reunite) for m in marks),
        what="the bytes to go", pause_s=0.1)


def removed(sandbox, begun):
    sandbox.act("removals", sunco_user_id=begun["sunco_user_id"])


def test_who_is_removed_in_sunco_leaves_no_bytes(sandbox, daemon):
    reunite = daemon(apply="review")
    rounds.profile(sandbox, "Nora Newton", ADDRESS)
    begun = rounds.begin(sandbox, NORA)
    reunite.decided()
    assert len(reunite.reviews()) == 1
    assert any(mark in bytes_of(reunite) for mark in MARKS)
    removed(sandbox, begun)
    gone_by_itself(reunite, *MARKS, begun["sunco_user_id"].encode())
    assert reunite.reviews() == [] and rows(reunite, "jobs") == 0


def test_a_removal_spares_before_images_and_forgetting_does_not(sandbox,
                                                                daemon):
    """Anybody with an old key can send one, and a wrong merge must be put
    right all the same."""
    reunite = daemon()
    begun, owner = merged(sandbox, reunite)
    removed(sandbox, begun)
    harness.wait_until(lambda: rows(reunite, "links") == 0,
                       what="the link to go")
    entry = reunite.decided_as("merge")
    assert entry["sunco_user_id"] is None
    (shown,) = reunite.rows("journal", "show", str(entry["id"]),
                            "--show-personal-data")
    assert ADDRESS in json.dumps(shown["before_image"])
    assert forget(reunite, "--user", str(owner))["journal_entries"] >= 1
    assert [m for m in MARKS if m in bytes_of(reunite)] == []


def test_what_runs_is_forgotten_when_it_ends(sandbox, daemon):
    reunite = daemon()
    owner = rounds.profile(sandbox, "Nora Newton", ADDRESS)
    sandbox.fault(match={"call": "merge"}, kind="delay", ms=3000)
    begun = rounds.begin(sandbox, NORA)
    with contextlib.closing(sqlite3.connect(
            f"file:{reunite.folder}/reunite.db?mode=ro", uri=True)) as db:
        harness.wait_until(
            lambda: db.execute("SELECT 1 FROM journal"
                               " WHERE status = 'pending'").fetchone(),
            what="the intent")
    sandbox.process.send_signal(signal.SIGSTOP)  # it runs until it is asked
    try:
        told = forget(reunite, "--sunco-user", begun["sunco_user_id"])
    finally:
        sandbox.process.send_signal(signal.SIGCONT)
    assert told["jobs_when_they_end"] == 1
    assert reunite.decided_as("merge")["profile_id"] == owner
    gone_by_itself(reunite, *MARKS, begun["sunco_user_id"].encode())
    assert rounds.merges(sandbox) == [(begun["zendesk_user_id"], owner)]
    assert rows(reunite, "jobs") == 0


def test_somebody_who_reads_delays_the_bytes_only(sandbox, daemon):
    reunite = daemon()
    begun, owner = merged(sandbox, reunite)
    with contextlib.closing(sqlite3.connect(
            f"{reunite.folder}/reunite.db", isolation_level=None)) as db:
        db.execute("BEGIN")
        db.execute("SELECT count(*) FROM jobs").fetchone()
        done = reunite.command("forget", "--user", str(owner), check=False)
        assert done.returncode == 1
        assert "the write-ahead log could not be emptied" in done.stderr
        assert len(done.stderr.splitlines()) == 1
        db.execute("ROLLBACK")
    gone_by_itself(reunite, *MARKS, begun["sunco_user_id"].encode())
