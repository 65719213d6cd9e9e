"""Red team: into Vera's profile by a login, an external id, an id of hers or
a name. Each test is one attack."""

import pytest
import rounds
from attack import (ADDRESS, EXTERNAL_ID, LOOSE, SETTINGS, STRICT, Victim,
                    addresses_of, becomes, comes, decide, forged, image,
                    review_of, stranger, typed_by, vouched)

every_setting = pytest.mark.parametrize("settings", SETTINGS.values(),
                                        ids=SETTINGS)


def left_out(entry):
    """Nothing was to be done with anybody."""
    return entry["action"] in ("none", "wait") and not entry["profile_id"]


# --- external ids ---


@every_setting
@pytest.mark.parametrize("claimed", [EXTERNAL_ID, EXTERNAL_ID.upper()])
def test_an_external_id_without_a_login(sandbox, daemon, settings, claimed):
    """Mallory's anonymous SunCo user carries Vera's external id (set by an
    API, or left behind by a logout); nobody is logged in."""
    reunite = daemon(**settings)
    victim = Victim(sandbox, external_id=EXTERNAL_ID)
    assert left_out(comes(reunite, stranger(sandbox, externalId=claimed)))
    victim.is_untouched()


LIKE_HERS = [
    EXTERNAL_ID + " ", " " + EXTERNAL_ID, EXTERNAL_ID + "\t", "cust-07",
    "cust-7\u0000", "\u212aust-7", "cust\u20107", "cust-\uff17", "cust-7%00",
    "cust-*", "*", "cust-7&query=*", "", "null",
]


@every_setting
def test_external_ids_that_look_alike(sandbox, daemon, settings):
    """Mallory logs in where external ids are names that people choose, and
    chooses one that looks like Vera's, or that a search might widen."""
    reunite = daemon(**settings)
    victim = Victim(sandbox, external_id=EXTERNAL_ID)
    comes(reunite, *[stranger(sandbox, authenticated=True, externalId=like)
                     for like in LIKE_HERS])
    for entry in reunite.journal():
        assert left_out(entry), entry
    victim.is_untouched()


@every_setting
def test_an_external_id_of_somebody_else(sandbox, daemon, settings):
    """The shop's login lets Mallory choose his address, and vouches for it;
    his external id is his own. The two contradict each other."""
    reunite = daemon(**settings)
    victim = Victim(sandbox, external_id=EXTERNAL_ID)
    entry = comes(reunite, stranger(sandbox, **vouched(ADDRESS)))
    assert entry["action"] == "review"
    assert "external_id_conflict" in entry["reasons"]
    victim.is_untouched()


@every_setting
def test_an_external_id_of_his_zendesk_user(sandbox, daemon, settings):
    """The same, but only Mallory's Zendesk user has the other external id,
    and the conversation brings none: it must not get lost in a merge."""
    reunite = daemon(**settings)
    victim = Victim(sandbox, external_id=EXTERNAL_ID)
    begun = stranger(sandbox, **vouched(ADDRESS, externalId=None))
    sandbox.zendesk.put(f"/api/v2/users/{begun['zendesk_user_id']}",
                        {"user": {"external_id": "mallory-1"}})
    entry = comes(reunite, begun)
    assert entry["action"] == "review"
    assert "external_id_conflict" in entry["reasons"]
    victim.is_untouched()


@every_setting
def test_a_token_for_another_external_id(sandbox, daemon, settings):
    """A token with Vera's address and Mallory's external id: Zendesk does not
    sign him in (409), so he stays anonymous, and gets nothing."""
    sandbox.settings(reject_conflicting_jwt=True)
    reunite = daemon(**settings)
    victim = Victim(sandbox, external_id=EXTERNAL_ID)
    sandbox.people(sunco_users=[vouched(ADDRESS, externalId=EXTERNAL_ID)])
    begun = sandbox.act("conversations", hand_off="now",
                        webhooks=["sunco", "trigger"],
                        jwt=rounds.jwt("Mallory", ADDRESS, "mallory-1"))
    assert begun["login"] == "rejected"
    rounds.decision(reunite)
    assert rounds.merges(sandbox) == []
    victim.is_untouched()


@every_setting
def test_his_external_id_is_pinned_to_nobody(sandbox, daemon, settings):
    """Vera has no external id. Whatever Mallory brings that is not verified
    must never leave his there, or his next login would be hers."""
    reunite = daemon(**{**settings, "email_identities": "claim_verified"})
    victim = Victim(sandbox)
    comes(reunite, stranger(
        sandbox, authenticated=False, externalId="mallory-1",
        profile={"email": ADDRESS}))
    assert sandbox.user(victim.id)["external_id"] is None


# --- the address of a profile, after a login ---


