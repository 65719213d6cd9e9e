"""The identity comes late: with a message, with a login, as another SunCo
user; while a job waits, runs, or has been decided; and across restarts."""

import math
import time

import crashes
import events
import harness
import pytest
import rounds
from daemon import fast_clock

ADDRESS = "vera@people.example"
VERA = rounds.jwt("Vera Visitor", ADDRESS)
CRASHES = pytest.mark.skipif(not crashes.points_built(),
                             reason="built without crash points")
STRANGER = {"webhooks": ["trigger"], "hand_off": "now"}


@pytest.fixture
def box(sandbox):
    sandbox.settings(verified_email_owner="duplicate",
                     webhook_retry_speed=10)  # as fast as restarts are
    return sandbox


def vera(sandbox):
    return rounds.profile(sandbox, "Vera Visitor", ADDRESS)


def anonymous(sandbox, reunite, **order):
    """A conversation of nobody known; its job waits."""
    begun = rounds.delivered(sandbox, sandbox.act(
        "conversations", **{**STRANGER, **order}))
    rounds.waiting(reunite)
    return begun


def login(sandbox, begun, jwt=None, **order):
    return rounds.delivered(sandbox, sandbox.act(
        "logins", conversation_id=begun["conversation_id"], jwt=jwt or VERA,
        **order))


def says(sandbox, begun, **order):
    return rounds.delivered(sandbox, sandbox.act(
        "messages", conversation_id=begun["conversation_id"], **order))


def crash(reunite, **environment):
    reunite.kill()
    reunite.start(environment)


def job_of(reunite, sunco_user_id):
    jobs = reunite.queue() + reunite.rows("queue", "list", "--state", "done")
    return next((j for j in jobs if j["sunco_user_id"] == sunco_user_id),
                None)


def quiet(reunite):
    """Waits until nothing is left to do, not even to wait for."""
    harness.wait_until(lambda: not reunite.queue(), what="the end of all jobs")


# --- an address that comes with a message ---


def test_an_address_typed_some_messages_later_is_found(box, daemon):
    """It is in the profile only, and only the API tells. The look at which
    it is found is decided anew."""
    box.settings(email_identities="claim_verified")
    reunite = daemon(fast=10, email_identities="claim_verified",
                     link_evidence="claimed", settle_after="1s")
    owner = vera(box)
    begun = anonymous(box, reunite)
    says(box, begun, text="hello")
    says(box, begun, text="it is me", typed={"email": ADDRESS})
    entry = rounds.merged_once(box, reunite, begun, owner)
    assert entry["evidence"] == "claimed"


def test_messages_hasten_only_so_often(box, daemon):
    """A look costs two calls, and people write many messages."""
    reunite = daemon(wait_for_user="10m", fast=10)
    begun = anonymous(box, reunite)
    began = time.monotonic()
    before = rounds.calls(box, "sunco")["user_get"]
    for i in range(20):
        says(box, begun, text=f"message {i}")
    harness.wait_until(
        lambda: rounds.calls(box, "sunco")["user_get"] > before,
        what="another look")
    looks = rounds.calls(box, "sunco")["user_get"] - before
    passed_s = 10 * (time.monotonic() - began)
    assert looks <= 1 + math.ceil(passed_s / 15)


def test_a_message_after_a_restart_counts(box, daemon):
    """Who is waited for is known again."""
    reunite = daemon()
    owner = vera(box)
    begun = anonymous(box, reunite)
    login(box, begun, webhooks=[])
    crash(reunite, **fast_clock(10))
    harness.wait_until(
        lambda: says(box, begun, text="hello") and reunite.metric(
            "reunite_webhooks_total", source="sunco", outcome="accepted"),
        what="a message that counts")
    rounds.merged_once(box, reunite, begun, owner)


# --- a login in the middle ---


def test_a_login_after_it_was_decided_is_decided_anew(box, daemon):
    """The wait had ended in no_email."""
    reunite = daemon(wait_for_user="1s", fast=10)
    owner = vera(box)
    begun = rounds.delivered(box, box.act("conversations", **STRANGER))
    assert rounds.outcome(reunite) == ("none", "no_email")
    login(box, begun)
    rounds.merged_once(box, reunite, begun, owner, 2)


def test_a_login_after_a_typed_address_led_nowhere(box, daemon):
    reunite = daemon(settle_after="1s", fast=10)
    begun = rounds.typed(box, "nobody@people.example")
    assert rounds.outcome(reunite) == ("none", "email_not_verified")
    owner = vera(box)
    login(box, begun)
    rounds.merged_once(box, reunite, begun, owner, 2)


def test_a_login_closes_the_review_of_what_was_typed(box, daemon):
    """What the person proves now is no question any more."""
    reunite = daemon(settle_after="1s", fast=10)
    owner = vera(box)
    begun = rounds.typed(box, ADDRESS)
    assert rounds.outcome(reunite)[0] == "review"
    login(box, begun)
    rounds.merged_once(box, reunite, begun, owner, 2)
    assert reunite.reviews() == []
    quiet(reunite)


