"""The daemon under test: its configuration, its life, its records."""

import base64
import datetime
import hashlib
import hmac
import json
import os
import signal
import struct
import subprocess

import pytest

import harness

ADMIN_TOKEN = "admin-token-of-the-tests"

def fast_clock(speed, start_ns=None):
    """The environment in which a program's clock runs so much faster; those
    with the same start have the same wall clock."""
    if os.environ.get("REUNITE_SANITIZE") == "thread":
        pytest.skip("the fast clock hides waits from ThreadSanitizer")
    asan = os.environ.get("ASAN_OPTIONS", "")
    return {"LD_PRELOAD": harness.binary("libfast_clock.so"),
            "FAST_CLOCK": str(speed),
            **({"FAST_CLOCK_START": str(start_ns)} if start_ns else {}),
            "ASAN_OPTIONS": asan + ":verify_asan_link_order=0"}


class WallClock:
    """A daemon's wall clock, which a test may set, and its disk, which may
    hang (fast_clock.c)."""

    def __init__(self, folder):
        self.path = os.path.join(str(folder), "ahead")
        with open(self.path, "wb") as f:
            f.write(bytes(16))

    def write(self, place, number):
        with open(self.path, "r+b", buffering=0) as f:
            f.seek(8 * place)
            f.write(struct.pack("=q", number))

    def set(self, ahead_s):
        """So far ahead of the machine's clock."""
        self.write(0, int(ahead_s * 1000))

    def disk_hangs(self, hangs):
        self.write(1, int(hangs))

    def environment(self, speed=1):
        return {**fast_clock(speed), "FAST_CLOCK_SET": self.path}


def value_of(value):
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, (list, tuple)):
        return "{" + ", ".join(value_of(v) for v in value) + "}"
    return str(value).lower()


def lines(settings):
    """Settings as the file has them; None leaves one out."""
    return "".join(f"  {key} = {value_of(value)}\n"
                   for key, value in settings.items() if value is not None)


def account_section(name, sandbox, **settings):
    """An account at a sandbox, with everything it needs."""
    s = sandbox.settings()
    written = {
        "zendesk_url": sandbox.url,
        "zendesk_auth": "oauth",
        "zendesk_client_id": s["oauth_client_id"],
        "zendesk_client_secret": s["oauth_client_secret"],
        "zendesk_webhook_secrets": [s["zendesk_secret"]],
        "sunco_url": sandbox.url + "/sc",
        "sunco_app_id": s["sunco_app_id"],
        "sunco_key_id": s["sunco_key_id"],
        "sunco_key_secret": s["sunco_key_secret"],
        "sunco_webhook_secrets": [s["sunco_secret"]],
        "apply": "auto",
        "sweep_every": "0",  # of which test_sweep.py makes use
        **settings,
    }
    return f'account "{name}" {{\n{lines(written)}}}\n'


def zendesk_headers(secret, body, at=None, **changes):
    """The headers that Zendesk signs a webhook with."""
    if at is None:
        at = datetime.datetime.now(datetime.timezone.utc)
    stamp = at if isinstance(at, str) else at.strftime("%Y-%m-%dT%H:%M:%SZ")
    mac = hmac.new(secret.encode(), stamp.encode() + body, hashlib.sha256)
    headers = {
        "Content-Type": "application/json",
        "X-Zendesk-Webhook-Signature":
            base64.b64encode(mac.digest()).decode(),
        "X-Zendesk-Webhook-Signature-Timestamp": stamp,
    }
    headers.update(changes)
    return headers


class DiedAtStart(AssertionError):
    """It ended before it listened."""


