"""`reunite doctor` and what is registered with the providers: the webhooks and
the trigger as `setup` makes them, each thing that can be amiss with them, and
where they lead."""

import json
import os

import pytest

import harness
import rounds
import secure_front
from clinic import of
from daemon import fast_clock

PLACE = "https://reunite.example"
BODY = ('{"v":1,"ticket_id":"{{ticket.id}}",'
        '"requester_id":"{{ticket.requester.id}}",'
        '"updated_at":"{{ticket.updated_at_with_timestamp}}"}')
SUNCO_EVENTS = ["conversation:create", "conversation:referral",
                "conversation:message", "switchboard:passControl",
                "user:update", "user:merge", "user:remove"]
USER_EVENTS = ["zen:event-type:user." + name for name in (
    "created", "identity_created", "identity_changed", "identity_deleted",
    "merged", "deleted")]
CHECKS = ("sunco webhook", "zendesk webhook", "zendesk events", "trigger")


def made(reply):
    assert reply.status in (200, 201, 204), reply.body
    return reply.json if reply.body else None


class Registered:
    """Everything as it should be, and ways to change it."""

    def __init__(self, sandbox, place=PLACE, account="acme"):
        self.zendesk, self.sunco = sandbox.zendesk, sandbox.sunco
        self.path = f"{place}/webhooks/{account}/"
        self.app = sandbox.sunco_path.rpartition("/")[0]
        self.ticket = self.add_webhook(["conditional_ticket_events"])
        self.events = self.add_webhook(USER_EVENTS)
        self.trigger = made(self.zendesk.post("/api/v2/triggers", {
            "trigger": {
                "title": "Tell reunite", "active": True,
                "conditions": {"all": [
                    {"field": "via_id", "operator": "is", "value": "75"},
                    {"field": "update_type", "operator": "is",
                     "value": "Create"}], "any": []},
                "actions": [self.action()]}}))["trigger"]["id"]
        self.integration = made(self.sunco.post(f"{self.app}/integrations", {
            "type": "custom", "displayName": "Whatever",
            "webhooks": [{"target": self.path + "sunco",
                          "triggers": SUNCO_EVENTS,
                          "includeFullUser": True}]}))["integration"]["id"]
        hook, = made(self.sunco.get(self.hooks()))["webhooks"]
        self.hook = hook["id"]
        self.secrets = {
            "sunco_webhook_secrets": ["an-older-one", hook["secret"]],
            "zendesk_webhook_secrets": [self.secret(self.ticket),
                                        self.secret(self.events)]}

    def hooks(self):
        return f"{self.app}/integrations/{self.integration}/webhooks"

    def add_webhook(self, events):
        return made(self.zendesk.post("/api/v2/webhooks", {"webhook": {
            "name": "Something", "endpoint": self.path + "zendesk",
            "http_method": "POST", "request_format": "json",
            "status": "active", "subscriptions": events}}))["webhook"]["id"]

    def action(self, webhook=None, body=BODY):
        return {"field": "notification_webhook",
                "value": [webhook or self.ticket, body]}

    def secret(self, webhook):
        return made(self.zendesk.get(
            f"/api/v2/webhooks/{webhook}/signing_secret"
        ))["signing_secret"]["secret"]

    def change_webhook(self, webhook, **fields):
        made(self.zendesk.request("PATCH", f"/api/v2/webhooks/{webhook}",
                                  {"webhook": fields}))

    def change_trigger(self, **fields):
        made(self.zendesk.put(f"/api/v2/triggers/{self.trigger}",
                              {"trigger": fields}))

    def change_hook(self, **fields):
        made(self.sunco.request("PATCH", f"{self.hooks()}/{self.hook}",
                                fields))


@pytest.fixture
def registered(clinic):
    there = Registered(clinic.sandbox)
    clinic.configure(top={"public_url": PLACE}, **there.secrets)
    return there


def levels(clinic):
    rows = clinic.all_rows()
    return {check: [row["level"] for row in of(rows, check, "acme")]
            for check in CHECKS}


ALL_OK = {check: ["ok"] for check in CHECKS}


def test_all_as_it_should_be(clinic, registered):
    assert levels(clinic) == ALL_OK
    assert "it leads here, and its secret is known" in clinic.finding(
        "sunco webhook", "ok")
    clinic.configure(**registered.secrets)  # no public_url
    assert levels(clinic) == ALL_OK


def test_nothing_is_there(clinic):
    """Without public_url nobody can be sure."""
    clinic.configure(top={"public_url": PLACE})
    rows = clinic.all_rows()
    for check, level in zip(CHECKS, ("problem", "problem", "warning",
                                     "problem"), strict=True):
        row, = of(rows, check, "acme")
        assert row["level"] == level
        assert row["mend"] == "reunite setup --account acme"
    clinic.configure()
    assert set(map(tuple, levels(clinic).values())) == {("warning",)}
    clinic.configure(sunco_webhook_secrets=[])
    assert "not used" in clinic.finding("sunco webhook", "ok")
    clinic.configure(zendesk_webhook_secrets=[])
    assert "not used" in clinic.finding("zendesk webhook", "ok")
    assert not clinic.rows("trigger")


