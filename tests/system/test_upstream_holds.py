"""An API that is down, in every way and for either API: the account is held,
says so, is hardly asked, loses nothing and goes on by itself.

The daemon's clock is fast: a minute of it is two seconds or less of ours."""

import time

import front
import harness
import pytest
import rounds

FAST = 30
PLENTY = {"requests_per_minute": 60000, "reserve_percent": 0}
SOME = 8


@pytest.fixture(autouse=True)
def unlimited(sandbox):
    sandbox.settings(limit=0, user_update_limits=False)


def people(sandbox, count=SOME):
    """Customers, and their logins."""
    logins = [rounds.jwt(f"Visitor Number {n}", f"visitor{n}@people.example")
              for n in range(count)]
    sandbox.people(*({"name": who["name"], "email": who["email"]}
                     for who in logins))
    return logins


def come(sandbox, logins, webhooks=("trigger",)):
    """Everybody's webhook is taken, whatever is the matter."""
    return [rounds.begin(sandbox, who, webhooks, wait="end")
            for who in logins]


def readyz(reunite):
    return reunite.admin.get("/readyz").json["held"]


def held(reunite):
    return [(h["reason"], h["api"]) for h in readyz(reunite)]


def until_held(reunite, reason, api):
    harness.wait_until(lambda: readyz(reunite), what="the hold")
    assert held(reunite) == [(reason, api)]
    harness.wait_until(
        lambda: reunite.admin.get("/readyz").status == 200,
        what="the pod to stay in")


def asked(sandbox):
    return sandbox.control("GET", "requests")["total"]


def calls_while(sandbox, minutes):
    before = asked(sandbox)
    time.sleep(minutes * 60 / FAST)
    return asked(sandbox) - before


def all_merged(sandbox, reunite, count=SOME):
    harness.wait_until(lambda: len(rounds.merges(sandbox)) >= count,
                       what="all merges")
    reunite.idle()
    merges = rounds.merges(sandbox)
    assert len(merges) == len(set(merges)) == count
    entries = [e for e in reunite.journal()
               if e["action"] not in ("pause", "resume")]
    assert {e["status"] for e in entries} <= {"done", "failed"}
    assert len([e for e in entries if e["status"] == "done"]) == count
    assert reunite.reviews() == []


def told_in_the_log(reunite, reason, api, waited=1):
    """One line when it begins, one when it ends, and none for every job."""
    line, = reunite.events("account_held")
    assert (line["level"], line["account"], line["reason"], line["api"]) == \
        ("error", "acme", reason, api)
    assert line["text"] and line["mend"]
    end = harness.wait_until(lambda: reunite.event("account_resumed"),
                             what="the line of the end")
    assert (end["reason"], end["api"]) == (reason, api)
    assert end["jobs"] >= waited and end["seconds"] > 0
    assert len(reunite.events("job_failed")) <= 16 + SOME


