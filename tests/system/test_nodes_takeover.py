"""A node dies while it changes something: another one finds out what came of
it, and goes on."""

import json

import harness
import pytest
import pg
import rounds

FAST = 8
ADDRESS = "peter@people.example"


@pytest.fixture(scope="module")
def cluster():
    server = pg.Cluster(fast=FAST)
    yield server
    server.remove()


def merges_sent(on):
    return [line for node in on.nodes for _, line in node.writes()
            if b"/merge" in line]


@pytest.mark.parametrize("applied, sent", [(True, 1), (False, 2)])
def test_a_merge_under_way_is_taken_over(fleet, sandbox, applied, sent):
    """Whether it happened or not."""
    on = fleet(1, settings={"webhook_timeout_ms": 0,
                            "zendesk_id_on_hand_off": True},
               timestamp_tolerance="0")
    owner = rounds.profile(sandbox, "Peter Parker", ADDRESS,
                           external_id="peter-parker")
    sandbox.fault(match={"call": "merge"}, kind="hang", ms=60000,
                  applied=applied)
    rounds.begin(sandbox, rounds.jwt("Peter Parker", ADDRESS), ["sunco"])
    dead = on.nodes[0]
    harness.wait_until(
        lambda: sandbox.control("GET", "faults")["faults"][0]["hits"],
        what="the merge")
    dead.kill()  # before it waits no longer for the answer
    other = on.add()
    entry = other.decided_as("merge")
    assert entry["profile_id"] == owner
    # what the dead one began
    began = min(e["id"] for e in other.journal())
    shown = json.loads(other.command("journal", "show", str(began),
                                     "--json").stdout)
    assert [change["status"] for change in shown["changes"]][:2] == \
        ["pending", "uncertain"]
    assert len(rounds.merges(sandbox)) == 1
    assert len(merges_sent(on)) == sent
    # it looked first
    looks = [line for _, line in other.api_wire.requests
             if line.startswith(b"GET") and b"/users/" in line]
    assert looks
    on.finish()


def test_a_stopped_node_that_goes_on_disturbs_nobody(fleet, sandbox):
    """It was stopped in the middle of a run, and goes on when another one
    has done all of it."""
    on = fleet(1, settings={"zendesk_id_on_hand_off": True},
               timestamp_tolerance="0")
    rounds.profile(sandbox, "Peter Parker", ADDRESS,
                   external_id="peter-parker")
    sandbox.fault(match={"call": "user_get"}, kind="delay", ms=1000)
    rounds.begin(sandbox, rounds.jwt("Peter Parker", ADDRESS), ["sunco"])
    first = on.nodes[0]
    harness.wait_until(lambda: [
        line for _, line in first.api_wire.requests if b"/users/" in line],
        what="the first look")
    first.freeze()
    other = on.add()
    entry = other.decided_as("merge")
    first.thaw()
    on.finish()
    assert first.journal()[-1]["id"] == entry["id"]
    assert len(rounds.merges(sandbox)) == 1
    assert len(merges_sent(on)) == 1
