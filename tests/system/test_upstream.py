"""What the APIs do wrong: every call of a merge fails once in every way, and
still there is one merge, and nothing is left open.

The daemon's clock is fast, since it is the waiting that is right."""

import email.utils
import time

import pytest
import rounds

FAST = 20
ADDRESS = "vera@people.example"
VERA = rounds.jwt("Vera Visitor", ADDRESS)
CALLS = {
    "read": {"match": {"api": "zendesk", "call": "user_get"}},
    "sunco": {"match": {"api": "sunco", "call": "user_get"}},
    "search": {"match": {"call": "search"}},
    "merge": {"match": {"call": "merge"}},
    "read back": {"match": {"api": "zendesk", "call": "user_get"}, "skip": 1},
    "pin": {"match": {"call": "user_update"}},
}
RATE = {"kind": "status", "status": 429,
        "body": {"error": "APIRateLimitExceeded"}}
FAULTS = {
    "429 with seconds": {**RATE, "headers": {"Retry-After": "3"}},
    "429 with nothing": RATE,
    "500": {"kind": "status", "status": 500, "body": {"error": "oops"}},
    "502 without a body": {"kind": "status", "status": 502},
    "503": {"kind": "status", "status": 503, "body": {"error": "down"},
            "headers": {"Retry-After": "1"}},
    "a page": {"kind": "html"},
    "a page with 200": {"kind": "html", "status": 200},
    "409": {"kind": "status", "status": 409, "body": {"error": "conflict"}},
    "cut before": {"kind": "cut_before"},
    "cut after": {"kind": "cut_after"},
    "truncated": {"kind": "truncate"},
}


def play(sandbox, daemon, *faults):
    """A round with these faults; the number of its journal's entries."""
    owner = rounds.profile(sandbox, "Vera Visitor", ADDRESS)
    reunite = daemon(fast=FAST)
    for fault in faults:
        sandbox.fault(**fault)
    begun = rounds.begin(sandbox, VERA)
    finished(sandbox, reunite, begun, owner)
    hits = [f["hits"] for f in sandbox.control("GET", "faults")["faults"]]
    assert all(hits), hits
    return reunite, begun, owner


def finished(sandbox, reunite, begun, owner):
    reunite.decided_as("merge")
    reunite.idle()
    entries = reunite.journal()
    assert [e["status"] for e in entries] == \
        ["failed"] * (len(entries) - 1) + ["done"], entries
    assert rounds.merges(sandbox) == [(begun["zendesk_user_id"], owner)]
    assert rounds.holds(sandbox, owner, "messaging", begun["sunco_user_id"])
    assert sandbox.user(owner)["external_id"] == VERA["external_id"]
    assert reunite.reviews() == []


@pytest.mark.parametrize("call", ["search", "merge", "read back", "pin"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_call_fails_once(sandbox, daemon, fault, call):
    play(sandbox, daemon, {**FAULTS[fault], **CALLS[call]})


def test_a_call_fails_until_a_date(sandbox, daemon):
    until = email.utils.formatdate(time.time() + 15, usegmt=True)
    play(sandbox, daemon, {**RATE, "headers": {"Retry-After": until},
                           **CALLS["search"]})
    assert rounds.calls(sandbox, "zendesk")["search"] == 2


def test_every_call_fails_in_turn(sandbox, daemon):
    play(sandbox, daemon, *(
        {**FAULTS["503"], **call} for call in CALLS.values()))


# --- silence, longer than we listen (30 s, of a fast clock) ---

SILENCE_MS = 32000 // FAST


@pytest.mark.parametrize("call", ["search", "merge", "pin"])
def test_a_call_hangs(sandbox, daemon, call):
    play(sandbox, daemon, {"kind": "hang", "ms": SILENCE_MS, **CALLS[call]})


def sent_once(sandbox):
    """The sandbox notes a request when it is over."""
    time.sleep(SILENCE_MS / 1000)
    assert rounds.calls(sandbox, "zendesk")["merge"] == 1


def test_a_merge_that_hangs_has_happened(sandbox, daemon):
    play(sandbox, daemon, {"kind": "hang", "ms": SILENCE_MS, "applied": True,
                           **CALLS["merge"]})
    sent_once(sandbox)


def test_a_merge_happens_after_we_gave_up(sandbox, daemon):
    play(sandbox, daemon, {"kind": "delay", "ms": SILENCE_MS,
                           **CALLS["merge"]})
    sent_once(sandbox)


# --- answers that lie about what happened ---


@pytest.mark.parametrize("status", [408, 500, 503])
def test_a_merge_that_fails_has_happened(sandbox, daemon, status):
    play(sandbox, daemon, {"kind": "status", "status": status,
                           "applied": True, "body": {"error": "timeout"},
                           **CALLS["merge"]})
    assert rounds.calls(sandbox, "zendesk")["merge"] == 1


def test_a_lost_answer_is_looked_up(sandbox, daemon):
    """Cut after its effect: seen in Zendesk, not sent again."""
    reunite, _, _ = play(sandbox, daemon,
                         {**FAULTS["cut after"], **CALLS["merge"]})
    assert rounds.calls(sandbox, "zendesk")["merge"] == 1
    assert len(reunite.journal()) == 1


# --- adopt ---

HOOK = rounds.jwt("Captain Hook", "hook@island.example")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", ["identity_create", "user_update"])
def test_an_adopt_fails_once(sandbox, daemon, fault, call):
    sandbox.settings(jwt_name=False)
    sandbox.fault(**FAULTS[fault], match={"call": call})
    reunite = daemon(fast=FAST)
    begun = rounds.begin(sandbox, HOOK)
    reunite.decided_as("adopt")
    reunite.idle()
    assert [e["status"] for e in reunite.journal()][-1] == "done"
    hook = sandbox.user(begun["zendesk_user_id"])
    assert [i["value"] for i in hook["identities"]
            if i["type"] == "email"] == [HOOK["email"]]
    assert hook["name"] == "Captain Hook"
    assert reunite.reviews() == []
