"""SIGHUP under load: no request, no connection and no job is lost by it, no
secret that is still good is refused, and nothing piles up."""

import collections
import concurrent.futures
import os
import random
import signal
import time

import crashes
import harness
import load
import pytest
from hooks import create

PEOPLE = 12
STORMS = 150


def hup(reunite, count=1):
    for _ in range(count):
        reunite.process.send_signal(signal.SIGHUP)


def memory_kib(reunite):
    with open(f"/proc/{reunite.process.pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f
                    if line.startswith("VmRSS:"))


def variations(reunite, other):
    """What a reload may change, over and over; the secret in use stays."""
    key = reunite.secrets["sunco_secret"]
    for n in range(STORMS):
        reunite.accounts = {"acme": reunite.sandbox,
                            **({"other": other} if n % 4 < 2 else {})}
        yield {"top": {"log_level": ("debug", "info")[n % 2],
                       "log_format": ("json", "text")[n // 2 % 2],
                       "drain_timeout": f"{5 + n % 7}s",
                       "retention_events": f"{1 + n % 9}d"},
               "sunco_webhook_secrets": [[key], [key, f"new-{n}"],
                                         [f"new-{n}", key]][n % 3],
               "max_merges_per_hour": 100 + n,
               "wait_for_user": f"{20 + n % 5}m",
               "zendesk_auth": "oauth"}


def test_a_storm_of_reloads_under_load(tmp_path, other_sandbox):
    settings = {"limit": 100000, "latency_ms": 10,
                "zendesk_id_on_hand_off": True}
    with crashes.stage(tmp_path, settings) as on:
        on.start()
        stream = load.Stream(on.daemon, clients=3, refusals=False)
        with concurrent.futures.ThreadPoolExecutor(2) as customers:
            begun = [customers.submit(crashes.join, on, *p)
                     for p in crashes.crowd(PEOPLE, random.Random(1))]
            for change in variations(on.daemon, other_sandbox):
                on.daemon.configure(**change)
                hup(on.daemon, 3)
                time.sleep(0.005)
            people = [b.result() for b in begun]
        stream.stop()
        on.daemon.configure()
        assert on.daemon.reload()["event"] == "reloaded"
        assert not [d for d in on.sandbox.control("GET", "deliveries")
                    ["deliveries"] if len(d["attempts"]) > 1]
        on.finish()
        assert len(on.daemon.events("reloaded")) > STORMS / 10
        assert set(stream.counts()) == {"taken"} and len(stream.ends) > 50
        assert set(stream.taken()) <= {r[0].hex() for r in on.rows(
            "SELECT substr(key, 2) FROM events")}
        state = on.sandbox.state()
        users = {u["id"]: u for u in state["users"]}
        for person in people:
            crashes.check_person(*person, users, state["merges"])
        crashes.check_records(on, collections.Counter(p[0] for p in people))


def test_secrets_are_rotated_without_a_refusal(sandbox, daemon):
    reunite = daemon()
    old = reunite.secrets["sunco_secret"]
    for accepted, refused in (([old, "new"], []), (["new"], [old])):
        reunite.configure(sunco_webhook_secrets=accepted)
        assert reunite.reload()["event"] == "reloaded"
        for key in accepted:
            assert reunite.sunco(create(), key=key).status == 200
        for key in refused:
            assert reunite.sunco(create(), key=key).status == 401


@pytest.mark.skipif(bool(os.environ.get("REUNITE_SANITIZE")),
                    reason="a sanitizer keeps what was freed for a while")
def test_reloads_do_not_pile_up_while_a_job_runs(sandbox, daemon):
    reunite = daemon(top={"drain_timeout": "100ms"})
    sandbox.fault(kind="hang", ms=60000, times=-1,
                  match={"api": "sunco", "call": "user_get"})
    assert reunite.sunco(create()).status == 200
    harness.wait_until(
        lambda: reunite.metric("reunite_jobs", state="running"),
        what="a run")
    large = [f"*@{n:04}.many-people-with-long-names.example"
             for n in range(2000)]

    def reloads(count):
        for _ in range(count):
            assert reunite.reload()["event"] == "reloaded"
        return memory_kib(reunite)

    reunite.configure(deny_emails=large)
    before = reloads(10)
    assert reloads(40) - before < 2000


def test_the_gauges_of_a_removed_account_go(sandbox, other_sandbox, daemon):
    reunite = daemon(others={"other": other_sandbox})

    def shown():
        text = reunite.admin.get("/metrics").body.decode()
        return {line.split("{")[0] for line in text.splitlines()
                if 'account="other"' in line}

    everything = harness.wait_until(
        lambda: "reunite_jobs" in shown() and shown(), what="gauges")
    del reunite.accounts["other"]
    reunite.configure()
    reunite.reload()
    assert reunite.event("account_removed")["account"] == "other"
    assert "reunite_jobs" not in shown()
    assert shown() < everything
    reunite.accounts["other"] = other_sandbox
    reunite.configure()
    reunite.reload()
    harness.wait_until(lambda: "reunite_jobs" in shown(), what="gauges again")


def test_jobs_of_a_removed_account_wait_for_it(sandbox, other_sandbox,
                                               daemon):
    reunite = daemon(others={"other": other_sandbox})
    secret = other_sandbox.settings()["sunco_secret"]

    def told(verb):
        reunite.command("queue", verb, "--account", "other", "--by", "tester")

    told("pause")
    reply = reunite.http.post("/webhooks/other/sunco", create(),
                              headers={"X-API-Key": secret})
    assert reply.status == 200
    del reunite.accounts["other"]
    reunite.configure()
    reunite.reload()
    assert [j["account"] for j in reunite.queue()] == ["other"]
    reunite.accounts["other"] = other_sandbox
    reunite.configure()
    reunite.reload()
    told("resume")
    harness.wait_until(lambda: not reunite.queue(), what="its job")
