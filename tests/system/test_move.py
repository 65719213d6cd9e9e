"""A store is moved to another database, and saved while it is served: work
goes on there as if the daemon had only been started anew."""

import contextlib
import json
import os
import sqlite3
import stat
import subprocess

import crashes
import harness
import load
import pytest
import rounds

VERA = rounds.jwt("Vera Visitor", "vera@people.example")
GWEN = rounds.jwt("Gwen Guest", "gwen@people.example")
RUTH = rounds.jwt("Ruth Rival", "ruth@people.example")
TYPED = "tom@people.example"


def reunite_command(*argv, check=True, **environment):
    done = subprocess.run(
        [harness.binary("reunite"), *argv], capture_output=True, text=True,
        timeout=60, check=False, env={**os.environ, **environment})
    if check:
        assert done.returncode == 0, (argv, done.stderr)
    return done


def copy(source, target, **kwargs):
    return reunite_command("store", "copy", "--from", source, "--to", target,
                           "--json", **kwargs)


def moved_to(reunite, url, **account):
    """It serves the copy from now on."""
    reunite.configure(top={"store": url}, **account)
    reunite.start()


def sqlite_url(reunite):
    return f"sqlite:{reunite.folder}/reunite.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request, tmp_path, cluster):
    """Where a store may be copied to."""
    if request.param == "sqlite":
        return f"sqlite:{tmp_path}/moved.db"
    return cluster.url(cluster.database())


class Work:
    """Somebody known, a conversation that waits, a question, and a merge that
    was sent and whose answer never came: the daemon is dead by then."""

    def __init__(self, sandbox, reunite):
        self.owners = {name: rounds.profile(sandbox, name, email)
                       for name, email in (
                           ("Vera Visitor", VERA["email"]),
                           ("Gwen Guest", GWEN["email"]),
                           ("Ruth Rival", RUTH["email"]),
                           ("Tom Typed", TYPED))}
        self.known = rounds.begin(sandbox, VERA, ["sunco", "trigger"])
        reunite.decided_as("merge")
        self.waits = rounds.begin(sandbox, GWEN, ["sunco"], hand_off="later")
        self.asked = rounds.typed(sandbox, TYPED, "Tom Typed")
        self.review = harness.wait_until(reunite.reviews,
                                         what="a review")[0]
        sandbox.fault(kind="delay", ms=1000, match={"call": "merge"})
        self.cut_off = rounds.begin(sandbox, RUTH)
        harness.wait_until(
            lambda: [f for f in sandbox.control("GET", "faults")["faults"]
                     if f["hits"]], what="the merge")
        reunite.kill()
        self.requests = len(rounds.requests(sandbox))

    def goes_on(self, sandbox, reunite):
        ruth = harness.wait_until(
            lambda: next((e for e in reunite.journal()
                          if e["profile_id"] == self.owners["Ruth Rival"] and
                          e["status"] == "done"), None),
            what="the end of the merge")
        assert ruth["action"] == "merge"
        reunite.command("review", "approve", str(self.review["id"]))
        rounds.accepted(sandbox.act(
            "hand-offs", conversation_id=self.waits["conversation_id"],
            zendesk="duplicate"))
        pairs = [(who["zendesk_user_id"], self.owners[name])
                 for name, who in (("Vera Visitor", self.known),
                                   ("Ruth Rival", self.cut_off),
                                   ("Tom Typed", self.asked))]
        gwen = self.owners["Gwen Guest"]
        harness.wait_until(
            lambda: len(rounds.merges(sandbox)) == len(pairs) + 1,
            what="the other merges")
        reunite.idle()
        merges = rounds.merges(sandbox)
        assert len([into for _, into in merges if into == gwen]) == 1
        assert sorted(m for m in merges if m[1] != gwen) == sorted(pairs)

    def is_known(self, sandbox, reunite):
        """Another conversation of somebody who was linked before the move:
        nobody asks about them."""
        again = rounds.accepted(sandbox.act("conversations", jwt=VERA,
                                            hand_off="now"))
        assert again["sunco_user_id"] == self.known["sunco_user_id"]
        reunite.idle()
        since = rounds.requests(sandbox)[self.requests:]
        assert again["zendesk_user_id"] not in [r["id"] for r in since]


def test_work_goes_on_in_the_copy(sandbox, daemon, target):
    settings = {"link_evidence": "verified"}
    reunite = daemon(**settings)
    work = Work(sandbox, reunite)
    told = [json.loads(line) for line in
            copy(sqlite_url(reunite), target).stdout.splitlines()]
    rows = {t["table"]: t["rows"] for t in told if "table" in t}
    assert rows["accounts"] == 1 and rows["reviews"] == 1
    assert told[-1]["verified"] and told[-1]["rows"] == sum(rows.values())
    moved_to(reunite, target, **settings)
    work.is_known(sandbox, reunite)
    work.goes_on(sandbox, reunite)
    done = reunite.command("queue", "check", check=False)
    assert done.returncode == 0, done.stdout


def test_it_goes_on_from_postgresql_too(sandbox, daemon, cluster):
    name = cluster.database()
    source = cluster.url(name)
    reunite = daemon(top={"store": source})
    work = Work(sandbox, reunite)
    back = sqlite_url(reunite)
    done = copy(source, back, check=False)
    assert done.returncode == 1 and "one that died" in done.stderr
    cluster.sql("UPDATE nodes SET until_ms = 0", name)  # as after a while
    copied = copy(source, back)
    assert json.loads(copied.stdout.splitlines()[-1])["verified"]
    moved_to(reunite, back)
    work.is_known(sandbox, reunite)
    work.goes_on(sandbox, reunite)


