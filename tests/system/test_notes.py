"""What agents see: an internal note and a tag on the ticket."""

import contextlib
import os
import sqlite3

import harness
import pytest
import rounds

ADDRESS = "vera@people.example"
VERA = rounds.jwt("Vera Visitor", ADDRESS)
TAGS = ("reunite_linked", "reunite_review", "reunite_not_linked")
FAST = 10  # where a lost request has to settle first, or a refusal to last


def vera(sandbox, **fields):
    return rounds.profile(sandbox, "Vera Visitor", ADDRESS, **fields)


def ticket(sandbox, ticket_id):
    return next(t for t in sandbox.state()["tickets"] if t["id"] == ticket_id)


def notes(sandbox, begun):
    return [c["body"] for c in ticket(sandbox, begun["ticket_id"])["comments"]
            if "Recorded as reunite journal" in c["body"]]


def tags(sandbox, begun):
    """Ours."""
    return [t for t in ticket(sandbox, begun["ticket_id"])["tags"]
            if t in TAGS]


def rows(reunite, sql="SELECT ticket_id, outcome FROM notes ORDER BY id"):
    path = os.path.join(reunite.folder, "reunite.db")
    with contextlib.closing(sqlite3.connect(path)) as db:
        return db.execute(sql).fetchall()


def outcomes(reunite, *wanted, timeout_s=harness.WAIT_S):
    """Waits until every note there is has come to this."""
    harness.wait_until(
        lambda: [outcome for _, outcome in rows(reunite)] == list(wanted),
        timeout_s, what=f"notes that are {wanted}")


def told(sandbox, reunite, begun, count=1):
    """The ticket's last note, once it has so many; all are internal."""
    harness.wait_until(
        lambda: [t for t, outcome in rows(reunite) if outcome == "told"]
        .count(begun["ticket_id"]) == count, what=f"{count} notes")
    found = notes(sandbox, begun)
    assert len(found) == count, found
    comments = ticket(sandbox, begun["ticket_id"])["comments"]
    assert not [c for c in comments if c["public"] and c["body"] in found]
    return found[-1]


def ticket_calls(sandbox):
    return [f"{r['call']} {r['status']}" for r in rounds.requests(sandbox)
            if r["call"].startswith("ticket")]


# --- what is told, and what is not ---


def merge(sandbox, reunite):
    vera(sandbox)
    return rounds.begin(sandbox, VERA)


def adopt(sandbox, reunite):
    return rounds.begin(sandbox, VERA)


def review(sandbox, reunite):
    vera(sandbox)
    return rounds.typed(sandbox, ADDRESS)


def refuse(sandbox, reunite):
    vera(sandbox, role="agent")
    return rounds.begin(sandbox, VERA)


def unproven(sandbox, reunite):
    return rounds.typed(sandbox, "nobody@people.example")


def known(sandbox, reunite):
    """Nothing that an agent would want to know."""
    return sandbox.act("conversations", hand_off="now", webhooks=["trigger"],
                       jwt=VERA)


LEVELS = ("off", "merged", "review", "all")
STORIES = (
    (merge, "merge", "merged", "reunite_linked"),
    (adopt, "adopt", "merged", "reunite_linked"),
    (review, "review", "review", "reunite_review"),
    (refuse, "refuse", "all", "reunite_not_linked"),
    (unproven, "none", "all", "reunite_not_linked"),
    (known, "none", None, None),
)


@pytest.mark.parametrize("story, action, since, tag", STORIES,
                         ids=[s[0].__name__ for s in STORIES])
@pytest.mark.parametrize("level", LEVELS)
def test_each_setting_tells_its_own(sandbox, daemon, level, story, action,
                                    since, tag):
    reunite = daemon(ticket_note=level, settle_after="0")
    begun = story(sandbox, reunite)
    entry = rounds.decision(reunite)
    assert entry["action"] == action
    if since and LEVELS.index(level) >= LEVELS.index(since):
        text = told(sandbox, reunite, begun)
        assert text.endswith(f"Recorded as reunite journal {entry['id']}.\n")
        assert "Vera" not in text and "@" not in text
        assert tags(sandbox, begun) == [tag]
        assert reunite.metric("reunite_notes_total", account="acme",
                              outcome="told") == 1
    else:
        assert rows(reunite) == []
        assert ticket_calls(sandbox) == []


