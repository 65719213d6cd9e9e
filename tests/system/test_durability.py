"""Accepted means durable: the order of the system calls, SIGKILL under load,
a disk that is full, a database that is locked, and files that no daemon may
touch."""

import concurrent.futures
import contextlib
import os
import random
import sqlite3
import subprocess
import threading
import time

import pytest

import events
import harness
import strace

RETRY_AFTER_MAX_S = 60
DISK_BYTES = 4 << 20


def person_id():
    return events.event_id()


def begun(person=None, event=None):
    """A conversation of somebody whom nobody else knows."""
    return events.sunco("conversation:create", {
        "conversation": {"id": events.event_id(), "type": "personal"},
        "creationReason": "message",
        "user": {"id": person or person_id()},
        "source": {"type": "web"}}, event)


def is_unavailable(reply):
    """A 503 as both providers need it to try again."""
    if reply.status != 503:
        return False
    assert 0 < int(reply.headers["Retry-After"]) < RETRY_AFTER_MAX_S
    return True


def accepted_again(reunite, timeout_s=harness.WAIT_S):
    """Waits until a new event is taken."""
    harness.wait_until(lambda: reunite.sunco(begun()).status == 200,
                       timeout_s, "intake to recover", pause_s=0.1)


def database(reunite):
    return os.path.join(reunite.folder, "reunite.db")


@contextlib.contextmanager
def opened(path):
    with contextlib.closing(sqlite3.connect(path, timeout=10)) as db:
        yield db


# --- the order of system calls ---

class Trace:
    """What of a trace is about events and answers."""

    def __init__(self, path):
        self.calls = strace.calls(path)
        self.log_writes = [c for c in self.calls if c.name == "pwrite64"
                           and c.path.endswith("-wal")]
        self.syncs = [c for c in self.calls
                      if c.name in ("fsync", "fdatasync") and c.result == 0
                      and c.path.endswith("-wal")]

    def answer_to(self, event):
        """The call that sent the 200 of the request with this event."""
        asked = next(c for c in self.calls
                     if c.name in ("read", "readv", "recvfrom", "recvmsg")
                     and event.encode() in c.data)
        answer = next(c for c in self.calls
                      if c.name in ("write", "writev", "sendto", "sendmsg")
                      and c.begun > asked.ended
                      and c.descriptor == asked.descriptor)
        assert b" 200 " in answer.data.split(b"\r\n")[0]
        return answer

    def written(self, event):
        """The first write of the event into the log."""
        return next(c for c in self.log_writes
                    if bytes.fromhex(event) in c.data)

    def check(self, event):
        written, answer = self.written(event), self.answer_to(event)
        between = [s for s in self.syncs
                   if written.ended < s.begun and s.ended < answer.begun]
        assert between, f"{event}: written in line {written.begun}, " \
                        f"answered in line {answer.begun}, no sync between"


def test_the_answer_leaves_after_the_sync(tmp_path, daemon):
    why_not = strace.unusable()
    if why_not:
        pytest.skip(why_not)
    path = tmp_path / "trace"
    reunite = daemon(wrapper=strace.wrapper(path),
                     environment=strace.environment())
    sent = [events.event_id() for _ in range(40)]
    replies = [reunite.sunco(begun(event=e)) for e in sent[:8]]
    with concurrent.futures.ThreadPoolExecutor(8) as clients:
        replies += clients.map(lambda e: reunite.sunco(begun(event=e)),
                               sent[8:])
    assert {r.body for r in replies} == {
        b'{"accepted":1,"duplicate":0,"ignored":0}'}
    assert reunite.stop() == 0
    trace = Trace(path)
    for event in sent:
        trace.check(event)


# --- SIGKILL under load ---

