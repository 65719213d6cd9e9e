"""Whole rounds that end well: from either webhook, in either order, two users
become one, or one gets its address; and how many calls that costs."""

import threading

import events
import harness
import pytest
import rounds

pytestmark = pytest.mark.both_stores

ORDERS = [["trigger"], ["sunco"], ["sunco", "trigger"], ["trigger", "sunco"]]


def peter(sandbox):
    """A customer known by his address only, and his login."""
    return (rounds.profile(sandbox, "Peter Pan", "peter.pan@island.example"),
            rounds.jwt("Peter Pan", "peter.pan@island.example"))


@pytest.mark.parametrize("order", ORDERS, ids="+".join)
def test_a_verified_address_finds_its_owner(sandbox, daemon, order):
    reunite = daemon()
    owner, who = peter(sandbox)
    begun = rounds.begin(sandbox, who, order)
    entry = rounds.merged_once(sandbox, reunite, begun, owner)
    assert entry["reason"] == "email_match_verified"
    assert entry["evidence"] == "verified"
    assert entry["applied"] is True
    assert sandbox.user(owner)["external_id"] == who["external_id"]


@pytest.mark.parametrize("order", [o for o in ORDERS if "trigger" in o],
                         ids="+".join)
def test_the_green_goblin_is_found_by_his_external_id(sandbox, daemon, order):
    reunite = daemon()
    begun = rounds.begin(sandbox, rounds.GOBLIN, order)
    entry = rounds.merged_once(sandbox, reunite, begun,
                               rounds.GOBLIN_PROFILE)
    assert entry["reason"] == "external_id_match"
    goblin = sandbox.user(rounds.GOBLIN_PROFILE)
    assert goblin["external_id"] == rounds.GOBLIN["external_id"]
    assert rounds.writes(sandbox) == ["merge 200"]


def test_both_webhooks_at_the_same_time(sandbox, daemon):
    reunite = daemon()
    owner, who = peter(sandbox)
    begun = rounds.begin(sandbox, who, [])
    senders = [threading.Thread(target=reunite.sunco, args=[
                   events.conversation(sandbox, begun)]),
               threading.Thread(target=rounds.trigger, args=[reunite, begun])]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    rounds.merged_once(sandbox, reunite, begun, owner)


# --- what it costs ---

READ_AND_MERGE = {"user_get": 2, "search": 1, "merge": 1}  # and read back


def cost(sandbox, reunite, begun, owner):
    """The calls of a merge: Zendesk's, SunCo's."""
    entry = rounds.merged_once(sandbox, reunite, begun, owner)
    zendesk = rounds.calls(sandbox, "zendesk")
    assert entry["api_calls"] == sum(zendesk.values())
    return zendesk, rounds.calls(sandbox, "sunco")


def signed_in_at_the_help_center(sandbox):
    """Nothing to pin: Zendesk's own login brings no external id."""
    owner = rounds.profile(sandbox, "Tin Man", "tin@oz.example")
    return owner, sandbox.act("conversations", help_center=owner,
                              hand_off="now", zendesk="duplicate",
                              webhooks=["trigger"])


def test_a_merge_costs_four_calls_and_one(sandbox, daemon):
    reunite = daemon()
    owner, begun = signed_in_at_the_help_center(sandbox)
    assert cost(sandbox, reunite, begun, owner) == (
        READ_AND_MERGE, {"user_get": 1})


def test_a_merge_costs_five_where_searches_bring_no_identities(sandbox,
                                                               daemon):
    sandbox.settings(side_load_search=False, search_decoy_first=False)
    reunite = daemon()
    owner, begun = signed_in_at_the_help_center(sandbox)
    assert cost(sandbox, reunite, begun, owner) == (
        {**READ_AND_MERGE, "identity_list": 1}, {"user_get": 1})


def test_the_pin_costs_one_call_more(sandbox, daemon):
    reunite = daemon()
    owner, who = peter(sandbox)
    begun = rounds.begin(sandbox, who)
    assert cost(sandbox, reunite, begun, owner) == (
        {**READ_AND_MERGE, "user_update": 1}, {"user_get": 1})


def test_the_search_by_external_id_costs_one_call_more(sandbox, daemon):
    reunite = daemon()
    begun = rounds.begin(sandbox, rounds.GOBLIN)
    assert cost(sandbox, reunite, begun, rounds.GOBLIN_PROFILE) == (
        {**READ_AND_MERGE, "search": 2}, {"user_get": 1})


def test_the_other_webhook_costs_nothing_afterwards(sandbox, daemon):
    reunite = daemon()
    owner, who = peter(sandbox)
    begun = rounds.begin(sandbox, who)
    rounds.merged_once(sandbox, reunite, begun, owner)
    before = len(rounds.requests(sandbox))
    reply = reunite.sunco(events.conversation(sandbox, begun))
    assert reply.json == {"accepted": 1, "duplicate": 0, "ignored": 0}
    reunite.idle()
    assert len(rounds.requests(sandbox)) == before


# --- people known to be linked ---


def test_a_known_person_costs_no_call(sandbox, daemon):
    reunite = daemon()
    owner, who = peter(sandbox)
    first = rounds.begin(sandbox, who, ["sunco", "trigger"])
    rounds.merged_once(sandbox, reunite, first, owner)
    before = len(rounds.requests(sandbox))
    second = sandbox.act("conversations", jwt=who, hand_off="now")
    assert second["sunco_user_id"] == first["sunco_user_id"]
    assert second["zendesk_user_id"] == owner
    assert [(w["event"], w["status"]) for w in second["webhooks"]] == [
        ("conversation:create", 200), ("trigger", 200)]
    assert reunite.metric("reunite_webhooks_total", outcome="accepted") == 4
    reunite.idle()
    assert len(rounds.requests(sandbox)) == before
    assert len(reunite.journal()) == 1


