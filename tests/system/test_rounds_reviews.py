"""Rounds that wait for a person, or only watch; the breaker; accounts beside
each other."""

import harness
import pytest
import rounds

pytestmark = pytest.mark.both_stores

ADDRESS = "vera@people.example"
VERA = rounds.jwt("Vera Visitor", ADDRESS)


def vera(sandbox):
    return rounds.profile(sandbox, "Vera Visitor", ADDRESS)


def review_of(reunite):
    return harness.wait_until(reunite.reviews, what="a review")[0]


def decide(reunite, word, review):
    reunite.command("review", word, str(review["id"]), "--by", "maria")


# --- observe ---


@pytest.mark.parametrize("adopt", [False, True], ids=["merge", "adopt"])
def test_observe_only_reads(sandbox, daemon, adopt):
    sandbox.settings(jwt_name=False)
    reunite = daemon(apply="observe")
    if not adopt:
        vera(sandbox)
    rounds.begin(sandbox, VERA)
    entry = rounds.decision(reunite)
    assert entry["action"] == ("adopt" if adopt else "merge")
    assert entry["applied"] is False
    assert rounds.writes(sandbox) == []
    assert reunite.reviews() == []


def test_observe_is_the_default(sandbox, daemon):
    reunite = daemon(apply=None)
    vera(sandbox)
    rounds.begin(sandbox, VERA)
    assert rounds.decision(reunite)["applied"] is False
    assert rounds.writes(sandbox) == []


# --- review ---


def test_an_approved_review_is_carried_out(sandbox, daemon):
    reunite = daemon(apply="review")
    owner = vera(sandbox)
    begun = rounds.begin(sandbox, VERA)
    review = review_of(reunite)
    assert (review["intended"], review["profile_id"]) == ("merge", owner)
    assert rounds.writes(sandbox) == []
    decide(reunite, "approve", review)
    rounds.merged_once(sandbox, reunite, begun, owner, 3)
    assert reunite.reviews() == []


def test_an_approval_waives_what_it_listed(sandbox, daemon):
    """A typed address, checked by a person; no key is handed out for it."""
    reunite = daemon()
    owner = vera(sandbox)
    begun = rounds.typed(sandbox, ADDRESS)
    decide(reunite, "approve", review_of(reunite))
    entry = rounds.merged_once(sandbox, reunite, begun, owner, 3)
    assert entry["evidence"] == "claimed"
    assert sandbox.user(owner)["external_id"] is None


def test_an_approval_does_not_waive_what_came_later(sandbox, daemon):
    reunite = daemon(apply="review")
    owner = vera(sandbox)
    rounds.begin(sandbox, VERA)
    review = review_of(reunite)
    sandbox.zendesk.put(f"/api/v2/users/{owner}",
                        {"user": {"suspended": True}})
    before = rounds.writes(sandbox)
    decide(reunite, "approve", review)
    assert rounds.outcome(reunite, 3) == ("review", "profile_suspended")
    assert rounds.writes(sandbox) == before


def test_a_rejected_pair_is_never_proposed_again(sandbox, daemon):
    sandbox.settings(verified_email_owner="duplicate")
    reunite = daemon(apply="review")
    vera(sandbox)
    begun = rounds.begin(sandbox, VERA)
    decide(reunite, "reject", review_of(reunite))
    assert rounds.outcome(reunite, 2) == ("none", "rejected_before")
    again = sandbox.act("conversations", jwt=VERA, hand_off="now")
    assert again["sunco_user_id"] == begun["sunco_user_id"]
    assert rounds.outcome(reunite, 3) == ("none", "rejected_before")
    assert reunite.reviews() == []
    assert rounds.writes(sandbox) == []


def test_a_rejection_is_about_one_person(sandbox, daemon):
    reunite = daemon()
    owner = vera(sandbox)
    rounds.typed(sandbox, ADDRESS)
    decide(reunite, "reject", review_of(reunite))
    rounds.typed(sandbox, ADDRESS)
    assert review_of(reunite)["profile_id"] == owner


def test_those_attached_are_decided_anew(sandbox, daemon):
    reunite = daemon()
    owner = vera(sandbox)
    first = rounds.typed(sandbox, ADDRESS)
    review = review_of(reunite)
    second = rounds.typed(sandbox, ADDRESS)
    harness.wait_until(lambda: review_of(reunite)["attached"] == 1,
                       what="the second one")
    decide(reunite, "approve", review)
    harness.wait_until(lambda: review_of(reunite)["id"] != review["id"],
                       what="a review of the second one")
    assert review_of(reunite)["messaging_user_id"] == \
        second["zendesk_user_id"]
    reunite.idle()
    assert rounds.merges(sandbox) == [(first["zendesk_user_id"], owner)]


