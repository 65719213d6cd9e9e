"""What agents see: an internal note and a tag on the ticket."""

import harness
import pytest
import rounds

ADDRESS = "vera@people.example"
VERA = rounds.jwt("Vera Visitor", ADDRESS)
TAGS = ("reunite_linked", "reunite_review", "reunite_not_linked")


def vera(sandbox):
    return rounds.profile(sandbox, "Vera Visitor", ADDRESS)


def ticket(sandbox, ticket_id):
    return next(t for t in sandbox.state()["tickets"] if t["id"] == ticket_id)


def notes(sandbox, ticket_id):
    return [c["body"] for c in ticket(sandbox, ticket_id)["comments"]
            if "reunite journal" in c["body"]]


def told(sandbox, ticket_id, count=1):
    """The ticket's last note, once it has so many; all are internal."""
    harness.wait_until(lambda: len(notes(sandbox, ticket_id)) >= count,
                       what=f"{count} notes")
    found = ticket(sandbox, ticket_id)
    assert len(notes(sandbox, ticket_id)) == count, found
    assert not [c for c in found["comments"]
                if c["public"] and "reunite" in c["body"]]
    return notes(sandbox, ticket_id)[-1]


def tags(sandbox, ticket_id):
    return [t for t in ticket(sandbox, ticket_id)["tags"] if t in TAGS]


def test_a_merge(sandbox, daemon):
    reunite = daemon(ticket_note="merged")
    owner = vera(sandbox)
    begun = rounds.begin(sandbox, VERA)
    text = told(sandbox, begun["ticket_id"])
    print(text)
    assert f"/agent/users/{owner}" in text
    assert tags(sandbox, begun["ticket_id"]) == ["reunite_linked"]
