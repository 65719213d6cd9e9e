"""The proxies' configurations of deploy/, in real proxies: signed webhooks get
through as they were sent, nothing else does, and what nobody takes is tried
again."""

import contextlib
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys

import pytest

import harness
from daemon import zendesk_headers
from hooks import create

ROOT = os.environ["REUNITE_SOURCE"]
sys.path.insert(0, os.path.join(ROOT, "tests"))

import tools  # noqa: E402

HOST = "reunite.example.com"


class Tls(http.client.HTTPSConnection):
    """To a proxy behind a socket in the file system."""

    def __init__(self, path):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        super().__init__(HOST, timeout=harness.WAIT_S, context=context)
        self.path = path

    def connect(self):
        plain = socket.socket(socket.AF_UNIX)
        plain.settimeout(self.timeout)
        plain.connect(self.path)
        self.sock = self._context.wrap_socket(plain, server_hostname=HOST)


class Proxy:
    """A real proxy before a daemon, ended by its pid."""

    def __init__(self, folder, argv, environment=None):
        self.path = os.path.join(folder, "https")
        self.log_file = os.path.join(folder, "proxy.log")
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(
                argv, stdout=log, stderr=log, cwd=folder,
                env={**os.environ, **(environment or {})})

    def log(self):
        with open(self.log_file, encoding="utf-8", errors="replace") as f:
            return f.read()

    def answers(self):
        assert self.process.poll() is None, self.log()
        try:
            return self.request("GET", "/healthz").status > 0
        except OSError:
            return False

    def request(self, method, path, body=None, headers=None):
        connection = Tls(self.path)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return harness.Reply(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(harness.WAIT_S)


def certificate(folder):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
         f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}",
         "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem"],
        check=True, capture_output=True)


