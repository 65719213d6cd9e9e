"""What every refusal becomes: a review, a wait, another try, a dead job. Never
the same merge again without end, and never a link that was not looked up."""

import harness
import pytest
import rounds
from test_upstream_holds import held, readyz

FAST = 20  # what hangs for half a second is not lost yet
ADDRESS = "vera@people.example"
VERA = rounds.jwt("Vera Visitor", ADDRESS)


def invalid(code, words, field="base"):
    return {"error": "RecordInvalid",
            "description": "Record validation errors",
            "details": {field: [{"description": words, "error": code}]}}


def refuse(sandbox, call, status, body, times=-1, **match):
    sandbox.fault(kind="status", status=status, body=body, times=times,
                  match={"call": call, **match})


def start(sandbox, daemon, **settings):
    sandbox.settings(limit=0)
    return daemon(fast=FAST, requests_per_minute=60000, reserve_percent=0,
                  timestamp_tolerance="0", **settings)


def asked(sandbox, call):
    return rounds.calls(sandbox, "zendesk").get(call, 0)


def note(reunite):
    """What the journal says beside the reason."""
    entry = reunite.journal()[-1]
    return reunite.rows("journal", "show", str(entry["id"]))[0].get("note")


# --- the merge ---

MERGE = {
    "external ids": (422, invalid(
        "InvalidValue", "Cannot merge users with an external ID"),
        "external_id_refused", 1),
    "10,000 tickets": (422, invalid(
        "TooManyTickets", "The user has more than 10,000 tickets"),
        "merge_refused", 1),
    "an agent": (422, invalid("CannotMergeAgents", "Agents are not merged"),
                 "merge_refused", 1),
    "somebody has the address": (422, invalid(
        "DuplicateValue", "Email is already being used by another user",
        "email"), "merge_refused", 1),
    "without details": (422, {"error": "RecordInvalid"}, "merge_refused", 1),
    "400": (400, {"error": "InvalidJSON"}, "merge_refused", 1),
    "406": (406, {"error": "NotAcceptable"}, "merge_refused", 1),
    "413": (413, {"error": "TooLarge"}, "merge_refused", 1),
    "415": (415, {"error": "UnsupportedType"}, "merge_refused", 1),
    "423": (423, {"errors": [{"code": "locked"}]}, "merge_refused", 1),
    "409 for ever": (409, {"error": "Conflict"}, "merge_refused", 5),
    "404 for ever": (404, {"error": "RecordNotFound"}, "merge_refused", 5),
}


@pytest.mark.parametrize("why", MERGE)
def test_a_refused_merge_is_a_question(sandbox, daemon, why):
    status, body, reason, times = MERGE[why]
    rounds.profile(sandbox, "Vera Visitor", ADDRESS)
    refuse(sandbox, "merge", status, body)
    reunite = start(sandbox, daemon)
    rounds.begin(sandbox, VERA, wait="end")
    harness.wait_until(reunite.reviews, what="the review")
    reunite.idle()
    assert reunite.reviews()[0]["reasons"] == [reason]
    assert asked(sandbox, "merge") == times
    assert rounds.merges(sandbox) == []
    assert f"HTTP {status}" in note(reunite)
    assert {e["status"] for e in reunite.journal()} <= {"done", "failed"}
    assert reunite.events("account_held") == []


def test_a_merge_that_this_plan_does_not_have(sandbox, daemon):
    """Nobody's fault, and a person's yes would not help: held."""
    for n in range(2):
        rounds.profile(sandbox, f"Visitor {n}", f"visitor{n}@people.example")
    refuse(sandbox, "merge", 404, {"error": "InvalidEndpoint",
                                   "description": "Not found"})
    reunite = start(sandbox, daemon)
    reunite.command("queue", "pause", "--account", "acme")
    for n in range(2):
        rounds.begin(sandbox, rounds.jwt(
            f"Visitor {n}", f"visitor{n}@people.example"), wait="end")
    # together: who is forbidden five times alone is a question
    reunite.command("queue", "resume", "--account", "acme")
    harness.wait_until(
        lambda: [h["reason"] for h in readyz(reunite)] == ["forbidden"],
        what="the hold, after the pause")
    assert held(reunite) == [("forbidden", "zendesk")]
    sandbox.control("DELETE", "faults")
    harness.wait_until(lambda: len(rounds.merges(sandbox)) == 2,
                       what="both merges")
    assert reunite.reviews() == []


def test_the_profile_goes_just_before_the_merge(sandbox, daemon):
    """404 once: decided anew, with whoever has the address then."""
    owner = rounds.profile(sandbox, "Vera Visitor", ADDRESS)
    refuse(sandbox, "merge", 404, {"error": "RecordNotFound"}, times=1)
    reunite = start(sandbox, daemon)
    begun = rounds.begin(sandbox, VERA, wait="end")
    rounds.merged_once(sandbox, reunite, begun, owner, 2)


# --- the calls around it ---

PIN = {
    "a value that is wrong": (422, invalid("InvalidValue", "is bad",
                                           "external_id")),
    "400": (400, {"error": "BadRequest"}),
    "404": (404, {"error": "RecordNotFound"}),
    "409 for ever": (409, {"error": "Conflict"}),
    "somebody has it": (422, invalid(
        "DuplicateValue", "External is already being used", "external_id")),
}


