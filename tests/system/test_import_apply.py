"""`reunite import --apply`: beside merges, jobs that fail, limits, kills."""

import contextlib
import os
import sqlite3
import time

import pytest

import crashes
import harness
import history
import rounds
from imports import (
    Command, calls, customer, files, ids, key, numbers, outcomes, report,
    run, summary, table, user_id, write, writes)


@pytest.fixture
def box(sandbox):
    return history.ready(sandbox)


# --- beside merges ---


def locks(reunite, *row):
    with contextlib.closing(sqlite3.connect(
            os.path.join(reunite.folder, "reunite.db"))) as store, store:
        if row:
            store.execute(
                "INSERT INTO locks(account, zendesk_user_id, job_id, token,"
                " until_ms) SELECT id, ?, ?, 1, ? FROM accounts", row)
        return store.execute("SELECT zendesk_user_id, job_id FROM locks"
                             ).fetchall()


def test_who_is_being_merged_is_left_alone(box, sleeping):
    reunite = sleeping()
    box.people(customer(0), customer(1), customer(2))
    write(reunite, table(numbers(1, first=2)))
    run(reunite, "--apply")  # the store knows the account from then on
    write(reunite, table(numbers(2)))
    later_ms = int(time.time() * 1000) + 600_000
    locks(reunite, user_id(0), 4711, later_ms)
    run(reunite, "--apply", code=1)
    assert outcomes(reunite) == {2: "busy", 3: "set"}
    assert user_id(0) not in ids(box)
    assert locks(reunite) == [(user_id(0), 4711)]


def test_who_is_being_imported_is_locked_meanwhile(box, sleeping):
    reunite = sleeping()
    box.people(customer(0))
    box.settings(job_ms=600_000)
    write(reunite, table(numbers(1)))
    command = Command(reunite, "--apply")
    harness.wait_until(lambda: calls(box, "job_get"), what="a job")
    [(user, owner)] = locks(reunite)
    assert user == user_id(0) and owner < 0
    command.interrupt()
    assert locks(reunite) == []


def test_an_import_needs_no_store(box, sleeping):
    """Before the daemon ran for the first time there is none."""
    reunite = sleeping()
    box.people(customer(0))
    write(reunite, table(numbers(1)))
    os.unlink(os.path.join(reunite.folder, "reunite.db"))
    run(reunite)
    run(reunite, "--apply")
    assert outcomes(reunite) == {2: "set"}
    assert not os.path.exists(os.path.join(reunite.folder, "reunite.db"))


def test_a_store_that_cannot_be_opened_is_told(box, sleeping):
    reunite = sleeping()
    box.people(customer(0))
    write(reunite, table(numbers(1)))
    with open(os.path.join(reunite.folder, "reunite.db"), "wb") as f:
        f.write(b"no database at all" * 100)
    code, _, err = Command(reunite, "--apply").end()
    assert code == 1 and err.startswith("reunite import: ")
    assert writes(box) == []


# --- jobs ---


@pytest.mark.parametrize("named_by", ["user", "place"])
def test_a_job_that_fails_for_some(box, sleeping, named_by):
    reunite = sleeping()
    box.people(*(customer(n) for n in range(10)))
    box.settings(job_fails=f"{user_id(3)} {user_id(7)}",
                 job_failure_id=named_by)
    write(reunite, table(numbers(10)))
    out, _ = run(reunite, "--apply", code=1)
    assert "refused" in out
    rows = report(reunite)
    assert {line for line, r in rows.items() if r["outcome"] == "refused"} \
        == {5, 9}
    assert rows[5]["note"] == "UserUpdateError"
    assert len(ids(box)) >= 8 and user_id(3) not in ids(box)


def test_an_external_id_that_is_taken_meanwhile(box, sleeping):
    reunite = sleeping()
    box.people(customer(0), customer(1), customer(90))
    box.settings(job_ms=600_000)
    write(reunite, table(numbers(2)))
    command = Command(reunite, "--apply")
    harness.wait_until(lambda: calls(box, "update_many"), what="the job")
    reply = box.zendesk.put(f"/api/v2/users/{user_id(90)}",
                            {"user": {"external_id": key(0)}})
    assert reply.status == 200
    box.settings(job_ms=0)
    code, _, err = command.end()
    assert code == 0, err
    assert outcomes(reunite) == {2: "external_id_taken", 3: "set"}
    assert ids(box)[user_id(90)] == key(0)


