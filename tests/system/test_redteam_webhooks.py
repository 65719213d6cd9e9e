"""Red team: by webhooks that are replayed, forged or odd. Whoever has a stale
secret can post any body; it wakes jobs, and is believed in nothing."""

import json
import socket
import urllib.parse

import daemon as daemon_module
import events
import harness
import pytest
import rounds
from attack import (ADDRESS, EXTERNAL_ID, LOOSE, SETTINGS, STRICT, VERA,
                    Victim, comes, decide, forged, image, review_of, stranger,
                    typed_by, vouched)
from hooks import SUNCO, ZENDESK, ago, counts, create, raw_sunco, signed

every_setting = pytest.mark.parametrize("settings", SETTINGS.values(),
                                        ids=SETTINGS)


def mallory(sandbox):
    """A conversation of his that has nothing to do with Vera."""
    return typed_by(sandbox, "mallory@evil.example")


def lookup_only(sandbox):
    assert [r for r in rounds.requests(sandbox) if r["method"] != "GET"] == []


# --- a stale key, a right signature, a false body ---


@every_setting
@pytest.mark.parametrize("kind", ["conversation:create",
                                  "conversation:referral", "user:update",
                                  "switchboard:passControl"])
def test_a_body_that_claims_her_identity(sandbox, daemon, settings, kind):
    """With a key that was never taken out of the configuration, Mallory posts
    that he is Vera, logged in and proven, and that Zendesk knows it."""
    reunite = daemon(**settings)
    victim = Victim(sandbox, external_id=EXTERNAL_ID)
    begun = mallory(sandbox)
    reply = reunite.sunco(forged(
        begun, kind, authenticated=True, externalId=EXTERNAL_ID,
        zendeskId=str(victim.id), profile={"email": ADDRESS},
        identities=[{"type": "email", "value": ADDRESS,
                     "verification": "embed"}]))
    assert reply.json["accepted"] == 1
    entry = comes(reunite, begun)
    assert (entry["action"], entry["evidence"]) == ("none", "claimed")
    lookup_only(sandbox)
    victim.is_untouched()


@every_setting
def test_a_trigger_that_names_her(sandbox, daemon, settings):
    """A trigger body with her profile as the requester, once with her ticket
    and once with his."""
    reunite = daemon(**settings)
    victim = Victim(sandbox)
    begun = mallory(sandbox)
    ticket = sandbox.people(tickets=[{"requester_id": victim.id}])
    before = image(sandbox, victim.id)
    victim.before = before
    for n in (ticket["tickets"][0], begun["ticket_id"]):
        assert counts(reunite.zendesk(events.trigger(n, victim.id))) == (
            1, 0, 0)
    entry = rounds.decision(reunite)
    assert (entry["action"], entry["reason"]) == ("none", "no_messaging_user")
    lookup_only(sandbox)
    victim.is_untouched()


@every_setting
@pytest.mark.parametrize("spelling", [":", "/"])
def test_a_merge_that_never_was(sandbox, daemon, settings, spelling):
    """user.merged says that Mallory's user went into Vera's. reunite knows
    only its own merges by heart: nothing of his is looked for there."""
    reunite = daemon(**settings)
    victim = Victim(sandbox)
    begun = mallory(sandbox)
    for loser, winner in ((begun["zendesk_user_id"], victim.id),
                          (victim.id, begun["zendesk_user_id"])):
        assert reunite.zendesk({
            "type": f"zen:event-type{spelling}user.merged",
            "id": events.event_id(), "account_id": 1,
            "detail": {"id": str(loser), "role": "end-user"},
            "event": {"user": {"id": str(winner)}}}).status == 200
    entry = comes(reunite, begun)
    assert entry["messaging_user_id"] == begun["zendesk_user_id"]
    assert entry["action"] == "none"
    owner = comes(reunite, {"ticket_id": 1, "zendesk_user_id": victim.id})
    assert owner["reason"] == "no_messaging_user"
    victim.is_untouched()


def identity_event(kind, user, identity, what="identity"):
    return {"type": f"zen:event-type:user.{kind}", "id": events.event_id(),
            "account_id": 1, "time": "2026-11-22T10:00:00Z",
            "detail": {"id": str(user), "role": "end-user"},
            "event": {what: identity}}


