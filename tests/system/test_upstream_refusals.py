"""Refusals that mean something, and effects that show late: credentials,
merges that Zendesk will not do, indexes and identities that lag, limits."""

import harness
import rounds

FAST = 20
SLOWER = 5  # where somebody has to look before what is late shows
ADDRESS = "vera@people.example"
VERA = rounds.jwt("Vera Visitor", ADDRESS)


def vera(sandbox, **fields):
    return rounds.profile(sandbox, "Vera Visitor", ADDRESS, **fields)


def tokens_fetched(sandbox):
    return len([r for r in sandbox.control("GET", "requests")["requests"]
                if r["call"] == "oauth" and r["status"] < 300])


# --- credentials ---


def test_a_revoked_token_is_fetched_anew(sandbox, daemon):
    reunite = daemon()
    owner = vera(sandbox)
    first = rounds.begin(sandbox, rounds.GOBLIN)
    reunite.decided()
    sandbox.control("DELETE", "tokens")
    begun = rounds.begin(sandbox, VERA)
    entry = rounds.decision(reunite, 2)
    assert (entry["action"], entry["status"]) == ("merge", "done")
    assert rounds.merges(sandbox) == [
        (first["zendesk_user_id"], rounds.GOBLIN_PROFILE),
        (begun["zendesk_user_id"], owner)]
    assert tokens_fetched(sandbox) == 2
    assert [r["status"] for r in rounds.requests(sandbox)].count(401) == 1


def test_a_token_revoked_before_the_merge(sandbox, daemon):
    """A clean 401 did nothing: the merge goes out again with a new one."""
    reunite = daemon()
    owner = vera(sandbox)
    sandbox.fault(kind="status", status=401, match={"call": "merge"},
                  body={"error": "Couldn't authenticate you"})
    begun = rounds.begin(sandbox, VERA)
    rounds.merged_once(sandbox, reunite, begun, owner)
    assert rounds.writes(sandbox)[:2] == ["merge 401", "merge 200"]


def test_a_token_outlives_the_daemon(sandbox, daemon):
    reunite = daemon()
    rounds.begin(sandbox, rounds.GOBLIN)
    reunite.decided()
    assert reunite.stop() == 0
    reunite.start()
    vera(sandbox)
    rounds.begin(sandbox, VERA)
    reunite.decided(2)
    assert tokens_fetched(sandbox) == 1


def held(reunite):
    """Why, and whose trouble it is."""
    return [(h["reason"], h["api"])
            for h in reunite.admin.get("/readyz").json["held"]]


def held_until_mended(sandbox, reunite, mend, api):
    """The account is held with few calls, and goes on by itself."""
    owner = vera(sandbox)
    begun = [rounds.begin(sandbox, VERA)]
    begun += [rounds.begin(sandbox, rounds.jwt(f"Visitor Number {n}"))
              for n in range(20)]
    harness.wait_until(lambda: held(reunite), what="the hold")
    assert held(reunite) == [("credentials", api)]
    assert reunite.admin.get("/readyz").status == 200
    assert reunite.metric("reunite_account_held", account="acme",
                          reason="credentials") == 1
    refused = [r for r in sandbox.control("GET", "requests")["requests"]
               if r["status"] in (401, 403)]
    assert len(refused) <= 16, refused
    mend()
    harness.wait_until(lambda: not held(reunite), what="the end of the hold")
    assert reunite.metric("reunite_account_held", account="acme") == 0
    reunite.decided_as("merge")
    assert rounds.merges(sandbox) == [(begun[0]["zendesk_user_id"], owner)]


def test_zendesk_credentials_are_revoked(sandbox, daemon):
    secret = sandbox.settings()["oauth_client_secret"]
    reunite = daemon(fast=FAST, requests_per_minute=6000, reserve_percent=0)
    sandbox.settings(oauth_client_secret="changed-meanwhile", limit=0)
    held_until_mended(sandbox, reunite, lambda: sandbox.settings(
        oauth_client_secret=secret), "zendesk")


def test_sunco_credentials_are_revoked(sandbox, daemon):
    secret = sandbox.settings()["sunco_key_secret"]
    reunite = daemon(fast=FAST, requests_per_minute=6000, reserve_percent=0)
    sandbox.settings(sunco_key_secret="changed-meanwhile", limit=0)
    held_until_mended(sandbox, reunite, lambda: sandbox.settings(
        sunco_key_secret=secret), "sunco")


