"""Webhooks as a test posts them: signed rightly, or in any other way."""

import datetime

import daemon as daemon_module
import events

SUNCO = "/webhooks/acme/sunco"
ZENDESK = "/webhooks/acme/zendesk"


def create(sunco_id="6a1d3c5e7f9b2d4f00000001", event=None):
    return events.sunco("conversation:create", {
        "conversation": {"id": "6a1d3c5e7f9b2d4f00000002"},
        "user": {"id": sunco_id}}, event)


def counts(reply):
    assert reply.status == 200, reply.body
    return tuple(reply.json[k] for k in ("accepted", "duplicate", "ignored"))


def ago(seconds):
    return datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=seconds)


def signed(reunite, body=b'{"ticket_id":1,"requester_id":2}', sent=None,
           secret=None, at=None, **changes):
    headers = daemon_module.zendesk_headers(
        secret or reunite.secrets["zendesk_secret"], body, at)
    for name, value in changes.items():
        name = "X-Zendesk-Webhook-" + name.replace("_", "-")
        if value is None:
            del headers[name]
        else:
            headers[name] = value
    return reunite.http.post(ZENDESK, body if sent is None else sent,
                             headers=headers)


def raw_sunco(reunite, body, **headers):
    return reunite.http.post(SUNCO, body, headers={
        "Content-Type": "application/json",
        "X-API-Key": reunite.secrets["sunco_secret"], **headers})
