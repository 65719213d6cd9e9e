"""Starts our programs, talks HTTP to them, and ends them by their pid."""

import base64
import http.client
import http.server
import json
import os
import signal
import ssl
import subprocess
import threading
import time
import urllib.parse

WAIT_S = 20.0


def wait_until(condition, timeout_s=WAIT_S, what="condition", pause_s=0.01):
    """Returns the first true value of condition(); fails after timeout_s."""
    end = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"timed out waiting for {what}"
        time.sleep(pause_s)


def binary(name):
    return os.path.join(os.environ["REUNITE_BUILD"], name)


def http_basic(user, password):
    pair = f"{user}:{password}".encode()
    return "Basic " + base64.b64encode(pair).decode()


class Reply:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)


class Client:
    """One request per connection, so that a cut one disturbs nothing."""

    def __init__(self, base_url, headers=None, ca=None):
        url = urllib.parse.urlsplit(base_url)
        self.address = url.netloc
        self.headers = headers or {}
        self.tls = ssl.create_default_context(cafile=ca) \
            if url.scheme == "https" else None

    def connect(self, timeout_s=WAIT_S):
        if not self.tls:
            return http.client.HTTPConnection(self.address,
                                              timeout=timeout_s)
        return http.client.HTTPSConnection(self.address, timeout=timeout_s,
                                           context=self.tls)

    def request(self, method, path, body=None, headers=None,
                timeout_s=WAIT_S):
        connection = self.connect(timeout_s)
        sent = dict(self.headers)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            return Reply(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def get(self, path, **kwargs):
        return self.request("GET", path, **kwargs)

    def post(self, path, body=None, **kwargs):
        return self.request("POST", path, body, **kwargs)

    def put(self, path, body=None, **kwargs):
        return self.request("PUT", path, body, **kwargs)

    def delete(self, path, **kwargs):
        return self.request("DELETE", path, **kwargs)


class Program:
    """A child that writes its port into a file once it listens."""

    def __init__(self, argv, port_file, log_file, environment=None):
        self.log_file = log_file
        with open(log_file, "wb") as log:
            self.process = subprocess.Popen(
                argv, stdout=log, stderr=log,
                env={**os.environ, **(environment or {})})
        try:
            wait_until(lambda: self.gone() or os.path.exists(port_file),
                       what="the port file")
            assert not self.gone(), self.log()
            with open(port_file, encoding="ascii") as f:
                self.url = f"http://127.0.0.1:{int(f.read())}"
        except BaseException:
            self.kill()
            raise

    def gone(self):
        return self.process.poll() is not None

    def log(self):
        with open(self.log_file, encoding="utf-8", errors="replace") as f:
            return f.read()

    def kill(self):
        if not self.gone():
            self.process.kill()
        self.process.wait()

    def stop(self):
        """Asks it to end; its exit status."""
        if not self.gone():
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


class Sandbox(Program):
    """reunite-sandbox with its control endpoints."""

    def __init__(self, folder, *options, environment=None):
        port_file = os.path.join(folder, "sandbox.port")
        super().__init__(
            [binary("reunite-sandbox"), "--port-file", port_file, *options],
            port_file, os.path.join(folder, "sandbox.log"), environment)
        self.http = Client(self.url)
        settings = self.settings()
        self.zendesk = Client(self.url, {
            "Authorization": "Bearer " + settings["bearer_token"]})
        self.sunco_path = f"/sc/v2/apps/{settings['sunco_app_id']}/users"
        self.sunco = Client(self.url, {"Authorization": http_basic(
            settings["sunco_key_id"], settings["sunco_key_secret"])})

    def control(self, method, name, body=None):
        reply = self.http.request(method, "/_sandbox/" + name, body)
        assert reply.status == 200, reply.body
        return reply.json

    def settings(self, **changes):
        if changes:
            return self.control("POST", "settings", changes)
        return self.control("GET", "settings")

    def fault(self, **row):
        return self.control("POST", "faults", row)

    def state(self):
        return self.control("GET", "state")

    def user(self, user_id):
        return self.control("GET", f"state?user={user_id}")["users"][0]

    def people(self, *users, **lists):
        return self.control("POST", "people", {"users": users, **lists})

    def act(self, name, **order):
        return self.control("POST", name, order)


class Receiver:
    """Takes webhooks; answers what `answers` says, then 200."""

    def __init__(self):
        self.requests = []
        self.answers = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                length = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(length)
                receiver.requests.append(Reply(0, self.headers, body))
                status, headers = 200, {}
                if receiver.answers:
                    status, headers = receiver.answers.pop(0)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                      Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        self.thread = threading.Thread(target=self.server.serve_forever,
                                       kwargs={"poll_interval": 0.05})
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
