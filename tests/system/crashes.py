"""People whose conversations lead to one change each, daemons that die while
they make it, and what must be true in the end however often they died."""

import collections
import contextlib
import itertools
import os
import sqlite3
import threading

import daemon as daemon_module
import harness

END_S = 60.0

# The delays between two attempts of SunCo's webhooks, divided.
HURRY = {"webhook_retry_speed": 20}

# points: where it crashes; None: at every passage, each in its own life.
# account: the daemon's settings. merges: how often one is sent.
Scenario = collections.namedtuple(
    "Scenario", "name settings faults profile jwt webhooks action points"
    " account merges", defaults=({}, 1))


def points_built():
    cache = os.path.join(os.environ["REUNITE_BUILD"], "CMakeCache.txt")
    with open(cache, encoding="utf-8") as f:
        return "REUNITE_CRASH_POINTS:BOOL=ON" in f.read()


def jwt(name, **changes):
    first = name.lower()
    return {"external_id": f"user-{first}", "name": f"{name} Doe",
            "email": f"{first}@people.example", "email_verified": True,
            **changes}


def profile(name, **changes):
    return {"name": f"{name} Doe", "email": f"{name.lower()}@people.example",
            **changes}


def unproven(name):
    """Known by an address that nobody proved."""
    return {"name": f"{name} Doe", "identities": [
        {"type": "email", "value": f"{name.lower()}@people.example",
         "verified": False, "verification_method": "none",
         "primary": True}]}


SCENARIOS = {s.name: s for s in (
    # The profile gets the external id, which the duplicate frees with a lag;
    # the conversation moves with a lag, too, long after one look and shortly
    # before another, so that who is slow looks as often.
    Scenario("merge_and_pin", {"external_id_release_lag_ms": 200,
                               "identity_move_lag_ms": 1400},
             [], profile("Peter"), jwt("Peter"), ["sunco"], "merge", None),
    # The job starts with a Zendesk user and learns who it is.
    Scenario("trigger", {}, [], profile("Gwen", external_id="user-gwen"),
             jwt("Gwen"), ["trigger"], "merge", None),
    Scenario("adopt_with_name", {"jwt_name": False}, [], None, jwt("Miles"),
             ["sunco"], "adopt", None),
    # The merge happens, its answer is lost.
    Scenario("merge_unanswered", {},
             [{"match": {"call": "merge"}, "kind": "cut_after"}],
             profile("Felicia"), jwt("Felicia"), ["sunco"], "merge",
             ("after_merge:1", "before_store:1", "after_store:1",
              "before_user:1", "after_user:1", "after_user:2",
              "before_settle:1", "after_settle:1")),
    # The merge never happens: the same to the daemon, until it looks.
    Scenario("merge_unheard", {},
             [{"match": {"call": "merge"}, "kind": "cut_before"}],
             profile("Harry"), jwt("Harry"), ["sunco"], "merge",
             ("after_merge:1", "after_store:1", "after_sleep:1",
              "after_sleep:4", "before_settle:1", "after_merge:2"),
             merges=2),
    # Refused because of the external id, which is taken away; then all that
    # may follow a merge.
    Scenario("released", {"sso_external_id_refusal": True,
                          "zendesk_id_on_hand_off": True,
                          "user_update_limits": False},
             [], unproven("Eddie"), jwt("Eddie"), ["sunco"], "merge", None,
             account={"release_external_id": "auto",
                      "verify_profile_email": True, "sunco_sync": "on"},
             merges=None),
    # A person is asked, with what they need to decide.
    Scenario("asked", {}, [], profile("Otto", external_id="another-id"),
             jwt("Otto"), ["trigger"], "review", None),
)}


def passages(trace):
    """Every passage of a trace as REUNITE_CRASH_AT names it; without the
    first, before which there is nothing to lose and nobody to talk to."""
    counts = collections.Counter()
    found = []
    assert trace[0] == "daemon_starts"
    for name in trace[1:]:
        counts[name] += 1
        found.append(f"{name}:{counts[name]}")
    return found


