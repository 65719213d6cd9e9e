"""A stretch of bad weather: people come, every fault there is strikes now and
then, and the daemon is killed, stopped, reloaded and talked to meanwhile. A
seed decides all of it."""

import collections
import contextlib
import http.client
import json
import os
import random
import signal
import sqlite3
import threading
import time
import traceback

import crashes
import harness

# Each row throws dice of its own.
FAULTS = (
    {"kind": "cut_before", "percent": 2},
    {"kind": "cut_after", "percent": 2},
    {"kind": "truncate", "percent": 1},
    {"kind": "hang", "ms": 3000, "percent": 1},
    {"kind": "hang", "ms": 3000, "applied": True, "percent": 1},
    {"kind": "delay", "ms": 1500, "percent": 2},
    {"kind": "html", "status": 503, "percent": 1},
    {"kind": "status", "status": 500, "percent": 1},
    {"kind": "status", "status": 500, "applied": True, "percent": 1},
    {"kind": "status", "status": 409, "body": {"error": "Conflict"},
     "percent": 1},
    {"kind": "status", "status": 429, "headers": {"Retry-After": "1"},
     "percent": 1},
    {"kind": "status", "status": 429, "percent": 1},
    # where a new token helps: else the account is held for a minute
    {"match": {"api": "zendesk", "call": "user_get"}, "kind": "status",
     "status": 401, "body": {"error": "Couldn't authenticate you"},
     "percent": 2},
)
SETTINGS = {
    "limit": 120, "window_ms": 6000, "webhook_timeout_ms": 2000,
    "index_lag_ms": 200, "identity_move_lag_ms": 300,
    "external_id_release_lag_ms": 300, "incremental_lag_ms": 500,
    "zendesk_id_on_hand_off": True,
}
ACCOUNT = {"ticket_note": "all", "max_merges_per_hour": 100000,
           "settle_after": "5s", "sunco_sync": "on", "sweep_every": "5s"}
WEBHOOKS = (["sunco"], ["trigger"], ["sunco", "trigger"],
            ["trigger", "sunco"], ["trigger", "trigger", "sunco", "sunco"],
            [])
# What a second brings, and how often of a hundred times.
WEATHER = (("kill", 12), ("term", 6), ("hup", 12), ("freeze", 8), ("pause", 5),
           ("decide", 25), ("look", 25), ("read", 8), ("check", 4),
           ("again", 20))
PERSON_EVERY_S = 0.7
TICK_S = 0.25
OTHERS_S = 0.4  # between two requests of another integration

Guest = collections.namedtuple("Guest", "kind jwt profile webhooks")
Known = collections.namedtuple("Known", "guest begun profile_id")


def guest(number, dice):
    person = crashes.jwt(f"Person{number:04}")
    kind = dice.choice(("merge", "merge", "merge", "pin", "adopt", "asked"))
    profile = crashes.profile(f"Person{number:04}")
    if kind == "merge":
        profile["external_id"] = person["external_id"]
    elif kind == "asked":
        profile["external_id"] = f"another-{number:04}"
    return Guest(kind, person, None if kind == "adopt" else profile,
                 dice.choice(WEBHOOKS))


def script(seed, seconds):
    """What happens when: (second, what, how)."""
    dice = random.Random(seed)
    at, number = 0.0, 0
    while at < seconds:
        yield at, "comes", guest(number, dice)
        number += 1
        at += dice.uniform(0, 2 * PERSON_EVERY_S)
    for tick in range(int(seconds / TICK_S)):
        for what, percent in WEATHER:
            if dice.uniform(0, 100) < percent * TICK_S:
                yield (tick * TICK_S + dice.uniform(0, TICK_S), what,
                       dice.random())