def test_what_changed_while_other_jobs_ran(box, sleeping):
    """Four jobs at a time: the fifth of a window waits for one to end."""
    reunite = sleeping()
    box.people(*(customer(n) for n in range(401)))
    box.settings(job_ms=600_000)
    write(reunite, table(numbers(401)))
    command = Command(reunite, "--apply")
    harness.wait_until(lambda: len(calls(box, "update_many")) == 4,
                       what="four jobs")
    reply = box.zendesk.put(f"/api/v2/users/{user_id(400)}",
                            {"user": {"external_id": "by-hand"}})
    assert reply.status == 200
    box.settings(job_ms=0)
    code, out, err = command.end()
    assert code == 0, (out, err)
    assert ids(box)[user_id(400)] == "by-hand"
    found = outcomes(reunite)
    assert found.pop(402) == "has_other_external_id"
    assert set(found.values()) == {"set"}


def test_a_job_that_fails_as_a_whole(box, sleeping):
    reunite = sleeping()
    box.people(*(customer(n) for n in range(3)))
    box.settings(job_fails="all")
    write(reunite, table(numbers(3)))
    run(reunite, "--apply", code=1)
    assert {r["note"] for r in report(reunite).values()} == {"job_failed"}
    assert len(calls(box, "update_many")) == 2
    box.settings(job_fails="")
    run(reunite, "--apply")
    assert outcomes(reunite) == {2: "set", 3: "set", 4: "set"}


def test_a_job_that_is_forgotten(box, sleeping):
    reunite = sleeping()
    box.people(*(customer(n) for n in range(3)))
    box.settings(job_forgotten=True, job_ms=1500)
    write(reunite, table(numbers(3)))
    run(reunite, "--apply")
    assert outcomes(reunite) == {2: "set", 3: "set", 4: "set"}


def test_a_user_who_goes_while_the_job_runs(box, sleeping):
    reunite = sleeping()
    box.people(customer(0), customer(1))
    box.settings(job_ms=600_000)
    write(reunite, table(numbers(2)))
    command = Command(reunite, "--apply")
    harness.wait_until(lambda: calls(box, "update_many"), what="the job")
    assert box.zendesk.delete(f"/api/v2/users/{user_id(0)}").status == 200
    box.settings(job_ms=0)
    code, _, err = command.end()
    assert code == 1, err
    assert outcomes(reunite) == {2: "changed", 3: "set"}


# --- limits and bad weather ---


def test_an_import_survives_bad_answers(box, sleeping):
    reunite = sleeping()
    box.people(*(customer(n) for n in range(150)))
    box.fault(kind="status", status=429, headers={"Retry-After": "1"},
              match={"call": "show_many"}, skip=1)
    box.fault(kind="html", status=502, match={"call": "search"})
    box.fault(kind="cut_after", match={"call": "update_many"})
    box.fault(kind="truncate", match={"call": "job_get"})
    write(reunite, table(numbers(150)))
    run(reunite, "--apply")
    assert set(outcomes(reunite).values()) == {"set"}
    assert len(ids(box).keys() & {user_id(n) for n in range(150)}) == 150


def test_too_many_jobs_at_once(box, sleeping):
    reunite = sleeping()
    box.people(*(customer(n) for n in range(210)))
    box.settings(job_limit=1, job_ms=100)
    write(reunite, table(numbers(210)))
    run(reunite, "--apply")
    assert set(outcomes(reunite).values()) == {"set"}


def test_an_import_beside_a_daemon(box, daemon):
    reunite = daemon()
    box.people(*(customer(n) for n in range(120)))
    write(reunite, table(numbers(120)))
    run(reunite, "--apply")
    assert set(outcomes(reunite).values()) == {"set"}
    assert not reunite.gone()


def test_credentials_that_may_not_import(box, sleeping):
    reunite = sleeping(zendesk_client_secret="mistyped")
    write(reunite, table(numbers(1)))
    code, out, _ = Command(reunite).end()
    assert (code, out) == (4, "")


def test_who_may_not_begin_jobs_is_told(box, sleeping):
    reunite = sleeping()
    box.people(customer(0))
    box.fault(kind="status", status=403, times=-1,
              body={"error": {"title": "Forbidden"}},
              match={"call": "update_many"})
    write(reunite, table(numbers(1)))
    code, out, err = Command(reunite, "--apply").end()
    assert (code, out) == (4, "")
    assert "admin" in err and "goes on" in err
    box.control("DELETE", "faults")
    run(reunite, "--apply")
    assert outcomes(reunite) == {2: "set"}