@every_setting
@pytest.mark.parametrize("kind", ["identity_created", "identity_changed"])
def test_an_identity_that_was_never_hers(sandbox, daemon, settings, kind):
    """An event says that Vera's profile has Mallory's conversation. Zendesk
    is asked, and knows nothing of it."""
    reunite = daemon(**settings)
    victim = Victim(sandbox)
    begun = mallory(sandbox)
    assert reunite.zendesk(identity_event(kind, victim.id, {
        "type": "messaging", "value": begun["sunco_user_id"]})).status == 200
    rounds.decision(reunite)
    assert rounds.merges(sandbox) == []
    victim.is_untouched()


@every_setting
@pytest.mark.parametrize("what, kind", [
    ("identity", "identity_deleted"), ("previous", "identity_changed")])
def test_a_loss_that_was_made_up(sandbox, daemon, settings, what, kind):
    """Events say that Mallory's profile had Vera's address and lost it just
    now, as she logs in for the first time. Even where displaced profiles are
    recovered without a person, hers is not joined with his."""
    sandbox.settings(verified_email_owner="take")
    reunite = daemon(**settings)
    trap = rounds.profile(sandbox, "Mallory", identities=[])
    for event in ("identity_created", kind):
        now = ago(0).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = identity_event(event, trap, {
            "type": "email", "value": ADDRESS, "verified": True,
            "verification_method": "full", "primary": True}, what)
        assert reunite.zendesk({**body, "time": now}).status == 200
    begun = rounds.begin(sandbox, VERA, ["sunco", "trigger"],
                         zendesk="auto")
    rounds.decision(reunite)
    assert rounds.merges(sandbox) == []
    assert not rounds.holds(sandbox, trap, "messaging",
                            begun["sunco_user_id"])


@every_setting
def test_a_removal_does_not_take_a_no_back(sandbox, daemon, settings):
    """Maria rejected the pair. Mallory posts that his SunCo user was removed,
    which erases what is remembered of it, and comes again with the proof
    that he had lacked."""
    reunite = daemon(**{**settings, "recheck_after": "0s",
                        "max_merges_per_hour": 0})
    victim = Victim(sandbox)
    begun = stranger(sandbox, **vouched(ADDRESS))
    assert comes(reunite, begun)["reason"] == "merge_surge"
    decide(reunite, "reject", review_of(reunite))
    reply = reunite.sunco(forged(begun, "user:remove"))
    assert reply.json["accepted"] == 1
    reunite.idle()
    reunite.configure(**{**settings, "recheck_after": "0s"})
    assert reunite.reload()["event"] == "reloaded"
    rounds.trigger(reunite, begun, "2026-11-22T12:00:00Z")
    entry = rounds.decision(reunite, 3)
    assert (entry["action"], entry["reason"]) == ("none", "rejected_before")
    victim.is_untouched()


def test_an_approval_is_not_carried_to_somebody_else(sandbox, daemon):
    """Maria approved Vera's typed address. Before that is carried out (Zendesk
    is in trouble), Mallory, who typed it too, posts that SunCo merged Vera's
    user into his: her job becomes his, her approval must not."""
    reunite = daemon(**STRICT)
    victim = Victim(sandbox)
    hers = typed_by(sandbox, ADDRESS)
    assert comes(reunite, hers)["action"] == "review"
    his = typed_by(sandbox, ADDRESS)
    sandbox.fault(match={"api": "zendesk"}, kind="status", status=503,
                  times=-1)
    decide(reunite, "approve", review_of(reunite))
    harness.wait_until(
        lambda: [j for j in reunite.queue() if j["attempts"] > 0],
        what="a failed attempt")
    reply = reunite.sunco(events.sunco("user:merge", {
        "mergedUsers": {"surviving": {"id": his["sunco_user_id"]},
                        "discarded": {"id": hers["sunco_user_id"]}},
        "reason": "api"}))
    assert reply.json["accepted"] == 1
    sandbox.control("DELETE", "faults")
    rounds.trigger(reunite, his)
    rounds.decision(reunite, 2)
    assert not rounds.holds(sandbox, victim.id, "messaging",
                            his["sunco_user_id"])
    victim.is_untouched()


def test_a_merge_of_sunco_users_that_never_was(sandbox, daemon):
    """Mallory posts that Vera's SunCo user was merged into his while her
    review is open: his conversation gets no part of it."""
    reunite = daemon(**{**STRICT, "apply": "review"})
    victim = Victim(sandbox)
    hers = stranger(sandbox, **vouched(ADDRESS, externalId=EXTERNAL_ID))
    assert comes(reunite, hers)["action"] == "review"
    his = typed_by(sandbox, "mallory@evil.example")
    reunite.sunco(events.sunco("user:merge", {
        "mergedUsers": {"surviving": {"id": his["sunco_user_id"]},
                        "discarded": {"id": hers["sunco_user_id"]}},
        "reason": "api"}))
    rounds.trigger(reunite, his)
    rounds.decision(reunite, 2)
    assert [r for r in reunite.reviews()
            if r["sunco_user_id"] == his["sunco_user_id"]] == []
    victim.is_untouched()