@pytest.mark.parametrize("why", PIN)
def test_a_refused_pin_is_a_remark(sandbox, daemon, why):
    owner = rounds.profile(sandbox, "Vera Visitor", ADDRESS)
    refuse(sandbox, "user_update", *PIN[why])
    reunite = start(sandbox, daemon)
    begun = rounds.begin(sandbox, VERA, wait="end")
    entry = rounds.merged_once(sandbox, reunite, begun, owner)
    assert "external_id_not_pinned" in entry["reasons"]
    assert asked(sandbox, "user_update") <= 7


ADOPT = {
    "422": (422, invalid("InvalidValue", "is not properly formatted",
                         "email"), 1),
    "400": (400, {"error": "BadRequest"}, 1),
    "409 for ever": (409, {"error": "Conflict"}, 5),
}


@pytest.mark.parametrize("why", ADOPT)
def test_a_refused_adopt_is_a_question(sandbox, daemon, why):
    status, body, times = ADOPT[why]
    refuse(sandbox, "identity_create", status, body)
    reunite = start(sandbox, daemon, settle_after="2s")
    rounds.begin(sandbox, VERA, wait="end")
    harness.wait_until(reunite.reviews, what="the review")
    assert reunite.reviews()[0]["reasons"] == ["merge_refused"]
    assert asked(sandbox, "identity_create") == times


# --- reads that are refused ---

READS = {
    "search": ({"call": "search"}, 422,
               {"errors": [{"code": "InvalidPaginationDepth"}]}),
    "a user": ({"api": "zendesk", "call": "user_get"}, 400,
               {"error": "BadRequest"}),
    "a SunCo user": ({"api": "sunco", "call": "user_get"}, 423,
                     {"errors": [{"code": "locked"}]}),
}


@pytest.mark.parametrize("what", READS)
def test_a_read_that_is_refused_ends_and_can_be_retried(sandbox, daemon,
                                                        what):
    match, status, body = READS[what]
    owner = rounds.profile(sandbox, "Vera Visitor", ADDRESS)
    sandbox.fault(kind="status", status=status, body=body, times=-1,
                  match=match)
    reunite = start(sandbox, daemon)
    begun = rounds.begin(sandbox, VERA, wait="end")
    job = harness.wait_until(
        lambda: next((j for j in reunite.queue() if j["state"] == "dead"),
                     None), what="the end")
    assert job["attempts"] == 5
    assert f"HTTP {status}" in job["last_error"]
    assert reunite.events("account_held") == []
    sandbox.control("DELETE", "faults")
    reunite.command("queue", "retry", "--all")
    rounds.merged_once(sandbox, reunite, begun, owner)


# --- an answer that is lost, before and after its effect ---

LOST = {
    "cut before": {"kind": "cut_before"},
    "cut after": {"kind": "cut_after"},
    "truncated": {"kind": "truncate"},
    "500, but done": {"kind": "status", "status": 500, "applied": True,
                      "body": {"error": "oops"}},
    "silence, but done": {"kind": "hang", "ms": 32000 // FAST,
                          "applied": True},
}


@pytest.mark.parametrize("way", LOST)
def test_lost_answers_of_what_follows_a_merge(sandbox, daemon, way):
    """Verify and sync, each lost once; the pin is in test_upstream.py."""
    owner = sandbox.people({
        "name": "Vera Visitor", "identities": [
            {"type": "email", "value": ADDRESS, "primary": True,
             "verified": False, "verification_method": "none"}]})["users"][0]
    sandbox.settings(zendesk_id_on_hand_off=True)
    for call in ("identity_verify", "sync"):
        sandbox.fault(**LOST[way], match={"call": call})
    reunite = start(sandbox, daemon, verify_profile_email=True,
                    sunco_sync="on")
    begun = rounds.begin(sandbox, VERA, wait="end")
    entry = rounds.merged_once(sandbox, reunite, begun, owner)
    assert entry["reasons"] == ["email_match_verified"]
    assert [i["verified"] for i in sandbox.user(owner)["identities"]
            if i["type"] == "email"] == [True]
    assert asked(sandbox, "identity_verify") <= 2
    assert rounds.calls(sandbox, "sunco")["sync"] == 2


@pytest.mark.parametrize("way", LOST)
def test_lost_answers_of_a_release(sandbox, daemon, way):
    """Taken away, or not; given back, or the way is free: it ends linked."""
    owner = rounds.profile(sandbox, "Vera Visitor", ADDRESS)
    sandbox.settings(sso_external_id_refusal=True, user_update_limits=False)
    sandbox.fault(**LOST[way], match={"call": "user_update"}, times=2)
    reunite = start(sandbox, daemon, release_external_id="auto")
    begun = rounds.begin(sandbox, VERA, wait="end")
    harness.wait_until(lambda: rounds.merges(sandbox), what="the merge")
    reunite.idle()
    assert rounds.merges(sandbox) == [(begun["zendesk_user_id"], owner)]
    assert sandbox.user(owner)["external_id"] == VERA["external_id"]
    assert {e["status"] for e in reunite.journal()} <= {"done", "failed"}
