"""A database that is away when a daemon starts, that hangs when it ends, and
that has another clock."""

import concurrent.futures
import os
import subprocess

import pytest

import daemon as daemon_module
import disks
import harness
import pg
import rounds

HOUR = 3600
EXIT_UPSTREAM = 4
VERA = rounds.jwt("Vera Visitor", "vera@people.example")


@pytest.fixture
def own_cluster():
    server = pg.Cluster()
    yield server
    server.remove()


def configure(folder, sandbox, store):
    """A daemon's configuration, and none that runs."""
    class Idle(daemon_module.Daemon):
        def start(self, environment=None):
            pass

    return Idle(folder, sandbox, top={"store": store}).config


def test_a_database_that_never_comes(sandbox, tmp_path):
    """The daemon waits a minute for it, says so once, and what was wrong."""
    store = f"postgresql://nobody@127.0.0.1:{pg.free_port()}/nothing"
    done = subprocess.run(
        [harness.binary("reunite"), "serve", "-c",
         configure(tmp_path, sandbox, store)],
        env={**os.environ, **daemon_module.fast_clock(100)},
        capture_output=True, text=True, timeout=harness.WAIT_S, check=False)
    lines = done.stderr.splitlines()
    assert done.returncode == EXIT_UPSTREAM, done.stderr
    assert sum("waiting_for_store" in line for line in lines) == 1
    assert "postgresql: " in lines[-1] and len(lines) <= 3, done.stderr


def test_a_command_without_its_database(sandbox, tmp_path):
    store = f"postgresql://nobody@127.0.0.1:{pg.free_port()}/nothing"
    done = subprocess.run(
        [harness.binary("reunite"), "queue", "list", "-c",
         configure(tmp_path, sandbox, store)],
        capture_output=True, text=True, timeout=harness.WAIT_S, check=False)
    assert done.returncode == EXIT_UPSTREAM, done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_database_that_comes_later(fleet, own_cluster):
    """The daemon starts as soon as it is there."""
    on = fleet(1, on=own_cluster)
    node = on.nodes[0]
    assert node.stop() == 0
    own_cluster.stop()
    said = len(node.log())
    with concurrent.futures.ThreadPoolExecutor(1) as starter:
        started = starter.submit(node.start)
        harness.wait_until(lambda: node.event("waiting_for_store", said),
                           what="the word")
        own_cluster.start()
        started.result()
    disks.accepted_again(node)


def test_an_end_while_the_database_hangs(fleet, own_cluster):
    """Nothing that was accepted waits for it: it ends in time."""
    on = fleet(1, on=own_cluster, top={"drain_timeout": "1s"})
    node = on.nodes[0]
    disks.accepted_again(node)
    own_cluster.freeze()
    try:
        assert node.stop() == 0
    finally:
        own_cluster.thaw()
    node.start()
    disks.accepted_again(node)


def test_a_wrong_clock_takes_nothing_over(fleet, tmp_path):
    """A node an hour ahead goes by the database's clock like the others: the
    merge that another one is at stays that one's."""
    on = fleet(1)
    first = on.nodes[0]
    owner = rounds.profile(on.sandbox, "Vera Visitor", "vera@people.example")
    on.sandbox.fault(kind="delay", ms=3000, match={"call": "merge"})
    begun = rounds.begin(on.sandbox, VERA, ["sunco", "trigger"])
    harness.wait_until(
        lambda: [f for f in on.sandbox.control("GET", "faults")["faults"]
                 if f["hits"]], what="the merge")
    clock = daemon_module.WallClock(tmp_path)
    clock.set(HOUR)
    on.environment = clock.environment()
    wrong = on.add()
    told = harness.wait_until(lambda: wrong.event("clock_differs"),
                              what="the word")
    assert HOUR - 60 < told["seconds"] < HOUR + 60
    on.finish()
    assert rounds.merges(on.sandbox) == [(begun["zendesk_user_id"], owner)]
    assert not first.event("lease_lost") and not wrong.event("lease_lost")
    said = subprocess.run(
        [harness.binary("reunite"), "doctor", "-c", wrong.config],
        env={**os.environ, **clock.environment()}, capture_output=True,
        text=True, timeout=harness.WAIT_S, check=False).stdout
    assert "ahead of that of the database" in said
