"""The machine's clock is set, forwards and back, by seconds and by years,
while the daemon runs and between two of its lives: nothing sleeps until the
clock catches up, nothing ends before its time, nobody is merged twice, and
nothing is deleted because of it."""

import contextlib
import datetime
import os
import sqlite3
import time

import pytest

import daemon as daemon_module
import harness
import rounds
from hooks import ago, create

HOUR = 3600
DAY = 24 * HOUR
YEAR = 365 * DAY
TO_1970 = -int(datetime.datetime.now().timestamp()) + HOUR
STEPS = {"an hour back": -HOUR, "a year back": -YEAR, "1970": TO_1970,
         "an hour on": HOUR, "ten years on": 10 * YEAR}
VERA = rounds.jwt("Vera Visitor", "vera@people.example")


@pytest.fixture
def clock(tmp_path):
    return daemon_module.WallClock(tmp_path)


@pytest.fixture(params=STEPS)
def step(request):
    return STEPS[request.param]


def vera(sandbox):
    return rounds.profile(sandbox, "Vera Visitor", "vera@people.example")


def noticed(reunite, count=1):
    harness.wait_until(lambda: len(reunite.events("clock_set")) >= count,
                       what="the step to be noticed")


def fast(clock, speed=20):
    return clock.environment(speed)


def rows(reunite, sql):
    path = os.path.join(reunite.folder, "reunite.db")
    with contextlib.closing(sqlite3.connect(path)) as db:
        return db.execute(sql).fetchall()


def jobs(reunite, state):
    return [j for j in reunite.queue() if j["state"] == state]


def looks(sandbox):
    return rounds.calls(sandbox, "sunco").get("user_get", 0)


def under_way(sandbox):
    """The call that is delayed or cut by a fault."""
    harness.wait_until(
        lambda: [f for f in sandbox.control("GET", "faults")["faults"]
                 if f["hits"]], what="the call")


def test_a_step_while_a_job_waits(sandbox, daemon, clock, step):
    """It looks again as soon as it would have, and does not give up."""
    reunite = daemon(environment=fast(clock, 40))
    owner = vera(sandbox)
    sandbox.settings(zendesk_id_on_hand_off=True)
    begun = rounds.begin(sandbox, VERA, ["sunco"], hand_off="later")
    rounds.waiting(reunite)
    before = looks(sandbox)
    clock.set(step)
    noticed(reunite)
    harness.wait_until(lambda: looks(sandbox) > before, what="another look")
    rounds.waiting(reunite)
    user = sandbox.act("hand-offs", conversation_id=begun["conversation_id"],
                       zendesk="duplicate", webhooks=[])["zendesk_user_id"]
    reunite.decided_as("merge")
    assert rounds.merges(sandbox) == [(user, owner)]


def test_a_step_while_a_job_looks(sandbox, daemon, clock, step):
    """Its round is as long as it was, by the time that it began with."""
    reunite = daemon(environment=fast(clock, 10))
    sandbox.fault(kind="delay", ms=800, match={"call": "user_get",
                                               "api": "sunco"})
    rounds.begin(sandbox, VERA, ["sunco"], hand_off="later")
    under_way(sandbox)
    clock.set(step)
    noticed(reunite)
    rounds.waiting(reunite)
    assert reunite.journal() == []


def test_a_step_while_a_merge_is_on_its_way(sandbox, daemon, clock, step):
    reunite = daemon(environment=fast(clock, 10))
    owner = vera(sandbox)
    sandbox.fault(kind="delay", ms=800, match={"call": "merge"})
    begun = rounds.begin(sandbox, VERA, ["sunco", "trigger"])
    under_way(sandbox)
    clock.set(step)
    noticed(reunite)
    rounds.merged_once(sandbox, reunite, begun, owner)
    assert rounds.calls(sandbox, "zendesk")["merge"] == 1
    assert not reunite.event("lease_lost")


