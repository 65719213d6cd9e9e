"""APIs that are slow, almost as slow as we wait: nothing is lost, and nothing
is done twice."""

import harness
import rounds
from test_upstream_holds import PLENTY, all_merged, come, people

FAST = 20  # what was read stays fresh, however slowly it is stored
SOME = 20  # more than may run at the same time


def start(sandbox, daemon):
    sandbox.settings(limit=0, user_update_limits=False)
    return daemon(fast=FAST, timestamp_tolerance="0", **PLENTY)


def once_each(sandbox, reunite, count):
    all_merged(sandbox, reunite, count)
    assert rounds.calls(sandbox, "zendesk")["merge"] == count
    assert reunite.events("lease_lost") == []


def test_every_answer_takes_25_seconds(sandbox, daemon):
    """A whole round takes minutes: the leases last, the facts are fresh."""
    reunite = start(sandbox, daemon)
    logins = people(sandbox, 4)
    sandbox.settings(latency_ms=25000 // FAST)
    come(sandbox, logins, ["sunco", "trigger"])
    once_each(sandbox, reunite, 4)
    assert {e["status"] for e in reunite.journal()} == {"done"}


def test_every_run_hangs(sandbox, daemon):
    """All that may run hang until we give up, then they are let."""
    reunite = start(sandbox, daemon)
    logins = people(sandbox, SOME)
    sandbox.fault(kind="hang", ms=35000 // FAST, times=16,
                  match={"api": "zendesk", "call": "user_get"})
    come(sandbox, logins)
    once_each(sandbox, reunite, SOME)
    harness.wait_until(
        lambda: reunite.admin.get("/readyz").json["held"] == [],
        what="the end of the hold")
