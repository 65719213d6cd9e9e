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
    sandbox.fault(kind="delay", ms=1000,
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


def test_calls_that_wait_for_the_budget_go_together(sandbox, daemon):
    """Four calls make a merge; with little to spend, fewer do."""
    count = 12
    sandbox.settings(limit=0, rate_headers=False)
    reunite = daemon(fast=3, requests_per_minute=120)
    owners = [rounds.profile(sandbox, f"Munchkin {n}", f"m{n}@oz.example")
              for n in range(count)]
    begun = [sandbox.act("conversations", help_center=owner, hand_off="now",
                         zendesk="duplicate", webhooks=["trigger"])
             for owner in owners]
    reunite.decided(count, 60)
    reunite.idle()
    assert sorted(rounds.merges(sandbox)) == sorted(
        (b["zendesk_user_id"], owner) for b, owner in zip(begun, owners))
    calls = rounds.calls(sandbox, "zendesk")
    assert calls["show_many"] >= 1
    assert calls["merge"] == count
    assert sum(calls.values()) < 4 * count
    entries = reunite.journal()
    assert sum(e["api_calls"] for e in entries) == sum(calls.values())


def test_who_waits_is_not_read_twice(sandbox, daemon):
    """The trigger's job turns out to be that of somebody who waits, and goes
    on as it."""
    reunite = daemon()
    owner, begun = waits_for_the_hand_off(sandbox, reunite)
    waits = rounds.calls(sandbox, "zendesk")
    handed = hand_off(sandbox, begun)
    entry = rounds.merged_once(sandbox, reunite, handed, owner)
    calls = rounds.calls(sandbox, "zendesk")
    calls["search"] -= waits["search"]  # for the holder of the external id
    assert calls == {"user_get": 2, "search": 1, "merge": 1, "user_update": 1}
    assert entry["api_calls"] == 5
    assert rounds.calls(sandbox, "sunco") == {"user_get": 2}
    assert entry["ticket_id"] == handed["ticket_id"]
    assert len(reunite.queue()) == 0
