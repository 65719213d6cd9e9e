"""Red team: by changing something at the right moment, by patience, and by
way of the people who decide. Each test is one attack."""

import harness
import pytest
import rounds
from attack import (ADDRESS, EXTERNAL_ID, LOOSE, SETTINGS, STRICT, VERA,
                    Victim, addresses_of, becomes, comes, decide, forged,
                    image, review_of, stranger, typed_by, vouched)

every_setting = pytest.mark.parametrize("settings", SETTINGS.values(),
                                        ids=SETTINGS)


def put(sandbox, user_id, **fields):
    """An agent changes somebody."""
    reply = sandbox.zendesk.put(f"/api/v2/users/{user_id}", {"user": fields})
    assert reply.status == 200, reply.body


def asked(sandbox, call, count=1):
    harness.wait_until(
        lambda: [r for r in rounds.requests(sandbox)
                 if r["call"] == call][count - 1:], what=call)


# --- between the look and the change ---


def held_back(sandbox, call="search", ms=3000):
    """The answer is worked out at once, and then held back."""
    sandbox.fault(match={"call": call}, kind="delay", ms=ms)


@every_setting
def test_an_owner_who_becomes_an_agent(sandbox, daemon, settings):
    """Vera is made an agent while the merge is on its way. Zendesk does not
    merge agents; reunite makes a review of that, and after Maria's yes it
    sees for itself."""
    sandbox.fault(match={"call": "merge"}, kind="delay", ms=3000)
    reunite = daemon(**settings)
    victim = Victim(sandbox)
    begun = stranger(sandbox, **vouched(ADDRESS))
    rounds.trigger(reunite, begun)
    harness.wait_until(
        lambda: sandbox.control("GET", "faults")["faults"][0]["hits"],
        what="the merge")
    put(sandbox, victim.id, role="agent")
    assert rounds.outcome(reunite) == ("review", "merge_refused")
    decide(reunite, "approve", review_of(reunite))
    assert rounds.outcome(reunite, 2) == ("refuse", "profile_is_agent")
    assert rounds.merges(sandbox) == []
    assert not rounds.holds(sandbox, victim.id, "messaging",
                            begun["sunco_user_id"])


@every_setting
def test_facts_that_grew_old(sandbox, daemon, settings):
    """Everything speaks for the merge; then an answer takes longer than a
    minute, and meanwhile the address went to somebody else. What was read
    before does not count any more."""
    held_back(sandbox, ms=8000)
    reunite = daemon(**{**settings, "wait_for_user": "30m"}, fast=10)
    victim = Victim(sandbox)
    begun = stranger(sandbox, **vouched(ADDRESS))
    rounds.trigger(reunite, begun)
    asked(sandbox, "search")
    put(sandbox, victim.id, suspended=True)
    victim.before = image(sandbox, victim.id)
    changes = len(rounds.writes(sandbox))
    entry = rounds.decision(reunite)
    assert (entry["action"], entry["reason"]) == (
        "review", "profile_suspended")
    assert len(rounds.writes(sandbox)) == changes
    assert rounds.merges(sandbox) == []
    assert image(sandbox, victim.id) == victim.before


@every_setting
def test_an_index_that_lags(sandbox, daemon, settings):
    """Vera's profile is so new that no search shows it. Mallory, whose login
    lets him choose an address, hopes that nobody owns hers yet. Zendesk
    knows, so it is looked for again."""
    sandbox.settings(index_lag_ms=60000)
    reunite = daemon(**{**settings, "link_evidence": "authenticated",
                        "email_identities": "verified_and_unverified"})
    owner = sandbox.zendesk.post("/api/v2/users", {"user": {
        "name": "Vera Visitor", "email": ADDRESS, "verified": True}}).json
    victim = owner["user"]["id"]
    before = image(sandbox, victim)
    begun = stranger(sandbox, authenticated=True, externalId="mallory-1",
                     profile={"email": ADDRESS})
    rounds.trigger(reunite, begun)
    entry = rounds.decision(reunite)
    assert (entry["action"], entry["reason"]) == ("review", "address_taken")
    assert addresses_of(sandbox, begun["zendesk_user_id"]) == []
    assert image(sandbox, victim) == before
    assert rounds.merges(sandbox) == []


# --- by way of the people who decide ---


