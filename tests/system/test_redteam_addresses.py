"""Red team: into Vera's profile by an address. Each test is one attack."""

import pytest
import rounds
from attack import (ADDRESS, LOOSE, SETTINGS, STRICT, VERA, Victim,
                    addresses_of, comes, decide, review_of, stranger,
                    typed_by, vouched)

every_setting = pytest.mark.parametrize("settings", SETTINGS.values(),
                                        ids=SETTINGS)

# Not Vera's address, however it looks, and none that a search could widen.
LOOK_ALIKES = [
    "v\u0435ra@people.example",  # Cyrillic e
    "vera@p\u0435ople.example",
    "\uff56\uff45\uff52\uff41@people.example",  # full width
    "vera\uff20people.example",
    "ver\u00e1@people.example", "vera\u0301@people.example",
    "vera\u200d@people.example", "vera@people\u200b.example",
    "ve\u00adra@people.example", "\u202evera@people.example",
    "vera@people\u3002example", "vera@people.example\u0000.evil.example",
    "vera@people.example\ufeff", "vera\x01@people.example",
    "vera+news@people.example", "ve.ra@people.example",
    "vera.@people.example", ".vera@people.example",
    "vera@people.example.", "vera@.people.example", "vera@people..example",
    "vera@xn--peple-5qf.example", "vera@people", "@people.example",
    "vera@@people.example", "vera@people.example@evil.example",
    "vera%people.example@evil.example", "vera@[127.0.0.1]",
    '"vera"@people.example', "vera(Vera)@people.example",
    "Vera Visitor <vera@people.example>", "mailto:vera@people.example",
    "vera@people.example,mallory@evil.example",
    "vera@people.example mallory@evil.example",
    "vera@people.example\nbcc: mallory@evil.example",
    "vera" * 59 + "@people.example", "vera" * 60 + "@people.example", "x" * 3000 + "@people.example",
]

SEARCH_TRICKS = [
    "*@people.example", "v*@people.example", "vera@people.*", "*", "?@?.?",
    'x@evil.example" email:"vera@people.example',
    'x" OR email:"vera@people.example', "x@evil.example role:end-user",
    "vera@people.example\\", "-email:x@evil.example", "&role[]=agent@x.y",
    "x@evil.example&external_id=cust-7", "%22%20OR%20@people.example",
    "#@people.example", "'or'1'='1@people.example", "{vera}@people.example",
]


@every_setting
def test_a_typed_address(sandbox, daemon, settings):
    """Mallory types Vera's address into the form before his first message."""
    sandbox.settings(email_identities=settings.get("email_identities",
                                                   "verified_only"))
    reunite = daemon(**settings)
    victim = Victim(sandbox)
    begun = rounds.typed(sandbox, ADDRESS)
    assert rounds.outcome(reunite) == ("review", "verified_profile_protected")
    assert addresses_of(sandbox, begun["zendesk_user_id"]) == []
    victim.is_untouched()


@every_setting
def test_a_typed_address_in_other_letters(sandbox, daemon, settings):
    """The same, in upper case and with blanks around it: the same address,
    the same answer, and one review of all."""
    reunite = daemon(**settings)
    victim = Victim(sandbox)
    ways = ["VERA@PEOPLE.EXAMPLE", " vera@people.example\n",
            "Vera@People.Example\t"]
    comes(reunite, *[typed_by(sandbox, way) for way in ways])
    assert {(e["action"], e["reason"]) for e in reunite.journal()} == {
        ("review", "verified_profile_protected")}
    assert [r["attached"] for r in reunite.reviews()] == [2]
    victim.is_untouched()


@every_setting
@pytest.mark.parametrize("way", ["typed", "vouched"])
def test_addresses_that_look_alike(sandbox, daemon, settings, way):
    """Mallory brings what looks like Vera's address, or contains it: typed,
    or as an address that a careless login vouches for. At best he gets what
    he brought, himself."""
    reunite = daemon(**{**settings, "max_merges_per_hour": 1000})
    victim = Victim(sandbox)
    begun = [typed_by(sandbox, a) if way == "typed" else
             stranger(sandbox, **vouched(a, externalId=f"mallory-{n}"))
             for n, a in enumerate(LOOK_ALIKES)]
    comes(reunite, *begun)
    assert {e["action"] for e in reunite.journal()} <= {"none", "adopt"}
    assert rounds.merges(sandbox) == []
    for one in begun:
        assert ADDRESS not in addresses_of(sandbox, one["zendesk_user_id"])
    victim.is_untouched()


@every_setting
def test_search_operators_in_an_address(sandbox, daemon, settings):
    """Mallory writes Zendesk's search language into the address field. What
    is searched is one quoted word, and what is found must be equal to it."""
    sandbox.settings(search_decoy_first=True)
    reunite = daemon(**{**settings, "max_merges_per_hour": 1000})
    victim = Victim(sandbox)
    comes(reunite, *[stranger(sandbox, **vouched(a, externalId=f"m-{n}"))
                     for n, a in enumerate(SEARCH_TRICKS)])
    assert {e["action"] for e in reunite.journal()} <= {"none", "adopt"}
    assert rounds.merges(sandbox) == []
    victim.is_untouched()


