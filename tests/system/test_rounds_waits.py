"""Rounds in which something comes late, never, or goes away meanwhile; and
addresses that are easily taken for another."""

import events
import harness
import pytest
import rounds

ADDRESS = "vera@people.example"
VERA = rounds.jwt("Vera Visitor", ADDRESS)
GONE = {"kind": "status", "status": 404,
        "body": {"error": "RecordNotFound", "description": "Not found"}}


def vera(sandbox):
    return rounds.profile(sandbox, "Vera Visitor", ADDRESS)


# --- late ---


def test_a_hand_off_that_comes_later_wakes_the_job(sandbox, daemon):
    reunite = daemon()
    owner = vera(sandbox)
    begun = rounds.begin(sandbox, VERA, ["sunco"], hand_off="later")
    assert begun["zendesk_user_id"] is None
    assert rounds.waiting(reunite)["zendesk_user_id"] is None
    assert reunite.journal() == []
    handed = rounds.accepted(sandbox.act(
        "hand-offs", conversation_id=begun["conversation_id"],
        zendesk="duplicate"))
    entry = rounds.merged_once(sandbox, reunite, handed, owner)
    assert entry["ticket_id"] == handed["ticket_id"]


def test_pass_control_wakes_the_job_of_its_conversation(sandbox, daemon):
    reunite = daemon()
    owner = vera(sandbox)
    begun = rounds.begin(sandbox, VERA, ["sunco"], hand_off="later")
    rounds.waiting(reunite)
    handed = rounds.accepted(sandbox.act(
        "hand-offs", conversation_id=begun["conversation_id"],
        zendesk="duplicate", webhooks=["pass_control"]))
    rounds.merged_once(sandbox, reunite, handed, owner)


def anonymous(sandbox, reunite, **order):
    begun = rounds.accepted(sandbox.act("conversations", hand_off="now",
                                        webhooks=["trigger"], **order))
    assert rounds.waiting(reunite)["sunco_user_id"] == begun["sunco_user_id"]
    return begun


def test_a_login_after_the_conversation_began(sandbox, daemon):
    sandbox.settings(verified_email_owner="duplicate")
    reunite = daemon()
    owner = vera(sandbox)
    begun = anonymous(sandbox, reunite)
    login = rounds.accepted(sandbox.act(
        "logins", conversation_id=begun["conversation_id"], jwt=VERA))
    assert [w["event"] for w in login["webhooks"]] == ["user:update"]
    entry = rounds.merged_once(sandbox, reunite, begun, owner)
    assert entry["evidence"] == "verified"


def test_a_login_that_turns_out_to_be_somebody_known(sandbox, daemon):
    """SunCo merges the anonymous user away, Zendesk follows."""
    sandbox.settings(verified_email_owner="duplicate")
    reunite = daemon()
    owner = vera(sandbox)
    first = rounds.begin(sandbox, VERA)
    rounds.merged_once(sandbox, reunite, first, owner)
    begun = anonymous(sandbox, reunite)
    login = rounds.accepted(sandbox.act(
        "logins", conversation_id=begun["conversation_id"], jwt=VERA))
    assert [w["event"] for w in login["webhooks"]] == ["user:merge"]
    harness.wait_until(
        lambda: not [j for j in reunite.queue() if j["state"] != "done"],
        what="the end of the anonymous user's job")
    assert len(rounds.merges(sandbox)) == 1
    assert sandbox.user(begun["zendesk_user_id"])["merged_into"] == owner


def test_a_message_of_somebody_waited_for_counts(sandbox, daemon):
    sandbox.settings(verified_email_owner="duplicate")
    reunite = daemon()
    owner = vera(sandbox)
    begun = anonymous(sandbox, reunite)
    rounds.accepted(sandbox.act(
        "logins", conversation_id=begun["conversation_id"], jwt=VERA,
        webhooks=[]))
    rounds.accepted(sandbox.act(
        "messages", conversation_id=begun["conversation_id"], text="hello"))
    rounds.merged_once(sandbox, reunite, begun, owner)


def test_a_message_of_anybody_else_is_ignored(sandbox, daemon):
    reunite = daemon()
    begun = rounds.begin(sandbox, VERA, [])
    rounds.accepted(sandbox.act(
        "messages", conversation_id=begun["conversation_id"], text="hello"))
    assert reunite.metric("reunite_webhooks_total", outcome="ignored") == 1
    assert reunite.queue() == []


def test_an_event_while_the_job_runs_starts_it_again(sandbox, daemon):
    sandbox.settings(latency_ms=100)
    reunite = daemon(recheck_after="0s")
    owner = vera(sandbox)
    begun = rounds.begin(sandbox, VERA)
    harness.wait_until(lambda: rounds.requests(sandbox, "sunco"),
                       what="a run under way")
    reunite.sunco(events.conversation(sandbox, begun))
    rounds.decision(reunite, 2)
    reasons = [e["reason"] for e in reunite.journal()]
    assert reasons == ["email_match_verified", "already_linked"]
    assert rounds.merges(sandbox) == [(begun["zendesk_user_id"], owner)]


# --- never ---


def test_a_conversation_without_a_user_ends_at_its_deadline(sandbox, daemon):
    reunite = daemon(wait_for_user="40s", fast=10)
    begun = rounds.begin(sandbox, VERA, ["sunco"], hand_off="later")
    assert rounds.outcome(reunite) == ("none", "no_messaging_user")
    assert reunite.journal()[0]["sunco_user_id"] == begun["sunco_user_id"]
    looks = rounds.calls(sandbox, "sunco")["user_get"]
    assert 2 <= looks <= 4


