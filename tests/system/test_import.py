"""`reunite import`: external ids out of a CSV file. The dry run, doing it,
conflicts with their lines, kills, limits, jobs that fail, garbage."""

import contextlib
import csv
import io
import json
import os
import pty
import signal
import sqlite3
import subprocess
import time

import pytest

import crashes
import harness
import history
import rounds

FIRST_ID = 41_000_000
WRITES = {"PUT", "POST", "DELETE", "PATCH"}


def address(n):
    return f"customer{n}@people.example"


def user_id(n):
    return FIRST_ID + n


def key(n):
    return f"shop-{n}"


def customer(n, **changes):
    return {"id": user_id(n), "name": f"Customer Number {n}",
            "email": address(n), **changes}


def identity(value, method="none", primary=False, kind="email"):
    return {"type": kind, "value": value, "primary": primary,
            "verified": method != "none", "verification_method": method}


@pytest.fixture
def box(sandbox):
    return history.ready(sandbox)


@pytest.fixture
def sleeping(daemon):
    """A configuration; the daemon has gone."""
    def start(**settings):
        reunite = daemon(**settings)
        assert reunite.stop() == 0
        return reunite

    return start


def table(rows, heading=("email", "external_id"), end="\r\n"):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=end)
    writer.writerows([heading, *rows])
    return out.getvalue()


def numbers(count, first=0):
    return [(address(n), key(n)) for n in range(first, first + count)]


def write(reunite, content, name="users.csv"):
    path = os.path.join(reunite.folder, name)
    mode = "wb" if isinstance(content, bytes) else "w"
    with open(path, mode, **({} if mode == "wb" else
                             {"encoding": "utf-8", "newline": ""})) as f:
        f.write(content)
    return path


class Command:
    """`reunite import` under way."""

    def __init__(self, reunite, *argv, file="users.csv", stdin=None,
                 environment=None):
        self.reunite = reunite
        self.process = subprocess.Popen(
            [harness.binary("reunite"), "import", file, *argv, "-c",
             reunite.config], stdin=stdin or subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            cwd=reunite.folder, env={**os.environ, **(environment or {})})

    def end(self, timeout_s=120):
        out, err = self.process.communicate(timeout=timeout_s)
        return self.process.returncode, out, err

    def kill(self):
        self.process.kill()
        return self.end()

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        return self.end()


def run(reunite, *argv, code=0, **more):
    returned, out, err = Command(reunite, *argv, **more).end()
    assert returned == code, (returned, out, err)
    assert "people.example" not in out + err
    assert "shop-" not in out + err
    return out, err


def summary(reunite, *argv, **more):
    """With --json: the rows by their line, and the summary."""
    out, _ = run(reunite, *argv, "--json", **more)
    lines = [json.loads(line) for line in out.splitlines()]
    assert lines[-1]["summary"] == "import"
    return {row["line"]: row for row in lines[:-1]}, lines[-1]


def report(reunite, name="import-acme.csv"):
    """Line -> row, as the file has it."""
    path = os.path.join(reunite.folder, name)
    assert os.stat(path).st_mode & 0o777 == 0o600
    with open(path, encoding="utf-8", newline="") as f:
        rows = list(csv.DictReader(f))
    assert len({row["line"] for row in rows}) == len(rows)
    return {int(row["line"]): row for row in rows}


def outcomes(reunite):
    return {line: row["outcome"] for line, row in report(reunite).items()}


def ids(box):
    """Everybody's external id, of those who have one."""
    return {u["id"]: u["external_id"] for u in box.state()["users"]
            if u["external_id"]}


def calls(box, name):
    return [r for r in rounds.requests(box) if r["call"] == name]


def writes(box):
    return [r for r in rounds.requests(box)
            if r["method"] in WRITES and r["call"] != "oauth"]


def files(reunite):
    return sorted(n for n in os.listdir(reunite.folder)
                  if n.startswith("import-"))


# --- the plain way ---


