"""A disk that is full or fails, and a database that goes or breaks: told with
503, nothing accepted is lost, and it goes on by itself when the cause is
over."""

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess

import pytest

import harness
import rounds
from daemon import fast_clock
from disks import (BadDisk, Sender, accepted_again, begun, database,
                   is_unavailable, locked, make_older, opened, refusal,
                   send_all_again, small_disk)


def is_sound(path):
    with opened(path) as db:
        return db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def ready(reunite):
    return reunite.admin.get("/readyz").status == 200


def idle(reunite):
    """Where a command could not see the store."""
    harness.wait_until(lambda: not reunite.metric(
        "reunite_jobs", state="ready") + reunite.metric(
            "reunite_jobs", state="running"), what="an idle queue")


@contextlib.contextmanager
def read_for_long(path):
    """Nothing in the log can be let go meanwhile."""
    with opened(path) as db:
        db.isolation_level = None
        db.execute("BEGIN")
        db.execute("SELECT count(*) FROM events").fetchone()
        yield
        db.execute("ROLLBACK")


@contextlib.contextmanager
def log_at_its_end(reunite, sender, path=None):
    """No commit finds room in the blocks that the log's file has already, not
    even a small one."""
    path = path or database(reunite)
    with read_for_long(path):
        size = os.path.getsize(path + "-wal")
        harness.wait_until(
            lambda: sender.send().status == 200 and
            os.path.getsize(path + "-wal") > size, what="a longer log",
            pause_s=0)
        idle(reunite)
        yield


def until_intended(reunite):
    with opened(database(reunite)) as db:
        harness.wait_until(
            lambda: db.execute("SELECT 1 FROM journal"
                               " WHERE status = 'pending'").fetchone(),
            what="the intent")


def fails_and_gets_over(reunite, sender, heal):
    """Refuses everything while it lasts; afterwards all come through once."""
    harness.wait_until(lambda: is_unavailable(sender.send()), what="a 503",
                       pause_s=0)
    for _ in range(20):
        assert is_unavailable(sender.send())
    assert reunite.http.get("/healthz").status == 200
    assert not ready(reunite)
    assert len(reunite.events("store_failed")) == 1
    heal()
    accepted_again(reunite)
    assert ready(reunite)
    assert len(reunite.events("store_works")) == 1
    sender.taken_again()


# --- full ---

def test_a_full_disk_is_told_and_gets_over(tmp_path, sandbox, daemon):
    with small_disk(tmp_path / "disk") as disk:
        if disk.why_not:
            pytest.skip("no small disk here: " + disk.why_not)
        reunite = daemon(top={"store": f"sqlite:{disk.folder}/reunite.db"},
                         wrapper=disk.wrapper)
        sender = Sender(reunite)
        # what another mount namespace has cannot be opened from here
        with log_at_its_end(reunite, sender, disk.folder + "/reunite.db") \
                if disk.mounted else contextlib.nullcontext():
            disk.fill(reunite)
            fails_and_gets_over(reunite, sender,
                                lambda: disk.make_room(reunite))
        idle(reunite)
        assert reunite.stop() == 0
        assert disk.wrapper or is_sound(disk.folder + "/reunite.db")


def test_a_limit_on_files_is_like_a_full_disk(daemon):
    """Without a signal that ends it."""
    if not shutil.which("prlimit"):
        pytest.skip("no prlimit")
    reunite = daemon()
    sender = Sender(reunite)

    def limit(size):
        subprocess.run(["prlimit", "--pid", str(reunite.process.pid),
                        f"--fsize={size}:"], check=True)

    with log_at_its_end(reunite, sender):
        limit(os.path.getsize(database(reunite) + "-wal"))
        fails_and_gets_over(reunite, sender, lambda: limit("unlimited"))


@pytest.fixture
def bad_disk(tmp_path):
    return BadDisk(tmp_path)


@pytest.mark.parametrize("what", ["full", "write", "sync"])
def test_what_fails_is_told_and_gets_over(daemon, bad_disk, what):
    """A sync that failed is followed by no 200, although what it was for can
    be synced again."""
    reunite = daemon(environment=bad_disk.environment)
    sender = Sender(reunite)
    with log_at_its_end(reunite, sender):
        bad_disk.fail(what)
        fails_and_gets_over(reunite, sender, bad_disk.heal)
    reunite.idle()
    assert reunite.stop() == 0
    assert is_sound(database(reunite))