@every_setting
def test_a_search_that_shows_somebody_else_first(sandbox, daemon, settings):
    """Mallory owns visitor@people.example, proven. Zendesk's search by it
    shows Vera, vera.visitor@people.example, before anybody else."""
    sandbox.settings(search_decoy_first=True, search_fuzzy=True)
    reunite = daemon(**settings)
    victim = Victim(sandbox, email="vera.visitor@people.example")
    comes(reunite, stranger(sandbox, **vouched("visitor@people.example")))
    assert reunite.journal()[-1]["action"] == "adopt"
    victim.is_untouched()


@every_setting
def test_a_tag_is_another_address(sandbox, daemon, settings):
    """Mallory's provider delivers vera+m@ to nobody but Vera; the login of
    the shop vouches for it all the same. He gets that address, not hers."""
    reunite = daemon(**settings)
    victim = Victim(sandbox)
    begun = stranger(sandbox, **vouched("vera+m@people.example"))
    assert comes(reunite, begun)["action"] == "adopt"
    assert addresses_of(sandbox, begun["zendesk_user_id"]) == [
        "vera+m@people.example"]
    victim.is_untouched()


@pytest.mark.parametrize("email_identities", [
    "verified_only", "verified_and_unverified", "claim_verified"])
@pytest.mark.parametrize("link_evidence", [
    "verified", "authenticated", "claimed"])
def test_what_is_typed_links_where_the_account_wants_it(
        sandbox, daemon, email_identities, link_evidence):
    """Only where Zendesk's own setting gives proven addresses to whoever
    types them, and reunite is told to do as Zendesk does, is it enough."""
    reunite = daemon(**{**LOOSE, "email_identities": email_identities,
                        "link_evidence": link_evidence})
    victim = Victim(sandbox)
    comes(reunite, typed_by(sandbox, ADDRESS))
    if (email_identities, link_evidence) == ("claim_verified", "claimed"):
        assert [into for _, into in rounds.merges(sandbox)] == [victim.id]
        assert sandbox.user(victim.id)["external_id"] is None
        return
    assert rounds.outcome(reunite)[0] == "review"
    victim.is_untouched()


# --- profiles that were laid out beforehand ---


@every_setting
@pytest.mark.parametrize("bait", [
    {"identities": [{"type": "phone_number", "value": "+4912345"}]},
    {"identities": [{"type": "email", "value": "mallory@evil.example",
                     "verification_method": "full"}]},
    {"identities": [], "external_id": "mallory-1"},
], ids=["phone", "second address", "external id"])
@pytest.mark.parametrize("method", ["none", "low"])
def test_a_profile_laid_out_for_her(sandbox, daemon, settings, bait, method):
    """Mallory had a profile made with Vera's address, unproved, beside
    something that is his. When Vera logs in, her conversation must not end
    in it, or he could read it."""
    sandbox.settings(verified_email_owner="duplicate")
    reunite = daemon(**settings)
    trap = rounds.profile(sandbox, "Mallory", **{**bait, "identities": [
        {"type": "email", "value": ADDRESS, "verification_method": method},
        *bait["identities"]]})
    begun = rounds.begin(sandbox, VERA)
    entry = rounds.decision(reunite)
    assert entry["action"] == "review"
    assert "profile_unverified_with_other_identities" in entry["reasons"]
    assert rounds.merges(sandbox) == []
    assert not rounds.holds(sandbox, trap, "messaging",
                            begun["sunco_user_id"])


@every_setting
def test_an_address_lent_to_the_attacker(sandbox, daemon, settings):
    """Vera's address was added, unproved, to Mallory's profile. Her login
    takes it back, so his profile looks like one that lost its address: she
    must not follow it there."""
    sandbox.settings(events="all", verified_email_owner="take")
    reunite = daemon(**settings)
    trap = rounds.profile(sandbox, "Mallory", identities=[
        {"type": "email", "value": "mallory@evil.example", "primary": True,
         "verification_method": "full"},
        {"type": "email", "value": ADDRESS, "verification_method": "none"}])
    begun = rounds.begin(sandbox, VERA, zendesk="take")
    assert ADDRESS not in addresses_of(sandbox, trap)
    entry = rounds.decision(reunite)
    assert entry["action"] in ("none", "review"), entry
    assert rounds.merges(sandbox) == []
    assert not rounds.holds(sandbox, trap, "messaging",
                            begun["sunco_user_id"])


# --- whom nobody may join ---


@every_setting
@pytest.mark.parametrize("fields, reason", [
    ({"role": "agent"}, "profile_is_agent"),
    ({"role": "admin"}, "profile_is_agent"),
    ({"shared": True}, "shared_user"),
], ids=["agent", "admin", "shared"])
@pytest.mark.parametrize("way", ["typed", "vouched"])
def test_the_address_of_an_agent(sandbox, daemon, settings, fields, reason,
                                 way):
    """Mallory types an agent's address, or has one that was an agent's
    before. It is refused, and there is nothing to approve."""
    reunite = daemon(**settings)
    victim = Victim(sandbox, **fields)
    begun = typed_by(sandbox, ADDRESS) if way == "typed" else \
        stranger(sandbox, **vouched(ADDRESS))
    entry = comes(reunite, begun)
    assert (entry["action"], entry["reason"]) == ("refuse", reason)
    assert reunite.reviews() == []
    victim.is_untouched()


