"""pgbouncer in transaction mode between the nodes and the database."""

import random

import pytest

import crashes
import disks
import harness
import nodes_weather
import pg
import rounds

PEOPLE = 20


@pytest.fixture
def pooler(cluster):
    server = pg.Pooler(cluster)
    yield server
    server.remove()


def test_two_nodes_through_a_pooler(pooler, fleet):
    on = fleet(2, through=pooler, settings=nodes_weather.SETTINGS,
               **nodes_weather.ACCOUNT)
    people = [crashes.join(on, *p)
              for p in crashes.crowd(PEOPLE, random.Random(7))]
    on.finish()
    crashes.check_people(on, people)
    assert on.daemon.command("queue", "check").returncode == 0


def test_a_pooler_that_starts_anew(pooler, fleet):
    on = fleet(1, through=pooler)
    for _ in range(2):
        disks.accepted_again(on.nodes[0])
        pooler.restart()
    disks.accepted_again(on.nodes[0])


def test_others_are_heard_of_without_being_told(pooler, fleet, sandbox):
    """A pooler keeps no LISTEN: nodes look by themselves."""
    on = fleet(2, through=pooler, **nodes_weather.ACCOUNT, apply="review")
    who = rounds.jwt("Vera Visitor", "vera@people.example")
    rounds.profile(sandbox, who["name"], who["email"],
                   external_id=who["external_id"])
    rounds.begin(sandbox, who)
    review, = harness.wait_until(on.nodes[0].reviews, what="a review")
    on.nodes[1].command("review", "approve", str(review["id"]), "--by",
                        "robin")
    harness.wait_until(lambda: rounds.merges(sandbox), what="the merge")
    on.finish()
