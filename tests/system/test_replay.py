"""The same events many times, and ten thousand old ones: every webhook gets
its 200, who writes meanwhile is served, and the account hardly notices."""

import collections
import contextlib
import http.client
import json
import os
import sqlite3
import threading
import urllib.parse

import events
import harness
import rounds

OLD = "2020-09-30T15:14:29.834Z"
SENDERS = 4
BODY = 10  # events in one webhook
KNOWN, REPEATED, STRANGERS = 6000, 3000, 1000
# a sanitizer keeps what was freed for a while
GROWTH_KIB = (1024 if os.environ.get("REUNITE_SANITIZE") else 16) * 1024
SPARE = 50  # commits of the daemon's own: leases, retention


def peter(sandbox, number=0):
    """A customer with a profile, and a login."""
    address = f"peter{number}@island.example"
    return (rounds.profile(sandbox, f"Peter{number} Pan", address),
            rounds.jwt(f"Peter{number} Pan", address))


# --- the same again ---


class Sender(threading.Thread):
    """Posts bodies over one connection; counts what came of their events."""

    def __init__(self, reunite, bodies):
        super().__init__()
        self.address = urllib.parse.urlsplit(reunite.url).netloc
        self.headers = {"Content-Type": "application/json",
                        "X-API-Key": reunite.secrets["sunco_secret"]}
        self.bodies = bodies
        self.statuses = collections.Counter()
        self.counts = collections.Counter()

    def run(self):
        connection = http.client.HTTPConnection(self.address,
                                                timeout=harness.WAIT_S)
        for body in self.bodies:
            connection.request("POST", "/webhooks/acme/sunco", body,
                               self.headers)
            answer = connection.getresponse()
            said = answer.read()
            self.statuses[answer.status] += 1
            if answer.status == 200:
                self.counts.update(json.loads(said))
        connection.close()


def start(reunite, bodies):
    senders = [Sender(reunite, bodies[i::SENDERS]) for i in range(SENDERS)]
    for sender in senders:
        sender.start()
    return senders


def counted(senders):
    """All of it was taken; by what became of the events."""
    total = collections.Counter()
    for sender in senders:
        sender.join()
        assert set(sender.statuses) <= {200}, sender.statuses
        total.update(sender.counts)
    return dict(total)


def send(reunite, bodies):
    return counted(start(reunite, bodies))


def test_the_same_body_on_many_connections_counts_once(sandbox, daemon):
    reunite = daemon()
    owner, who = peter(sandbox)
    begun = rounds.begin(sandbox, who, [])
    body = json.dumps(events.conversation(sandbox, begun)).encode()
    assert send(reunite, [body] * 40) == {
        "accepted": 1, "duplicate": 39, "ignored": 0}
    rounds.trigger(reunite, begun)
    rounds.merged_once(sandbox, reunite, begun, owner)


def test_an_event_twice_in_a_body_counts_once(sandbox, daemon):
    reunite = daemon()
    owner, who = peter(sandbox)
    begun = rounds.begin(sandbox, who, ["trigger"])
    body = events.conversation(sandbox, begun)
    body["events"] *= 3
    assert reunite.sunco(body).json == {
        "accepted": 1, "duplicate": 2, "ignored": 0}
    rounds.merged_once(sandbox, reunite, begun, owner)


# --- ten thousand ---


def known(sandbox, reunite, number):
    """Somebody who was linked, with the webhook of it."""
    owner, who = peter(sandbox, number)
    begun = rounds.begin(sandbox, who)
    reunite.decided(number + 1)
    return begun["sunco_user_id"], events.conversation(sandbox, begun)


def bodies_of(items):
    """Webhooks with several events each."""
    bodies = []
    for i in range(0, len(items), BODY):
        body = events.sunco("", {})
        body["events"] = items[i:i + BODY]
        bodies.append(json.dumps(body).encode())
    return bodies


def old_events(body, count):
    """The same again under other ids, long ago."""
    return [{**body["events"][0], "id": events.event_id(), "createdAt": OLD}
            for _ in range(count)]


def strangers(count):
    """People whom nobody knows any more."""
    return [{"id": events.event_id(), "createdAt": OLD,
             "type": "conversation:create",
             "payload": {"user": {"id": f"5e0000000000000000{n:06x}"}}}
            for n in range(count)]


def anonymous_kib(reunite):
    with open(f"/proc/{reunite.process.pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f
                    if line.startswith("RssAnon"))


def stored_bytes(reunite):
    path = os.path.join(reunite.folder, "reunite.db")
    with contextlib.closing(sqlite3.connect(path)) as db:
        return (db.execute("PRAGMA page_count").fetchone()[0] *
                db.execute("PRAGMA page_size").fetchone()[0])


def commits(reunite):
    return reunite.metric("reunite_store_commit_seconds_count")


def test_ten_thousand_old_events(sandbox, daemon):
    sandbox.settings(latency_ms=20, user_update_limits=False)
    reunite = daemon(max_merges_per_hour=50)
    people = [known(sandbox, reunite, n) for n in range(3)]
    rounds.decision(reunite, len(people))
    before = len(rounds.requests(sandbox))
    memory, size = anonymous_kib(reunite), stored_bytes(reunite)

    # strangers first: they are what there is to do
    unknown = strangers(STRANGERS)
    senders = start(reunite, bodies_of(unknown))
    owner, who = peter(sandbox, len(people))
    begun = rounds.begin(sandbox, who)
    harness.wait_until(lambda: (begun["zendesk_user_id"], owner) in
                       rounds.merges(sandbox), what="the merge meanwhile")
    log = rounds.requests(sandbox)[before:]
    merge = next(i for i, r in enumerate(log) if r["call"] == "merge")
    assert merge < STRANGERS / 2  # not after all of them
    assert counted(senders) == {"accepted": STRANGERS, "duplicate": 0,
                                "ignored": 0}
    reunite.idle(timeout_s=60)
    log = rounds.requests(sandbox)[before:]
    assert collections.Counter((r["api"], r["status"]) for r in log) == {
        ("sunco", 404): STRANGERS,  # each looked up once
        ("sunco", 200): 1, ("zendesk", 200): 5}  # the merge meanwhile

    # those who are known, and what came already
    items = [e for _, body in people
             for e in old_events(body, KNOWN // len(people))]
    bodies = bodies_of(items)
    repeated = bodies_of((unknown + items)[:REPEATED])
    calls, written = len(rounds.requests(sandbox)), commits(reunite)
    assert send(reunite, bodies) == {
        "accepted": KNOWN, "duplicate": 0, "ignored": 0}
    assert send(reunite, repeated) == {
        "accepted": 0, "duplicate": REPEATED, "ignored": 0}
    assert commits(reunite) - written <= len(bodies) + len(repeated) + SPARE
    reunite.idle()
    assert len(rounds.requests(sandbox)) == calls
    assert reunite.metric("reunite_late_events_total", source="sunco",
                          outcome="behind") == STRANGERS + KNOWN - 20
    assert anonymous_kib(reunite) - memory < GROWTH_KIB
    assert stored_bytes(reunite) - size < 400 * (STRANGERS + KNOWN)