def test_a_reload_ends_the_hold_at_once(sandbox, daemon):
    reunite = daemon(zendesk_client_secret="mistyped")
    owner = vera(sandbox)
    begun = rounds.begin(sandbox, VERA)
    harness.wait_until(lambda: held(reunite), what="the hold")
    reunite.configure()
    reunite.reload()
    rounds.merged_once(sandbox, reunite, begun, owner)
    assert held(reunite) == []


# --- merges that Zendesk refuses ---


def refused(sandbox, daemon, reason="merge_refused", **settings):
    sandbox.settings(**settings)
    reunite = daemon(fast=FAST)
    begun = rounds.begin(sandbox, VERA)
    assert rounds.outcome(reunite) == ("review", reason)
    assert rounds.merges(sandbox) == []
    assert rounds.calls(sandbox, "zendesk")["merge"] == 1
    review = reunite.reviews()[0]
    assert review["reasons"] == [reason]
    return reunite, begun, review


def test_a_refused_merge_waits_for_a_person(sandbox, daemon):
    owner = vera(sandbox)
    reunite, begun, review = refused(sandbox, daemon, merge_max_tickets=0)
    sandbox.settings(merge_max_tickets=10000)
    reunite.command("review", "approve", str(review["id"]))
    rounds.merged_once(sandbox, reunite, begun, owner, 3)


def test_external_ids_under_single_sign_on(sandbox, daemon):
    vera(sandbox)
    _, begun, _ = refused(sandbox, daemon, "external_id_refused",
                          sso_external_id_refusal=True)
    person = sandbox.user(begun["zendesk_user_id"])
    assert person["external_id"] == VERA["external_id"]


def test_a_refusal_that_is_none(sandbox, daemon):
    """A front answers 422 for a merge that was carried out."""
    owner = vera(sandbox)
    sandbox.fault(kind="status", status=422, applied=True,
                  match={"call": "merge"}, body={"error": "RecordInvalid"})
    reunite = daemon(fast=FAST)
    begun = rounds.begin(sandbox, VERA)
    rounds.merged_once(sandbox, reunite, begun, owner)


def test_a_merge_that_is_forbidden_holds_nobody_else(sandbox, daemon):
    """Somebody else is let: the 403 is about this person."""
    vera(sandbox)
    reunite = daemon()
    begun = rounds.begin(sandbox, VERA, webhooks=())
    goblin = rounds.begin(sandbox, rounds.GOBLIN, webhooks=())
    sandbox.fault(kind="status", status=403, times=-1,
                  match={"call": "merge", "id": begun["zendesk_user_id"]},
                  body={"error": {"title": "Forbidden", "message": "No."}})
    rounds.trigger(reunite, begun)
    # Who was let before the refusal says nothing about it.
    harness.wait_until(lambda: "merge" in rounds.calls(sandbox, "zendesk"),
                       what="the refusal")
    rounds.trigger(reunite, goblin)
    harness.wait_until(reunite.reviews, what="the review")
    assert reunite.reviews()[0]["reasons"] == ["merge_refused"]
    reunite.idle()
    assert rounds.merges(sandbox) == [
        (goblin["zendesk_user_id"], rounds.GOBLIN_PROFILE)]
    assert reunite.events("account_held") == []


# --- what shows late ---


def test_the_identity_moves_late(sandbox, daemon):
    sandbox.settings(identity_move_lag_ms=1400)
    owner = vera(sandbox)
    reunite = daemon(fast=SLOWER)
    begun = rounds.begin(sandbox, VERA)
    entry = rounds.merged_once(sandbox, reunite, begun, owner)
    assert entry["reasons"] == ["email_match_verified"]
    assert rounds.calls(sandbox, "zendesk")["user_get"] > 2
    assert sandbox.user(owner)["external_id"] == VERA["external_id"]


def test_the_identity_does_not_move(sandbox, daemon):
    sandbox.settings(messaging_identity_moves=False)
    owner = vera(sandbox)
    reunite = daemon(fast=FAST)
    begun = rounds.begin(sandbox, VERA)
    entry = rounds.decision(reunite)
    assert entry["status"] == "done"
    assert "identity_not_moved" in entry["reasons"]
    assert rounds.merges(sandbox) == [(begun["zendesk_user_id"], owner)]


