"""`reunite link`: one person now, by any of their ids, dry or not, beside a
daemon or without one; and its exit codes."""

import contextlib
import json
import sqlite3
import time

import pytest
import rounds
from daemon import fast_clock

ADDRESS = "vera@people.example"
VERA = rounds.jwt("Vera Visitor", ADDRESS)
KEYS = ["id", "at", "account", "action", "reason", "applied", "status",
        "evidence", "messaging_user_id", "profile_id", "sunco_user_id",
        "ticket_id", "source", "job_id", "api_calls"]


def link(reunite, *argv, code=0):
    """Runs it with --json; its object, or None."""
    done = reunite.command("link", *argv, "--json", check=False)
    assert done.returncode == code, (done.returncode, done.stderr)
    assert "people.example" not in done.stdout + done.stderr
    assert "Vera" not in done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) <= 1
    return json.loads(lines[0]) if lines else None


def change(reunite, sql, *values):
    """As another process would, in the store itself."""
    with contextlib.closing(sqlite3.connect(
            f"{reunite.folder}/reunite.db", timeout=10)) as db, db:
        db.execute("INSERT OR IGNORE INTO accounts(name) VALUES('acme')")
        db.execute(sql, values)


def ways(begun):
    return [["--user", str(begun["zendesk_user_id"])],
            ["--ticket", str(begun["ticket_id"])],
            ["--sunco-user", begun["sunco_user_id"]]]


def unheard_of(sandbox):
    """Vera's conversation, of which no webhook told."""
    return (rounds.profile(sandbox, "Vera Visitor", ADDRESS),
            rounds.begin(sandbox, VERA, []))


@pytest.mark.parametrize("way", [0, 1, 2], ids=["user", "ticket", "sunco"])
def test_a_dry_run_changes_nothing(sandbox, sleeping, way):
    reunite = sleeping()
    owner, begun = unheard_of(sandbox)
    entry = link(reunite, *ways(begun)[way])
    assert list(entry)[:15] == KEYS
    assert entry["id"] is None
    assert entry["job_id"] is None
    assert (entry["action"], entry["applied"]) == ("merge", False)
    assert entry["profile_id"] == owner
    assert entry["messaging_user_id"] == begun["zendesk_user_id"]
    assert entry["sunco_user_id"] == begun["sunco_user_id"]
    assert rounds.writes(sandbox) == []
    assert reunite.journal() == []
    assert reunite.queue() == []


def test_a_dry_run_needs_no_store(sandbox, sleeping, tmp_path):
    reunite = sleeping()
    for file in ("reunite.db", "reunite.db-wal", "reunite.db-shm"):
        (tmp_path / "daemon0" / file).unlink(missing_ok=True)
    _, begun = unheard_of(sandbox)
    assert link(reunite, *ways(begun)[0])["action"] == "merge"
    assert not (tmp_path / "daemon0" / "reunite.db").exists()
    link(reunite, *ways(begun)[0], "--apply", code=1)
    assert rounds.writes(sandbox) == []


@pytest.mark.both_stores
@pytest.mark.parametrize("way", [0, 1, 2], ids=["user", "ticket", "sunco"])
def test_applied_without_a_daemon(sandbox, sleeping, way):
    reunite = sleeping()
    owner, begun = unheard_of(sandbox)
    entry = link(reunite, *ways(begun)[way], "--apply")
    assert entry["applied"] is True
    assert entry["status"] == "done"
    assert rounds.merges(sandbox) == [(begun["zendesk_user_id"], owner)]
    assert reunite.journal() == [entry]
    again = link(reunite, *ways(begun)[way], "--apply")
    assert (again["action"], again["reason"]) == ("none", "already_linked")


@pytest.mark.both_stores
@pytest.mark.parametrize("way", [0, 1, 2], ids=["user", "ticket", "sunco"])
def test_applied_beside_the_daemon(sandbox, daemon, way):
    reunite = daemon()
    owner, begun = unheard_of(sandbox)
    entry = link(reunite, *ways(begun)[way], "--apply")
    assert (entry["action"], entry["status"]) == ("merge", "done")
    assert rounds.merges(sandbox) == [(begun["zendesk_user_id"], owner)]
    assert reunite.journal() == [entry]


@pytest.mark.parametrize("running", [True, False], ids=["beside", "alone"])
def test_a_person_whose_job_waits(sandbox, daemon, running):
    """The user's id leads to the job that the SunCo event made."""
    reunite = daemon()
    owner = rounds.profile(sandbox, "Vera Visitor", ADDRESS)
    begun = rounds.begin(sandbox, VERA, ["sunco"], hand_off="later")
    rounds.waiting(reunite)
    if not running:
        assert reunite.stop() == 0
    handed = sandbox.act("hand-offs", zendesk="duplicate", webhooks=[],
                         conversation_id=begun["conversation_id"])
    entry = link(reunite, *ways(handed)[0], "--apply")
    assert (entry["action"], entry["status"]) == ("merge", "done")
    assert rounds.merges(sandbox) == [(handed["zendesk_user_id"], owner)]
    assert reunite.journal() == [entry]


def test_it_obeys_apply_and_the_policy(sandbox, sleeping):
    reunite = sleeping(apply="observe")
    _, begun = unheard_of(sandbox)
    entry = link(reunite, *ways(begun)[0], "--apply")
    assert (entry["action"], entry["applied"]) == ("merge", False)
    reunite.configure(apply="review")
    entry = link(reunite, *ways(begun)[0], "--apply")
    assert entry["action"] == "review"
    assert len(reunite.reviews()) == 1
    assert rounds.writes(sandbox) == []


