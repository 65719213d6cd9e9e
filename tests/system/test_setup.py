"""`reunite setup` against the sandbox: from nothing to a merged customer, and
whatever may be in its way."""

import json
import os
import pty
import re
import select
import signal
import stat
import subprocess
import termios
import time

import pytest

import daemon as daemon_module
import harness
from crashes import points_built
from harness import wait_until

OURS = "https://in.acme.example"
EVENTS = ["user.created", "user.identity_created", "user.identity_changed",
          "user.identity_deleted", "user.merged", "user.deleted"]
TRIGGERS = {"conversation:create", "conversation:referral",
            "conversation:message", "switchboard:passControl", "user:update",
            "user:merge", "user:remove"}


class Setup:
    """A folder for a configuration, and the command."""

    def __init__(self, folder, sandbox):
        self.folder = str(folder)
        self.sandbox = sandbox
        self.config = os.path.join(self.folder, "etc", "reunite.conf")
        os.mkdir(os.path.dirname(self.config))
        self.settings = sandbox.settings()
        self.app = "/sc/v2/apps/" + self.settings["sunco_app_id"]
        self.screens = []

    def run(self, *options, environment=None, url=OURS):
        done = subprocess.run(
            [harness.binary("reunite"), "setup", "-c", self.config,
             *(["--url", url] if url else []), *options],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False, timeout=120,
            env={**os.environ, **(environment or {})})
        self.screens += [done.stdout, done.stderr]
        return done

    def lines(self, *options, code=0, **kwargs):
        done = self.run("--json", *options, **kwargs)
        assert done.returncode == code, done.stdout + done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def states(self, *options, **kwargs):
        """(about, part) -> state, of what is not only found."""
        return {(line["about"], line["part"]): line["state"]
                for line in self.lines(*options, **kwargs)
                if line["state"] != "found"}

    def path(self, name):
        return os.path.join(os.path.dirname(self.config), name)

    def file(self, name):
        with open(self.path(name), encoding="utf-8") as f:
            return f.read()

    def first(self):
        """What a first configuration takes, as variables."""
        s = self.settings
        return {"REUNITE_ZENDESK_URL": self.sandbox.url,
                "REUNITE_ZENDESK_CLIENT_ID": s["oauth_client_id"],
                "REUNITE_ZENDESK_CLIENT_SECRET": s["oauth_client_secret"],
                "REUNITE_SUNCO_APP_ID": s["sunco_app_id"],
                "REUNITE_SUNCO_KEY_ID": s["sunco_key_id"],
                "REUNITE_SUNCO_KEY_SECRET": s["sunco_key_secret"]}

    def write(self, **account):
        """A configuration that is there before."""
        with open(self.config, "w", encoding="utf-8") as f:
            f.write('listen = "127.0.0.1:0"\nadmin_listen = "127.0.0.1:0"\n'
                    f'store = "sqlite:{self.folder}/reunite.db"\n'
                    f'public_url = "{OURS}"\n')
            f.write(daemon_module.account_section(
                "acme", self.sandbox,
                **{"zendesk_webhook_secrets": None,
                   "sunco_webhook_secrets": None, **account}))

    def with_files(self, **account):
        """One that names the files of the webhooks' secrets."""
        self.write(zendesk_webhook_secrets_file=self.path("zendesk"),
                   sunco_webhook_secrets_file=self.path("sunco"), **account)

    # --- what is registered ---

    def webhooks(self):
        return self.sandbox.zendesk.get("/api/v2/webhooks").json["webhooks"]

    def signing_secret(self, webhook):
        return self.sandbox.zendesk.get(
            f"/api/v2/webhooks/{webhook['id']}/signing_secret"
        ).json["signing_secret"]["secret"]

    def triggers(self):
        return self.sandbox.zendesk.get("/api/v2/triggers").json["triggers"]

    def integrations(self):
        return self.sandbox.sunco.get(
            self.app + "/integrations").json["integrations"]

    def custom(self):
        return [i for i in self.integrations() if i["type"] == "custom"]

    def hooks_of(self, integration):
        return self.sandbox.sunco.get(
            f"{self.app}/integrations/{integration['id']}/webhooks"
        ).json["webhooks"]

    def sunco_hooks(self):
        return [hook for i in self.custom() for hook in self.hooks_of(i)]

    def requests(self):
        return self.sandbox.control("GET", "requests")["requests"]

    def changes_since(self, seq):
        """What a run changed at the providers."""
        return [r["call"] for r in self.requests()
                if r["seq"] > seq and r["method"] != "GET"
                and r["call"] != "oauth"]

    def last_seq(self):
        return max([r["seq"] for r in self.requests()], default=0)

    def secrets(self):
        """Every secret there is, ours and theirs."""
        s = self.settings
        return [s["oauth_client_secret"], s["sunco_key_secret"],
                s["bearer_token"],
                *(hook["secret"] for hook in self.sunco_hooks()),
                *(self.signing_secret(w) for w in self.webhooks())]


