"""A new version takes over: from a daemon that is still ending, from a store of
an older schema, and from a change of schema that was cut off."""

import concurrent.futures
import contextlib
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading

import crashes
import harness
import pytest
import rounds
from hooks import create

VERA = rounds.jwt("Vera Visitor", "vera@people.example")


def vera(sandbox):
    return rounds.profile(sandbox, "Vera Visitor", "vera@people.example")


# --- one after the other ---


def test_the_next_one_waits_for_one_that_ends(sandbox, daemon):
    """As when a platform starts the new one while the old one drains."""
    reunite = daemon()
    owner = vera(sandbox)
    sandbox.fault(kind="delay", ms=1500, match={"call": "merge"})
    begun = rounds.begin(sandbox, VERA)
    harness.wait_until(
        lambda: [f for f in sandbox.control("GET", "faults")["faults"]
                 if f["hits"]], what="the merge")
    old = reunite.process
    old.send_signal(signal.SIGTERM)
    harness.wait_until(lambda: reunite.event("draining"), what="the drain")
    reunite.start()
    assert old.wait(harness.WAIT_S) == 0
    assert reunite.event("waiting_for_store")
    rounds.merged_once(sandbox, reunite, begun, owner)


def test_one_that_stays_is_not_waited_for(sandbox, daemon):
    """Not even by somebody who saw another one leave."""
    reunite = daemon()
    assert reunite.stop() == 0
    reunite.start()
    done = subprocess.run([harness.binary("reunite"), "serve", "-c",
                           reunite.config], capture_output=True, text=True,
                          timeout=harness.WAIT_S, check=False)
    assert done.returncode == 1
    assert "waiting" not in done.stderr and "another process" in done.stderr


# The manager's end of it: a socket of its own, as the third descriptor.
HAND_OVER = """
import os, sys
os.dup2(int(sys.argv[1]), 3, inheritable=True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execvp(sys.argv[2], sys.argv[2:])
"""


def test_nobody_is_refused_while_one_follows_the_other(sandbox, daemon):
    """The listening socket is the manager's (systemd: reunite.socket); those
    who connect in between wait there."""
    with socket.socket() as kept:
        kept.bind(("127.0.0.1", 0))
        kept.listen(1000)
        kept.set_inheritable(True)
        reunite = daemon(wrapper=[sys.executable, "-c", HAND_OVER,
                                  str(kept.fileno())], pass_fds=[
                                      kept.fileno()])
        assert reunite.url.endswith(f":{kept.getsockname()[1]}")
        over = threading.Event()
        statuses = []

        def customer():
            while not over.is_set():
                statuses.append(reunite.sunco(create()).status)

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            customers = [pool.submit(customer) for _ in range(4)]
            try:
                for _ in range(4):
                    wanted = statuses.count(200) + 6
                    harness.wait_until(
                        lambda n=wanted: statuses.count(200) >= n or
                        any(c.done() for c in customers), what="some to come")
                    assert reunite.stop() == 0
                    reunite.start()
            finally:
                over.set()
            for c in customers:
                c.result()  # no connection failed
        # what came at the very end was told to come again
        assert statuses.count(200) > 20 and set(statuses) <= {200, 503}


# --- an older schema ---


def database(reunite):
    return os.path.join(reunite.folder, "reunite.db")


@contextlib.contextmanager
def opened(path):
    with contextlib.closing(sqlite3.connect(path)) as db:
        yield db


def schema(path):
    with opened(path) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return db.execute("SELECT version FROM schema_version").fetchone()[0]


def way_back():
    """From today's schema to the first one, as the contract test has it."""
    path = os.path.join(os.environ["REUNITE_SOURCE"],
                        "tests/contract/test_sqlite_migrate.c")
    with open(path, encoding="utf-8") as f:
        call = re.search(r"contract_sql\(d->path,(.*?)\);", f.read(), re.S)
    return "".join(re.findall(r'"(.*?)"', call.group(1)))


@pytest.fixture
def older(sandbox, daemon):
    """A store of the first schema with a merge and a waiting job."""
    reunite = daemon()
    owner = vera(sandbox)
    begun = rounds.begin(sandbox, VERA, ["sunco", "trigger"])
    rounds.merged_once(sandbox, reunite, begun, owner)
    harness.wait_until(lambda: not reunite.queue(), what="her jobs' end")
    rounds.begin(sandbox, rounds.jwt("Otto Other", "otto@people.example"),
                 ["sunco"], hand_off="later")
    rounds.waiting(reunite)
    assert reunite.stop() == 0
    with opened(database(reunite)) as db:
        db.executescript(way_back())
    assert schema(database(reunite)) == 1
    return reunite


def is_whole(reunite):
    """Everything is there, and it works."""
    assert [(e["action"], e["status"]) for e in reunite.journal()
            if e["applied"]] == [("merge", "done")]
    assert len(reunite.queue()) == 1
    assert reunite.sunco(create("6a1d3c5e7f9b2d4f00000009")).status == 200


def test_an_older_store_becomes_todays(sandbox, older):
    older.start()
    assert older.event("store_copied")["schema"] == 1
    assert schema(database(older)) > 1
    assert schema(database(older) + ".schema-1") == 1
    is_whole(older)


@pytest.mark.skipif(not crashes.points_built(),
                    reason="built without REUNITE_CRASH_POINTS")
def test_a_change_of_schema_that_was_cut_off(sandbox, older):
    """Each step is there or not, and the next start goes on."""
    for point, version in (("before", 1), ("after", 2), ("before", 2),
                           ("after", 3)):
        died = subprocess.run(
            [harness.binary("reunite"), "serve", "-c", older.config],
            env={**os.environ, "REUNITE_CRASH_AT": f"migrate_{point}_commit"},
            capture_output=True, timeout=harness.WAIT_S, check=False)
        assert died.returncode == -signal.SIGKILL
        assert schema(database(older)) == version
    older.start()
    is_whole(older)
