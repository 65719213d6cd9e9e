"""Pause and breaker as an operator meets them: seen in the log, the metrics
and the lists, ended by a person, and all of it in the journal."""

import pytest

import harness
import rounds

pytestmark = pytest.mark.both_stores


def visitor(sandbox, n):
    address = f"visitor{n}@people.example"
    return rounds.profile(sandbox, f"Visitor Number {n}", address)


def comes(sandbox, n):
    return rounds.begin(sandbox, rounds.jwt(f"Visitor Number {n}",
                                            f"visitor{n}@people.example"))


def acts(reunite):
    return [e for e in reunite.journal()
            if e["action"] in ("pause", "resume", "close_breaker")]


def log_of(reunite, name, count=1):
    return harness.wait_until(
        lambda: len(reunite.events(name)) >= count and reunite.events(name),
        what=name)


@pytest.fixture
def full(sandbox, daemon):
    """Its hour has one place, and that is taken; the second one waits."""
    reunite = daemon(max_merges_per_hour=1)
    for n in (1, 2):
        visitor(sandbox, n)
    comes(sandbox, 1)
    assert rounds.outcome(reunite)[0] == "merge"
    comes(sandbox, 2)
    assert rounds.outcome(reunite, 2) == ("review", "merge_surge")
    return reunite


# --- the breaker ---


def test_opening_is_an_event(sandbox, full):
    visitor(sandbox, 3)
    comes(sandbox, 3)
    assert rounds.outcome(full, 3) == ("review", "merge_surge")
    opened, = log_of(full, "breaker_opened")
    assert opened["level"] == "warn"
    assert (opened["account"], opened["limit"], opened["count"],
            opened["max"]) == ("acme", "max_merges_per_hour", 1, 1)
    assert 3500 < opened["closes_in_s"] <= 3600
    assert full.metric("reunite_breaker_open", account="acme") == 1
    assert full.metric("reunite_merges_this_hour", account="acme") == 1


def test_a_person_closes_it(sandbox, full):
    log_of(full, "breaker_opened")
    done = full.rows("queue", "resume", "--account", "acme", "--breaker",
                     "--by", "maria", "--reason", "an import, known")[0]
    assert (done["breaker"], done["changed"]) == ("closed", True)
    closed, = log_of(full, "breaker_closed")
    assert (closed["level"], closed["by"]) == ("info", "person")
    assert "maria" not in full.log()
    assert full.metric("reunite_breaker_open", account="acme") == 0
    entry, = acts(full)
    assert entry["id"] == done["journal_id"]
    assert (entry["action"], entry["decided_by"], entry["note"]) == (
        "close_breaker", "maria", "an import, known")
    visitor(sandbox, 3)
    comes(sandbox, 3)
    harness.wait_until(lambda: len(rounds.merges(sandbox)) == 2,
                       what="a merge")
    # who waits for a person still does, and can still be approved
    review, = full.reviews()
    assert review["reasons"] == ["merge_surge"]
    full.command("review", "approve", str(review["id"]), "--by", "maria")
    harness.wait_until(lambda: len(rounds.merges(sandbox)) == 3,
                       what="the approved merge")


def test_open_and_closed_outlive_the_daemon(full):
    log_of(full, "breaker_opened")
    assert full.stop() == 0
    full.start()
    log_of(full, "breaker_opened", 2)
    assert full.metric("reunite_breaker_open", account="acme") == 1
    assert full.stop() == 0
    full.command("queue", "resume", "--breaker", "--by", "maria")
    full.start()
    assert full.metric("reunite_breaker_open", account="acme") == 0
    assert len(full.events("breaker_opened")) == 2