def test_a_clock_that_was_set_back_between_two_lives(sandbox, daemon, clock):
    """The next look is not a year away, nor is the deadline."""
    clock.set(YEAR)
    reunite = daemon(environment=fast(clock))
    owner = vera(sandbox)
    sandbox.settings(zendesk_id_on_hand_off=True)
    begun = rounds.begin(sandbox, VERA, ["sunco"], hand_off="later")
    rounds.waiting(reunite)
    assert reunite.stop() == 0
    clock.set(0)
    reunite.start(fast(clock))
    assert reunite.event("clock_went_back")
    user = sandbox.act("hand-offs", conversation_id=begun["conversation_id"],
                       zendesk="duplicate", webhooks=[])["zendesk_user_id"]
    reunite.decided_as("merge")
    assert rounds.merges(sandbox) == [(user, owner)]


def test_a_merge_whose_daemon_died_before_the_clock_went_back(
        sandbox, daemon, clock):
    clock.set(YEAR)
    reunite = daemon(environment=clock.environment(),
                     timestamp_tolerance="0")
    owner = vera(sandbox)
    sandbox.fault(kind="cut_after", match={"call": "merge"})
    begun = rounds.begin(sandbox, VERA, ["sunco", "trigger"])
    harness.wait_until(lambda: rounds.merges(sandbox), what="the merge")
    reunite.kill()
    sandbox.control("DELETE", "faults")
    clock.set(0)
    reunite.start(fast(clock))
    rounds.merged_once(sandbox, reunite, begun, owner)
    assert rounds.calls(sandbox, "zendesk")["merge"] == 1


def test_a_clock_that_jumps_ahead_deletes_nothing(sandbox, daemon, clock):
    """Until an API says that so much time has come."""
    settings = {"retention_events": "7d", "retention_jobs": "7d",
                "retention_journal": "30d", "retention_before_images": "30d"}
    reunite = daemon(top=settings, environment=fast(clock, 100))
    owner = vera(sandbox)
    # a trigger's timestamp would be too old soon
    sandbox.settings(zendesk_id_on_hand_off=True, webhook_retry_speed=1000)
    begun = rounds.begin(sandbox, VERA, ["sunco"])
    rounds.merged_once(sandbox, reunite, begun, owner)

    def kept():
        return [rows(reunite, f"SELECT count(*) FROM {table}")[0][0]
                for table in ("events", "jobs", "links", "journal"
                              " WHERE before_image IS NOT NULL")]

    def clock_ms():
        return rows(reunite,
                    "SELECT ms FROM clocks WHERE name = 'clock'")[0][0]

    def minutes():
        """Retention has its rounds, one a minute."""
        begun_ms = clock_ms()
        harness.wait_until(lambda: clock_ms() > begun_ms + 150000,
                           what="three minutes")

    before = kept()
    assert min(before) > 0
    clock.set(10 * YEAR)
    noticed(reunite)
    harness.wait_until(
        lambda: clock_ms() > (time.time() + 9 * YEAR) * 1000,
        what="the step to be stored")
    minutes()
    assert kept() == before
    assert reunite.stop() == 0
    reunite.start(fast(clock, 100))
    minutes()
    assert kept() == before
    sandbox.settings(date_ahead_ms=clock_ms() - int(time.time() * 1000))
    rounds.taken(lambda: reunite.sunco(create()))  # asks an API
    harness.wait_until(lambda: kept()[2:] == [0, 0], what="retention")


def test_a_wrong_clock_is_told(sandbox, daemon):
    sandbox.settings(date_ahead_ms=HOUR * 1000)
    reunite = daemon()
    assert reunite.sunco(create()).status == 200
    told = harness.wait_until(lambda: reunite.event("clock_wrong"),
                              what="the word")
    assert -HOUR - 60 < told["seconds"] < -HOUR + 60


def test_a_wrong_clock_refuses_no_signed_webhook(sandbox, daemon, clock):
    """Once an answer of an API has told the time; never one that is old."""
    clock.set(DAY)
    reunite = daemon(environment=clock.environment())
    trigger = {"v": 1, "ticket_id": "1", "requester_id": "2",
               "updated_at": "2026-11-22T10:00:00Z"}
    assert reunite.zendesk(trigger).status == 401
    assert reunite.sunco(create()).status == 200
    harness.wait_until(lambda: rounds.requests(sandbox), what="a call")
    harness.wait_until(lambda: reunite.zendesk(trigger).status == 200,
                       what="the right time")
    assert reunite.zendesk(trigger, at=ago(HOUR)).status == 401
    assert reunite.zendesk(trigger, at=ago(-HOUR)).status == 401