# --- the breaker ---


def test_the_breaker_of_the_hour(sandbox, daemon):
    reunite = daemon(max_merges_per_hour=1)
    owner = vera(sandbox)
    rounds.merged_once(sandbox, reunite, rounds.begin(sandbox, VERA), owner)
    rounds.profile(sandbox, "Willy Visitor", "willy@people.example")
    rounds.begin(sandbox, rounds.jwt("Willy Visitor", "willy@people.example"))
    assert rounds.outcome(reunite, 2) == ("review", "merge_surge")
    assert reunite.metric("reunite_breaker_open", account="acme") == 1
    assert len(rounds.merges(sandbox)) == 1
    decide(reunite, "approve", review_of(reunite))
    assert rounds.outcome(reunite, 4)[0] == "merge"
    assert len(rounds.merges(sandbox)) == 2


def test_the_breaker_of_a_profile(sandbox, daemon):
    reunite = daemon(max_merges_per_profile=1, email_identities="claim_verified",
                     link_evidence="claimed")
    owner = vera(sandbox)
    rounds.merged_once(sandbox, reunite, rounds.typed(sandbox, ADDRESS), owner)
    rounds.typed(sandbox, ADDRESS)
    assert rounds.outcome(reunite, 2) == ("review", "merge_fan_in")
    assert len(rounds.merges(sandbox)) == 1


def test_adopts_count_for_the_breaker(sandbox, daemon):
    reunite = daemon(max_merges_per_hour=1)
    rounds.begin(sandbox, VERA)
    assert rounds.outcome(reunite) == ("adopt", "no_profile")
    rounds.begin(sandbox, rounds.jwt("Willy Visitor", "willy@people.example"))
    assert rounds.outcome(reunite, 2) == ("review", "merge_surge")


def test_a_rush_does_not_slip_through(sandbox, daemon):
    """The places are given out in the store, however many jobs run."""
    sandbox.settings(latency_ms=30)
    reunite = daemon(max_merges_per_hour=3)
    people = [f"visitor{n}@people.example" for n in range(8)]
    for n, address in enumerate(people):
        rounds.profile(sandbox, f"Visitor Number {n}", address)
    for n, address in enumerate(people):
        rounds.begin(sandbox, rounds.jwt(f"Visitor Number {n}", address),
                     wait=False)
    rounds.decision(reunite, 8)
    assert len(rounds.merges(sandbox)) == 3
    assert len(reunite.reviews()) == 5


def test_two_conversations_of_one_profile_follow_one_another(sandbox, daemon):
    sandbox.settings(latency_ms=30)
    reunite = daemon(email_identities="claim_verified",
                     link_evidence="claimed")
    owner = vera(sandbox)
    begun = [rounds.typed(sandbox, ADDRESS, zendesk="duplicate")
             for _ in range(2)]
    rounds.decision(reunite, 2)
    harness.wait_until(lambda: len(rounds.merges(sandbox)) == 2,
                       what="both merges")
    rounds.decision(reunite, 2)
    assert sorted(rounds.merges(sandbox)) == sorted(
        (b["zendesk_user_id"], owner) for b in begun)


# --- several accounts ---


def test_accounts_are_kept_apart(sandbox, other_sandbox, daemon):
    """The same address in both; a conversation in one of them."""
    reunite = daemon(others={"other": other_sandbox})
    owner = vera(sandbox)
    vera(other_sandbox)
    begun = rounds.begin(sandbox, VERA)
    entry = rounds.merged_once(sandbox, reunite, begun, owner)
    assert entry["account"] == "acme"
    assert rounds.requests(other_sandbox) == []
    assert reunite.rows("journal", "list", "--account", "other") == []
    secret = other_sandbox.settings()["zendesk_secret"]
    assert reunite.zendesk({"ticket_id": 1}, secret=secret).status == 401


def test_an_account_in_trouble_leaves_the_other_alone(sandbox, other_sandbox,
                                                      daemon):
    reunite = daemon(others={"other": other_sandbox})
    sandbox.settings(oauth_client_secret="changed-meanwhile")
    sandbox.control("DELETE", "tokens")
    vera(sandbox)
    owner = vera(other_sandbox)
    rounds.begin(sandbox, VERA)
    begun = rounds.begin(other_sandbox, VERA)
    harness.wait_until(
        lambda: reunite.admin.get("/readyz").json["held"], what="the hold")
    reunite.decided()
    assert rounds.merges(other_sandbox) == [(begun["zendesk_user_id"], owner)]
    assert rounds.merges(sandbox) == []
    held, = reunite.admin.get("/readyz").json["held"]
    assert (held["account"], held["api"], held["reason"]) == \
        ("acme", "zendesk", "credentials")
