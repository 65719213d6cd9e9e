"""What comes late, twice or in the wrong order is harmless, and cheap."""

import rounds


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
