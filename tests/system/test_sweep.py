"""What webhooks missed is found: after a time in which the daemon was down,
while either provider's webhooks or both are lost, whatever stands in the way;
nothing is done twice, and it costs next to nothing."""

import collections

import crashes
import harness
import pytest
import rounds
from daemon import fast_clock

CRASHES = pytest.mark.skipif(not crashes.points_built(),
                             reason="built without crash points")
AT_ONCE = {"incremental_lag_ms": 0, "incremental_limit": 0,
           "user_update_limits": False, "limit": 100000}
EXPORTS = ("tickets_export", "users_export")


@pytest.fixture
def box(sandbox):
    """Where nobody has to wait for a minute to be over."""
    sandbox.settings(**AT_ONCE)
    return sandbox


def address(name):
    return f"{name.lower()}@people.example"


def profile(sandbox, name):
    return rounds.profile(sandbox, name, address(name))


def lost(sandbox, name, webhooks=(), hand_off="now"):
    """A conversation of which these webhooks come."""
    return rounds.begin(sandbox, rounds.jwt(name, address(name)), webhooks,
                        hand_off=hand_off)


def sweeps(reunite, start=0):
    """Complete ones."""
    walks = collections.Counter(e["walk"] for e in
                                reunite.events("swept", start))
    return min(walks["users"], walks["tickets"])


def swept(reunite, count=1, start=0):
    harness.wait_until(lambda: sweeps(reunite, start) >= count,
                       what=f"{count} sweeps")


@pytest.fixture
def sweeping(daemon):
    """A daemon that sweeps at its start, soon, and then not again."""
    def start(**settings):
        return daemon(**{"sweep_every": "1h", "fast": 10, **settings})

    return start


def calls(sandbox, *names):
    return [r for r in rounds.requests(sandbox, "zendesk")
            if r["call"] in names]


def settled(reunite):
    """Waits until nothing is left to do, not even to wait for."""
    harness.wait_until(lambda: not reunite.queue(), what="the end of all jobs")


def merged(sandbox, reunite, pairs):
    """Everybody is merged, each exactly once, by one decision."""
    wanted = sorted((begun["zendesk_user_id"], owner)
                    for begun, owner in pairs)
    harness.wait_until(lambda: sorted(rounds.merges(sandbox)) == wanted,
                       what="the merges")
    settled(reunite)
    entries = [e for e in reunite.journal()
               if e["action"] not in ("pause", "resume")]
    told = sorted((e["messaging_user_id"] or 0, e["profile_id"] or 0)
                  for e in entries)
    assert told == wanted, entries
    assert {(e["action"], e["status"]) for e in entries} == \
        {("merge", "done")}, entries
    for begun, owner in pairs:
        assert rounds.holds(sandbox, owner, "messaging",
                            begun["sunco_user_id"])
    return entries


def account(reunite):
    """Asked for again where a fast clock gave the store no time (503)."""
    def told():
        reply = reunite.admin.get("/api/v1/accounts")
        return reply.status == 200 and reply.json["items"][0]

    return harness.wait_until(told, what="the account")


def walk(reunite, name):
    return account(reunite)["sweep"]["walks"][name]


def again(reunite):
    """Another life, as fast as the one before."""
    reunite.start(fast_clock(10))


# --- lost webhooks ---


def test_what_happened_while_it_was_down(box, sweeping):
    reunite = sweeping()
    swept(reunite)
    assert reunite.stop() == 0
    pairs = []
    for name in ("Ada", "Bea", "Cyd"):
        owner = profile(box, name)
        pairs.append((lost(box, name), owner))
    again(reunite)
    entries = merged(box, reunite, pairs)
    assert {e["source"] for e in entries} == {"sweep"}
    assert {e["ticket_id"] for e in entries} == \
        {begun["ticket_id"] for begun, _ in pairs}


def test_both_providers_webhooks_are_lost(box, daemon):
    reunite = daemon(sweep_every="5s", fast=20)
    swept(reunite)
    owner = profile(box, "Ada")
    merged(box, reunite, [(lost(box, "Ada"), owner)])
    start = len(reunite.log())
    swept(reunite, 3, start)
    assert reunite.metric("reunite_sweep_woken_total", account="acme") == 1
    assert len(reunite.journal()) == 1


