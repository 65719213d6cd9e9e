"""Fixtures of the system tests. REUNITE_BUILD names the folder with the
programs."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))

import clinic as clinic_module  # noqa: E402
import daemon as daemon_module  # noqa: E402
import harness  # noqa: E402
import nodes  # noqa: E402
import pg  # noqa: E402
import privacy  # noqa: E402


@pytest.fixture
def sandbox(tmp_path):
    program = harness.Sandbox(str(tmp_path))
    yield program
    assert program.stop() == 0, program.log()


@pytest.fixture
def other_sandbox(tmp_path):
    """Another account, with other secrets."""
    folder = tmp_path / "other"
    folder.mkdir()
    program = harness.Sandbox(str(folder))
    program.settings(sunco_secret="the-other-accounts-webhook-secret",
                     zendesk_secret="the-other-accounts-signing-secret")
    yield program
    assert program.stop() == 0, program.log()


@pytest.fixture
def receiver():
    taker = harness.Receiver()
    yield taker
    taker.stop()


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "both_stores: runs on SQLite and on PostgreSQL")


def pytest_generate_tests(metafunc):
    if "store" in metafunc.fixturenames and \
            metafunc.definition.get_closest_marker("both_stores"):
        metafunc.parametrize("store", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def store(request):
    """Makes the URLs of stores of the kind that a test is about."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return lambda folder: f"sqlite:{folder}/reunite.db"
    server = request.getfixturevalue("cluster")
    return lambda folder: server.store()


@pytest.fixture
def daemon(tmp_path, sandbox, store):
    """Starts daemons against the sandbox; all are stopped at the end."""
    started = []

    def start(**settings):
        folder = tmp_path / f"daemon{len(started)}"
        folder.mkdir()
        settings["top"] = {"store": store(folder),
                           **(settings.get("top") or {})}
        program = daemon_module.Daemon(folder, sandbox, **settings)
        started.append(program)
        return program

    yield start
    for program in started:
        if not program.gone():
            assert program.stop() == 0, program.log()
        # the folder has the test's name, and tests are about people
        log = program.log().replace(str(tmp_path), "")
        privacy.check(log, program.accounts.values())


@pytest.fixture
def clinic(tmp_path, sandbox):
    """A configuration for the doctor, without a daemon."""
    folder = tmp_path / "clinic"
    folder.mkdir()
    made = clinic_module.Clinic(folder, sandbox)
    yield made
    made.close()


@pytest.fixture(scope="session")
def cluster():
    """A PostgreSQL server for all tests of a program; each has databases of
    its own."""
    server = pg.Cluster()
    yield server
    server.remove()


@pytest.fixture
def fleet(tmp_path, sandbox, cluster):
    """Several nodes over one database: see nodes.Fleet."""
    made = []

    def make(count, on=cluster, **settings):
        folder = tmp_path / f"fleet{len(made)}"
        folder.mkdir()
        made.append(nodes.Fleet(folder, sandbox, on, **settings))
        made[-1].add(count)
        return made[-1]

    yield make
    for one in made:
        one.close()
        for node in one.nodes:
            privacy.check(node.log().replace(str(tmp_path), ""), [sandbox])


@pytest.fixture
def sleeping(daemon):
    """A configuration and its store; the daemon has gone."""
    def start(**settings):
        reunite = daemon(**settings)
        assert reunite.stop() == 0
        return reunite

    return start
