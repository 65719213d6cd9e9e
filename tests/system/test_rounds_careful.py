"""Whole rounds in which nothing must be changed: refusals, and what a person
has to look at."""

import events
import pytest
import rounds

ADDRESS = "vera@people.example"
VERA = rounds.jwt("Vera Visitor", ADDRESS)


def untouched(sandbox):
    return rounds.writes(sandbox) == [] and rounds.merges(sandbox) == []


def looked_at(sandbox, daemon, action, reason, **settings):
    """Vera's conversation ends like this, and nobody was touched."""
    reunite = daemon(**settings)
    begun = rounds.begin(sandbox, VERA)
    entry = rounds.decision(reunite)
    assert (entry["action"], entry["reason"]) == (action, reason), entry
    assert entry["applied"] is False
    assert untouched(sandbox)
    return reunite, begun, entry


# --- refused: nobody can approve these ---


@pytest.mark.parametrize("fields, reason", [
    ({"role": "agent"}, "profile_is_agent"),
    ({"role": "admin"}, "profile_is_agent"),
    ({"shared": True}, "shared_user"),
], ids=["agent", "admin", "shared"])
def test_refused_profiles(sandbox, daemon, fields, reason):
    owner = rounds.profile(sandbox, "Vera Visitor", ADDRESS, **fields)
    reunite, _, entry = looked_at(sandbox, daemon, "refuse", reason)
    assert entry["profile_id"] == owner
    assert reunite.reviews() == []


def changed_before_the_trigger(sandbox, daemon, **fields):
    reunite = daemon()
    rounds.profile(sandbox, "Vera Visitor", ADDRESS)
    begun = rounds.begin(sandbox, VERA, [])
    reply = sandbox.zendesk.put(f"/api/v2/users/{begun['zendesk_user_id']}",
                                {"user": fields})
    assert reply.status == 200, reply.body
    before = len(rounds.writes(sandbox))
    rounds.trigger(reunite, begun)
    entry = rounds.decision(reunite)
    assert len(rounds.writes(sandbox)) == before
    return reunite, entry


def test_a_suspended_messaging_user_is_refused(sandbox, daemon):
    _, entry = changed_before_the_trigger(sandbox, daemon, suspended=True)
    assert (entry["action"], entry["reason"]) == (
        "refuse", "messaging_user_suspended")


def test_an_agent_who_writes_is_refused(sandbox, daemon):
    """Betty is signed in at the help center as the agent she is."""
    reunite = daemon()
    sandbox.act("conversations", help_center=21100000000088, hand_off="now")
    assert rounds.outcome(reunite) == ("refuse",
                                       "messaging_user_not_end_user")
    assert untouched(sandbox)


# --- review: a person has to look ---


@pytest.mark.parametrize("fields, reason", [
    ({"suspended": True}, "profile_suspended"),
    ({"external_id": "somebody-else"}, "external_id_conflict"),
    ({"brand_id": 4711}, "brand_mismatch"),
    ({"email": None, "identities": [
        {"type": "email", "value": ADDRESS, "verification_method": "none"},
        {"type": "phone_number", "value": "+4912345"}]},
     "profile_unverified_with_other_identities"),
], ids=lambda v: v if isinstance(v, str) else "")
def test_profiles_to_look_at(sandbox, daemon, fields, reason):
    fields = {"email": ADDRESS, **fields}
    owner = sandbox.people({"name": "Vera Visitor", **{
        k: v for k, v in fields.items() if v is not None}})["users"][0]
    reunite, begun, _ = looked_at(sandbox, daemon, "review", reason)
    review = reunite.reviews()[0]
    assert review["messaging_user_id"] == begun["zendesk_user_id"]
    assert review["profile_id"] == owner
    assert review["reasons"] == [reason]


def test_two_profiles_are_ambiguous(sandbox, daemon):
    rounds.profile(sandbox, "Vera Visitor", ADDRESS)
    rounds.profile(sandbox, "Vera V.", "other@people.example",
                   external_id=VERA["external_id"])
    _, _, entry = looked_at(sandbox, daemon, "review", "ambiguous_profile")
    assert "ambiguous_profile" in entry["reasons"]


def test_other_organizations_are_to_look_at(sandbox, daemon):
    rounds.profile(sandbox, "Vera Visitor", ADDRESS, organization_id=77)
    reunite = daemon()
    begun = rounds.begin(sandbox, VERA, [])
    sandbox.zendesk.put(f"/api/v2/users/{begun['zendesk_user_id']}",
                        {"user": {"organization_id": 78}})
    rounds.trigger(reunite, begun)
    assert rounds.outcome(reunite) == ("review", "organization_mismatch")
    assert rounds.merges(sandbox) == []


def test_a_brand_of_the_conversation_is_kept_apart(sandbox, daemon):
    rounds.profile(sandbox, "Vera Visitor", ADDRESS)
    reunite = daemon()
    rounds.begin(sandbox, VERA, brand_id=4711)
    assert rounds.outcome(reunite) == ("review", "brand_mismatch")
    assert untouched(sandbox)


