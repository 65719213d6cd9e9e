"""Credentials that are refused, and permissions that are missing: the account
is held and says what to mend; nobody is asked for a review because of it, and
the same jobs go on by themselves afterwards."""

import harness
import pytest
import rounds
from test_upstream_holds import (PLENTY, all_merged, come, held, people,
                                 readyz, until_held)

FAST = 60
FORBIDDEN = {"kind": "status", "status": 403, "times": -1,
             "body": {"error": {"title": "Forbidden", "message": "No."}}}
SOME = 4


@pytest.fixture(autouse=True)
def unlimited(sandbox):
    sandbox.settings(limit=0, user_update_limits=False)


def start(daemon, **settings):
    return daemon(**{"fast": FAST, "timestamp_tolerance": "0", **PLENTY,
                     **settings})


def merges_asked(sandbox):
    return rounds.calls(sandbox, "zendesk").get("merge", 0)


def come_together(sandbox, reunite, logins):
    """Nobody is looked at before all are here: who is forbidden while there
    is nobody else is soon taken for the only one."""
    reunite.command("queue", "pause")
    come(sandbox, logins)
    reunite.command("queue", "resume")
    harness.wait_until(lambda: "paused" not in [h["reason"] for h in
                                                readyz(reunite)],
                       what="the end of the pause")


def merge_entries(reunite):
    return [e for e in reunite.journal() if e["action"] == "merge"]


# --- credentials, of every kind ---


def test_a_bearer_token_dies(sandbox, daemon):
    """And another one comes with a reload."""
    first = sandbox.settings()["bearer_token"]
    reunite = start(daemon, fast=None, zendesk_auth="bearer",
                    zendesk_token=first)
    sandbox.settings(bearer_token="another-token")
    come(sandbox, people(sandbox, 2))
    until_held(reunite, "credentials", "zendesk")
    assert "HTTP 401" in readyz(reunite)[0]["text"]
    reunite.configure(zendesk_auth="bearer", zendesk_token="another-token",
                      **PLENTY)
    reunite.reload()
    all_merged(sandbox, reunite, 2)
    assert held(reunite) == []


def test_api_tokens_end(sandbox, daemon):
    token = {"zendesk_auth": "api_token",
             "zendesk_email": "robot@acme.example",
             "zendesk_token": sandbox.settings()["api_token"]}
    reunite = start(daemon, **token)
    sandbox.settings(api_tokens_accepted=False)
    come(sandbox, people(sandbox, SOME))
    until_held(reunite, "credentials", "zendesk")
    sandbox.settings(api_tokens_accepted=True)
    all_merged(sandbox, reunite, SOME)


@pytest.mark.parametrize("status", [400, 401, 403])
def test_the_client_is_disabled(sandbox, daemon, status):
    sandbox.fault(kind="status", status=status, times=-1,
                  match={"call": "oauth"}, body={"error": "invalid_client"})
    reunite = start(daemon)
    come(sandbox, people(sandbox, SOME))
    harness.wait_until(lambda: readyz(reunite), what="the hold")
    assert held(reunite)[0][0] in ("credentials", "forbidden")
    assert "oauth_token: " in readyz(reunite)[0]["text"]
    assert "invalid_client" in readyz(reunite)[0]["text"]
    sandbox.control("DELETE", "faults")
    all_merged(sandbox, reunite, SOME)


def test_an_answer_to_nobody_is_no_answer(sandbox, daemon):
    """Zendesk answers some requests without credentials with 200."""
    sandbox.fault(kind="status", status=200, times=-1,
                  match={"api": "zendesk", "call": "user_get"},
                  body={"user": {"id": None, "name": "Anonymous user",
                                 "role": "end-user", "email": "invalid@x.example"}})
    reunite = start(daemon)
    come(sandbox, people(sandbox, SOME))
    until_held(reunite, "credentials", "zendesk")
    assert "anonymous" in readyz(reunite)[0]["text"]
    assert merges_asked(sandbox) == 0
    sandbox.control("DELETE", "faults")
    all_merged(sandbox, reunite, SOME)