@pytest.fixture
def setup(tmp_path, sandbox):
    made = Setup(tmp_path, sandbox)
    yield made
    for secret in made.secrets():
        for screen in made.screens:
            assert secret not in screen


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def is_unchanged(states):
    assert set(states.values()) == {"unchanged"}, states


# ---- a first time ----


class Served:
    """`reunite serve` with what setup wrote."""

    def __init__(self, setup):
        self.log_file = os.path.join(setup.folder, "serve.log")
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(
                [harness.binary("reunite"), "serve", "-c", setup.config],
                stdout=log, stderr=log)
        try:
            wait_until(lambda: self.port() or self.process.poll() is not None,
                       60, "the daemon to listen")
            assert self.port(), self.log()
        except BaseException:
            self.end()
            raise

    def log(self):
        with open(self.log_file, encoding="utf-8") as f:
            return f.read()

    def port(self):
        found = re.search(r'"event":"listening".*"port":(\d+)', self.log())
        return int(found[1]) if found else None

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


def merge_ann(setup):
    """A duplicate of hers comes into being; every webhook is taken."""
    sandbox = setup.sandbox
    sandbox.people({"id": 7, "name": "Ann Lee", "email": "ann@x.example"})
    order = sandbox.act(
        "conversations", zendesk="duplicate", wait="end",
        jwt={"external_id": "e-ann", "email": "ann@x.example",
             "email_verified": True, "name": "Ann Lee"})
    assert [w["source"] for w in order["webhooks"]] == ["sunco", "zendesk"]
    assert [w["status"] for w in order["webhooks"]] == [200, 200]
    wait_until(lambda: sandbox.state()["merges"], 60, "the merge")
    assert sandbox.state()["merges"][0]["into"] == 7
    wait_until(lambda: any(
        d["event"] == "user.merged" and d["state"] == "delivered"
        for d in sandbox.control("GET", "deliveries")["deliveries"]),
        60, "the event")


def test_from_nothing_to_a_merged_customer(setup):
    secret = setup.path("client-secret")
    with open(secret, "w", encoding="utf-8") as f:
        f.write(setup.settings["oauth_client_secret"] + "\n")
    first = setup.first()
    first.pop("REUNITE_ZENDESK_CLIENT_SECRET")
    first.pop("REUNITE_ZENDESK_URL")
    states = setup.states(
        "--account", "acme", "--zendesk-url", setup.sandbox.url,
        "--zendesk-client-secret-file", secret,
        environment={**first, "REUNITE_APPLY": "auto",
                     "REUNITE_LISTEN": "127.0.0.1:0",
                     "REUNITE_ADMIN_LISTEN": "127.0.0.1:0",
                     "REUNITE_STORE": f"sqlite:{setup.folder}/reunite.db"})
    assert states[("files", "configuration")] == "written"
    for name in os.listdir(os.path.dirname(setup.config)):
        if name != "client-secret":
            assert mode(setup.path(name)) == 0o600, name
    served = Served(setup)
    try:
        # the port is the kernel's choice: now it is known
        states = setup.states(url=f"http://127.0.0.1:{served.port()}")
        assert states[("zendesk", "webhook")] == "mended"
        merge_ann(setup)
    finally:
        served.end()