class Load:
    """Clients that send one event after the other, each until somebody has
    taken it, as the providers do."""

    CLIENTS = 4
    PAUSE_S = 0.002

    def __init__(self, reunite):
        self.reunite = reunite
        self.over = threading.Event()
        self.taken = {}  # event -> person
        self.accepted = []
        self.threads = [threading.Thread(target=self.run)
                        for _ in range(self.CLIENTS)]
        for thread in self.threads:
            thread.start()

    def run(self):
        while not self.over.is_set():
            event, person = events.event_id(), person_id()
            self.deliver(event, person, begun(person, event))

    def deliver(self, event, person, body):
        while True:
            time.sleep(self.PAUSE_S)
            try:
                reply = self.reunite.sunco(body)
            except (OSError, harness.http.client.HTTPException):
                continue  # the daemon is dead
            if reply.status != 200:
                continue
            counts = reply.json
            assert counts["accepted"] + counts["duplicate"] == 1
            if counts["accepted"]:
                self.accepted.append(event)
            self.taken[event] = person
            return

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()


def send_all_again(reunite, taken):
    """How many of them are new to the daemon."""
    new = 0
    items = list(taken.items())
    for at in range(0, len(items), 100):
        bodies = [begun(person, event)
                  for event, person in items[at:at + 100]]
        bodies[0]["events"] = [b["events"][0] for b in bodies]
        counts = reunite.sunco(bodies[0]).json
        assert counts["accepted"] + counts["duplicate"] == len(bodies)
        new += counts["accepted"]
    return new


def test_kills_under_load_lose_and_double_nothing(daemon):
    seed = int(os.environ.get("REUNITE_SEED", random.randrange(1 << 32)))
    print(f"REUNITE_SEED={seed}")
    dice = random.Random(seed)
    reunite = daemon()
    load = Load(reunite)
    for _ in range(8):
        time.sleep(dice.uniform(0.1, 0.6))
        reunite.kill()
        reunite.start()
    load.stop()
    reunite.kill()
    with opened(database(reunite)) as db:
        stored = [row[0].hex() for row in db.execute(
            "SELECT substr(key, 2) FROM events")]
        people = [row[0] for row in db.execute("SELECT person FROM jobs")]
        decided = [row[0] for row in db.execute(
            "SELECT sunco_id FROM journal")]
    print(f"{len(load.taken)} events, {len(decided)} decided by then")
    assert len(load.taken) > 100
    assert len(set(load.accepted)) == len(load.accepted)
    assert sorted(stored) == sorted(load.taken)
    assert sorted(people) == sorted(f"s:{p}" for p in load.taken.values())
    assert len(set(decided)) == len(decided)
    reunite.start()
    assert send_all_again(reunite, load.taken) == 0


# --- a disk that is full ---

@contextlib.contextmanager
def small_disk(folder):
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs",
         str(folder)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip("cannot mount a small disk: " + done.stderr.strip())
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(path):
    """Takes all that is left of the disk."""
    with open(path, "wb", buffering=0) as f:
        with contextlib.suppress(OSError):
            while True:
                f.write(bytes(4096))


def test_a_full_disk_is_told_and_gets_over(tmp_path, sandbox, daemon):
    if os.geteuid() != 0:
        pytest.skip("only root mounts a small disk")
    with small_disk(tmp_path / "disk") as disk:
        reunite = daemon(top={"store": f"sqlite:{disk}/reunite.db"})
        assert reunite.sunco(begun()).status == 200
        reunite.idle()
        fill(disk / "filler")
        taken = {}

        def send():
            event, person = events.event_id(), person_id()
            reply = reunite.sunco(begun(person, event))
            if reply.status == 200:
                taken[event] = person
            return reply

        harness.wait_until(lambda: is_unavailable(send()), what="a 503",
                           pause_s=0)
        for _ in range(20):
            assert is_unavailable(send())
        assert reunite.http.get("/healthz").status == 200
        assert reunite.admin.get("/readyz").status == 503
        assert reunite.event("store_failed")
        os.unlink(disk / "filler")
        accepted_again(reunite)
        assert reunite.admin.get("/readyz").status == 200
        assert send_all_again(reunite, taken) == 0
        reunite.idle()
        assert reunite.stop() == 0
        with opened(disk / "reunite.db") as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


