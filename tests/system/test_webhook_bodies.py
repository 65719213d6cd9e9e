"""Bodies of webhooks: what is no JSON, what is no webhook, what is too much,
and every golden payload."""

import glob
import json
import os
import socket

import daemon as daemon_module
import harness
import pytest
from hooks import SUNCO, counts, create, raw_sunco, signed

FIXTURES = os.path.join(os.path.dirname(__file__), os.pardir, "fixtures")


@pytest.fixture
def reunite(daemon):
    return daemon()


def deep(levels):
    return b"[" * levels + b"]" * levels


def in_event(raw):
    """A SunCo body with this text as a member of its payload."""
    text = json.dumps(create())
    return text.replace('"payload": {', '"payload": {"x":' + raw + ",").encode()


@pytest.mark.parametrize("body", [
    b"", b"null", b"{", b"{}", b"[]", b"hello", b'{"events":{}}',
    b'{"events":[1]}', b'{"events":[{}]}', b'{"events":[]} x',
    b"{'events':[]}", b'{"events":[],}', b"\xff\xfe", b'{"events":[NaN]}',
    b'{"events":[{"id":1,"type":"user:update","payload":{}}]}',
    b'{"events":[{"id":"1","type":"user:update"}]}',
    deep(65), in_event("[" * 61 + "]" * 61),
], ids=lambda body: repr(body[:30]))
def test_bodies_that_are_no_sunco_webhook(reunite, body):
    reply = raw_sunco(reunite, body)
    assert reply.status == 400, reply.body
    assert reunite.metric("reunite_webhooks_total",
                          outcome="malformed") == 1
    assert reunite.queue() == []


@pytest.mark.parametrize("body", [
    b"null", b"{}", b"[]", b'{"ticket_id":{}}', b'{"v":2,"ticket_id":"1"}',
    b'{"ticket_id":"{{ticket.id}}', b'{"type":"zen:event-type:user.created"}',
], ids=lambda body: repr(body[:30]))
def test_bodies_that_are_no_zendesk_webhook(reunite, body):
    assert signed(reunite, body).status == 400


@pytest.mark.parametrize("raw", [
    '"\\ud83d"', '"\\u0000"', "1e999", "-1e-999", "1" * 400, '"\\ud83d\\ude00"',
    "[" * 60 + "]" * 60, '{"a":1,"a":2}', '"' + "x" * 100000 + '"',
], ids=lambda raw: raw[:12])
def test_odd_values_are_no_reason_to_refuse(reunite, raw):
    assert counts(raw_sunco(reunite, in_event(raw))) == (1, 0, 0)


def test_nothing_is_parsed_before_it_is_verified(reunite):
    assert reunite.http.post(SUNCO, b"{", headers={
        "Content-Type": "application/json",
        "X-API-Key": "wrong"}).status == 401


def padded(size):
    body = json.dumps(create()).encode()
    return body + b" " * (size - len(body))


def test_a_body_of_one_mebibyte_fits(reunite):
    assert raw_sunco(reunite, padded(1 << 20)).status == 200


def test_a_body_of_two_does_not(reunite):
    with socket.create_connection(("127.0.0.1", port_of(reunite))) as peer:
        peer.sendall(b"POST " + SUNCO.encode() + b" HTTP/1.1\r\nHost: x\r\n"
                     b"Content-Type: application/json\r\n"
                     b"Content-Length: 2097152\r\n\r\n")
        assert peer.recv(64).startswith(b"HTTP/1.1 413 ")


def port_of(reunite):
    return int(reunite.url.rsplit(":", 1)[1])


def test_a_chunked_body_of_two_does_not_either(reunite):
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with socket.create_connection(("127.0.0.1", port_of(reunite))) as peer:
        peer.sendall(b"POST " + SUNCO.encode() + b" HTTP/1.1\r\nHost: x\r\n"
                     b"Content-Type: application/json\r\n"
                     b"Transfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(32):
                peer.sendall(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert peer.recv(64).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("kind, status", [
    ("application/json", 200), ("application/json; charset=utf-8", 200),
    ("Application/JSON", 200), ("text/plain", 415), ("text/json", 415),
    ("application/jsonx", 415), ("application/x-www-form-urlencoded", 415),
    ("", 415),
])
def test_content_types(reunite, kind, status):
    assert raw_sunco(reunite, json.dumps(create()).encode(),
                     **{"Content-Type": kind}).status == status


def fixtures(source):
    files = sorted(glob.glob(f"{FIXTURES}/{source}/*.json"))
    assert files
    return [pytest.param(f, id=os.path.basename(f)) for f in files]


@pytest.fixture(scope="module")
def golden(tmp_path_factory):
    """One daemon for all golden payloads."""
    folder = tmp_path_factory.mktemp("golden")
    sandbox = harness.Sandbox(str(folder))
    program = daemon_module.Daemon(folder, sandbox)
    yield program
    assert program.stop() == 0, program.log()
    assert sandbox.stop() == 0


@pytest.mark.parametrize("file", fixtures("sunco"))
def test_golden_payloads_of_sunco(golden, file):
    with open(file, "rb") as f:
        body = f.read()
    reply = raw_sunco(golden, body)
    assert sum(counts(reply)) == len(json.loads(body)["events"])


@pytest.mark.parametrize("file", fixtures("zendesk"))
def test_golden_payloads_of_zendesk(golden, file):
    with open(file, "rb") as f:
        assert sum(counts(signed(golden, f.read()))) == 1