class Soak:
    def __init__(self, on, seed):
        self.on = on
        self.known = []
        self.over = threading.Event()
        self.most = {"rss_kb": 0, "descriptors": 0}
        self.counts = collections.Counter()
        for number, row in enumerate(FAULTS):
            on.sandbox.fault(seed=(seed + number) % (1 << 31), times=-1,
                             **row)

    # --- the weather ---

    def comes(self, who):
        profile_id = who.profile and \
            self.on.sandbox.people(who.profile)["users"][0]
        begun = self.on.sandbox.act(
            "conversations", jwt=who.jwt, zendesk="duplicate",
            hand_off="now", webhooks=who.webhooks, wait=False)
        self.known.append(Known(who, begun, profile_id))

    def again(self, luck):
        """Somebody writes once more."""
        if self.known:
            one = self.known[int(luck * len(self.known))]
            self.on.sandbox.act(
                "conversations", hand_off="never", webhooks=["sunco"],
                sunco_user_id=one.begun["sunco_user_id"], wait=False)

    def kill(self, luck):
        self.on.daemon.kill()
        self.on.start()

    def term(self, luck):
        status = self.on.daemon.stop()
        assert status == 0, (status, self.on.daemon.log()[-4000:])
        self.on.start()

    def hup(self, luck):
        self.on.daemon.process.send_signal(signal.SIGHUP)

    def freeze(self, luck):
        self.on.daemon.process.send_signal(signal.SIGSTOP)
        time.sleep(2 * luck)
        self.on.daemon.process.send_signal(signal.SIGCONT)

    def pause(self, luck):
        self.on.daemon.command("queue", "pause", "--account", "acme")
        time.sleep(luck)
        self.on.daemon.command("queue", "resume", "--account", "acme")

    def decide(self, luck):
        found = self.on.items("reviews")
        if not found:
            return
        review = found[int(luck * len(found))]
        word = "approve" if luck * 1000 % 2 < 1 else "reject"
        # it may have been decided, or closed, between
        self.on.daemon.admin.post(
            f"/api/v1/reviews/{review['id']}/{word}", {"by": "robin"})

    def look(self, luck):
        path = ("/readyz", "/metrics", "/api/v1/queue?limit=50",
                "/api/v1/journal?limit=50")[int(luck * 4)]
        assert self.on.daemon.admin.get(path).status in (200, 503)

    def read(self, luck):
        """Somebody's reader holds up the log's checkpoints."""
        path = os.path.join(self.on.folder, "reunite.db")
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute("BEGIN")
            db.execute("SELECT count(*) FROM jobs").fetchone()
            time.sleep(luck)

    def check(self, luck):
        done = self.on.daemon.command("queue", "check", check=False)
        assert done.returncode in (0, 1), done.stderr

    # --- beside it ---

    def others(self):
        """Another integration wants its share."""
        while not self.over.wait(OTHERS_S):
            with contextlib.suppress(OSError, http.client.HTTPException):
                self.on.sandbox.zendesk.get("/api/v2/users/me")

    def measure(self):
        pid = self.on.daemon.process.pid
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            with open(f"/proc/{pid}/status", encoding="ascii") as f:
                fields = dict(line.split(":", 1) for line in f)
            found = {"rss_kb": int(fields["VmRSS"].split()[0]),
                     "descriptors": len(os.listdir(f"/proc/{pid}/fd"))}
            for name, value in found.items():
                self.most[name] = max(self.most[name], value)

    def play(self, steps):
        begun = time.monotonic()
        others = threading.Thread(target=self.others)
        others.start()
        try:
            for at, what, how in sorted(steps, key=lambda s: s[0]):
                time.sleep(max(0.0, begun + at - time.monotonic()))
                getattr(self, what)(how)
                self.counts[what] += 1
                self.measure()
        finally:
            self.over.set()
            others.join()

    # --- the calm after it ---

    def calm(self, timeout_s):
        """No more faults and no more want. Whom no webhook told of, the
        sweep finds."""
        self.on.sandbox.control("DELETE", "faults")
        self.on.sandbox.settings(limit=100000, user_update_limits=False)
        self.on.daemon.reload()
        harness.wait_until(self.hurried, timeout_s, "the calm", pause_s=1)
        self.on.finish()
        self.measure()

    def hurried(self):
        """An operator does not wait for what will be tried again later."""
        decided = {e["sunco_user_id"] for e in self.on.items("journal")
                   if e["status"] == "done"}
        if self.on.quiet() and all(one.begun["sunco_user_id"] in decided
                                   for one in self.known):
            return True
        for job in self.on.items("queue"):
            if job["state"] == "ready":
                self.on.daemon.admin.post(f"/api/v1/queue/{job['id']}/retry")
        return False