def test_a_known_person_is_looked_at_again_in_time(sandbox, daemon):
    reunite = daemon(recheck_after="0s")
    owner, who = peter(sandbox)
    begun = rounds.begin(sandbox, who)
    rounds.merged_once(sandbox, reunite, begun, owner)
    sandbox.act("conversations", jwt=who, hand_off="now")
    assert rounds.outcome(reunite, 2) == ("none", "already_linked")


def test_a_known_person_with_another_address_is_new(sandbox, daemon):
    reunite = daemon()
    owner, who = peter(sandbox)
    begun = rounds.begin(sandbox, who, ["sunco"])
    rounds.merged_once(sandbox, reunite, begun, owner)
    rounds.profile(sandbox, "Wendy Darling", "wendy@london.example")
    sandbox.act("conversations", hand_off="now", jwt={
        **who, "email": "wendy@london.example"})
    entry = rounds.decision(reunite, 2)
    assert (entry["action"], entry["reason"]) == (
        "review", "messaging_user_established")
    assert len(rounds.merges(sandbox)) == 1


def test_a_late_trigger_of_the_absorbed_user_is_about_the_survivor(sandbox,
                                                                  daemon):
    reunite = daemon(recheck_after="0s")
    owner, who = peter(sandbox)
    begun = rounds.begin(sandbox, who)
    rounds.merged_once(sandbox, reunite, begun, owner)
    rounds.trigger(reunite, begun, updated_at="2026-11-22T11:00:00Z")
    entry = rounds.decision(reunite, 2)
    assert entry["reason"] == "already_linked"
    assert entry["messaging_user_id"] == owner


# --- nobody owns the address ---


def nobody(sandbox, **order):
    """A login whose address and name Zendesk does not take over."""
    sandbox.settings(jwt_name=False)
    return rounds.begin(sandbox, rounds.jwt(
        "Captain Hook", "hook@island.example"), **order)


def test_nobody_owns_the_address(sandbox, daemon):
    reunite = daemon()
    begun = nobody(sandbox)
    entry = rounds.decision(reunite)
    assert (entry["action"], entry["reason"]) == ("adopt", "no_profile")
    assert entry["applied"] is True
    assert entry["profile_id"] is None
    hook = sandbox.user(begun["zendesk_user_id"])
    assert hook["name"] == "Captain Hook"
    address = [i for i in hook["identities"] if i["type"] == "email"]
    assert [(i["value"], i["verified"]) for i in address] == [
        ("hook@island.example", True)]
    assert rounds.writes(sandbox) == ["identity_create 201",
                                      "user_update 200"]
    assert rounds.merges(sandbox) == []


def test_nobody_owns_the_address_and_the_name_stays(sandbox, daemon):
    reunite = daemon(complete_name=False)
    begun = nobody(sandbox)
    assert rounds.outcome(reunite) == ("adopt", "no_profile")
    assert sandbox.user(begun["zendesk_user_id"])["name"].startswith(
        "Web User ")
    assert rounds.writes(sandbox) == ["identity_create 201"]


def test_a_login_that_nobody_vouches_for_adopts_unverified(sandbox, daemon):
    sandbox.settings(email_identities="verified_and_unverified")
    reunite = daemon(email_identities="verified_and_unverified",
                     link_evidence="authenticated")
    begun = rounds.begin(sandbox, rounds.jwt(
        "Captain Hook", "hook@island.example", verified=False))
    assert rounds.outcome(reunite) == ("adopt", "no_profile")
    address = [i for i in sandbox.user(begun["zendesk_user_id"])["identities"]
               if i["type"] == "email"]
    assert [i["verified"] for i in address] == [False]


def test_what_zendesk_did_itself_is_left_alone(sandbox, daemon):
    reunite = daemon()
    begun = rounds.begin(sandbox, rounds.jwt(
        "Captain Hook", "hook@island.example"), zendesk="auto")
    assert rounds.outcome(reunite) == ("none", "already_linked")
    assert rounds.holds(sandbox, begun["zendesk_user_id"], "email",
                        "hook@island.example")
    assert rounds.writes(sandbox) == []


def test_a_made_up_name_is_completed_even_without_a_merge(sandbox, daemon):
    sandbox.settings(jwt_name=False)
    reunite = daemon()
    begun = rounds.begin(sandbox, rounds.jwt(
        "Captain Hook", "hook@island.example"), zendesk="auto")
    assert rounds.outcome(reunite) == ("none", "already_linked")
    harness.wait_until(
        lambda: sandbox.user(begun["zendesk_user_id"])["name"] ==
        "Captain Hook", what="the name")
    assert rounds.writes(sandbox) == ["user_update 200"]


def test_the_requester_counts_more_than_suncos_idea_of_it(sandbox, daemon):
    """Signed in at the help center, SunCo names the profile as its user; the
    conversation's own is another one, which only the trigger names."""
    reunite = daemon()
    owner = rounds.profile(sandbox, "Tin Man", "tin@oz.example")
    begun = sandbox.act("conversations", help_center=owner, hand_off="later",
                        webhooks=["sunco"])
    rounds.waiting(reunite)
    handed = sandbox.act("hand-offs", zendesk="duplicate",
                         conversation_id=begun["conversation_id"])
    rounds.merged_once(sandbox, reunite, handed, owner)