def test_other_accounts_webhooks_do_not_count(clinic):
    there = Registered(clinic.sandbox, account="acme2")
    clinic.configure(top={"public_url": PLACE}, **there.secrets)
    assert levels(clinic)["sunco webhook"] == ["problem"]
    assert levels(clinic)["zendesk webhook"] == ["problem"]


@pytest.mark.parametrize("fields,level,word", [
    ({"target": "https://else.example/webhooks/acme/sunco"}, "problem",
     "URL"),
    ({"triggers": SUNCO_EVENTS[1:]}, "problem", "events"),
    ({"includeFullUser": False}, "warning", "includeFullUser")])
def test_sunco_webhook(clinic, registered, fields, level, word):
    registered.change_hook(**fields)
    assert word in clinic.finding("sunco webhook", level)


@pytest.mark.parametrize("fields,word", [
    ({"endpoint": "https://else.example/webhooks/acme/zendesk"}, "URL"),
    ({"status": "inactive"}, "active"),
    ({"request_format": "xml"}, "format")])
def test_zendesk_webhook(clinic, registered, fields, word):
    registered.change_webhook(registered.ticket, **fields)
    assert word in clinic.finding("zendesk webhook", "problem")
    assert clinic.finding("zendesk events", "ok")


def test_zendesk_events(clinic, registered):
    registered.change_webhook(registered.events,
                              subscriptions=USER_EVENTS[:-1])
    assert "events" in clinic.finding("zendesk events", "problem")
    assert clinic.finding("zendesk webhook", "ok")


@pytest.mark.parametrize("fields,word", [
    ({"active": False}, "active"),
    ({"conditions": {"all": [{"field": "via_id", "operator": "is",
                              "value": "75"}], "any": []}}, "conditions"),
    ({"actions": "body"}, "body"), ({"actions": "webhook"}, "webhook")])
def test_trigger(clinic, registered, fields, word):
    if fields.get("actions") == "body":
        fields = {"actions": [registered.action(
            body=BODY.replace("ticket.id", "ticket.title"))]}
    elif "actions" in fields:
        other = registered.add_webhook(["conditional_ticket_events"])
        registered.change_webhook(other, endpoint="https://else.example")
        fields = {"title": "reunite acme: new messaging tickets",
                  "actions": [registered.action(other)]}
    registered.change_trigger(**fields)
    assert word in clinic.finding("trigger", "problem")


def test_another_trigger_before_ours(clinic, registered):
    """Somebody's own, with conditions of its own: ours is looked at."""
    ours = made(registered.zendesk.get(
        f"/api/v2/triggers/{registered.trigger}"))["trigger"]
    registered.change_trigger(title="mine", conditions={
        "all": [{"field": "update_type", "operator": "is",
                 "value": "Change"}], "any": []})
    assert "conditions" in clinic.finding("trigger", "problem")
    made(registered.zendesk.post("/api/v2/triggers", {"trigger": {
        key: ours[key] for key in ("title", "active", "conditions",
                                   "actions")}}))
    assert clinic.finding("trigger", "ok")


def test_a_trigger_that_is_gone(clinic, registered):
    made(registered.zendesk.delete(f"/api/v2/triggers/{registered.trigger}"))
    assert "trigger is not registered" in clinic.finding("trigger", "problem")


@pytest.mark.parametrize("check,setting", [
    ("sunco webhook", "sunco_webhook_secrets"),
    ("zendesk webhook", "zendesk_webhook_secrets")])
def test_secrets_that_differ(clinic, registered, check, setting):
    clinic.configure(top={"public_url": PLACE}, **{
        **registered.secrets, setting: ["another-secret"]})
    said = clinic.finding(check, "problem")
    assert setting in said
    shown = clinic.doctor().stdout
    for secret in sum(registered.secrets.values(), []):
        assert secret not in shown


def test_a_secret_that_is_not_shown(clinic, registered):
    clinic.sandbox.fault(match={"call": "signing_secret"}, kind="status",
                         status=403, times=-1)
    assert "not to be seen" in clinic.finding("zendesk webhook", "ok")


def test_twice_the_same(clinic, registered):
    """The one that is as it should be is shown."""
    twin = registered.add_webhook(["conditional_ticket_events"])
    clinic.configure(top={"public_url": PLACE}, **{
        **registered.secrets, "zendesk_webhook_secrets": [
            *registered.secrets["zendesk_webhook_secrets"],
            registered.secret(twin)]})
    assert "2 of them" in clinic.finding("zendesk webhook", "warning")
    assert "unless another installation" in clinic.doctor().stdout
    registered.change_webhook(registered.ticket, status="inactive")
    assert "2 of them" in clinic.finding("zendesk webhook", "warning")
    assert "webhook" in clinic.finding("trigger", "problem")


