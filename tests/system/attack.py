"""What the red team's tests share: Vera, whose profile is the prize, Mallory,
who wants in, two ways to run reunite, and how to tell that Vera was left
alone."""

import events
import harness
import rounds

ADDRESS = "vera@people.example"
EXTERNAL_ID = "cust-7"
VERA = rounds.jwt("Vera Visitor", ADDRESS, EXTERNAL_ID)

# The defaults but for apply (and waits that a test can afford), and the most
# that somebody sensible allows: what is typed may link, yet not to a proven
# address.
STRICT = {"apply": "auto", "settle_after": "0s", "wait_for_user": "1s"}
LOOSE = {**STRICT, "email_identities": "verified_and_unverified",
         "link_evidence": "claimed", "recover_displaced": True,
         "release_external_id": "auto", "verify_profile_email": True}
SETTINGS = {"strict": STRICT, "loose": LOOSE}

OF_USER = ("name", "external_id", "role", "suspended", "tickets",
           "merged_into", "active", "phone", "tags")


def image(sandbox, user_id):
    """What an attack must not change of somebody."""
    user = sandbox.user(user_id)
    identities = sorted((i["type"], i["value"], str(i.get("verified")))
                        for i in user["identities"])
    return {**{key: user.get(key) for key in OF_USER},
            "identities": identities}


class Victim:
    """A customer of long standing, and how she was before the attack."""

    def __init__(self, sandbox, name="Vera Visitor", email=ADDRESS, **fields):
        self.sandbox = sandbox
        self.id = rounds.profile(sandbox, name, email, **fields)
        self.before = image(sandbox, self.id)

    def is_untouched(self):
        """Nobody was merged with her, nothing of hers was changed or even
        tried."""
        assert image(self.sandbox, self.id) == self.before
        assert self.id not in [side for m in rounds.merges(self.sandbox)
                               for side in m]
        assert [r for r in rounds.requests(self.sandbox, "zendesk")
                if r["method"] != "GET" and r["id"] == self.id] == []


def stranger(sandbox, owns=(), tickets=1, **sunco):
    """Somebody with a conversation, exactly as SunCo would describe him; his
    Zendesk user knows nothing but that conversation, and `owns`."""
    sunco_id = sandbox.people(sunco_users=[sunco])["sunco_users"][0]
    user = rounds.profile(sandbox, "Web User 66aa01", identities=[
        {"type": "messaging", "value": sunco_id}, *owns])
    ids = sandbox.people(tickets=[{"requester_id": user}] * tickets)
    return {"sunco_user_id": sunco_id, "zendesk_user_id": user,
            "ticket_id": (ids["tickets"] or [None])[0],
            "conversation_id": "6a1d3c5e7f9b2d4f00000077"}


def typed_by(sandbox, address, **fields):
    """A stranger who typed it, and stayed anonymous."""
    return stranger(sandbox, profile={"email": address}, **fields)


def vouched(address, by="embed", **fields):
    """A login whose issuer says that the address is the person's."""
    return {"authenticated": True, "externalId": "mallory-1",
            "identities": [{"type": "email", "value": address,
                            "verification": by}], **fields}


def becomes(sandbox, begun, **sunco):
    """SunCo describes the same person differently now."""
    sandbox.people(sunco_users=[{"id": begun["sunco_user_id"], **sunco}])


def comes(reunite, *begun, count=None):
    """The triggers of their tickets; the last decision. A wait is waited
    out: what comes of it must be nothing."""
    before = len(reunite.journal())
    for one in begun:
        rounds.trigger(reunite, one)
    return rounds.decision(reunite, before + (count or len(begun)))


def addresses_of(sandbox, user_id):
    return [i["value"] for i in sandbox.user(user_id)["identities"]
            if i["type"] == "email"]


def review_of(reunite):
    return harness.wait_until(reunite.reviews, what="a review")[0]


def decide(reunite, word, review, check=True):
    return reunite.command("review", word, str(review["id"]), "--by", "maria",
                           check=check)


def forged(begun, kind="conversation:create", **user):
    """A body with a valid key, about him, with whatever is claimed."""
    payload = {"user": {"id": begun["sunco_user_id"], **user}}
    if kind == "conversation:create":
        payload["conversation"] = {"id": begun["conversation_id"],
                                   "type": "personal"}
    if kind == "user:update":
        payload["reason"] = "authentication"
    return events.sunco(kind, payload)
