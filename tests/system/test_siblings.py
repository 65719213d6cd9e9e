"""Several nodes over one database are one to Zendesk: they stay inside the
account's limit and use it, fetch one token, stop and go on together; and
doctor says who is at work and what differs. Clocks are fast where windows
pass."""

import json

import daemon as daemon_module
import events
import harness
import nodes
import pg
import pytest
import rounds
import test_budget


def link_one(fleet, sandbox, number, node=None):
    """Somebody who has a profile writes."""
    who = rounds.jwt(f"Person{number:03}", f"p{number}@people.example")
    rounds.profile(sandbox, f"Person{number:03}", who["email"],
                   external_id=who["external_id"])
    begun = sandbox.act("conversations", jwt=who, webhooks=[],
                        zendesk="duplicate", hand_off="now")
    reply = (node or fleet.daemon).zendesk(
        events.trigger(begun["ticket_id"], begun["zendesk_user_id"]))
    assert reply.status == 200, reply.body


def done(fleet, count):
    return fleet.rows("SELECT count(*) FROM journal"
                      " WHERE action = 'merge' AND status = 'done'") \
        == [(count,)]


def token_fetches(fleet):
    return sum(b"/oauth/tokens" in line for node in fleet.nodes
               for _, line in node.api_wire.requests)


def test_one_token_for_all(fleet, sandbox):
    fleet = fleet(3)
    for number in range(9):
        link_one(fleet, sandbox, number, fleet.nodes[number % 3])
    harness.wait_until(lambda: done(fleet, 9), what="nine links")
    assert token_fetches(fleet) == 1


def test_who_is_at_work(fleet):
    fleet = fleet(2)
    first, second = fleet.nodes

    def both():
        return first.metric("reunite_nodes") == 2 == \
            second.metric("reunite_nodes")

    harness.wait_until(both, what="two nodes")
    listed = first.admin.get("/api/v1/nodes").json["items"]
    assert [row["this"] for row in listed].count(True) == 1
    assert len(listed) == 2
    second.stop()
    harness.wait_until(lambda: first.metric("reunite_nodes") == 1,
                       what="one node")


def held(node):
    return [row["reason"] for row in node.admin.get("/readyz").json["held"]]


def test_a_hold_stops_all(fleet, sandbox):
    """One meets refused credentials: the others make no attempt, and all go
    on when it is over."""
    fleet = fleet(2)
    first, second = fleet.nodes
    sandbox.settings(oauth_client_secret="another")
    link_one(fleet, sandbox, 0, first)
    harness.wait_until(lambda: held(first) and held(second),
                       what="both to be held")
    assert held(first) == held(second) == ["credentials"]
    owner = fleet.rows("SELECT hold_node FROM accounts")[0][0]
    finder, other = sorted(
        fleet.nodes, key=lambda n: n.event("node")["id"] != owner)
    tried = token_fetches(fleet)
    link_one(fleet, sandbox, 1, other)
    assert token_fetches(fleet) == tried
    sandbox.settings(oauth_client_secret=fleet.secrets["oauth_client_secret"])
    assert finder.reload()["event"] == "reloaded"
    harness.wait_until(lambda: not held(first) and not held(second),
                       what="the end of the hold")
    harness.wait_until(lambda: done(fleet, 2), what="two links")


def test_a_pause_stops_all(fleet, sandbox):
    fleet = fleet(2)
    first, second = fleet.nodes
    first.command("queue", "pause", "--account", "acme", "--by", "nadia")
    harness.wait_until(lambda: held(first) == held(second) == ["paused"],
                       what="both to be paused")
    link_one(fleet, sandbox, 0, second)
    assert done(fleet, 0)
    second.command("queue", "resume", "--account", "acme", "--by", "nadia")
    harness.wait_until(lambda: done(fleet, 1), what="the link")


# --- what doctor says ---

def findings(node):
    said = node.command("doctor", "--json", check=False).stdout
    return [row for row in map(json.loads, said.splitlines())
            if row["check"] == "nodes"]


def differing(node):
    return {f["finding"].split(" differs")[0]: f["level"]
            for f in findings(node) if " differs" in f["finding"]}


def test_doctor_tells_how_many_share_the_limit(fleet):
    first = fleet(2).nodes[0]

    def budget():
        rows = map(json.loads, first.command(
            "doctor", "--json", check=False).stdout.splitlines())
        return [row["finding"] for row in rows if row["check"] == "budget"
                and row["finding"].endswith("shared by 2 nodes")]

    assert harness.wait_until(budget, what="both nodes")


def test_doctor_names_what_differs(fleet):
    """And what differs no more after a reload. The wires differ always."""
    fleet = fleet(1)
    first = fleet.nodes[0]
    second = fleet.add(1, link_evidence="authenticated",
                       sunco_webhook_secrets=["nobody-is-shown-this"])
    wanted = {"account acme: link_evidence": "warning",
              "account acme: sunco_webhook_secrets": "problem"}
    said = harness.wait_until(
        lambda: differing(first).items() >= wanted.items() and
        differing(first), what="what differs")
    assert said["store"] == "ok"
    text = first.command("doctor", check=False).stdout
    assert "nobody-is-shown-this" not in text
    second.configure({"store": fleet.store_url(second)},
                     zendesk_url=second.api_wire.url,
                     sunco_url=second.api_wire.url + "/sc")
    second.reload()
    harness.wait_until(
        lambda: not differing(first).keys() & wanted.keys(),
        what="no such difference")


# --- the limit ---

FAST = 10


@pytest.fixture(scope="module")
def fast_cluster():
    server = pg.Cluster(fast=FAST)
    yield server
    server.remove()


@pytest.fixture
def fast_sandbox(tmp_path):
    program = harness.Sandbox(str(tmp_path),
                              environment=daemon_module.fast_clock(FAST))
    program.settings(limit=test_budget.LIMIT, user_update_limits=False)
    yield program
    assert program.stop() == 0, program.log()


def backlog(sandbox, fleet):
    """As test_budget's, for two nodes in turns."""
    first = fleet.nodes[0]
    first.command("queue", "pause", "--account", "acme")
    for number in range(test_budget.PEOPLE // 2):
        who = rounds.jwt(f"Person{number:03}", f"p{number}@people.example")
        rounds.profile(sandbox, f"Person{number:03}", who["email"],
                       external_id=who["external_id"])
        begun = sandbox.act("conversations", jwt=who, webhooks=[],
                            zendesk="duplicate", hand_off="now")
        rounds.trigger(fleet.nodes[number % 2], begun)
    first.command("queue", "resume", "--account", "acme")


def test_together_inside_the_limit(tmp_path, fast_sandbox, fast_cluster):
    """Two nodes with work that waits use what one alone might, and nothing is
    refused; by the sandbox's own record of its windows."""
    fleet = nodes.Fleet(tmp_path, fast_sandbox, fast_cluster,
                        max_merges_per_hour=10000, timestamp_tolerance="0")
    fleet.add(2)
    backlog(fast_sandbox, fleet)
    test_budget.phase(fast_sandbox, "two nodes")
    sent = [sum(b"/api/v2/" in line for _, line in node.api_wire.requests)
            for node in fleet.nodes]
    assert min(sent) * 4 >= max(sent), sent
    fleet.close()