def test_an_address_set_after_the_login(sandbox, daemon):
    """Mallory logs in as himself, without an address, and then writes Vera's
    into his SunCo profile, as any client can."""
    reunite = daemon(**STRICT)
    victim = Victim(sandbox)
    entry = comes(reunite, stranger(
        sandbox, authenticated=True, externalId="mallory-1",
        profile={"email": ADDRESS}))
    assert (entry["action"], entry["evidence"]) == ("review", "authenticated")
    assert entry["reason"] == "email_not_verified"
    victim.is_untouched()


def test_an_address_set_after_the_login_counts_where_it_is_trusted(sandbox,
                                                                   daemon):
    """`link_evidence = authenticated` trusts exactly this; it hands out no
    key: nothing is pinned."""
    reunite = daemon(**{**STRICT, "link_evidence": "authenticated"})
    victim = Victim(sandbox)
    entry = comes(reunite, stranger(
        sandbox, authenticated=True, externalId="mallory-1",
        profile={"email": ADDRESS}))
    assert (entry["action"], entry["reason"]) == (
        "merge", "email_match_authenticated")
    assert sandbox.user(victim.id)["external_id"] is None


@every_setting
def test_an_address_set_beside_a_proven_one(sandbox, daemon, settings):
    """Mallory's own address is proven; then he writes Vera's into his
    profile. What is proven wins."""
    reunite = daemon(**settings)
    victim = Victim(sandbox)
    begun = stranger(sandbox, **vouched("mallory@evil.example",
                                        profile={"email": ADDRESS}))
    assert comes(reunite, begun)["action"] == "adopt"
    assert addresses_of(sandbox, begun["zendesk_user_id"]) == [
        "mallory@evil.example"]
    victim.is_untouched()


@every_setting
def test_an_identity_that_nobody_proved(sandbox, daemon, settings):
    """The identity holds Vera's address, but its verification is none that
    reunite knows, however promising it sounds."""
    reunite = daemon(**settings)
    victim = Victim(sandbox)
    comes(reunite, *[
        stranger(sandbox, **vouched(ADDRESS, by=how, externalId=f"m-{how}"))
        for how in ("Embed", "SSO", "sso ", "jwt", "verified", "full", "",
                    None)])
    assert {(e["action"], e["evidence"]) for e in reunite.journal()} == {
        ("review", "claimed")}
    victim.is_untouched()


@every_setting
def test_a_proof_without_a_login(sandbox, daemon, settings):
    """The proven identity is still there after a logout, when somebody else
    sits at the device."""
    reunite = daemon(**settings)
    victim = Victim(sandbox)
    entry = comes(reunite, stranger(
        sandbox, **vouched(ADDRESS, authenticated=False)))
    assert (entry["action"], entry["evidence"]) == ("review", "claimed")
    victim.is_untouched()


# --- ids of hers ---


@every_setting
def test_suncos_idea_of_the_zendesk_user(sandbox, daemon, settings):
    """SunCo says that Mallory's user is Vera's in Zendesk. Her profile does
    not carry his conversation, so it is not his."""
    reunite = daemon(**settings)
    victim = Victim(sandbox)
    sunco = sandbox.people(sunco_users=[{
        "authenticated": True, "externalId": "mallory-1",
        "zendeskId": str(victim.id),
        "profile": {"email": "mallory@evil.example",
                    "givenName": "Mallory"}}])["sunco_users"][0]
    reply = reunite.sunco(forged(
        {"sunco_user_id": sunco, "conversation_id": "6a1d3c5e7f9b2d4f00000078"},
        zendeskId=str(victim.id)))
    assert reply.json["accepted"] == 1
    entry = rounds.decision(reunite)
    assert (entry["action"], entry["reason"]) == ("none", "no_messaging_user")
    victim.is_untouched()


@every_setting
def test_an_external_id_that_is_a_sunco_id(sandbox, daemon, settings):
    """SunCo looks users up by id or by external id: Mallory's external id is
    Vera's SunCo id, so that whoever asks for her may get him."""
    reunite = daemon(**settings)
    sunco = "6a1d3c5e7f9b2d4f000000aa"
    victim = Victim(sandbox, identities=[{"type": "messaging",
                                          "value": sunco}])
    sandbox.people(sunco_users=[{
        "authenticated": True, "externalId": sunco,
        "identities": [{"type": "email", "value": "mallory@evil.example",
                        "verification": "embed"}]}])
    reunite.zendesk({"v": 1, "ticket_id": "1",
                     "requester_id": str(victim.id)})
    rounds.decision(reunite)
    assert rounds.merges(sandbox) == []
    victim.is_untouched()


# --- names ---

NAMES = [
    "{{ticket.requester.email}}", "\u202eareV", "Vera\nVisitor", "\u0000Vera",
    '","email":"vera@people.example","x":"', "<img src=x onerror=alert(1)>",
    "V" * 400, "\u0435" * 300, "Robert'); DROP TABLE users;--", "\U0001f600",
]