def test_suncos_key_may_not(sandbox, daemon):
    sandbox.fault(**{**FORBIDDEN, "body": {"errors": [{"code": "forbidden"}]}},
                  match={"api": "sunco"})
    reunite = start(daemon)
    come(sandbox, people(sandbox, SOME), ["sunco", "trigger"])
    until_held(reunite, "forbidden", "sunco")
    sandbox.control("DELETE", "faults")
    all_merged(sandbox, reunite, SOME)


# --- scopes, as the token tells them ---


@pytest.mark.parametrize("refuses", [False, True])
@pytest.mark.parametrize("scopes, missing", [
    ("users:read tickets:read", "users:write"),
    ("users:write tickets:read", "users:read")])
def test_a_scope_is_missing(sandbox, daemon, scopes, missing, refuses):
    """Nothing is tried that would be refused; granted, it goes on."""
    sandbox.settings(oauth_scopes=scopes, oauth_refuses_scopes=refuses)
    reunite = start(daemon)
    come(sandbox, people(sandbox, SOME))
    until_held(reunite, "forbidden", "zendesk")
    text = readyz(reunite)[0]["text"]
    assert ("invalid_scope" if refuses else missing) in text, text
    assert rounds.calls(sandbox, "zendesk") == {}
    assert reunite.journal() == []
    sandbox.settings(oauth_scopes="users:read users:write")
    all_merged(sandbox, reunite, SOME)


def test_whoever_only_observes_needs_less(sandbox, daemon):
    sandbox.settings(oauth_scopes="users:read", oauth_refuses_scopes=True)
    reunite = start(daemon, apply="observe")
    come(sandbox, people(sandbox, SOME))
    entries = reunite.decided(SOME)
    assert [(e["action"], e["applied"]) for e in entries] == \
        [("merge", False)] * SOME
    assert held(reunite) == []


@pytest.mark.parametrize("refuses", [False, True])
def test_without_ticket_scopes_only_notes_suffer(sandbox, daemon, refuses):
    """And they are written when it may be done after all."""
    sandbox.settings(oauth_scopes="users:read users:write",
                     oauth_refuses_scopes=refuses)
    reunite = start(daemon, ticket_note="all")
    begun = come(sandbox, people(sandbox, SOME))
    all_merged(sandbox, reunite, SOME)
    assert held(reunite) == []
    assert {e["scope"] for e in reunite.events("oauth_scope_missing")} == \
        {"tickets:read", "tickets:write"}
    assert not set(rounds.calls(sandbox, "zendesk")) & {
        "ticket_get", "ticket_update", "ticket_tags"}
    sandbox.settings(oauth_scopes="")
    sandbox.control("DELETE", "tokens")
    rounds.begin(sandbox, rounds.jwt("Somebody Else"), wait="end")

    def told():
        noted = {t["id"] for t in sandbox.state()["tickets"]
                 if [c for c in t["comments"] if not c["public"]]}
        return noted >= {b["ticket_id"] for b in begun}

    harness.wait_until(told, what="the notes")


# --- a permission that is missing, and nobody says so before ---


@pytest.mark.parametrize("auth", ["oauth", "bearer"])
@pytest.mark.parametrize("call", ["merge", "search", "user_get"])
def test_a_call_is_forbidden_for_all(sandbox, daemon, call, auth):
    reunite = start(daemon, zendesk_auth=auth,
                    zendesk_token=sandbox.settings()["bearer_token"])
    sandbox.fault(**FORBIDDEN, match={"api": "zendesk", "call": call})
    come_together(sandbox, reunite, people(sandbox, SOME))
    until_held(reunite, "forbidden", "zendesk")
    assert "HTTP 403 Forbidden" in readyz(reunite)[0]["text"]
    assert reunite.reviews() == []
    sandbox.control("DELETE", "faults")
    all_merged(sandbox, reunite, SOME)