# --- what must be true then ---

def reviews(on):
    rows = on.rows("SELECT sunco_id, state FROM reviews ORDER BY id")
    return {sunco_id: state for sunco_id, state in rows}


def check_person(one, users, merges, states):
    """As if there had been no weather."""
    who, begun = one.guest, one.begun
    if who.kind != "asked":
        crashes.check_person("adopt" if who.kind == "adopt" else "merge",
                             who.jwt, begun, one.profile_id, users, merges)
        return
    approved = states[begun["sunco_user_id"]] == 1
    own, profile = users[begun["zendesk_user_id"]], users[one.profile_id]
    mine = [(m["from"], m["into"]) for m in merges
            if own["id"] in (m["from"], m["into"])]
    assert mine == ([(own["id"], profile["id"])] if approved else [])
    assert own["active"] != approved and profile["active"]
    kept = profile if approved else own
    assert crashes.identities(kept, "messaging") == [begun["sunco_user_id"]]
    assert profile["external_id"] == who.profile["external_id"]
    assert crashes.identities(profile, "email") == [who.jwt["email"]]


def check_notes(on):
    """Nothing is told twice on a ticket."""
    for ticket in on.sandbox.state()["tickets"]:
        told = [c["body"] for c in ticket["comments"] if not c["public"]]
        assert len(told) == len(set(told)), ticket["id"]


def check_records(on, known, states):
    journal = on.items("journal")
    assert {e["status"] for e in journal} <= {"done", "failed"}
    links = [e for e in journal if e["status"] == "done" and e["applied"]
             and e["action"] in ("merge", "adopt")]
    linked = [one.begun["sunco_user_id"] for one in known
              if one.guest.kind != "asked" or
              states[one.begun["sunco_user_id"]] == 1]
    assert sorted(e["sunco_user_id"] for e in links) == sorted(linked)
    assert {j["state"] for j in on.items("queue")} <= {"review"}
    assert on.rows("SELECT count(*) FROM locks") == [(0,)]
    assert on.rows("SELECT count(*) FROM reservations") == [(len(linked),)]
    assert on.rows("SELECT count(*) FROM jobs WHERE token <> 0"
                   " OR state NOT IN (3, 5)") == [(0,)]
    done = on.daemon.command("queue", "check", "--json", check=False)
    assert done.returncode == 0, done.stdout


def told_of(on, one, merges):
    """What there is about somebody who did not end well."""
    of = f"sunco_id = '{one.begun['sunco_user_id']}'"
    own_id = one.begun["zendesk_user_id"]
    return {
        "profile": one.profile_id,
        "merges": [m for m in merges if own_id in m.values()],
        "journal": [e for e in on.items("journal")
                    if e["sunco_user_id"] == one.begun["sunco_user_id"]],
        "reviews": on.rows("SELECT id, state, created_ms, closed_ms FROM"
                           f" reviews WHERE {of} ORDER BY id"),
    }


def check_all(on, known):
    state = on.sandbox.state()
    users = {u["id"]: u for u in state["users"]}
    states = reviews(on)
    wrong = []
    for one in known:
        try:
            check_person(one, users, state["merges"], states)
        except (AssertionError, KeyError) as e:
            wrong.append(f"{one.guest.kind} {one.guest.webhooks}"
                         f" {json.dumps(one.begun)}: {e!r}"
                         f" at {traceback.extract_tb(e.__traceback__)[-1]}"
                         f" {told_of(on, one, state['merges'])}")
    assert not wrong, "\n".join(wrong)
    check_records(on, known, states)
    check_notes(on)
