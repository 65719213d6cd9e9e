"""What a service manager (systemd, Type=notify) hears of the daemon's life."""

import contextlib
import os
import signal
import socket

import daemon as daemon_module
import harness
import pytest
import rounds
from hooks import create


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    """The manager's socket; its name as $NOTIFY_SOCKET has it."""
    path = str(tmp_path / "notify")
    if request.param == "abstract":
        path = "@reunite-test-%d-%s" % (os.getpid(), tmp_path.name)
    heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    heard.bind(path.replace("@", "\0", 1))
    heard.settimeout(harness.WAIT_S)
    yield heard, path
    heard.close()


def hear(heard):
    return heard.recv(4096).decode()


def hear_until(heard, word):
    """The first message that begins with the word; others are alive-words,
    and what is only for people."""
    while True:
        message = hear(heard)
        if message.startswith(word):
            return message
        assert message.startswith(("WATCHDOG=1", "STATUS=", "EXTEND_"))


def test_it_says_when_it_starts_reloads_and_stops(sandbox, daemon, manager):
    heard, path = manager
    reunite = daemon(environment={"NOTIFY_SOCKET": path})
    assert hear_until(heard, "READY") == "READY=1"
    reunite.reload()
    said = hear_until(heard, "RELOADING=1").splitlines()
    assert int(said[1].removeprefix("MONOTONIC_USEC=")) > 0
    assert hear_until(heard, "READY") == "READY=1"
    with open(reunite.config, "a", encoding="utf-8") as f:
        f.write("nonsense = 1\n")
    assert reunite.reload()["event"] == "reload_failed"
    assert hear_until(heard, "RELOADING=1")
    assert hear_until(heard, "READY") == "READY=1"
    assert reunite.stop() == 0
    assert hear_until(heard, "STOPPING=1")


def test_it_asks_for_time_until_it_is_ready(sandbox, daemon, manager):
    """A large store may have to be copied and changed first."""
    heard, path = manager
    daemon(environment={"NOTIFY_SOCKET": path})
    assert hear(heard) == "EXTEND_TIMEOUT_USEC=60000000"
    assert hear_until(heard, "READY") == "READY=1"


def test_it_says_how_the_queue_is(sandbox, daemon, manager):
    heard, path = manager
    reunite = daemon(environment={"NOTIFY_SOCKET": path,
                                  **daemon_module.fast_clock(20)})
    hear_until(heard, "READY=1")
    reunite.command("queue", "pause", "--by", "tester")
    rounds.taken(lambda: reunite.sunco(create()))
    said = hear_until(heard, "STATUS=")
    while "1 ready" not in said or "held" not in said:
        said = hear_until(heard, "STATUS=")
    assert said == ("STATUS=1 account, jobs: 1 ready, 0 running, 0 waiting,"
                    " 0 review, 0 dead; held: acme (paused)")


def test_a_loop_that_turns_is_alive(sandbox, daemon, manager):
    heard, path = manager
    reunite = daemon(environment={"NOTIFY_SOCKET": path,
                                  "WATCHDOG_USEC": "100000"})
    hear_until(heard, "READY=1")
    assert hear_until(heard, "WATCHDOG") == "WATCHDOG=1"
    assert hear_until(heard, "WATCHDOG") == "WATCHDOG=1"
    os.kill(reunite.process.pid, signal.SIGSTOP)
    try:
        heard.settimeout(1)
        with pytest.raises(TimeoutError):
            while True:  # what was on its way, then nothing more
                assert hear(heard).startswith(("WATCHDOG=1", "STATUS="))
    finally:
        os.kill(reunite.process.pid, signal.SIGCONT)
    heard.settimeout(harness.WAIT_S)
    assert hear_until(heard, "WATCHDOG") == "WATCHDOG=1"


def test_a_store_that_hangs_is_not_alive(tmp_path, daemon, manager):
    """Two minutes in one call."""
    heard, path = manager
    clock = daemon_module.WallClock(tmp_path)
    reunite = daemon(environment={"NOTIFY_SOCKET": path,
                                  "WATCHDOG_USEC": "2000000",
                                  **clock.environment(100)})
    hear_until(heard, "READY=1")
    hear_until(heard, "WATCHDOG")
    clock.disk_hangs(True)
    harness.wait_until(lambda: reunite.event("store_hung"),
                       what="a store that hangs")
    heard.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            hear(heard)
    heard.settimeout(0.1)
    with pytest.raises(TimeoutError):
        hear_until(heard, "WATCHDOG")
    clock.disk_hangs(False)
    heard.settimeout(harness.WAIT_S)
    hear_until(heard, "WATCHDOG")


def test_somebody_elses_watchdog_is_left_alone(sandbox, daemon, manager):
    heard, path = manager
    reunite = daemon(environment={"NOTIFY_SOCKET": path,
                                  "WATCHDOG_USEC": "100000",
                                  "WATCHDOG_PID": "1"})
    assert hear_until(heard, "READY") == "READY=1"
    heard.settimeout(0.5)
    with pytest.raises(TimeoutError):
        hear_until(heard, "WATCHDOG")
    assert reunite.stop() == 0


def test_a_manager_that_is_gone_stops_nothing(sandbox, daemon, tmp_path):
    reunite = daemon(environment={"NOTIFY_SOCKET": str(tmp_path / "nobody"),
                                  "WATCHDOG_USEC": "100000"})
    assert reunite.http.get("/healthz").status == 200
    assert reunite.stop() == 0
