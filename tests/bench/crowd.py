"""Who is served by what crowd.c makes up: a daemon whose log is read as it
comes, the upstream that knows these people by number, and the webhooks that
they cause."""

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import lab as labs
import measure

ACCOUNT = "bench0"


def sunco_user(n):
    return {"id": f"6b2e4d6f8a0c{n:012x}",
            "zendeskId": str(messaging_user(n)), "authenticated": True,
            "identities": [{"type": "email", "value": address(n),
                            "verification": "sso"}],
            "profile": {"givenName": "Person", "surname": f"No{n}",
                        "locale": "en-US"}}


def now_us():
    return time.clock_gettime(time.CLOCK_MONOTONIC) * 1e6


def address(n):
    return f"p{n}@crowd.example"


def messaging_user(n):
    return 30000000000000 + 2 * n


def profile(n):
    return messaging_user(n) + 1


def webhook(n, kind="conversation:create"):
    return json.dumps(labs.events.sunco(kind, {
        "conversation": {"id": labs.events.event_id(), "type": "personal"},
        "creationReason": "message", "user": sunco_user(n),
        "source": {"type": "web"}}))


def people(numbers):
    """For the sandbox, as they are before anybody merged them."""
    users = []
    for n in numbers:
        users += [
            {"id": messaging_user(n), "name": f"Person No{n}", "identities": [
                {"type": "messaging", "value": sunco_user(n)["id"],
                 "verified": True, "primary": True}]},
            {"id": profile(n), "name": f"Person No{n}", "identities": [
                {"type": "email", "value": address(n), "verified": True,
                 "verification_method": "full", "primary": True}]}]
    return {"users": users, "sunco_users": [sunco_user(n) for n in numbers]}


class Upstream:
    """bench_upstream; every call takes so long."""

    def __init__(self, lab, delay_ms=0):
        self.process = subprocess.Popen(
            [lab.program("tests/bench/bench_upstream"), str(delay_ms)],
            stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"
        self.door = http.client.HTTPConnection(self.url[len("http://"):])

    def settings(self):
        return {**labs.NOWHERE, "zendesk": self.url, "sunco": self.url + "/sc"}

    def log(self):
        """What was called since it was asked last."""
        self.door.request("GET", "/log")
        return json.loads(self.door.getresponse().read())

    def close(self):
        self.door.close()
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


class Daemon:
    """One `reunite serve` with one account over a store in that folder."""

    def __init__(self, lab, folder, settings):
        config = os.path.join(folder, "reunite.conf")
        with open(config, "w", encoding="utf-8") as f:
            f.write(labs.TOP.format(store=f"sqlite:{folder}/bench.db"))
            f.write(labs.ACCOUNT.format(name=ACCOUNT, key=labs.KEY,
                                        secret=labs.SECRET, **settings))
        begun = time.monotonic()
        self.process = subprocess.Popen(
            [lab.program("reunite"), "serve", "-c", config],
            stderr=subprocess.PIPE, text=True)
        self.pid = self.process.pid
        self.rest = None
        listens = self.wait_for("listening")
        self.admin_port = listens["admin_port"]
        self.door = socket.create_connection(("127.0.0.1", listens["port"]))
        self.post(0, "conversation:typing")
        self.start_ms = (time.monotonic() - begun) * 1000

    def wait_for(self, event):
        while True:
            line = self.process.stderr.readline()
            assert line, "the daemon is gone"
            if f'"event":"{event}"' in line:
                return json.loads(line)

    def skip_log(self):
        """From now on nobody wants to know."""
        self.rest = self.rest or subprocess.Popen(
            ["cat"], stdin=self.process.stderr, stdout=subprocess.DEVNULL)

    def post(self, n, kind="conversation:create"):
        """Sends what is ready; when its first byte went (monotonic, us)."""
        body = webhook(n, kind)
        request = (f"POST /webhooks/{ACCOUNT}/sunco HTTP/1.1\r\n"
                   f"Host: bench\r\nX-API-Key: {labs.KEY}\r\n"
                   "Content-Type: application/json\r\n"
                   f"Content-Length: {len(body)}\r\n\r\n{body}").encode()
        begun = now_us()
        self.door.sendall(request)
        answer = self.door.recv(4096)
        assert answer.startswith(b"HTTP/1.1 200 "), answer
        return begun

    def metric(self, name):
        """The sum of its series."""
        door = http.client.HTTPConnection("127.0.0.1", self.admin_port)
        door.request("GET", "/metrics")
        text = door.getresponse().read().decode()
        door.close()
        return int(sum(map(float, re.findall(
            rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.M))))

    def decided(self):
        return self.metric("reunite_decisions_total")

    def commits(self):
        return self.metric("reunite_store_commit_seconds_count")

    def written(self):
        """Bytes that went to the page cache for a disk."""
        with open(f"/proc/{self.pid}/io", encoding="ascii") as f:
            return int(re.search(r"^write_bytes: (\d+)", f.read(), re.M)[1])

    def cpu_s(self):
        return measure.cpu_seconds(self.pid)

    def close(self):
        self.door.close()
        self.process.send_signal(signal.SIGTERM)
        self.skip_log()
        self.process.wait()
        self.rest.wait()
        self.process.stderr.close()


@contextlib.contextmanager
def serving(lab, settings, store=None):
    """Over an empty store, or a copy of that one."""
    folder = lab.new_folder("serving")
    if store:
        shutil.copyfile(store, os.path.join(folder, "bench.db"))
    daemon = Daemon(lab, folder, settings)
    try:
        yield daemon
    finally:
        daemon.close()
        shutil.rmtree(folder)


@contextlib.contextmanager
def upstream(lab, delay_ms=0):
    one = Upstream(lab, delay_ms)
    try:
        yield one
    finally:
        one.close()


def backlog(lab, count):
    """A store in which so many jobs wait; made once."""
    path = os.path.join(lab.folder, f"backlog-{count}.db")
    if not os.path.exists(path):
        lab.say(f"a backlog of {count:,}")
        subprocess.run([lab.program("tests/bench/bench_backlog"),
                        "sqlite:" + path, ACCOUNT, str(count)], check=True,
                       stderr=subprocess.DEVNULL)
        os.remove(path + ".lock")
    return path