def test_the_external_id_is_freed_late(sandbox, daemon):
    sandbox.settings(external_id_release_lag_ms=1400,
                     user_update_limits=False)
    owner = vera(sandbox)
    reunite = daemon(fast=SLOWER)
    begun = rounds.begin(sandbox, VERA)
    entry = rounds.merged_once(sandbox, reunite, begun, owner)
    assert entry["reasons"] == ["email_match_verified"]
    assert sandbox.user(owner)["external_id"] == VERA["external_id"]
    assert "user_update 422" in rounds.writes(sandbox)


def test_the_external_id_is_not_freed(sandbox, daemon):
    sandbox.settings(external_id_release_lag_ms=60000,
                     user_update_limits=False)
    owner = vera(sandbox)
    reunite = daemon(fast=FAST)
    begun = rounds.begin(sandbox, VERA)
    entry = rounds.merged_once(sandbox, reunite, begun, owner)
    assert "external_id_not_pinned" in entry["reasons"]
    assert sandbox.user(owner)["external_id"] is None


def young_profile(sandbox, lag_ms):
    """A customer whom searches do not see yet."""
    sandbox.settings(index_lag_ms=lag_ms)
    reply = sandbox.zendesk.post("/api/v2/users", {"user": {
        "name": "Vera Visitor", "email": ADDRESS, "verified": True}})
    assert reply.status == 201
    return reply.json["user"]["id"]


def test_the_index_lags(sandbox, daemon):
    reunite = daemon(fast=FAST, settle_after="1m")
    owner = young_profile(sandbox, 60000)
    begun = rounds.begin(sandbox, VERA)
    harness.wait_until(
        lambda: "identity_create 422" in rounds.writes(sandbox),
        what="the address to be taken")
    sandbox.settings(index_lag_ms=0)
    reunite.decided_as("merge")
    reunite.idle()
    assert rounds.merges(sandbox) == [(begun["zendesk_user_id"], owner)]
    assert [e["status"] for e in reunite.journal()] == ["failed", "done"]
    assert rounds.writes(sandbox)[1:3] == ["identity_create 422", "merge 200"]


def test_the_index_lags_for_long(sandbox, daemon):
    reunite = daemon(fast=FAST, settle_after="2s")
    young_profile(sandbox, 60000)
    rounds.begin(sandbox, VERA)
    harness.wait_until(reunite.reviews, what="the review")
    assert reunite.reviews()[0]["reasons"] == ["address_taken"]
    assert rounds.writes(sandbox)[1:] == ["identity_create 422"] * 3


# --- limits ---


def test_the_limit_is_kept_and_nothing_is_lost(sandbox, daemon):
    """More work than a minute allows (3 s of the sandbox): it is spread, and
    what is left to others is left to them."""
    sandbox.settings(limit=28, window_ms=60000 // FAST, jwt_name=True,
                     user_update_limits=False)
    reunite = daemon(fast=FAST)
    people = [f"Visitor Number {n}" for n in range(8)]
    for n, name in enumerate(people):
        rounds.profile(sandbox, name, f"visitor{n}@people.example")
    for n, name in enumerate(people):
        rounds.begin(sandbox, rounds.jwt(name, f"visitor{n}@people.example"))
    rounds.decision(reunite, len(people))
    assert len(rounds.merges(sandbox)) == len(people)
    assert 429 not in [r["status"] for r in rounds.requests(sandbox)]


def test_an_api_that_is_silent_holds_the_account(sandbox, daemon):
    """Down for everybody: few calls, and on again by itself."""
    sandbox.settings(limit=0, user_update_limits=False)
    sandbox.fault(kind="status", status=503, match={"api": "zendesk"},
                  times=-1)
    reunite = daemon(fast=FAST, requests_per_minute=60000)
    people = [f"Visitor Number {n}" for n in range(20)]
    for n, name in enumerate(people):
        rounds.profile(sandbox, name, f"visitor{n}@people.example")
    for n, name in enumerate(people):
        rounds.begin(sandbox, rounds.jwt(name, f"visitor{n}@people.example"),
                     wait="end")
    harness.wait_until(lambda: held(reunite), what="the hold")
    assert held(reunite) == [("unreachable", "zendesk")]
    sandbox.control("DELETE", "faults")
    harness.wait_until(lambda: len(rounds.merges(sandbox)) == len(people),
                       what="all merges")
    reunite.decided(len(people))
    assert held(reunite) == []
