"""The benchmarks run, count what they say, and make void what they cannot
prove; how fast anything is they do not judge here."""

import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

import harness

BENCH = os.path.join(os.path.dirname(__file__), "..", "bench")
sys.path.insert(0, BENCH)

import case_intake  # noqa: E402
import figures  # noqa: E402
import lives  # noqa: E402
import qualify  # noqa: E402
import servers  # noqa: E402

KINDS = ("sunco", "typing", "read", "message", "event", "trigger")


def script(name, *argv, timeout=300):
    done = subprocess.run(
        [sys.executable, os.path.join(BENCH, name), *map(str, argv)],
        capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# --- all of it, without peers ---


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """What a run without node's modules finds, in all cases of intake."""
    out = tmp_path_factory.mktemp("out")
    shown = script("bench.py", "--build", os.environ["REUNITE_BUILD"],
                   "--quick", "--seconds", "0.1", "--only",
                   "intake,ignored,slow", "--subjects", "group,floor,evhttp",
                   "--out", out)
    found = json.loads((out / "latest.json").read_text())["cases"]
    return shown, found, out


def test_what_is_answered_is_stored(tiny):
    _, found, _ = tiny
    columns = found["intake"]["found"]["reunite"]
    assert set(columns) == {*case_intake.SHAPES, case_intake.HALF,
                            *({case_intake.RATE} & set(columns))}
    slow = found["slow"]["found"]["reunite"]
    for rows in [*columns.values(), *slow.values()]:
        for row in rows:
            assert not row.get("void"), row
            assert row["requests"] > 0 and row["cpu_us"] >= 0
            proof = row["proof"]
            assert proof["stored"] == proof["answered"] >= row["requests"]
            assert proof["batches"] > 0 and proof["wal_bytes"] > 0


def test_what_is_ignored_is_not_stored(tiny):
    _, found, _ = tiny
    for rows in found["ignored"]["found"]["reunite"].values():
        for row in rows:
            assert not row.get("void"), row
            assert row["proof"]["stored"] == 0 < row["requests"]


def test_what_is_not_there_is_left_out_and_said(tiny):
    shown, found, _ = tiny
    assert "fastify + SQLite, group commit (not installed" in shown
    assert "nginx, only answers 200 (not chosen)" in shown
    assert set(found["intake"]["found"]) == {"reunite", "floor", "evhttp"}
    assert "to the best-tuned peer" in shown and "not measured" in shown


def test_there_is_a_picture(tiny):
    _, _, out = tiny
    assert "reunite" in (out / "durable_intake.svg").read_text()


def running(folder):
    """Programs that have this folder in their command line, but the
    benchmark itself."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                words = f.read().decode(errors="replace").split("\0")
        except OSError:
            continue
        if any(word.startswith(f"{folder}/") for word in words):
            found.append(words[0])
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_running(tmp_path, number):
    """However it ends in the middle of a measurement."""
    bench = subprocess.Popen(
        [sys.executable, os.path.join(BENCH, "bench.py"), "--build",
         os.environ["REUNITE_BUILD"], "--quick", "--seconds", "20", "--only",
         "ignored", "--folder", tmp_path],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        # the second: the first one made the store that it is given; before
        # it listens it may not have said yet that it ends with us
        harness.wait_until(lambda: any(
            "listening" in log.read_text() for log in
            tmp_path.glob("*/reunite-*/log")), what="a server")
    finally:
        bench.send_signal(number)
        bench.wait()
    harness.wait_until(lambda: not running(tmp_path),
                       what="the servers to end")
    assert number == signal.SIGKILL or not list(tmp_path.iterdir())


# --- the load generator ---


class Slow(http.server.BaseHTTPRequestHandler):
    """Answers what it is told to, and once only after a while."""

    protocol_version = "HTTP/1.1"
    bodies, statuses, pause_s = [], [], 0

    def do_POST(self):
        kind = type(self)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        kind.bodies.append((dict(self.headers), body))
        if len(kind.bodies) == 5:
            time.sleep(kind.pause_s)
        self.send_response(kind.statuses.pop(0) if kind.statuses else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def receiver():
    class Handler(Slow):
        bodies, statuses = [], []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever,
                              kwargs={"poll_interval": 0.05})
    thread.start()
    Handler.port = server.server_port
    yield Handler
    server.shutdown()
    thread.join()
    server.server_close()


def loadgen(receiver, *argv):
    done = subprocess.run(
        [harness.binary("tests/bench/loadgen"), "--port",
         str(receiver.port), *map(str, argv)],
        capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("kind", KINDS)
def test_every_body_is_a_new_one(receiver, kind):
    found = loadgen(receiver, "--kind", kind, "--connections", 2,
                    "--seconds", 0.2)
    assert found["errors"] == 0
    bodies = [body for _, body in receiver.bodies]
    assert len(set(bodies)) == len(bodies) == found["requests"] > 1
    for body in bodies:
        assert b"@" not in body.replace(b"@customer", b"")
        json.loads(body)


def test_a_wait_counts_from_when_a_request_was_due(receiver):
    """One connection, 100 requests a second, one answer late by 0.4 s: the
    forty that were due meanwhile were late, too."""
    receiver.pause_s = 0.4
    found = loadgen(receiver, "--connections", 1, "--seconds", 1,
                    "--rate", 100)
    assert found["requests"] == 100
    assert found["p50_ms"] < found["p99_ms"] <= found["max_ms"]
    assert found["max_ms"] > 399 and found["p99_ms"] > 350


def test_an_answer_that_is_no_200_is_an_error(receiver):
    receiver.statuses = [200, 503]
    found = loadgen(receiver, "--connections", 1, "--seconds", 5)
    assert found["errors"] == 1 and "503" in found["error"]
    assert found["requests"] == 1


# --- what counts ---


class Server:
    syncs_show = True

    def __init__(self, stored):
        self.rows = stored

    def stored(self):
        return self.rows

    def proof(self):
        return {}


@pytest.mark.parametrize("stored, answered, flushes, stores, is_void", [
    (7, 7, 3, True, False), (6, 7, 3, True, True), (8, 7, 3, True, True),
    (7, 7, 0, True, True), (0, 7, 0, False, False), (1, 7, 1, False, True),
    (None, 7, 0, True, False)])
def test_a_life_that_does_not_prove_its_label_is_void(
        stored, answered, flushes, stores, is_void):
    row = {"flushes": flushes}
    lives.prove(Server(stored), answered, [row], stores)
    assert bool(row.get("void")) == is_void


class Receiver(Server):
    """A server in few words: what it does may be wrong in one way."""

    def __init__(self, fault):
        super().__init__(0)
        self.fault = fault
        self.seen = set()

    def path(self, body):
        return body

    def post(self, _server, _path, body, headers):
        key = headers.get("X-API-Key", "")
        if key.startswith("not-") and self.fault != "opens":
            return 401
        self.rows += body not in self.seen or self.fault == "repeats"
        self.rows -= self.fault == "forgets"
        self.seen.add(body)
        return 503 if self.fault == "refuses" else 200


@pytest.mark.parametrize("fault", ["", "opens", "repeats", "forgets",
                                   "refuses"])
def test_who_does_not_do_the_work_is_not_measured(monkeypatch, fault):
    subject = servers.Subject("x", "x", "peer", None, (), ("sunco",))
    server = Receiver(fault)
    monkeypatch.setattr(qualify, "post", server.post)
    if fault:
        with pytest.raises(RuntimeError, match="instead of"):
            qualify.qualify(server, subject)
    else:
        assert qualify.qualify(server, subject) == 1


def test_void_rounds_count_for_nothing():
    ours = [{"round": 0, "rate": 10}, {"round": 1, "rate": 90, "void": "x"},
            {"round": 2, "rate": 30}]
    theirs = [{"round": n, "rate": 5} for n in range(3)]
    assert figures.paired(ours, theirs, "rate") == 4
    assert figures.spread(ours, "rate") == (20, 10, 30)
    assert figures.median(ours[1:2], "rate") is None


def intake(rate, cpu_us, p99_ms):
    row = {"round": 0, "rate": rate, "cpu_us": cpu_us, "p99_ms": p99_ms}
    return {case_intake.MAIN: [row], case_intake.HALF: [row]}


def test_targets_are_judged_from_what_was_found():
    found = {"reunite": intake(300, 20, 5), "group": intake(140, 50, 6),
             "each": intake(20, 90, 9), "floor": intake(500, 10, 1)}
    judged = {t.what: t.reached for t in case_intake.targets(found)}
    assert list(judged.values()) == [
        True, None, True, True, None, None, False, None, True]
    found["group"] = intake(160, 39, 4)
    found["bullmq"] = intake(61, 90, 9)
    judged = [t.reached for t in case_intake.targets(found)]
    assert judged == [False, None, False, False, None, None, False, None,
                      False]


# --- nodes beside SQLite ---


def test_nodes_are_measured_beside_sqlite(tmp_path):
    found = tmp_path / "found.json"
    shown = script(
        "scale.py", os.environ["REUNITE_BUILD"], "--nodes",
        "0,2", "--rounds", "1", "--seconds", "2", "--connections", "4",
        "--accounts", "2", "--merges", "3", "--events", "20",
        "--idle-seconds", "1", "--idle-accounts", "2", "--json", found)
    rows = json.loads(found.read_text())
    subjects = [(accounts, on) for accounts in (1, 2)
                for on in ("SQLite", "2 nodes")]
    for part in ("intake", "merges"):
        assert [(r["accounts"], r["on"]) for r in rows[part]] == subjects
        for row in rows[part]:
            once = row["rounds"][0]
            assert once["rate"] > 0
            # three merges may take less than the kernel counts
            assert once["node_us"] > 0 or part == "merges"
            assert (once["statements"] > 1) == (row["on"] == "2 nodes")
    assert all(r["rounds"][0]["errors"] == 0 for r in rows["intake"])
    assert all(r["rounds"][0]["calls"] >= 4 for r in rows["merges"])
    for row in rows["storage"]:
        assert row["events"] >= 20
        assert row["bytes"]["events"] > 0 < row["bytes"]["jobs"]
    assert [r["accounts"] for r in rows["idle"]] == [2, 2]
    for part in ("Intake", "Merges", "Storage", "Nothing to do"):
        assert part in shown
