"""Several nodes over one database, and what they share; a database that
starts anew, and one that does not let us in."""

import datetime
import random

import pytest

import crashes
import disks
import harness
import load
import nodes_weather
import pg
import rounds

PEOPLE = 30
SWEEP_REST_S = 15
COMMON = {"settings": nodes_weather.SETTINGS, **nodes_weather.ACCOUNT}


def visitor(sandbox, n):
    who = rounds.jwt(f"Visitor Number {n}", f"visitor{n}@people.example")
    return who, rounds.profile(sandbox, who["name"], who["email"],
                               external_id=who["external_id"])


def comes(sandbox, n, **order):
    who, profile_id = visitor(sandbox, n)
    return rounds.begin(sandbox, who, ["sunco"], **order), profile_id


# --- at work ---


def test_nodes_share_the_work(fleet):
    """Two that start at the same moment on an empty database, and a third."""
    on = fleet(2, **COMMON)
    on.add()
    people = [crashes.join(on, *p)
              for p in crashes.crowd(PEOPLE, random.Random(3))]
    on.finish()
    crashes.check_people(on, people)
    nodes_weather.check_merges(on)
    assert len(on.nodes[0].journal()) == len(on.nodes[2].journal())
    done = on.nodes[1].command("queue", "check", check=False)
    assert done.returncode == 0, done.stdout


def test_an_event_is_taken_once_by_whichever_node(fleet):
    on = fleet(3)
    body = disks.begun()
    counts = [on.nodes[n % 3].sunco(body).json for n in range(6)]
    assert sum(c["accepted"] for c in counts) == 1
    assert sum(c["duplicate"] for c in counts) == 5


def test_a_pause_on_one_node_stops_all(fleet, sandbox):
    on = fleet(2, **COMMON)
    on.nodes[0].command("queue", "pause", "--account", "acme")
    comes(sandbox, 1)
    harness.wait_until(lambda: on.nodes[1].queue(), what="the job")
    for node in on.nodes:
        harness.wait_until(
            lambda: node.admin.get("/api/v1/accounts").json["items"][0]
            ["paused"], what="every node to know")
    assert rounds.merges(sandbox) == []
    on.nodes[1].command("queue", "resume", "--account", "acme")
    on.finish()
    assert len(rounds.merges(sandbox)) == 1


def test_a_review_is_approved_at_another_node(fleet, sandbox):
    on = fleet(2, **{**COMMON, "apply": "review"})
    _, profile_id = comes(sandbox, 1)
    review, = harness.wait_until(on.nodes[0].reviews, what="a review")
    reply = on.nodes[1].admin.post(f"/api/v1/reviews/{review['id']}/approve",
                                   {"by": "robin"})
    assert reply.status == 200, reply.body
    harness.wait_until(lambda: rounds.merges(sandbox), what="the merge")
    assert rounds.merges(sandbox)[0][1] == profile_id


def test_the_breaker_is_everybodys(fleet, sandbox):
    """Its hour has two places, whichever node uses them."""
    on = fleet(2, **{**COMMON, "max_merges_per_hour": 2})
    for n in range(6):
        comes(sandbox, n)
    harness.wait_until(lambda: len(on.items("reviews")) == 4,
                       what="four reviews")
    harness.wait_until(lambda: len(rounds.merges(sandbox)) >= 2,
                       what="two merges")
    for node in on.nodes:
        harness.wait_until(
            lambda: node.metric("reunite_breaker_open", account="acme") == 1,
            what="every node to tell")
    assert len(rounds.merges(sandbox)) == 2


def seconds_of(event):
    return datetime.datetime.fromisoformat(event["at"]).timestamp()


def test_one_sweeps_for_all(fleet, sandbox):
    """Whom no webhook told of is found; each turn is one node's, and a walk
    rests 15 s at least. A node sweeps at its start, too."""
    sandbox.settings(incremental_lag_ms=200)
    on = fleet(3, **{**COMMON, "sweep_every": "1s"})
    who, profile_id = visitor(sandbox, 1)
    begun = sandbox.act("conversations", jwt=who, webhooks=[],
                        zendesk="duplicate", hand_off="now")
    started = max(seconds_of(node.event("listening")) for node in on.nodes)

    def swept():
        ends = [seconds_of(e) for node in on.nodes
                for e in node.events("swept") if e["walk"] == "users"]
        return sorted(end for end in ends if end > started)

    harness.wait_until(lambda: len(swept()) >= 2, 60, "sweeps")
    first, second, *_ = swept()
    assert second - first > SWEEP_REST_S / 2, swept()
    harness.wait_until(lambda: rounds.merges(sandbox), what="the merge")
    assert rounds.merges(sandbox) == [(begun["zendesk_user_id"], profile_id)]


def test_a_person_forgotten_at_one_node_is_forgotten(fleet, sandbox):
    on = fleet(2, **COMMON)
    begun, _ = comes(sandbox, 1)
    on.finish()
    on.nodes[1].command("forget", "--sunco-user", begun["sunco_user_id"])
    assert [e for e in on.nodes[0].journal()
            if e["sunco_user_id"] == begun["sunco_user_id"]] == []


# --- a database that comes and goes ---


@pytest.fixture
def own_cluster():
    server = pg.Cluster()
    yield server
    server.remove()


def test_the_database_starts_anew_under_load(own_cluster, fleet):
    on = fleet(2, on=own_cluster, **COMMON)
    stream = load.Stream(on)
    people = []
    for n, p in enumerate(crashes.crowd(PEOPLE, random.Random(4))):
        people.append(crashes.join(on, *p))
        if n % 10 == 5:
            own_cluster.restart()
    for node in on.nodes:
        disks.accepted_again(node)
    stream.stop()
    crashes.remind(on, [p[2] for p in people])
    assert disks.send_all_again(on.daemon, stream.taken()) == 0
    on.strangers = {end.person for end in stream.ends}
    on.finish()
    crashes.check_people(on, people)
