"""Bad weather for a fleet: people come, and meanwhile nodes are killed,
stopped for longer than a lease, cut off from the database or from Zendesk,
and come back. A seed decides all of it."""

import collections
import concurrent.futures
import contextlib
import functools
import heapq
import http.client
import itertools
import random
import time

import harness
import soak

SETTINGS = {
    "limit": 100000, "index_lag_ms": 200, "identity_move_lag_ms": 200,
    "external_id_release_lag_ms": 200, "zendesk_id_on_hand_off": True,
    "user_update_limits": False, "ticket_update_limits": False,
    "webhook_repeat": 2,
}
ACCOUNT = {"ticket_note": "all", "max_merges_per_hour": 100000,
           "settle_after": "5s", "sunco_sync": "on",
           # clocks are fast
           "timestamp_tolerance": "0"}
PEOPLE_A_SECOND = 8
OTHERS = (("again", 2.0), ("decide", 1.0), ("look", 1.0))  # a second

# What happens to a node, how often of a hundred times, and for how long.
TROUBLES = (("kill", 30, 0.1, 2), ("term", 10, 0.1, 1), ("freeze", 20, 0.5, 4),
            ("cut_store", 15, 1, 4), ("cut_api", 10, 1, 4),
            ("cut_both", 15, 1, 4))
TROUBLE_EVERY_S = 1.0
# Longer than it takes until somebody else has taken the jobs over; one of
# three is left meanwhile for all other troubles, and one in peace.
LONG = ((1.0, "freeze", 16.0), (17.5, "cut_both", 16.0))


def trouble(dice):
    kind, _, least, most = dice.choices(
        TROUBLES, [t[1] for t in TROUBLES])[0]
    return kind, dice.uniform(least, most)


def guest(number, dice):
    while True:
        one = soak.guest(number, dice)
        if one.webhooks:
            return one


class Weather:
    again = soak.Soak.again
    decide = soak.Soak.decide
    look = soak.Soak.look

    def __init__(self, fleet, seed):
        self.on = fleet
        self.dice = random.Random(seed)
        self.known = []
        self.counts = collections.Counter()
        self.plan = []  # (second, number, what to do)
        self.number = itertools.count()
        self.customers = concurrent.futures.ThreadPoolExecutor(16)

    def at(self, second, what, *args):
        heapq.heappush(self.plan, (second, next(self.number),
                                   functools.partial(what, *args)))

    # --- the plan ---

    def every(self, seconds, span, what):
        second = 0.0
        while second < span:
            second += self.dice.expovariate(1 / seconds)
            self.at(second, what)

    def forecast(self, span):
        for number in range(int(span * PEOPLE_A_SECOND)):
            self.at(number / PEOPLE_A_SECOND, self.customers.submit,
                    self.comes, guest(number, self.dice))
        for name, often in OTHERS:
            self.every(1 / often, span, functools.partial(self.other, name))
        self.every(TROUBLE_EVERY_S, span, self.strike)
        for second, kind, seconds in LONG:
            self.at(second, self.strike, kind, seconds)

    def comes(self, who):
        profile_id = who.profile and \
            self.on.sandbox.people(who.profile)["users"][0]
        begun = self.on.sandbox.act(
            "conversations", jwt=who.jwt, zendesk="duplicate",
            hand_off="now", webhooks=who.webhooks)
        self.known.append(soak.Known(who, begun, profile_id))

    def other(self, name):
        # a node may still feel its last trouble
        with contextlib.suppress(OSError, http.client.HTTPException,
                                 KeyError, ValueError):
            getattr(self, name)(self.dice.random())
            self.counts[name] += 1

    # --- troubles ---

    def strike(self, kind=None, seconds=None):
        """One node is left in peace."""
        sound = [node for node in self.on.nodes if node.sound()]
        if len(sound) < 2:
            return
        node = self.dice.choice(sound)
        if kind is None:
            kind, seconds = trouble(self.dice)
        self.counts[kind] += 1
        end = getattr(self, kind)(node)
        self.at(self.now() + seconds, end)

    def kill(self, node):
        node.kill()
        return node.start

    def term(self, node):
        status = node.stop()
        assert status == 0, (status, node.log()[-4000:])
        return node.start

    def freeze(self, node):
        node.freeze()
        return node.thaw

    def cut(self, node, **wires):
        node.cut(**wires)
        late = self.dice.random() < 0.5
        return functools.partial(node.mend, late=late, **wires)

    def cut_store(self, node):
        return self.cut(node, api=False)

    def cut_api(self, node):
        return self.cut(node, store=False)

    def cut_both(self, node):
        return self.cut(node)

    # --- playing it ---

    def now(self):
        return time.monotonic() - self.begun

    def play(self, span):
        self.begun = time.monotonic()
        self.forecast(span)
        while self.plan:
            second, _, what = heapq.heappop(self.plan)
            time.sleep(max(0.0, second - self.now()))
            what()

    def calm(self, timeout_s):
        """Every trouble is over. Only whom nobody took comes again."""
        self.customers.shutdown()
        harness.wait_until(self.all_sent, timeout_s, "the deliveries")
        taken = {row["id"] for row in self.deliveries()
                 if row["state"] == "delivered"}
        for one in self.known:
            if not taken & {w["id"] for w in one.begun["webhooks"]}:
                self.counts["refused"] += 1
                self.on.sandbox.act(
                    "hand-offs", webhooks=["trigger"],
                    conversation_id=one.begun["conversation_id"])
        self.on.finish(timeout_s)

    def deliveries(self):
        return self.on.sandbox.control("GET", "deliveries")["deliveries"]

    def all_sent(self):
        return not [row for row in self.deliveries()
                    if row["state"] in ("sending", "waiting")]