@pytest.mark.parametrize("story", [merge, review])
def test_who_only_observes_writes_no_note(sandbox, daemon, story):
    reunite = daemon(ticket_note="all", apply="observe")
    story(sandbox, reunite)
    rounds.decision(reunite)
    assert rows(reunite) == []
    assert rounds.writes(sandbox) == []
    warned = reunite.command("check")
    assert "ticket_note does nothing while apply is observe" in \
        warned.stdout + warned.stderr


def test_links_lead_to_both_users(sandbox, daemon):
    reunite = daemon(ticket_note="merged")
    owner = vera(sandbox)
    begun = rounds.begin(sandbox, VERA)
    text = told(sandbox, reunite, begun)
    for user in (owner, begun["zendesk_user_id"]):
        assert f"{sandbox.url}/agent/users/{user}\n" in text


def test_a_note_changes_nothing_else(sandbox, daemon):
    reunite = daemon(ticket_note="merged")
    owner = vera(sandbox)
    begun = rounds.begin(sandbox, VERA, webhooks=[])
    sandbox.zendesk.put(f"/api/v2/tickets/{begun['ticket_id']}",
                        {"ticket": {"tags": ["vip"], "status": "pending",
                                    "comment": {"body": "Hello."}}})
    before = ticket(sandbox, begun["ticket_id"])
    deliveries = len(sandbox.control("GET", "deliveries")["deliveries"])
    rounds.trigger(reunite, begun)
    told(sandbox, reunite, begun)
    after = ticket(sandbox, begun["ticket_id"])
    assert after["tags"] == ["vip", "reunite_linked"]
    assert after["status"] == "pending"
    assert after["requester_id"] == owner
    assert after["comments"][:-1] == before["comments"]
    assert set(after) == set(before)
    # our update is no new ticket
    assert len(sandbox.control("GET", "deliveries")["deliveries"]) == \
        deliveries


# --- when the ticket is known ---


def test_the_ticket_comes_after_the_merge(sandbox, daemon):
    reunite = daemon(ticket_note="merged")
    owner = vera(sandbox)
    begun = rounds.begin(sandbox, VERA, webhooks=["sunco"])
    rounds.merged_once(sandbox, reunite, begun, owner)
    assert rows(reunite) == [(None, None)]
    rounds.trigger(reunite, begun)
    told(sandbox, reunite, begun)
    assert len(reunite.journal()) == 1


def test_the_ticket_comes_after_the_question(sandbox, daemon):
    reunite = daemon(ticket_note="review")
    vera(sandbox)
    begun = rounds.begin(sandbox, rounds.jwt("Vera Visitor", ADDRESS,
                                             verified=False),
                         webhooks=["sunco"])
    assert rounds.decision(reunite)["action"] == "review"
    rounds.trigger(reunite, begun)
    told(sandbox, reunite, begun)
    reunite.idle()
    assert [outcome for _, outcome in rows(reunite)] == ["told"]


def test_both_webhooks_of_a_refusal_are_one_note(sandbox, daemon):
    reunite = daemon(ticket_note="all")
    vera(sandbox, role="agent")
    begun = rounds.begin(sandbox, VERA, webhooks=["sunco"])
    rounds.decision(reunite)
    rounds.trigger(reunite, begun)
    rounds.decision(reunite, 2)
    told(sandbox, reunite, begun)
    outcomes(reunite, "told")


def test_a_link_by_hand_is_told_by_the_next_daemon(sandbox, daemon):
    reunite = daemon(ticket_note="merged")
    vera(sandbox)
    begun = rounds.begin(sandbox, VERA, webhooks=[])
    assert reunite.stop() == 0
    reunite.command("link", "--ticket", str(begun["ticket_id"]), "--apply")
    assert len(rounds.merges(sandbox)) == 1
    assert notes(sandbox, begun) == []
    reunite.start()
    told(sandbox, reunite, begun)