class Stage:
    """One sandbox and the lives of one daemon."""

    numbers = itertools.count()
    lock = threading.Lock()

    def __init__(self, folder, settings=None, fast=None, **daemon_settings):
        with Stage.lock:
            self.folder = os.path.join(str(folder), f"s{next(Stage.numbers)}")
        os.mkdir(self.folder)
        self.sandbox = harness.Sandbox(self.folder)
        self.sandbox.settings(**HURRY, **(settings or {}))
        self.daemon = None
        self.environment = daemon_module.fast_clock(fast) if fast else {}
        self.daemon_settings = daemon_settings
        self.lives = 0

    def start(self, **environment):
        """The next life; REUNITE_CRASH_AT and the like are keywords."""
        self.lives += 1
        environment.update(self.environment,
                           REUNITE_CRASH_TRACE=self.trace_file())
        if self.daemon:
            self.daemon.start(environment)
        else:
            self.daemon = daemon_module.Daemon(
                self.folder, self.sandbox, environment=environment,
                **self.daemon_settings)

    def trace_file(self):
        return os.path.join(self.folder, f"trace{self.lives}")

    def trace(self):
        with open(self.trace_file(), encoding="ascii") as f:
            return f.read().split()

    def dies(self, timeout_s=harness.WAIT_S):
        """True once the daemon killed itself; False: it lives on."""
        try:
            harness.wait_until(self.daemon.gone, timeout_s, "a crash")
        except AssertionError:
            return False
        assert self.daemon.process.returncode == -9, self.daemon.log()
        return True

    def close(self):
        status = None
        if self.daemon and not self.daemon.gone():
            status = self.daemon.stop()
        ended = self.sandbox.stop()
        assert status in (None, 0), self.daemon.log()
        assert ended == 0, self.sandbox.log()

    # --- what the daemon and the sandbox say ---

    def items(self, name):
        """A whole list of the admin API."""
        found, after = [], 0
        while True:
            page = harness.wait_until(
                lambda at=after: self.daemon.api(
                    f"{name}?limit=500&after={at}"), END_S, f"the {name}")
            found += page["items"]
            after = page["next"]
            if not after:
                return found

    def failed_deliveries(self):
        rows = self.sandbox.control("GET", "deliveries")["deliveries"]
        return [r for r in rows if r["state"] == "failed"]

    def quiet(self):
        rows = self.sandbox.control("GET", "deliveries")["deliveries"]
        return not [r for r in rows if r["state"] in ("sending", "waiting")] \
            and not [j for j in self.items("queue") if j["state"] != "review"]

    def finish(self, timeout_s=END_S):
        """Waits until every webhook has arrived and every job is done."""
        try:
            harness.wait_until(self.quiet, timeout_s, "the end",
                               pause_s=0.05)
        except AssertionError as e:
            raise AssertionError(
                f"{e}: {self.items('queue')} {self.daemon.log()}") from e

    def rows(self, sql):
        path = os.path.join(self.folder, "reunite.db")
        with contextlib.closing(sqlite3.connect(path)) as db:
            return db.execute(sql).fetchall()

    def requests(self, call):
        counts = self.sandbox.control("GET", "requests")["counts"]
        return sum(counts.get(f"zendesk {call}", {}).values())


@contextlib.contextmanager
def stage(folder, settings=None, **kwargs):
    s = Stage(folder, settings, **kwargs)
    try:
        yield s
    finally:
        s.close()


class Case:
    """A scenario on a stage."""

    def __init__(self, on, scenario):
        self.on = on
        self.scenario = scenario
        self.profile_id = None
        self.begun = None

    def begin(self):
        s = self.scenario
        if s.profile:
            self.profile_id = self.on.sandbox.people(s.profile)["users"][0]
        for row in s.faults:
            self.on.sandbox.fault(**row)
        self.begun = self.on.sandbox.act(
            "conversations", jwt=s.jwt, zendesk="duplicate", hand_off="now",
            webhooks=s.webhooks)

    def again(self):
        """What was never acknowledged is sent again, as the sweep or the
        customer's next message would."""
        if self.on.failed_deliveries():
            self.on.sandbox.act(
                "hand-offs", conversation_id=self.begun["conversation_id"],
                webhooks=["trigger"])

    def check(self):
        if self.scenario.action == "review":
            self.check_asked()
        else:
            self.check_done()

    def check_asked(self):
        """Asked once, nothing done."""
        assert self.on.sandbox.state()["merges"] == []
        (entry,) = self.on.items("journal")
        assert (entry["action"], entry["status"]) == ("review", "done")
        (review,) = self.on.items("reviews")
        assert (review["state"], review["profile_id"]) == (
            "open", self.profile_id)
        assert self.on.rows("SELECT count(*) FROM jobs WHERE state <> 3"
                            " OR token <> 0") == [(0,)]

    def check_done(self):
        state = self.on.sandbox.state()
        users = {u["id"]: u for u in state["users"]}
        check_person(self.scenario.action, self.scenario.jwt, self.begun,
                     self.profile_id, users, state["merges"])
        check_records(self.on, {self.scenario.action: 1})
        if self.scenario.action == "merge" and self.scenario.merges:
            assert self.on.requests("merge") == self.scenario.merges
        if self.scenario.account.get("verify_profile_email"):
            self.check_after(users[self.profile_id])

    def check_after(self, profile):
        """What was to follow the merge did."""
        assert [i["verified"] for i in profile["identities"]
                if i["type"] == "email"] == [True]
        (person,) = [u for u in self.on.sandbox.state()["sunco_users"]
                     if u["id"] == self.begun["sunco_user_id"]]
        assert person["zendeskId"] == str(self.profile_id)