@every_setting
def test_a_review_is_not_joined(sandbox, daemon, settings):
    """A good review of Vera's profile is open. Mallory types her address, and
    is attached to it; Maria approves the good one. He is asked about
    again."""
    reunite = daemon(**{**settings, "apply": "review"})
    victim = Victim(sandbox)
    hers = stranger(sandbox, **vouched(ADDRESS, externalId=EXTERNAL_ID))
    comes(reunite, hers)
    review = review_of(reunite)
    his = typed_by(sandbox, ADDRESS)
    comes(reunite, his)
    assert [r["attached"] for r in reunite.reviews()] == [1]
    decide(reunite, "approve", review)
    harness.wait_until(
        lambda: [r for r in reunite.reviews() if r["id"] != review["id"]],
        what="a review of Mallory's")
    reunite.idle()
    assert rounds.merges(sandbox) == [(hers["zendesk_user_id"], victim.id)]
    assert review_of(reunite)["sunco_user_id"] == his["sunco_user_id"]


@every_setting
@pytest.mark.parametrize("then", [
    {"profile": {"email": ADDRESS}},
    {"authenticated": True, "externalId": "mallory-1",
     "profile": {"email": ADDRESS}},
    vouched("other@people.example"),
    vouched(ADDRESS, externalId="mallory-2"),
], ids=["typed", "not vouched", "another address", "another login"])
def test_an_approval_of_what_he_was(sandbox, daemon, settings, then):
    """Maria approves what she saw. Before it is carried out, the person says
    something else: another address, another login, a weaker proof."""
    reunite = daemon(**{**settings, "apply": "review"})
    victim = Victim(sandbox)
    other = Victim(sandbox, "Otto Other", "other@people.example")
    begun = stranger(sandbox, **vouched(ADDRESS))
    comes(reunite, begun)
    review = review_of(reunite)
    becomes(sandbox, begun, **then)
    decide(reunite, "approve", review)
    entry = rounds.decision(reunite, 2)
    assert entry["applied"] is False, entry
    victim.is_untouched()
    other.is_untouched()


@every_setting
def test_an_approval_of_another_adopt(sandbox, daemon, settings):
    """Maria approves that a conversation gets an address which nobody owns.
    Before that, Mallory's login says another one."""
    reunite = daemon(**{**settings, "apply": "review"})
    begun = stranger(sandbox, **vouched("mallory@evil.example"))
    comes(reunite, begun)
    review = review_of(reunite)
    assert review["intended"] == "adopt"
    becomes(sandbox, begun, **vouched("vera@people.example"))
    decide(reunite, "approve", review)
    assert rounds.decision(reunite, 2)["applied"] is False
    assert addresses_of(sandbox, begun["zendesk_user_id"]) == []
    assert rounds.writes(sandbox) == []


@every_setting
@pytest.mark.parametrize("fields", [
    {"suspended": True}, {"external_id": "cust-8"}, {"organization_id": 4711},
    {"email": "mallory@evil.example"}], ids=lambda f: next(iter(f)))
def test_an_approval_of_what_she_was(sandbox, daemon, settings, fields):
    """Vera's profile changes between Maria's look and her yes."""
    sandbox.people(organizations=[{"id": 4711, "name": "Other"}])
    reunite = daemon(**{**settings, "apply": "review"})
    victim = Victim(sandbox)
    comes(reunite, stranger(sandbox, **vouched(ADDRESS)))
    review = review_of(reunite)
    put(sandbox, victim.id, **fields)
    before = len(rounds.writes(sandbox))
    decide(reunite, "approve", review)
    entry = rounds.decision(reunite, 2)
    assert entry["applied"] is False, entry
    assert len(rounds.writes(sandbox)) == before
    assert rounds.merges(sandbox) == []


def test_a_yes_is_said_once(sandbox, daemon):
    """An approved review is approved again, later and for somebody new."""
    reunite = daemon(**{**STRICT, "recheck_after": "0s"})
    victim = Victim(sandbox)
    hers = typed_by(sandbox, ADDRESS)
    comes(reunite, hers)
    review = review_of(reunite)
    decide(reunite, "approve", review)
    rounds.merged_once(sandbox, reunite, hers, victim.id, 2)
    assert decide(reunite, "approve", review, check=False).returncode != 0
    his = typed_by(sandbox, ADDRESS)
    assert comes(reunite, his)["action"] == "review"
    assert decide(reunite, "approve", review, check=False).returncode != 0
    reunite.idle()
    assert rounds.merges(sandbox) == [(hers["zendesk_user_id"], victim.id)]


