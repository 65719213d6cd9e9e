"""What a test of a whole round says: who comes, what was called, what came
of it."""

import collections

import events
import harness


def jwt(name, email=None, external_id=None, verified=True):
    """A login; the external id is made from the name."""
    token = {"external_id": external_id or name.lower().replace(" ", "-"),
             "name": name}
    if email:
        token.update(email=email, email_verified=verified)
    return token


GOBLIN_PROFILE = 21100000000011  # of the sandbox's own people
GOBLIN = jwt("Green Goblin", "greengoblin@spiderman.example",
             "user_greengoblin@spiderman.example")


def profile(sandbox, name, email=None, **fields):
    """A customer who has been there for long; the id."""
    user = {"name": name, **fields}
    if email:
        user["email"] = email
    return sandbox.people(user)["users"][0]


def begin(sandbox, who, webhooks=("trigger",), **order):
    """A conversation that is handed off at once; every webhook is taken."""
    order.setdefault("hand_off", "now")
    order.setdefault("zendesk", "duplicate")
    begun = sandbox.act("conversations", jwt=who, webhooks=list(webhooks),
                        **order)
    return delivered(sandbox, begun)


def typed(sandbox, email, name="Somebody", **order):
    """A stranger who types an address into the form."""
    order.setdefault("webhooks", ["trigger"])
    begun = sandbox.act("conversations", typed={"email": email, "name": name},
                        hand_off="now", **order)
    return delivered(sandbox, begun)


def delivery(sandbox, which):
    rows = sandbox.control("GET", "deliveries")["deliveries"]
    return next(row for row in rows if row["id"] == which)


def delivered(sandbox, act):
    """Every webhook is taken, after a 503 when the sandbox sends it again."""
    for webhook in act["webhooks"]:
        assert webhook["status"] in (200, 503), act
    for webhook in act["webhooks"]:
        if webhook["status"] == 503:
            harness.wait_until(
                lambda which=webhook["id"]:
                delivery(sandbox, which)["state"] == "delivered",
                timeout_s=60,  # it is told to come again in 20 s
                what="a webhook to be sent again")
    return act


def accepted(act):
    assert [w["status"] for w in act["webhooks"]] == \
        [200] * len(act["webhooks"]), act
    return act


def trigger(reunite, begun, updated_at="2026-11-22T10:00:00Z"):
    """The ticket trigger of a conversation, sent by the test itself."""
    return taken(lambda: reunite.zendesk(events.trigger(
        begun["ticket_id"], begun["zendesk_user_id"], updated_at)))


def taken(send):
    """A webhook as its provider sends it: a 503 is tried again. Where clocks
    run fast, the store has some milliseconds only before there is one."""
    def answered():
        reply = send()
        return reply if reply.status != 503 else None

    reply = harness.wait_until(answered, what="a webhook to be taken")
    assert reply.status == 200, reply.body
    return reply


def requests(sandbox, api=None):
    """Calls of the two APIs so far, fetching a token left out."""
    return [r for r in sandbox.control("GET", "requests")["requests"]
            if r["call"] != "oauth" and api in (None, r["api"])]


def calls(sandbox, api):
    return dict(collections.Counter(r["call"] for r in requests(sandbox, api)))


def writes(sandbox):
    return [f"{r['call']} {r['status']}" for r in requests(sandbox)
            if r["method"] != "GET"]


def merges(sandbox):
    return [(m["from"], m["into"]) for m in sandbox.state()["merges"]
            if m["by"] == "api"]


def holds(sandbox, user_id, kind, value):
    return value in [i["value"] for i in sandbox.user(user_id)["identities"]
                     if i["type"] == kind]


def decision(reunite, count=1):
    """The last decision, when nothing is left to do or to find out."""
    reunite.decided(count)
    reunite.idle()
    entries = reunite.journal()
    for entry in entries:
        assert entry["status"] in ("done", "failed"), entry
    return entries[-1]


def outcome(reunite, count=1):
    entry = decision(reunite, count)
    return entry["action"], entry["reason"]


def merged_once(sandbox, reunite, begun, profile_id, count=1):
    """One merge, of these two, done; the journal's entry."""
    entry = decision(reunite, count)
    assert (entry["action"], entry["status"]) == ("merge", "done"), entry
    assert entry["messaging_user_id"] == begun["zendesk_user_id"]
    assert entry["profile_id"] == profile_id
    assert merges(sandbox) == [(begun["zendesk_user_id"], profile_id)]
    assert holds(sandbox, profile_id, "messaging", begun["sunco_user_id"])
    return entry


def waiting(reunite):
    """The one job, once it waits."""
    return harness.wait_until(
        lambda: next((j for j in reunite.queue() if j["state"] == "waiting"),
                     None), what="a waiting job")