@pytest.mark.parametrize("address, settings", [
    ("info@people.example", {}),
    ("vera@mailinator.example", {"deny_emails": ["*@mailinator.example"]}),
], ids=["role", "pattern"])
def test_denied_addresses(sandbox, daemon, address, settings):
    reunite = daemon(**settings)
    rounds.profile(sandbox, "Vera Visitor", address)
    rounds.begin(sandbox, rounds.jwt("Vera Visitor", address))
    assert rounds.outcome(reunite) == ("review", "email_denied")
    assert untouched(sandbox)


def test_several_addresses_are_ambiguous(sandbox, daemon):
    reunite = daemon()
    begun = rounds.begin(sandbox, VERA, [])
    sunco = sandbox.people(sunco_users=[{
        "authenticated": True, "externalId": "twice", "identities": [
            {"type": "email", "value": ADDRESS, "verification": "embed"},
            {"type": "email", "value": "vera@home.example",
             "verification": "embed"}]}])["sunco_users"][0]
    user = rounds.profile(sandbox, "Vera Visitor", identities=[
        {"type": "messaging", "value": sunco}])
    del begun
    reunite.zendesk(events.trigger(1, user))
    assert rounds.outcome(reunite) == ("review", "ambiguous_address")
    assert untouched(sandbox)


# --- typed addresses ---


def test_a_typed_address_is_reviewed_once_per_profile(sandbox, daemon):
    owner = rounds.profile(sandbox, "Vera Visitor", ADDRESS)
    reunite = daemon()
    first = rounds.typed(sandbox, ADDRESS)
    assert rounds.outcome(reunite) == ("review", "verified_profile_protected")
    second = rounds.typed(sandbox, ADDRESS)
    assert second["sunco_user_id"] != first["sunco_user_id"]
    assert rounds.outcome(reunite, 2)[0] == "review"
    reviews = reunite.reviews()
    assert len(reviews) == 1
    assert reviews[0]["profile_id"] == owner
    assert reviews[0]["attached"] == 1
    assert untouched(sandbox)


def test_a_typed_address_that_nobody_owns_is_let_be(sandbox, daemon):
    reunite = daemon(settle_after="0s")
    rounds.typed(sandbox, "nobody@people.example")
    assert rounds.outcome(reunite) == ("none", "email_not_verified")
    assert reunite.reviews() == []
    assert untouched(sandbox)


def test_typed_addresses_merge_where_the_account_says_so(sandbox, daemon):
    owner = rounds.profile(sandbox, "Vera Visitor", ADDRESS)
    reunite = daemon(email_identities="claim_verified",
                     link_evidence="claimed")
    begun = rounds.typed(sandbox, ADDRESS)
    entry = rounds.merged_once(sandbox, reunite, begun, owner)
    assert (entry["reason"], entry["evidence"]) == (
        "email_match_claimed", "claimed")
    assert sandbox.user(owner)["external_id"] is None


def test_a_login_without_a_verified_address_is_to_look_at(sandbox, daemon):
    rounds.profile(sandbox, "Vera Visitor", ADDRESS)
    reunite = daemon()
    rounds.begin(sandbox, rounds.jwt("Vera Visitor", ADDRESS, verified=False))
    assert rounds.outcome(reunite) == ("review", "email_not_verified")
    assert untouched(sandbox)


# --- a forged body with a valid key ---


def forged(begun, owner):
    """Claims that a stranger is the verified owner of an address."""
    return events.sunco("conversation:create", {
        "conversation": {"id": begun["conversation_id"], "type": "personal"},
        "user": {
            "id": begun["sunco_user_id"], "authenticated": True,
            "externalId": rounds.GOBLIN["external_id"],
            "zendeskId": str(owner),
            "identities": [{"type": "email", "verification": "embed",
                            "value": rounds.GOBLIN["email"]}],
            "profile": {"givenName": "Green", "surname": "Goblin",
                        "email": rounds.GOBLIN["email"]}}})


def test_a_forged_body_changes_nothing(sandbox, daemon):
    reunite = daemon(settle_after="0s")
    begun = rounds.typed(sandbox, "mallory@evil.example", webhooks=[])
    reply = reunite.sunco(forged(begun, rounds.GOBLIN_PROFILE))
    assert reply.json["accepted"] == 1
    rounds.waiting(reunite)
    rounds.trigger(reunite, begun)
    assert rounds.outcome(reunite) == ("none", "email_not_verified")
    assert untouched(sandbox)
    goblin = sandbox.user(rounds.GOBLIN_PROFILE)
    assert [i["type"] for i in goblin["identities"]] == ["email"]


def test_a_forged_trigger_links_no_stranger(sandbox, daemon):
    """Its requester is a customer who never wrote."""
    reunite = daemon(wait_for_user="1s", fast=10)
    rounds.taken(lambda: reunite.zendesk(
        events.trigger(99, rounds.GOBLIN_PROFILE)))
    assert rounds.outcome(reunite) == ("none", "no_messaging_user")
    assert untouched(sandbox)
