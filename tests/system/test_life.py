"""A daemon's life: what it refuses to start with, reloads, how it ends, and
what it does when its disk is full."""

import os
import resource
import signal
import subprocess

import daemon as daemon_module
import harness
import load
import pytest
import rounds
from hooks import create

ADDRESS = "vera@people.example"
VERA = rounds.jwt("Vera Visitor", ADDRESS)


def vera(sandbox):
    return rounds.profile(sandbox, "Vera Visitor", ADDRESS)


def serve(config, **kwargs):
    return subprocess.run([harness.binary("reunite"), "serve", "-c", config],
                          capture_output=True, text=True, timeout=30,
                          **kwargs)


# --- starting ---


def test_a_wrong_configuration_is_2(sandbox, daemon):
    reunite = daemon()
    reunite.configure(link_evidence="hearsay")
    done = serve(reunite.config)
    assert done.returncode == 2
    assert "link_evidence" in done.stderr
    assert done.stderr.startswith(reunite.config + ":")


def test_one_store_has_one_daemon(sandbox, daemon):
    reunite = daemon()
    done = serve(reunite.config)
    assert done.returncode == 1
    assert "another reunite" in done.stderr or "lock" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert reunite.sunco(create()).status == 200


def test_an_address_in_use(sandbox, daemon):
    reunite = daemon()
    port = reunite.url.rsplit(":", 1)[1]
    reunite.configure(top={"listen": f"127.0.0.1:{port}",
                           "store": f"sqlite:{reunite.folder}/other.db"})
    done = serve(reunite.config)
    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in done.stderr


def test_a_place_for_the_store_that_is_none(sandbox, daemon):
    reunite = daemon()
    place = f"{reunite.folder}/nowhere/reunite.db"
    reunite.configure(top={"store": f"sqlite:{place}"})
    done = serve(reunite.config)
    assert done.returncode == 1
    assert place in done.stderr


# --- reload ---


def test_a_reload_takes_new_secrets(sandbox, daemon):
    reunite = daemon()
    reunite.configure(sunco_webhook_secrets=["fresh-secret"])
    assert reunite.reload()["event"] == "reloaded"
    assert reunite.sunco(create()).status == 401
    assert reunite.sunco(create(), key="fresh-secret").status == 200


def test_a_reload_reads_secrets_in_files(sandbox, daemon, tmp_path):
    file = tmp_path / "secrets"
    file.write_text("first-secret\nsecond-secret\n")
    reunite = daemon(sunco_webhook_secrets=None,
                     sunco_webhook_secrets_file=str(file))
    assert reunite.sunco(create(), key="second-secret").status == 200
    file.write_text("third-secret\n")
    assert reunite.reload()["event"] == "reloaded"
    assert reunite.sunco(create(), key="second-secret").status == 401
    assert reunite.sunco(create(), key="third-secret").status == 200


def test_a_bad_configuration_changes_nothing(sandbox, daemon):
    reunite = daemon()
    reunite.configure(apply="sometimes", sunco_webhook_secrets=["fresh"])
    line = reunite.reload()
    assert line["event"] == "reload_failed"
    assert line["error"].startswith(reunite.config + ":")
    reunite.configure()  # for the commands; not read again by the daemon
    owner = vera(sandbox)
    begun = rounds.begin(sandbox, VERA, ["sunco", "trigger"])
    rounds.merged_once(sandbox, reunite, begun, owner)


def test_what_needs_a_restart_says_so(sandbox, daemon):
    reunite = daemon()
    reunite.configure(top={"max_connections": 7, "request_timeout": "1s",
                           "listen": "127.0.0.1:1",
                           "admin_listen": "127.0.0.1:2",
                           "store": f"sqlite:{reunite.folder}/other.db"})
    assert reunite.reload()["event"] == "reloaded"
    assert sorted(e["setting"] for e in
                  reunite.events("reload_needs_restart")) == [
        "admin_listen", "listen", "max_connections", "request_timeout",
        "store"]
    assert reunite.sunco(create()).status == 200