def test_the_first_configuration_is_whole(setup):
    setup.states("--account", "acme", environment={
        **setup.first(), "REUNITE_ADMIN_TOKEN": "the-admin-token"})
    text = setup.file("reunite.conf")
    with open(os.path.join(os.environ["REUNITE_SOURCE"],
                           "deploy/reunite.conf"), encoding="utf-8") as f:
        names = re.findall(r"^\t?(\w+) =", f.read(), re.M)
    for name in names:
        assert len(re.findall(rf"^\t?(# )?{name}(_file)? =", text,
                              re.M)) == 1, name
    assert f'public_url = "{OURS}"' in text
    assert setup.file("acme.zendesk_client_secret") == \
        setup.settings["oauth_client_secret"] + "\n"
    assert setup.file("admin_token") == "the-admin-token\n"
    for secret in setup.secrets() + ["the-admin-token"]:
        assert secret not in text
    done = subprocess.run(
        [harness.binary("reunite"), "check", "-c", setup.config],
        capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_a_first_configuration_lacks(setup):
    first = setup.first()
    first.pop("REUNITE_SUNCO_KEY_SECRET")
    done = setup.run(environment=first)
    assert done.returncode == 2
    assert "REUNITE_SUNCO_KEY_SECRET: the variable is required" in done.stderr
    assert "an option" in done.stderr
    assert not os.path.exists(setup.config)
    assert setup.requests() == []


@pytest.mark.parametrize("file, account", [(False, "default"),
                                           (True, "acme")])
def test_how_a_new_account_is_called(setup, file, account):
    """After its subdomain; but the daemon that has nothing but variables calls
    it default."""
    if os.path.exists("/etc/reunite/reunite.conf"):
        pytest.skip("this machine has a configuration")
    done = subprocess.run(
        [harness.binary("reunite"), "setup", "--print", "--url", OURS,
         *(["-c", setup.config] if file else [])],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        timeout=60, env={**os.environ, **setup.first(),
                         "REUNITE_ZENDESK_URL": "https://acme.zendesk.com"})
    assert done.returncode == 0, done.stderr
    assert f"{OURS}/webhooks/{account}/zendesk" in done.stdout


def test_a_first_time_with_an_api_token(setup):
    token = setup.path("token")
    with open(token, "w", encoding="utf-8") as f:
        f.write(setup.settings["api_token"])
    first = {name: value for name, value in setup.first().items()
             if "CLIENT" not in name}
    setup.states("--zendesk-auth", "api_token", "--zendesk-email",
                 "admin@x.example", "--zendesk-token-file", token,
                 environment=first)
    assert len(setup.webhooks()) == 2
    assert f'zendesk_token_file = "{os.path.realpath(token)}"' in \
        setup.file("reunite.conf")


# ---- registering ----


def test_what_is_registered(setup):
    setup.with_files()
    setup.states()
    [hook] = setup.sunco_hooks()
    assert hook["target"] == OURS + "/webhooks/acme/sunco"
    assert set(hook["triggers"]) == TRIGGERS
    assert hook["includeFullUser"] is True
    assert "reunite acme" in [i["displayName"] for i in setup.custom()]
    by_trigger, events = setup.webhooks()
    for webhook in (by_trigger, events):
        assert webhook["endpoint"] == OURS + "/webhooks/acme/zendesk"
        assert (webhook["http_method"], webhook["request_format"],
                webhook["status"]) == ("POST", "json", "active")
    assert by_trigger["subscriptions"] == ["conditional_ticket_events"]
    assert events["subscriptions"] == ["zen:event-type:" + e for e in EVENTS]
    [trigger] = setup.triggers()
    assert trigger["conditions"] == {"all": [
        {"field": "via_id", "operator": "is", "value": "75"},
        {"field": "update_type", "operator": "is", "value": "Create"}],
        "any": []}
    [action] = trigger["actions"]
    with open(os.path.join(os.environ["REUNITE_SOURCE"], "README.md"),
              encoding="utf-8") as f:
        body = re.search(r"```json\n(\{\"v\":1.*)\n```", f.read())[1]
    assert action == {"field": "notification_webhook",
                      "value": [by_trigger["id"], body]}
    assert setup.file("sunco") == hook["secret"] + "\n"
    assert setup.file("zendesk") == "".join(
        setup.signing_secret(w) + "\n" for w in (by_trigger, events))
    assert mode(setup.path("sunco")) == mode(setup.path("zendesk")) == 0o600


def test_a_second_run_changes_nothing(setup):
    setup.with_files()
    setup.states()
    seq = setup.last_seq()
    times = [os.stat(setup.path(n)).st_mtime_ns for n in ("sunco", "zendesk")]
    is_unchanged(setup.states())
    assert setup.changes_since(seq) == []
    assert times == [os.stat(setup.path(n)).st_mtime_ns
                     for n in ("sunco", "zendesk")]
    assert "Nothing had to be changed." in setup.run().stdout


def test_without_the_webhook_of_events(setup):
    setup.with_files()
    setup.states("--no-events")
    [webhook] = setup.webhooks()
    assert webhook["subscriptions"] == ["conditional_ticket_events"]


def test_into_an_integration_that_is_there(setup):
    setup.with_files()
    [bot] = setup.custom()
    setup.states("--integration", bot["id"])
    assert setup.custom() == [bot]
    assert len(setup.hooks_of(bot)) == 1
    # found again without being told
    is_unchanged(setup.states())


def test_with_the_key_of_an_integration(setup):
    setup.with_files()
    setup.sandbox.settings(sunco_key_scope="integration")
    states = setup.states()
    assert states[("sunco", "webhook")] == "created"
    again = setup.states()
    assert again.pop(("sunco", "app")) == "note"
    is_unchanged(again)
    setup.sandbox.settings(sunco_key_scope="app")
    assert len(setup.sunco_hooks()) == 1


def test_among_many_others(setup):
    """Lists of several pages."""
    for i in range(105):
        made = setup.sandbox.zendesk.post("/api/v2/webhooks", {"webhook": {
            "name": f"other {i}", "endpoint": "https://x.example/",
            "http_method": "POST", "request_format": "json",
            "status": "active",
            "subscriptions": ["conditional_ticket_events"]}})
        assert made.status == 201
    setup.with_files()
    setup.states()
    is_unchanged(setup.states())


# ---- what somebody changed ----


def test_drift_is_mended_and_said(setup):
    setup.with_files()
    setup.states()
    sandbox = setup.sandbox
    [hook] = setup.sunco_hooks()
    ours = next(i for i in setup.custom()
                if i["displayName"] == "reunite acme")
    by_trigger, events = setup.webhooks()
    [trigger] = setup.triggers()
    assert sandbox.sunco.request(
        "PATCH", f"{setup.app}/integrations/{ours['id']}/webhooks/{hook['id']}",
        {"target": "https://old.example/webhooks/acme/sunco",
         "triggers": ["client:add", "user:merge"],
         "includeFullUser": False}).status == 200
    sandbox.zendesk.request(
        "PATCH", f"/api/v2/webhooks/{by_trigger['id']}",
        {"webhook": {"status": "inactive",
                     "endpoint": "https://old.example/"}})
    sandbox.zendesk.request(
        "PATCH", f"/api/v2/webhooks/{events['id']}",
        {"webhook": {"subscriptions": ["zen:event-type:user.created"]}})
    sandbox.zendesk.put(f"/api/v2/triggers/{trigger['id']}", {"trigger": {
        "active": False, "conditions": {"all": [], "any": []},
        "actions": [{"field": "notification_webhook",
                     "value": [by_trigger["id"], "{}"]}]}})
    text = {line["part"]: line["text"] for line in setup.lines()
            if line["state"] == "mended"}
    assert text["webhook"].startswith("its URL, it was not active")
    assert text["event webhook"].startswith("missing events")
    assert text["trigger"] == "it was not active, conditions, the body"
    [hook] = setup.sunco_hooks()
    assert hook["target"] == OURS + "/webhooks/acme/sunco"
    assert set(hook["triggers"]) == TRIGGERS | {"client:add"}
    assert hook["includeFullUser"] is True
    is_unchanged(setup.states())


def test_another_address(setup):
    """It moved: everything follows, secrets stay."""
    setup.with_files()
    setup.states()
    before = setup.file("zendesk")
    lines = setup.lines(url="https://new.acme.example/")
    assert any(line["state"] == "to do" and
               'public_url = "https://new.acme.example"' in line["text"]
               for line in lines)
    assert {w["endpoint"] for w in setup.webhooks()} == {
        "https://new.acme.example/webhooks/acme/zendesk"}
    assert setup.file("zendesk") == before


def test_a_webhook_made_by_hand_is_taken_over(setup):
    made = setup.sandbox.zendesk.post("/api/v2/webhooks", {"webhook": {
        "name": "mine", "endpoint": OURS + "/webhooks/acme/zendesk",
        "http_method": "POST", "request_format": "json", "status": "active",
        "subscriptions": ["conditional_ticket_events"]}}).json["webhook"]
    setup.with_files()
    assert setup.states()[("zendesk", "webhook")] == "unchanged"
    assert [w["name"] for w in setup.webhooks()] == \
        ["mine", "reunite acme: users"]
    assert setup.triggers()[0]["actions"][0]["value"][0] == made["id"]


def test_another_trigger_of_the_webhook_is_not_touched(setup):
    """An admin's own one, that stands before ours: ours is right, and so it
    stays while ours is mended."""
    setup.with_files()
    setup.states()
    [ours] = setup.triggers()
    mine = {"title": "A mine", "active": True, "conditions": {
        "all": [{"field": "update_type", "operator": "is",
                 "value": "Change"}], "any": []}, "actions": ours["actions"]}
    zendesk = setup.sandbox.zendesk
    assert zendesk.delete(
        f"/api/v2/triggers/{ours['id']}").status == 204
    assert zendesk.post("/api/v2/triggers", {"trigger": mine}).status == 201
    assert zendesk.post("/api/v2/triggers", {"trigger": {
        key: ours[key] for key in ("title", "active", "conditions",
                                   "actions")}}).status == 201
    before = setup.triggers()
    assert [t["title"] for t in before] == ["A mine", ours["title"]]
    is_unchanged(setup.states())
    assert setup.triggers() == before
    zendesk.put(f"/api/v2/triggers/{before[1]['id']}",
                {"trigger": {"active": False}})
    assert setup.states()[("zendesk", "trigger")] == "mended"
    assert [(t["active"], t["conditions"]) for t in setup.triggers()] == \
        [(t["active"], t["conditions"]) for t in before]


def test_another_installation_of_the_same_name(setup):
    """Its webhooks stand before ours and lead elsewhere: neither a run nor a
    removal touches them."""
    elsewhere = "https://elsewhere.example"
    zendesk = setup.sandbox.zendesk
    setup.with_files()
    setup.states()
    ours = setup.webhooks()
    [hook] = setup.sunco_hooks()
    bot, made = setup.custom()
    place = f"{setup.app}/integrations/{{}}/webhooks"
    sunco = setup.sandbox.sunco
    assert sunco.post(place.format(bot["id"]), {
        "target": hook["target"], "triggers": hook["triggers"],
        "includeFullUser": True}).status == 201
    assert sunco.request("PATCH", f"{place.format(made['id'])}/{hook['id']}", {
        "target": elsewhere + "/webhooks/acme/sunco"}).status == 200
    for w in ours:  # what stood first leads elsewhere, its twin leads here
        assert zendesk.request("PATCH", f"/api/v2/webhooks/{w['id']}", {
            "webhook": {"endpoint": elsewhere + "/webhooks/acme/zendesk"}}
        ).status in (200, 204)
        assert zendesk.post("/api/v2/webhooks", {"webhook": {
            key: w[key] for key in (
                "name", "endpoint", "http_method", "request_format", "status",
                "subscriptions")}}).status == 201
    before = setup.webhooks(), setup.sunco_hooks()
    states = setup.states()
    assert "mended" not in [states[("sunco", "webhook")],
                            states[("zendesk", "webhook")],
                            states[("zendesk", "event webhook")]]
    assert (setup.webhooks(), setup.sunco_hooks()) == before
    assert f"is left alone: {elsewhere}" in setup.screens[-2]
    setup.run("--remove", "--yes")
    assert {w["endpoint"] for w in setup.webhooks()} == \
        {elsewhere + "/webhooks/acme/zendesk"}


def test_other_accounts_are_not_touched(setup):
    for name in ("acme2", "acm"):
        setup.sandbox.zendesk.post("/api/v2/webhooks", {"webhook": {
            "name": f"reunite {name}",
            "endpoint": f"{OURS}/webhooks/{name}/zendesk",
            "http_method": "POST", "request_format": "json",
            "status": "active",
            "subscriptions": ["conditional_ticket_events"]}})
    others = setup.webhooks()
    setup.with_files()
    setup.states()
    assert setup.webhooks()[:2] == others
    setup.states("--remove", "--yes")
    assert setup.webhooks() == others


# ---- secrets and configuration ----


def test_a_new_secret_goes_before_the_old_one(setup):
    setup.with_files()
    setup.states()
    first = setup.file("zendesk").splitlines()
    webhook = setup.webhooks()[0]
    renewed = setup.sandbox.zendesk.post(
        f"/api/v2/webhooks/{webhook['id']}/signing_secret"
    ).json["signing_secret"]["secret"]
    states = setup.states()
    assert states[("files", "secrets")] == "written"
    assert setup.file("zendesk").splitlines() == [renewed, first[1], first[0]]
    setup.screens = [s for s in setup.screens if first[0] not in s]
    is_unchanged(setup.states())


def test_no_secret_of_others_is_dropped(setup):
    """Of webhooks that lead here from elsewhere: any number of them."""
    setup.with_files()
    setup.states()
    others = [f"secret-of-another-{i}" for i in range(6)]
    with open(setup.path("zendesk"), "a", encoding="utf-8") as f:
        f.write("".join(other + "\n" for other in others))
    before = setup.file("zendesk")
    is_unchanged(setup.states())
    assert setup.file("zendesk") == before


def test_an_old_configuration_is_never_rewritten(setup):
    setup.write(zendesk_webhook_secrets=["an-old-secret"],
                sunco_webhook_secrets=["another-old-secret"])
    before = setup.file("reunite.conf")
    lines = setup.lines()
    todo = [line["text"] for line in lines if line["state"] == "to do"]
    assert setup.file("reunite.conf") == before
    assert len(todo) == 2
    for setting in ("sunco_webhook_secrets", "zendesk_webhook_secrets"):
        path = setup.path(f"acme.{setting}")
        assert any(f'{setting}_file = "{path}"' in t and
                   f"in the place of {setting}" in t for t in todo)
    assert setup.file("acme.sunco_webhook_secrets").splitlines()[1] == \
        "another-old-secret"
    assert "old-secret" not in "".join(setup.screens)
    # as it says
    setup.write(
        zendesk_webhook_secrets_file=setup.path(
            "acme.zendesk_webhook_secrets"),
        sunco_webhook_secrets_file=setup.path("acme.sunco_webhook_secrets"))
    is_unchanged(setup.states())


def test_secrets_that_stand_in_the_configuration(setup):
    setup.with_files()
    setup.states()
    setup.write(zendesk_webhook_secrets=setup.file("zendesk").splitlines(),
                sunco_webhook_secrets=setup.file("sunco").splitlines())
    is_unchanged(setup.states())


def test_a_file_that_others_may_read(setup):
    setup.with_files()
    setup.states()
    os.chmod(setup.path("sunco"), 0o644)
    texts = [line["text"] for line in setup.lines()
             if line["state"] == "written"]
    assert len(texts) == 1 and texts[0].startswith("sunco_webhook_secrets")
    assert mode(setup.path("sunco")) == 0o640
    is_unchanged(setup.states())


def test_a_file_that_belongs_to_a_group(setup):
    """The daemon's, who may read it: it still may."""
    setup.with_files()
    setup.states()
    setup.sandbox.zendesk.post(
        f"/api/v2/webhooks/{setup.webhooks()[0]['id']}/signing_secret")
    group = os.getgid()
    if os.geteuid() == 0:
        group = 12345
        os.chown(setup.path("zendesk"), 0, group)
    os.chmod(setup.path("zendesk"), 0o640)
    assert setup.states()[("files", "secrets")] == "written"
    assert mode(setup.path("zendesk")) == 0o640
    assert os.stat(setup.path("zendesk")).st_gid == group


@pytest.mark.parametrize("target", ["nowhere", "reunite.conf"])
def test_a_link_in_the_place_of_the_configuration(setup, target):
    """It cannot be read, and no new one can be made there: nothing is asked
    of the providers."""
    os.symlink(target, setup.config)
    done = setup.run(environment=setup.first())
    assert done.returncode == 2
    assert setup.config in done.stderr
    assert setup.requests() == []
    assert os.listdir(os.path.dirname(setup.config)) == ["reunite.conf"]


def test_a_folder_that_is_not_there(setup):
    setup.with_files()
    setup.write(zendesk_webhook_secrets_file=setup.folder + "/no/where",
                sunco_webhook_secrets_file=setup.path("sunco"))
    states = setup.states(code=1)
    assert ("zendesk", "trigger") not in states  # nothing is sent before
    setup.with_files()
    states = setup.states()
    assert states[("zendesk", "webhook")] == "unchanged"
    assert states[("zendesk", "trigger")] == "created"


def test_several_accounts(setup, other_sandbox):
    setup.with_files()
    with open(setup.config, "a", encoding="utf-8") as f:
        f.write(daemon_module.account_section("other", other_sandbox))
    done = setup.run()
    assert (done.returncode, done.stdout) == (2, "")
    assert "--account" in done.stderr
    setup.states("--account", "acme")
    assert len(setup.webhooks()) == 2
    assert other_sandbox.zendesk.get("/api/v2/webhooks").json["webhooks"] == []


@pytest.mark.parametrize("options, words", [
    (["--account", "nobody"], "--account"),
    (["--url", "http://in.acme.example"], "--url must begin with https://"),
    (["--url", "https://in.acme.example/x"], "without a path"),
    (["--zendesk-url", "https://acme.zendesk.com"], "is there"),
])
def test_wrong_usage(setup, options, words):
    setup.with_files()
    done = setup.run(*options, url=None)
    assert done.returncode == 2
    assert words in done.stderr
    assert setup.requests() == []


def test_nobody_knows_where_it_is_reached(setup):
    setup.with_files()
    text = setup.file("reunite.conf").replace(f'public_url = "{OURS}"\n', "")
    with open(setup.config, "w", encoding="utf-8") as f:
        f.write(text)
    done = setup.run(url=None)
    assert done.returncode == 2
    assert "--url" in done.stderr


# ---- showing and removing ----


def test_print_changes_nothing(setup):
    setup.with_files()
    done = setup.run("--print")
    assert done.returncode == 0
    assert setup.requests() == []
    assert done.stdout.count("curl -sS -X ") == 12
    assert done.stdout.count("curl -sS -X POST ") == 5
    assert OURS + "/webhooks/acme/sunco" in done.stdout
    assert '"client_secret":"********"' in done.stdout
    assert os.listdir(os.path.dirname(setup.config)) == ["reunite.conf"]
    shown = setup.lines("--print")
    assert [v["method"] for v in shown].count("POST") == 5


def test_what_is_printed_can_be_run(setup):
    """The trigger's line, with its variables set, by a real curl."""
    setup.with_files()
    setup.states()
    [trigger] = setup.triggers()
    webhook = setup.webhooks()[0]
    text = setup.run("--print").stdout
    curl = next(part for part in text.split("\n# ")
                if part.rstrip().endswith("/api/v2/triggers'"))
    done = subprocess.run(
        ["bash", "-c", "# " + curl], capture_output=True, text=True,
        check=False, timeout=60,
        env={**os.environ, "WEBHOOK_ID": webhook["id"],
             "ZENDESK_TOKEN": setup.settings["bearer_token"]})
    if "command not found" in done.stderr:
        pytest.skip("there is no curl")
    made = json.loads(done.stdout)["trigger"]
    for key in ("title", "conditions", "actions", "active"):
        assert made[key] == trigger[key], key


def test_print_of_a_first_configuration(setup):
    done = setup.run("--print", environment=setup.first())
    assert done.returncode == 0
    assert os.listdir(os.path.dirname(setup.config)) == []
    assert setup.requests() == []


def test_remove_takes_it_all_away(setup):
    setup.with_files()
    before = (setup.webhooks(), setup.triggers(), setup.integrations())
    setup.states()
    done = setup.run("--remove")
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert len(setup.webhooks()) == 2
    states = setup.states("--remove", "--yes")
    assert states[("zendesk", "trigger")] == "removed"
    assert states[("sunco", "integration")] == "removed"
    assert before == (setup.webhooks(), setup.triggers(),
                      setup.integrations())
    states = setup.states("--remove", "--yes", url=None)
    assert "removed" not in states.values()
    # and once more from the start
    assert setup.states()[("zendesk", "trigger")] == "created"


def test_remove_leaves_what_others_made(setup):
    setup.with_files()
    [bot] = setup.custom()
    setup.states("--integration", bot["id"])
    trigger = setup.triggers()[0]
    setup.sandbox.zendesk.put(
        f"/api/v2/triggers/{trigger['id']}", {"trigger": {"actions": [
            {"field": "set_tags", "value": "chat"}, *trigger["actions"]]}})
    states = setup.states("--remove", "--yes", code=1)
    assert states[("zendesk", "trigger")] == "failed"
    assert len(setup.webhooks()) == 2  # the trigger still calls one
    assert setup.custom() == [bot]
    assert setup.sunco_hooks() == []


def test_remove_of_a_webhook_elsewhere(setup):
    """Ours is in somebody else's integration, and one with our name is there,
    too: only that goes as a whole."""
    setup.with_files()
    [bot] = setup.custom()
    setup.states("--integration", bot["id"])
    made = setup.sandbox.sunco.post(setup.app + "/integrations", {
        "type": "custom", "displayName": "reunite acme", "webhooks": [
            {"target": "https://x.example/", "triggers": ["user:merge"]}]})
    assert made.status == 201
    states = setup.states("--remove", "--yes")
    assert states[("sunco", "webhook")] == "removed"
    assert states[("sunco", "integration")] == "removed"
    assert setup.custom() == [bot]
    assert setup.sunco_hooks() == []


# ---- what does not work ----


def refusal(lines, about, part):
    [text] = [line["text"] for line in lines
              if line["state"] == "failed" and line["about"] == about
              and line["part"] == part]
    return text


def test_scopes_that_are_missing(setup):
    setup.with_files()
    setup.sandbox.settings(oauth_scopes="users:read users:write webhooks:read")
    lines = setup.lines(code=1)
    text = refusal(lines, "zendesk", "webhook")
    assert "webhooks:write" in text and "OAuth client" in text
    # the other half is done
    assert len(setup.sunco_hooks()) == 1
    setup.sandbox.settings(oauth_scopes="")
    states = setup.states()
    assert states[("sunco", "webhook")] == "unchanged"
    assert states[("zendesk", "trigger")] == "created"


def test_a_user_who_may_not(setup):
    setup.with_files()
    setup.sandbox.fault(match={"api": "zendesk", "call": "trigger_create"},
                        kind="status", status=403, times=-1,
                        body={"error": {"title": "Forbidden",
                                        "message": "no"}})
    text = refusal(setup.lines(code=1), "zendesk", "trigger")
    assert "must belong to an admin" in text


@pytest.mark.parametrize("status, body, code, words", [
    (404, {"error": "InvalidEndpoint", "description": "Not found"}, 1,
     "a plan that has them"),
    (429, {"error": "APIRateLimitExceeded"}, 4, "in a minute"),
])
def test_a_plan_without_webhooks_and_a_limit(setup, status, body, code, words):
    setup.with_files()
    setup.sandbox.fault(match={"api": "zendesk", "call": "webhook_list"},
                        kind="status", status=status, times=-1, body=body,
                        headers={"Retry-After": "30"})
    assert words in refusal(setup.lines(code=code), "zendesk", "webhook")
    setup.sandbox.control("DELETE", "faults")


def test_all_the_webhooks_it_may_have(setup):
    setup.with_files()
    setup.sandbox.settings(webhooks_max=1)
    lines = setup.lines(code=1)
    text = refusal(lines, "zendesk", "event webhook")
    assert "the account has 1" in text or "the account has 0" in text
    assert "--no-events" in text
    assert len(setup.triggers()) == 1
    setup.states("--no-events")


def test_all_the_webhooks_sunco_has(setup):
    setup.with_files()
    [bot] = setup.custom()
    for _ in range(10):
        setup.sandbox.sunco.post(
            f"{setup.app}/integrations/{bot['id']}/webhooks",
            {"target": "https://x.example/", "triggers": ["user:merge"]})
    text = refusal(setup.lines(code=1), "sunco", "webhook")
    assert "10 webhooks already" in text


@pytest.mark.parametrize("settings, about, part, words", [
    ({"sunco_key_secret": "another"}, "sunco", "app", "sunco_key_secret"),
    ({"sunco_app_id": "6a1d3c5e7f9b2d4f6a8c0e13"}, "sunco", "app",
     "sunco_app_id"),
    ({"oauth_client_secret": "another"}, "zendesk", "webhook", "credentials"),
])
def test_wrong_credentials(setup, settings, about, part, words):
    setup.with_files()
    was = {name: setup.settings[name] for name in settings}
    setup.sandbox.settings(**settings)
    assert words in refusal(setup.lines(code=1), about, part)
    setup.sandbox.settings(**was)


def test_a_provider_that_does_not_answer(setup):
    setup.with_files()
    setup.sandbox.fault(match={"api": "zendesk", "call": "webhook_create"},
                        kind="html", status=503, times=-1)
    lines = setup.lines(code=4)
    assert "run setup again" in refusal(lines, "zendesk", "webhook")
    setup.sandbox.control("DELETE", "faults")
    setup.states()
    assert len(setup.webhooks()) == 2


@pytest.mark.parametrize("api, call, count", [
    ("sunco", "integration_create", lambda s: len(s.sunco_hooks())),
    ("zendesk", "webhook_create", lambda s: len(s.webhooks()) - 1),
    ("zendesk", "trigger_create", lambda s: len(s.triggers())),
])
def test_an_answer_that_is_lost(setup, api, call, count):
    """It took effect: the second run finds it, and makes no second one."""
    setup.with_files()
    setup.sandbox.fault(match={"api": api, "call": call}, kind="cut_after")
    lines = setup.lines(code=4)
    assert any("it looks first" in line["text"] for line in lines)
    setup.states()
    assert count(setup) == 1
    is_unchanged(setup.states())


@pytest.mark.parametrize("point", [
    "setup_sunco_created", "setup_zendesk_created", "setup_zendesk_created:2",
    "setup_trigger_created", "setup_file_beside", "setup_file_beside:2"])
def test_a_death_in_the_middle(setup, point):
    if not points_built():
        pytest.skip("the build has no crash points")
    first = setup.first()
    done = setup.run("--account", "acme",
                     environment={**first, "REUNITE_CRASH_AT": point})
    assert done.returncode == -signal.SIGKILL
    assert not os.path.exists(setup.config)
    setup.states("--account", "acme", environment=first)
    assert len(setup.sunco_hooks()) == len(setup.triggers()) == 1
    assert len(setup.webhooks()) == 2
    is_unchanged(setup.states(url=None))


def test_a_configuration_that_appears_meanwhile(setup):
    """Somebody else wrote it: it is theirs."""
    first = setup.first()
    setup.states("--account", "acme", environment=first)
    text = setup.file("reunite.conf")
    done = setup.run("--account", "acme", environment={
        **first, "REUNITE_SUNCO_KEY_ID": "app_another"})
    assert done.returncode == 0
    assert setup.file("reunite.conf") == text


def test_asked_on_a_terminal(setup):
    """What is not given is asked for, secrets without showing them."""
    s = setup.settings
    answers = [
        ("Zendesk's address", setup.sandbox.url),
        ("identifier of the OAuth client", s["oauth_client_id"]),
        ("secret of the OAuth client", s["oauth_client_secret"]),
        ("app id", s["sunco_app_id"]),
        ("API key id", s["sunco_key_id"]),
        ("secret of the API key", s["sunco_key_secret"])]
    pid, terminal = pty.fork()
    if pid == 0:
        program = harness.binary("reunite")
        os.execv(program, [program, "setup", "-c", setup.config, "--url",
                           OURS, "--account", "acme"])
    screen = b""
    try:
        for question, answer in answers:
            screen = read_until(terminal, screen, question + ".*: $")
            os.write(terminal, answer.encode() + b"\n")
        screen = read_until(terminal, screen, "reunite serve -c")
    finally:
        os.close(terminal)
        _, status = os.waitpid(pid, 0)
    setup.screens.append(screen.decode())
    assert s["oauth_client_id"] in setup.screens[-1]  # shown as typed
    is_unchanged(setup.states(url=None))
    assert setup.file("acme.sunco_key_secret") == s["sunco_key_secret"] + "\n"


def test_an_interrupt_at_a_secret_leaves_the_terminal_as_it_was(setup):
    """A shell that does not look would go on without showing what is typed."""
    s = setup.settings
    shell, terminal = os.openpty()
    before = termios.tcgetattr(terminal)
    program = subprocess.Popen(
        [harness.binary("reunite"), "setup", "-c", setup.config,
         "--url", OURS, "--account", "acme",
         "--zendesk-url", setup.sandbox.url,
         "--zendesk-client-id", s["oauth_client_id"]],
        stdin=terminal, stdout=terminal, stderr=terminal)
    try:
        read_until(shell, b"", "secret of the OAuth client.*: $")
        assert not termios.tcgetattr(terminal)[3] & termios.ECHO
        program.send_signal(signal.SIGINT)
        assert program.wait(harness.WAIT_S) == -signal.SIGINT
        assert termios.tcgetattr(terminal) == before
    finally:
        program.kill()
        program.wait()
        os.close(shell)
        os.close(terminal)


def read_until(terminal, screen, pattern):
    end = time.monotonic() + 60
    start = len(screen)
    while not re.search(pattern.encode(), screen[start:], re.S):
        assert time.monotonic() < end, screen
        ready, _, _ = select.select([terminal], [], [], 1)
        if ready:
            screen += os.read(terminal, 65536)
    return screen