def test_a_conversation_without_an_address_ends_at_its_deadline(sandbox,
                                                                daemon):
    reunite = daemon(wait_for_user="1s", fast=10)
    rounds.delivered(sandbox, sandbox.act("conversations", hand_off="now",
                                          webhooks=["trigger"]))
    assert rounds.outcome(reunite) == ("none", "no_email")
    assert rounds.writes(sandbox) == []


def test_a_typed_address_is_searched_twice(sandbox, daemon):
    """The index lags behind the profile, which is younger than the search."""
    sandbox.settings(index_lag_ms=600000)
    reunite = daemon(settle_after="50s", fast=10)
    rounds.profile(sandbox, "Young Visitor", "young@people.example")
    assert sandbox.zendesk.post("/api/v2/users", {"user": {
        "name": "Younger Visitor", "email": "younger@people.example",
        "verified": True}}).status == 201
    rounds.typed(sandbox, "younger@people.example")
    assert rounds.waiting(reunite)
    sandbox.settings(index_lag_ms=0)
    assert rounds.outcome(reunite) == ("review", "verified_profile_protected")
    assert rounds.calls(sandbox, "zendesk")["search"] == 2


# --- gone ---


@pytest.mark.parametrize("fault", [
    # A requester is looked at twice: the other job may be merging it.
    {"match": {"api": "zendesk", "call": "user_get"}, "times": 2},
    {"match": {"api": "sunco", "call": "user_get"}},
], ids=["requester", "sunco user"])
def test_a_user_that_vanished(sandbox, daemon, fault):
    vera(sandbox)
    sandbox.fault(**GONE, **fault)
    reunite = daemon()
    rounds.begin(sandbox, VERA)
    assert rounds.outcome(reunite) == ("none", "messaging_user_gone")
    assert rounds.writes(sandbox) == []


def test_a_profile_that_vanished_before_the_merge(sandbox, daemon):
    """Decided anew: now nobody owns the address."""
    owner = vera(sandbox)
    sandbox.fault(**GONE, match={"call": "merge"})
    reunite = daemon(fast=10)
    begun = rounds.begin(sandbox, VERA)
    harness.wait_until(lambda: "merge 404" in rounds.writes(sandbox),
                       what="the merge")
    assert sandbox.zendesk.delete(f"/api/v2/users/{owner}").status == 200
    entry = rounds.decision(reunite, 2)
    assert (entry["action"], entry["reason"]) == ("adopt", "no_profile")
    assert rounds.holds(sandbox, begun["zendesk_user_id"], "email", ADDRESS)
    assert rounds.merges(sandbox) == []


def test_a_profile_that_vanished_after_the_merge(sandbox, daemon):
    owner = vera(sandbox)
    sandbox.fault(**GONE, match={"call": "user_get", "id": owner}, times=20)
    reunite = daemon(fast=10)
    begun = rounds.begin(sandbox, VERA)
    entry = rounds.decision(reunite)
    assert entry["action"] == "merge"
    assert "identity_not_moved" in entry["reasons"]
    assert rounds.merges(sandbox) == [(begun["zendesk_user_id"], owner)]


def test_a_person_removed_in_sunco_is_forgotten(sandbox, daemon):
    reunite = daemon()
    begun = rounds.begin(sandbox, VERA, ["sunco"], hand_off="later")
    rounds.waiting(reunite)
    rounds.accepted(sandbox.act("removals",
                                sunco_user_id=begun["sunco_user_id"]))
    assert reunite.queue() == []


# --- addresses ---


@pytest.mark.parametrize("told, owned", [
    ("vera+shop@people.example", "vera+shop@people.example"),
    ("VERA@People.Example", "vera@people.example"),
    ("vera@people.example", "Vera@PEOPLE.example"),
    ("o'hara&sons=1@people.example", "o'hara&sons=1@people.example"),
    ("a%20b#c?d/e@people.example", "a%20b#c?d/e@people.example"),
])
def test_addresses_that_need_care_find_their_owner(sandbox, daemon, told,
                                                   owned):
    reunite = daemon()
    owner = rounds.profile(sandbox, "Vera Visitor", owned)
    begun = rounds.begin(sandbox, rounds.jwt("Vera Visitor", told))
    rounds.merged_once(sandbox, reunite, begun, owner)


@pytest.mark.parametrize("told, other", [
    ("vera@people.example", "vera+shop@people.example"),
    ("v.era@people.example", "vera@people.example"),
    ("vera@people.example", "vera@people.example.evil.example"),
    ("vera@people.example", "a.vera@people.example"),
])
def test_addresses_that_look_alike_are_somebody_elses(sandbox, daemon, told,
                                                      other):
    reunite = daemon()
    rounds.profile(sandbox, "Vera Visitor", other)
    rounds.begin(sandbox, rounds.jwt("Vera Visitor", told))
    assert rounds.outcome(reunite) == ("adopt", "no_profile")
    assert rounds.merges(sandbox) == []


@pytest.mark.parametrize("told", [
    '"vera visitor"@people.example', "vera@pe\u00f6ple.example",
    "v\u0435ra@people.example", "vera@localhost", "vera@@people.example",
    "vera@people.example, other@people.example",
])
def test_what_is_no_address_is_none(sandbox, daemon, told):
    vera(sandbox)
    reunite = daemon(wait_for_user="1s", fast=10)
    rounds.begin(sandbox, rounds.jwt("Vera Visitor", told))
    assert rounds.outcome(reunite) == ("none", "no_email")
    assert rounds.writes(sandbox) == []
