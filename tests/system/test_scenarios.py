"""The table of scenarios.py: what Zendesk does by itself, what reunite adds,
and that `explain` says so."""

import concurrent.futures
import contextlib
import functools
import json
import subprocess

import daemon as daemon_module
import harness
import privacy
import pytest
import scenarios
import scenarios_play as plays

# link_evidence, apply, recover_displaced
POLICIES = {"verified-auto": ("verified", "auto", False),
            "authenticated-auto": ("authenticated", "auto", False),
            "claimed-auto": ("claimed", "auto", False),
            "verified-observe": ("verified", "observe", False),
            "verified-review": ("verified", "review", False),
            "recover-auto": ("verified", "auto", True)}
SOURCES = {f"{tag}{n}" for tag, last in (
    ("P-A", 10), ("P-U", 6), ("T", 4), ("S", 2), ("V", 5), ("B", 7), ("C", 6))
    for n in range(1, last + 1)}
EVIDENCE = {"verified": "verified", "not verified": "authenticated",
            "typed": "claimed", "none": "none"}
CASES = {c.name: c for c in scenarios.CASES}
IN_REVIEW = "a verified profile has it, not vouched for"


@pytest.fixture(params=plays.SETTINGS.values())
def setting(request):
    return request.param


@pytest.fixture(params=POLICIES)
def policy(request):
    return POLICIES[request.param]


class Played:
    """Everybody of the table, what they have then, and, with a daemon, its
    records."""

    def __init__(self, people, sandbox, reunite=None):
        self.people = {p.case.name: p for p in people}
        self.state = sandbox.state()
        self.journal = reunite.journal() if reunite else []
        self.reviews = reunite.reviews() if reunite else []
        self.explained = {}
        self.ways = {}

    def decision(self, person):
        """The newest one about the person."""
        return [e for e in self.journal
                if e["sunco_user_id"] == person.sunco][-1]


@contextlib.contextmanager
def account(folder, setting):
    """A sandbox in this setting, with all events and hardly a limit."""
    sandbox = harness.Sandbox(str(folder), "--empty")
    try:
        sandbox.settings(email_identities=setting, events="all",
                         limit=1_000_000, user_update_limits=False)
        yield sandbox
    finally:
        assert sandbox.stop() == 0, sandbox.log()


@contextlib.contextmanager
def service(folder, sandbox, setting, trust, apply, recover):
    reunite = daemon_module.Daemon(
        folder, sandbox, email_identities=setting, link_evidence=trust,
        apply=apply, recover_displaced=recover, settle_after="0s",
        wait_for_user="1s")
    try:
        yield reunite
    finally:
        assert reunite.stop() == 0, reunite.log()
    privacy.check(reunite.log(), [sandbox])


def settle(reunite):
    """Waits until every job is over, those that wait included."""
    def over():
        jobs = reunite.api("queue?limit=500")
        return jobs and {j["state"] for j in jobs["items"]} <= {"review"}

    harness.wait_until(over, timeout_s=60, what="the end of all jobs",
                       pause_s=0.1)


def play_alone(folder, setting):
    with account(folder, setting) as sandbox:
        return Played(plays.play(sandbox, scenarios.CASES), sandbox)


def play_with_reunite(folder, setting, policy):
    with account(folder, setting) as sandbox, \
            service(folder, sandbox, setting, *policy) as reunite:
        people = plays.play(sandbox, scenarios.CASES, lambda: settle(reunite))
        played = Played(people, sandbox, reunite)
        if "observe" in policy:  # all is as it was
            played.explained = {name: explain(reunite, person)
                                for name, person in played.people.items()}
            played.ways = explain_each_way(reunite, played)
        return played


def explain(reunite, person):
    """What the command says about the conversation, as JSON and in words."""
    who = "--ticket", str(person.last["ticket_id"])
    return (reunite.rows("explain", *who)[0],
            reunite.command("explain", *who).stdout)


def explain_each_way(reunite, played):
    """The other ways to name the conversation of somebody to look at."""
    person = played.people[IN_REVIEW]
    entry = played.decision(person)
    ways = {"--user": entry["messaging_user_id"],
            "--sunco-user": person.sunco, "--job": entry["job_id"]}
    return {way: reunite.rows("explain", way, str(named))
            for way, named in ways.items()}


class Stage:
    """Each play is played once, however many tests look at it."""

    def __init__(self, folders):
        self.folder = folders.mktemp
        self.alone = functools.cache(self.alone)
        self.with_reunite = functools.cache(self.with_reunite)

    def alone(self, setting):
        return play_alone(self.folder(setting), setting)

    def with_reunite(self, setting):
        """By policy; at the same time, since most of it is waiting."""
        with concurrent.futures.ThreadPoolExecutor(len(POLICIES)) as pool:
            begun = {policy: pool.submit(play_with_reunite,
                                         self.folder(setting), setting, policy)
                     for policy in POLICIES.values()}
            return {policy: play.result() for policy, play in begun.items()}


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    return Stage(tmp_path_factory)


@pytest.fixture
def alone(stage, setting):
    """Without reunite."""
    return stage.alone(setting)


@pytest.fixture
def played(stage, setting, policy):
    return stage.with_reunite(setting)[policy]


each_case = pytest.mark.parametrize("name", CASES)