def test_a_link_that_was_given_up_is_told(sandbox, daemon):
    """Merged, but the profile cannot be read back; then it can."""
    reunite = daemon(ticket_note="all", fast=FAST)
    owner = vera(sandbox)
    sandbox.fault(match={"call": "user_get", "id": owner}, kind="status",
                  status=400, body={"error": "BadRequest"}, times=-1)
    begun = rounds.begin(sandbox, VERA)
    outcomes(reunite, "given_up")
    assert "given up" in notes(sandbox, begun)[-1]
    assert tags(sandbox, begun) == ["reunite_not_linked"]
    job, = reunite.queue()
    assert job["state"] == "dead"
    sandbox.control("DELETE", "faults")
    reunite.command("queue", "retry", str(job["id"]))
    outcomes(reunite, "told")
    assert len(notes(sandbox, begun)) == 2
    assert "was linked" in notes(sandbox, begun)[-1]
    assert tags(sandbox, begun) == ["reunite_linked"]
    assert len(rounds.merges(sandbox)) == 1


# --- reviews ---


def review_of(reunite):
    return harness.wait_until(reunite.reviews, what="a review")[0]


def test_an_approval_is_a_new_note(sandbox, daemon):
    reunite = daemon(ticket_note="review")
    owner = vera(sandbox)
    begun = rounds.typed(sandbox, ADDRESS)
    waiting = review_of(reunite)
    first = told(sandbox, reunite, begun)
    assert f"reunite review show {waiting['id']}\n" in first
    assert f"/agent/users/{owner}\n" in first
    reunite.command("review", "approve", str(waiting["id"]), "--by", "maria")
    text = told(sandbox, reunite, begun, 2)
    assert "was linked" in text and "maria" not in text
    assert tags(sandbox, begun) == ["reunite_linked"]


@pytest.mark.parametrize("level, count", [("merged", 0), ("review", 2)])
def test_a_rejection_is_told_who_was_told_of_the_review(sandbox, daemon,
                                                        level, count):
    reunite = daemon(ticket_note=level)
    vera(sandbox)
    begun = rounds.typed(sandbox, ADDRESS)
    waiting = review_of(reunite)
    if count:
        told(sandbox, reunite, begun)
    reunite.command("review", "reject", str(waiting["id"]), "--by", "maria")
    if not count:
        assert rows(reunite) == []
        return
    assert "are not the same person" in told(sandbox, reunite, begun, 2)
    assert tags(sandbox, begun) == ["reunite_not_linked"]


def test_a_rejection_over_the_api_is_told(sandbox, daemon):
    reunite = daemon(ticket_note="review")
    vera(sandbox)
    begun = rounds.typed(sandbox, ADDRESS)
    waiting = review_of(reunite)
    told(sandbox, reunite, begun)
    reply = reunite.admin.post(f"/api/v1/reviews/{waiting['id']}/reject",
                               {"by": "maria"})
    assert reply.status == 200
    told(sandbox, reunite, begun, 2)


def test_a_link_that_was_wrong_is_told(sandbox, daemon):
    reunite = daemon(ticket_note="merged")
    vera(sandbox)
    begun = rounds.begin(sandbox, VERA)
    told(sandbox, reunite, begun)
    entry = rounds.decision(reunite)
    reunite.command("journal", "reject", str(entry["id"]), "--by", "maria")
    assert "was wrong" in told(sandbox, reunite, begun, 2)
    assert tags(sandbox, begun) == ["reunite_not_linked"]


def test_everybody_attached_is_told_on_their_own_ticket(sandbox, daemon):
    reunite = daemon(ticket_note="review")
    vera(sandbox)
    begun = [rounds.typed(sandbox, ADDRESS) for _ in range(3)]
    for conversation in begun:
        told(sandbox, reunite, conversation)
    waiting = review_of(reunite)
    assert waiting["attached"] == 2
    assert all(f"review show {waiting['id']}\n" in notes(sandbox, b)[0]
               for b in begun)


def test_a_review_decided_meanwhile_is_not_told(sandbox, daemon):
    """Zendesk takes no note until the link is made."""
    reunite = daemon(ticket_note="review", fast=FAST)
    sandbox.fault(match={"call": "ticket_tags"}, kind="status", status=503,
                  times=-1)
    vera(sandbox)
    begun = rounds.typed(sandbox, ADDRESS)
    waiting = review_of(reunite)
    reunite.command("review", "approve", str(waiting["id"]), "--by", "maria")
    reunite.decided_as("merge")
    sandbox.control("DELETE", "faults")
    assert "was linked" in told(sandbox, reunite, begun)
    outcomes(reunite, "outdated", "told")
    assert tags(sandbox, begun) == ["reunite_linked"]


