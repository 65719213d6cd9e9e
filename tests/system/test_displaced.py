"""Displaced profiles: Zendesk gives a login the address that another profile
had. Who had it is known from what jobs read, and from events, whenever they
come."""

import hashlib
import sqlite3

import daemon as daemon_module
import harness
import pytest
import rounds

ADDRESS = "vera@people.example"
VERA = rounds.jwt("Vera Visitor", ADDRESS)


def vera(sandbox, **fields):
    return rounds.profile(sandbox, "Vera Visitor", ADDRESS, **fields)


def known(reunite, sandbox, user_id):
    """A job reads the profile; who has the address is known then."""
    reunite.command("link", "--user", str(user_id), "--apply", check=False)
    reunite.idle()
    assert owners(reunite) != []
    return len(reunite.journal())


def owners(reunite):
    """What the store knows of everybody who has or had an address."""
    with sqlite3.connect(f"file:{reunite.folder}/reunite.db?mode=ro",
                         uri=True) as db:
        return db.execute("SELECT zendesk_user_id, proven, lost_ms,"
                          " address_hash FROM addresses").fetchall()


def take(sandbox, webhooks=("trigger",), who=VERA):
    """A login to which Zendesk gives the address."""
    begun = rounds.begin(sandbox, who, webhooks, zendesk="take")
    assert rounds.holds(sandbox, begun["zendesk_user_id"], "email", ADDRESS)
    return begun


def gone_at(sandbox, begun):
    """When the messaging user gained the address, as Zendesk tells it."""
    reply = sandbox.zendesk.get(
        f"/api/v2/users/{begun['zendesk_user_id']}/identities")
    return next(i["created_at"] for i in reply.json["identities"]
                if i["type"] == "email")


def event(kind, user_id, at, number, address=ADDRESS):
    """user.identity_created and its like; the number makes its id."""
    return {"type": f"zen:event-type:user.{kind}", "account_id": 1,
            "id": f"9d2f6a10-3c4b-4e5f-8a6b-{number:012x}", "time": at,
            "zendesk_event_version": "2022-06-20",
            "subject": f"zen:user:{user_id}",
            "detail": {"id": str(user_id), "role": "end-user"},
            "event": {"identity": {"id": "1", "primary": True,
                                   "type": "email", "value": address}}}


def tell(reunite, *args, duplicate=0):
    reply = reunite.zendesk(event(*args))
    assert reply.json["duplicate"] == duplicate, reply.body


def asked(reunite, begun, owner, count=1):
    """A review, and nothing else."""
    entry = rounds.decision(reunite, count)
    assert (entry["action"], entry["reason"]) == (
        "review", "displaced_profile"), entry
    assert entry["messaging_user_id"] == begun["zendesk_user_id"]
    assert entry["profile_id"] == owner
    review = reunite.reviews()[0]
    assert (review["intended"], review["profile_id"]) == ("merge", owner)
    assert rounds.merges(reunite.sandbox) == []
    return review


def recovered(sandbox, reunite, begun, owner):
    """One merge, into her old profile. Its own events may have made the job
    look once more."""
    entry = reunite.decided_as("merge")
    reunite.idle()
    assert entry["reason"] == "displaced_profile"
    assert rounds.merges(sandbox) == [(begun["zendesk_user_id"], owner)]
    assert rounds.holds(sandbox, owner, "messaging", begun["sunco_user_id"])
    assert rounds.holds(sandbox, owner, "email", ADDRESS)
    assert sandbox.user(owner)["external_id"] == VERA["external_id"]
    return entry


# --- recognised ---


def test_known_from_a_read(sandbox, daemon):
    """No events: a job had read the profile while it had the address."""
    reunite = daemon()
    owner = vera(sandbox)
    count = known(reunite, sandbox, owner)
    asked(reunite, take(sandbox), owner, count + 1)


def test_known_from_a_search(sandbox, daemon):
    """Somebody typed her address before; its owner was looked up."""
    reunite = daemon()
    owner = vera(sandbox)
    rounds.typed(sandbox, ADDRESS)
    assert rounds.outcome(reunite) == (
        "review", "verified_profile_protected")
    begun = take(sandbox)
    entry = rounds.decision(reunite, 2)
    assert entry["reason"] == "displaced_profile"
    assert (entry["messaging_user_id"], entry["profile_id"]) == (
        begun["zendesk_user_id"], owner)


def test_known_from_a_sweep(sandbox, daemon):
    """Nobody had talked about her: she changed, and a sweep saw whose the
    address is."""
    sandbox.settings(incremental_lag_ms=0)
    owner = vera(sandbox)
    assert sandbox.zendesk.put(f"/api/v2/users/{owner}", {
        "user": {"notes": "moved"}}).status == 200
    reunite = daemon(sweep_every="1h", fast=10)
    harness.wait_until(lambda: [row for row in owners(reunite)
                                if row[:2] == (owner, 1)],
                       what="the sweep")
    begun = take(sandbox)
    entry = rounds.decision(reunite)
    assert (entry["action"], entry["reason"]) == (
        "review", "displaced_profile"), entry
    assert (entry["messaging_user_id"], entry["profile_id"]) == (
        begun["zendesk_user_id"], owner)


