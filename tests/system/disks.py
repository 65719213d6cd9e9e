"""Disks that are small, and disks that fail; what intake says meanwhile."""

import contextlib
import os
import re
import sqlite3
import subprocess

import events
import harness
import rounds
from daemon import fast_clock

RETRY_AFTER_MAX_S = 60


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


def send_all_again(reunite, taken, patient=True):
    """How many of them are new to the daemon. Patient: a 503 is tried again,
    though some of them may have been stored then."""
    new = 0
    items = list(taken.items())
    for at in range(0, len(items), 100):
        bodies = [begun(person, event)
                  for event, person in items[at:at + 100]]
        bodies[0]["events"] = [b["events"][0] for b in bodies]

        def send(body=bodies[0]):
            return reunite.sunco(body)

        counts = (rounds.taken(send) if patient else send()).json
        assert counts["accepted"] + counts["duplicate"] == len(bodies)
        new += counts["accepted"]
    return new


class Sender:
    """Sends events, and knows which were taken and which have to come
    again."""

    def __init__(self, reunite):
        self.reunite = reunite
        self.taken = {}  # event -> person
        self.refused = {}

    def send(self):
        event, person = events.event_id(), person_id()
        reply = self.reunite.sunco(begun(person, event))
        assert reply.status == 200 or is_unavailable(reply)
        (self.taken if reply.status == 200 else self.refused)[event] = person
        return reply

    def taken_again(self):
        """Everybody who was refused comes once more; nobody was lost or
        comes twice."""
        assert send_all_again(self.reunite, self.taken) == 0
        accepted = send_all_again(self.reunite, self.refused, patient=False)
        assert accepted == len(self.refused)
        assert send_all_again(self.reunite, self.refused) == 0


def database(reunite):
    return os.path.join(reunite.folder, "reunite.db")


@contextlib.contextmanager
def opened(path):
    with contextlib.closing(sqlite3.connect(path, timeout=10)) as db:
        yield db


@contextlib.contextmanager
def locked(path, how="IMMEDIATE"):
    with opened(path) as db:
        db.isolation_level = None
        db.execute("BEGIN " + how)
        yield
        db.execute("ROLLBACK")


def undone(statement, before):
    """What takes back one statement of a schema step, indexes first; before:
    the statements of earlier ones."""
    for rank, (pattern, undo) in enumerate((
            (r"CREATE (?:UNIQUE )?INDEX (\w+)", "DROP INDEX {}"),
            (r"ALTER TABLE (\w+) ADD COLUMN (\w+)",
             "ALTER TABLE {} DROP COLUMN {}"),
            (r"CREATE TABLE (\w+)", "DROP TABLE {}"))):
        found = re.match(pattern, statement)
        if found:
            return rank, undo.format(*found.groups())
    found = re.match(r"DROP INDEX (\w+)", statement)
    return found and (0, next(s for s in before if re.match(
        rf"CREATE (?:UNIQUE )?INDEX {found.group(1)}\b", s)))


def make_older(path):
    """Takes back the newest step of the schema (src/store/migrate.c); the
    number of what is left."""
    source = os.path.join(os.environ["REUNITE_SOURCE"],
                          "src/store/migrate.c")
    with open(source, encoding="utf-8") as f:
        text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
    steps = re.findall(r"step_(\d+)\[\] = \{(.*?)NULL,\n\};", text, re.S)
    steps = {int(n): ["".join(re.findall(r'"([^"]*)"', s))
                      for s in body.split(",\n")] for n, body in steps}
    number = max(steps)
    before = [s for n in steps if n < number for s in steps[n]]
    undo = sorted(u for s in steps[number] if (u := undone(s, before)))
    with opened(path) as db:
        for _, statement in undo:
            db.execute(statement)
        db.execute("UPDATE schema_version SET version = ?", (number - 1,))
        db.commit()
    return number - 1


class BadDisk:
    """What goes wrong with a daemon's files (bad_disk.c)."""

    def __init__(self, folder):
        self.orders = os.path.join(str(folder), "bad-disk")

    @property
    def environment(self):
        asan = os.environ.get("ASAN_OPTIONS", "")
        return {"LD_PRELOAD": harness.binary("libbad_disk.so"),
                "BAD_DISK": self.orders,
                "ASAN_OPTIONS": asan + ":verify_asan_link_order=0"}

    def with_clock(self, speed):
        """The same, in a program whose clock runs so much faster."""
        both = {**fast_clock(speed), **self.environment}
        both["LD_PRELOAD"] += ":" + harness.binary("libfast_clock.so")
        return both

    def fail(self, what, ending="reunite.db-wal"):
        """At once and as a whole."""
        with open(self.orders + ".new", "w", encoding="ascii") as f:
            f.write(f"{what} {ending}")
        os.rename(self.orders + ".new", self.orders)

    def heal(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.orders)

    @contextlib.contextmanager
    def failing(self, what, ending="reunite.db-wal"):
        self.fail(what, ending)
        try:
            yield
        finally:
            self.heal()


class SmallDisk:
    """A file system of some MiB at `folder`. Root mounts it; anybody else
    does in a user namespace of the daemon's own (`wrapper`), and reaches it
    through the daemon."""

    BYTES = 4 << 20

    def __init__(self, folder):
        self.folder = str(folder)
        os.mkdir(self.folder)
        self.wrapper = []
        self.mounted = False
        mount = ["mount", "-t", "tmpfs", "-o", f"size={self.BYTES}", "tmpfs",
                 self.folder]
        self.why_not = None
        done = subprocess.run(mount, capture_output=True, text=True,
                              check=False)
        if done.returncode == 0:
            self.mounted = True
            return
        self.wrapper = ["unshare", "--user", "--map-root-user", "--mount",
                        "sh", "-c", 'mount -t tmpfs -o size=$0 tmpfs "$1" &&'
                        ' shift && exec "$@"', str(self.BYTES), self.folder]
        done = subprocess.run([*self.wrapper, "true"], capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:
            self.why_not = done.stderr.strip() or "unshare fails"

    def path(self, reunite):
        """Where it is for us."""
        return self.folder if self.mounted else \
            f"/proc/{reunite.process.pid}/root{self.folder}"

    def fill(self, reunite):
        """Takes all that is left."""
        with open(self.path(reunite) + "/filler", "wb", buffering=0) as f:
            with contextlib.suppress(OSError):
                while True:
                    f.write(bytes(4096))

    def make_room(self, reunite):
        os.unlink(self.path(reunite) + "/filler")

    def close(self):
        if self.mounted:
            subprocess.run(["umount", "--lazy", self.folder], check=True)


@contextlib.contextmanager
def small_disk(folder):
    disk = SmallDisk(folder)
    try:
        yield disk
    finally:
        disk.close()


def refusal(reunite, wrapper=(), environment=None):
    """What a start says that ends at once."""
    done = subprocess.run(
        [*wrapper, harness.binary("reunite"), "serve", "-c", reunite.config],
        capture_output=True, text=True, timeout=harness.WAIT_S, check=False,
        env={**os.environ, **(environment or {})})
    assert done.returncode == 1, done.stderr
    (line,) = [line for line in done.stderr.splitlines()
               if not line.startswith("{")]
    return line