def test_a_login_as_somebody_else_refreshes_the_review(box, daemon):
    """The typed address had an owner; the login names another person."""
    reunite = daemon(settle_after="1s", fast=10)
    vera(box)
    begun = rounds.typed(box, ADDRESS)
    assert rounds.outcome(reunite)[0] == "review"
    other = rounds.profile(box, "Nora Newcomer", "nora@people.example")
    login(box, begun, rounds.jwt("Nora Newcomer", "nora@people.example"))
    rounds.merged_once(box, reunite, begun, other, 2)
    assert reunite.reviews() == []


def test_a_login_while_the_job_runs(box, daemon):
    """The run has read the person as nobody; the next one knows better."""
    box.settings(latency_ms=150)
    reunite = daemon()
    owner = vera(box)
    begun = rounds.delivered(box, box.act("conversations", **STRANGER))
    harness.wait_until(lambda: rounds.requests(box, "sunco"),
                       what="a run under way")
    login(box, begun)
    rounds.merged_once(box, reunite, begun, owner)


@CRASHES
@pytest.mark.parametrize("point", ["intake_committed", "before_settle",
                                   "after_settle"])
def test_a_crash_around_a_login(box, daemon, point):
    reunite = daemon()
    owner = vera(box)
    begun = anonymous(box, reunite)
    crash(reunite, REUNITE_CRASH_AT=point)
    box.act("logins", conversation_id=begun["conversation_id"], jwt=VERA,
            wait=False)
    harness.wait_until(reunite.gone, what="the crash")
    reunite.start(fast_clock(10))
    rounds.merged_once(box, reunite, begun, owner)


# --- somebody who turns out to be another SunCo user ---


def known_vera(box, reunite):
    """She has been here before, as another SunCo user."""
    owner = vera(box)
    first = rounds.begin(box, VERA)
    rounds.merged_once(box, reunite, first, owner)
    return first, owner


def test_a_merge_while_the_discarded_job_runs(box, daemon):
    """It finds nobody any more; what it knew goes to the survivor."""
    reunite = daemon()
    first, owner = known_vera(box, reunite)
    box.settings(latency_ms=200)
    asked = len(rounds.requests(box, "sunco"))
    begun = rounds.delivered(box, box.act("conversations", **STRANGER))
    harness.wait_until(lambda: len(rounds.requests(box, "sunco")) > asked,
                       what="a run under way")
    assert login(box, begun)["login"] == "merged"
    quiet(reunite)
    assert job_of(reunite, begun["sunco_user_id"]) is None
    assert job_of(reunite, first["sunco_user_id"])["ticket_id"] == \
        begun["ticket_id"]
    assert rounds.merges(box) == [(first["zendesk_user_id"], owner)]
    assert box.user(begun["zendesk_user_id"])["merged_into"] == owner


@CRASHES
@pytest.mark.parametrize("point", ["before_merge", "after_merge",
                                   "before_store", "before_settle"])
def test_a_merge_while_the_discarded_job_changes_something(box, daemon,
                                                           point):
    """A saga is under way, then the power fails: it comes to its end, once,
    and the person is one in the end."""
    reunite = daemon(link_evidence="claimed",
                     email_identities="claim_verified", settle_after="1s",
                     fast=10)
    box.settings(email_identities="verified_only")
    owner = vera(box)
    regular = rounds.begin(box, rounds.jwt("Nora", "nora@people.example"))
    rounds.decision(reunite)
    reunite.kill()
    begun = box.act("conversations", typed={"email": ADDRESS},
                    hand_off="now", webhooks=[])
    reunite.start({"REUNITE_CRASH_AT": point, **fast_clock(10)})
    rounds.trigger(reunite, begun)
    if point != "before_store":  # only a pin or a lost answer stores
        harness.wait_until(reunite.gone, what="the crash")
        reunite.start(fast_clock(10))
    login(box, begun, {"external_id": "nora", "name": "Nora"})
    quiet(reunite)
    merges = rounds.merges(box)
    assert merges in ([], [(begun["zendesk_user_id"], owner)])
    for entry in reunite.journal():
        assert entry["status"] in ("done", "failed"), entry
    assert job_of(reunite, begun["sunco_user_id"]) is None
    assert job_of(reunite, regular["sunco_user_id"])["state"] == "done"