def test_a_profile_is_full(sandbox, daemon):
    reunite = daemon(max_merges_per_profile=1, link_evidence="claimed",
                     email_identities="claim_verified")
    owner = visitor(sandbox, 1)
    for n, action in ((1, "merge"), (2, "review")):
        rounds.typed(sandbox, "visitor1@people.example", zendesk="duplicate")
        assert rounds.outcome(reunite, n)[0] == action
    opened, = log_of(reunite, "breaker_opened")
    assert (opened["limit"], opened["profile"]) == ("max_merges_per_profile",
                                                    owner)
    assert reunite.metric("reunite_profiles_at_limit", account="acme") == 1
    assert reunite.metric("reunite_breaker_open", account="acme") == 0
    breaker = reunite.admin.get("/api/v1/accounts").json["items"][0]["breaker"]
    assert breaker["profiles_at_limit"] == 1
    assert breaker["profiles"][0]["profile_id"] == owner
    assert breaker["profiles"][0]["merges_today"] == 1


def test_the_breaker_of_one_of_many(sandbox, other_sandbox, daemon):
    reunite = daemon(others={"other": other_sandbox})
    done = reunite.command("queue", "resume", "--breaker", check=False)
    assert done.returncode == 2
    assert "--account" in done.stderr
    reunite.command("queue", "resume", "--breaker", "--account", "other",
                    "--by", "maria")
    assert [e["account"] for e in acts(reunite)] == ["other"]


# --- the pause ---


def test_a_pause_holds_jobs_and_takes_webhooks(sandbox, daemon):
    reunite = daemon()
    visitor(sandbox, 1)
    done = reunite.rows("queue", "pause", "--account", "acme", "--by", "maria",
                        "--reason", "an import")[0]
    assert (done["paused"], done["changed"]) == (True, True)
    log_of(reunite, "account_paused")
    comes(sandbox, 1)
    assert reunite.metric("reunite_account_held", reason="paused") == 1
    ready = reunite.admin.get("/readyz")
    assert ready.status == 200
    assert ready.json["held"] == [{"account": "acme", "reason": "paused"}]
    assert [j["state"] for j in reunite.queue()] == ["ready"]
    assert rounds.requests(sandbox) == []
    listed = reunite.command("queue", "list")
    assert "account acme is paused since" in listed.stderr
    assert "maria" in listed.stderr
    again = reunite.rows("queue", "pause", "--by", "eve")[0]
    assert (again["paused"], again["changed"]) == (True, False)
    reunite.command("queue", "resume", "--by", "maria")
    assert rounds.outcome(reunite, 3)[0] == "merge"
    assert [(e["action"], e["decided_by"]) for e in acts(reunite)] == [
        ("pause", "maria"), ("resume", "maria")]
    shown = reunite.command("journal", "show", str(acts(reunite)[0]["id"]))
    assert "an import" in shown.stdout and "because" not in shown.stdout
    assert [e["action"] for e in reunite.rows(
        "journal", "list", "--action", "pause")] == ["pause"]
    assert reunite.metric("reunite_account_held", reason="paused") == 0
    assert len(reunite.events("account_paused")) == 2


def test_a_pause_outlives_the_daemon(sandbox, daemon):
    reunite = daemon()
    visitor(sandbox, 1)
    reunite.command("queue", "pause", "--by", "maria")
    log_of(reunite, "account_paused")
    assert reunite.stop() == 0
    reunite.start()
    comes(sandbox, 1)
    log_of(reunite, "account_paused", 2)
    assert reunite.metric("reunite_account_held", reason="paused") == 1
    assert rounds.requests(sandbox) == []


def test_what_runs_goes_on(sandbox, daemon):
    sandbox.fault(kind="delay", ms=3000, match={"call": "merge"})
    reunite = daemon()
    visitor(sandbox, 1)
    comes(sandbox, 1)
    harness.wait_until(lambda: [j for j in reunite.queue()
                                if j["state"] == "running"], what="a run")
    reunite.command("queue", "pause", "--by", "maria")
    harness.wait_until(lambda: len(rounds.merges(sandbox)) == 1,
                       what="the merge")
    reunite.decided_as("merge")


def test_only_the_account_that_is_named(sandbox, other_sandbox, daemon):
    reunite = daemon(others={"other": other_sandbox})
    reunite.command("queue", "pause", "--account", "other", "--by", "maria")
    log_of(reunite, "account_paused")
    visitor(sandbox, 1)
    comes(sandbox, 1)
    reunite.decided_as("merge")
    both = reunite.rows("queue", "pause", "--by", "maria")
    assert [(r["account"], r["changed"]) for r in both] == [
        ("acme", True), ("other", False)]


