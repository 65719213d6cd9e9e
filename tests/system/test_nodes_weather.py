"""Three nodes in bad weather (nodes_weather.py): no accepted event is lost,
nobody is merged twice, no lease is held by two. REUNITE_SOAK_SEED repeats
one."""

import os
import random

import pytest

import disks
import load
import nodes_weather
import pg
import soak

SPAN_S = float(os.environ.get("REUNITE_WEATHER_SECONDS", "30"))
CALM_S = 240.0
FAST = 4


@pytest.fixture(scope="module")
def cluster():
    """Its clock, and that of its nodes, is fast: a lease is over soon."""
    server = pg.Cluster(fast=FAST)
    yield server
    server.remove()


def seed_of(capsys):
    seed = int(os.environ.get("REUNITE_SOAK_SEED", random.randrange(1 << 32)))
    with capsys.disabled():
        print(f"\nREUNITE_SOAK_SEED={seed}", flush=True)
    return seed


def test_people_are_merged_once_whatever_becomes_of_nodes(fleet, capsys):
    seed = seed_of(capsys)
    # runs last, so that troubles meet some
    on = fleet(3, settings={**nodes_weather.SETTINGS, "latency_ms": 40},
               **nodes_weather.ACCOUNT)
    nodes_weather.watch_leases(on)
    weather = nodes_weather.Weather(on, seed)
    weather.play(SPAN_S)
    weather.calm(CALM_S)
    soak.check_all(on, weather.known)
    nodes_weather.check_merges(on)
    taken_over = nodes_weather.check_leases(on)
    with capsys.disabled():
        print(f"{len(weather.known)} people, {dict(weather.counts)}, "
              f"{taken_over} jobs taken over", flush=True)


def test_what_was_accepted_is_there(fleet, capsys):
    """Intake alone, by clients that know what they were told."""
    on = fleet(3, timestamp_tolerance="0")
    weather = nodes_weather.Weather(on, seed_of(capsys))
    weather.every(0.8, 10.0, weather.strike)
    stream = load.Stream(on)
    weather.play(0)
    stream.stop()
    taken = stream.taken()
    assert len(taken) > 100
    one = on.daemon
    disks.accepted_again(one)
    assert disks.send_all_again(one, taken) == 0
    people = {row[0] for row in on.rows("SELECT person FROM jobs")}
    assert {p for p in taken.values()} <= {p[-24:] for p in people}