def test_known_from_events(sandbox, daemon):
    sandbox.settings(events="user.identity_deleted,user.identity_created")
    reunite = daemon()
    owner = vera(sandbox)
    asked(reunite, take(sandbox), owner)


def test_taken_for_a_user_who_was_there(sandbox, daemon):
    """The login's external id is that of a user without an address."""
    reunite = daemon()
    owner = vera(sandbox)
    other = rounds.profile(sandbox, "Vera V.",
                           external_id=VERA["external_id"])
    count = known(reunite, sandbox, owner)
    begun = rounds.begin(sandbox, VERA, zendesk="auto")
    assert begun["zendesk_user_id"] == other
    asked(reunite, begun, owner, count + 1)


def test_known_to_nobody(sandbox, daemon):
    reunite = daemon()
    vera(sandbox)
    take(sandbox)
    assert rounds.outcome(reunite) == ("none", "already_linked")


def test_an_approval_brings_them_together(sandbox, daemon):
    """The person who is asked sees what is known of the former owner."""
    sandbox.settings(events="all")
    reunite = daemon()
    owner = vera(sandbox)
    begun = take(sandbox)
    review = asked(reunite, begun, owner)
    shown = reunite.command("review", "show", str(review["id"])).stdout
    shown = " ".join(shown.split())
    assert "The profile had the address until" in shown
    assert "nobody has read that it was proven" in shown
    reunite.command("review", "approve", str(review["id"]), "--by", "maria")
    recovered(sandbox, reunite, begun, owner)
    assert reunite.reviews() == []


def test_a_rejection_is_remembered(sandbox, daemon):
    sandbox.settings(events="all")
    reunite = daemon()
    begun = take(sandbox) if vera(sandbox) else None
    review = harness.wait_until(reunite.reviews, what="a review")[0]
    reunite.command("review", "reject", str(review["id"]), "--by", "maria")
    rounds.trigger(reunite, begun, "2026-11-22T11:00:00Z")
    entry = rounds.decision(reunite, 3)
    assert (entry["action"], entry["reason"]) == ("none", "rejected_before")
    assert rounds.merges(sandbox) == []


# --- recovered without a person ---


def test_recovered_by_events(sandbox, daemon):
    sandbox.settings(events="all")
    reunite = daemon(recover_displaced=True)
    owner = vera(sandbox)
    known(reunite, sandbox, owner)
    recovered(sandbox, reunite, take(sandbox), owner)
    assert [row[:3] for row in owners(reunite)] == [(owner, 1, 0)]


def test_recovered_by_a_read_shortly_before(sandbox, daemon):
    """The former owner costs a call, the search is not needed."""
    reunite = daemon(recover_displaced=True)
    owner = vera(sandbox)
    known(reunite, sandbox, owner)
    before = len(rounds.requests(sandbox, "zendesk"))
    recovered(sandbox, reunite, take(sandbox), owner)
    made = rounds.requests(sandbox, "zendesk")[before:]
    assert [r["call"] for r in made] == ["user_get", "user_get", "merge",
                                         "user_get", "user_update"]


def test_after_it_the_next_conversation_costs_nothing(sandbox, daemon):
    sandbox.settings(events="all")
    reunite = daemon(recover_displaced=True)
    owner = vera(sandbox)
    known(reunite, sandbox, owner)
    recovered(sandbox, reunite, take(sandbox), owner)
    before = len(rounds.requests(sandbox))
    again = sandbox.act("conversations", jwt=VERA, hand_off="now")
    assert again["zendesk_user_id"] == owner
    reunite.idle()
    assert len(rounds.requests(sandbox)) == before


def phone():
    return [{"type": "phone_number", "value": "+15550100"}]


@pytest.mark.parametrize("identities", [
    [{"type": "email", "value": ADDRESS, "verification_method": "none"}],
    [{"type": "email", "value": ADDRESS, "verification_method": "low"}],
    [{"type": "email", "value": ADDRESS, "verification_method": "full"},
     *phone()],
], ids=["unproven", "marked", "other-identities"])
def test_what_does_not_fit_waits_for_a_person(sandbox, daemon, identities):
    """The first is the attack: a stranger's profile with her address, which
    nobody proved. She logs in, and must not become one with the stranger."""
    sandbox.settings(events="all")
    reunite = daemon(recover_displaced=True)
    owner = sandbox.people({"name": "Some Stranger",
                            "identities": identities})["users"][0]
    count = known(reunite, sandbox, owner)
    begun = take(sandbox)
    asked(reunite, begun, owner, count + 1)
    tell(reunite, "identity_deleted", owner, gone_at(sandbox, begun), 1)
    tell(reunite, "identity_created", owner, gone_at(sandbox, begun), 2)
    reunite.idle()
    assert rounds.merges(sandbox) == []


