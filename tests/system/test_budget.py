"""The account's limit, with another integration that eats of it.

Nothing of ours is refused while others keep to their reserve, hardly anything
where they do not, and while work waits nearly all is used that we may use, by
the sandbox's own record of every window: the limit, less what the others took,
but less the reserve at least. Both programs' clocks are fast."""

import os
import tempfile

import daemon as daemon_module
import harness
import pytest
import rounds

FAST = 20
LIMIT = 300
RESERVE_PERCENT = 25
RESERVE = LIMIT * RESERVE_PERCENT // 100
PEOPLE = 1100  # two to three requests each: those that wait go together
WINDOWS_MAX = 10  # until a phase is as it should be
PATIENCE_S = 60
FOUGHT_FOR = LIMIT // 100  # the last ones of a window, which all of it use
UNDER_WAY = 8  # requests at most, when others change what they take


@pytest.fixture
def sandbox(tmp_path):
    program = harness.Sandbox(str(tmp_path),
                              environment=daemon_module.fast_clock(FAST))
    program.settings(limit=LIMIT, user_update_limits=False)
    yield program
    assert program.stop() == 0, program.log()


@pytest.fixture
def store():
    """In memory where that can be: no disk is as fast as these clocks."""
    memory = "/dev/shm"
    with tempfile.TemporaryDirectory(
            dir=memory if os.path.isdir(memory) else None) as folder:
        yield lambda _: f"sqlite:{folder}/reunite.db"


def windows(sandbox):
    """Those that are over."""
    return sandbox.control("GET", "requests?after=999999999")["windows"][:-1]


def may_use(window):
    return window["limit"] - max(RESERVE, window["others_taken"])


def share(some):
    return sum(w["taken"] for w in some) / sum(may_use(w) for w in some)


def backlog(sandbox, reunite):
    """Everybody has a profile and has been handed off; work begins when all
    were told."""
    begun = []
    reunite.command("queue", "pause", "--account", "acme")
    for number in range(PEOPLE):
        who = rounds.jwt(f"Person{number:03}", f"p{number}@people.example")
        rounds.profile(sandbox, f"Person{number:03}", who["email"],
                       external_id=who["external_id"])
        begun.append(sandbox.act("conversations", jwt=who, webhooks=[],
                                 zendesk="duplicate", hand_off="now"))
    for b in begun:
        rounds.trigger(reunite, b)
    reunite.command("queue", "resume", "--account", "acme")


def phase(sandbox, name, refused=0, **settings):
    """The next windows with others that behave so: two in a row with their
    share used; the first one may be a window of learning. In none of them
    more of ours is refused than that."""
    sandbox.settings(**settings)
    first = len(windows(sandbox)) + 1  # the one that is open has begun before

    def used():
        over = windows(sandbox)[first:]
        assert max((w["refused"] for w in over), default=0) <= refused, over
        assert len(over) <= WINDOWS_MAX, (name, [
            (w["taken"], may_use(w)) for w in over])
        return over[-2:] if len(over) >= 2 and share(over[-2:]) >= 0.95 \
            else None

    last = harness.wait_until(used, PATIENCE_S, what=name, pause_s=0.1)
    print(f"{name}: {share(last):.1%} of {sum(may_use(w) for w in last)}")
    return last


def test_others_eat_of_the_limit(sandbox, daemon):
    reunite = daemon(fast=FAST, reserve_percent=RESERVE_PERCENT,
                     max_merges_per_hour=10000, timestamp_tolerance="0")
    backlog(sandbox, reunite)
    phase(sandbox, "nobody else")
    changed = [len(windows(sandbox))]
    kept = phase(sandbox, "all of the reserve", others_per_window=RESERVE)
    assert sum(w["others_refused"] for w in kept) == 0
    changed.append(len(windows(sandbox)))
    more = phase(sandbox, "more than the reserve", FOUGHT_FOR,
                 others_per_window=LIMIT * 6 // 10)
    assert min(w["others_taken"] for w in more) > RESERVE
    assert [j for j in reunite.queue() if j["state"] == "ready"], \
        "there was work all the time"
    # in the middle of a window they begin to take more: what was under way
    calm = [w["refused"] for w in windows(sandbox)[:changed[1] + 1]]
    assert max(calm.pop(), calm.pop(changed[0])) <= UNDER_WAY
    assert sum(calm) == 0, calm


def test_others_take_everything(sandbox, daemon):
    """All at once, again and again: we stop asking, and go on afterwards."""
    reunite = daemon(fast=FAST, reserve_percent=RESERVE_PERCENT,
                     max_merges_per_hour=10000, timestamp_tolerance="0")
    for number in range(20):
        who = rounds.jwt(f"Person{number:03}", f"p{number}@people.example")
        rounds.profile(sandbox, f"Person{number:03}", who["email"])
        rounds.begin(sandbox, who)
    first = len(windows(sandbox))
    sandbox.control("POST", "others", {"requests": LIMIT})
    harness.wait_until(
        lambda: [e["status"] for e in reunite.journal()].count("done") == 20,
        PATIENCE_S, what="everybody")
    over = windows(sandbox)[first:]
    assert sum(w["refused"] for w in over) <= UNDER_WAY, over