@every_setting
@pytest.mark.parametrize("fields, sunco, reason", [
    ({"suspended": True}, {}, "profile_suspended"),
    ({"brand_id": 4711}, {}, "brand_mismatch"),
    ({}, {"brandId": "4711"}, "brand_mismatch"),
    ({"external_id": "cust-8"}, {}, "external_id_conflict"),
], ids=["suspended", "brand", "brand of the conversation", "external id"])
def test_a_profile_with_a_fence(sandbox, daemon, settings, fields, sunco,
                                reason):
    """Even with a proven address: suspended people, another brand's people
    and people with another external id are not joined without a person."""
    reunite = daemon(**settings)
    victim = Victim(sandbox, **fields)
    entry = comes(reunite, stranger(sandbox, **vouched(ADDRESS, **sunco)))
    assert entry["action"] == "review"
    assert reason in entry["reasons"]
    victim.is_untouched()


@every_setting
@pytest.mark.parametrize("address", ["info@people.example",
                                     "NoReply@people.example",
                                     "hello@people.example"])
def test_a_role_address(sandbox, daemon, settings, address):
    """Mallory reads the shop's info@ mailbox like twenty others, and proves
    that he does."""
    reunite = daemon(**settings)
    victim = Victim(sandbox, email=address.lower())
    entry = comes(reunite, stranger(sandbox, **vouched(address)))
    assert (entry["action"], entry["reason"]) == ("review", "email_denied")
    victim.is_untouched()


@every_setting
def test_two_addresses_at_once(sandbox, daemon, settings):
    """Mallory proves his own address and brings Vera's beside it. That is a
    review without a pair, and approving it does nothing."""
    reunite = daemon(**settings)
    victim = Victim(sandbox)
    comes(reunite, stranger(sandbox, authenticated=True, identities=[
        {"type": "email", "value": "mallory@evil.example",
         "verification": "embed"},
        {"type": "email", "value": ADDRESS, "verification": "embed"}]))
    assert rounds.outcome(reunite) == ("review", "ambiguous_address")
    decide(reunite, "approve", review_of(reunite), check=False)
    reunite.idle()
    assert reunite.journal()[-1]["action"] in ("review", "none")
    victim.is_untouched()


@every_setting
def test_an_identity_beside_garbage(sandbox, daemon, settings):
    """Vera's address hides behind an identity that is no address: still two
    different ones."""
    reunite = daemon(**settings)
    victim = Victim(sandbox)
    comes(reunite, stranger(sandbox, authenticated=True, identities=[
        {"type": "email", "value": "not an address",
         "verification": "embed"},
        {"type": "email", "value": ADDRESS, "verification": None}]))
    assert rounds.outcome(reunite) == ("review", "ambiguous_address")
    victim.is_untouched()


@every_setting
def test_a_conversation_that_is_already_somebody(sandbox, daemon, settings):
    """Mallory's own user has an address and a phone number. On a shared
    device it now carries Vera's login: merging would move all of his into
    her profile."""
    reunite = daemon(**settings)
    victim = Victim(sandbox)
    entry = comes(reunite, stranger(
        sandbox, **vouched(ADDRESS), owns=[
            {"type": "email", "value": "mallory@evil.example",
             "verification_method": "full"},
            {"type": "phone_number", "value": "+4912345"}]))
    assert entry["action"] == "review"
    assert "messaging_user_established" in entry["reasons"]
    victim.is_untouched()


def test_a_denied_domain_cannot_be_spelt_around(sandbox, daemon):
    """The account denies a throw-away provider; Mallory writes it in upper
    case and with a tag."""
    reunite = daemon(**{**STRICT, "deny_emails": ["*@mailinator.example"]})
    owner = Victim(sandbox, email="m+1@mailinator.example")
    entry = comes(reunite, stranger(sandbox,
                                    **vouched("M+1@MAILINATOR.Example")))
    assert (entry["action"], entry["reason"]) == ("review", "email_denied")
    owner.is_untouched()


@every_setting
def test_a_rejected_displaced_profile(sandbox, daemon, settings):
    """A login took the address from Vera's profile; Maria said that the two
    are not the same. The person comes again: the no still counts."""
    sandbox.settings(events="all", verified_email_owner="take")
    reunite = daemon(**{**settings, "recheck_after": "0s"})
    rounds.profile(sandbox, "Vera Visitor", ADDRESS, identities=[
        {"type": "phone_number", "value": "+4912345"}])
    begun = rounds.begin(sandbox, VERA, zendesk="take")
    assert rounds.outcome(reunite) == ("review", "displaced_profile")
    decide(reunite, "reject", review_of(reunite))
    rounds.trigger(reunite, begun, "2026-11-22T12:00:00Z")
    assert rounds.outcome(reunite, 3) == ("none", "rejected_before")
    assert reunite.reviews() == []
    assert rounds.merges(sandbox) == []
