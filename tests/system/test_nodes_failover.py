"""The primary dies under load and its synchronous standby takes over: what
was acknowledged is there, and nobody is merged twice."""

import random
import time

import pytest

import crashes
import disks
import load
import nodes_weather
import pg

FAST = 4
PEOPLE = 60


@pytest.fixture
def pair():
    """A primary and its synchronous standby."""
    primary = pg.Cluster(fast=FAST)
    standby = primary.standby()
    yield primary, standby
    standby.remove()
    primary.remove()


def test_nothing_acknowledged_is_lost(fleet, pair):
    primary, standby = pair
    on = fleet(2, on=primary, servers=pair,
               settings=nodes_weather.SETTINGS, **{
                   **nodes_weather.ACCOUNT, "ticket_note": "off"})
    dice = random.Random(5)
    stream = load.Stream(on)
    people = [crashes.join(on, *p) for p in crashes.crowd(PEOPLE, dice)]
    primary.kill()
    time.sleep(1)
    standby.promote()
    on.cluster = standby
    before = len(stream.taken())
    disks.accepted_again(on.nodes[0])
    time.sleep(1)
    stream.stop()
    assert before and len(stream.taken()) > before
    crashes.remind(on, [p[2] for p in people])
    for node in on.nodes:
        assert not node.gone()
    assert disks.send_all_again(on.daemon, stream.taken()) == 0
    on.strangers = {end.person for end in stream.ends}
    on.finish()
    state = on.sandbox.state()
    users = {u["id"]: u for u in state["users"]}
    for person in people:
        crashes.check_person(*person, users, state["merges"])
    nodes_weather.check_merges(on)
