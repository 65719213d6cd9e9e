"""A person's word: what an approval covers and when it expires, what it does
to those attached, the pin, what cannot be approved; and that a rejected pair
is never proposed again, by whatever door it comes."""

import attack
import events
import harness
import pytest
import rounds

ADDRESS = "vera@people.example"


def vera(sandbox, **fields):
    return rounds.profile(sandbox, "Vera Visitor", ADDRESS, **fields)


def comes(reunite, begun, at="2026-11-22T10:00:00Z"):
    rounds.trigger(reunite, begun, at)


def asked(reunite, begun):
    """The open review of this conversation."""
    comes(reunite, begun)
    return harness.wait_until(
        lambda: next((r for r in reunite.reviews()
                      if r["sunco_user_id"] == begun["sunco_user_id"]), None),
        what="a review")


def decide(reunite, word, review, *options, check=True):
    return reunite.command("review", word, str(review["id"]), "--by", "maria",
                           *options, check=check)


def again(reunite, begun, before):
    """The same person comes once more; the decision about it."""
    comes(reunite, begun, "2026-11-22T12:00:00Z")
    return rounds.outcome(reunite, before + 1)


# --- an approval ---


def test_who_approved_is_in_the_journal(sandbox, daemon):
    reunite = daemon()
    owner = vera(sandbox)
    begun = attack.typed_by(sandbox, ADDRESS)
    review = asked(reunite, begun)
    decide(reunite, "approve", review)
    rounds.merged_once(sandbox, reunite, begun, owner, 3)
    question, approval, merge = reunite.journal()
    assert [e.get("decided_by") for e in (question, approval, merge)] == [
        None, "maria", "maria"]
    assert [e["review_id"] for e in (question, approval, merge)] == [
        review["id"]] * 3
    assert (approval["action"], approval["status"], approval["note"]) == (
        "review", "done", "Approved.")
    assert "maria" in reunite.command("journal", "list").stdout
    assert "maria" in reunite.command("journal", "show",
                                      str(approval["id"])).stdout


def put(sandbox, user, **fields):
    reply = sandbox.zendesk.put(f"/api/v2/users/{user}", {"user": fields})
    assert reply.status == 200, reply.body


def identity(sandbox, user, **fields):
    reply = sandbox.zendesk.post(f"/api/v2/users/{user}/identities",
                                 {"identity": fields})
    assert reply.status == 201, reply.body


def verify(sandbox, user):
    number = sandbox.user(user)["identities"][0]["id"]
    reply = sandbox.zendesk.put(
        f"/api/v2/users/{user}/identities/{number}/verify")
    assert reply.status == 200, reply.body