def test_a_permission_is_taken_away_in_the_middle(sandbox, daemon):
    reunite = start(daemon)
    logins = people(sandbox, 2 * SOME)
    come(sandbox, logins[:SOME])
    all_merged(sandbox, reunite, SOME)
    sandbox.fault(**FORBIDDEN, match={"call": "merge"})
    come_together(sandbox, reunite, logins[SOME:])
    until_held(reunite, "forbidden", "zendesk")
    sandbox.control("DELETE", "faults")
    all_merged(sandbox, reunite, 2 * SOME)


def test_what_comes_after_a_merge_is_not_dropped(sandbox, daemon):
    """The pin is forbidden: the entry stays pending, and is done later."""
    sandbox.fault(**FORBIDDEN, match={"call": "user_update"})
    reunite = start(daemon)
    come_together(sandbox, reunite, people(sandbox, 2))
    until_held(reunite, "forbidden", "zendesk")
    # One that was not sent, since the account was held by then, failed.
    harness.wait_until(lambda: [e["status"] for e in merge_entries(reunite)
                                if e["status"] != "failed"] ==
                       ["pending"] * 2, what="both merges")
    sandbox.control("DELETE", "faults")
    all_merged(sandbox, reunite, 2)
    for _, owner in rounds.merges(sandbox):
        assert sandbox.user(owner)["external_id"]
    for entry in merge_entries(reunite):
        assert entry["reasons"] == ["email_match_verified"]


def test_a_released_external_id_is_given_back(sandbox, daemon):
    """The merge that it was taken away for is forbidden."""
    sandbox.settings(sso_external_id_refusal=True)
    # The second one is here before the first is taken for the only one.
    reunite = start(daemon, fast=10, release_external_id="auto")
    logins = people(sandbox, 2)
    begun = [rounds.begin(sandbox, who, webhooks=()) for who in logins]
    # The first one is refused because of the external id, then forbidden.
    for one, skip in zip(begun, (1, 0)):
        sandbox.fault(**FORBIDDEN, skip=skip, match={
            "call": "merge", "id": one["zendesk_user_id"]})
    rounds.trigger(reunite, begun[0])
    harness.wait_until(lambda: "merge 403" in rounds.writes(sandbox),
                       what="the refusal")
    rounds.trigger(reunite, begun[1])  # so that it is not about one alone
    until_held(reunite, "forbidden", "zendesk")
    harness.wait_until(
        lambda: sandbox.user(begun[0]["zendesk_user_id"])["external_id"] ==
        logins[0]["external_id"], what="the external id back")
    # With nobody on the way: who is let while somebody's refusal is on its way
    # makes that one a matter of theirs alone.
    reunite.command("queue", "pause")
    harness.wait_until(lambda: not [j for j in reunite.queue()
                                    if j["state"] == "running"],
                       what="nobody to be on the way")
    sandbox.control("DELETE", "faults")
    reunite.command("queue", "resume")
    all_merged(sandbox, reunite, 2)


def test_a_person_whom_we_may_not_edit_holds_nobody(sandbox, daemon):
    """The only one for a while: tried some times, then a person looks. A
    token of OAuth, which may have aged, would be tried twice each time."""
    reunite = start(daemon, zendesk_auth="bearer",
                    zendesk_token=sandbox.settings()["bearer_token"])
    login = people(sandbox, 1)[0]
    begun = rounds.begin(sandbox, login, webhooks=())
    sandbox.fault(**FORBIDDEN, match={"call": "merge",
                                      "id": begun["zendesk_user_id"]})
    rounds.trigger(reunite, begun)
    harness.wait_until(reunite.reviews, what="the review")
    assert reunite.reviews()[0]["reasons"] == ["merge_refused"]
    assert merges_asked(sandbox) == 5