def identities(user, kind):
    return [i["value"] for i in user["identities"] if i["type"] == kind]


def check_people(on, people):
    """Everybody's end."""
    state = on.sandbox.state()
    users = {u["id"]: u for u in state["users"]}
    for person in people:
        check_person(*person, users, state["merges"])


def check_person(action, person, begun, profile_id, users, merges):
    """One person's end, as the sandbox has it."""
    own_id = begun["zendesk_user_id"]
    mine = [m for m in merges if own_id in (m["from"], m["into"])]
    if action == "merge":
        assert [(m["from"], m["into"]) for m in mine] == [
            (own_id, profile_id)]
        assert not users[own_id]["active"]
    else:
        assert mine == []
    kept = users[profile_id if action == "merge" else own_id]
    assert kept["active"]
    assert kept["external_id"] == person["external_id"]
    assert kept["name"] == person["name"]
    assert identities(kept, "messaging") == [begun["sunco_user_id"]]
    assert identities(kept, "email") == [person["email"]]


def check_records(on, actions):
    """The daemon's own records: each change done once, nothing open."""
    journal = on.items("journal")
    done = [e for e in journal if e["status"] == "done"]
    assert {e["status"] for e in journal} <= {"done", "failed"}, journal
    assert collections.Counter(
        e["action"] for e in done if e["applied"]) == actions, journal
    people = collections.Counter(e["sunco_user_id"] for e in done
                                 if e["applied"])
    assert set(people.values()) == {1}, journal
    assert on.items("queue") == []
    assert on.rows("SELECT count(*) FROM locks") == [(0,)]
    assert on.rows("SELECT count(*) FROM reservations") == [
        (sum(actions.values()),)]
    assert on.rows("SELECT count(*) FROM jobs WHERE state <> 5"
                   " OR progress IS NOT NULL OR token <> 0") == [(0,)]
    assert on.rows("PRAGMA integrity_check") == [("ok",)]


# --- many people ---

WEBHOOKS = (["sunco"], ["trigger"], ["sunco", "trigger"],
            ["trigger", "sunco"])


def crowd(size, dice):
    """Every third person has no profile yet; few need a pin, since a
    Zendesk account allows one update of a user a second."""
    for number in range(size):
        person = jwt(f"Person{number:03}")
        owner = profile(f"Person{number:03}")
        if number % 10 != 1:
            owner["external_id"] = person["external_id"]
        webhooks = dice.choice(WEBHOOKS)
        yield ("adopt", person, None, webhooks) if number % 3 == 0 else \
            ("merge", person, owner, webhooks)


def join(on, action, person, owner, webhooks):
    profile_id = owner and on.sandbox.people(owner)["users"][0]
    begun = on.sandbox.act("conversations", jwt=person, zendesk="duplicate",
                           hand_off="now", webhooks=webhooks)
    return action, person, begun, profile_id


def remind(on, conversations):
    """Zendesk does not repeat a trigger that nobody answered; something
    else comes some day."""
    def ended():
        rows = on.sandbox.control("GET", "deliveries")["deliveries"]
        return not [r for r in rows if r["state"] in ("sending", "waiting")]

    harness.wait_until(ended, END_S, "the deliveries")
    failed = {row["id"] for row in on.failed_deliveries()}
    for begun in conversations:
        if failed & {w["id"] for w in begun["webhooks"]}:
            on.sandbox.act("hand-offs", webhooks=["trigger"],
                           conversation_id=begun["conversation_id"])
