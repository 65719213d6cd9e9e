"""HTTPS on the public listener: webhooks over it, and its certificate through
starts, reloads and ends."""

import concurrent.futures
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess

import pytest

import harness
import rounds
import tls
from hooks import SUNCO, counts, create

# What is refused and what is taken does not depend on how it comes.
from test_redteam_webhooks import (  # noqa: F401
    test_a_flood_of_people, test_a_replayed_webhook,
    test_the_secret_of_the_other_source)
from test_webhook_bodies import (  # noqa: F401
    test_a_body_of_one_mebibyte_fits,
    test_nothing_is_parsed_before_it_is_verified)

VERA = rounds.jwt("Vera Visitor", "vera@people.example", "cust-7")


@pytest.fixture
def pair(tmp_path):
    return tls.Pair(tmp_path)


@pytest.fixture
def sandbox(tmp_path, pair):
    program = harness.Sandbox(str(tmp_path), "--ca-file", pair.certificate)
    yield program
    assert program.stop() == 0, program.log()


@pytest.fixture
def daemon(daemon, pair):
    """As ever, with the pair."""
    def start(**settings):
        top = {**pair.settings, **(settings.pop("top", None) or {})}
        return daemon(top=top, **settings)

    return start


@pytest.fixture
def reunite(daemon):
    return daemon()


def expiry(reunite):
    return reunite.metric("reunite_tls_certificate_expiry_timestamp_seconds")


def ends(certificate):
    done = subprocess.run(["openssl", "x509", "-in", certificate, "-noout",
                           "-enddate"], capture_output=True, text=True,
                          check=True, timeout=60)
    return ssl.cert_time_to_seconds(done.stdout.split("=")[1].strip())


# --- webhooks ---


def test_a_customer_is_linked_over_https(sandbox, reunite):
    """Both providers deliver over it, to a certificate that they trust."""
    owner = rounds.profile(sandbox, "Vera Visitor", "vera@people.example")
    begun = rounds.begin(sandbox, VERA, ["sunco", "trigger"])
    rounds.merged_once(sandbox, reunite, begun, owner)
    assert reunite.metric("reunite_tls_handshakes_total", outcome="full") > 0
    assert expiry(reunite) == ends(reunite.ca)


def test_a_chain_is_sent_whole(daemon, tmp_path):
    chain = tls.Chain(tmp_path)
    reunite = daemon(top=chain.settings)
    reunite.http = harness.Client(reunite.url, ca=chain.root)
    assert counts(reunite.sunco(create())) == (1, 0, 0)


def test_plain_http_gets_an_answer(reunite):
    plain = harness.Client("http://" + reunite.http.address)
    reply = plain.post(SUNCO, create(), headers={
        "X-API-Key": reunite.secrets["sunco_secret"]})
    assert reply.status == 400 and "HTTPS" in reply.json["error"]
    assert reunite.queue() == []


def test_its_health_is_asked_for_over_https(reunite):
    reunite.configure(top={**reunite_pair(reunite),
                           "listen": reunite.http.address,
                           "admin_listen": reunite.admin.address})
    done = harness.wait_until(
        lambda: (d := reunite.command("health", "--ready", check=False))
        .returncode == 0 and d, what="good health")
    assert f"{reunite.url}/healthz: 200\n" in done.stdout


def reunite_pair(reunite):
    return {"tls_certificate": reunite.ca,
            "tls_key": reunite.ca.replace(".pem", "-key.pem")}


# --- slow ones ---


def test_whoever_never_shakes_hands_makes_room(daemon):
    """They count as connections, and only for request_timeout."""
    reunite = daemon(top={"max_connections": 3, "request_timeout": "2s"})
    where = tls.address(reunite)
    hello = b"\x16\x03\x01\x02\x00\x01"
    peers = [socket.create_connection(where, timeout=harness.WAIT_S)
             for _ in range(6)]
    for peer in peers[::2]:
        peer.sendall(hello)

    def is_taken():
        try:
            return sum(counts(reunite.sunco(create(event="e1")))) == 1
        except OSError:  # on a busy machine
            return False

    harness.wait_until(is_taken, what="room")
    for peer in peers:
        assert peer.recv(64) == b""
        peer.close()
    assert reunite.metric("reunite_tls_handshakes_total",
                          outcome="failed") >= 3