# --- a database that somebody else has locked ---

@contextlib.contextmanager
def locked(path):
    with opened(path) as db:
        db.isolation_level = None
        db.execute("BEGIN IMMEDIATE")
        yield
        db.execute("ROLLBACK")


def test_a_locked_database_is_told_and_gets_over(daemon):
    reunite = daemon()
    accepted_again(reunite)
    reunite.idle()
    with concurrent.futures.ThreadPoolExecutor(1) as client:
        with locked(database(reunite)):
            first = client.submit(reunite.sunco, begun())
            # Zendesk waits twelve seconds
            assert is_unavailable(reunite.sunco(begun(), timeout_s=11))
            assert is_unavailable(first.result())
            assert reunite.http.get("/healthz").status == 200
            assert is_unavailable(reunite.sunco(begun()))
        accepted_again(reunite)
        reunite.idle()


def test_an_end_that_cannot_be_stored_is_stored_later(sandbox, daemon):
    """The database is locked while a merge is on its way."""
    reunite = daemon()
    sandbox.fault(match={"call": "merge"}, kind="delay", ms=500)
    sandbox.act("conversations", hand_off="now", zendesk="duplicate", jwt={
        "external_id": "user_greengoblin@spiderman.example",
        "email": "greengoblin@spiderman.example", "email_verified": True})
    with opened(database(reunite)) as db:
        harness.wait_until(
            lambda: db.execute("SELECT 1 FROM journal"
                               " WHERE status = 'pending'").fetchone(),
            what="the intent")
    with locked(database(reunite)):
        harness.wait_until(lambda: reunite.event("settle_failed"),
                           what="an end that cannot be stored")
    assert reunite.decided()[-1]["status"] == "done"
    assert len(sandbox.state()["merges"]) == 1
    reunite.idle()


# --- files that no daemon may touch ---

def refusal(reunite):
    """What a start says that ends at once."""
    done = subprocess.run(
        [harness.binary("reunite"), "serve", "-c", reunite.config],
        capture_output=True, text=True, timeout=harness.WAIT_S, check=False)
    assert done.returncode == 1, done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.fixture
def stopped(daemon):
    """A daemon that made a store and ended."""
    reunite = daemon()
    accepted_again(reunite)
    assert reunite.stop() == 0
    return reunite


def content(path):
    with open(path, "rb") as f:
        return f.read()


def test_rubbish_is_not_taken_for_a_database(stopped):
    with open(database(stopped), "wb") as f:
        f.write(b"not at all a database\n" * 1000)
    before = content(database(stopped))
    assert "not a database" in refusal(stopped)
    assert content(database(stopped)) == before


def test_a_truncated_database_is_refused(stopped):
    size = os.path.getsize(database(stopped))
    os.truncate(database(stopped), size // 2 // 4096 * 4096)
    assert "malformed" in refusal(stopped)


def test_a_newer_schema_is_refused(stopped):
    with opened(database(stopped)) as db:
        db.execute("UPDATE schema_version SET version = 99")
        db.commit()
    before = content(database(stopped))
    text = refusal(stopped)
    assert "newer" in text and "99" in text
    assert content(database(stopped)) == before


def test_another_programs_database_is_refused(stopped):
    os.unlink(database(stopped))
    with opened(database(stopped)) as db:
        db.execute("CREATE TABLE recipes(name TEXT)")
        db.commit()
    assert "another program" in refusal(stopped)
    with opened(database(stopped)) as db:
        assert db.execute("SELECT name FROM sqlite_master").fetchall() == [
            ("recipes",)]


def test_a_second_daemon_is_refused(daemon):
    reunite = daemon()
    assert "another process holds" in refusal(reunite)
    accepted_again(reunite)


def test_a_folder_that_is_not_there_is_told(daemon, tmp_path):
    reunite = daemon()
    assert reunite.stop() == 0
    reunite.configure({"store": f"sqlite:{tmp_path}/nowhere/reunite.db"})
    assert "nowhere" in refusal(reunite)
