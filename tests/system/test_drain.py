"""The end of a daemon under load, at random moments: whoever was answered is
in the store, whoever was not may ask again, and nobody is merged twice."""

import collections
import concurrent.futures
import os
import random
import signal
import time

import pytest

import crashes
import daemon as daemon_module
import harness
import load
from hooks import create

PEOPLE = 18
LATENCY_MS = 20
ENDS = 5


def dice():
    seed = int(os.environ.get("REUNITE_SEED", random.randrange(1 << 32)))
    print(f"REUNITE_SEED={seed}")
    return random.Random(seed)


def drained(reunite):
    assert reunite.process.wait(harness.WAIT_S) == 0, reunite.log()


def ended_at_once(reunite):
    """As somebody does who cannot wait."""
    while reunite.process.poll() is None:
        reunite.process.send_signal(signal.SIGINT)
        time.sleep(0.002)
    assert reunite.process.returncode == 0, reunite.log()


@pytest.mark.parametrize("end", [drained, ended_at_once])
def test_an_end_under_load(tmp_path, end):
    chance = dice()
    settings = {"limit": 100000, "latency_ms": LATENCY_MS,
                "zendesk_id_on_hand_off": True}
    with crashes.stage(tmp_path, settings, ticket_note="merged",
                       top={"drain_timeout": "20s"}) as on:
        on.start()
        stream = load.Stream(on.daemon, clients=3)
        with concurrent.futures.ThreadPoolExecutor(2) as customers:
            begun = [customers.submit(crashes.join, on, *p)
                     for p in crashes.crowd(PEOPLE, chance)]
            for _ in range(ENDS):
                time.sleep(chance.uniform(0.02, 0.4))
                on.daemon.process.send_signal(signal.SIGTERM)
                end(on.daemon)
                on.start()
            people = [b.result() for b in begun]
        harness.wait_until(lambda: len(stream.taken()) > 50, what="a load")
        stream.stop()
        crashes.remind(on, [p[2] for p in people])
        on.finish()
        print(stream.counts())
        taken = stream.taken()
        assert len(taken) > 50
        assert set(taken) <= {r[0].hex() for r in on.rows(
            "SELECT substr(key, 2) FROM events")}
        state = on.sandbox.state()
        users = {u["id"]: u for u in state["users"]}
        for person in people:
            crashes.check_person(*person, users, state["merges"])
        crashes.check_records(on, collections.Counter(p[0] for p in people))


@pytest.mark.parametrize("patient", [True, False])
def test_an_end_on_a_disk_that_hangs(tmp_path, daemon, patient):
    """Whoever waits for the disk gets no answer, and may ask again."""
    clock = daemon_module.WallClock(tmp_path)
    reunite = daemon(environment=clock.environment(),
                     top={"drain_timeout": "100ms"})
    assert reunite.sunco(create()).status == 200
    reunite.idle()
    clock.disk_hangs(True)
    with concurrent.futures.ThreadPoolExecutor(1) as client:
        asked = client.submit(reunite.sunco, create())
        harness.wait_until(lambda: reunite.admin.get("/readyz").status == 503,
                           what="a store that is behind")
        reunite.process.send_signal(signal.SIGTERM)
        harness.wait_until(lambda: reunite.event("stopped"), what="the end")
        for _ in range(20):  # a reload now ends nothing
            reunite.process.send_signal(signal.SIGHUP)
            time.sleep(0.01)
        if not patient:
            reunite.process.send_signal(signal.SIGTERM)
        assert reunite.process.wait(harness.WAIT_S) == 0
        with pytest.raises((OSError, harness.http.client.HTTPException)):
            asked.result()
    clock.disk_hangs(False)
    reunite.start()
    assert reunite.sunco(create()).status == 200