def test_a_reload_changes_the_policy(sandbox, daemon):
    reunite = daemon(apply="observe")
    owner = vera(sandbox)
    begun = rounds.begin(sandbox, VERA)
    assert rounds.decision(reunite)["applied"] is False
    reunite.configure(apply="auto")
    reunite.reload()
    rounds.trigger(reunite, begun)
    rounds.merged_once(sandbox, reunite, begun, owner, 2)


def test_accounts_come_and_go(sandbox, other_sandbox, daemon):
    reunite = daemon()
    path = "/webhooks/other/sunco"
    secret = other_sandbox.settings()["sunco_secret"]
    headers = {"X-API-Key": secret}
    assert reunite.http.post(path, create(), headers=headers).status == 404
    reunite.accounts["other"] = other_sandbox
    reunite.configure()
    reunite.reload()
    assert reunite.http.post(path, create(), headers=headers).status == 200
    harness.wait_until(lambda: rounds.requests(other_sandbox),
                       what="its first call")
    del reunite.accounts["other"]
    reunite.configure()
    reunite.reload()
    assert reunite.http.post(path, create(), headers=headers).status == 404
    assert reunite.sunco(create()).status == 200


def test_a_reload_takes_a_new_admin_token(sandbox, daemon):
    reunite = daemon()
    reunite.configure(top={"admin_token": "another-token"})
    reunite.reload()
    assert reunite.admin.get("/api/v1/queue").status == 401
    assert reunite.admin.get("/api/v1/queue", headers={
        "Authorization": "Bearer another-token"}).status == 200


@pytest.mark.parametrize("form", ["json", "text"])
def test_even_a_talkative_log_names_nobody(sandbox, daemon, form):
    """Held against everybody's names when the test ends; conftest.py."""
    reunite = daemon(top={"log_level": "debug", "log_format": "json"})
    reunite.configure(top={"log_level": "debug", "log_format": form})
    reunite.process.send_signal(signal.SIGHUP)
    sandbox.fault(kind="status", status=422, match={"call": "search"},
                  body={"error": "RecordInvalid", "description":
                        f"Email: {ADDRESS} of Vera Visitor"})
    owner = vera(sandbox)
    begun = rounds.begin(sandbox, VERA, ["sunco", "trigger"])
    rounds.merged_once(sandbox, reunite, begun, owner)
    assert "job_failed" in reunite.log()


# --- the end ---


def running(sandbox, reunite, call, kind="delay", ms=400):
    """A job under way that waits for this call."""
    owner = vera(sandbox)
    sandbox.fault(kind=kind, ms=ms, match={"call": call})
    begun = rounds.begin(sandbox, VERA)
    harness.wait_until(
        lambda: [f for f in sandbox.control("GET", "faults")["faults"]
                 if f["hits"]], what="the call")
    return owner, begun


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT],
                         ids=["TERM", "INT"])
def test_an_end_lets_jobs_finish(sandbox, daemon, number):
    reunite = daemon()
    owner, begun = running(sandbox, reunite, "merge")
    reunite.process.send_signal(number)
    assert reunite.process.wait(harness.WAIT_S) == 0
    assert reunite.event("stopped")["drained"] is True
    assert reunite.journal()[0]["status"] == "done"
    assert rounds.merges(sandbox) == [(begun["zendesk_user_id"], owner)]


def test_nothing_is_accepted_while_it_drains(sandbox, daemon):
    reunite = daemon()
    running(sandbox, reunite, "merge", ms=5000)
    kept = load.Connection(reunite.url)
    assert kept.ask(b"GET /healthz HTTP/1.1\r\nHost: a.example\r\n\r\n")
    reunite.process.send_signal(signal.SIGTERM)
    harness.wait_until(lambda: reunite.event("draining"), what="the drain")
    assert kept.ask(b"") is None  # closed, since it was idle
    kept.close()
    for _ in range(3):
        reply = reunite.sunco(create())
        assert reply.status == 503
        assert int(reply.headers["Retry-After"]) < 60
        assert reply.headers["Connection"] == "close"
    assert reunite.http.get("/healthz").status == 200
    reply = reunite.admin.get("/readyz")
    assert (reply.status, reply.json["draining"]) == (503, True)
    assert reunite.process.wait(harness.WAIT_S) == 0


