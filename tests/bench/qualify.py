"""Does a server do the work that it is measured for? Before every life's load:
whoever does not know the secret is refused, what comes is stored, and what
comes twice is stored once. Yardsticks are not asked."""

import base64
import hashlib
import hmac
import http.client
import json
import time

import lab as labs


def post(server, path, body, headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.port,
                                            timeout=30)
    try:
        connection.request("POST", path, body, {
            "Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def sunco(key):
    body = json.dumps(labs.events.sunco("conversation:create", {
        "conversation": {"id": labs.events.event_id(), "type": "personal"},
        "creationReason": "message", "source": {"type": "web"},
        "user": {"id": labs.events.event_id(), "authenticated": False,
                 "profile": {}, "identities": []}}))
    return body.encode(), {"X-API-Key": key}


def trigger(key):
    """Its body is all that it is known by."""
    body = json.dumps(labs.events.trigger(time.time_ns(), 11109600149778))
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    mac = hmac.new(key.encode(), stamp.encode() + body.encode(),
                   hashlib.sha256)
    return body.encode(), {
        "X-Zendesk-Webhook-Signature": base64.b64encode(mac.digest()),
        "X-Zendesk-Webhook-Signature-Timestamp": stamp}


KINDS = {"sunco": (sunco, labs.KEY), "trigger": (trigger, labs.SECRET)}


def expect(what, wanted, got):
    if got != wanted:
        raise RuntimeError(f"{what}: {got} instead of {wanted}")


def one_kind(server, kind):
    make, key = KINDS[kind]
    before = server.stored()
    for _ in range(2):
        body, headers = make("not-" + key)
        expect(f"{kind} with a wrong secret", 401,
               post(server, server.path(kind), body, headers))
    expect(f"{kind} with a wrong secret, stored", before, server.stored())
    body, headers = make(key)
    for n in range(2):
        expect(f"{kind}, time {n + 1}", 200,
               post(server, server.path(kind), body, headers))
        expect(f"{kind}, stored after time {n + 1}", before + 1,
               server.stored())


def qualify(server, subject):
    """How much is stored when it is done; fails if the server does not do
    its work."""
    if subject.kind != "yard":
        for kind in KINDS:
            if kind in subject.bodies:
                one_kind(server, kind)
    return server.stored() or 0