def test_a_database_that_cannot_grow_still_accepts(daemon, bad_disk):
    """The log is written, but cannot be moved."""
    reunite = daemon(environment=bad_disk.environment)
    sender = Sender(reunite)
    with bad_disk.failing("full", "reunite.db"):
        for _ in range(40):
            assert sender.send().status == 200
        harness.wait_until(lambda: reunite.event("store_checkpoint_failed"),
                           what="a checkpoint that fails")
        assert sender.send().status == 200
    sender.taken_again()
    reunite.kill()
    reunite.start()
    sender.taken_again()


def test_an_end_that_has_no_room_is_stored_later(sandbox, daemon, bad_disk):
    """The disk is full when the merge has been made."""
    reunite = daemon(environment=bad_disk.environment)
    sandbox.fault(match={"call": "merge"}, kind="delay", ms=2000)
    with log_at_its_end(reunite, Sender(reunite)):
        rounds.begin(sandbox, rounds.GOBLIN)
        until_intended(reunite)
        with bad_disk.failing("full"):
            harness.wait_until(lambda: sandbox.state()["merges"],
                               what="the merge")
            harness.wait_until(lambda: reunite.event("store_failed"),
                               what="an end that cannot be stored")
            # whoever comes meanwhile is not begun
            assert is_unavailable(reunite.sunco(begun()))
    reunite.decided_as("merge")
    assert len(sandbox.state()["merges"]) == 1
    reunite.idle()
    assert reunite.command("queue", "check").stdout == "the store is sound\n"


# --- older schemas ---

def schema(path):
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro",
                                            uri=True)) as db:
        return db.execute("SELECT version FROM schema_version").fetchone()[0]


@pytest.mark.parametrize("what,ending", [
    ("full", ".part"), ("sync", ".part"), ("write", ".part"),
    ("full", "reunite.db-wal"), ("sync", "reunite.db-wal")])
def test_an_upgrade_without_room_changes_nothing(daemon, bad_disk, what,
                                                 ending):
    """Neither the copy nor the new schema: it says so and ends."""
    reunite = daemon()
    sender = Sender(reunite)
    assert sender.send().status == 200
    assert reunite.stop() == 0
    newest = schema(database(reunite))
    older = make_older(database(reunite))
    assert older == newest - 1
    bad_disk.fail(what, ending)
    said = refusal(reunite, environment=bad_disk.environment)
    assert any(word in said for word in (
        "disk is full", "disk I/O error", "Input/output error")), said
    copy = f"{database(reunite)}.schema-{older}"
    assert schema(database(reunite)) == older
    assert not os.path.exists(copy + ".part")
    bad_disk.heal()
    reunite.start()
    assert schema(database(reunite)) == newest
    assert schema(copy) == older and is_sound(copy)
    assert os.stat(copy).st_mode & 0o777 == 0o600
    assert send_all_again(reunite, sender.taken) == 0


# --- retention ---

EXPIRED = 1200


def plant_expired(path, count):
    with opened(path) as db:
        db.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1"
                   " FROM n WHERE i < ?) INSERT INTO events"
                   " SELECT 1, randomblob(13), i, 0 FROM n", (count,))
        db.commit()


def expired(path):
    with opened(path) as db:
        return db.execute("SELECT count(*) FROM events"
                          " WHERE received_ms <= ?", (EXPIRED,)).fetchone()[0]


@pytest.fixture
def backlog(daemon):
    """A stopped daemon with much that is over."""
    reunite = daemon(top={"log_level": "debug"})
    accepted_again(reunite)
    reunite.idle()
    assert reunite.stop() == 0
    plant_expired(database(reunite), EXPIRED)
    return reunite


def test_retention_waits_for_the_disk_and_nobody_waits_for_it(backlog,
                                                              bad_disk):
    reunite = backlog
    reunite.start(bad_disk.with_clock(2))
    accepted_again(reunite)  # so it knows what time it is
    bad_disk.fail("write")  # the first look is after some seconds
    harness.wait_until(lambda: reunite.event("prune_failed"),
                       what="retention that fails")
    assert expired(database(reunite)) == EXPIRED
    assert reunite.stop() == 0
    bad_disk.heal()
    reunite.start(bad_disk.with_clock(2))
    sender, seen = Sender(reunite), []
    while expired(database(reunite)):
        assert sender.send().status == 200
        seen.append(expired(database(reunite)))
    assert seen == sorted(seen, reverse=True)
    sender.taken_again()
    assert reunite.stop() == 0
    batches = [e["rows"] for e in reunite.events("pruned")]
    assert sum(batches) == EXPIRED and max(batches) <= 500