@pytest.mark.parametrize("running", [True, False], ids=["beside", "alone"])
def test_a_question_that_is_open_already(sandbox, daemon, running):
    """Asked again, it is not written down again, but shown."""
    reunite = daemon(apply="review")
    _, begun = unheard_of(sandbox)
    first = link(reunite, *ways(begun)[0], "--apply")
    if not running:
        assert reunite.stop() == 0
    assert link(reunite, *ways(begun)[0], "--apply") == first
    assert reunite.journal() == [first]


@pytest.mark.parametrize("running", [True, False], ids=["beside", "alone"])
def test_somebody_else_is_at_work_on_the_profile(sandbox, daemon, running):
    """It waits for the lock instead of ending with nothing done."""
    reunite = daemon()
    owner, begun = unheard_of(sandbox)
    change(reunite,
           "INSERT INTO locks SELECT id, ?, 4711, 1, ? FROM accounts",
           owner, int(time.time() * 1000) + 1500)
    if not running:
        assert reunite.stop() == 0
    entry = link(reunite, *ways(begun)[0], "--apply")
    assert (entry["action"], entry["status"]) == ("merge", "done")
    assert rounds.merges(sandbox) == [(begun["zendesk_user_id"], owner)]


def test_a_paused_account_is_told_of(sandbox, daemon):
    reunite = daemon()
    _, begun = unheard_of(sandbox)
    change(reunite, "UPDATE accounts SET paused = 1")
    done = reunite.command("link", *ways(begun)[0], "--apply", check=False,
                           environment=fast_clock(50))
    assert done.returncode == 1
    assert "paused" in done.stderr
    assert rounds.writes(sandbox) == []


@pytest.mark.parametrize("apply", [[], ["--apply"]], ids=["dry", "apply"])
def test_refused_by_the_policy_is_3(sandbox, sleeping, apply):
    reunite = sleeping()
    rounds.profile(sandbox, "Vera Visitor", ADDRESS, role="agent")
    begun = rounds.begin(sandbox, VERA, [])
    entry = link(reunite, *ways(begun)[0], *apply, code=3)
    assert (entry["action"], entry["reason"]) == ("refuse",
                                                  "profile_is_agent")


@pytest.mark.parametrize("fault", [
    {"kind": "cut_before"}, {"kind": "html"},
    {"kind": "status", "status": 500, "body": {}},
    {"kind": "status", "status": 429, "headers": {"Retry-After": "1"}},
    {"kind": "status", "status": 401, "body": {"error": "no"}},
], ids=["cut", "page", "500", "429", "401"])
@pytest.mark.parametrize("apply", [[], ["--apply"]], ids=["dry", "apply"])
def test_upstream_trouble_is_4(sandbox, sleeping, fault, apply):
    reunite = sleeping()
    _, begun = unheard_of(sandbox)
    sandbox.fault(**fault, times=-1, match={"call": "user_get"})
    assert link(reunite, *ways(begun)[0], *apply, code=4) is None
    sandbox.fault(**fault, times=-1, match={"call": "ticket_get"})
    assert link(reunite, *ways(begun)[1], *apply, code=4) is None


def test_credentials_that_are_refused_are_4(sandbox, sleeping):
    reunite = sleeping(zendesk_client_secret="mistyped")
    _, begun = unheard_of(sandbox)
    link(reunite, *ways(begun)[0], code=4)


def test_what_the_daemon_cannot_reach_is_4_too(sandbox, daemon):
    reunite = daemon()
    _, begun = unheard_of(sandbox)
    sandbox.fault(kind="cut_before", times=-1, match={"call": "user_get"})
    assert link(reunite, *ways(begun)[0], "--apply", code=4) is None


def test_nobody_there(sandbox, sleeping):
    reunite = sleeping()
    entry = link(reunite, "--user", "4711")
    assert (entry["action"], entry["reason"]) == ("none",
                                                  "messaging_user_gone")
    entry = link(reunite, "--sunco-user", "6a1d3c5e7f9b2d4f00000001")
    assert entry["reason"] == "messaging_user_gone"
    assert link(reunite, "--ticket", "4711", code=1) is None
    customer = rounds.profile(sandbox, "Vera Visitor", ADDRESS)
    entry = link(reunite, "--user", str(customer))
    assert (entry["action"], entry["reason"]) == ("none",
                                                  "no_messaging_user")


@pytest.mark.parametrize("argv", [
    [], ["--user", "1", "--ticket", "2"], ["--user", "vera"],
    ["--user", "0"], ["--user", "-1"], ["--user"], ["--user", ""],
    ["--sunco-user", "not an id"], ["--user", "1", "--account", "other"],
    ["--user", "1", "extra"], ["--user", "1", "--user", "2"],
    ["--user", "1", "--explode"], ["--user", "99999999999999999999"],
], ids=" ".join)
def test_wrong_usage_is_2(sleeping, argv):
    reunite = sleeping()
    done = reunite.command("link", *argv, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("reunite link: ")
    assert len(done.stderr.splitlines()) == 1


def test_several_accounts_need_a_name(other_sandbox, daemon):
    reunite = daemon(others={"other": other_sandbox})
    owner, begun = unheard_of(other_sandbox)
    link(reunite, *ways(begun)[0], code=2)
    entry = link(reunite, *ways(begun)[0], "--account", "other")
    assert (entry["account"], entry["profile_id"]) == ("other", owner)


def test_what_a_person_reads(sandbox, sleeping):
    reunite = sleeping()
    owner, begun = unheard_of(sandbox)
    done = reunite.command("link", *ways(begun)[0])
    assert done.stdout.startswith(
        f"merge (not applied) into profile {owner}, ")
    assert "people.example" not in done.stdout
    assert done.stderr == ""