def test_a_dry_run_of_an_import_only_reads(box, sleeping):
    reunite = sleeping()
    box.people(*(customer(n) for n in range(120)))
    before = ids(box)
    write(reunite, table(numbers(121)))
    rows, end = summary(reunite)
    assert writes(box) == []
    assert ids(box) == before
    assert end["outcomes"]["would_set"] == 120
    assert end["outcomes"]["unknown_address"] == 1
    assert end["rows"] == 121 and not end["applied"]
    assert end["next"].endswith("--apply")
    assert {line: row["outcome"] for line, row in rows.items()} == \
        outcomes(reunite)
    assert {row["user_id"] for row in rows.values()} == \
        {user_id(n) for n in range(120)} | {None}
    assert files(reunite) == ["import-acme.csv"]


def test_an_import_is_applied_once(box, sleeping):
    reunite = sleeping()
    box.people(*(customer(n) for n in range(250)))
    box.settings(job_ms=50)
    write(reunite, table(numbers(250)))
    rows, end = summary(reunite, "--apply")
    assert end["outcomes"]["set"] == 250 and end["applied"]
    assert {user_id(n): key(n) for n in range(250)}.items() <= \
        ids(box).items()
    assert len(calls(box, "update_many")) == 3
    assert len(calls(box, "create_or_update_many")) == 0
    assert [r["outcome"] for r in rows.values()] == ["set"] * 250
    users = len(box.state()["users"])
    _, end = summary(reunite, "--apply")
    assert end["outcomes"]["already"] == 250
    assert len(calls(box, "update_many")) == 3
    assert len(box.state()["users"]) == users


def test_what_an_admin_reads_of_an_import(box, sleeping):
    reunite = sleeping()
    box.people(customer(0))
    write(reunite, table(numbers(2)))
    out, err = run(reunite)
    assert out.startswith("dry run, nothing was changed, account acme, "
                          "2 rows\n")
    assert "would_set" in out and "unknown_address" in out
    assert "to look at:\nline  outcome" in out
    assert "\n3     unknown_address  -" in out
    assert "report, a line a row: import-acme.csv" in out
    assert f"next: reunite import users.csv -c {reunite.config} --apply" in out
    assert err == ""
    out, _ = run(reunite, "--apply", "--report", "mine.csv")
    assert out.startswith("done, account acme, 2 rows\n")
    assert report(reunite, "mine.csv")[2]["user_id"] == str(user_id(0))


def test_an_import_from_standard_input(box, sleeping):
    reunite = sleeping()
    box.people(customer(0))
    path = write(reunite, table(numbers(1)))
    with open(path, "rb") as stdin:
        run(reunite, "--apply", file="-", stdin=stdin)
    assert ids(box)[user_id(0)] == key(0)
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as stdin:
        with os.fdopen(writer, "wb") as out:
            out.write(b"email\n")
        code, _, err = Command(reunite, file="-", stdin=stdin).end()
    assert code == 2
    assert "standard input:1: " in err


def test_an_import_shows_a_bar_on_a_terminal(box, sleeping):
    reunite = sleeping()
    box.people(customer(0))
    write(reunite, table(numbers(2)))
    mine, theirs = pty.openpty()
    process = subprocess.Popen(
        [harness.binary("reunite"), "import", "users.csv", "-c",
         reunite.config], cwd=reunite.folder, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=theirs)
    out, _ = process.communicate(timeout=60)
    os.close(theirs)
    shown = os.read(mine, 65536).decode()
    os.close(mine)
    assert process.returncode == 0
    assert "[" + "-" * 20 + "] 0/2 0%" in shown
    assert b"[--" not in out


def test_columns_line_ends_and_quotes(box, sleeping):
    reunite = sleeping()
    box.people(*(customer(n) for n in range(3)))
    write(reunite, "\ufeffName,External_ID , EMAIL\n"
          f'"Doe, Jane\nand ""Joe""", {key(0)} ,"{address(0).upper()}"\r\n'
          f"\n,{key(1)},{address(1)}\n"
          f'x,"a,b",{address(2)}')
    rows, _ = summary(reunite, "--apply")
    assert sorted(rows) == [2, 5, 6]
    found = ids(box)
    assert [found[user_id(n)] for n in range(3)] == [key(0), key(1), "a,b"]