# --- what nobody may use ---


def test_a_store_that_is_served_is_not_copied(daemon, cluster, tmp_path):
    for number, url in enumerate(
            (None, cluster.url(cluster.database()))):
        reunite = daemon(**({"top": {"store": url}} if url else {}))
        harness.wait_until(lambda: reunite.metric("reunite_nodes"),
                           what="the first beat")
        done = copy(url or sqlite_url(reunite),
                    f"sqlite:{tmp_path}/no{number}.db", check=False)
        assert done.returncode == 1, done.stderr
        assert "serve" in done.stderr or "another process" in done.stderr
        assert done.stdout == ""
        assert not os.path.exists(f"{tmp_path}/no{number}.db")


@pytest.mark.skipif(not crashes.points_built(),
                    reason="built without crash points")
def test_killed_at_every_commit_it_goes_on(sandbox, daemon, target):
    reunite = daemon()
    rounds.begin(sandbox, VERA)
    reunite.decided()
    assert reunite.stop() == 0
    point = 0
    for point in range(1, 200):
        at = ("copy_before_commit", "copy_after_commit")[point % 2]
        done = copy(sqlite_url(reunite), target, check=False,
                    REUNITE_CRASH_AT=f"{at}:{1 + point // 4}")
        if done.returncode == 0 or "is complete" in done.stderr:
            break
        assert done.returncode == -9, done.stderr
        with open(reunite.config, encoding="utf-8") as f:
            text = f.read()
        if point == 2:  # nobody takes it for a store
            reunite.configure(top={"store": target})
            done = reunite.command("serve", check=False)
            assert done.returncode != 0
            assert "not complete" in done.stdout + done.stderr
            with open(reunite.config, "w", encoding="utf-8") as f:
                f.write(text)
    assert point > 4
    moved_to(reunite, target)
    assert [e["status"] for e in reunite.journal()] == ["done"]


def test_passwords_are_not_printed(daemon, cluster):
    reunite = daemon()
    assert reunite.stop() == 0
    name = cluster.database()
    for url in (cluster.url(name, password="hunter2secret"),
                "postgresql://me:hunter2secret@127.0.0.1:1/x"):
        done = copy(sqlite_url(reunite), url, check=False)
        assert "hunter2secret" not in done.stdout + done.stderr


# --- backups ---


def backup(reunite, path, check=True):
    return reunite.command("store", "backup", path, "--json", check=check)


def people_of(path):
    with contextlib.closing(sqlite3.connect(
            f"file:{path}?mode=ro", uri=True)) as db:
        return {person.partition(":")[2] for (person,) in
                db.execute("SELECT person FROM jobs")}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_backup_under_load_has_all_that_was_taken_before(
        kind, daemon, cluster, tmp_path):
    top = {"store": cluster.url(cluster.database())} \
        if kind == "postgresql" else {}
    reunite = daemon(top=top, apply="observe")
    path = f"{tmp_path}/saved.db"
    stream = load.Stream(reunite, refusals=False)
    harness.wait_until(lambda: len(stream.taken()) > 100, what="some load")
    before = set(stream.taken().values())
    backup(reunite, path)
    stream.stop()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert before - people_of(path) == set()
    assert reunite.stop() == 0
    # the store it becomes again works
    moved_to(reunite, f"sqlite:{path}", apply="observe")
    assert reunite.admin.get("/readyz").status == 200


def test_forget_and_doctor_name_backups(sandbox, daemon, cluster, tmp_path):
    for number, url in enumerate((None, cluster.url(cluster.database()))):
        reunite = daemon(**({"top": {"store": url}} if url else {}))
        path = f"{tmp_path}/saved{number}.db"
        backup(reunite, path)
        done = reunite.command("forget", "--user", "1", "--json")
        assert path in done.stderr and "older copy" in done.stderr
        assert json.loads(done.stdout.splitlines()[-1])["copy"] == path
        done = reunite.command("doctor", "--json", check=False)
        (finding,) = [f for f in map(json.loads, done.stdout.splitlines())
                      if f["check"] == "copies"]
        assert path in finding["finding"]
        os.unlink(path)
        assert path not in reunite.command(
            "forget", "--user", "1", "--json").stderr
        assert reunite.stop() == 0


def test_going_back_merges_nobody_twice(sandbox, daemon, cluster, tmp_path):
    """What was merged after the backup is waiting again in what is restored
    from it."""
    reunite = daemon()
    owner = rounds.profile(sandbox, "Vera Visitor", VERA["email"])
    begun = rounds.begin(sandbox, VERA, ["sunco"], hand_off="later")
    rounds.waiting(reunite)
    path = f"{tmp_path}/saved.db"
    backup(reunite, path)
    handed = rounds.accepted(sandbox.act(
        "hand-offs", conversation_id=begun["conversation_id"],
        zendesk="duplicate"))
    rounds.merged_once(sandbox, reunite, handed, owner)
    assert reunite.stop() == 0
    restored = cluster.url(cluster.database())
    copy(f"sqlite:{path}", restored)
    reunite.configure(top={"store": restored})
    # before anybody serves it: the job may be due by now
    assert rounds.waiting(reunite)["sunco_user_id"] == begun["sunco_user_id"]
    reunite.start()
    rounds.trigger(reunite, handed)
    entry = rounds.decision(reunite)
    assert entry["action"] == "none", entry
    assert len(rounds.merges(sandbox)) == 1