# --- replayed, or for somebody else ---


def test_a_replayed_webhook(sandbox, daemon):
    """The same bytes again, at once and an hour later: once is enough, and
    an hour later the signature is too old."""
    reunite = daemon(**STRICT)
    owner = Victim(sandbox)
    begun = stranger(sandbox, **vouched(ADDRESS))
    body = json.dumps(events.trigger(begun["ticket_id"],
                                     begun["zendesk_user_id"])).encode()
    assert counts(signed(reunite, body)) == (1, 0, 0)
    rounds.merged_once(sandbox, reunite, begun, owner.id)
    before = len(rounds.requests(sandbox))
    assert counts(signed(reunite, body)) == (0, 1, 0)
    assert signed(reunite, body, at=ago(3600)).status == 401
    reunite.idle()
    assert len(rounds.requests(sandbox)) == before


def test_a_webhook_of_another_account(sandbox, other_sandbox, daemon):
    """Mallory is the admin of another account here. What is signed for his
    is worth nothing at Vera's, whatever path he writes."""
    reunite = daemon(**STRICT, others={"other": other_sandbox})
    victim = Victim(sandbox)
    theirs = other_sandbox.settings()
    begun = mallory(sandbox)
    body = json.dumps(events.trigger(1, begun["zendesk_user_id"])).encode()
    assert signed(reunite, body, secret=theirs["zendesk_secret"]).status == 401
    assert reunite.sunco(create(), key=theirs["sunco_secret"]).status == 401
    headers = daemon_module.zendesk_headers(theirs["zendesk_secret"], body)
    for path in ("/webhooks/other/../acme/zendesk",
                 "/webhooks/other%2F..%2Facme/zendesk",
                 "/webhooks/acme%2Fzendesk?account=other",
                 "/webhooks/other/zendesk/../../acme/zendesk",
                 "//webhooks/acme/zendesk", "/webhooks/ACME/zendesk",
                 "/webhooks/acme%00/zendesk", "/webhooks/acme /zendesk"):
        reply = reunite.http.post(urllib.parse.quote(path, "/%?="), body,
                                  headers=headers)
        assert reply.status in (400, 401, 404), path
    assert reunite.queue() == []
    victim.is_untouched()


def test_the_secret_of_the_other_source(sandbox, daemon):
    """SunCo's key is sent with every webhook of SunCo's, so it leaks sooner;
    it opens nothing of Zendesk's, and the other way round."""
    reunite = daemon(**STRICT)
    key = reunite.secrets["sunco_secret"]
    body = b'{"ticket_id":1,"requester_id":2}'
    assert signed(reunite, body, secret=key).status == 401
    assert reunite.http.post(ZENDESK, body, headers={
        "Content-Type": "application/json", "X-API-Key": key}).status == 401
    assert reunite.sunco(create(),
                         key=reunite.secrets["zendesk_secret"]).status == 401
    assert reunite.queue() == []


def raw(reunite, text):
    """Bytes as they are; the status."""
    host, port = reunite.url.split("//")[1].split(":")
    with socket.create_connection((host, int(port)), harness.WAIT_S) as s:
        s.sendall(text)
        answer = b""
        while b"\r\n" not in answer:
            part = s.recv(4096)
            if not part:
                break
            answer += part
    return int(answer.split()[1]) if answer else 0


@pytest.mark.parametrize("first, second", [
    ("right", "wrong"), ("wrong", "right"), ("", "right"), ("right", "")])
