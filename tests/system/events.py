"""Webhook bodies that a test sends itself, in the providers' shapes."""

import itertools

_numbers = itertools.count(1)


def event_id():
    """An id as SunCo gives them; never the same twice."""
    return f"6a1d3c5e7f9b2d4f{next(_numbers):08x}"


def sunco(kind, payload, event=None):
    return {"app": {"id": "6a1d3c5e7f9b2d4f6a8c0e12"},
            "webhook": {"id": "6a1d3c5e7f9b2d4f6a8c0e56", "version": "v2"},
            "events": [{"id": event or event_id(), "type": kind,
                        "createdAt": "2026-11-22T10:00:00.000Z",
                        "payload": payload}]}


def full_user(sandbox, sunco_user_id):
    """The user as a webhook with includeFullUser brings it."""
    return next(dict(u) for u in sandbox.state()["sunco_users"]
                if u["id"] == sunco_user_id)


def conversation(sandbox, begun, **changes):
    """conversation:create of a conversation of the sandbox."""
    user = {**full_user(sandbox, begun["sunco_user_id"]), **changes}
    return sunco("conversation:create", {
        "conversation": {"id": begun["conversation_id"], "type": "personal"},
        "creationReason": "message", "user": user,
        "source": {"type": "web"}})


def trigger(ticket_id, requester_id, updated_at="2026-11-22T10:00:00Z"):
    return {"v": 1, "ticket_id": str(ticket_id),
            "requester_id": str(requester_id), "updated_at": updated_at}