def test_personal_data_only_if_wanted(box, sleeping):
    reunite = sleeping()
    box.people(customer(0))
    write(reunite, table([(address(0), 'a"b,c')]))
    run(reunite)
    with open(os.path.join(reunite.folder, "import-acme.csv"),
              encoding="utf-8") as f:
        text = f.read()
    assert "people.example" not in text and 'a""b' not in text
    code, out, _ = Command(reunite, "--show-personal-data", "--json").end()
    assert code == 0 and address(0) in out
    row = report(reunite)[2]
    assert (row["email"], row["external_id"]) == (address(0), 'a"b,c')


# --- conflicts ---


def test_conflicts_are_told_with_their_lines(box, sleeping):
    reunite = sleeping()
    box.people(
        customer(0), customer(1, external_id="another"),
        customer(2, external_id="TAKEN-1"), customer(3, role="agent"),
        customer(4, suspended=True), customer(5, shared=True),
        customer(6), customer(7), customer(8), customer(9),
        customer(10, external_id="SHOP-10"),
        {"id": user_id(11), "name": "Two addresses", "identities": [
            identity("first@people.example", "full", True),
            identity("second@people.example", "full")]},
        {"id": user_id(12), "name": "Whoever typed it", "identities": [
            identity(address(12), primary=True),
            identity("6b" + 22 * "0", kind="messaging")]},
        {"id": user_id(13), "name": "Only that", "identities": [
            identity(address(13), primary=True)]},
        {"id": user_id(14), "name": "Everybody",
         "email": "info@people.example"},
        {"id": user_id(15), "name": "Like another",
         "email": "other.customer9@people.example"})
    expected = [
        (address(0), key(0), "would_set", 0, None, None),
        (address(1), key(1), "has_other_external_id", 1, None, None),
        (address(6), "taken-1", "external_id_taken", 6, 2, None),
        (address(3), key(3), "not_end_user", 3, None, None),
        (address(4), key(4), "suspended", 4, None, None),
        (address(5), key(5), "shared_user", 5, None, None),
        (address(7), "one", "address_twice", None, None, 9),
        (address(7), "two", "address_twice", None, None, 8),
        (address(8), "same", "external_id_twice", None, None, 11),
        (address(9), "SAME", "external_id_twice", None, None, 10),
        (address(0), key(0), "repeated", None, None, 2),
        (address(10), key(10), "already", 10, None, None),
        ("first@people.example", "x1", "would_set", 11, None, None),
        ("second@people.example", "x2", "user_twice", 11, None, 14),
        (address(12), key(12), "address_unproven", 12, None, None),
        (address(13), key(13), "would_set", 13, None, None),
        ("info@people.example", "i", "email_denied", 14, None, None),
        ("nobody@people.example", "n", "unknown_address", None, None, None),
        ("nobody2@people.example", "taken-1x", "unknown_address", None, None,
         None),
        ("ada", "a", "invalid_address", None, None, None),
        (address(2), " ", "invalid_external_id", None, None, None),
        ("customer9@people.exampl", "z", "unknown_address", None, None, None),
    ]
    write(reunite, table([row[:2] for row in expected]))
    rows, _ = summary(reunite)
    found = [(r["outcome"], r["user_id"], r["other_user_id"], r["other_line"])
             for r in rows.values()]
    assert found == [
        (outcome, None if user is None else user_id(user),
         None if other is None else user_id(other), line)
        for _, _, outcome, user, other, line in expected]
    before = ids(box)
    summary(reunite, "--apply")
    assert {k: v for k, v in ids(box).items() if before.get(k) != v} == {
        user_id(0): key(0), user_id(11): "x1", user_id(13): key(13)}
    for line, row in report(reunite).items():
        assert row["outcome"] == rows[line]["outcome"].replace("would_", "")


def test_two_addresses_of_one_user_far_apart(box, sleeping):
    reunite = sleeping()
    box.people({"id": user_id(0), "name": "Two addresses", "identities": [
        identity("first@people.example", "full", True),
        identity("second@people.example", "full")]})
    write(reunite, table([("first@people.example", "x1"),
                          *((f"n{n}@people.example", str(n))
                            for n in range(600)),
                          ("second@people.example", "x2")]))
    _, end = summary(reunite)
    assert end["outcomes"]["user_twice"] == 1
    assert report(reunite)[603]["other_line"] == "2"