def test_whoever_drips_is_told_to_come_again(daemon):
    reunite = daemon(top={"request_timeout": "2s"})
    with socket.create_connection(tls.address(reunite),
                                  timeout=harness.WAIT_S) as plain, \
            reunite.http.tls.wrap_socket(
                plain, server_hostname="127.0.0.1") as peer:
        peer.sendall(b"POST " + SUNCO.encode() + b" HTTP/1.1\r\n")
        assert peer.recv(64).startswith(b"HTTP/1.1 503 ")


# --- another certificate ---


def put(source, target):
    shutil.copy(source.certificate, target.certificate)
    shutil.copy(source.key, target.key)


def test_a_reload_shows_another_certificate(tmp_path, pair, reunite):
    other = tls.Pair(tmp_path, "other", days=2)
    old = reunite.http.connect()
    old.request("GET", "/healthz")
    assert old.getresponse().read()
    assert tls.shown_name(reunite) == "tls"
    before = expiry(reunite)
    put(other, pair)
    assert reunite.reload()["event"] == "reloaded"
    assert len(reunite.events("tls_certificate")) == 2
    assert tls.shown_name(reunite) == "other"
    assert expiry(reunite) == ends(other.certificate) > before
    old.request("GET", "/healthz")  # on the connection of before
    assert old.getresponse().status == 200
    old.close()
    reunite.http = harness.Client(reunite.url, ca=other.certificate)
    assert counts(reunite.sunco(create())) == (1, 0, 0)


def test_reloads_under_load_refuse_nobody(tmp_path, pair, reunite):
    """The certificate is another one each time; both are trusted."""
    both = [tls.Pair(tmp_path, name) for name in ("one", "two")]
    trusted = os.path.join(str(tmp_path), "both.pem")
    with open(trusted, "w", encoding="ascii") as out:
        for each in [pair, *both]:
            with open(each.certificate, encoding="ascii") as f:
                out.write(f.read())
    reunite.http = harness.Client(reunite.url, ca=trusted)
    done = False

    def customer(n):
        taken = 0
        while not done or taken == 0:
            body = create(f"6a1d3c5e7f9b2d4f{n:08x}")
            assert reunite.sunco(body).status == 200
            taken += 1
        return taken

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        customers = [pool.submit(customer, n) for n in range(3)]
        try:
            for n in range(20):
                put(both[n % 2], pair)
                assert reunite.reload()["event"] == "reloaded"
        finally:
            done = True
        assert all(c.result() > 0 for c in customers)