def test_two_keys_at_once(sandbox, daemon, first, second):
    """Two X-API-Key headers, one of them right: a proxy in front may have
    looked at the other one."""
    reunite = daemon(**STRICT)
    key = {"right": reunite.secrets["sunco_secret"], "wrong": "wrong",
           "": ""}
    body = json.dumps(create()).encode()
    text = (f"POST {SUNCO} HTTP/1.1\r\nHost: x\r\n"
            f"Content-Type: application/json\r\nConnection: close\r\n"
            f"X-API-Key: {key[first]}\r\nX-API-Key: {key[second]}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body
    assert raw(reunite, text) in (400, 401)
    assert reunite.queue() == []


# --- odd bodies ---


def ids(victim):
    """Ways to write an id that a careless parser takes for hers."""
    n = str(victim)
    return [f"{n}.0", f"{n}e0", f"+{n}", f" {n}", f"{n} ", f"0{n}", f"-{n}",
            f"{n}abc", f"0x{int(n):x}", str(int(n) + 2 ** 64),
            str(-int(n)), f"{n}\u0000", "\uff12" + n[1:], f"{n},1", "NaN",
            "", "9" * 400]


@every_setting
def test_ids_that_a_parser_may_bend(sandbox, daemon, settings):
    """Requester ids with signs, fractions, blanks, overflows: none of them is
    hers, and none is anybody's."""
    reunite = daemon(**settings)
    victim = Victim(sandbox)
    for text in ids(victim.id):
        body = json.dumps({"v": 1, "ticket_id": "1", "requester_id": text})
        assert reunite.zendesk(body.encode()).status == 200
    for number in (f"{victim.id}.5", f"-{victim.id}", "1e400", "true", "{}",
                   "[]", "null", str(victim.id + 2 ** 64)):
        body = '{"v":1,"ticket_id":1,"requester_id":%s}' % number
        assert reunite.zendesk(body.encode()).status == 200
    reunite.idle()
    asked = {r["id"] for r in rounds.requests(sandbox, "zendesk")}
    assert asked <= {None, victim.id}
    assert rounds.merges(sandbox) == []
    victim.is_untouched()


@every_setting
@pytest.mark.parametrize("body", [
    b'{"events":[{"id":"%E","type":"user:update","payload":'
    b'{"reason":"authentication","user":{"id":"%M","id":"%V"}}}]}',
    b'{"events":[{"id":"%E","type":"user:update","type":"user:remove",'
    b'"payload":{"reason":"authentication","user":{"id":"%M"}}}]}',
    b'{"events":[],"events":[{"id":"%E","type":"user:update","payload":'
    b'{"reason":"authentication","user":{"id":"%M","zendeskId":"%Z",'
    b'"zendeskId":%Z}}}]}',
    b'{"events":[{"id":"%E","type":"user:update","payload":'
    b'{"reason":"authentication","user":{"id":"%M","authenticated":"true",'
    b'"identities":[{"type":"email","type":"messaging"}],'
    b'"externalId":"cust-7\\u0000x","profile":{"email":"\\ud83d"}}}}]}',
    b'{"events":[{"id":"%E","type":"user:update","payload":'
    b'{"reason":"authentication","user":{"id":["%V"],"id":{"a":"%V"},'
    b'"i\\u0064":"%M"}}}]}',
    b'\xef\xbb\xbf{"events":[]}', b'{"events":' + b"[" * 60 + b"]" * 60 + b"}",
    b'{"events":' + b"[" * 70000 + b"]" * 70000 + b"}",
    b'{"events":[{"id":"%E","type":"user:update","payload":{"reason":'
    b'"authentication","user":{"id":1e999,"zendeskId":1e999}}}]}',
], ids=["two ids", "two types", "two lists", "odd values", "odd ids", "bom",
        "deep", "deeper", "huge numbers"])
def test_json_that_two_parsers_read_differently(sandbox, daemon, settings,
                                                body):
    """Duplicate keys, escapes, depth, numbers that overflow: whichever is
    read, it says only whom to look up."""
    reunite = daemon(**settings)
    sunco = "6a1d3c5e7f9b2d4f000000ab"
    sandbox.people(sunco_users=[{"id": sunco, **vouched(
        ADDRESS, externalId=EXTERNAL_ID)}])
    victim = Victim(sandbox, external_id=EXTERNAL_ID, identities=[
        {"type": "messaging", "value": sunco}])
    begun = mallory(sandbox)
    for mark, value in ((b"%E", events.event_id()), (b"%V", sunco),
                        (b"%M", begun["sunco_user_id"]),
                        (b"%Z", str(victim.id))):
        body = body.replace(mark, value.encode())
    assert raw_sunco(reunite, body).status in (200, 400)
    comes(reunite, begun)
    assert {e["action"] for e in reunite.journal()} == {"none"}
    lookup_only(sandbox)
    victim.is_untouched()


def test_a_huge_body(sandbox, daemon):
    """More than a megabyte is not read to its end, nor kept."""
    reunite = daemon(**STRICT)
    assert raw_sunco(reunite, b"[" + b" " * (1 << 20) + b"]").status == 413
    assert reunite.queue() == []


@every_setting
def test_a_flood_of_people(sandbox, daemon, settings):
    """One body with a thousand people who do not exist, and Vera's id as the
    Zendesk user of each: a thousand jobs that come to nothing."""
    sandbox.settings(limit=60000)  # else their share takes half a minute
    reunite = daemon(**{**settings, "wait_for_user": "1s"})
    victim = Victim(sandbox)
    body = {"events": [{
        "id": events.event_id(), "type": "conversation:create", "payload": {
            "conversation": {"id": f"6a1d3c5e7f9b2d4f{n:08x}"},
            "user": {"id": f"6a1d3c5e7f9b2d5f{n:08x}",
                     "zendeskId": str(victim.id)}}} for n in range(300)]}
    assert reunite.sunco(body).json["accepted"] == 300
    reunite.decided(300, timeout_s=90)
    rounds.decision(reunite, 300)
    assert {e["reason"] for e in reunite.journal()} == {
        "messaging_user_gone"}
    lookup_only(sandbox)
    victim.is_untouched()


def test_a_flood_of_messages(sandbox, daemon):
    """Messages of people whom nobody waits for cost nothing at all."""
    reunite = daemon(**LOOSE)
    begun = mallory(sandbox)
    body = {"events": [{
        "id": events.event_id(), "type": "conversation:message", "payload": {
            "conversation": {"id": begun["conversation_id"]},
            "message": {"id": f"{n}", "author": {
                "type": "user", "userId": begun["sunco_user_id"]}}}}
        for n in range(500)]}
    assert counts(reunite.sunco(body)) == (0, 0, 500)
    assert reunite.queue() == []
    assert rounds.requests(sandbox) == []


def test_a_flood_of_messages_while_he_is_waited_for(sandbox, daemon):
    """Mallory has no address yet, so his messages count: they are a reason to
    look again soon, but not one look for each."""
    reunite = daemon(**{**LOOSE, "wait_for_user": "30m"})
    begun = stranger(sandbox)
    rounds.trigger(reunite, begun)
    rounds.waiting(reunite)
    for _ in range(20):
        body = {"events": [{
            "id": events.event_id(), "type": "conversation:message",
            "payload": {"conversation": {"id": begun["conversation_id"]},
                        "message": {"id": events.event_id(), "author": {
                            "type": "user",
                            "userId": begun["sunco_user_id"]}}}}
            for n in range(25)]}
        assert reunite.sunco(body).status == 200
    reunite.idle()
    assert len(rounds.requests(sandbox)) < 100


# --- notes ---


def ticket_of(sandbox, ticket_id):
    return next(t for t in sandbox.state()["tickets"] if t["id"] == ticket_id)


@every_setting
@pytest.mark.parametrize("whose", ["typed", "vouched"])
def test_a_note_on_her_ticket(sandbox, daemon, settings, whose):
    """A trigger names Mallory as the requester of Vera's ticket. Her agent
    must not read there who Mallory is, or that he is she, nor Maria be led
    to her ticket and say yes to his."""
    reunite = daemon(**{**settings, "ticket_note": "all"})
    victim = Victim(sandbox)
    rounds.profile(sandbox, "Mallory", "mallory@evil.example")
    begun = typed_by(sandbox, ADDRESS) if whose == "typed" else \
        stranger(sandbox, **vouched("mallory@evil.example"))
    hers = sandbox.people(tickets=[{"requester_id": victim.id}])["tickets"][0]
    victim.before = image(sandbox, victim.id)
    before = ticket_of(sandbox, hers)
    comes(reunite, {**begun, "ticket_id": hers})
    harness.wait_until(lambda: reunite.event("note"), what="the note's end")
    assert ticket_of(sandbox, hers) == before
    assert reunite.event("note")["outcome"] == "foreign"
    victim.is_untouched()


# --- reviews ---


@every_setting
def test_a_review_that_nobody_settled(sandbox, daemon, settings):
    """Mallory's pair waits for Maria. A forged user.merged says that an agent
    merged the two by hand: the question is asked again, nothing is done."""
    reunite = daemon(**settings)
    victim = Victim(sandbox)
    begun = typed_by(sandbox, ADDRESS)
    comes(reunite, begun)
    review = review_of(reunite)
    for loser, winner in ((begun["zendesk_user_id"], victim.id),
                          (victim.id, begun["zendesk_user_id"])):
        assert reunite.zendesk({
            "type": "zen:event-type:user.merged", "id": events.event_id(),
            "account_id": 1, "detail": {"id": str(loser)},
            "event": {"user": {"id": str(winner)}}}).status == 200
    harness.wait_until(lambda: len(reunite.journal()) > 1 and
                       reunite.reviews(), what="the question again")
    reunite.idle()
    again = review_of(reunite)
    assert again["profile_id"] == victim.id
    assert set(again["reasons"]) == set(review["reasons"])
    victim.is_untouched()
