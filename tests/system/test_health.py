"""`reunite health`, which a container's health check runs."""

import json
import os
import socket
import subprocess

import harness
from test_commands import ENVIRONMENT


def health(reunite, *argv):
    """As if the configuration named the ports that the kernel chose."""
    reunite.configure(top={"listen": reunite.url.split("//")[1],
                           "admin_listen": reunite.admin.address})
    return reunite.command("health", *argv, check=False)


def healthy(reunite, *argv):
    """Once it was in time, on a machine that is busy."""
    return harness.wait_until(
        lambda: (done := health(reunite, *argv)).returncode == 0 and done,
        timeout_s=60, what="good health")


def test_a_daemon_that_answers_is_healthy(daemon):
    reunite = daemon()
    done = healthy(reunite)
    assert done.stdout == (f"{reunite.url}/healthz: 200\n"
                           f"http://{reunite.admin.address}/healthz: 200\n")
    assert done.stderr == ""


def test_ready_asks_for_the_store_too(daemon):
    reunite = daemon()
    told = [json.loads(line) for line in
            healthy(reunite, "--ready", "--json").stdout.splitlines()]
    assert sorted(row["url"].rsplit("/", 1)[1] for row in told) == [
        "healthz", "readyz"]
    assert {row["status"] for row in told} == {200}


def test_one_that_is_gone_is_not(daemon):
    reunite = daemon()
    assert reunite.stop() == 0
    done = health(reunite)
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 2
    assert f"reunite health: {reunite.url}/healthz: " in done.stderr


def test_who_answers_something_else_is_not(receiver):
    """Whoever answers something else than 200: here, that it knows no GET."""
    address = receiver.url.split("/")[2]
    done = run_with(listen=address, admin=address)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"reunite health: http://{address}/healthz answers 501\n" in \
        done.stderr
    assert len(done.stderr.splitlines()) == 2


def run_with(listen, admin, *argv):
    return subprocess.run(
        [harness.binary("reunite"), "health", *argv], timeout=60,
        capture_output=True, text=True,
        env={**os.environ, **ENVIRONMENT, "REUNITE_LISTEN": listen,
             "REUNITE_ADMIN_LISTEN": admin})


def test_who_listens_everywhere_is_asked_here():
    """With the environment alone, as an image has it."""
    with socket.create_server(("127.0.0.1", 0)) as here:
        port = here.getsockname()[1]
    done = run_with(f"0.0.0.0:{port}", f":{port}", "--ready")
    assert done.returncode == 1
    assert f"http://127.0.0.1:{port}/healthz: " in done.stderr
    assert f"http://127.0.0.1:{port}/readyz: " in done.stderr
    assert f"http://[::1]:{port}/healthz: " in \
        run_with(f"[::]:{port}", f"[::1]:{port}").stderr


def test_silence_is_no_answer():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        done = run_with(address, address)
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 2


def test_a_wrong_configuration_is_told():
    done = run_with("nowhere", "127.0.0.1:1")
    assert done.returncode == 2
    assert "REUNITE_LISTEN" in done.stderr