def test_an_orphan_of_several_conversations_is_named(box, daemon):
    """With multi-conversation a late login leaves a user and its ticket:
    nothing that the APIs say ties them to the person any more, so nobody is
    merged; the journal names them."""
    box.settings(multi_conversation=True)
    reunite = daemon()
    first, owner = known_vera(box, reunite)
    begun = anonymous(box, reunite)
    assert login(box, begun)["login"] == "merged"
    quiet(reunite)
    orphan = begun["zendesk_user_id"]
    entries = reunite.rows("journal", "list", "--user", str(orphan))
    assert [(e["action"], e["reason"], e["ticket_id"]) for e in entries] == \
        [("none", "messaging_user_gone", begun["ticket_id"])]
    assert box.user(orphan)["active"]
    assert rounds.merges(box) == [(first["zendesk_user_id"], owner)]
    # Its next ticket finds nobody either, and says so.
    rounds.trigger(reunite, begun, "2026-11-22T12:00:00Z")
    reunite.idle()
    assert rounds.merges(box) == [(first["zendesk_user_id"], owner)]


def test_a_merge_with_a_review_open(box, daemon):
    """The discarded one's question goes; the survivor is decided anew."""
    reunite = daemon(settle_after="1s", fast=10)
    first, owner = known_vera(box, reunite)
    begun = rounds.typed(box, ADDRESS)
    rounds.outcome(reunite, 2)
    assert len(reunite.reviews()) == 1
    assert login(box, begun)["login"] == "merged"
    quiet(reunite)
    assert reunite.reviews() == []
    assert rounds.merges(box) == [(first["zendesk_user_id"], owner)]


def test_hints_follow_to_a_survivor_without_a_user(box, daemon):
    """SunCo knows the person, Zendesk does not: it gives the anonymous user's
    conversation the survivor's name, and that user is the one to link."""
    reunite = daemon()
    owner = vera(box)
    known = box.people(sunco_users=[{
        "externalId": VERA["external_id"], "authenticated": True,
        "identities": [{"type": "email", "value": ADDRESS,
                        "verification": "embed"}]}])["sunco_users"][0]
    begun = anonymous(box, reunite)
    assert login(box, begun)["login"] == "merged"
    entry = rounds.decision(reunite)
    assert (entry["action"], entry["sunco_user_id"]) == ("merge", known)
    assert entry["ticket_id"] == begun["ticket_id"]
    assert rounds.merges(box) == [(begun["zendesk_user_id"], owner)]
    quiet(reunite)


def test_messages_of_a_survivor_count(box, daemon):
    """The survivor has no address either, until a while later."""
    reunite = daemon(fast=10)
    owner = vera(box)
    nameless = {"external_id": VERA["external_id"]}
    first = rounds.begin(box, nameless)
    rounds.waiting(reunite)
    begun = rounds.delivered(box, box.act("conversations", **STRANGER))
    harness.wait_until(lambda: len(reunite.queue()) == 2 and all(
        j["state"] == "waiting" for j in reunite.queue()),
        what="two jobs that wait")
    assert login(box, begun, nameless)["login"] == "merged"
    harness.wait_until(lambda: [j["state"] for j in reunite.queue()]
                       == ["waiting"], what="one job that waits")
    login(box, begun, webhooks=[])
    taken = says(box, begun, text="here is my address")
    assert len(taken["webhooks"]) == 1
    entry = reunite.decided_as("merge")
    assert entry["sunco_user_id"] == first["sunco_user_id"]
    assert rounds.merges(box) == [(first["zendesk_user_id"], owner)]
    quiet(reunite)


def test_a_merge_with_every_event_told(box, daemon):
    """What Zendesk does by itself comes back as events: nothing is done, or
    asked, twice."""
    box.settings(events="all")
    reunite = daemon()
    first, owner = known_vera(box, reunite)
    begun = anonymous(box, reunite)
    assert login(box, begun)["login"] == "merged"
    quiet(reunite)
    assert rounds.merges(box) == [(first["zendesk_user_id"], owner)]
    assert reunite.reviews() == []


def test_a_merge_told_twice_and_late(box, daemon):
    """Webhooks repeat, and overtake one another."""
    reunite = daemon()
    first, owner = known_vera(box, reunite)
    begun = box.act("conversations", **{**STRANGER, "webhooks": []})
    login(box, begun)
    rounds.trigger(reunite, begun)
    reunite.sunco(events.conversation(box, begun))
    quiet(reunite)
    assert rounds.merges(box) == [(first["zendesk_user_id"], owner)]
    for job in reunite.rows("queue", "list", "--state", "done"):
        assert job["state"] == "done"


# --- the end of the wait ---


def test_the_deadline_outlives_a_crash(box, daemon):
    reunite = daemon(wait_for_user="5m")
    begun = anonymous(box, reunite)
    deadline = rounds.waiting(reunite)["deadline"]
    crash(reunite, **fast_clock(50))
    assert rounds.waiting(reunite)["deadline"] == deadline
    assert rounds.outcome(reunite) == ("none", "no_email")
    entry = reunite.journal()[-1]
    assert entry["at"] >= deadline
    assert entry["messaging_user_id"] == begun["zendesk_user_id"]