def test_batches_of_retention_that_take_long_get_smaller(backlog):
    """By a clock that runs that fast every one of them does."""
    def batches():
        return [e["rows"] for e in backlog.events("pruned")]

    backlog.start(fast_clock(100))
    harness.wait_until(lambda: sum(batches()) >= EXPIRED,
                       what="the backlog to go")
    assert backlog.stop() == 0
    assert sum(batches()) == EXPIRED and min(batches()[:-1]) < 100


# --- locked, read for long ---

def test_whoever_reads_for_long_is_seen(daemon):
    reunite = daemon()
    accepted_again(reunite)
    with read_for_long(database(reunite)):
        for _ in range(20):
            accepted_again(reunite)
        harness.wait_until(
            lambda: reunite.metric("reunite_store_log_bytes") > 0,
            what="a log that cannot be moved")
    harness.wait_until(
        lambda: reunite.metric("reunite_store_log_bytes") == 0,
        what="the log to be moved")


def test_a_lock_longer_than_a_lease_merges_once(sandbox, daemon):
    """A minute and more of the daemon's time, in the middle of a merge: it
    waits for a lock by our clock."""
    reunite = daemon(fast=30)
    sandbox.fault(match={"call": "merge"}, kind="delay", ms=500)
    rounds.trigger(reunite, rounds.begin(sandbox, rounds.GOBLIN, []))
    until_intended(reunite)
    with locked(database(reunite), "EXCLUSIVE"):
        harness.wait_until(lambda: reunite.event("settle_failed"),
                           what="an end that cannot be stored")
    assert reunite.decided()[-1]["status"] == "done"
    assert len(sandbox.state()["merges"]) == 1
    reunite.idle()


# --- gone, broken ---

def test_a_database_that_is_deleted_is_saved(daemon):
    reunite = daemon(top={"drain_timeout": "1s"})
    sender = Sender(reunite)
    for _ in range(20):
        assert sender.send().status == 200
    for ending in ("", "-wal", "-shm"):
        os.unlink(database(reunite) + ending)
    harness.wait_until(lambda: not ready(reunite), what="it to be seen")
    assert is_unavailable(sender.send())
    gone = reunite.event("store_gone")
    assert reunite.http.get("/healthz").status == 200
    assert reunite.stop() == 0
    assert "there was a store" in refusal(reunite)
    os.rename(gone["saved_as"], database(reunite))
    reunite.start()
    sender.taken_again()


def test_a_database_that_is_put_back_goes_on(daemon):
    reunite = daemon()
    sender = Sender(reunite)
    assert sender.send().status == 200
    reunite.idle()
    os.rename(database(reunite), database(reunite) + ".away")
    harness.wait_until(lambda: not ready(reunite), what="it to be seen")
    os.rename(database(reunite) + ".away", database(reunite))
    accepted_again(reunite)
    sender.taken_again()


def test_a_copy_laid_over_it_is_not_spoilt(daemon):
    """Somebody goes back to a backup under the daemon."""
    reunite = daemon()
    sender = Sender(reunite)
    assert sender.send().status == 200
    reunite.idle()
    with opened(database(reunite)) as db:
        db.execute("VACUUM INTO ?", (database(reunite) + ".backup",))
    lost = Sender(reunite)
    assert lost.send().status == 200
    os.rename(database(reunite) + ".backup", database(reunite))
    harness.wait_until(lambda: not ready(reunite), what="it to be seen")
    reunite.kill()
    reunite.start()
    sender.taken_again()
    assert is_sound(database(reunite))
    assert send_all_again(reunite, lost.taken) == 1  # the backup is older
    with opened(reunite.event("store_gone")["saved_as"]) as db:
        assert db.execute("SELECT count(*) FROM events").fetchone() == (2,)


