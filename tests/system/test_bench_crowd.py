"""The lean upstream of the benchmark of jobs answers as the sandbox does, and
the backlog of it is one that reunite drains."""

import os
import sqlite3
import sys
import urllib.parse

import pytest

import harness

sys.path.insert(0, os.path.join(os.environ["REUNITE_SOURCE"], "tests/bench"))

import crowd  # noqa: E402

N = 7
# What differs from platform to platform, or from moment to moment.
TOLD_ANYWHERE = {"url", "created_at", "updated_at", "signedUpAt", "id",
                 "user_id", "next_page", "previous_page"}


class Lab:
    def __init__(self, folder):
        self.folder = str(folder)
        self.count = 0

    def program(self, name):
        return harness.binary(name)

    def say(self, words):
        pass

    def new_folder(self, name):
        self.count += 1
        folder = os.path.join(self.folder, f"{name}{self.count}")
        os.mkdir(folder)
        return folder


@pytest.fixture
def lab(tmp_path):
    return Lab(tmp_path)


@pytest.fixture
def upstream(lab):
    with crowd.upstream(lab) as one:
        yield one


@pytest.fixture
def sandbox(tmp_path):
    program = harness.Sandbox(str(tmp_path), "--empty")
    program.control("POST", "people", crowd.people([N]))
    yield program
    program.stop()


def plain(value):
    """Without what may differ; identities in one order."""
    if isinstance(value, dict):
        return {key: plain(v) for key, v in value.items()
                if key not in TOLD_ANYWHERE}
    if isinstance(value, list):
        return sorted(map(plain, value), key=repr)
    return value


def same(sandbox, upstream, method, path, body=None, client="zendesk"):
    """What both answer, with the same headers about limits."""
    ours = harness.Client(upstream.url).request(method, path, body)
    theirs = getattr(sandbox, client).request(method, path, body)
    assert ours.status == theirs.status
    for name in ("X-Rate-Limit", "X-Rate-Limit-Remaining", "ratelimit-reset"):
        assert client == "sunco" or name in ours.headers
        assert client == "sunco" or name in theirs.headers
    assert plain(ours.json) == plain(theirs.json)
    return ours.json


def user_path(user):
    return f"/api/v2/users/{user}?include=identities,organizations"


def search_path(n):
    query = urllib.parse.quote(f'email:"{crowd.address(n)}"')
    return ("/api/v2/users/search?include=identities,organizations"
            f"&query={query}")


def test_the_calls_of_a_merge_are_answered_as_by_the_sandbox(sandbox,
                                                             upstream):
    app = sandbox.settings()["sunco_app_id"]
    person = same(sandbox, upstream, "GET",
                  f"/sc/v2/apps/{app}/users/{crowd.sunco_user(N)['id']}",
                  client="sunco")
    assert person["user"]["id"] == crowd.sunco_user(N)["id"]
    same(sandbox, upstream, "GET", user_path(crowd.messaging_user(N)))
    found = same(sandbox, upstream, "GET", search_path(N))
    assert [u["id"] for u in found["users"]] == [crowd.profile(N)]
    many = same(sandbox, upstream, "GET", "/api/v2/users/show_many?include="
                f"identities,organizations&ids={crowd.messaging_user(N)},5")
    assert many["count"] == 1
    merge = f"/api/v2/users/{crowd.messaging_user(N)}/merge"
    survivor = same(sandbox, upstream, "PUT", merge,
                    {"user": {"id": crowd.profile(N)}})
    assert survivor["user"]["id"] == crowd.profile(N)
    after = same(sandbox, upstream, "GET", user_path(crowd.profile(N)))
    assert len(after["identities"]) == 2


def test_nobody_is_found_who_is_not_there(upstream):
    client = harness.Client(upstream.url)
    assert client.get("/api/v2/users/5").status == 404
    other = urllib.parse.quote('email:"somebody@other.example"')
    found = client.get(f"/api/v2/users/search?query={other}").json
    assert found["users"] == [] and found["count"] == 0


def test_a_backlog_is_drained(lab, upstream):
    store = crowd.backlog(lab, 20)
    with sqlite3.connect(store) as db:
        assert db.execute("SELECT count(*) FROM jobs").fetchone() == (20,)
        assert db.execute("SELECT count(*) FROM events").fetchone() == (20,)
    with crowd.serving(lab, upstream.settings(), store) as daemon:
        for _ in range(20):
            daemon.wait_for("job_decided")
        assert daemon.decided() == 20
        daemon.post(20)
        daemon.wait_for("job_decided")
        # everybody once: the user, the person, the search, the merge and
        # what came of it; some users may have been read together
        log = upstream.log()
    assert 3 * 21 < log["total"] <= 5 * 21
    assert sorted(n for call, n, _, _ in log["calls"]
                  if call == "merge") == list(range(21))
