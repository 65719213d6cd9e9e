"""The smallest whole round: a conversation begins, two users become one."""


def start_goblin(sandbox, **order):
    return sandbox.act("conversations", jwt={
        "external_id": "user_greengoblin@spiderman.example",
        "email": "greengoblin@spiderman.example", "email_verified": True,
        "name": "Green Goblin"}, zendesk="duplicate", **order)


def test_two_users_become_one(sandbox, daemon):
    reunite = daemon()
    begun = start_goblin(sandbox, hand_off="now")
    entry = reunite.decided()[-1]
    assert entry["action"] == "merge"
    assert entry["status"] == "done"
    assert entry["messaging_user_id"] == begun["zendesk_user_id"]
    merges = sandbox.state()["merges"]
    assert [m["from"] for m in merges] == [begun["zendesk_user_id"]]
    survivor = sandbox.user(entry["profile_id"])
    assert begun["sunco_user_id"] in [
        i["value"] for i in survivor["identities"]
        if i["type"] == "messaging"]


def test_a_known_person_costs_no_call(sandbox, daemon):
    reunite = daemon()
    begun = start_goblin(sandbox, hand_off="now")
    reunite.decided()
    reunite.idle()
    before = sandbox.control("GET", "requests")["requests"]
    sandbox.act("conversations", sunco_user_id=begun["sunco_user_id"],
                hand_off="now")
    reunite.idle()
    after = sandbox.control("GET", "requests")["requests"]
    assert len(after) == len(before)
    assert len(reunite.journal()) == 1
