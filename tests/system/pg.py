"""PostgreSQL servers of the tests' own, on loopback with ports of the
kernel's choice: primaries, standbys, and pgbouncer before them. They end with
the tests, however those end.

PostgreSQL and pgbouncer refuse root, so root runs them as "postgres"."""

import concurrent.futures
import contextlib
import glob
import itertools
import os
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

import daemon
import harness

USER = "reunite"
# What PR_SET_PDEATHSIG calls a death is that of the thread that started a
# process; this one lives as long as the tests.
_starter = concurrent.futures.ThreadPoolExecutor(max_workers=1)
_numbers = itertools.count(1)

SETTINGS = {
    "fsync": "off", "full_page_writes": "off", "shared_buffers": "32MB",
    "max_connections": "60", "autovacuum": "off",
}


def program(name):
    """A program of the newest server that is installed."""
    found = glob.glob("/usr/lib/postgresql/*/bin/" + name)
    if found:
        return max(found, key=lambda path: int(re.findall(r"\d+", path)[0]))
    config = shutil.which("pg_config")
    folder = config and subprocess.run(
        [config, "--bindir"], capture_output=True, text=True,
        check=True).stdout.strip()
    path = os.path.join(folder or "", name)
    if not os.path.exists(path):
        pytest.fail("PostgreSQL's server is not installed: see "
                    "deploy/packages.sh")
    return path


def somebody_else(death=None):
    """How to start what refuses root; it gets this signal when the tests
    die."""
    argv = ["setpriv"]
    if os.geteuid() == 0:
        argv += ["--reuid=postgres", "--regid=postgres", "--clear-groups"]
    if death:
        argv += ["--pdeathsig", death]
    return argv


def give(path):
    """It belongs to whom the servers run as."""
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(path, user.pw_uid, user.pw_gid)


def free_port():
    """Not one of those that the kernel gives to whoever connects: a server
    that is prepared first would find it taken."""
    while True:
        port = random.randrange(15000, 32000)
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", port))
            return port


def spawn(argv, log_file, death, environment, wrapper):
    with open(log_file, "ab") as log:
        return _starter.submit(
            subprocess.Popen,
            [*wrapper, *somebody_else(death), *argv], stdout=log,
            stderr=log, stdin=subprocess.DEVNULL, cwd="/",
            env={**os.environ, **environment}).result()


def run(*argv):
    done = subprocess.run([*somebody_else(), *argv], capture_output=True,
                          text=True, cwd="/", check=False)
    assert done.returncode == 0, (argv, done.stdout, done.stderr)
    return done.stdout


def children(pid):
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            return [int(word) for word in f.read().split()]
    return []


class Server:
    """A process that listens on one port, in a folder of its own."""

    DEATH = "QUIT"

    def __init__(self, host="127.0.0.1", wrapper=()):
        self.host = host
        self.wrapper = wrapper
        # the server's user must get in, which pytest's folders refuse
        self.folder = tempfile.mkdtemp(prefix="reunite-pg-")
        give(self.folder)
        self.log_file = os.path.join(self.folder, "log")
        self.port = free_port()
        self.process = None
        self.environment = {}

    def log(self):
        with open(self.log_file, encoding="utf-8", errors="replace") as f:
            return f.read()

    def launch(self, argv):
        self.process = spawn(argv, self.log_file, self.DEATH,
                             self.environment, self.wrapper)
        harness.wait_until(lambda: self.gone() or self.answers(),
                           what="the server to answer")
        assert not self.gone(), self.log()

    def gone(self):
        return self.process.poll() is not None

    def answers(self):
        """It takes queries."""
        return subprocess.run(
            [program("pg_isready"), "-q", "-h", self.host, "-p",
             str(self.port), "-d", "postgres"], check=False).returncode == 0

    def url(self, database="postgres", **parameters):
        more = "&".join(f"{k}={v}" for k, v in parameters.items())
        return (f"postgresql://{USER}@{self.host}:{self.port}/{database}"
                + ("?" + more if more else ""))

    def pids(self):
        return [self.process.pid, *children(self.process.pid)]

    def freeze(self):
        """All of it stops in the middle of whatever it did."""
        for pid in (self.process.pid, *children(self.process.pid)):
            os.kill(pid, signal.SIGSTOP)

    def thaw(self):
        for pid in reversed(self.pids()):
            with contextlib.suppress(ProcessLookupError):  # it ended
                os.kill(pid, signal.SIGCONT)

    def end(self, number):
        if not self.gone():
            self.thaw()
            self.process.send_signal(number)
        self.process.wait(harness.WAIT_S)

    def remove(self):
        if self.process:
            self.end(signal.SIGQUIT)
        shutil.rmtree(self.folder)