def test_zendesks_webhooks_never_come(box, daemon):
    """The job knows the person and waits for the Zendesk user, which nobody
    but the sweep tells it of: the search is late."""
    reunite = daemon(sweep_every="5s", fast=20, wait_for_user="30m")
    owner = profile(box, "Ada")
    begun = lost(box, "Ada", ["sunco"], hand_off="later")
    rounds.waiting(reunite)
    box.settings(index_lag_ms=600_000)
    handed = box.act("hand-offs", conversation_id=begun["conversation_id"],
                     zendesk="duplicate", webhooks=[])
    (entry,) = merged(box, reunite, [(handed, owner)])
    assert entry["source"] == "sunco"


def test_suncos_webhooks_never_come(box, daemon):
    reunite = daemon(fast=20)
    owner = profile(box, "Ada")
    begun = lost(box, "Ada", ["trigger"])
    merged(box, reunite, [(begun, owner)])
    reunite.configure(sweep_every="5s")
    reunite.reload()
    swept(reunite, 2)
    assert reunite.metric("reunite_sweep_woken_total", account="acme") == 0


def test_a_ticket_is_enough(box, sweeping):
    """The users' export does not work at all."""
    box.fault(match={"call": "users_export"}, kind="status", status=500,
              times=-1)
    reunite = sweeping()
    owner = profile(box, "Ada")
    merged(box, reunite, [(lost(box, "Ada"), owner)])
    assert walk(reunite, "users")["failure"] == "unreachable"


def test_a_user_is_enough(box, sweeping):
    """Neither is there a ticket, nor are identities brought by the export."""
    box.settings(side_load_export=False)
    box.fault(match={"call": "tickets_export"}, kind="status", status=500,
              times=-1)
    owner = profile(box, "Ada")
    begun = lost(box, "Ada")
    reunite = sweeping()
    merged(box, reunite, [(begun, owner)])
    assert calls(box, "show_many")


def test_tickets_of_other_channels_are_nobodys(box, sweeping):
    box.people({"name": "Ada", "id": 7, "email": address("Ada")}, tickets=[
        {"requester_id": 7, "id": 901, "channel": "email"}])
    assert box.zendesk.put("/api/v2/tickets/901", {
        "ticket": {"tags": ["changed"]}}).status == 200
    reunite = sweeping()
    swept(reunite)
    (event,) = [e for e in reunite.events("swept") if e["walk"] == "tickets"]
    assert (event["scanned"], event["found"]) == (1, 0)
    assert not calls(box, "show_many")


# --- many ---


def test_an_outage_of_several_pages(box, sweeping):
    """Hundreds of people; each is decided about once."""
    count = 230
    reunite = sweeping(apply="observe")
    swept(reunite)
    assert reunite.stop() == 0
    users = [{"id": 5000 + i, "name": f"Web User {i}", "identities": [
        {"type": "messaging", "value": f"outage{i}"}]} for i in range(count)]
    owners = [{"id": 7000 + i, "name": f"Owner {i}",
               "email": f"p{i}@people.example"} for i in range(count)]
    box.people(*users, *owners, sunco_users=[
        {"id": f"outage{i}", "authenticated": True, "externalId": f"e{i}",
         "identities": [{"type": "email", "value": f"p{i}@people.example",
                         "verification": "embed"}]} for i in range(count)])
    for user in users:
        assert box.zendesk.put(f"/api/v2/users/{user['id']}", {
            "user": {"notes": "changed"}}).status == 200
    again(reunite)
    harness.wait_until(
        lambda: reunite.metric("reunite_decisions_total") >= count,
        what="all decisions", timeout_s=60, pause_s=0.1)
    settled(reunite)
    (last,) = reunite.events("swept")[-1:]
    assert (last["walk"], last["pages"]) == ("users", 2), last
    assert (last["found"], last["woken"]) == (count, count)
    people = collections.Counter(e["messaging_user_id"]
                                 for e in reunite.journal())
    assert people == {user["id"]: 1 for user in users}


# --- nothing twice ---