# --- Zendesk does not answer, or says no ---


@pytest.mark.parametrize("kind, sent", [("cut_after", 1), ("truncate", 1),
                                        ("cut_before", 2)])
def test_an_answer_that_is_lost_is_looked_up(sandbox, daemon, kind, sent):
    reunite = daemon(ticket_note="merged", fast=FAST)
    sandbox.fault(match={"call": "ticket_update"}, kind=kind)
    vera(sandbox)
    begun = rounds.begin(sandbox, VERA)
    told(sandbox, reunite, begun)
    calls = [c.split()[0] for c in ticket_calls(sandbox)]
    assert calls.count("ticket_comments") == 1
    assert calls.count("ticket_update") == sent


def test_what_is_no_answer_is_looked_up_too(sandbox, daemon):
    """Twice lost, and the look-up fails meanwhile."""
    reunite = daemon(ticket_note="merged", fast=FAST)
    sandbox.fault(match={"call": "ticket_update"}, kind="status", status=502,
                  applied=True)
    sandbox.fault(match={"call": "ticket_comments"}, kind="html")
    vera(sandbox)
    begun = rounds.begin(sandbox, VERA)
    told(sandbox, reunite, begun)
    assert [c.split()[0] for c in ticket_calls(sandbox)].count(
        "ticket_update") == 1


@pytest.mark.parametrize("call", ["ticket_tags", "ticket_update"])
def test_a_failure_of_the_moment_is_tried_again(sandbox, daemon, call):
    reunite = daemon(ticket_note="merged", fast=FAST)
    sandbox.fault(match={"call": call}, kind="status", status=503, times=2)
    owner = vera(sandbox)
    begun = rounds.begin(sandbox, VERA)
    rounds.merged_once(sandbox, reunite, begun, owner)
    told(sandbox, reunite, begun)


@pytest.mark.parametrize("status", [403, 404])
def test_a_refusal_is_given_up(sandbox, daemon, status):
    reunite = daemon(ticket_note="merged", fast=FAST)
    sandbox.fault(match={"call": "ticket_tags"}, kind="status", status=status,
                  body={"error": "RecordNotFound"}, times=-1)
    owner = vera(sandbox)
    begun = rounds.begin(sandbox, VERA)
    outcomes(reunite, "refused")
    rounds.merged_once(sandbox, reunite, begun, owner)
    assert notes(sandbox, begun) == []
    assert reunite.metric("reunite_notes_total", outcome="refused") == 1
    assert reunite.admin.get("/readyz").json["held"] == []
    failure = reunite.events("note_failed")[-1]
    assert ("tickets:write" in failure["hint"]) == (status == 403)


def test_a_closed_ticket_stays_as_it_is(sandbox, daemon):
    reunite = daemon(ticket_note="merged", fast=FAST)
    vera(sandbox)
    begun = rounds.begin(sandbox, VERA, webhooks=[])
    sandbox.zendesk.put(f"/api/v2/tickets/{begun['ticket_id']}",
                        {"ticket": {"status": "closed"}})
    rounds.trigger(reunite, begun)
    outcomes(reunite, "refused")
    assert rounds.outcome(reunite)[0] == "merge"
    assert ticket(sandbox, begun["ticket_id"])["tags"] == []
    # the next one is told all the same
    rounds.profile(sandbox, "Willy Visitor", "willy@people.example")
    begun = rounds.begin(sandbox, rounds.jwt("Willy Visitor",
                                             "willy@people.example"))
    told(sandbox, reunite, begun)