def test_denied_addresses_of_the_account(box, sleeping):
    reunite = sleeping(deny_emails=["*@people.example"])
    box.people(customer(0))
    write(reunite, table(numbers(1)))
    assert summary(reunite)[1]["outcomes"]["email_denied"] == 1


def test_searches_that_know_no_alternatives(box, sleeping):
    """Then everybody is asked for alone, and nobody is missed."""
    reunite = sleeping()
    box.people(*(customer(n) for n in range(60)))
    box.settings(search_any_term=False)
    write(reunite, table(numbers(70)))
    _, end = summary(reunite)
    assert end["outcomes"]["would_set"] == 60
    assert end["outcomes"]["unknown_address"] == 10


def test_addresses_that_search_does_not_know_yet(box, sleeping):
    reunite = sleeping()
    box.settings(index_lag_ms=600_000)
    reply = box.zendesk.post("/api/v2/users", {"user": {
        "name": "New", "email": address(0)}})
    assert reply.status == 201
    users = len(box.state()["users"])
    write(reunite, table(numbers(1)))
    out, _ = run(reunite, "--apply")
    assert "lags" in out
    assert outcomes(reunite) == {2: "unknown_address"}
    assert len(box.state()["users"]) == users


def test_what_changed_meanwhile_is_not_overwritten(box, sleeping):
    """Between the search and the change somebody else gives the user one."""
    reunite = sleeping()
    box.people(customer(0), customer(1))
    box.fault(kind="delay", ms=1500, match={"call": "show_many"}, skip=1)
    write(reunite, table(numbers(2)))
    command = Command(reunite, "--apply")
    harness.wait_until(lambda: calls(box, "search"), what="the search")
    reply = box.zendesk.put(f"/api/v2/users/{user_id(0)}",
                            {"user": {"external_id": "by-hand"}})
    assert reply.status == 200
    code, out, err = command.end()
    assert code == 0, err
    assert ids(box)[user_id(0)] == "by-hand"
    assert ids(box)[user_id(1)] == key(1)
    assert outcomes(reunite) == {2: "has_other_external_id", 3: "set"}


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


def test_an_import_needs_the_store_only_to_apply(box, sleeping):
    reunite = sleeping()
    box.people(customer(0))
    write(reunite, table(numbers(1)))
    os.unlink(os.path.join(reunite.folder, "reunite.db"))
    run(reunite)
    code, _, err = Command(reunite, "--apply").end()
    assert code == 1 and "no store" in err
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
    box.settings(job_ms=1500)
    write(reunite, table(numbers(2)))
    command = Command(reunite, "--apply")
    harness.wait_until(lambda: calls(box, "update_many"), what="the job")
    reply = box.zendesk.put(f"/api/v2/users/{user_id(90)}",
                            {"user": {"external_id": key(0)}})
    assert reply.status == 200
    code, _, err = command.end()
    assert code == 0, err
    assert outcomes(reunite) == {2: "external_id_taken", 3: "set"}
    assert ids(box)[user_id(90)] == key(0)


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
    box.settings(job_ms=1500)
    write(reunite, table(numbers(2)))
    command = Command(reunite, "--apply")
    harness.wait_until(lambda: calls(box, "update_many"), what="the job")
    assert box.zendesk.delete(f"/api/v2/users/{user_id(0)}").status == 200
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
          "import_intended:2", "import_finished:1"]


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
    if point == "import_finished:1":
        assert found == {"already"}
    else:
        assert found == {"set"}
        assert ("going on with" in err) == (point != "import_before_keep:1")
    assert len(outcomes(reunite)) == 520
    assert {user_id(n): key(n) for n in range(520)}.items() <= \
        ids(box).items()
    assert files(reunite) == ["import-acme.csv"]


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
        lambda: os.path.exists(f"{reunite.folder}/import-acme.csv.part"),
        what="the report")
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
    assert outcomes(reunite) == {2: "set", 3: "set"}


