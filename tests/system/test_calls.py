"""What the API calls of a merge are, situation by situation, and in which
order they go."""

import rounds



def peter(sandbox):
    return (rounds.profile(sandbox, "Peter Pan", "peter.pan@island.example"),
            rounds.jwt("Peter Pan", "peter.pan@island.example"))


def order_of(sandbox):
    """The calls as they were answered."""
    return [r["call"] for r in rounds.requests(sandbox)]


def waits_for_the_hand_off(sandbox, reunite):
    """The SunCo event has come and told the address."""
    owner, who = peter(sandbox)
    begun = rounds.begin(sandbox, who, ["sunco"], hand_off="later")
    rounds.waiting(reunite)
    return owner, begun


def hand_off(sandbox, begun):
    return rounds.accepted(sandbox.act(
        "hand-offs", conversation_id=begun["conversation_id"],
        zendesk="duplicate"))


def test_the_owner_is_searched_beside_the_person(sandbox, daemon):
    """SunCo answers late: by then the owners are known, from the address that
    the webhook told."""
    reunite = daemon()
    owner, begun = waits_for_the_hand_off(sandbox, reunite)
    before = len(order_of(sandbox))
    sandbox.fault(kind="delay", ms=400,
                  match={"api": "sunco", "call": "user_get"}, times=-1)
    handed = hand_off(sandbox, begun)
    rounds.merged_once(sandbox, reunite, handed, owner)
    calls = order_of(sandbox)[before:]
    reads = calls[:calls.index("merge")]
    assert reads.count("search") == 1
    assert reads[-1] == "user_get"  # SunCo's
    assert calls[len(reads):] == ["merge", "user_get", "user_update"]


def test_an_address_that_only_a_webhook_tells_is_no_evidence(sandbox, daemon):
    """The person is somebody else by the time of the hand-off."""
    reunite = daemon()
    owner, begun = waits_for_the_hand_off(sandbox, reunite)
    wendy = rounds.profile(sandbox, "Wendy Darling", "wendy@london.example")
    sandbox.people(sunco_users=[{
        "id": begun["sunco_user_id"], "authenticated": True,
        "externalId": "peter-pan", "identities": [
            {"type": "email", "value": "wendy@london.example",
             "verification": "embed"}]}])
    handed = hand_off(sandbox, begun)
    entry = rounds.merged_once(sandbox, reunite, handed, wendy)
    assert entry["reason"] == "email_match_verified"
    assert rounds.calls(sandbox, "zendesk")["search"] >= 2
    assert not rounds.holds(sandbox, owner, "messaging",
                            begun["sunco_user_id"])


def test_a_search_that_fails_early_is_made_again(sandbox, daemon):
    reunite = daemon()
    owner, begun = waits_for_the_hand_off(sandbox, reunite)
    sandbox.fault(kind="status", status=500, match={"call": "search"})
    handed = hand_off(sandbox, begun)
    rounds.merged_once(sandbox, reunite, handed, owner)
    assert reunite.journal()[0]["status"] == "done"