def test_the_limit_of_ticket_updates_holds_up_no_merge(sandbox, daemon):
    reunite = daemon(ticket_note="merged")
    sandbox.fault(match={"call": "ticket_tags"}, kind="status", status=429,
                  headers={"Retry-After": "900",
                           "X-Rate-Limit": "700",
                           "X-Rate-Limit-Remaining": "600"})
    vera(sandbox)
    rounds.begin(sandbox, VERA)
    harness.wait_until(lambda: reunite.events("note_failed"),
                       what="the limit")
    rounds.profile(sandbox, "Willy Visitor", "willy@people.example")
    rounds.begin(sandbox, rounds.jwt("Willy Visitor", "willy@people.example"))
    rounds.decision(reunite, 2)
    assert len(rounds.merges(sandbox)) == 2
    assert [outcome for _, outcome in rows(reunite)] == [None, None]


def test_after_a_limit_it_is_told(sandbox, daemon):
    reunite = daemon(ticket_note="merged")
    sandbox.fault(match={"call": "ticket_update"}, kind="status", status=429,
                  headers={"Retry-After": "1"})
    vera(sandbox)
    begun = rounds.begin(sandbox, VERA)
    told(sandbox, reunite, begun)
    assert "ticket_comments 200" not in ticket_calls(sandbox)


# --- the account ---


def scopes(sandbox):
    """What a token is asked for is not logged; what it opens is."""
    return [c for c in ticket_calls(sandbox) if c.endswith(" 403")]


def test_a_reload_switches_it_on_and_off(sandbox, daemon):
    """The token of before has no scope for it."""
    reunite = daemon(ticket_note="off")
    vera(sandbox)
    rounds.begin(sandbox, VERA)
    rounds.decision(reunite)
    assert rows(reunite) == []
    reunite.configure(ticket_note="merged")
    assert reunite.reload()["event"] == "reloaded"
    rounds.profile(sandbox, "Willy Visitor", "willy@people.example")
    begun = rounds.begin(sandbox, rounds.jwt("Willy Visitor",
                                             "willy@people.example"))
    told(sandbox, reunite, begun)
    assert scopes(sandbox) == []
    reunite.configure(ticket_note="off")
    reunite.reload()
    rounds.begin(sandbox, rounds.jwt("Xenia", "xenia@people.example"))
    assert rounds.outcome(reunite, 3)[0] == "adopt"
    assert len(rows(reunite)) == 1


def test_a_token_of_a_former_life_is_replaced(sandbox, daemon):
    reunite = daemon(ticket_note="off")
    vera(sandbox)
    rounds.begin(sandbox, VERA)
    rounds.decision(reunite)
    assert reunite.stop() == 0
    reunite.configure(ticket_note="merged")
    reunite.start()
    begun = rounds.begin(sandbox, rounds.jwt("Xenia", "xenia@people.example"))
    told(sandbox, reunite, begun)
    assert len(scopes(sandbox)) == 1


def test_a_paused_account_tells_nothing(sandbox, daemon):
    reunite = daemon(ticket_note="merged")
    sandbox.fault(match={"call": "ticket_tags"}, kind="status", status=503,
                  times=-1)
    vera(sandbox)
    begun = rounds.begin(sandbox, VERA)
    harness.wait_until(lambda: reunite.events("note_failed"),
                       what="a failure")
    reunite.command("queue", "pause", "--account", "acme", "--by", "maria")
    harness.wait_until(
        lambda: rows(reunite, "SELECT 1 FROM notes WHERE unsure = 0"),
        what="the end of a call under way")
    sandbox.control("DELETE", "faults")
    harness.wait_until(
        lambda: rows(reunite, "SELECT 1 FROM notes WHERE due_ms <"
                     " strftime('%s', 'now') * 1000"), what="the note's time")
    # whoever comes now waits, and so does the note
    assert [outcome for _, outcome in rows(reunite)] == [None]
    reunite.command("queue", "resume", "--account", "acme", "--by", "maria")
    told(sandbox, reunite, begun)


def test_a_stop_lets_the_note_under_way_end(sandbox, daemon):
    reunite = daemon(ticket_note="merged")
    sandbox.fault(match={"call": "ticket_update"}, kind="delay", ms=700)
    vera(sandbox)
    begun = rounds.begin(sandbox, VERA)
    harness.wait_until(lambda: "ticket_tags 200" in ticket_calls(sandbox),
                       what="the tag")
    assert reunite.stop() == 0
    assert len(notes(sandbox, begun)) == 1
    assert [outcome for _, outcome in rows(reunite)] == ["told"]
