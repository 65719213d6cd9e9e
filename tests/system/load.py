"""Clients that stream webhooks over connections they keep, as the providers'
senders do, and judge how each of their requests ended."""

import collections
import json
import socket
import threading
import time
import urllib.parse

import events
import harness

# what: "taken" (a whole 200), "later" (a whole 503 with Retry-After), "none"
# (not one byte of an answer). Everything else is a fault, in words.
End = collections.namedtuple("End", "what event person")


def begun(person, event):
    """A conversation of somebody whom nobody else knows."""
    return events.sunco("conversation:create", {
        "conversation": {"id": events.event_id(), "type": "personal"},
        "creationReason": "message", "user": {"id": person},
        "source": {"type": "web"}}, event)


class Connection:
    """One kept connection; knows how much of an answer came."""

    def __init__(self, url):
        address = urllib.parse.urlsplit(url)
        self.socket = socket.create_connection(
            (address.hostname, address.port), timeout=harness.WAIT_S)
        self.unread = b""
        self.used = False

    def close(self):
        self.socket.close()

    def ask(self, raw):
        """The answer's status, headers and body; None: not a byte came."""
        try:
            self.socket.sendall(raw)
        except OSError:
            pass  # what came before is still to be read
        try:
            return self.answer()
        except OSError:
            assert not self.unread, f"half an answer: {self.unread!r}"
            return None

    def more(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError
        self.unread += data

    def answer(self):
        while b"\r\n\r\n" not in self.unread:
            self.more()
        head, _, rest = self.unread.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = {k.lower(): v for k, v in
                   (line.split(": ", 1) for line in lines[1:])}
        length = int(headers.get("content-length", 0))
        while len(rest) < length:
            self.more()
            rest = self.unread.partition(b"\r\n\r\n")[2]
        self.unread = rest[length:]
        return int(lines[0].split()[1]), headers, rest[:length]


class Stream:
    """Clients that send one event after the other, each until it is taken,
    to wherever the daemon listens in its present life."""

    PAUSE_S = 0.01

    def __init__(self, reunite, clients=4, refusals=True):
        self.reunite = reunite
        self.refusals = refusals  # may a request not be taken?
        self.over = threading.Event()
        self.ends = []
        self.faults = []
        self.threads = [threading.Thread(target=self.run)
                        for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def run(self):
        try:
            while not self.over.is_set():
                self.send_all()
        except Exception as e:  # pylint: disable=broad-except
            self.faults.append(repr(e))

    def send_all(self):
        """Over one connection, until it ends."""
        try:
            connection = Connection(self.reunite.url)
        except OSError:
            assert self.refusals, "nobody listens"
            time.sleep(0.01)
            return
        try:
            while not self.over.is_set():
                time.sleep(self.PAUSE_S)
                if not self.send(connection):
                    return
        finally:
            connection.close()

    def send(self, connection):
        """True: the connection may be used again."""
        event, person = events.event_id(), events.event_id()
        body = json.dumps(begun(person, event)).encode()
        answer = connection.ask(
            b"POST /webhooks/acme/sunco HTTP/1.1\r\nHost: a.example\r\n"
            b"Content-Type: application/json\r\nX-API-Key: "
            + self.reunite.secrets["sunco_secret"].encode()
            + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        if answer is None:
            assert self.refusals, "a request without an answer"
            self.ends.append(End("none", event, person))
            return False
        return self.judge(answer, event, person)

    def judge(self, answer, event, person):
        status, headers, body = answer
        if status == 200:
            assert json.loads(body)["accepted"] == 1
            self.ends.append(End("taken", event, person))
        else:
            assert self.refusals, f"status {status}"
            assert status == 503, status
            assert 0 < int(headers["retry-after"]) < 60
            self.ends.append(End("later", event, person))
        closes = headers.get("connection") == "close"
        assert not closes or self.refusals, "the connection was closed"
        return not closes

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()
        assert not self.faults, self.faults

    def taken(self):
        return {e.event: e.person for e in self.ends if e.what == "taken"}

    def counts(self):
        return collections.Counter(e.what for e in self.ends)
