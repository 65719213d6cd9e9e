"""`reunite backfill`: the dry run and its report; how it goes on after a kill;
who may not; wrong usage."""

import functools
import json
import os

import pytest

import harness
import history
import rounds


@pytest.fixture
def box(sandbox):
    return history.ready(sandbox)


@pytest.fixture
def mixed(box):
    """Four kinds of people over several pages; the pairs to be merged."""
    pairs = history.load(box, 130)
    history.load(box, 7, first=500, sunco=history.typed)
    history.load(box, 8, first=600, sunco=history.nobody)
    history.load_others(box, 150)
    return pairs


@pytest.fixture
def sleeping(sleeping):
    return functools.partial(sleeping, max_merges_per_hour=100_000)


def report(reunite, name="backfill-acme.jsonl"):
    with open(os.path.join(reunite.folder, name), encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def files(reunite):
    return sorted(n for n in os.listdir(reunite.folder) if "jsonl" in n)


# --- the dry run ---


def test_a_dry_run_only_reads(box, mixed, sleeping):
    reunite = sleeping()
    lines, summary = history.rows(reunite)
    assert {r["method"] for r in rounds.requests(box)} == {"GET"}
    assert reunite.journal() == []
    assert reunite.queue() == []
    assert history.status(reunite)["state"] == "never"
    assert lines == report(reunite)
    assert files(reunite) == ["backfill-acme.jsonl"]
    assert {line["messaging_user_id"]: line["profile_id"] for line in lines
            if line["action"] == "merge"} == mixed
    assert {line["source"] for line in lines} == {"backfill"}
    assert not any(line["applied"] for line in lines)
    assert summary["decisions"] == {"merge": 130, "adopt": 0, "review": 7,
                                    "refuse": 0, "none": 8, "failed": 0}
    users = box.control("GET", "state")["users"]
    assert summary["users"] == len(users)
    assert summary["conversations"] == 145
    assert summary["complete"] and not summary["applied"]
    assert summary["estimate"]["links"] == 130
    assert summary["estimate"]["links_per_hour"] == 80_000
    assert summary["estimate"]["api_calls"] > 4 * 130
    assert summary["next"].endswith("--apply")


def test_the_report_is_what_is_done_then(box, mixed, sleeping):
    reunite = sleeping()
    lines, before = history.rows(reunite)
    done, after = history.rows(reunite, "--apply")
    assert sorted(map(history.decision, lines), key=str) == \
        sorted(map(history.decision, done), key=str)
    assert before["decisions"] == after["decisions"]
    history.merged_once(box, mixed)
    assert {e["status"] for e in reunite.journal()} == {"done"}


def test_a_dry_run_needs_no_store(box, mixed, sleeping):
    reunite = sleeping()
    for ending in ("", "-wal", "-shm", ".lock"):
        path = os.path.join(reunite.folder, "reunite.db" + ending)
        if os.path.exists(path):
            os.unlink(path)
    lines, _ = history.rows(reunite)
    assert len(lines) == 145
    assert not os.path.exists(os.path.join(reunite.folder, "reunite.db"))


def test_what_a_person_reads(box, mixed, sleeping):
    reunite = sleeping(apply="observe")
    out, err = history.run(reunite, "--report", "mine.jsonl")
    assert out.startswith("dry run, nothing was changed, account acme\n")
    assert "130    merge   email_match_verified" in out
    assert "report: mine.jsonl" in out
    assert "only observes" in out
    assert "next: reunite backfill -c " in out
    assert err == ""
    assert len(report(reunite, "mine.jsonl")) == 145


def test_with_personal_data(box, mixed, sleeping):
    reunite = sleeping()
    reunite.command("backfill", "--report", f"{reunite.folder}/r.jsonl",
                    "--show-personal-data")
    lines = report(reunite, "r.jsonl")
    assert "people.example" in json.dumps(lines[0]["before_image"])
    assert os.stat(f"{reunite.folder}/r.jsonl").st_mode & 0o077 == 0


def test_a_limit(box, mixed, sleeping):
    lines, summary = history.rows(sleeping(), "--limit", "5")
    assert len(lines) == 5
    assert not summary["complete"]
    assert "--limit 5" in summary["next"]


def test_since(box, sleeping):
    history.load(box, 3, at="2026-03-01T00:00:00Z")
    history.load(box, 2, first=10, at="2026-05-01T00:00:00Z")
    reunite = sleeping()
    lines, _ = history.rows(reunite, "--since", "2026-04-01T00:00:00Z")
    assert {line["messaging_user_id"] for line in lines} == \
        {history.user_of(10), history.user_of(11)}
    done, _ = history.rows(reunite, "--since", "2026-04-01T00:00:00Z",
                           "--apply")
    assert len(done) == 2


def test_who_is_linked_is_no_line(box, mixed, sleeping):
    reunite = sleeping()
    history.rows(reunite, "--apply", "--limit", "10")
    box.settings(incremental_lag_ms=0)
    lines, summary = history.rows(reunite)
    assert summary["known"] == 10
    assert len(lines) == 135


# --- kills ---


@pytest.mark.parametrize("lines", [1, 110])
def test_a_killed_dry_run_goes_on(box, mixed, sleeping, lines):
    reunite = sleeping()
    part = os.path.join(reunite.folder, "backfill-acme.jsonl.part")
    box.fault(kind="hang", ms=60000, skip=lines, times=-1,
              match={"api": "sunco", "call": "user_get"})
    command = history.Command(reunite)

    def written():
        if not os.path.exists(part):
            return False
        with open(part, "rb") as f:
            return f.read().count(b"\n") >= lines

    harness.wait_until(written, what=f"{lines} lines")
    command.kill()
    assert not os.path.exists(part[:-len(".part")])
    with open(part, "ab") as f:
        f.write(b'{"id":null,"at":"20')  # a line that was half written
    box.control("DELETE", "faults")
    before = len(rounds.requests(box, "sunco"))
    found, summary = history.rows(reunite)
    assert found == report(reunite)
    people = [line["sunco_user_id"] for line in found]
    assert len(people) == len(set(people)) == 145
    assert summary["decisions"]["merge"] == 130
    # those on the way at the kill may be seen late
    assert len(rounds.requests(box, "sunco")) - before <= 145 - lines + 6
    assert files(reunite) == ["backfill-acme.jsonl"]


def test_an_interrupted_dry_run_says_how_to_go_on(box, mixed, sleeping):
    reunite = sleeping()
    box.settings(latency_ms=50)
    command = history.Command(reunite)
    harness.wait_until(lambda: len(rounds.requests(box)) > 20, what="calls")
    code, out, err = command.interrupt()
    assert code == 1
    assert out == ""
    assert "the same command goes on" in err
    box.settings(latency_ms=0)
    other = history.Command(reunite, "--limit", "3").end()
    assert other[0] == 1
    assert "--restart" in other[2]
    _, err = history.run(reunite)
    assert "going on with" in err
    assert len(report(reunite)) == 145


def test_restart_begins_anew(box, mixed, sleeping):
    reunite = sleeping()
    box.settings(latency_ms=50)
    command = history.Command(reunite)
    harness.wait_until(lambda: len(rounds.requests(box)) > 20, what="calls")
    command.interrupt()
    box.settings(latency_ms=0)
    lines, _ = history.rows(reunite, "--limit", "3", "--restart")
    assert len(lines) == 3


# --- trouble ---


@pytest.mark.parametrize("apply", [[], ["--apply"]], ids=["dry", "apply"])
def test_who_is_no_admin_is_told(box, mixed, sleeping, apply):
    reunite = sleeping()
    box.fault(kind="status", status=403, times=-1,
              body={"error": {"title": "Forbidden"}},
              match={"call": "users_export"})
    code, out, err = history.Command(reunite, *apply).end()
    assert (code, out) == (4, "")
    assert "admin" in err
    box.control("DELETE", "faults")
    history.rows(reunite, *apply)


@pytest.mark.parametrize("apply", [[], ["--apply"]], ids=["dry", "apply"])
def test_credentials_that_are_refused_are_4(box, mixed, sleeping, apply):
    reunite = sleeping(zendesk_client_secret="mistyped")
    code, _, _ = history.Command(reunite, *apply).end()
    assert code == 4


@pytest.mark.parametrize("call", ["users_export", "user_get", "search"])
def test_a_dry_run_survives_bad_answers(box, mixed, sleeping, call):
    reunite = sleeping()
    box.fault(kind="cut_before", skip=1, times=2, match={"call": call})
    box.fault(kind="status", status=429, skip=2, times=1,
              headers={"Retry-After": "1"}, match={"call": call})
    lines, _ = history.rows(reunite)
    assert len({line["sunco_user_id"] for line in lines}) == 145
    assert {line["status"] for line in lines} == {"done"}


def test_one_bad_person_holds_up_nobody(box, mixed, sleeping):
    reunite = sleeping()
    box.fault(kind="status", status=400, times=-1, body={"error": "no"},
              match={"call": "user_get", "id": history.user_of(3)})
    lines, summary = history.rows(reunite)
    bad = [line for line in lines if line["status"] == "failed"]
    assert [line["messaging_user_id"] for line in bad] == [
        history.user_of(3)]
    assert (len(lines), summary["decisions"]["failed"]) == (145, 1)


# --- who asks for what ---


@pytest.mark.parametrize("settings, word", [
    ({"apply": "observe"}, "observe"), ({"max_merges_per_hour": 1}, "place")])
def test_what_could_not_be_done_is_not_begun(box, mixed, sleeping, settings,
                                             word):
    reunite = sleeping(**settings)
    code, out, err = history.Command(reunite, "--apply").end()
    assert (code, out) == (3, "")
    assert word in err
    assert history.status(reunite)["state"] == "never"
    assert rounds.requests(box) == []


@pytest.mark.parametrize("argv", [
    ["--apply", "--stop"], ["--apply", "--status"], ["--stop", "--status"],
    ["--apply", "--report", "x"], ["--detach"], ["--stop", "--limit", "3"],
    ["--status", "--since", "1h"], ["--stop", "--restart"],
    ["--limit", "0"], ["--limit", "all"], ["--since", "lately"],
    ["--account", "other"], ["extra"], ["--report", ""],
], ids=" ".join)
def test_wrong_usage_is_2(box, sleeping, argv):
    code, out, err = history.Command(sleeping(), *argv).end()
    assert (code, out) == (2, "")
    assert err.startswith("reunite backfill: ")
    assert len(err.splitlines()) == 1


def test_several_accounts_need_a_name(box, other_sandbox, daemon):
    reunite = daemon(others={"other": history.ready(other_sandbox)})
    history.load(box, 2)
    pairs = history.load(other_sandbox, 3, first=50)
    for argv in ([], ["--apply"], ["--stop"]):
        assert history.Command(reunite, *argv).end()[0] == 2
    lines, _ = history.rows(reunite, "--account", "other")
    assert len(lines) == 3
    history.rows(reunite, "--account", "other", "--apply")
    history.merged_once(other_sandbox, pairs)
    assert rounds.requests(box) == []
    assert [r["state"] for r in reunite.rows("backfill", "--status")] == [
        "never", "done"]
    assert reunite.stop() == 0  # nor does a command, alone
    pairs.update(history.load(other_sandbox, 2, first=60))
    history.rows(reunite, "--account", "other", "--apply")
    history.merged_once(other_sandbox, pairs)
    assert rounds.requests(box) == []


def test_without_a_store_nothing_is_applied(box, mixed, sleeping):
    reunite = sleeping()
    os.unlink(os.path.join(reunite.folder, "reunite.db"))
    for argv in (["--apply"], ["--status"], ["--stop"]):
        code, _, err = history.Command(reunite, *argv).end()
        assert code == 1
        assert "no store" in err