@pytest.mark.parametrize("lag_ms", (0, 1000))
def test_it_races_with_the_live_stream(box, daemon, lag_ms):
    """Every conversation is told of by both providers and found by sweeps,
    also after its user is merged and before that is seen, which the
    requester's own jobs sit out."""
    box.settings(identity_move_lag_ms=lag_ms)
    reunite = daemon(sweep_every="1s", fast=20)
    swept(reunite)
    pairs = []
    for i in range(8):
        owner = profile(box, f"Ada{i}")
        pairs.append((lost(box, f"Ada{i}", ["sunco", "trigger"]), owner))
    merged(box, reunite, pairs)
    start = len(reunite.log())
    swept(reunite, 2, start)
    settled(reunite)
    assert len(reunite.journal()) == len(pairs)
    assert len(rounds.merges(box)) == len(pairs)


POINTS = ("before_sweep_page:1", "after_sweep_page:1", "before_sweep_kept:1",
          "after_sweep_kept:1", "before_sweep_page:2", "after_sweep_page:2",
          "before_sweep_kept:2", "after_sweep_kept:2")


@CRASHES
def test_a_crash_at_every_point(tmp_path):
    """Each life dies at the next point; the last one finds what is left."""
    with crashes.stage(tmp_path, AT_ONCE, fast=20, sweep_every="1h") as on:
        owner = profile(on.sandbox, "Ada")
        begun = lost(on.sandbox, "Ada")
        for point in POINTS:
            on.start(REUNITE_CRASH_AT=point)
            on.dies(5)
            if not on.daemon.gone():
                assert on.daemon.stop() == 0
        start = len(on.daemon.log())
        on.start()
        harness.wait_until(lambda: rounds.merges(on.sandbox),
                           what="the merge")
        swept(on.daemon, 1, start)
        on.finish()
        crashes.check_records(on, {"merge": 1})
        assert rounds.merges(on.sandbox) == [
            (begun["zendesk_user_id"], owner)]
        assert on.rows("SELECT count(*) FROM jobs") == [(1,)]


def test_it_is_stopped_in_the_middle_of_a_page(box, sweeping):
    box.fault(match={"call": "tickets_export"}, kind="hang", ms=60000)
    owner = profile(box, "Ada")
    begun = lost(box, "Ada")
    reunite = sweeping()
    harness.wait_until(
        lambda: box.control("GET", "faults")["faults"][0]["hits"],
        what="the page to be asked for")
    assert reunite.stop() == 0
    assert reunite.events("stopped")[-1]["drained"]
    again(reunite)
    merged(box, reunite, [(begun, owner)])


# --- what stands in the way ---


def test_exports_are_forbidden(box, daemon):
    """An admin's right: told once, retried seldom, in nobody's way."""
    for call in EXPORTS:
        box.fault(match={"call": call}, kind="status", status=403, times=-1,
                  body={"error": "Forbidden"})
    reunite = daemon(sweep_every="10s", fast=20)
    harness.wait_until(lambda: len(reunite.events("sweep_failed")) == 2,
                       what="both walks to fail")
    owner = profile(box, "Ada")
    begun = lost(box, "Ada", ["trigger"])
    merged(box, reunite, [(begun, owner)])
    late = profile(box, "Bea")
    missed = lost(box, "Bea")
    failed = reunite.events("sweep_failed")
    assert {e["reason"] for e in failed} == {"forbidden"}
    assert all("admin" in e["mend"] for e in failed)
    assert len(calls(box, *EXPORTS)) == 2
    assert account(reunite)["held"] is None
    assert walk(reunite, "users")["failure"] == "forbidden"
    assert account(reunite)["sweep"]["last_complete"] is None
    assert reunite.metric("reunite_sweep_failing", reason="forbidden") == 2
    said = reunite.command("doctor", check=False).stdout
    assert "admin's role" in said, said
    box.control("DELETE", "faults")
    reunite.reload()
    merged(box, reunite, [(begun, owner), (missed, late)])
    assert reunite.metric("reunite_sweep_failing") == 0
    assert walk(reunite, "users")["failure"] is None