def test_events_alone_recover_nothing(sandbox, daemon):
    """Nobody had read how the profile's address was verified."""
    sandbox.settings(events="all")
    reunite = daemon(recover_displaced=True)
    owner = vera(sandbox)
    asked(reunite, take(sandbox), owner)


# --- late ---


def test_a_late_event_reopens_what_was_settled(sandbox, daemon):
    reunite = daemon()
    owner = vera(sandbox)
    begun = take(sandbox)
    assert rounds.outcome(reunite) == ("none", "already_linked")
    tell(reunite, "identity_deleted", owner, gone_at(sandbox, begun), 1)
    asked(reunite, begun, owner, 2)
    tell(reunite, "identity_deleted", owner, gone_at(sandbox, begun), 1,
         duplicate=1)
    reunite.idle()
    assert len(reunite.journal()) == 2


def test_a_late_event_lets_it_be_recovered(sandbox, daemon):
    """The read before was a search's, whose index lags: too old to say when
    the address went. The event says."""
    reunite = daemon(recover_displaced=True)
    owner = vera(sandbox)
    rounds.typed(sandbox, ADDRESS)
    assert rounds.outcome(reunite) == (
        "review", "verified_profile_protected")
    begun = take(sandbox)
    assert rounds.decision(reunite, 2)["action"] == "review"
    tell(reunite, "identity_deleted", owner, gone_at(sandbox, begun), 1)
    recovered(sandbox, reunite, begun, owner)


def test_an_event_of_another_time_does_not(sandbox, daemon):
    """A forged loss: the time fits, but Zendesk changed that profile long
    before."""
    reunite = daemon(recover_displaced=True)
    owner = vera(sandbox)
    count = known(reunite, sandbox, owner)
    recovered(sandbox, reunite, take(sandbox), owner)
    other = rounds.profile(sandbox, "Old Owner")  # changed a month ago
    tell(reunite, "identity_deleted", other, gone_at(sandbox, {
        "zendesk_user_id": owner}), 3)
    entry = rounds.decision(reunite, count + 2)
    assert (entry["action"], entry["profile_id"]) == ("review", other)
    assert len(rounds.merges(sandbox)) == 1


@pytest.mark.parametrize("kinds", [
    ["identity_deleted", "identity_created"],
    ["identity_created", "identity_deleted"],
], ids="+".join)
def test_late_events_in_any_order(sandbox, daemon, kinds):
    reunite = daemon()
    owner = vera(sandbox)
    begun = take(sandbox)
    assert rounds.outcome(reunite) == ("none", "already_linked")
    for number, kind in enumerate(kinds):
        user = owner if kind == "identity_deleted" else \
            begun["zendesk_user_id"]
        tell(reunite, kind, user, gone_at(sandbox, begun), number)
    asked(reunite, begun, owner, 2)


def test_an_event_before_the_conversation_is_known(sandbox, daemon):
    reunite = daemon()
    owner = vera(sandbox)
    begun = take(sandbox, [])
    tell(reunite, "identity_created", begun["zendesk_user_id"],
         gone_at(sandbox, begun), 1)
    tell(reunite, "identity_deleted", owner, gone_at(sandbox, begun), 2)
    rounds.trigger(reunite, begun)
    asked(reunite, begun, owner)


def test_an_event_while_the_job_runs(sandbox, daemon):
    """Everything was read, nothing is settled yet."""
    reunite = daemon()
    owner = vera(sandbox)
    begun = take(sandbox, [])
    sandbox.fault(match={"call": "user_get", "api": "zendesk"}, kind="delay",
                  ms=1500)
    rounds.trigger(reunite, begun)
    harness.wait_until(
        lambda: [j for j in reunite.queue() if j["state"] == "running"],
        what="a running job")
    tell(reunite, "identity_deleted", owner, gone_at(sandbox, begun), 1)
    reunite.idle()
    entry = rounds.decision(reunite)
    assert (entry["reason"], entry["profile_id"]) == (
        "displaced_profile", owner)


# --- what is kept ---


def test_addresses_are_hashed_with_the_stores_own_key(sandbox, tmp_path):
    hashes = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        reunite = daemon_module.Daemon(folder, sandbox)
        try:
            known(reunite, sandbox, vera(sandbox) if not hashes
                  else sandbox.state()["users"][-1]["id"])
            hashes.append(owners(reunite)[0][3])
        finally:
            assert reunite.stop() == 0
    assert len(hashes[0]) == len(hashes[1]) == 16
    assert hashes[0] != hashes[1]
    plain = hashlib.sha256(ADDRESS.encode()).digest()[:16]
    assert plain not in hashes
