"""`reunite import`: external ids out of a CSV file. The plain way, conflicts
with their lines, files that are garbage or large."""

import os
import pty
import subprocess
import time

import pytest

import harness
import history
import rounds
from imports import (
    Command, address, calls, customer, files, identity, ids, key, numbers,
    outcomes, report, run, summary, table, user_id, write, writes)


@pytest.fixture
def box(sandbox):
    return history.ready(sandbox)


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
    box.fault(kind="delay", ms=5000, match={"call": "show_many"}, skip=1)
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


@pytest.mark.parametrize("file, argv", [
    ("users.csv", ["--report", "users.csv"]),
    ("users.csv", ["--report", "./users.csv"]),
    *((name, []) for name in (
        "import-acme.csv", "import-acme.csv.part", "import-acme.csv.resume",
        "import-acme.csv.resume.new"))], ids=str)
def test_a_report_does_not_take_the_files_place(box, sleeping, file, argv):
    reunite = sleeping()
    path = write(reunite, table(numbers(1)), file)
    code, out, err = Command(reunite, *argv, file=file).end()
    assert (code, out) == (2, "") and "--report" in err
    with open(path, encoding="utf-8", newline="") as f:
        assert f.read() == table(numbers(1))
    assert rounds.requests(box) == []
    assert not os.path.exists(f"{reunite.folder}/users.csv.part")


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