def test_observing_accounts_are_not_imported_into(box, sleeping):
    reunite = sleeping(apply="observe")
    box.people(customer(0))
    write(reunite, table(numbers(1)))
    code, out, err = Command(reunite, "--apply").end()
    assert (code, out) == (3, "")
    assert "observe" in err and rounds.requests(box) == []
    out, _ = run(reunite)
    assert "only observes" in out


# --- kills ---


POINTS = ["import_intended:1", "import_sent:1", "import_sent:2",
          "import_done:1", "import_before_keep:1", "import_before_keep:2",
          "import_intended:2", "report_finished:1"]


@pytest.mark.skipif("not crashes.points_built()", reason="no crash points")
@pytest.mark.parametrize("point", POINTS)
def test_an_import_dies_at_a_point(box, sleeping, point):
    reunite = sleeping()
    box.people(*(customer(n) for n in range(520)))
    box.settings(job_ms=100)
    write(reunite, table(numbers(520)))
    returned, out, _ = Command(reunite, "--apply", environment={
        "REUNITE_CRASH_AT": point}).end()
    assert (returned, out) == (-9, "")
    _, err = run(reunite, "--apply")
    found = set(outcomes(reunite).values())
    if point == "report_finished:1":
        assert found == {"already"}
    else:
        assert found == {"set"}
        assert ("going on with" in err) == (point != "import_before_keep:1")
    assert len(outcomes(reunite)) == 520
    assert {user_id(n): key(n) for n in range(520)}.items() <= \
        ids(box).items()
    assert files(reunite) == ["import-acme.csv"]


@pytest.mark.skipif("not crashes.points_built()", reason="no crash points")
def test_rows_nobody_asks_about_are_told_once_after_a_kill(box, sleeping):
    """A whole window of them: it is kept only with the next one."""
    reunite = sleeping()
    box.people(customer(0))
    write(reunite, table([("nobody", key(n)) for n in range(500)] +
                         numbers(1)))
    returned, _, _ = Command(reunite, "--apply", environment={
        "REUNITE_CRASH_AT": "import_intended:1"}).end()
    assert returned == -9
    _, end = summary(reunite, "--apply")
    assert end["rows"] == 501
    assert end["outcomes"]["invalid_address"] == 500
    assert end["outcomes"]["set"] == 1
    assert len(outcomes(reunite)) == 501


def test_an_interrupted_import_says_how_to_go_on(box, sleeping):
    reunite = sleeping()
    box.people(*(customer(n) for n in range(700)))
    box.settings(job_ms=600_000)
    write(reunite, table(numbers(700)))
    command = Command(reunite, "--apply")
    harness.wait_until(lambda: calls(box, "job_get"), what="a job")
    code, out, err = command.interrupt()
    assert (code, out) == (1, "")
    assert "the same command goes on with import-acme.csv.part" in err
    for name in files(reunite):
        path = os.path.join(reunite.folder, name)
        assert os.stat(path).st_mode & 0o777 == 0o600
        with open(path, encoding="utf-8") as f:
            assert "people.example" not in f.read()
    box.settings(job_ms=0)
    other = Command(reunite).end()
    assert other[0] == 1 and "--restart" in other[2]
    write(reunite, table(numbers(699)), "changed.csv")
    other = Command(reunite, "--apply", file="changed.csv").end()
    assert other[0] == 1 and "--restart" in other[2]
    _, err = run(reunite, "--apply")
    assert "going on with" in err
    assert set(outcomes(reunite).values()) == {"set"}
    assert len(outcomes(reunite)) == 700


def test_two_imports_at_once(box, sleeping):
    reunite = sleeping()
    box.people(customer(0))
    box.settings(latency_ms=600_000)
    write(reunite, table(numbers(1)))
    first = Command(reunite)
    harness.wait_until(
        lambda: os.path.exists(f"{reunite.folder}/import-acme.csv.resume"),
        what="the report and its lock")
    code, _, err = Command(reunite).end()
    assert code == 1 and "another command" in err
    first.kill()


def test_an_import_begins_anew(box, sleeping):
    reunite = sleeping()
    box.people(*(customer(n) for n in range(3)))
    box.settings(job_ms=600_000)
    write(reunite, table(numbers(3)))
    command = Command(reunite, "--apply")
    harness.wait_until(lambda: calls(box, "job_get"), what="a job")
    command.kill()
    box.settings(job_ms=0)
    write(reunite, table(numbers(2)))
    _, err = run(reunite, "--apply", "--restart")
    assert err == ""
    # by the job of its earlier life, of which it knows nothing any more
    assert outcomes(reunite) == {2: "already", 3: "already"}