CHANGES = {
    "external id": (lambda s, owner, begun: put(s, owner, external_id="k-1"),
                    "the external id of the profile"),
    "identity": (lambda s, owner, begun: identity(
        s, owner, type="email", value="vera2@people.example"),
        "the identities of the profile"),
    "verified": (lambda s, owner, begun: verify(s, owner),
                 "the identities of the profile"),
    "suspended": (lambda s, owner, begun: put(s, owner, suspended=True),
                  "the standing of the profile"),
    "agent": (lambda s, owner, begun: put(s, owner, role="agent"),
              "the standing of the profile"),
    "the user": (lambda s, owner, begun: put(
        s, begun["zendesk_user_id"], external_id="k-2"),
        "the external id of the conversation's user"),
    "login": (lambda s, owner, begun: attack.becomes(
        s, begun, authenticated=True, profile={"email": ADDRESS}),
        "the evidence, the login"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_approval_expires_when_a_side_changed(sandbox, daemon, change):
    apply, what = CHANGES[change]
    reunite = daemon()
    owner = rounds.profile(sandbox, "Vera Visitor", identities=[
        {"type": "email", "value": ADDRESS, "verified": False}])
    begun = attack.typed_by(sandbox, ADDRESS)
    review = asked(reunite, begun)
    apply(sandbox, owner, begun)
    decide(reunite, "approve", review)
    entry = rounds.decision(reunite, 3)
    assert entry["action"] in ("review", "refuse")
    assert entry["note"] == ("The approval by maria expired, because one of "
                             f"the two changed since: {what}.")
    assert rounds.merges(sandbox) == []
    for new in reunite.reviews():
        assert new["id"] != review["id"]
        shown = reunite.command("review", "show", str(new["id"])).stdout
        assert "The approval by maria expired" in shown


def test_what_nobody_was_shown_cannot_be_approved(sandbox, daemon):
    """The profile changes while the review is open, and the conversation comes
    again: another question, with another number."""
    reunite = daemon()
    owner = vera(sandbox)
    begun = attack.typed_by(sandbox, ADDRESS)
    seen = asked(reunite, begun)
    identity(sandbox, owner, type="email", value="vera2@people.example")
    comes(reunite, begun, "2026-11-22T11:00:00Z")
    new = harness.wait_until(
        lambda: next((r for r in reunite.reviews() if r["id"] != seen["id"]),
                     None), what="the new question")
    refused = decide(reunite, "approve", seen, check=False)
    assert refused.returncode == 1
    assert "the review is expired" in refused.stderr
    assert rounds.merges(sandbox) == []
    decide(reunite, "approve", new)
    rounds.merged_once(sandbox, reunite, begun, owner, 4)


def test_what_does_not_matter_does_not_expire_it(sandbox, daemon):
    reunite = daemon()
    owner = vera(sandbox)
    begun = attack.typed_by(sandbox, ADDRESS)
    review = asked(reunite, begun)
    put(sandbox, owner, name="Vera V. Visitor", tags=["new"], notes="new")
    decide(reunite, "approve", review)
    rounds.merged_once(sandbox, reunite, begun, owner, 3)


def test_the_profile_was_merged_elsewhere(sandbox, daemon):
    """Its address is the survivor's now: another profile, another question."""
    reunite = daemon()
    owner = vera(sandbox)
    survivor = rounds.profile(sandbox, "Vera Visitor-Smith",
                              "vera.smith@people.example")
    begun = attack.typed_by(sandbox, ADDRESS)
    review = asked(reunite, begun)
    sandbox.act("merges", **{"from": owner, "into": survivor})
    decide(reunite, "approve", review)
    assert rounds.outcome(reunite, 3)[0] == "review"
    assert rounds.merges(sandbox) == []
    assert [r["profile_id"] for r in reunite.reviews()] == [survivor]


def test_the_messaging_user_is_another(sandbox, daemon):
    """An agent merged the conversation's user into somebody: the approval was
    not for her."""
    reunite = daemon()
    vera(sandbox)
    other = rounds.profile(sandbox, "Olga Other", "olga@people.example")
    begun = attack.typed_by(sandbox, ADDRESS)
    review = asked(reunite, begun)
    sandbox.act("merges", **{"from": begun["zendesk_user_id"], "into": other})
    attack.becomes(sandbox, begun, zendeskId=str(other),
                   profile={"email": ADDRESS})
    decide(reunite, "approve", review)
    entry = rounds.decision(reunite, 3)
    assert entry["messaging_user_id"] == other
    assert rounds.merges(sandbox) == []
    assert "expired" in entry["note"]


def test_those_attached_need_one_yes_each(sandbox, daemon):
    """The first merge changes the profile. Those who waited see it as it is
    then, so that a yes to them does not expire at once."""
    reunite = daemon()
    owner = vera(sandbox)
    begun = [attack.typed_by(sandbox, ADDRESS) for _ in range(3)]
    review = asked(reunite, begun[0])
    for n, other in enumerate(begun[1:]):
        comes(reunite, other)
        harness.wait_until(
            lambda: reunite.reviews()[0]["attached"] == n + 1, what="the next")
    merged = []
    for _ in begun:
        decide(reunite, "approve", review)
        merged.append((review["messaging_user_id"], owner))
        harness.wait_until(lambda: rounds.merges(sandbox) == merged,
                           what="the merge")
        reunite.idle()
        review = next(iter(reunite.reviews()), None)
    assert review is None
    assert sorted(u for u, _ in merged) == sorted(
        b["zendesk_user_id"] for b in begun)


# --- the pin ---


def unvouched(sandbox):
    """A login whose issuer does not vouch for the address."""
    return attack.stranger(sandbox, authenticated=True, externalId="cust-7",
                           profile={"email": ADDRESS})


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("api", [False, True])
def test_the_pin_is_named_or_not(sandbox, daemon, named, api):
    reunite = daemon()
    owner = vera(sandbox)
    begun = unvouched(sandbox)
    review = asked(reunite, begun)
    assert review["pin"] == "offered"
    assert "--pin" in reunite.command("review", "show",
                                      str(review["id"])).stdout
    if api:
        reply = reunite.admin.post(f"/api/v1/reviews/{review['id']}/approve",
                                   {"by": "maria", "pin": named})
        assert reply.status == 200
        assert reply.json["state"] == "approved"
    else:
        decide(reunite, "approve", review, *(["--pin"] if named else []))
    rounds.merged_once(sandbox, reunite, begun, owner, 3)
    assert sandbox.user(owner)["external_id"] == ("cust-7" if named else None)


def test_where_nothing_can_be_pinned(sandbox, daemon):
    reunite = daemon()
    vera(sandbox)
    review = asked(reunite, attack.typed_by(sandbox, ADDRESS))
    assert review["pin"] == "none"
    refused = decide(reunite, "approve", review, "--pin", check=False)
    assert refused.returncode == 3
    assert "no external id to pin" in refused.stderr
    assert reunite.reviews() == [review]


# --- what cannot be approved ---


def several_addresses(sandbox):
    return attack.stranger(sandbox, authenticated=True, externalId="cust-7",
                           identities=[
                               {"type": "email", "value": address,
                                "verification": "embed"}
                               for address in (ADDRESS, "v@people.example")])


def test_several_addresses_cannot_be_approved(sandbox, daemon):
    reunite = daemon()
    vera(sandbox)
    begun = several_addresses(sandbox)
    review = asked(reunite, begun)
    assert review["reason"] == "ambiguous_address"
    shown = reunite.command("review", "show", str(review["id"])).stdout
    assert "carries 2 addresses." in shown
    assert "v@people.example" not in shown
    assert "v@people.example" in reunite.command(
        "review", "show", str(review["id"]), "--show-personal-data").stdout
    refused = decide(reunite, "approve", review, check=False)
    assert refused.returncode == 3
    assert "several addresses" in refused.stderr
    reply = reunite.admin.post(f"/api/v1/reviews/{review['id']}/approve",
                               {"by": "maria"})
    assert reply.status == 409
    assert b"several addresses" in reply.body
    assert reunite.reviews() == [review]
    decide(reunite, "reject", review)
    assert again(reunite, begun, 2) == ("none", "rejected_before")
    assert reunite.reviews() == []


def test_who_only_observes_approves_nothing(sandbox, daemon):
    reunite = daemon(apply="observe")
    vera(sandbox)
    review = asked(reunite, attack.typed_by(sandbox, ADDRESS))
    refused = decide(reunite, "approve", review, check=False)
    assert refused.returncode == 3
    assert "only observes" in refused.stderr
    reply = reunite.admin.post(f"/api/v1/reviews/{review['id']}/approve",
                               {"by": "maria"})
    assert reply.status == 409
    assert reunite.reviews() == [review]
    decide(reunite, "reject", review)
    assert reunite.reviews() == []


def test_nobody_decides(sandbox, daemon):
    """The janitor closes it; retention and expiry pass in fast time."""
    reunite = daemon(review_expires="1m", fast=15)
    vera(sandbox)
    review = asked(reunite, attack.typed_by(sandbox, ADDRESS))
    entry = harness.wait_until(
        lambda: next((e for e in reunite.journal()
                      if e["reason"] == "review_expired"), None),
        what="the end of the review")
    assert entry["review_id"] == review["id"]
    assert "decided_by" not in entry
    assert reunite.reviews() == []
    assert reunite.metric("reunite_review_oldest_seconds") == 0


def test_how_long_a_person_has_been_waited_for(sandbox, daemon):
    reunite = daemon(fast=10)
    vera(sandbox)
    review = asked(reunite, attack.typed_by(sandbox, ADDRESS))
    harness.wait_until(
        lambda: reunite.metric("reunite_review_oldest_seconds") > 0,
        what="the age of the review")
    decide(reunite, "reject", review)
    harness.wait_until(
        lambda: reunite.metric("reunite_review_oldest_seconds") == 0,
        what="nobody's age")


# --- a rejection ---


def rejected(sandbox, daemon, **settings):
    reunite = daemon(**settings)
    owner = vera(sandbox)
    begun = attack.typed_by(sandbox, ADDRESS)
    decide(reunite, "reject", asked(reunite, begun))
    return reunite, owner, begun


def stays_rejected(sandbox, reunite, outcome):
    assert outcome == ("none", "rejected_before")
    assert reunite.reviews() == []
    assert rounds.merges(sandbox) == []


def test_rejected_and_again(sandbox, daemon):
    reunite, _, begun = rejected(sandbox, daemon)
    stays_rejected(sandbox, reunite, again(reunite, begun, 2))


def test_rejected_and_another_spelling(sandbox, daemon):
    reunite, _, begun = rejected(sandbox, daemon)
    attack.becomes(sandbox, begun, profile={"email": " Vera@PEOPLE.example "})
    stays_rejected(sandbox, reunite, again(reunite, begun, 2))


def test_rejected_and_logged_in_later(sandbox, daemon):
    reunite, _, begun = rejected(sandbox, daemon)
    attack.becomes(sandbox, begun, **attack.vouched(ADDRESS))
    stays_rejected(sandbox, reunite, again(reunite, begun, 2))


def test_rejected_and_the_profile_merged_elsewhere(sandbox, daemon):
    """An agent's merge, told by user.merged."""
    reunite, owner, begun = rejected(sandbox, daemon)
    survivor = rounds.profile(sandbox, "Vera Visitor-Smith",
                              "vera.smith@people.example")
    sandbox.settings(events="user.merged")
    sandbox.act("merges", **{"from": owner, "into": survivor})
    stays_rejected(sandbox, reunite, again(reunite, begun, 2))


def test_rejected_and_the_person_merged_in_sunco(sandbox, daemon):
    """SunCo discards the one who was rejected for another id of theirs."""
    reunite, _, begun = rejected(sandbox, daemon)
    new = attack.typed_by(sandbox, ADDRESS)
    reply = reunite.sunco(events.sunco("user:merge", {
        "mergedUsers": {
            "surviving": events.full_user(sandbox, new["sunco_user_id"]),
            "discarded": events.full_user(sandbox, begun["sunco_user_id"])},
        "reason": "api"}))
    assert reply.json["accepted"] == 1
    reunite.idle()
    stays_rejected(sandbox, reunite, again(reunite, new, 2))


def test_a_rejected_adopt(sandbox, daemon):
    reunite = daemon(apply="review")
    begun = attack.stranger(sandbox, **attack.vouched("new@people.example"))
    decide(reunite, "reject", asked(reunite, begun))
    stays_rejected(sandbox, reunite, again(reunite, begun, 2))


def test_another_person_is_another_pair(sandbox, daemon):
    reunite, owner, _ = rejected(sandbox, daemon)
    review = asked(reunite, attack.typed_by(sandbox, ADDRESS))
    assert review["profile_id"] == owner


# --- lists ---


def test_lists_are_filtered(sandbox, daemon):
    reunite = daemon()
    vera(sandbox)
    first = asked(reunite, attack.typed_by(sandbox, ADDRESS))
    decide(reunite, "reject", first)
    second = asked(reunite, attack.typed_by(sandbox, ADDRESS))
    rows = lambda *options: [  # noqa: E731
        r["id"] for r in reunite.rows("review", "list", *options)]
    assert rows() == [second["id"]]
    assert rows("--state", "all") == [first["id"], second["id"]]
    assert rows("--state", "all", "--since", second["at"]) == [second["id"]]
    assert rows("--state", "rejected", "--account", "acme") == [first["id"]]
    assert rows("--since", "2099-01-01T00:00:00Z") == []
    items = lambda query: [  # noqa: E731
        r["id"] for r in
        reunite.admin.get("/api/v1/reviews" + query).json["items"]]
    assert items("?state=all") == [first["id"], second["id"]]
    assert items("?state=all&since_ms=4000000000000") == []
    assert reunite.admin.get("/api/v1/reviews?since_ms=x").status == 400
