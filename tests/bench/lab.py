"""What the measurements of scale.py run on: nodes over a database, the
database itself, and what both of them used of the machine.

PostgreSQL is Debian's on a temporary folder, with production's settings where
they cost time: fsync, full_page_writes and synchronous_commit are on."""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "system"))

import events  # noqa: E402,F401
import pg  # noqa: E402
from measure import cpu_seconds  # noqa: E402
from harness import Sandbox  # noqa: E402,F401

KEY = "key-of-the-benchmark"
SECRET = "secret-of-the-benchmark"
READY_S = 120
SERVER = {
    "fsync": "on", "full_page_writes": "on", "synchronous_commit": "on",
    "autovacuum": "on", "shared_buffers": "256MB", "max_wal_size": "4GB",
    "max_connections": "60",
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.max": "10000",
}
TOP = """
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"
store = "{store}"
"""
ACCOUNT = """
account "{name}" {{
  zendesk_url = "{zendesk}"
  zendesk_auth = "bearer"
  zendesk_token = "{token}"
  sunco_url = "{sunco}"
  sunco_app_id = "{app}"
  sunco_key_id = "{key_id}"
  sunco_key_secret = "{key_secret}"
  sunco_webhook_secrets = {{"{key}"}}
  zendesk_webhook_secrets = {{"{secret}"}}
  apply = "auto"
  sweep_every = "0"
  max_merges_per_hour = 1000000
}}
"""
# Nobody answers here: only what comes in is worked on.
NOWHERE = {"zendesk": "http://127.0.0.1:9", "sunco": "http://127.0.0.1:9",
           "token": "none", "app": "6a1d3c5e7f9b2d4f6a8c0e12",
           "key_id": "none", "key_secret": "none"}


class Node:
    """One `reunite serve`."""

    def __init__(self, build, folder, store, names, upstream,
                 environment=None):
        self.log_file = os.path.join(folder, "log")
        config = os.path.join(folder, "reunite.conf")
        with open(config, "w", encoding="utf-8") as f:
            f.write(TOP.format(store=store))
            for name in names:
                f.write(ACCOUNT.format(name=name, key=KEY, secret=SECRET,
                                       **upstream))
        started = time.monotonic()
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM",
                 os.path.join(build, "reunite"), "serve", "-c", config],
                stderr=log, env={**os.environ, **(environment or {})})
        self.pid = self.process.pid
        listens = self.listens()
        self.port = listens["port"]
        self.admin_port = listens["admin_port"]
        self.start_s = time.monotonic() - started

    def listens(self):
        end = time.monotonic() + READY_S
        while time.monotonic() < end and self.process.poll() is None:
            with open(self.log_file, encoding="utf-8") as f:
                for line in f:
                    if '"event":"listening"' in line and line.endswith("\n"):
                        return json.loads(line)
            time.sleep(0.01)
        with open(self.log_file, encoding="utf-8") as f:
            raise SystemExit("a node does not start:\n" + f.read()[-2000:])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


class Deployment:
    """Some nodes over one new database of a kind."""

    def __init__(self, lab, count, accounts, upstream=None):
        self.build = lab.build
        self.server = lab.server if count else None
        self.folder = tempfile.mkdtemp(prefix="reunite-scale-")
        self.database = None
        self.names = [f"bench{n}" for n in range(accounts)]
        store = f"sqlite:{self.folder}/bench.db"
        if count:
            self.database = self.server.database()
            store = self.server.url(self.database)
        self.nodes = []
        for n in range(max(count, 1)):
            folder = os.path.join(self.folder, str(n))
            os.mkdir(folder)
            self.nodes.append(Node(lab.build, folder, store, self.names,
                                   upstream or NOWHERE))

    def node_cpu(self):
        return sum(cpu_seconds(node.pid) for node in self.nodes)

    def server_cpu(self):
        if not self.server:
            return 0.0
        return sum(cpu_seconds(pid, n == 0)
                   for n, pid in enumerate(self.server.pids()))

    def statements(self):
        """So many the server has run for it, and so many transactions."""
        if not self.server:
            return 0, 0
        row = self.server.rows(
            "SELECT coalesce(sum(s.calls), 0)::bigint,"
            " (SELECT xact_commit + xact_rollback FROM pg_stat_database"
            f" WHERE datname = '{self.database}')"
            " FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid"
            f" WHERE d.datname = '{self.database}'")[0]
        return tuple(map(int, row))

    def value(self, text):
        if self.server:
            return int(self.server.value(text, self.database))
        with sqlite3.connect(f"file:{self.folder}/bench.db?mode=ro",
                             uri=True) as db:
            return db.execute(text).fetchone()[0]

    def sizes(self):
        """Bytes of every table with its indexes."""
        if self.server:
            self.server.sql("VACUUM", self.database)
            return {name: int(size) for name, size in self.server.rows(
                "SELECT relname, pg_total_relation_size(oid) FROM pg_class"
                " WHERE relkind = 'r' AND relnamespace ="
                " 'public'::regnamespace", self.database)}
        with sqlite3.connect(f"file:{self.folder}/bench.db?mode=ro",
                             uri=True) as db:
            return dict(db.execute(
                "SELECT tbl_name, sum(pgsize) FROM dbstat"
                " JOIN sqlite_schema USING (name) GROUP BY tbl_name"))

    def close(self):
        for node in self.nodes:
            node.stop()
        if self.server:
            self.server.sql(f"DROP DATABASE {self.database} WITH (FORCE)")
        shutil.rmtree(self.folder)


class Lab:
    """The PostgreSQL server, and where the programs are."""

    def __init__(self, build):
        self.build = os.path.abspath(build)
        os.environ["REUNITE_BUILD"] = self.build
        self.server = pg.Cluster(**SERVER)
        self.server.sql("CREATE EXTENSION pg_stat_statements")

    def close(self):
        self.server.remove()


def send(build, port, paths, kind, seconds, connections, rate=None):
    """A load generator that runs; `paths` and `kind` may be several, with
    commas. None of its ids is one of another's."""
    argv = [os.path.join(build, "tests/bench/loadgen"), "--port", str(port),
            "--path", paths, "--kind", kind, "--key", KEY, "--secret", SECRET,
            "--connections", str(connections), "--seconds", str(seconds),
            "--seed", str(int.from_bytes(os.urandom(4), "big"))]
    if rate:
        argv += ["--rate", str(max(int(rate), 1))]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)


def result_of(process):
    output = process.communicate()[0]
    if process.returncode:
        raise RuntimeError(f"loadgen: {process.returncode}")
    return json.loads(output)