@every_setting
def test_what_nobody_can_approve(sandbox, daemon, settings):
    """While the review is open the profile becomes an agent's. Maria's yes
    does not make it possible."""
    reunite = daemon(**{**settings, "apply": "review"})
    victim = Victim(sandbox)
    comes(reunite, stranger(sandbox, **vouched(ADDRESS)))
    review = review_of(reunite)
    put(sandbox, victim.id, role="agent")
    before = len(rounds.writes(sandbox))
    decide(reunite, "approve", review)
    entry = rounds.decision(reunite, 2)
    assert (entry["action"], entry["reason"]) == (
        "refuse", "profile_is_agent")
    assert len(rounds.writes(sandbox)) == before


# --- by patience ---


def test_many_conversations_for_one_profile(sandbox, daemon):
    """Where typed addresses do link, Mallory comes again and again: after
    three in a day a person looks, and there is one review, not a hundred."""
    reunite = daemon(**{**LOOSE, "email_identities": "claim_verified"})
    victim = Victim(sandbox)
    for _ in range(3):
        comes(reunite, typed_by(sandbox, ADDRESS))
    comes(reunite, *[typed_by(sandbox, ADDRESS) for _ in range(12)])
    assert len(rounds.merges(sandbox)) == 3
    reviews = reunite.reviews()
    assert [(r["profile_id"], r["attached"]) for r in reviews] == [
        (victim.id, 11)]
    assert "merge_fan_in" in reviews[0]["reasons"]


def test_a_surge_that_hides_one_more(sandbox, daemon):
    """Mallory makes the breaker open, so that everybody's links wait for
    Maria, and hopes that she waves them through. Each is its own review, and
    each says what else speaks against it."""
    reunite = daemon(**{**STRICT, "max_merges_per_hour": 1})
    victim = Victim(sandbox)
    for n in range(4):
        rounds.profile(sandbox, f"Sock Puppet {n}", f"m{n}@evil.example")
        comes(reunite, stranger(sandbox, **vouched(
            f"m{n}@evil.example", externalId=f"m-{n}")))
    comes(reunite, typed_by(sandbox, ADDRESS))
    assert len(rounds.merges(sandbox)) == 1
    hers = [r for r in reunite.reviews() if r["profile_id"] == victim.id]
    assert [set(r["reasons"]) for r in hers] == [
        {"verified_profile_protected", "unauthenticated_email",
         "merge_surge"}]
    victim.is_untouched()


# --- who only watches ---


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_who_observes_writes_nothing(sandbox, daemon, settings):
    """With `apply = observe`, whatever comes: merges, adopts, names, pins,
    notes, typed, vouched, forged, again: no request but reading ones."""
    sandbox.settings(jwt_name=False)
    reunite = daemon(**{**settings, "apply": "observe",
                        "ticket_note": "all"})
    victims = [Victim(sandbox),
               Victim(sandbox, "Otto Other", "otto@people.example",
                      external_id="otto-1")]
    begun = [
        stranger(sandbox, **vouched(ADDRESS)),
        stranger(sandbox, **vouched("nobody@people.example",
                                    externalId="m-2",
                                    profile={"givenName": "Mallory"})),
        stranger(sandbox, authenticated=True, externalId="otto-1"),
        typed_by(sandbox, ADDRESS), typed_by(sandbox, "x@people.example"),
        stranger(sandbox, authenticated=True, externalId="m-3",
                 profile={"givenName": "Mallory"}),
    ]
    comes(reunite, *begun)
    begun.append(rounds.begin(sandbox, VERA, ["sunco", "trigger"]))
    rounds.decision(reunite, len(begun))
    for kind in ("conversation:create", "user:update", "user:remove"):
        reunite.sunco(forged(begun[0], kind, authenticated=True,
                             zendeskId=str(victims[0].id)))
    rounds.decision(reunite, len(begun))
    actions = {e["action"] for e in reunite.journal()}
    assert {"merge", "adopt", "review"} <= actions
    assert {e["applied"] for e in reunite.journal()} == {False}
    assert rounds.writes(sandbox) == []
    for victim in victims:
        victim.is_untouched()