# --- leases, as the database saw them ---

AUDIT = """
CREATE TABLE audit(
  n BIGSERIAL, at_ms BIGINT, who TEXT, job BIGINT, old_token BIGINT,
  new_token BIGINT, until_ms BIGINT);
CREATE FUNCTION audit_job() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO audit(at_ms, who, job, old_token, new_token, until_ms)
  VALUES(extract(epoch FROM clock_timestamp()) * 1000,
         current_setting('application_name'), NEW.id, OLD.token, NEW.token,
         OLD.lease_until_ms);
  RETURN NULL;
END $$;
CREATE TRIGGER audit_jobs AFTER UPDATE ON jobs FOR EACH ROW
  WHEN (OLD.token <> NEW.token) EXECUTE FUNCTION audit_job();
"""
GRACE_MS = 40000  # RUN_GRACE_MS
# A node's idea of the database's clock may be off by half of RUN_MARGIN_MS.
CLOCK_MS = 2500


def watch_leases(fleet):
    fleet.cluster.sql(AUDIT, fleet.database)


def check_leases(fleet):
    """Nobody took a job, or gave it back, that another one held; how many
    were taken over."""
    holders, taken_over = {}, 0
    for at_ms, who, job, old, new, until_ms in fleet.rows(
            "SELECT at_ms, who, job, old_token, new_token, until_ms"
            " FROM audit ORDER BY n"):
        holder = holders.get(job)
        if old and holder and holder != who:
            taken_over += 1
            assert at_ms >= until_ms + GRACE_MS - CLOCK_MS, (
                f"job {job}: {who} took it from {holder} "
                f"{until_ms + GRACE_MS - at_ms} ms early")
        holders[job] = who if new else None
    return taken_over


def check_merges(fleet):
    """A second request for the same two was sent only where nobody could know
    what had come of the first."""
    sent = collections.Counter(
        r["id"] for r in fleet.sandbox.control("GET", "requests")["requests"]
        if r["call"] == "merge")
    unsure = {row[0] for row in fleet.rows(
        "SELECT messaging_user_id FROM journal WHERE id IN"
        " (SELECT journal_id FROM changes WHERE status = 'uncertain')")}
    assert {user for user, times in sent.items() if times > 1} <= unsure
