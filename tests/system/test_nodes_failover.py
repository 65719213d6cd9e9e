"""The primary dies under load and its synchronous standby takes over: what
was acknowledged is there, and nobody is merged twice."""

import concurrent.futures
import random
import time

import pytest

import crashes
import disks
import harness
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


def fail_over(on, primary, standby):
    """As the machinery that watches a primary does, some time after."""
    primary.kill()
    time.sleep(0.5)
    standby.promote()
    on.cluster = standby


def test_nothing_acknowledged_is_lost(pair, fleet):
    """Events stream in and people are merged before, meanwhile and after."""
    on = fleet(2, on=pair[0], servers=pair, settings=nodes_weather.SETTINGS,
               **{**nodes_weather.ACCOUNT, "ticket_note": "off"})
    stream = load.Stream(on, clients=2)
    with concurrent.futures.ThreadPoolExecutor(6) as customers:
        begun = [customers.submit(crashes.join, on, *p)
                 for p in crashes.crowd(PEOPLE, random.Random(5))]
        harness.wait_until(lambda: len(on.sandbox.state()["merges"]) > 5,
                           what="people at work")
        fail_over(on, *pair)
        people = [b.result() for b in begun]
    before = len(stream.taken())
    for node in on.nodes:
        disks.accepted_again(node)
    harness.wait_until(lambda: len(stream.taken()) > before, what="events")
    stream.stop()
    assert not any(node.gone() for node in on.nodes)
    crashes.remind(on, [p[2] for p in people])
    assert disks.send_all_again(on.daemon, stream.taken()) == 0
    on.strangers = {end.person for end in stream.ends}
    on.finish()
    crashes.check_people(on, people)
    nodes_weather.check_merges(on)


def test_an_old_primary_that_comes_back_gets_no_events(pair, fleet):
    """Nobody confirms what it writes, so nothing of it is acknowledged."""
    primary, standby = pair
    on = fleet(2, on=primary, servers=pair)
    stays, returns = on.nodes
    for node in on.nodes:
        disks.accepted_again(node)
    primary.freeze()
    standby.promote()
    disks.accepted_again(stays)
    primary.thaw()
    harness.wait_until(primary.answers, what="the old primary")
    sender = disks.Sender(stays)
    assert sender.send().status == 200
    returns.kill()
    returns.start()
    for _ in range(2):
        assert disks.is_unavailable(returns.sunco(disks.begun()))
    assert disks.send_all_again(stays, sender.taken) == 0
