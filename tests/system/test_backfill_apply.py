"""`reunite backfill --apply`: every pair once, whoever does the work and
whatever is killed; stop, limit, pause; the breaker's hour; who writes now."""

import datetime
import fcntl
import json
import os
import pty
import select
import signal
import sqlite3
import struct
import subprocess
import termios

import pytest

import crashes
import harness
import history
import rounds
from daemon import WallClock, fast_clock

CRASHES = pytest.mark.skipif(not crashes.points_built(),
                             reason="built without crash points")
PLENTY = {"max_merges_per_hour": 100_000}


@pytest.fixture
def box(sandbox):
    return history.ready(sandbox)


@pytest.fixture(params=[True, False], ids=["beside", "alone"])
def reunite(request, daemon):
    """Beside a daemon, and without one."""
    program = daemon(**PLENTY)
    if not request.param:
        assert program.stop() == 0
    return program


def state_of(reunite):
    return history.status(reunite)["state"]


def merges(box):
    return len(box.state()["merges"])


def slow_after(box, count):
    """So many merges are made at once. Each of the others takes its time, so
    that whoever is in the middle then stays there, until that is mended."""
    box.fault(kind="delay", ms=1000, skip=count, times=-1,
              match={"call": "merge"})


def mend(box):
    box.control("DELETE", "faults")


def an_hour_later(reunite):
    """But for some seconds, which it lives through."""
    assert reunite.stop() == 0
    clock = WallClock(reunite.folder)
    clock.set(3595)
    reunite.start(clock.environment())


def done(reunite):
    """What came of it; what was too slow for such a clock began anew."""
    return [e for e in reunite.rows("journal", "list", "--source", "backfill")
            if e["status"] == "done"]


def in_the_hour(entries, at):
    """Merges of the 60 minutes up to one."""
    return [e for e in entries if at - 3600 < time_of(e) <= at]


def time_of(entry):
    return datetime.datetime.fromisoformat(entry["at"]).timestamp()


# --- all of it ---


def test_every_pair_is_merged_once(box, reunite):
    pairs = history.load(box, 240)
    history.load(box, 10, first=600, sunco=history.nobody)
    others = history.load_others(box, 120)
    before = {u: box.user(u) for u in others}
    out, err = history.run(reunite, "--apply")
    history.merged_once(box, pairs)
    assert {u: box.user(u) for u in others} == before
    assert out.startswith("done, account acme\n")
    assert "240    merge" in out and "10     none" in out
    assert "the walk begins" in err
    found = history.status(reunite)
    assert (found["state"], found["unfinished"], found["woken"]) == (
        "done", 0, 250)
    assert found["decisions"]["merge"] == 240
    entries = reunite.rows("journal", "list", "--source", "backfill")
    assert len(entries) == 250
    assert {e["status"] for e in entries} == {"done"}


def test_again_it_finds_nothing_to_merge(box, reunite):
    pairs = history.load(box, 30)
    history.run(reunite, "--apply")
    box.settings(incremental_lag_ms=0)
    calls = len(rounds.requests(box, "sunco"))
    _, summary = history.rows(reunite, "--apply")
    assert summary["decisions"]["merge"] == 0
    assert summary["known"] == 30
    assert len(rounds.requests(box, "sunco")) == calls
    history.merged_once(box, pairs)


def test_what_was_only_observed_is_done(box, daemon):
    """First watched, then trusted: the decisions of then do not stand."""
    reunite = daemon(apply="observe")
    pairs = {}
    for n in range(3):
        rounds.profile(box, f"Customer Number {n}", history.address(n))
        begun = rounds.begin(box, rounds.jwt(f"Customer Number {n}",
                                             history.address(n)))
        entry = rounds.decision(reunite, n + 1)
        pairs[begun["zendesk_user_id"]] = entry["profile_id"]
    assert merges(box) == 0
    reunite.configure(apply="auto")
    assert reunite.reload()["event"] == "reloaded"
    box.settings(incremental_lag_ms=0)
    history.run(reunite, "--apply")
    history.merged_once(box, pairs)


def test_apply_review_asks_about_each(box, daemon):
    reunite = daemon(apply="review")
    history.load(box, 5)
    _, summary = history.rows(reunite, "--apply")
    assert summary["decisions"]["review"] == 5
    assert len(reunite.reviews()) == 5
    assert rounds.writes(box) == []


# --- kills ---