def changed(name, changes):
    """The file of deploy/ for here: each change has something to change."""
    with open(os.path.join(ROOT, "deploy", name), encoding="utf-8") as f:
        text = f.read()
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def start_nginx(folder, upstream):
    site = changed("nginx.conf", {
        "127.0.0.1:8080": upstream,
        "listen 443 ssl;": f"listen unix:{folder}/https ssl;",
        "\tlisten [::]:443 ssl;\n": "",
        f"/etc/letsencrypt/live/{HOST}/fullchain.pem": f"{folder}/cert.pem",
        f"/etc/letsencrypt/live/{HOST}/privkey.pem": f"{folder}/key.pem",
        # all of them come from one socket here
        "rate=200r/s": "rate=1r/m", "burst=400": "burst=40"})
    scratch = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    with open(f"{folder}/nginx.conf", "w", encoding="utf-8") as f:
        f.write(f"daemon off;\nmaster_process off;\npid {folder}/pid;\n"
                f"error_log stderr;\nevents {{}}\nhttp {{\n"
                f"access_log {folder}/access.log;\n{scratch}{site}}}\n")
    nginx = [tools.find("nginx", "nginx"), "-e", "stderr", "-p", folder,
             "-c", f"{folder}/nginx.conf"]
    done = subprocess.run([*nginx, "-t"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr
    return Proxy(folder, nginx)


def start_caddy(folder, upstream):
    text = changed("Caddyfile", {
        "127.0.0.1:8080": upstream,
        f"\n{HOST} {{\n":
            f"\nhttps://{HOST} {{\n\tbind unix/{folder}/https\n"
            f"\ttls {folder}/cert.pem {folder}/key.pem\n",
        "{\n\tservers {":
            "{\n\tadmin off\n\tauto_https off\n\tservers {"})
    with open(f"{folder}/Caddyfile", "w", encoding="utf-8") as f:
        f.write(text)
    caddy = tools.find("caddy", "caddy")
    home = {"HOME": folder, "XDG_DATA_HOME": folder, "XDG_CONFIG_HOME": folder}
    where = ["--config", f"{folder}/Caddyfile", "--adapter", "caddyfile"]
    done = subprocess.run([caddy, "validate", *where], capture_output=True,
                          text=True, env={**os.environ, **home})
    assert done.returncode == 0, done.stderr
    return Proxy(folder, [caddy, "run", *where], home)


@pytest.fixture
def reunite(daemon):
    return daemon()


@contextlib.contextmanager
def running(start, tmp_path, reunite):
    folder = tmp_path / "proxy"
    folder.mkdir()
    certificate(folder)
    started = start(str(folder), reunite.url.removeprefix("http://"))
    try:
        harness.wait_until(started.answers, what="the proxy")
        yield started
    finally:
        started.stop()


@pytest.fixture(params=[start_nginx, start_caddy],
                ids=lambda start: start.__name__)
def proxy(request, tmp_path, reunite):
    with running(request.param, tmp_path, reunite) as started:
        yield started


@pytest.fixture
def nginx(tmp_path, reunite):
    with running(start_nginx, tmp_path, reunite) as started:
        yield started


def sunco(reunite, proxy, body, key=None):
    return proxy.request(
        "POST", "/webhooks/acme/sunco", body,
        {"Content-Type": "application/json",
         "X-API-Key": key or reunite.secrets["sunco_secret"]})


def test_signed_webhooks_get_through(reunite, proxy):
    """Byte by byte: the signature is over the raw body."""
    body = b' {"v":1, "ticket_id":"501",\t"requester_id":"8800123" ,\r\n' \
           b'"updated_at":"2026-03-14T09:26:53Z", "x":"\\u00fc \xc3\xbc"}\n'
    headers = zendesk_headers(reunite.secrets["zendesk_secret"], body)
    reply = proxy.request("POST", "/webhooks/acme/zendesk", body, headers)
    assert (reply.status, reply.json["accepted"]) == (200, 1), reply.body
    reply = proxy.request("POST", "/webhooks/acme/zendesk", body + b" ",
                          headers)
    assert reply.status == 401
    body = json.dumps(create()).encode()
    assert sunco(reunite, proxy, body).json["accepted"] == 1
    assert sunco(reunite, proxy, body, "wrong").status == 401


def of_size(body, size):
    bare = len(json.dumps({**body, "padding": ""}))
    text = json.dumps({**body, "padding": "x" * (size - bare)}).encode()
    assert len(text) == size
    return text


def test_a_large_body_gets_through_and_a_larger_one_does_not(reunite, proxy):
    assert sunco(reunite, proxy, of_size(create(), 2**20)).status == 200
    for size in (2**20 + 1, 1_200_000):
        try:
            status = sunco(reunite, proxy, of_size(create(), size)).status
        except OSError:  # it closes before all of it was sent
            status = 413
        assert status == 413, size
    assert reunite.metric("reunite_webhook_seconds_count") == 1


def test_nothing_else_gets_through(reunite, proxy):
    assert proxy.request("GET", "/healthz").status == 200
    for path in ("/", "/metrics", "/readyz", "/api/v1/queue", "/webhooks/",
                 "/webhooks/acme", "/webhooks/acme/sunco/",
                 "/webhooks/acme/sunco/../../../metrics",
                 "/webhooks/acme/other", "/healthz/"):
        assert proxy.request("GET", path).status == 404, path
    assert proxy.request("GET", "/webhooks/acme/sunco").status == 405
    for path in ("/", "/healthz", "/metrics"):
        assert proxy.request("POST", path, b"{}").status in (404, 405)


def test_what_nobody_takes_is_tried_again(reunite, proxy):
    """Providers try again after 503 with Retry-After, not after 502."""
    assert reunite.stop() == 0
    reply = sunco(reunite, proxy, json.dumps(create()).encode())
    assert reply.status == 503
    assert 0 < int(reply.headers["Retry-After"]) < 60


def test_too_many_are_put_off(reunite, nginx):
    """As a 503 with Retry-After, too: none of them is lost."""
    body = json.dumps(create()).encode()
    replies = [sunco(reunite, nginx, body) for _ in range(60)]
    put_off = [r for r in replies if r.status != 200]
    assert 0 < len(put_off) < 60
    assert {r.status for r in put_off} == {503}
    assert {0 < int(r.headers["Retry-After"]) < 60 for r in put_off} == {True}
