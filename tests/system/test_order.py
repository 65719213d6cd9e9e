"""What comes late, twice or in the wrong order is harmless, and cheap."""

import events
import harness
import pytest
import rounds

pytestmark = pytest.mark.both_stores


def peter(sandbox):
    return (rounds.profile(sandbox, "Peter Pan", "peter.pan@island.example"),
            rounds.jwt("Peter Pan", "peter.pan@island.example"))


# --- what became of an entry ---


def test_every_status_of_an_entry_is_shown(sandbox, daemon):
    reunite = daemon()
    owner, who = peter(sandbox)
    sandbox.fault(match={"call": "merge"}, kind="cut_after")
    begun = rounds.begin(sandbox, who)
    entry = rounds.merged_once(sandbox, reunite, begun, owner)
    assert "changes" not in entry  # lists are short
    shown = reunite.admin.get(f"/api/v1/journal/{entry['id']}").json
    statuses = [c["status"] for c in shown["changes"]]
    # the answer was lost, looked up, and the rest followed
    assert statuses == ["pending", "uncertain", "pending", "done"]
    times = [c["at"] for c in shown["changes"]]
    assert times == sorted(times)
    (told,) = reunite.rows("journal", "show", str(entry["id"]))
    assert told["changes"] == shown["changes"]
    text = reunite.command("journal", "show", str(entry["id"])).stdout
    assert f"pending {times[0]}, uncertain {times[1]}" in text


# --- what is said during a run ---

MERGE_AND_PIN = {"user_get": 2, "search": 1, "merge": 1, "user_update": 1}


@pytest.mark.parametrize("latency_ms", [0, 60])
@pytest.mark.parametrize("webhooks", [["trigger"], ["sunco", "trigger"],
                                      ["trigger", "sunco"]], ids="+".join)
def test_what_zendesk_says_meanwhile_costs_nothing(sandbox, daemon, webhooks,
                                                   latency_ms):
    """All events of Zendesk come while the job runs, those of its own merge,
    too; the person ends as they say, and is not read again."""
    sandbox.settings(events="all", latency_ms=latency_ms)
    reunite = daemon()
    owner, who = peter(sandbox)
    begun = rounds.begin(sandbox, who, webhooks)
    rounds.merged_once(sandbox, reunite, begun, owner)
    reunite.idle()
    calls = rounds.calls(sandbox, "zendesk")
    # Zendesk speaks of the new user before it says whose it is: one look
    # more, unless that came in between
    assert calls["user_get"] <= MERGE_AND_PIN["user_get"] + 1
    assert {**calls, "user_get": 2} == MERGE_AND_PIN
    assert rounds.calls(sandbox, "sunco") == {"user_get": 1}
    assert len(reunite.journal()) == 1


def test_another_login_during_the_run_is_looked_at(sandbox, daemon):
    """The same person, but not the same address any more."""
    sandbox.settings(latency_ms=100)
    reunite = daemon()
    owner, who = peter(sandbox)
    begun = rounds.begin(sandbox, who)
    harness.wait_until(lambda: rounds.requests(sandbox, "sunco"),
                       what="a run under way")
    body = events.conversation(sandbox, begun, profile={
        "email": "another@island.example"}, identities=[])
    assert reunite.sunco(body).json["accepted"] == 1
    rounds.merged_once(sandbox, reunite, begun, owner)
    reunite.idle()
    assert rounds.calls(sandbox, "sunco") == {"user_get": 2}
