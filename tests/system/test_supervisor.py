"""What a service manager (systemd, Type=notify) hears of the daemon's life."""

import os
import signal
import socket

import harness
import pytest


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
    """The first message that begins with the word; others are alive-words."""
    while True:
        message = hear(heard)
        if message.startswith(word):
            return message
        assert message == "WATCHDOG=1"


def test_it_says_when_it_starts_reloads_and_stops(sandbox, daemon, manager):
    heard, path = manager
    reunite = daemon(environment={"NOTIFY_SOCKET": path})
    assert hear(heard) == "READY=1"
    reunite.reload()
    said = hear(heard).splitlines()
    assert said[0] == "RELOADING=1"
    assert int(said[1].removeprefix("MONOTONIC_USEC=")) > 0
    assert hear(heard) == "READY=1"
    with open(reunite.config, "a", encoding="utf-8") as f:
        f.write("nonsense = 1\n")
    assert reunite.reload()["event"] == "reload_failed"
    assert hear(heard).startswith("RELOADING=1\n")
    assert hear(heard) == "READY=1"
    assert reunite.stop() == 0
    assert hear(heard) == "STOPPING=1"


def test_a_loop_that_turns_is_alive(sandbox, daemon, manager):
    heard, path = manager
    reunite = daemon(environment={"NOTIFY_SOCKET": path,
                                  "WATCHDOG_USEC": "100000"})
    hear_until(heard, "READY=1")
    assert hear(heard) == "WATCHDOG=1"
    assert hear(heard) == "WATCHDOG=1"
    os.kill(reunite.process.pid, signal.SIGSTOP)
    try:
        heard.settimeout(1)
        with pytest.raises(TimeoutError):
            while True:  # what was on its way, then nothing more
                assert hear(heard) == "WATCHDOG=1"
    finally:
        os.kill(reunite.process.pid, signal.SIGCONT)
    heard.settimeout(harness.WAIT_S)
    assert hear(heard) == "WATCHDOG=1"


def test_somebody_elses_watchdog_is_left_alone(sandbox, daemon, manager):
    heard, path = manager
    reunite = daemon(environment={"NOTIFY_SOCKET": path,
                                  "WATCHDOG_USEC": "100000",
                                  "WATCHDOG_PID": "1"})
    assert hear(heard) == "READY=1"
    heard.settimeout(0.5)
    with pytest.raises(TimeoutError):
        hear(heard)
    assert reunite.stop() == 0


def test_a_manager_that_is_gone_stops_nothing(sandbox, daemon, tmp_path):
    reunite = daemon(environment={"NOTIFY_SOCKET": str(tmp_path / "nobody"),
                                  "WATCHDOG_USEC": "100000"})
    assert reunite.http.get("/healthz").status == 200
    assert reunite.stop() == 0