@pytest.mark.parametrize("merged", [0, 60])
def test_the_command_is_killed(box, daemon, merged):
    """Without a daemon it is the one who works."""
    reunite = daemon(**PLENTY)
    assert reunite.stop() == 0
    pairs = history.load(box, 140)
    box.settings(latency_ms=10)
    box.fault(kind="hang", ms=60000, skip=merged, times=-1,
              match={"call": "merge"})
    command = history.Command(reunite, "--apply")
    if merged:
        history.until_merged(box, merged)
    else:
        harness.wait_until(lambda: rounds.requests(box), what="a call")
    command.kill()
    box.settings(latency_ms=0)
    mend(box)
    _, err = history.run(reunite, "--apply", environment=fast_clock(20))
    assert not merged or "going on with the walk" in err
    history.merged_once(box, pairs)
    assert state_of(reunite) == "done"


@CRASHES
@pytest.mark.parametrize("point", [
    "before_sweep_kept:2", "after_sweep_kept:1", "after_merge:3",
    "before_settle:4"])
def test_the_command_dies_at_a_point(box, daemon, point):
    reunite = daemon(**PLENTY)
    assert reunite.stop() == 0
    pairs = history.load(box, 110)
    died = history.Command(reunite, "--apply",
                           environment={"REUNITE_CRASH_AT": point}).end()
    assert died[0] == -signal.SIGKILL, died
    history.run(reunite, "--apply", environment=fast_clock(20))
    history.merged_once(box, pairs)
    assert sorted(e["messaging_user_id"] for e in done(reunite)) == \
        sorted(pairs)
    reunite.command("queue", "check")


def test_the_daemon_is_killed(box, daemon):
    """The command waits, and sees the end."""
    reunite = daemon(**PLENTY)
    pairs = history.load(box, 140)
    box.settings(latency_ms=10)
    command = history.Command(reunite, "--apply")
    for merged in (10, 80):
        history.until_merged(box, merged)
        reunite.kill()
        reunite.start()
    box.settings(latency_ms=0)
    code, out, _ = command.end()
    assert code == 0
    assert "merge" in out
    history.merged_once(box, pairs)


def test_a_follower_comes_and_goes(box, daemon):
    reunite = daemon(**PLENTY)
    pairs = history.load(box, 100)
    slow_after(box, 5)
    command = history.Command(reunite, "--apply")
    history.until_merged(box, 5)
    harness.wait_until(command.heeds_interrupts, what="it to follow")
    code, out, err = command.interrupt()
    assert (code, out) == (0, "")
    assert "the daemon goes on" in err
    command = history.Command(reunite, "--apply")
    history.until_merged(box, 10)
    command.kill()
    mend(box)
    _, err = history.run(reunite, "--apply")
    assert "going on with the walk" in err or "the walk begins" in err
    history.merged_once(box, pairs)


@pytest.mark.both_stores
def test_it_is_left_to_the_daemon(box, daemon):
    reunite = daemon(**PLENTY)
    pairs = history.load(box, 20)
    history.run(reunite, "--apply", "--detach")
    harness.wait_until(lambda: state_of(reunite) == "done", what="the end")
    history.merged_once(box, pairs)


@pytest.mark.both_stores
def test_a_daemon_goes_on_after_a_command(box, daemon):
    """Nobody said stop: what a command began, whoever comes next does."""
    reunite = daemon(**PLENTY)
    assert reunite.stop() == 0
    pairs = history.load(box, 100)
    slow_after(box, 5)
    command = history.Command(reunite, "--apply")
    history.until_merged(box, 5)
    assert command.interrupt()[0] == 1
    assert history.Command(reunite, "--apply", "--detach").end()[0] == 1
    mend(box)
    reunite.start()
    harness.wait_until(lambda: state_of(reunite) == "done", what="the end")
    history.merged_once(box, pairs)


# --- not all of it ---


def test_a_limit_and_then_the_rest(box, reunite):
    pairs = history.load(box, 30)
    out, _ = history.run(reunite, "--apply", "--limit", "4")
    assert merges(box) == 4
    assert "there are more, --limit is reached" in out
    assert "next: reunite backfill" in out
    assert state_of(reunite) == "limit"
    history.run(reunite, "--apply", "--limit", "4")
    assert merges(box) == 8
    history.run(reunite, "--apply")
    history.merged_once(box, pairs)


def test_a_limit_within_a_page(box, reunite):
    """Who is done counts, though the page is not done."""
    history.load(box, 12)
    _, summary = history.rows(reunite, "--apply", "--limit", "2")
    assert (summary["conversations"], summary["known"]) == (2, 0)