class Daemon:
    """`reunite serve` against a sandbox. Settings of the account are keyword
    arguments; those of the top level go into `top`. `others` are further
    accounts, each at its own sandbox. Its clock runs `fast` times as fast
    (fast_clock.c), and a webhook that it cannot take yet comes again so much
    sooner."""

    def __init__(self, folder, sandbox, top=None, environment=None,
                 wrapper=(), others=None, fast=None, pass_fds=(),
                 **account):
        self.folder = str(folder)
        self.sandbox = sandbox
        self.config = os.path.join(self.folder, "reunite.conf")
        self.log_file = os.path.join(self.folder, "reunite.log")
        self.secrets = sandbox.settings()
        self.wrapper = list(wrapper)
        self.pass_fds = pass_fds
        self.accounts = {"acme": sandbox, **(others or {})}
        self.process = None
        self.configure(top, **account)
        if fast:
            environment = {**(environment or {}), **fast_clock(fast)}
            for each in self.accounts.values():
                each.settings(webhook_retry_speed=fast)
        self.start(environment)

    def configure(self, top=None, **account):
        """Writes the configuration anew; every account gets the settings."""
        top = {"listen": "127.0.0.1:0", "admin_listen": "127.0.0.1:0",
               "admin_token": ADMIN_TOKEN,
               "store": f"sqlite:{self.folder}/reunite.db", **(top or {})}
        self.ca = top.get("tls_certificate")
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(lines(top))
            for name, sandbox in self.accounts.items():
                f.write(account_section(name, sandbox, **account))

    def start(self, environment=None):
        """A new life; its log is appended."""
        start = os.path.getsize(self.log_file) \
            if os.path.exists(self.log_file) else 0
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                [*self.wrapper, harness.binary("reunite"), "serve", "-c",
                 self.config],
                stdout=log, stderr=log, pass_fds=self.pass_fds,
                env={**os.environ, **(environment or {})})
        event = harness.wait_until(
            lambda: self.event("listening", start) or self.gone(),
            what="the daemon to listen")
        if event is True:
            raise DiedAtStart(self.log())
        self.url = f"http{'s' * event['tls']}://127.0.0.1:{event['port']}"
        self.http = harness.Client(self.url, ca=self.ca)
        self.admin = harness.Client(
            f"http://127.0.0.1:{event['admin_port']}",
            {"Authorization": "Bearer " + ADMIN_TOKEN})
        self.announce()

    def announce(self):
        """The sandboxes send their webhooks here."""
        for name, sandbox in self.accounts.items():
            sandbox.settings(
                webhook_sunco=f"{self.url}/webhooks/{name}/sunco",
                webhook_zendesk=f"{self.url}/webhooks/{name}/zendesk")

    def gone(self):
        return self.process.poll() is not None

    def log(self, start=0):
        with open(self.log_file, encoding="utf-8") as f:
            f.seek(start)
            return f.read()

    def events(self, name, start=0):
        found = []
        for line in self.log(start).splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if event.get("event") == name:
                found.append(event)
        return found

    def event(self, name, start=0):
        return next(iter(self.events(name, start)), None)

    def kill(self):
        if not self.gone():
            self.process.kill()
        self.process.wait()

    def stop(self):
        """Asks it to end; its exit status."""
        if not self.gone():
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(harness.WAIT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def reload(self):
        """SIGHUP; the line that says what came of it."""
        start = os.path.getsize(self.log_file)
        self.process.send_signal(signal.SIGHUP)
        return harness.wait_until(
            lambda: self.event("reloaded", start) or
            self.event("reload_failed", start), what="the reload")

    # --- webhooks ---

    def sunco(self, body, key=None, **kwargs):
        headers = {"Content-Type": "application/json",
                   "X-API-Key": key or self.secrets["sunco_secret"]}
        return self.http.post("/webhooks/acme/sunco",
                              json.dumps(body).encode(), headers=headers,
                              **kwargs)

    def zendesk(self, body, secret=None, at=None, **headers):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.http.post(
            "/webhooks/acme/zendesk", raw,
            headers=zendesk_headers(secret or self.secrets["zendesk_secret"],
                                    raw, at, **headers))

    # --- commands ---

    def command(self, *argv, check=True, environment=None):
        """A command beside the daemon; the finished process."""
        done = subprocess.run(
            [harness.binary("reunite"), *argv, "-c", self.config],
            capture_output=True, text=True, timeout=60,
            env={**os.environ, **(environment or {})})
        if check:
            assert done.returncode == 0, (argv, done.stderr)
        return done

    def rows(self, *argv):
        done = self.command(*argv, "--json")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def journal(self):
        return self.rows("journal", "list")

    def queue(self):
        return self.rows("queue", "list")

    def reviews(self):
        return self.rows("review", "list")

    def decided(self, count=1, timeout_s=harness.WAIT_S):
        """The journal, once it has this many entries that are over."""
        def over():
            entries = self.journal()
            done = [e for e in entries
                    if e["status"] in ("done", "failed")]
            return entries if len(done) >= count else None

        return harness.wait_until(over, timeout_s,
                                  what=f"{count} decisions")

    def decided_as(self, action, timeout_s=harness.WAIT_S):
        """The first entry of this action that is done."""
        return harness.wait_until(
            lambda: next((e for e in self.journal() if e["status"] == "done"
                          and e["action"] == action), None),
            timeout_s, what=f"{action} done")

    def idle(self, timeout_s=harness.WAIT_S):
        """Waits until no job is ready or running."""
        harness.wait_until(
            lambda: not [j for j in self.queue()
                         if j["state"] in ("ready", "running")],
            timeout_s, what="an idle queue")

    def api(self, path):
        """What the admin API says; None: the store takes longer than its
        clock has patience for."""
        reply = self.admin.get("/api/v1/" + path)
        assert reply.status in (200, 503), reply.body
        return reply.json if reply.status == 200 else None

    def metric(self, name, **labels):
        """The sum of a metric's series that have these labels."""
        total = 0.0
        for line in self.admin.get("/metrics").body.decode().splitlines():
            series, _, value = line.rpartition(" ")
            if series.split("{")[0] == name and all(
                    f'{k}="{v}"' in series for k, v in labels.items()):
                total += float(value)
        return total
