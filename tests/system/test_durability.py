"""Accepted means durable: the order of the system calls, SIGKILL under load,
a database that is locked, and files that no daemon may touch."""

import concurrent.futures
import os
import random
import threading
import time

import pytest

import events
import harness
import strace
from disks import (accepted_again, begun, database, is_unavailable, locked,
                   make_older, opened, person_id, refusal, send_all_again)


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


def traced(daemon, tmp_path, reunite=None):
    """A new daemon, or a new life of one, and the trace of its calls."""
    why_not = strace.unusable()
    if why_not:
        pytest.skip(why_not)
    path = tmp_path / "trace"
    if not reunite:
        return daemon(wrapper=strace.wrapper(path),
                      environment=strace.environment()), path
    reunite.wrapper = strace.wrapper(path)
    reunite.start(strace.environment())
    return reunite, path


def test_the_answer_leaves_after_the_sync(tmp_path, daemon):
    reunite, path = traced(daemon, tmp_path)
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


SYNCS = ("fsync", "fdatasync")


def offset(call):
    """Where in the file a call wrote."""
    return int(call.args.rsplit(",", 1)[1])


def starts_log_over(call):
    return call.path.endswith("-wal") and (
        call.name == "ftruncate" or
        call.name == "pwrite64" and offset(call) == 0)


def check_moves(calls, database_path):
    """A log starts over only when what was in it is in the database, synced;
    how often it was moved, and started over."""
    dirty, moved, over = False, 0, 0
    for call in calls:
        if call.path == database_path and call.name == "pwrite64":
            dirty, moved = True, moved + 1
        elif call.path == database_path and call.name in SYNCS:
            assert call.result == 0
            dirty = False
        elif moved and starts_log_over(call):
            over += 1
            assert not dirty, f"line {call.begun}"
    return moved, over


def test_a_log_starts_over_after_the_database_is_synced(tmp_path, daemon):
    """A removal has the log emptied."""
    reunite, path = traced(daemon, tmp_path)

    def seen():
        page = reunite.api("accounts")
        return page and page["items"][0]["last_webhook"]["sunco"]

    assert reunite.sunco(begun()).status == 200
    harness.wait_until(seen, what="what is written once a minute")
    for _ in range(3):
        person = person_id()
        assert reunite.sunco(begun(person)).status == 200
        assert reunite.sunco(events.sunco("user:remove", {
            "user": {"id": person}})).status == 200
        harness.wait_until(
            lambda: os.path.getsize(database(reunite) + "-wal") == 0,
            what="an empty log")
    assert reunite.sunco(begun()).status == 200
    assert reunite.stop() == 0
    moved, over = check_moves(strace.calls(path), database(reunite))
    assert moved and over >= 3


def test_new_files_have_their_names_synced(tmp_path, daemon):
    """The database's and the log's, before anybody is answered."""
    reunite, path = traced(daemon, tmp_path)
    event = events.event_id()
    assert reunite.sunco(begun(event=event)).status == 200
    assert reunite.stop() == 0
    trace = Trace(path)
    folder = [c for c in trace.calls
              if c.name in SYNCS and c.path == reunite.folder]
    assert all(c.result == 0 for c in folder)
    assert folder[0].begun < next(
        c.begun for c in trace.calls
        if c.path == database(reunite) and c.name == "pwrite64")
    assert any(trace.log_writes[0].ended < c.begun and
               c.ended < trace.answer_to(event).begun for c in folder)


def test_the_copy_is_on_disk_before_the_schema_changes(tmp_path, daemon):
    reunite = daemon()
    assert reunite.stop() == 0
    older = make_older(database(reunite))
    reunite, path = traced(daemon, tmp_path, reunite)
    assert reunite.stop() == 0
    calls = strace.calls(path)
    part = f"{database(reunite)}.schema-{older}.part"
    written = [c for c in calls if c.path == part and c.name == "pwrite64"]
    synced = next(c for c in calls if c.path == part and c.name in SYNCS
                  and c.begun > written[-1].ended)
    (named,) = [c for c in calls if c.name == "rename" and c.begun >
                synced.ended]
    folder = next(c for c in calls if c.name in SYNCS
                  and c.path == reunite.folder and c.begun > named.ended)
    change = next(c for c in calls if c.path.endswith("-wal")
                  and c.name == "pwrite64")
    assert synced.result == named.result == folder.result == 0
    assert folder.ended < change.begun


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
    harness.wait_until(lambda: len(load.taken) > 100, what="a load")
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


# --- a database that somebody else has locked ---

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
    sandbox.fault(match={"call": "merge"}, kind="delay", ms=3000)
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