def test_a_limit_counts_whoever_is_asked_about(box, reunite):
    """Somebody of whom nothing is known is no reason to stand still."""
    history.load(box, 4, sunco=history.nobody)
    pairs = history.load(box, 4, first=20)
    for _ in range(3):
        history.run(reunite, "--apply", "--limit", "2")
    history.run(reunite, "--apply")
    history.merged_once(box, pairs)
    assert len(reunite.journal()) == 8


def test_stop_and_go_on(box, daemon):
    reunite = daemon(**PLENTY)
    pairs = history.load(box, 200)
    slow_after(box, 10)
    command = history.Command(reunite, "--apply")
    history.until_merged(box, 10)
    stopped = reunite.rows("backfill", "--stop")[0]
    assert stopped["stopped"] and stopped["waiting"] > 0
    code, _, err = command.end()
    assert code == 1
    assert "stopped" in err
    reunite.idle()
    mend(box)
    done = merges(box)
    assert done < 200
    found = history.status(reunite)
    assert (found["state"], found["unfinished"]) == ("stopped",
                                                     stopped["waiting"])
    assert reunite.rows("backfill", "--stop")[0]["waiting"] == \
        stopped["waiting"]
    reunite.command("queue", "check")
    rounds.profile(box, "Ann", "ann@people.example")  # live work goes on
    rounds.begin(box, rounds.jwt("Ann", "ann@people.example"))
    history.until_merged(box, done + 1)
    history.run(reunite, "--apply")
    ann, = [m for m in box.state()["merges"] if m["from"] not in pairs]
    history.merged_once(box, {**pairs, ann["from"]: ann["into"]})


def test_nothing_to_stop(box, reunite):
    assert reunite.rows("backfill", "--stop")[0]["stopped"] is False
    assert state_of(reunite) == "never"


def test_a_pause_holds_it(box, daemon):
    reunite = daemon(**PLENTY)
    pairs = history.load(box, 20)
    reunite.command("queue", "pause", "--by", "maria")
    history.run(reunite, "--apply", "--detach")
    assert "paused" in history.status(reunite)["waits"]
    assert [r for r in rounds.requests(box, "zendesk")
            if r["call"] != "search_count"] == []
    reunite.command("queue", "resume", "--by", "maria")
    harness.wait_until(lambda: state_of(reunite) == "done", what="the end")
    history.merged_once(box, pairs)


def test_a_place_that_is_refused_is_not_the_end(box, daemon):
    """The walk goes on by time: whoever follows it waits for that."""
    reunite = daemon(**PLENTY)
    pairs = history.load(box, 20)
    reunite.command("queue", "pause", "--by", "maria")
    command = history.Command(reunite, "--apply")
    harness.wait_until(lambda: state_of(reunite) == "going", what="the walk")
    with sqlite3.connect(f"{reunite.folder}/reunite.db", timeout=10) as db:
        db.execute("UPDATE cursors SET failure = 'cursor_refused'"
                   " WHERE name = 'backfill'")
    with pytest.raises(subprocess.TimeoutExpired):
        command.process.wait(2)  # it looks twice a second
    reunite.command("queue", "resume", "--by", "maria")
    assert command.end()[0] == 0
    history.merged_once(box, pairs)


# --- the breaker's hour, and who writes now ---


def test_four_fifths_of_the_hour_and_no_question(box, daemon):
    """Ten an hour: eight for history, two for those who write; the rest when
    the hour moves on. Nobody has to look, and no call is made for nothing."""
    reunite = daemon(max_merges_per_hour=10)
    pairs = history.load(box, 14)
    history.run(reunite, "--apply", "--detach")
    reunite.decided(8)
    harness.wait_until(
        lambda: "place" in (history.status(reunite)["waits"] or ""),
        what="waiting for a place")
    calls = len(rounds.requests(box))
    for _ in range(5):
        history.status(reunite)
        assert len(rounds.requests(box)) == calls
    assert merges(box) == 8
    for name in ("Ann", "Bea"):
        rounds.profile(box, name, f"{name.lower()}@people.example")
        begun = rounds.begin(box, rounds.jwt(
            name, f"{name.lower()}@people.example"))
        pairs[begun["zendesk_user_id"]] = None
    history.until_merged(box, 10)
    an_hour_later(reunite)
    harness.wait_until(lambda: state_of(reunite) == "done", 60,
                       what="the end")
    assert {m["from"] for m in box.state()["merges"]} == pairs.keys()
    assert len(box.state()["merges"]) == 16
    assert reunite.reviews() == []
    entries = done(reunite)
    assert [e["action"] for e in entries] == ["merge"] * 14
    for e in entries:
        assert len(in_the_hour(entries, time_of(e))) <= 8