@pytest.mark.parametrize("running", [True, False], ids=["beside", "alone"])
def test_link_says_that_the_account_is_paused(sandbox, daemon, running):
    reunite = daemon()
    visitor(sandbox, 1)
    begun = rounds.begin(sandbox, rounds.jwt(
        "Visitor Number 1", "visitor1@people.example"), webhooks=[])
    reunite.command("queue", "pause", "--by", "maria")
    if not running:
        assert reunite.stop() == 0
    done = reunite.command("link", "--user", str(begun["zendesk_user_id"]),
                           "--apply", check=False)
    assert done.returncode == 1
    assert "account acme is paused" in done.stderr
    assert "queue resume" in done.stderr
    assert rounds.writes(sandbox) == []
    if not running:
        reunite.start()
    reunite.command("queue", "resume", "--by", "maria")
    reunite.decided_as("merge")


@pytest.mark.parametrize("words", [
    ["--by", "a\nb"], ["--reason", "a\tb"], ["--reason", "x" * 201],
    ["--by", "x" * 101], ["--account", "nobody"]])
def test_what_the_journal_cannot_keep_is_refused(daemon, words):
    reunite = daemon()
    done = reunite.command("queue", "pause", *words, check=False)
    assert done.returncode == 2
    assert words[0] in done.stderr
    assert reunite.journal() == []


# --- the admin API ---


def test_accounts_over_http(sandbox, full):
    row, = full.admin.get("/api/v1/accounts").json["items"]
    assert row["account"] == "acme"
    assert (row["paused"], row["held"]) == (None, None)
    assert row["breaker"]["open"] is True
    assert row["breaker"]["merges_this_hour"] == 1
    assert row["breaker"]["max_merges_per_hour"] == 1
    assert row["breaker"]["closes_at"] > row["oldest_review"]
    assert row["breaker"]["closed_by_a_person_at"] is None
    assert (row["reviews_open"], row["jobs"]["review"]) == (1, 1)
    assert row["oldest_due"] is None
    assert row["unfinished"] == 0


def test_pause_and_breaker_over_http(full):
    def post(act, body):
        return full.admin.post(f"/api/v1/accounts/acme/{act}", body)

    log_of(full, "breaker_opened")
    who = {"by": "maria", "reason": "an import"}
    assert post("pause", who).status == 200
    log_of(full, "account_paused")
    row, = full.admin.get("/api/v1/accounts").json["items"]
    assert (row["paused"]["by"], row["paused"]["reason"]) == ("maria",
                                                              "an import")
    assert post("close-breaker", who).status == 200
    log_of(full, "breaker_closed")
    assert post("resume", {"by": "maria"}).json["journal_id"] > 0
    assert post("resume", {"by": "maria"}).json["journal_id"] is None
    assert [e["action"] for e in acts(full)] == ["pause", "close_breaker",
                                                 "resume"]
    row, = full.admin.get("/api/v1/accounts").json["items"]
    assert row["paused"] is None
    assert row["breaker"]["open"] is False
    assert row["breaker"]["closed_by_a_person_at"]


def test_changes_over_http_need_a_name_and_a_token(full):
    for act in ("pause", "resume", "close-breaker"):
        path = f"/api/v1/accounts/acme/{act}"
        assert full.admin.post(path, {}).status == 400
        assert full.admin.post(path, {"by": ""}).status == 400
        assert full.admin.post(path, {"by": "a\u001bb"}).status == 400
        assert full.admin.post(path, {"by": "eve"}, headers={
            "Authorization": ""}).status == 401
        assert full.admin.post(path.replace("acme", "nobody"),
                               {"by": "eve"}).status == 404
    assert full.admin.get("/api/v1/accounts", headers={
        "Authorization": ""}).status == 401
    assert acts(full) == []