def test_the_exports_own_limit(box, sweeping):
    """Others use it up: it comes back when told, and the account's other
    work does not wait for that."""
    box.fault(match={"call": "tickets_export"}, kind="status", status=429,
              headers={"Retry-After": "2"}, times=2)
    owner = profile(box, "Ada")
    begun = lost(box, "Ada")
    live = profile(box, "Bea")
    reunite = sweeping()
    harness.wait_until(lambda: reunite.events("sweep_waits"),
                       what="the refusal")
    told = lost(box, "Bea", ["trigger"])
    merged(box, reunite, [(begun, owner), (told, live)])
    swept(reunite)
    assert reunite.events("sweep_waits")[0]["reason"] == "rate_limit"
    assert account(reunite)["held"] is None
    assert not reunite.events("sweep_failed")


def test_a_place_that_is_not_known_any_more(box, sweeping):
    """It goes on by time, and nobody is missed."""
    reunite = sweeping()
    swept(reunite)
    assert reunite.stop() == 0
    owner = profile(box, "Ada")
    begun = lost(box, "Ada")
    for call, status in (("users_export", 422), ("tickets_export", 404)):
        box.fault(match={"call": call}, kind="status", status=status,
                  body={"error": "RecordNotFound" if status == 404
                        else "InvalidCursor"})
    again(reunite)
    merged(box, reunite, [(begun, owner)])
    swept(reunite, 2)
    assert [e["reason"] for e in reunite.events("sweep_failed")] == [
        "cursor_refused"] * 2


def test_an_export_that_does_not_answer(box, sweeping):
    """It is told once, and that it goes on."""
    for kind in ("html", "truncate", "cut_before"):
        box.fault(match={"call": "users_export"}, kind=kind)
    owner = profile(box, "Ada")
    begun = lost(box, "Ada")
    reunite = sweeping(fast=20)
    merged(box, reunite, [(begun, owner)])
    swept(reunite)
    assert len(calls(box, "users_export")) == 4
    assert len(reunite.events("sweep_failed")) == 1  # told once
    assert len(reunite.events("sweep_goes_on")) == 1


def test_a_paused_account_is_not_swept(box, sweeping):
    reunite = sweeping()
    swept(reunite)
    reunite.command("queue", "pause", "--account", "acme")
    assert reunite.stop() == 0
    owner = profile(box, "Ada")
    begun = lost(box, "Ada")
    before = len(calls(box, *EXPORTS))
    reunite.start()
    probe = harness.wait_until(lambda: reunite.event("listening"))
    assert probe
    reunite.reload()
    assert len(calls(box, *EXPORTS)) == before
    reunite.command("queue", "resume", "--account", "acme")
    reunite.reload()
    merged(box, reunite, [(begun, owner)])


# --- when, and what it costs ---


def test_it_can_be_off(box, daemon):
    lost(box, "Ada")
    reunite = daemon(sweep_every="0", fast=50, timestamp_tolerance="0")
    rounds.begin(box, rounds.jwt("Bea", address("Bea")))
    reunite.decided()
    assert not calls(box, *EXPORTS)
    assert account(reunite)["sweep"]["every_s"] == 0
    reunite.configure(sweep_every="1h", timestamp_tolerance="0")
    reunite.reload()
    harness.wait_until(lambda: len(calls(box, *EXPORTS)) == 2,
                       what="the sweep")


def test_an_idle_sweep_costs_two_calls(box, daemon):
    reunite = daemon(sweep_every="15s", fast=50)
    swept(reunite, 4)
    reunite.stop()
    count = sweeps(reunite)
    asked = rounds.requests(box)
    assert {r["call"] for r in asked} == set(EXPORTS)
    assert len(asked) <= 2 * count + 2


def test_it_says_how_it_is_doing(box, sweeping):
    reunite = sweeping()
    swept(reunite)
    sweep = account(reunite)["sweep"]
    assert sweep["every_s"] == 3600
    assert sweep["last_complete"].startswith("20")
    assert set(sweep["walks"]) == {"users", "tickets"}
    assert reunite.metric("reunite_sweep_timestamp_seconds",
                          account="acme") > 1.7e9
    said = reunite.command("doctor", check=False).stdout
    assert "sweep" in said