def test_a_database_that_breaks_is_not_written_any_more(daemon):
    reunite = daemon()
    for _ in range(5):
        accepted_again(reunite)
    reunite.idle()
    assert reunite.stop() == 0
    with opened(database(reunite)) as db:
        root = db.execute("SELECT rootpage FROM sqlite_master"
                          " WHERE name = 'events'").fetchone()[0]
    reunite.start()
    with open(database(reunite), "r+b") as f:
        f.seek((root - 1) * 4096)
        f.write(b"\xff" * 4096)
    reunite.command("queue", "pause")  # it reads anew what others may change
    harness.wait_until(lambda: is_unavailable(reunite.sunco(begun())),
                       what="a 503", pause_s=0)
    assert "queue check" in reunite.event("store_failed")["error"]
    said = reunite.admin.get("/readyz")
    assert said.status == 503 and said.json["store"] == "failing"
    assert "queue check" in said.json["store_error"]
    assert is_unavailable(reunite.sunco(begun()))
    assert reunite.http.get("/healthz").status == 200
    assert reunite.command("queue", "check", check=False).returncode == 1
    assert reunite.stop() == 0
    assert "damaged" in refusal(reunite) or "malformed" in refusal(reunite)


def test_a_new_store_is_told_loudly(daemon):
    """A path that was mistyped looks like the first start."""
    reunite = daemon()
    (made,) = reunite.events("store_created")
    assert made["file"] == database(reunite) and made["level"] == "warn"
    assert reunite.stop() == 0
    os.truncate(database(reunite) + ".lock", 0)  # of an earlier version
    reunite.start()
    assert len(reunite.events("store_created")) == 1
    assert os.path.getsize(database(reunite) + ".lock") > 0


def test_a_log_that_grew_is_told(stopped):
    with open(database(stopped) + "-wal", "wb") as f:
        f.truncate(100 << 20)
    done = stopped.command("doctor", "--json", check=False)
    (finding,) = [f for f in map(json.loads, done.stdout.splitlines())
                  if f["check"] == "log"]
    assert finding["level"] == "warning" and "100 MiB" in finding["finding"]


# --- refusals to start ---

UNPRIVILEGED = ["setpriv", "--bounding-set",
                "-dac_override,-dac_read_search"]


@pytest.fixture
def stopped(daemon):
    """A daemon that made a store and ended."""
    reunite = daemon()
    accepted_again(reunite)
    assert reunite.stop() == 0
    return reunite


def as_anybody():
    if os.geteuid() != 0:
        return []
    if not shutil.which("setpriv"):
        pytest.skip("root may read everything, and there is no setpriv")
    return UNPRIVILEGED


def test_a_file_without_rights_is_told(stopped):
    os.chmod(database(stopped), 0o400)
    said = refusal(stopped, as_anybody())
    assert database(stopped) in said and "Permission denied" in said
    os.chmod(database(stopped), 0o600)
    os.unlink(database(stopped) + ".lock")
    os.chmod(stopped.folder, 0o500)
    try:
        said = refusal(stopped, as_anybody())
        assert "cannot open" in said and "Permission denied" in said
    finally:
        os.chmod(stopped.folder, 0o700)


def test_a_disk_that_is_read_only_is_told(tmp_path, stopped):
    with small_disk(tmp_path / "disk") as disk:
        if not disk.mounted:
            pytest.skip("only root mounts a disk read-only")
        shutil.copy(database(stopped), disk.folder)
        os.system(f"mount -o remount,ro {disk.folder}")
        stopped.configure({"store": f"sqlite:{disk.folder}/reunite.db"})
        assert "Read-only file system" in refusal(stopped)


def test_what_is_gone_is_not_replaced(stopped):
    os.rename(database(stopped), database(stopped) + ".away")
    said = refusal(stopped)
    assert "there was a store" in said and ".lock" in said
    assert not os.path.exists(database(stopped))
    open(database(stopped), "w", encoding="ascii").close()
    assert "there was a store" in refusal(stopped)
    assert os.path.getsize(database(stopped)) == 0
    os.rename(database(stopped) + ".away", database(stopped))
    stopped.start()
    accepted_again(stopped)


def test_damage_is_told_with_what_to_do(stopped):
    for at, size in ((0, 100), (4096 * 3, 4096)):
        before = open(database(stopped), "rb").read()
        with open(database(stopped), "r+b") as f:
            f.seek(at)
            f.write(b"\xa5" * size)
        said = refusal(stopped)
        assert "go back to a copy" in said, said
        assert stopped.command("queue", "check", check=False).returncode == 1
        with open(database(stopped), "wb") as f:
            f.write(before)
    stopped.start()
    accepted_again(stopped)
