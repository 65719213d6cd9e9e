"""`reunite doctor`: what an operator sees of an installation that is well,
and of each thing that is not."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import time

import pytest

import disks
import harness
import rounds
from hooks import create

MINUTE = 60 * 1000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
ADDRESS = "vera@people.example"
VERA = rounds.jwt("Vera Visitor", ADDRESS)


@pytest.fixture
def daemon(daemon):
    """With a configuration that only its owner may read."""
    def start(**settings):
        reunite = daemon(**settings)
        os.chmod(reunite.config, 0o600)
        return reunite

    return start


def now_ms():
    return int(time.time() * 1000)


def change(reunite, sql, *values):
    with sqlite3.connect(f"{reunite.folder}/reunite.db", timeout=10) as db:
        db.execute(sql, values)
    db.close()


def findings(reunite, *argv, code=0):
    """Without the network, which test_doctor_upstream.py is about."""
    done = reunite.command("doctor", "--json", "--offline", *argv,
                           check=False)
    assert done.returncode == code, (done.stdout, done.stderr)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    for row in rows:
        assert set(row) == {"check", "account", "level", "finding", "mend"}
        assert row["level"] in ("ok", "warning", "problem")
        assert "\n" not in row["finding"]
    assert (code == 1) == any(r["level"] == "problem" for r in rows)
    return rows


def said(rows, check, level):
    """The one finding of this check and level."""
    row, = [r for r in rows if (r["check"], r["level"]) == (check, level)]
    return row


def webhooks_stored(reunite):
    """A second after the first one; the second one perhaps a minute later."""
    return harness.wait_until(
        lambda: not [r for r in findings(reunite)
                     if "has come yet" in r["finding"]],
        80, what="webhooks to be remembered", pause_s=0.2)


# --- well ---


@pytest.fixture
def well(sandbox, daemon):
    """A daemon that linked somebody, by webhooks of both sources."""
    reunite = daemon()
    rounds.profile(sandbox, "Vera Visitor", ADDRESS)
    rounds.begin(sandbox, VERA, ["sunco", "trigger"])
    reunite.decided_as("merge")
    reunite.idle()
    return reunite


def test_an_installation_that_is_well(well):
    webhooks_stored(well)
    rows = findings(well)
    levels = {r["check"]: r["level"] for r in rows}
    assert set(levels.values()) == {"ok"}, rows
    assert set(levels) == {"configuration", "secrets", "admin", "store",
                           "durability", "disk", "daemon", "api token",
                           "apply", "breaker", "queue", "reviews",
                           "webhooks", "sweep"}
    assert said(rows, "breaker", "ok")["finding"] == \
        "closed: 1 of 200 links this hour"
    assert all(r["mend"] is None for r in rows)


def test_the_screen(well):
    webhooks_stored(well)
    done = well.command("doctor", "--offline")
    assert done.stderr == ""
    *lines, blank, total = done.stdout.splitlines()
    assert len(lines) == 15
    assert all(line.startswith("ok ") for line in lines)
    assert (blank, total) == ("", "0 problems, 0 warnings.")
    assert "acme: auto: links are made without asking" in done.stdout
    assert ADDRESS not in done.stdout


def test_last_webhooks_outlive_the_daemon(well):
    """Stored when it stops, shown and counted from the start."""
    before = well.metric("reunite_last_webhook_timestamp_seconds",
                         source="sunco")
    assert before > 0
    assert well.stop() == 0
    stored = {r["finding"].split(" came ")[0] for r in findings(well)
              if r["check"] == "webhooks"}
    assert stored == {"the last valid webhook of Sunshine Conversations",
                      "the last valid webhook of Zendesk"}
    well.start()
    assert harness.wait_until(
        lambda: well.metric("reunite_last_webhook_timestamp_seconds",
                            source="sunco"), what="the gauge") == before


def test_many_webhooks_are_one_small_write(sandbox, daemon):
    reunite = daemon()
    for _ in range(20):
        assert reunite.sunco(create()).status == 200
    with sqlite3.connect(f"{reunite.folder}/reunite.db") as db:
        def stored():
            return db.execute("SELECT sunco_webhook_ms FROM accounts"
                              ).fetchone()[0]
        first = harness.wait_until(stored, what="the first write")
        for _ in range(20):
            assert reunite.sunco(create()).status == 200
        time.sleep(1.5)  # longer than the first one took
        assert stored() == first
    db.close()


def test_rejected_webhooks_do_not_count(sandbox, daemon):
    reunite = daemon()
    assert reunite.sunco(create(), key="wrong").status == 401
    assert reunite.stop() == 0
    assert said_of(findings(reunite), "Sunshine")["level"] == "warning"


def said_of(rows, word):
    row, = [r for r in rows if word in r["finding"]]
    return row


# --- not well ---


def test_without_a_store(tmp_path, sandbox, daemon):
    reunite = daemon()
    assert reunite.stop() == 0
    for name in os.listdir(reunite.folder):
        if name.startswith("reunite.db"):
            os.unlink(os.path.join(reunite.folder, name))
    row = said(findings(reunite, code=1), "store", "problem")
    assert "serve" in row["mend"]


def test_a_wrong_configuration_is_2(tmp_path):
    path = tmp_path / "reunite.conf"
    path.write_text("listen = 7\n")
    done = subprocess.run(
        [harness.binary("reunite"), "doctor", "-c", str(path)],
        capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stdout.startswith("problem")
    assert f"{path}:1" in done.stdout


def test_an_account_that_is_not_there_is_2(daemon):
    done = daemon().command("doctor", "--account", "nobody", check=False)
    assert done.returncode == 2
    assert "--account" in done.stderr


def test_only_one_account(sandbox, other_sandbox, daemon):
    reunite = daemon(others={"other": other_sandbox})
    accounts = {r["account"] for r in findings(reunite, "--account", "other")}
    assert accounts == {None, "other"}
    assert {r["account"] for r in findings(reunite)} == {None, "acme", "other"}


def test_files_with_secrets(daemon, tmp_path):
    secret = tmp_path / "admin.token"
    secret.write_text("the-admin-token-of-a-file\n")
    reunite = daemon(top={"admin_token": None,
                          "admin_token_file": str(secret)})
    os.chmod(reunite.config, 0o640)
    os.chmod(secret, 0o644)
    row = said(findings(reunite, code=1), "secrets", "problem")
    assert str(secret) in row["finding"] and "644" in row["finding"]
    assert "chmod" in row["mend"]
    os.chmod(secret, 0o640)
    assert "2" in said(findings(reunite), "secrets", "ok")["finding"]
    os.chmod(reunite.config, 0o644)
    assert reunite.config in said(findings(reunite, code=1), "secrets",
                                  "problem")["finding"]


def test_a_configuration_of_variables_may_be_read(daemon):
    reunite = daemon()
    held = {k: v for k, v in {
        "CLIENT": reunite.secrets["oauth_client_secret"],
        "SIGNING": reunite.secrets["zendesk_secret"],
        "KEY": reunite.secrets["sunco_key_secret"],
        "SHARED": reunite.secrets["sunco_secret"],
        "ADMIN": "admin-token-of-the-tests"}.items()}
    with open(reunite.config, encoding="utf-8") as f:
        text = f.read()
    for name, value in held.items():
        text = text.replace(f'"{value}"', f'"${{{name}}}"')
    with open(reunite.config, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(reunite.config, 0o644)
    done = reunite.command("doctor", "--json", "--offline",
                           environment=held)
    assert '"check":"secrets","account":null,"level":"ok"' in done.stdout


def test_a_store_that_others_may_read(daemon):
    reunite = daemon()
    os.chmod(f"{reunite.folder}/reunite.db", 0o644)
    assert "644" in said(findings(reunite, code=1), "store mode",
                         "problem")["finding"]


@pytest.mark.parametrize("mib,level", [(4, "problem"), (500, "warning")])
def test_little_room(daemon, tmp_path, monkeypatch, mib, level):
    monkeypatch.setattr(disks.SmallDisk, "BYTES", mib << 20)
    reunite = daemon()
    assert said(findings(reunite), "disk", "ok")["mend"] is None
    assert reunite.stop() == 0
    with disks.small_disk(tmp_path / "disk") as disk:
        if not disk.mounted:
            pytest.skip("only root mounts a small disk for a command")
        for name in os.listdir(reunite.folder):
            if name.startswith("reunite.db"):
                shutil.copy(f"{reunite.folder}/{name}", disk.folder)
        reunite.configure({"store": f"sqlite:{disk.folder}/reunite.db"})
        row = said(findings(reunite, code=int(level == "problem")), "disk",
                   level)
        assert "make room" in row["mend"]


def test_without_a_daemon(daemon):
    reunite = daemon()
    assert said(findings(reunite), "daemon", "ok")
    assert reunite.stop() == 0
    assert "serve" in said(findings(reunite), "daemon", "warning")["mend"]


def test_warnings_of_the_configuration(daemon):
    reunite = daemon(link_evidence="claimed",
                     email_identities="claim_verified")
    assert "link_evidence" in said(findings(reunite), "configuration",
                                   "warning")["finding"]


def test_a_pause(daemon):
    reunite = daemon()
    reunite.command("queue", "pause", "--by", "maria", "--reason", "an import")
    row = said(findings(reunite), "pause", "warning")
    assert "maria (an import)" in row["finding"]
    assert row["mend"] == "reunite queue resume --account acme"
    reunite.command("queue", "resume", "--by", "maria")
    assert not [r for r in findings(reunite) if r["check"] == "pause"]


def test_credentials_that_are_refused(sandbox, daemon):
    reunite = daemon(zendesk_client_secret="mistyped")
    rounds.begin(sandbox, VERA)
    harness.wait_until(lambda: reunite.metric("reunite_account_held"),
                       what="a hold")
    harness.wait_until(
        lambda: '"check":"hold"' in reunite.command(
            "doctor", "--json", "--offline", check=False).stdout,
        what="the hold to be stored")
    assert "credentials" in said(findings(reunite, code=1), "hold",
                                 "problem")["finding"]


def test_an_open_breaker(sandbox, daemon):
    reunite = daemon(max_merges_per_hour=1, max_merges_per_profile=1)
    owner = rounds.profile(sandbox, "Vera Visitor", ADDRESS)
    rounds.begin(sandbox, VERA)
    reunite.decided_as("merge")
    hour, profile = [r for r in findings(reunite) if r["check"] == "breaker"]
    assert hour["level"] == profile["level"] == "warning"
    assert re.fullmatch(r"open: 1 of 1 links this hour; time closes it in "
                        r"\d\d min", hour["finding"])
    assert "--breaker --account acme" in hour["mend"]
    assert str(owner) in profile["finding"]
    assert re.search(r"in 2[34] h$", profile["finding"])
    reunite.command("queue", "resume", "--breaker", "--by", "maria")
    assert said(findings(reunite), "breaker", "ok")


def test_a_limit_of_zero(daemon):
    assert "every link" in said(findings(daemon(max_merges_per_hour=0)),
                                "breaker", "warning")["finding"]


@pytest.mark.parametrize("late_ms,level,code", [
    (5 * MINUTE, "ok", 0), (11 * MINUTE, "warning", 0),
    (2 * HOUR, "problem", 1)])
def test_jobs_that_nobody_runs(sandbox, daemon, late_ms, level, code):
    reunite = daemon()
    reunite.command("queue", "pause", "--by", "maria")
    harness.wait_until(lambda: reunite.event("account_paused"), what="a pause")
    rounds.begin(sandbox, VERA)
    assert reunite.stop() == 0
    change(reunite, "UPDATE jobs SET run_at_ms = ?", now_ms() - late_ms)
    assert "(paused)" in said(findings(reunite), "queue", "ok")["finding"]
    reunite.command("queue", "resume", "--by", "maria")
    row = said(findings(reunite, code=code), "queue", level)
    assert "1 ready" in row["finding"]
    assert (row["mend"] is None) == (level == "ok")


def test_dead_jobs(sandbox, well):
    assert well.stop() == 0
    change(well, "UPDATE jobs SET state = 4"
                 " WHERE id = (SELECT min(id) FROM jobs)")
    assert "1 dead" in said(findings(well), "queue", "warning")["finding"]


def test_links_without_an_end(sandbox, well):
    assert well.stop() == 0
    change(well, "UPDATE journal SET status = 'uncertain'")
    assert not [r for r in findings(well) if r["check"] == "unfinished"]
    change(well, "UPDATE journal SET at_ms = ?", now_ms() - 20 * MINUTE)
    assert "for 20 min" in said(findings(well), "unfinished",
                                "warning")["finding"]


@pytest.mark.parametrize("age_ms,level", [(6 * DAY, "ok"), (8 * DAY,
                                                            "warning")])
def test_reviews_that_grow_old(sandbox, daemon, age_ms, level):
    reunite = daemon(apply="review")
    rounds.profile(sandbox, "Vera Visitor", ADDRESS)
    rounds.begin(sandbox, VERA)
    harness.wait_until(reunite.reviews, what="a review")
    change(reunite, "UPDATE reviews SET created_ms = ?", now_ms() - age_ms)
    assert "1 wait" in said(findings(reunite), "reviews", level)["finding"]


def test_webhooks_that_ceased(sandbox, daemon):
    reunite = daemon()
    assert len([r for r in findings(reunite)
                if "has come yet" in r["finding"]]) == 2
    reunite.command("queue", "resume", "--by", "maria")  # makes its row
    change(reunite, "UPDATE accounts SET sunco_webhook_ms = ?",
           now_ms() - 3 * DAY)
    row = said_of(findings(reunite), "Sunshine")
    assert row["level"] == "warning" and "3 d ago" in row["finding"]
    assert "registered" in row["mend"]


def test_a_source_without_secrets_is_not_missed(daemon):
    reunite = daemon(zendesk_webhook_secrets=[])
    assert not [r for r in findings(reunite) if "Zendesk has" in r["finding"]]


# --- notes ---


def test_agents_that_are_not_told(sandbox, daemon):
    """Zendesk refuses the notes: a person has to give the scope."""
    reunite = daemon(ticket_note="merged")
    assert said(findings(reunite), "notes", "ok")["finding"] == \
        "0 still to be told on tickets"
    sandbox.fault(match={"call": "ticket_tags"}, kind="status", status=503,
                  times=-1)
    rounds.begin(sandbox, VERA)
    reunite.decided_as("adopt")
    change(reunite, "UPDATE notes SET created_ms = ?",
           now_ms() - 2 * 3600 * 1000)
    late = said(findings(reunite), "notes", "warning")
    assert late["finding"] == "1 still to be told on tickets, the oldest " \
        "for 2 h"
    change(reunite, "UPDATE notes SET outcome = 'refused'")
    refused = said(findings(reunite), "notes", "warning")
    assert refused["finding"] == "1 refused by Zendesk in the last day"
    assert "tickets:write" in refused["mend"]


# --- what durability rests on ---


def durability(reunite, code):
    row, = [r for r in findings(reunite, code=code)
            if r["check"] == "durability"]
    return row


def test_durability_of_sqlite(daemon):
    row = durability(daemon(), 0)
    assert row["level"] == "ok"
    assert "journal_mode wal, synchronous full" in row["finding"]


def test_durability_of_postgresql(daemon, cluster):
    """By the settings that are in force."""
    reunite = daemon(top={"store": cluster.store()})
    before = {name: cluster.value(f"SHOW {name}")
              for name in ("fsync", "full_page_writes")}

    def told(code, **settings):
        cluster.set(**settings)
        cluster.reload()
        for name, value in settings.items():
            harness.wait_until(
                lambda n=name, v=value: cluster.value(f"SHOW {n}") == v,
                what=f"{name} {value}")
        return durability(reunite, code)

    try:
        well = told(0, fsync="on", full_page_writes="on",
                    synchronous_commit="off")
        assert well["level"] == "ok"  # commits of ours wait all the same
        assert "fsync on, full_page_writes on, synchronous_commit on" in \
            well["finding"]
        torn = told(1, full_page_writes="off")
        assert torn["level"] == "problem"
        assert "full_page_writes off" in torn["finding"]
        lost = told(1, full_page_writes="on", fsync="off")
        assert lost["level"] == "problem" and "fsync off" in lost["finding"]
    finally:
        cluster.set(**before, synchronous_commit="on")
        cluster.reload()