def test_a_client_that_may_not_look(clinic, registered):
    """Enough for the work, not to see what is registered: told once."""
    clinic.sandbox.settings(
        oauth_scopes="users:read users:write tickets:read")
    row, = clinic.rows("zendesk webhook")
    assert row["level"] == "warning" and "webhooks:read" in row["mend"]
    assert levels(clinic)["zendesk events"] == levels(clinic)["trigger"] == []
    assert clinic.finding("scopes", "ok")


def test_triggers_that_may_not_be_seen(clinic, registered):
    clinic.sandbox.fault(match={"call": "trigger_list"}, kind="status",
                         status=403, times=-1)
    assert "cannot be seen" in clinic.finding("trigger", "warning")


def test_the_key_of_an_integration(clinic, registered):
    """It sees its own webhooks only."""
    clinic.sandbox.settings(sunco_key_scope="integration")
    assert "not registered" in clinic.finding("sunco webhook", "problem")
    made(registered.sunco.post(f"{registered.app}/integrations/me/webhooks", {
        "target": registered.path + "sunco", "triggers": SUNCO_EVENTS,
        "includeFullUser": True}))
    assert "none of sunco_webhook_secrets" in clinic.finding("sunco webhook",
                                                             "problem")


def test_lists_that_do_not_come(clinic, registered):
    for call in ("webhook_list", "integration_list"):
        clinic.sandbox.fault(match={"call": call}, kind="html", times=-1)
    found = levels(clinic)
    assert found["sunco webhook"] == found["zendesk webhook"] == ["problem"]
    assert found["trigger"] == []


def test_answers_that_add_up(clinic, registered):
    """Each comes in its time, all of them together do not: what has not come
    by then is left out. Where the machine is slow, even more is."""
    for call in ("oauth", "webhook_list", "signing_secret"):
        clinic.sandbox.fault(match={"call": call}, kind="delay", ms=900,
                             times=-1)
    rows = clinic.all_rows(environment=fast_clock(8))
    assert not [r for r in rows if r["check"] == "zendesk webhook"
                and "its secret is known" in r["finding"]]
    assert of(rows, "api token", "acme")


# --- public_url ---


def public(clinic, url, **kwargs):
    clinic.configure(top={"public_url": url})
    row, = clinic.rows("public url", account=None, **kwargs)
    return row


def test_public_url(clinic, daemon):
    assert public(clinic, daemon().url)["level"] == "ok"
    assert public(clinic, "")["level"] == "warning"
    row = public(clinic, clinic.socket(listens=False))
    assert row["level"] == "warning" and "from here" in row["finding"]
    row = public(clinic, clinic.sandbox.url)
    assert row["level"] == "problem" and "HTTP 404" in row["finding"]


@pytest.mark.parametrize("days,trusted,level", [
    (60, True, "ok"), (5, True, "warning"), (60, False, "problem")])
def test_the_certificate_of_public_url(clinic, daemon, tmp_path, days,
                                       trusted, level):
    cert, key = secure_front.certificate(tmp_path, days=days)
    secure = secure_front.SecureFront(daemon().url, cert, key)
    row = public(clinic, secure.url,
                 environment={"SSL_CERT_FILE": cert} if trusted else {})
    assert row["level"] == level, row
    assert (level == "ok") == ("certificate" not in row["finding"])
    secure.close()


def test_json_has_every_check_once(clinic, registered):
    """Nothing of the bodies that were read is in it."""
    text = clinic.doctor("--json").stdout
    assert "Something" not in text and "Whatever" not in text
    rows = [json.loads(line) for line in text.splitlines()]
    checks = [r["check"] for r in rows if r["account"] == "acme"]
    assert len(checks) == len(set(checks))


# --- from nothing to well ---


def test_what_setup_registers_is_well(sandbox, daemon):
    """And with a conversation that both providers told of there is nothing
    left to be said."""
    reunite = daemon()
    names = ("zendesk_webhook_secrets", "sunco_webhook_secrets")
    reunite.configure(
        {"public_url": reunite.url}, **dict.fromkeys(names),
        **{f"{name}_file": f"{reunite.folder}/{name}" for name in names})
    os.chmod(reunite.config, 0o600)
    reunite.command("setup")
    assert reunite.reload()["event"] == "reloaded"
    sandbox.settings(webhook_sunco="", webhook_zendesk="")
    rounds.profile(sandbox, "Vera Visitor", "vera@people.example")
    rounds.begin(sandbox, rounds.jwt("Vera Visitor", "vera@people.example"),
                 ["sunco", "trigger"])
    reunite.decided_as("merge")

    def well():
        done = reunite.command("doctor", check=False)
        return done.stdout.endswith("\n0 problems, 0 warnings.\n") and done

    done = harness.wait_until(well, what="all to be well", pause_s=0.2)
    assert (done.returncode, done.stderr) == (0, "")
    reunite.command("setup", "--remove", "--yes")
    rows = [json.loads(line) for line in reunite.command(
        "doctor", "--json", check=False).stdout.splitlines()]
    assert {r["check"] for r in rows if r["level"] == "problem"} == \
        {"sunco webhook", "zendesk webhook", "trigger"}
