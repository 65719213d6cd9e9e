"""The servers that take webhooks: reunite, its peers, and yardsticks that
store nothing. Each listens on loopback, keeps its data in a folder that it is
given, and ends with us, however we end.

A server has a port, the paths it takes each kind of body at, the pids whose
CPU time and memory are its own, and stored(): how many webhooks it has."""

import glob
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time
import urllib.request

import lab as labs
import measure

ENVIRONMENT = {"BENCH_KEY": labs.KEY, "BENCH_SECRET": labs.SECRET}
PEERS = os.path.join(labs.HERE, "peers")
BODIES = ("sunco", "event", "trigger")
START_S = 30


def wait_for(condition, what):
    end = time.monotonic() + START_S
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"timed out: {what}")
        time.sleep(0.01)


def launch(argv, environment=None, output=subprocess.DEVNULL, errors=None):
    """It gets a signal when we die; standard error into a file."""
    with open(errors or os.devnull, "ab") as log:
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *argv], stdout=output,
            stderr=log, stdin=subprocess.DEVNULL,
            env={**os.environ, **ENVIRONMENT, **(environment or {})})


def stop(process):
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(START_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()


class Server:
    """One program that prints its port."""

    def __init__(self, argv, folder, environment=None, paths=None):
        self.errors = os.path.join(folder, "errors")
        self.process = launch(argv, environment, subprocess.PIPE,
                              self.errors)
        line = self.process.stdout.readline()
        if not line.strip():
            stop(self.process)
            with open(self.errors, encoding="utf-8", errors="replace") as f:
                raise RuntimeError(f"{argv[0]} does not start: {f.read()}")
        self.port = int(line)
        self.paths = paths or {}

    def path(self, body):
        return self.paths.get(body, "/")

    def pids(self):
        return [self.process.pid]

    def stored(self):
        """None: it stores nothing."""
        return None

    def proof(self):
        """What else shows that it did what its name says."""
        return {}

    def stop(self):
        stop(self.process)


def count_rows(path):
    """The events in an SQLite file, counted beside its server."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        return db.execute("SELECT count(*) FROM events").fetchone()[0]


# --- reunite ---


class Template:
    """A new store whose account is paused: what comes in is stored, and
    nobody works on it meanwhile. Made once, copied for every start."""

    def __init__(self, lab):
        self.folder = lab.new_folder("template")
        store = f"sqlite:{self.folder}/bench.db"
        labs.Node(lab.build, self.folder, store, ["bench"],
                  labs.NOWHERE).stop()
        subprocess.run(
            [lab.program("reunite"), "queue", "pause", "-c",
             os.path.join(self.folder, "reunite.conf")],
            check=True, stdout=subprocess.DEVNULL)

    def copy(self, folder):
        for path in glob.glob(os.path.join(self.folder, "bench.db*")):
            shutil.copy(path, folder)


class Reunite:
    def __init__(self, lab, folder, environment=None):
        lab.once("template", lambda: Template(lab)).copy(folder)
        self.file = os.path.join(folder, "bench.db")
        self.before = count_rows(self.file)
        self.node = labs.Node(lab.build, folder, f"sqlite:{self.file}",
                              ["bench"], labs.NOWHERE, environment)
        self.port = self.node.port

    def path(self, body):
        where = "zendesk" if body in ("event", "trigger") else "sunco"
        return f"/webhooks/bench/{where}"

    def pids(self):
        return [self.node.pid]

    def stored(self):
        return count_rows(self.file) - self.before

    def metric(self, name):
        url = f"http://127.0.0.1:{self.node.admin_port}/metrics"
        with urllib.request.urlopen(url) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith(name + " "):
                    return float(line.split()[1])
        raise KeyError(name)

    def proof(self):
        return {"batches": self.metric("reunite_store_batch_size_count"),
                "wal_bytes": os.path.getsize(self.file + "-wal")}

    def stop(self):
        self.node.stop()


# --- yardsticks ---


def evhttp(lab, folder, _environment=None):
    return Server([lab.program("tests/bench/evhttp_200")], folder)


class Lines(Server):
    def __init__(self, lab, folder, environment=None):
        self.file = os.path.join(folder, "log")
        super().__init__([lab.program("tests/bench/floor_log"), self.file],
                         folder, environment)

    def stored(self):
        with open(self.file, "rb") as f:
            return sum(chunk.count(b"\n")
                       for chunk in iter(lambda: f.read(1 << 20), b""))


NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/errors crit;
events {{ worker_connections 2048; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    default_type application/json;
    return 200 '{{"accepted":1}}';
  }}
}}
"""


class OnFreePort(Server):
    """One that must be told its port, and answers once it listens."""

    def __init__(self, argv, folder, environment=None):
        self.process = launch(argv, environment,
                              errors=os.path.join(folder, "errors"))
        self.paths = {}
        wait_for(self.is_up, f"{argv[0]} to listen")

    def is_up(self):
        if self.process.poll() is not None:
            raise RuntimeError("a server ended before it listened")
        with open(f"/proc/{self.process.pid}/net/tcp", encoding="ascii") as f:
            return f"0100007F:{self.port:04X} 00000000:0000 0A" in f.read()


class Nginx(OnFreePort):
    def __init__(self, _lab, folder, environment=None):
        self.port = labs.pg.free_port()
        config = os.path.join(folder, "nginx.conf")
        with open(config, "w", encoding="ascii") as f:
            f.write(NGINX.format(folder=folder, port=self.port))
        super().__init__([find("nginx"), "-c", config, "-e",
                          os.path.join(folder, "errors")], folder,
                         environment)


# --- peers ---


class Webhook(OnFreePort):
    """adnanh/webhook: a process for each webhook. It cannot check Zendesk's
    signature, which is over a header, too."""

    def __init__(self, lab, folder, environment=None):
        self.port = labs.pg.free_port()
        self.data = os.path.join(folder, "data")
        os.mkdir(self.data)
        hooks = os.path.join(folder, "hooks.json")
        with open(hooks, "w", encoding="ascii") as f:
            json.dump([self.hook(lab)], f)
        super().__init__([find("webhook"), "-hooks", hooks, "-ip",
                          "127.0.0.1", "-port", str(self.port)], folder,
                         environment)
        self.paths = {"sunco": "/hooks/sunco"}

    def hook(self, lab):
        names = ("events.0.id", "events.0.payload.user.id", "events.0.type")
        return {"id": "sunco", "command-working-directory": self.data,
                "execute-command": lab.program("tests/bench/hook_store"),
                "include-command-output-in-response": True,
                "pass-arguments-to-command": [
                    {"source": "payload", "name": name} for name in names],
                "trigger-rule": {"match": {
                    "type": "value", "value": labs.KEY, "parameter": {
                        "source": "header", "name": "X-API-Key"}}},
                "trigger-rule-mismatch-http-response-code": 401}

    def stored(self):
        return len(os.listdir(self.data))


class Fastify(Server):
    """Our peers/server.js over one of its stores."""

    def __init__(self, lab, folder, environment, store, where):
        super().__init__(
            [find("node"), os.path.join(PEERS, "server.js"), store, where],
            folder, {"NODE_ENV": "production", "NODE_PATH": lab.modules,
                     **(environment or {})},
            {"sunco": "/sunco", "event": "/zendesk", "trigger": "/zendesk"})


class OnSqlite(Fastify):
    def __init__(self, lab, folder, environment, store):
        self.file = os.path.join(folder, "bench.db")
        super().__init__(lab, folder, environment, store, self.file)

    def stored(self):
        return count_rows(self.file)

    def proof(self):
        return {"wal_bytes": os.path.getsize(self.file + "-wal")}


def sqlite_group(lab, folder, environment=None):
    return OnSqlite(lab, folder, environment, "sqlite-group")


def sqlite_group_jobs(lab, folder, environment=None):
    return OnSqlite(lab, folder, environment, "sqlite-group-jobs")


def sqlite_each(lab, folder, environment=None):
    return OnSqlite(lab, folder, environment, "sqlite-each")


class OnRedis(Fastify):
    def __init__(self, lab, folder, environment=None):
        self.socket = os.path.join(folder, "redis")
        self.redis = launch(
            [find("redis-server"), "--port", "0", "--unixsocket", self.socket,
             "--appendonly", "yes", "--appendfsync", "always", "--save", "",
             "--auto-aof-rewrite-percentage", "0", "--dir", folder,
             "--daemonize", "no"], environment)
        try:
            wait_for(lambda: os.path.exists(self.socket), "redis to listen")
            super().__init__(lab, folder, environment, "bullmq", self.socket)
        except BaseException:
            stop(self.redis)
            raise

    def pids(self):
        return [self.process.pid, self.redis.pid]

    def stored(self):
        return int(subprocess.run(
            [find("redis-cli"), "-s", self.socket, "LLEN", "bull:events:wait"],
            check=True, capture_output=True, text=True).stdout)

    def stop(self):
        super().stop()
        stop(self.redis)


POSTGRES = {
    "fsync": "on", "full_page_writes": "on", "synchronous_commit": "on",
    "autovacuum": "on", "shared_buffers": "256MB", "max_wal_size": "4GB",
    "max_connections": "30", "jit": "off",
}


class OnPostgres(Fastify):
    """One cluster for the whole run, which only runs while it is needed; a
    database of its own for every start."""

    def __init__(self, lab, folder, environment=None):
        self.server = lab.once("postgres",
                               lambda: labs.pg.Cluster(**POSTGRES))
        if self.server.gone():
            self.server.start()
        try:
            self.database = self.server.database()
            super().__init__(
                lab, folder, environment, "pg",
                ",".join((self.server.folder, str(self.server.port),
                          self.database, labs.pg.USER)))
        except BaseException:
            self.server.stop()
            raise

    def pids(self):
        return [self.process.pid, self.server.process.pid]

    def stored(self):
        return int(self.server.value("SELECT count(*) FROM events",
                                     self.database))

    def stop(self):
        super().stop()
        self.server.sql(f"DROP DATABASE {self.database} WITH (FORCE)")
        self.server.stop()


def find(name):
    """A program of the system's, also where only root looks."""
    return shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")


def has_modules(lab):
    return bool(find("node") and lab.modules and os.path.isdir(
        os.path.join(lab.modules, "better-sqlite3", "build", "Release")))


def has_postgres():
    return bool(glob.glob("/usr/lib/postgresql/*/bin/postgres"))


class Subject:
    """One that is measured. `kind`: ours, peer, or yard, which stores
    nothing that could be used; `missing(lab)` says what it lacks here."""

    def __init__(self, key, name, kind, start, needs, bodies=BODIES):
        self.key = key
        self.name = name
        self.kind = kind
        self.start = start
        self.needs = needs
        self.bodies = bodies

    def missing(self, lab):
        lacks = [need for need in self.needs if not (
            has_modules(lab) if need == "node modules" else
            has_postgres() if need == "postgresql" else find(need))]
        return ", ".join(lacks)


NODE = ("node modules",)
REUNITE = Subject("reunite", "reunite", "ours", Reunite, ())
EVHTTP = Subject("evhttp", "evhttp, only answers 200", "yard", evhttp, ())
GROUP = Subject("group", "fastify + SQLite, group commit", "peer",
                sqlite_group, NODE)
JOBS = Subject("jobs", "fastify + SQLite, group commit, and a job", "peer",
               sqlite_group_jobs, NODE)
USUAL = (
    Subject("each", "fastify + SQLite, transaction each", "peer", sqlite_each,
            NODE),
    Subject("bullmq", "fastify + BullMQ on Redis", "peer", OnRedis,
            (*NODE, "redis-server", "redis-cli")),
    Subject("postgres", "fastify + PostgreSQL", "peer", OnPostgres,
            (*NODE, "postgresql")),
)
FLOOR = Subject("floor", "prototype: a log file, no index", "yard", Lines, ())
ALL = (
    REUNITE, GROUP, JOBS, *USUAL,
    Subject("webhook", "webhook, a process each", "peer", Webhook,
            ("webhook",), ("sunco",)),
    FLOOR, EVHTTP,
    Subject("nginx", "nginx, only answers 200", "yard", Nginx, ("nginx",)),
)


def present(lab, subjects):
    """Those that can run here; the others are left out, and it is said."""
    found = []
    chosen = lab.options.subjects
    for subject in subjects:
        missing = subject.missing(lab)
        if chosen and subject.key not in (REUNITE.key, *chosen):
            lab.leave_out(f"{subject.name} (not chosen)")
        elif missing:
            lab.leave_out(f"{subject.name} (not installed: {missing})")
        else:
            found.append(subject)
    return found


# --- load ---


def load(lab, server, body, connections, seconds, rate=None):
    """One run of the load generator; what it found, and what the server used
    for it. `body` may be several kinds, with commas."""
    usage = measure.Usage(server.pids(), lab.disk)
    result = labs.result_of(labs.send(
        lab.build, server.port, server.path(body.split(",")[0]), body,
        seconds, connections, rate))
    result.update(usage.so_far())
    result["cpu_us"] = result["cpu_s"] * 1e6 / max(result["requests"], 1)
    known_s = result["cpu_s"] + result["client_us"] * result["requests"] / 1e6
    lab.others.append(max(result["machine_cpu_s"] - known_s, 0) /
                      result["seconds"])
    if result["errors"]:
        result["void"] = f"{result['errors']} errors: {result['error']}"
    return result