ALWAYS = {"times": -1}
DOWN = {
    "5xx": ({"kind": "status", "status": 503, "body": {"error": "down"}},
            "unreachable"),
    "a page": ({"kind": "html"}, "unreachable"),
    "a page with 403": ({"kind": "html", "status": 403}, "unreachable"),
    "cut": ({"kind": "cut_before"}, "unreachable"),
    "hangs": ({"kind": "hang", "ms": 32000 // FAST}, "unreachable"),
    "429": ({"kind": "status", "status": 429, "body": {"error": "Limit"}},
            "rate_limited"),
    "429 with seconds": ({"kind": "status", "status": 429,
                          "headers": {"Retry-After": "5"}}, "rate_limited"),
}


@pytest.mark.parametrize("way, api", [
    ("5xx", "zendesk"), ("a page", "sunco"), ("a page with 403", "zendesk"),
    ("cut", "sunco"), ("hangs", "zendesk"), ("hangs", "sunco"),
    ("429", "sunco"), ("429 with seconds", "zendesk")])
def test_an_api_is_down(sandbox, daemon, way, api):
    fault, reason = DOWN[way]
    reunite = daemon(fast=FAST, timestamp_tolerance="0", **PLENTY)
    logins = people(sandbox)
    sandbox.fault(**fault, **ALWAYS, match={"api": api})
    come(sandbox, logins[:-1])
    until_held(reunite, reason, api)
    assert reunite.metric("reunite_account_held", account="acme",
                          reason=reason) == 1
    assert calls_while(sandbox, 1) <= 15
    come(sandbox, logins[-1:])
    sandbox.control("DELETE", "faults")
    all_merged(sandbox, reunite)
    assert held(reunite) == []
    assert reunite.metric("reunite_account_held", account="acme") == 0
    told_in_the_log(reunite, reason, api)


@pytest.mark.parametrize("api", ["zendesk", "sunco"])
def test_nobody_listens(sandbox, daemon, api):
    before = front.Front(sandbox.url)
    place = {"zendesk_url": before.url} if api == "zendesk" else \
        {"sunco_url": before.url + "/sc"}
    reunite = daemon(fast=FAST, timestamp_tolerance="0", **place, **PLENTY)
    logins = people(sandbox)
    before.close()
    come(sandbox, logins)
    until_held(reunite, "unreachable", api)
    before.open()
    all_merged(sandbox, reunite)
    told_in_the_log(reunite, "unreachable", api)
    before.close()


@pytest.mark.parametrize("url", ["https://no-such-host.invalid", None])
def test_a_place_that_is_wrong_is_mended_by_a_reload(sandbox, daemon, url):
    """No such name; a listener without TLS."""
    reunite = daemon(fast=FAST, timestamp_tolerance="0", zendesk_url=url or
                     sandbox.url.replace("http:", "https:"))
    come(sandbox, people(sandbox, 2))
    until_held(reunite, "unreachable", "zendesk")
    text = readyz(reunite)[0]["text"]
    assert text.startswith("oauth_token: "), text
    reunite.configure(**PLENTY)
    reunite.reload()
    all_merged(sandbox, reunite, 2)


def test_both_are_down(sandbox, daemon):
    reunite = daemon(fast=FAST, timestamp_tolerance="0", **PLENTY)
    sandbox.fault(**DOWN["5xx"][0], **ALWAYS)
    come(sandbox, people(sandbox), ["sunco", "trigger"])
    harness.wait_until(lambda: len(readyz(reunite)) == 2, what="both holds")
    assert held(reunite) == [("unreachable", "zendesk"),
                             ("unreachable", "sunco")]
    sandbox.control("DELETE", "faults")
    all_merged(sandbox, reunite)
    harness.wait_until(
        lambda: len(reunite.events("account_resumed")) == 2,
        what="the end of both")


def test_only_the_search_is_down(sandbox, daemon):
    """People can be read meanwhile: that does not hide it."""
    reunite = daemon(fast=FAST, timestamp_tolerance="0", **PLENTY)
    sandbox.fault(**DOWN["5xx"][0], **ALWAYS, match={"call": "search"})
    come(sandbox, people(sandbox))
    until_held(reunite, "unreachable", "zendesk")
    assert "user_search: HTTP 503" in readyz(reunite)[0]["text"]
    assert calls_while(sandbox, 2) <= 20
    sandbox.control("DELETE", "faults")
    all_merged(sandbox, reunite)


def test_another_account_goes_on(sandbox, other_sandbox, daemon):
    other_sandbox.settings(limit=0, user_update_limits=False)
    reunite = daemon(fast=FAST, timestamp_tolerance="0",
                     others={"other": other_sandbox}, **PLENTY)
    sandbox.fault(**DOWN["5xx"][0], **ALWAYS)
    come(sandbox, people(sandbox))
    until_held(reunite, "unreachable", "zendesk")
    assert {h["account"] for h in readyz(reunite)} == {"acme"}
    come(other_sandbox, people(other_sandbox))
    harness.wait_until(lambda: len(rounds.merges(other_sandbox)) == SOME,
                       what="the other account's merges")
    assert rounds.merges(sandbox) == []
    assert held(reunite) == [("unreachable", "zendesk")]


def test_commands_say_it_too(sandbox, daemon):
    reunite = daemon(fast=FAST, timestamp_tolerance="0", **PLENTY)
    sandbox.fault(**DOWN["5xx"][0], **ALWAYS, match={"api": "zendesk"})
    come(sandbox, people(sandbox))
    until_held(reunite, "unreachable", "zendesk")
    row = harness.wait_until(lambda: reunite.api("accounts"),
                             what="the accounts")["items"][0]
    assert row["held"] == "unreachable"
    assert row["holds"] == readyz(reunite)
    listed = harness.wait_until(
        lambda: [d for d in [reunite.command("queue", "list")] if "held"
                 in d.stderr], what="the row")[0]
    assert "account acme is held since " in listed.stderr
    assert ": unreachable, zendesk: " in listed.stderr
    doctor = reunite.command("doctor", check=False)
    assert "unreachable, zendesk: " in doctor.stdout


# --- an hour ---

HOUR_FAST = 120


def test_an_hour_without_zendesk_gives_up_on_nobody(sandbox, daemon):
    """Longer than anybody may wait for their Zendesk user. Intake goes on,
    a reminder is logged, and who waited is looked for as long as before."""
    reunite = daemon(fast=HOUR_FAST, timestamp_tolerance="0",
                     wait_for_user="59m", **PLENTY)
    waiting = sandbox.act("conversations", jwt=rounds.jwt(
        "Late Person", "late@people.example"), hand_off="never",
        webhooks=["sunco"])
    harness.wait_until(lambda: [j for j in reunite.queue()
                                if j["state"] == "waiting"], what="the wait")
    logins = people(sandbox)
    sandbox.fault(**DOWN["5xx"][0], **ALWAYS)
    come(sandbox, logins, ["sunco", "trigger"])
    harness.wait_until(lambda: len(readyz(reunite)) == 2, what="the hold")
    begun, before = time.monotonic(), asked(sandbox)
    harness.wait_until(lambda: reunite.event("account_still_held"), 60,
                       what="an hour")
    minutes = (time.monotonic() - begun) * HOUR_FAST / 60
    assert asked(sandbox) - before <= 5 * minutes
    assert len(reunite.events("account_held")) == 2
    sandbox.control("DELETE", "faults")
    all_merged(sandbox, reunite)
    job = rounds.waiting(reunite)
    assert job["sunco_user_id"] == waiting["sunco_user_id"], job
    assert [e for e in reunite.journal() if e["action"] == "none"] == []
