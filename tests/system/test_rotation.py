"""Every secret is changed as deploy/security.md says, while work goes on:
secrets are in files, SIGHUP reads them, nothing is refused and nothing is
lost."""

import pytest

import harness
import pg
from test_reload import create
from test_upstream_holds import (PLENTY, all_merged, come, held, people,
                                 until_held)

SECRETS = ("zendesk_client_secret", "zendesk_webhook_secrets",
           "sunco_key_secret", "sunco_webhook_secrets")
BOTH = ("sunco", "trigger")


class Rotation:
    """A daemon whose secrets are files of one line each secret."""

    def __init__(self, folder, sandbox, daemon, **settings):
        self.folder = folder
        self.settings = {**PLENTY, **settings}
        there = sandbox.settings()
        self.write("zendesk_client_secret", there["oauth_client_secret"])
        self.write("zendesk_webhook_secrets", there["zendesk_secret"])
        self.write("sunco_key_secret", there["sunco_key_secret"])
        self.write("sunco_webhook_secrets", there["sunco_secret"])
        self.write("admin_token", "the-first-token")
        self.daemon = daemon(**self.arguments())

    def arguments(self):
        files = {f"{name}_file": str(self.folder / name) for name in SECRETS}
        none = {name: None for name in SECRETS}
        return {**none, **files, **self.settings,
                "top": {"admin_token": None,
                        "admin_token_file": str(self.folder / "admin_token")}}

    def write(self, name, *secrets):
        path = self.folder / name
        path.touch(0o600)
        path.write_text("".join(f"{secret}\n" for secret in secrets))

    def reload(self, **settings):
        self.settings.update(settings)
        self.daemon.configure(**self.arguments())
        assert self.daemon.reload()["event"] == "reloaded"


@pytest.fixture
def rotation(tmp_path, sandbox, daemon):
    sandbox.settings(limit=0, webhook_retry_speed=1000)
    return Rotation(tmp_path, sandbox, daemon)


@pytest.mark.parametrize("name, setting", [
    ("zendesk_webhook_secrets", "zendesk_secret"),
    ("sunco_webhook_secrets", "sunco_secret")])
def test_a_webhooks_secret_is_rotated(sandbox, rotation, name, setting):
    """Two webhooks for a moment: no delivery is refused, each person is
    merged once."""
    old = sandbox.settings()[setting]
    logins = people(sandbox, 6)
    come(sandbox, logins[:2], BOTH)
    rotation.write(name, old, "the-new-one")
    rotation.reload()
    sandbox.settings(**{setting: "the-new-one"})
    come(sandbox, logins[2:4], BOTH)
    rotation.write(name, "the-new-one")
    rotation.reload()
    come(sandbox, logins[4:], BOTH)
    all_merged(sandbox, rotation.daemon, 6)
    assert not rotation.daemon.metric("reunite_webhooks_total",
                                      outcome="unauthorized")
    if name == "sunco_webhook_secrets":
        assert rotation.daemon.sunco(create(), key=old).status == 401
    else:
        assert rotation.daemon.zendesk({}, secret=old).status == 401


def test_suncos_key_is_rotated(sandbox, rotation):
    """Even when the old one is gone before the new one is there."""
    logins = people(sandbox, 6)
    come(sandbox, logins[:2])
    all_merged(sandbox, rotation.daemon, 2)
    sandbox.settings(sunco_key_id="app_new", sunco_key_secret="new-secret")
    come(sandbox, logins[2:4])
    until_held(rotation.daemon, "credentials", "sunco")
    rotation.write("sunco_key_secret", "new-secret")
    rotation.reload(sunco_key_id="app_new")
    all_merged(sandbox, rotation.daemon, 4)
    assert held(rotation.daemon) == []


def test_the_oauth_client_is_rotated(sandbox, rotation):
    """A token that was fetched goes on; the next one is the new client's."""
    logins = people(sandbox, 6)
    come(sandbox, logins[:2])
    all_merged(sandbox, rotation.daemon, 2)
    sandbox.settings(oauth_client_id="another", oauth_client_secret="its own")
    rotation.write("zendesk_client_secret", "its own")
    rotation.reload(zendesk_client_id="another")
    come(sandbox, logins[2:4])
    all_merged(sandbox, rotation.daemon, 4)
    sandbox.control("DELETE", "tokens")
    come(sandbox, logins[4:])
    all_merged(sandbox, rotation.daemon, 6)
    assert held(rotation.daemon) == []


def test_the_admin_token_is_rotated(rotation):
    def status(token):
        return rotation.daemon.admin.get(
            "/api/v1/accounts",
            headers={"Authorization": f"Bearer {token}"}).status

    assert (status("the-first-token"), status("the-next-token")) == (200, 401)
    rotation.write("admin_token", "the-next-token")
    rotation.reload()
    assert (status("the-first-token"), status("the-next-token")) == (401, 200)


def test_a_secret_that_cannot_be_read_changes_nothing(rotation):
    """The old ones stay in force, and the log names the line."""
    path = rotation.folder / "sunco_webhook_secrets"
    for spoil in (lambda: path.write_text("\n"), path.unlink):
        spoil()
        failed = rotation.daemon.reload()
        assert failed["event"] == "reload_failed"
        assert ": sunco_webhook_secrets_file: " in failed["error"]
        assert rotation.daemon.sunco(create()).status == 200


HBA = """host all node 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 trust
"""


@pytest.fixture
def server():
    started = pg.Cluster(hba=HBA)
    yield started
    started.remove()


def test_postgresqls_password_is_rotated(tmp_path, sandbox, daemon, server):
    """In libpq's passfile, which is read for every connection: connections
    that are there go on, new ones take the new one, without a restart."""
    passfile = tmp_path / "passfile"

    def set_password(word):
        passfile.touch(0o600)
        passfile.write_text(f"127.0.0.1:{server.port}:*:node:{word}\n")
        server.sql(f"ALTER ROLE node PASSWORD '{word}'")

    server.sql("CREATE ROLE node LOGIN")
    server.sql("CREATE SCHEMA kept AUTHORIZATION node")
    set_password("first")
    url = (f"postgresql://node@127.0.0.1:{server.port}/postgres?options="
           f"-csearch_path%3Dkept&passfile={passfile}")
    reunite = daemon(top={"store": url})
    assert reunite.sunco(create()).status == 200
    set_password("second")
    assert reunite.sunco(create()).status == 200
    backends = server.value(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE usename = 'node'")
    assert int(backends) > 0
    harness.wait_until(lambda: reunite.sunco(create()).status == 200, 60,
                       what="the store to be back")
    assert not reunite.gone()
    passfile.write_text(f"127.0.0.1:{server.port}:*:node:first\n")
    failed = reunite.command("queue", "list", check=False)
    assert failed.returncode == 4
    assert "second" not in failed.stderr + reunite.log()