def test_a_reload_while_it_drains_is_ignored(sandbox, daemon):
    reunite = daemon()
    owner, begun = running(sandbox, reunite, "merge", ms=3000)
    reunite.process.send_signal(signal.SIGTERM)
    harness.wait_until(lambda: reunite.event("draining"), what="the drain")
    reunite.process.send_signal(signal.SIGHUP)
    assert reunite.process.wait(harness.WAIT_S) == 0
    assert reunite.event("reload_ignored") and not reunite.event("reloaded")
    assert rounds.merges(sandbox) == [(begun["zendesk_user_id"], owner)]


def test_signals_that_mean_nothing_end_nothing(sandbox, daemon):
    reunite = daemon()
    for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE):
        reunite.process.send_signal(number)
    assert reunite.sunco(create()).status == 200


def test_a_second_signal_ends_it_at_once(sandbox, daemon):
    reunite = daemon()
    running(sandbox, reunite, "merge", "hang", 20000)
    reunite.process.send_signal(signal.SIGTERM)
    harness.wait_until(lambda: reunite.event("draining"), what="the drain")
    reunite.process.send_signal(signal.SIGTERM)
    assert reunite.process.wait(harness.WAIT_S) == 0
    assert reunite.event("stopped_at_once")
    assert reunite.journal()[0]["status"] in ("pending", "uncertain")
    assert len(reunite.queue()) == 1


def test_an_end_does_not_wait_for_ever(sandbox, daemon):
    """What was cut off is looked up in the next life."""
    reunite = daemon(top={"drain_timeout": "100ms"})
    owner, begun = running(sandbox, reunite, "merge", ms=3000)
    assert reunite.stop() == 0
    assert reunite.event("drain_timeout")
    assert reunite.event("stopped")["drained"] is False
    harness.wait_until(lambda: rounds.merges(sandbox), what="the merge")
    reunite.start(daemon_module.fast_clock(20))
    rounds.merged_once(sandbox, reunite, begun, owner)
    assert rounds.calls(sandbox, "zendesk")["merge"] == 1


def test_who_was_waited_for_is_known_after_a_restart(sandbox, daemon):
    sandbox.settings(verified_email_owner="duplicate")
    reunite = daemon()
    owner = vera(sandbox)
    begun = rounds.accepted(sandbox.act("conversations", hand_off="now"))
    rounds.waiting(reunite)
    assert reunite.stop() == 0
    reunite.start()
    sandbox.act("logins", conversation_id=begun["conversation_id"], jwt=VERA,
                webhooks=[])

    def counts():
        """Those who wait are read behind the start."""
        rounds.accepted(sandbox.act(
            "messages", conversation_id=begun["conversation_id"]))
        return reunite.metric("reunite_webhooks_total", outcome="accepted")

    harness.wait_until(counts, what="a message that counts")
    rounds.merged_once(sandbox, reunite, begun, owner)


# --- a full disk ---


def limit_files(reunite, size):
    """How large the daemon's files may grow."""
    resource.prlimit(reunite.process.pid, resource.RLIMIT_FSIZE, (
        size, resource.RLIM_INFINITY))


def test_a_full_disk_is_503_and_passes(sandbox, daemon):
    reunite = daemon(wrapper=["env", "--ignore-signal=XFSZ"])
    assert reunite.sunco(create()).status == 200
    reunite.decided()
    limit_files(reunite, 1)
    reply = harness.wait_until(
        lambda: next((r for r in [reunite.sunco(create())]
                      if r.status != 200), None), what="the refusal")
    assert reply.status == 503
    assert int(reply.headers["Retry-After"]) < 60
    assert reunite.admin.get("/readyz").status == 503
    assert reunite.metric("reunite_webhooks_total", outcome="unavailable") > 0
    limit_files(reunite, resource.RLIM_INFINITY)
    harness.wait_until(lambda: reunite.sunco(create()).status == 200,
                       what="the recovery")
    assert reunite.admin.get("/readyz").status == 200
    assert os.path.exists(os.path.join(reunite.folder, "reunite.db"))