@pytest.mark.parametrize("spoil, words", [
    (lambda pair, other: shutil.copy(other.key, pair.key),
     "6: tls_key: {key} is not the key of the first certificate in "),
    (lambda pair, other: os.unlink(pair.certificate),
     "5: tls_certificate: cannot open {certificate}: No such file"),
    (lambda pair, other: shutil.copy("/etc/hosts", pair.key),
     "6: tls_key: {key} holds no private key in PEM form"),
    (lambda pair, other: tls.openssl("pkey", "-in", other.key, "-aes128",
                                     "-passout", "pass:hunter2", "-out",
                                     pair.key),
     "6: tls_key: {key} is encrypted, "),
], ids=["mismatch", "missing", "rubbish", "encrypted"])
def test_a_bad_pair(tmp_path, pair, daemon, spoil, words):
    """A reload keeps what there is; check, doctor and serve say where."""
    reunite = daemon()
    spoil(pair, tls.Pair(tmp_path, "other"))
    told = f"{reunite.config}:" + words.format(**vars(pair))
    event = reunite.reload()
    assert event["event"] == "reload_failed"
    assert event["error"].startswith(told)
    assert tls.shown_name(reunite) == "tls"
    done = reunite.command("check", check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(told)
    done = reunite.command("doctor", "--offline", "--json", check=False)
    assert words.split(":")[1].strip() in done.stdout and done.returncode == 1
    assert reunite.rows("queue", "list") == []  # it needs no certificate
    reunite.stop()
    done = reunite.command("serve", check=False)
    assert done.returncode == 2 and done.stderr.startswith(told)


@pytest.mark.parametrize("left_out", ["tls_certificate", "tls_key"])
def test_one_without_the_other(daemon, pair, left_out):
    reunite = daemon()
    reunite.configure(top={**pair.settings, left_out: None})
    event = reunite.reload()
    assert event["event"] == "reload_failed"
    assert event["error"].startswith(f"{reunite.config}:")
    assert "need each other" in event["error"]
    assert tls.shown_name(reunite) == "tls"


def test_one_that_has_ended_takes_no_better_ones_place(tmp_path, pair,
                                                       reunite):
    put(tls.Pair(tmp_path, "ended", days=-1), pair)
    before = expiry(reunite)
    assert reunite.reload()["event"] == "reloaded"
    assert reunite.event("tls_certificate_expired")["taken"] is False
    assert tls.shown_name(reunite) == "tls"
    assert expiry(reunite) == before
    done = reunite.command("check")
    assert done.stderr == f"{reunite.config}:5: tls_certificate has expired\n"


def test_one_that_has_ended_is_better_than_none(tmp_path, daemon):
    ended = tls.Pair(tmp_path, "ended", days=-1)
    reunite = daemon(top=ended.settings)
    assert tls.shown_name(reunite) == "ended"
    assert reunite.event("tls_certificate_expired")["taken"] is True
    done = reunite.command("doctor", "--offline", "--json", check=False)
    assert '"check":"certificate","account":null,"level":"problem"' in \
        done.stdout
    assert done.returncode == 1


def test_tls_is_turned_off_and_on(pair, reunite):
    reunite.configure()
    assert reunite.reload()["event"] == "reloaded"
    plain = harness.Client("http://" + reunite.http.address)
    assert plain.get("/healthz").status == 200
    assert expiry(reunite) == 0
    reunite.configure(top=pair.settings)
    assert reunite.reload()["event"] == "reloaded"
    assert reunite.http.get("/healthz").status == 200
    assert expiry(reunite) == ends(pair.certificate)


@pytest.mark.parametrize("url, level", [
    ("https://localhost", "ok"), ("https://127.0.0.1:8443", "ok"),
    ("https://reunite.example.com", "warning"),
    ("https://[::1]:8443", "warning")])
def test_doctor_holds_it_against_the_public_url(pair, reunite, url, level):
    reunite.configure(top={**pair.settings, "public_url": url})
    done = reunite.command("doctor", "--offline", "--json", check=False)
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(r["level"], url.split("//")[1].split(":8")[0].strip("[]")
             in r["finding"])
            for r in said if r["check"] == "certificate"] == [
        ("ok", False), (level, True)]


def test_a_key_that_others_may_read(pair, reunite):
    def doctor():
        return reunite.command("doctor", "--offline", check=False).stdout

    os.chmod(reunite.config, 0o600)
    os.chmod(pair.key, 0o600)
    assert "its mode is" not in doctor()
    os.chmod(pair.key, 0o644)
    assert f"{pair.key} holds a secret, and its mode is 644" in doctor()


# --- the end ---


def test_a_stop_answers_what_is_under_way(reunite):
    """Half a request over TLS, and one that only waits, when SIGTERM comes."""
    body = b'{"app":{"id":"x"},"events":[]}'
    half, idle = reunite.http.connect(), reunite.http.connect()
    idle.request("GET", "/healthz")
    assert idle.getresponse().read()
    half.putrequest("POST", SUNCO)
    half.putheader("X-API-Key", reunite.secrets["sunco_secret"])
    half.putheader("Content-Type", "application/json")
    half.putheader("Content-Length", str(len(body)))
    half.endheaders()
    half.send(body[:5])
    harness.wait_until(
        lambda: reunite.metric("reunite_http_connections",
                               listener="webhooks") == 2, what="both")
    reunite.process.send_signal(signal.SIGTERM)
    assert idle.sock.recv(16) == b""  # an end in order
    half.send(body[5:])
    assert half.getresponse().status == 503
    assert reunite.process.wait(harness.WAIT_S) == 0
    assert reunite.event("stopped")["drained"] is True