def check_tickets(person, state):
    """Each is of the conversation's user, and says what was typed."""
    for ticket in state["tickets"]:
        if ticket["id"] not in person.tickets:
            continue
        sunco = person.tickets[ticket["id"]]
        assert ticket["requester_id"] == person.user_of(state, sunco)["id"]
        said = "".join(c["body"] for c in ticket["comments"] if c["public"])
        typed = ticket["id"] in person.typed
        assert (person.texts["ADDRESS"] in said) == typed


@each_case
def test_what_zendesk_does_by_itself(alone, setting, name):
    person = alone.people[name]
    assert person.users(alone.state) == person.case.zendesk(setting)
    check_tickets(person, alone.state)


@each_case
def test_what_reunite_adds(played, setting, policy, name):
    person = played.people[name]
    action, reasons, users = person.case.decision(setting, *policy)
    entry = played.decision(person)
    assert (entry["action"], entry["reasons"]) == (action, reasons)
    assert entry["reason"] == reasons[0]
    assert entry["status"] == "done"
    linked = action in ("merge", "adopt") and policy[1] == "auto"
    assert entry["applied"] == linked
    assert person.users(played.state) == users
    check_tickets(person, played.state)


@each_case
def test_who_was_merged(played, setting, policy, name):
    """Whoever the table lets go, into the profile, and nobody else."""
    person = played.people[name]
    _, _, then = person.case.decision(setting, *policy)
    gone = set(person.case.zendesk(setting)) - set(then)
    merges = person.merges(played.state)
    assert {loser for loser, _ in merges} == gone
    assert {winner for _, winner in merges} <= {"profile"}
    entry = played.decision(person)
    if entry["action"] == "merge":
        assert person.labels[entry["profile_id"]] == "profile"


def test_nobody_else_was_merged(played):
    merges = [m for m in played.state["merges"] if m["by"] == "api"]
    told = [m for p in played.people.values() for m in p.merges(played.state)]
    assert len(merges) == len(told)


@each_case
def test_the_sunco_user_stays_as_it_is(alone, played, name):
    without, person = alone.people[name], played.people[name]
    assert person.sunco_words(played.state) == \
        without.sunco_words(alone.state)


@each_case
def test_what_waits_for_a_person(played, setting, policy, name):
    person = played.people[name]
    action, reasons, _ = person.case.decision(setting, *policy)
    entry = played.decision(person)
    mine = [r for r in played.reviews if r["messaging_user_id"] in
            person.labels or r["profile_id"] in person.labels]
    if action != "review":
        assert [r for r in mine if r["sunco_user_id"] == person.sunco] == []
    else:
        assert len(mine) == 1
        assert mine[0]["profile_id"] == entry["profile_id"]
        assert mine[0]["reasons"] == reasons or len(person.case.does) > 1


# --- what `explain` says about it ---


def program(*argv, text=None):
    done = subprocess.run([harness.binary("reunite"), *argv], input=text,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@functools.cache
def answers(alone, setting, policy):
    """By explain --facts, of what Zendesk made of everybody."""
    lines = [json.dumps(plays.facts(p, alone.state, setting, *policy))
             for p in alone.people.values()]
    told = program("explain", "--facts", "-", "--json", text="\n".join(lines))
    return dict(zip(alone.people, told))


@pytest.fixture
def told(alone, setting, policy):
    return answers(alone, setting, policy)


@pytest.fixture(scope="module")
def matrix():
    return {(m["setting"], m["link_evidence"], m["person"], m["address"],
             m["owner"]): m
            for m in program("explain", "--table", "--json")}


def at_the_end(action):
    return "none" if action == "wait" else action


@each_case
def test_the_daemon_does_what_explain_says(alone, told, played, name):
    answer, entry = told[name], played.decision(played.people[name])
    assert (entry["action"], entry["reasons"]) == (
        at_the_end(answer["action"]), answer["reasons"])
    assert entry["applied"] == answer["applied"]
    assert entry["evidence"] == answer["evidence"] == EVIDENCE[
        plays.situation(alone.people[name], alone.state)[1]]


@each_case
def test_the_matrix_has_it(alone, matrix, told, setting, policy, name):
    trust, _, recover = policy
    row = matrix[(setting, trust,
                  *plays.situation(alone.people[name], alone.state, recover))]
    action, reasons, _ = CASES[name].decision(setting, trust, "auto", recover)
    assert (at_the_end(row["action"]), row["reason"]) == (action, reasons[0])
    assert row["zendesk"] == told[name]["zendesk"]


@each_case
def test_explain_says_it_about_the_ticket(stage, setting, name):
    """What the daemon decided, what Zendesk did, and nobody's address."""
    policy = POLICIES["verified-observe"]
    played = stage.with_reunite(setting)[policy]
    told = answers(stage.alone(setting), setting, policy)[name]
    line, words = played.explained[name]
    for key in ("reasons", "evidence", "zendesk", "rule"):
        assert line[key] == told[key], key
    assert at_the_end(line["action"]) == at_the_end(told["action"])
    assert f"by itself  {told['zendesk']}\n" in words
    for reason in told["reasons"]:
        assert f"({reason})\n" in words
    assert "@" not in words


def test_explain_finds_a_person_in_every_way(stage, setting):
    played = stage.with_reunite(setting)[POLICIES["verified-observe"]]
    line, _ = played.explained[IN_REVIEW]
    assert line["action"] == "review"
    assert played.ways == {way: [line] for way in (
        "--user", "--sunco-user", "--job")}


def test_every_source_has_its_cases():
    told = {tag for c in scenarios.CASES for tag in c.source.split()}
    assert told - {"Z"} == SOURCES
    assert len(CASES) == len(scenarios.CASES)
