"""SIGKILL around every step of a note: in the end the agent has it, once."""

import os

import pytest

import crashes
import harness

# Who died waits ten seconds for what it may have sent.
FAST = None if os.environ.get("REUNITE_SANITIZE") == "thread" else 5

POINTS = (
    ["before_ticket_tag"], ["after_ticket_tag"], ["before_ticket_note"],
    ["after_ticket_note"], ["before_note_done"], ["after_note_done"],
    ["after_settle"], ["after_ticket_note", "after_ticket_comments"],
    ["before_ticket_note", "after_ticket_comments"],
    ["before_ticket_note", "after_ticket_note"],
)

pytestmark = pytest.mark.skipif(
    not crashes.points_built(), reason="built without REUNITE_CRASH_POINTS")


def notes(on, begun):
    ticket = next(t for t in on.sandbox.state()["tickets"]
                  if t["id"] == begun["ticket_id"])
    return [c for c in ticket["comments"] if not c["public"]]


def outcome(on):
    return on.rows("SELECT outcome FROM notes")


def live(on, points, faults=()):
    """Dies at each point in a life of its own; then lives on."""
    begun = None
    for fault in faults:
        on.sandbox.fault(**fault)
    for point in points:
        on.start(REUNITE_CRASH_AT=point)
        if not begun:
            on.sandbox.people(crashes.profile("Peter"))
            begun = on.sandbox.act(
                "conversations", jwt=crashes.jwt("Peter"),
                zendesk="duplicate", hand_off="now", webhooks=["trigger"])
        assert on.dies(), on.daemon.log()
        assert len(notes(on, begun)) <= 1
    on.start()
    on.finish()
    harness.wait_until(lambda: outcome(on) == [("told",)],
                       crashes.END_S, "the note")
    return begun


@pytest.mark.parametrize("points", POINTS, ids="_then_".join)
def test_whoever_dies_tells_it_once(tmp_path, points):
    with crashes.stage(tmp_path, fast=FAST, ticket_note="merged") as on:
        begun = live(on, points)
        assert len(notes(on, begun)) == 1
        assert len(on.sandbox.state()["merges"]) == 1


def test_a_note_whose_answer_was_lost_before_the_crash(tmp_path):
    with crashes.stage(tmp_path, fast=FAST, ticket_note="merged") as on:
        begun = live(on, ["after_ticket_note"], [
            {"match": {"call": "ticket_update"}, "kind": "cut_after"}])
        assert len(notes(on, begun)) == 1
        assert on.requests("ticket_update") == 1