@every_setting
def test_a_name_with_something_in_it(sandbox, daemon, settings):
    """Mallory's name is a placeholder, a script, JSON, far too long. It is
    given to his own user as a name, or not at all; nothing else changes."""
    sandbox.settings(user_update_limits=False)
    reunite = daemon(**settings)
    victim = Victim(sandbox)
    begun = [stranger(sandbox, **vouched(
        f"mallory{n}@evil.example", externalId=f"mallory-{n}",
        profile={"givenName": name})) for n, name in enumerate(NAMES)]
    comes(reunite, *begun)
    assert {e["action"] for e in reunite.journal()} == {"adopt"}
    for n, (one, name) in enumerate(zip(begun, NAMES)):
        user = sandbox.user(one["zendesk_user_id"])
        assert user["name"] in (name, name.replace("\u0000", "\ufffd"),
                                "Web User 66aa01")
        assert user["external_id"] is None
        assert addresses_of(sandbox, user["id"]) == [
            f"mallory{n}@evil.example"]
    victim.is_untouched()


@every_setting
def test_a_name_for_somebody_elses_profile(sandbox, daemon, settings):
    """Zendesk itself put Mallory's anonymous conversation into Vera's profile
    (it may, with claim_verified), and her name there is one that Zendesk
    made up. He does not get to name her."""
    reunite = daemon(**{**settings, "email_identities": "claim_verified"})
    sunco = sandbox.people(sunco_users=[{
        "profile": {"email": ADDRESS, "givenName": "Stupid"}}])
    victim = Victim(sandbox, name="Visitor 123", identities=[
        {"type": "messaging", "value": sunco["sunco_users"][0]}])
    reunite.zendesk({"v": 1, "ticket_id": "1",
                     "requester_id": str(victim.id)})
    assert rounds.outcome(reunite) == ("none", "already_linked")
    victim.is_untouched()


def test_a_name_that_steers_a_terminal(sandbox, daemon):
    """Mallory's name would clear Maria's screen, hide what speaks against him
    and write something else. She sees question marks."""
    name = "Vera\x1b[2J\x1b[8m Visitor\r\nReasons: none\u202e\x07\x9b31m\u2066"
    reunite = daemon(**STRICT)
    Victim(sandbox, name=name)
    begun = typed_by(sandbox, ADDRESS)
    sandbox.zendesk.put(f"/api/v2/users/{begun['zendesk_user_id']}",
                        {"user": {"name": name}})
    entry = comes(reunite, begun)
    review = review_of(reunite)
    for command in (["review", "show", str(review["id"])],
                    ["review", "list"], ["journal", "show", str(entry["id"])],
                    ["journal", "list"], ["queue", "list"]):
        shown = reunite.command(*command, "--show-personal-data").stdout \
            if command[0] != "queue" else reunite.command(*command).stdout
        assert shown
        assert [c for c in shown if c in "\u202e\u2066" or
                not c.isprintable() and c not in "\n "] == [], command


# --- what comes again ---


@every_setting
def test_a_rejected_pair_comes_again(sandbox, daemon, settings):
    """Maria said no. Mallory comes again: the same conversation, the address
    in other letters, then verified by a login: never again by itself."""
    reunite = daemon(**{**settings, "recheck_after": "0s"})
    victim = Victim(sandbox)
    begun = typed_by(sandbox, ADDRESS)
    assert comes(reunite, begun)["action"] == "review"
    decide(reunite, "reject", review_of(reunite))
    for n, sunco in enumerate((
            {"profile": {"email": ADDRESS.upper()}},
            {"authenticated": True, "externalId": "mallory-1",
             "profile": {"email": f" {ADDRESS} "}},
            vouched(ADDRESS))):
        becomes(sandbox, begun, **sunco)
        rounds.trigger(reunite, begun, f"2026-11-22T11:0{n}:00Z")
        entry = rounds.decision(reunite, n + 3)
        assert (entry["action"], entry["reason"]) == (
            "none", "rejected_before")
    assert reunite.reviews() == []
    victim.is_untouched()


def test_the_victims_own_login_still_works(sandbox, daemon):
    """After all that Mallory tried, Vera logs in and is herself."""
    sandbox.settings(verified_email_owner="duplicate")
    reunite = daemon(**LOOSE)
    owner = rounds.profile(sandbox, "Vera Visitor", ADDRESS)
    before = image(sandbox, owner)
    comes(reunite, typed_by(sandbox, ADDRESS),
          stranger(sandbox, externalId=EXTERNAL_ID),
          stranger(sandbox, authenticated=True, externalId="mallory-1"))
    assert image(sandbox, owner) == before
    begun = rounds.begin(sandbox, rounds.jwt("Vera Visitor", ADDRESS,
                                             EXTERNAL_ID))
    rounds.merged_once(sandbox, reunite, begun, owner, 4)
    assert sandbox.user(owner)["external_id"] == EXTERNAL_ID
