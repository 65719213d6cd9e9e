"""The two webhook endpoints as the providers, and others, see them: who is
let in, where to, and what the answer tells."""

import base64

import events
import pytest
from hooks import SUNCO, ZENDESK, ago, counts, create, signed


@pytest.fixture
def reunite(daemon):
    return daemon()


def refused(reunite, reply, source):
    """Nothing but that it was refused; nothing kept."""
    assert reply.status == 401
    assert reply.json == {"error": "unauthorized"}
    assert reunite.queue() == []
    assert reunite.metric("reunite_webhooks_total", source=source,
                          outcome="unauthorized") == 1


# --- the key of SunCo ---


@pytest.mark.parametrize("headers", [
    {}, {"X-API-Key": ""}, {"X-API-Key": "wrong"},
    {"X-API-Key": "sandbox-sunco-webhook-secre"},
    {"X-API-Key": "sandbox-sunco-webhook-secret2"},
    {"X-API-Key": "SANDBOX-SUNCO-WEBHOOK-SECRET"},
    {"Authorization": "Bearer sandbox-sunco-webhook-secret"},
], ids=["none", "empty", "wrong", "shorter", "longer", "case", "elsewhere"])
def test_sunco_without_its_key(reunite, headers):
    refused(reunite, reunite.http.post(SUNCO, create(), headers=headers),
            "sunco")


def test_sunco_with_its_key(reunite):
    assert counts(reunite.sunco(create())) == (1, 0, 0)


# --- the signature of Zendesk ---


@pytest.mark.parametrize("how", [
    {"Signature": None}, {"Signature_Timestamp": None},
    {"Signature": ""}, {"Signature": "not base64 at all!"},
    {"Signature": base64.b64encode(b"short").decode()},
    {"Signature": base64.b64encode(bytes(32)).decode()},
    {"Signature_Timestamp": "2026-11-22T10:00:00Z"},
    {"secret": "another"},
    {"sent": b'{"ticket_id":1,"requester_id":3}'},
    {"sent": b'{"ticket_id":1,"requester_id":2} '},
    {"at": "yesterday"}, {"at": "1795341600"}, {"at": ""},
    {"at": "2026-11-22 10:00:00"},
], ids=lambda how: ",".join(how))
def test_zendesk_without_its_signature(reunite, how):
    refused(reunite, signed(reunite, **how), "zendesk")


@pytest.mark.parametrize("seconds", [301, 86400, -310], ids=str)
def test_zendesk_of_another_time(reunite, seconds):
    refused(reunite, signed(reunite, at=ago(seconds)), "zendesk")


@pytest.mark.parametrize("form", [
    "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%fZ",
    "%Y-%m-%dT%H:%M:%S+00:00",
])
@pytest.mark.parametrize("seconds", [0, 290, -290])
def test_zendesk_with_its_signature(reunite, seconds, form):
    at = ago(seconds).strftime(form)
    assert counts(signed(reunite, at=at)) == (1, 0, 0)


def test_zendesk_in_another_zone(reunite):
    at = ago(-5400).strftime("%Y-%m-%dT%H:%M:%S.%f") + "123+01:30"
    assert counts(signed(reunite, at=at)) == (1, 0, 0)


def test_old_timestamps_where_nobody_asks(daemon):
    reunite = daemon(timestamp_tolerance="0s")
    assert counts(signed(reunite, at="2021-03-25T05:09:27Z")) == (1, 0, 0)


def test_any_live_secret_verifies(daemon, sandbox):
    live = ["zendesk-secret-new", "zendesk-secret-old"]
    reunite = daemon(zendesk_webhook_secrets=live,
                     sunco_webhook_secrets=["sunco-new", "sunco-old"])
    for secret in live:
        assert signed(reunite, secret=secret).status == 200
    assert signed(reunite).status == 401
    for key in ("sunco-new", "sunco-old"):
        assert reunite.sunco(create(), key=key).status == 200
    assert reunite.sunco(create(), key="sunco").status == 401


def test_an_account_without_secrets_takes_nothing(daemon):
    reunite = daemon(sunco_webhook_secrets=None)
    for key in ("", "sandbox-sunco-webhook-secret"):
        assert reunite.http.post(SUNCO, create(), headers={
            "X-API-Key": key}).status == 401


# --- places ---


@pytest.mark.parametrize("method, path, status", [
    ("POST", "/webhooks/nobody/sunco", 404),
    ("POST", "/webhooks/acm/sunco", 404),
    ("POST", "/webhooks/acme2/zendesk", 404),
    ("POST", "/webhooks/acme/other", 404),
    ("POST", "/webhooks/acme/sunco/", 404),
    ("POST", "/webhooks//sunco", 404),
    ("POST", "/", 404),
    ("GET", SUNCO, 405), ("PUT", ZENDESK, 405), ("DELETE", SUNCO, 405),
    ("POST", "/healthz", 405),
    ("BREW", SUNCO, 501),
    ("GET", "/healthz", 200),
    ("GET", "/readyz", 404), ("GET", "/metrics", 404),
    ("GET", "/api/v1/journal", 404),
])
def test_places_and_methods(reunite, method, path, status):
    body = create() if method == "POST" else None
    reply = reunite.http.request(method, path, body, headers={
        "X-API-Key": reunite.secrets["sunco_secret"]})
    assert reply.status == status, reply.body
    if status == 405:
        assert reply.headers["Allow"]


# --- what becomes of them ---


@pytest.mark.parametrize("name", ["test_webhook:fake_webhook:1", "01ABC"])
def test_a_test_call(reunite, name):
    """Without a body; only one that says so is one."""
    reply = signed(reunite, b"", Id=name, at=None)
    assert reply.status == (200 if "test" in name else 400)
    assert signed(reunite, b"", Id=name, Signature="x").status == 401


def test_a_redelivery_adds_nothing(reunite):
    event = events.event_id()
    assert counts(reunite.sunco(create(event=event))) == (1, 0, 0)
    assert counts(reunite.sunco(create(event=event))) == (0, 1, 0)
    body = events.trigger(1, 2)
    assert counts(reunite.zendesk(body, at=ago(9))) == (1, 0, 0)
    assert counts(reunite.zendesk(body)) == (0, 1, 0)
    for outcome in ("accepted", "duplicate"):
        assert reunite.metric("reunite_webhooks_total", outcome=outcome) == 2


def test_a_body_about_several_people(reunite):
    body = create("6a1d3c5e7f9b2d4f0000000a")
    for n in "bcb":
        more = create(f"6a1d3c5e7f9b2d4f0000000{n}")
        body["events"] += more["events"]
    body["events"] += events.sunco("conversation:typing", {})["events"]
    body["events"].append(body["events"][0])
    assert counts(reunite.sunco(body)) == (4, 1, 1)
    reunite.decided(3)
    assert sorted(e["sunco_user_id"][-1] for e in reunite.journal()) == \
        ["a", "b", "c"]


def test_unknown_events_are_ignored_and_counted(reunite):
    assert counts(reunite.sunco(events.sunco("planet:align", {}))) == (0, 0, 1)
    assert counts(reunite.zendesk({
        "type": "zen:event-type:planet.aligned", "id": "x",
        "detail": {"id": "1"}, "event": {}})) == (0, 0, 1)
    assert reunite.queue() == []
    for source in ("sunco", "zendesk"):
        assert reunite.metric("reunite_webhooks_total", source=source,
                              outcome="ignored") == 1