# --- files ---


GARBAGE = {
    "empty": (b"", 1, "empty"),
    "no_columns": (b"a@x.example,u1\n", 1, "must name the columns"),
    "one_column": (b"email\n", 1, "must name the columns"),
    "twice": (b"email,external_id,Email\n", 1, "twice"),
    "semicolons": (b"email;external_id\n", 1, "semicolons"),
    "tabs": (b"email\texternal_id\n", 1, "tabs"),
    "utf16": ("email,external_id\n".encode("utf-16"), 1, "UTF-16"),
    "nul": (b"email,external_id\na@x.example,\0\n", 2, "NUL"),
    "open_quote": (b'email,external_id\n\n"a@x.example,u1\nb,u2\n', 3,
                   "never closed"),
    "stray_quote": (b'email,external_id\na@x.example,u"1\n', 2, "quote"),
    "narrow": (b"email,external_id\na@x.example\n", 2, "columns"),
    "old_mac": (b"email,external_id\ra@x.example,u1\r", 1, "carriage"),
    "long": (b"email,external_id\na@x.example," + b"x" * 70_000, 2, "long"),
    "program": (b"\x7fELF\x02\x01\x01\0\0\0", 1, ""),
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_garbage_is_told_with_its_line(box, sleeping, kind):
    content, line, word = GARBAGE[kind]
    reunite = sleeping()
    write(reunite, content)
    code, out, err = Command(reunite, "--apply").end()
    assert (code, out) == (2, "")
    assert err.startswith(f"reunite import: users.csv:{line}: ")
    assert word in err and len(err.splitlines()) == 1
    assert "x.example" not in err
    assert rounds.requests(box) == [] and files(reunite) == []


@pytest.mark.parametrize("argv, code", [
    ([], 2), (["a.csv", "b.csv"], 2), (["missing.csv"], 1),
    (["users.csv", "--account", "other"], 2), (["users.csv", "--now"], 2),
    (["."], 1)], ids=str)
def test_wrong_usage_of_import(box, sleeping, argv, code):
    reunite = sleeping()
    write(reunite, table(numbers(1)))
    done = reunite.command("import", *[
        os.path.join(reunite.folder, a) if a.endswith("csv") else a
        for a in argv], check=False)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("reunite import: ")
    assert rounds.requests(box) == []


def test_a_report_that_cannot_be_written(box, sleeping):
    reunite = sleeping()
    write(reunite, table(numbers(1)))
    code, _, err = Command(reunite, "--report", "no/such/folder.csv").end()
    assert code == 1 and "cannot write" in err
    assert rounds.requests(box) == []


def peak_kib(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as f:
        for line in f:
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return 0


def test_a_large_file_takes_little_memory(box, sleeping):
    """200,000 lines, of which nearly all are wrong by themselves: what is
    measured is the reader, not Zendesk."""
    reunite = sleeping()
    box.people(customer(0))
    path = os.path.join(reunite.folder, "users.csv")
    with open(path, "w", encoding="ascii") as f:
        f.write("email,external_id,notes\n")
        f.write(f"{address(0)},{key(0)},\n")
        for n in range(200_000):
            f.write(f"customer{n} at people,{key(n)},{'x' * 60}\n")
    size_kib = os.path.getsize(path) // 1024
    # a peer of the same build, with one row, for what the program itself is
    write(reunite, table(numbers(1)), "one.csv")
    box.settings(latency_ms=300)
    peaks = {}
    # what ASan keeps of what was freed is not ours
    asan = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"
    for name in ("one.csv", "users.csv"):
        command = Command(reunite, file=name,
                          environment={"ASAN_OPTIONS": asan})
        peaks[name] = 0
        while command.process.poll() is None:
            peaks[name] = max(peaks[name], peak_kib(command.process))
            time.sleep(0.02)
        assert command.end()[0] == 0
    assert report(reunite)[2]["outcome"] == "would_set"
    assert len(outcomes(reunite)) == 200_001
    assert size_kib > 16_000
    assert peaks["users.csv"] - peaks["one.csv"] < size_kib // 3, peaks