def test_a_profile_has_its_share_of_a_day(box, daemon):
    """Five conversations of one customer: three today; a person lets the
    others come sooner than tomorrow. It is no question to anybody."""
    reunite = daemon(**PLENTY)
    box.people(history.profile(1), *[
        {"id": 32_000_000 + n, "name": "Web User", "updated_at":
            history.LONG_AGO, "identities": [{
                "type": "messaging", "value": history.sunco_id(100 + n)}]}
        for n in range(5)], sunco_users=[
            {**history.login(1), "id": history.sunco_id(100 + n)}
            for n in range(5)])
    history.run(reunite, "--apply", "--detach")
    history.until_merged(box, 3)
    harness.wait_until(
        lambda: [j["last_error"] for j in reunite.queue()
                 if j["state"] == "ready"] ==
        ["intent: too many merges into the profile today"] * 2,
        what="two who wait for a place")
    assert reunite.admin.post("/api/v1/accounts/acme/close-breaker",
                              {"by": "maria"}).status == 200
    an_hour_later(reunite)
    history.until_merged(box, 5)
    harness.wait_until(lambda: state_of(reunite) == "done", what="the end")
    assert [e["action"] for e in done(reunite)] == ["merge"] * 5
    assert reunite.reviews() == []


def test_who_writes_now_is_served_first(box, daemon):
    reunite = daemon(**PLENTY)
    pairs = history.load(box, 200)
    box.settings(latency_ms=30)
    history.run(reunite, "--apply", "--detach")
    history.until_merged(box, 10)
    rounds.profile(box, "Ann", "ann@people.example")
    begun = rounds.begin(box, rounds.jwt("Ann", "ann@people.example"))
    before = merges(box)
    harness.wait_until(
        lambda: begun["zendesk_user_id"] in
        {m["from"] for m in box.state()["merges"]}, what="Ann's merge")
    order = [m["from"] for m in box.state()["merges"]]
    assert order.index(begun["zendesk_user_id"]) < before + 60
    box.settings(latency_ms=0)
    harness.wait_until(lambda: state_of(reunite) == "done", what="the end")
    ann, = [m for m in box.state()["merges"] if m["from"] not in pairs]
    history.merged_once(box, {**pairs, ann["from"]: ann["into"]})


# --- seen ---


def on_a_terminal(reunite, *argv):
    """What a command writes to a terminal of 120 columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    pid = os.fork()
    if pid == 0:
        os.dup2(theirs, 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.chdir(reunite.folder)
        os.execv(harness.binary("reunite"),
                 ["reunite", "backfill", *argv, "-c", reunite.config])
    os.close(theirs)
    text = b""
    while True:
        readable, _, _ = select.select([ours], [], [], harness.WAIT_S)
        assert readable
        try:
            got = os.read(ours, 4096)
        except OSError:
            break
        if not got:
            break
        text += got
    os.close(ours)
    assert os.waitpid(pid, 0)[1] == 0
    return text.decode()


@pytest.mark.parametrize("argv", [[], ["--apply"]], ids=["dry", "apply"])
def test_a_bar_on_a_terminal(box, daemon, argv):
    reunite = daemon(**PLENTY)
    history.load(box, 60)
    box.settings(latency_ms=40)
    text = on_a_terminal(reunite, *argv)
    assert "[####" in text
    assert "/s" in text
    assert "%" in text
    lines = text.replace("\n", "\r").split("\r")
    assert max(len(line) for line in lines) < 125
    assert "people.example" not in text


@pytest.mark.parametrize("status, error", [
    (404, "InvalidEndpoint"), (403, "Forbidden")])
def test_users_that_cannot_be_counted(box, daemon, status, error):
    """The number is for the bar alone."""
    reunite = daemon(**PLENTY)
    pairs = history.load(box, 3)
    box.fault(kind="status", status=status, times=-1,
              body={"error": {"title": error, "message": "no"}},
              match={"call": "search_count"})
    history.run(reunite, "--apply")
    history.merged_once(box, pairs)


def test_no_bar_elsewhere(box, daemon):
    reunite = daemon(**PLENTY)
    history.load(box, 10)
    _, err = history.run(reunite, "--apply")
    assert "\r" not in err and "\033" not in err


def test_over_http(box, daemon):
    reunite = daemon(**PLENTY)

    def row():
        return reunite.admin.get("/api/v1/accounts").json["items"][0]

    assert row()["backfill"] is None
    history.load(box, 12)
    history.run(reunite, "--apply", "--limit", "5")
    found = row()["backfill"]
    assert (found["state"], found["woken"], found["limit"]) == ("limit", 5, 5)
    assert found["unfinished"] == 0
    assert json.loads(json.dumps(found))["started_at"]