class Cluster(Server):
    """A PostgreSQL server; `settings` go into postgresql.conf. With
    `primary` it is a hot standby of that one. Its clock runs `fast` times as
    fast, as does that of its nodes (nodes.py). Where it is reached from
    elsewhere than loopback, `hba` says who gets in."""

    def __init__(self, primary=None, hba=None, fast=None, host="127.0.0.1",
                 wrapper=(), **settings):
        super().__init__(host, wrapper)
        self.data = os.path.join(self.folder, "data")
        # the clock with which `reunite` serves here
        self.clock = primary.clock if primary else {}
        if fast:
            self.clock = daemon.fast_clock(fast, time.time_ns())
        if self.clock:
            # where the server's user can read it
            self.environment = {**self.clock, "LD_PRELOAD": shutil.copy(
                self.clock["LD_PRELOAD"], self.folder)}
        if primary:
            # its name decides whether the primary waits for it
            run(program("pg_basebackup"), "-D", self.data, "-R", "-X",
                "stream", "-c", "fast", "-N", "-d",
                primary.url(application_name=f"standby{self.port}"))
        else:
            run(program("initdb"), "-D", self.data, "-N", "-A", "trust",
                "-U", USER, "-E", "UTF8", "--locale=C")
        self.set(**{**SETTINGS, "listen_addresses": host,
                    "port": self.port,
                    "unix_socket_directories": self.folder, **settings})
        if hba:
            with open(os.path.join(self.data, "pg_hba.conf"), "w",
                      encoding="ascii") as f:
                f.write(hba)
        self.start()

    def set(self, **settings):
        """For the next start or reload."""
        with open(os.path.join(self.data, "postgresql.conf"), "a",
                  encoding="ascii") as f:
            for name, value in settings.items():
                f.write(f"{name} = '{value}'\n")

    def start(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self.data, "postmaster.pid"))
        self.launch([program("postgres"), "-D", self.data])

    def stop(self):
        """Whoever is connected is thrown out."""
        self.end(signal.SIGINT)

    def restart(self):
        self.stop()
        self.start()

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def kill(self):
        """As if the machine were gone: no process of it has another word.
        A moment's SIGSTOP keeps the backends from noticing before."""
        if self.gone():
            return
        self.freeze()
        for pid in self.pids():
            os.kill(pid, signal.SIGKILL)
        self.process.wait(harness.WAIT_S)

    # --- replication ---

    def standby(self):
        """A standby for which every commit waits from now on."""
        other = Cluster(primary=self)
        self.set(synchronous_standby_names="*")
        self.reload()
        harness.wait_until(
            lambda: self.value("SELECT sync_state FROM pg_stat_replication")
            == "sync", what="the standby to be synchronous")
        return other

    def promote(self):
        assert self.value("SELECT pg_promote()") == "t"

    # --- databases ---

    def database(self):
        """A new one's name."""
        name = f"db{next(_numbers)}"
        self.sql(f"CREATE DATABASE {name}", "postgres")
        return name

    def store(self):
        """The URL of a new, empty schema: much cheaper than a database."""
        name = f"store{next(_numbers)}"
        self.sql(f"CREATE SCHEMA {name}")
        return self.url(options=f"-csearch_path%3D{name}")

    def rows(self, text, database="postgres"):
        """All values as text."""
        done = subprocess.run(
            [program("psql"), "-XAtq", "-F", "\x1f", "-v", "ON_ERROR_STOP=1",
             "-d", self.url(database), "-c", text],
            capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, (text, done.stderr)
        return [tuple(line.split("\x1f"))
                for line in done.stdout.splitlines()]

    sql = rows

    def value(self, text, database="postgres"):
        return self.rows(text, database)[0][0]


class Session:
    """Somebody else's connection, which stays open."""

    def __init__(self, url):
        self.process = subprocess.Popen(
            [program("psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", url],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, bufsize=1)

    def say(self, text):
        """Statements, and what came of them once they are done."""
        self.process.stdin.write(text + "\n\\echo end-of-it\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line == "end-of-it\n":
                return lines
            lines.append(line.rstrip("\n"))
        raise AssertionError(lines)

    def close(self):
        self.process.kill()
        self.process.communicate()


class Pooler(Server):
    """pgbouncer before a server, in transaction mode unless told
    otherwise."""

    DEATH = "KILL"

    def __init__(self, target, pool_mode="transaction", pool_size=10):
        path = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin")
        if not path:
            pytest.fail("pgbouncer is not installed: see deploy/packages.sh")
        super().__init__()
        config = os.path.join(self.folder, "pgbouncer.ini")
        with open(config, "w", encoding="ascii") as f:
            f.write(f"[databases]\n"
                    f"* = host={target.host} port={target.port} user={USER}\n"
                    f"[pgbouncer]\n"
                    f"listen_addr = 127.0.0.1\nlisten_port = {self.port}\n"
                    f"unix_socket_dir =\nauth_type = any\n"
                    f"pool_mode = {pool_mode}\n"
                    f"default_pool_size = {pool_size}\n"
                    f"log_connections = 0\nlog_disconnections = 0\n")
        self.argv = [path, config]
        self.start()

    def start(self):
        self.launch(self.argv)

    def restart(self):
        self.end(signal.SIGTERM)
        self.start()
