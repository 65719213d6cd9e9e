"""Several `reunite serve` over one database, behind a balancer that gives
each connection to the next of them. Every node has wires of its own to the
database and to Zendesk, which can be cut."""

import concurrent.futures
import contextlib
import http.client
import os
import signal

import crashes
import daemon
import harness
import pg
import wires

# The delays between two attempts of a webhook, divided.
HURRY = {"webhook_retry_speed": 20, "webhook_timeout_ms": 2000}


class Node(daemon.Daemon):
    """One of a fleet."""

    def __init__(self, folder, fleet, name, top=None, **account):
        self.fleet = fleet
        self.name = name
        self.stopped = False
        self.port = None
        self.process = None
        self.store_wire = wires.Wire(fleet.database_at)
        host, _, port = fleet.sandbox.url.rpartition("/")[2].partition(":")
        self.api_wire = wires.Wire((host, int(port)))
        super().__init__(
            folder, fleet.sandbox,
            top={"store": fleet.store_url(self), **(top or {})},
            zendesk_url=self.api_wire.url,
            sunco_url=self.api_wire.url + "/sc", **account)

    def start(self, environment=None):
        super().start({**self.fleet.environment, **(environment or {})})
        self.stopped = False

    def announce(self):
        self.port = int(self.url.rpartition(":")[2])

    def freeze(self):
        self.stopped = True
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.stopped = False
        self.process.send_signal(signal.SIGCONT)

    def cut(self, store=True, api=True):
        for wire in self.wires(store, api):
            wire.cut()

    def mend(self, store=True, api=True, late=False):
        for wire in self.wires(store, api):
            wire.mend(late)

    def wires(self, store=True, api=True):
        return [w for w, wanted in ((self.store_wire, store),
                                    (self.api_wire, api)) if wanted]

    def sound(self):
        """It can answer."""
        return not self.gone() and not self.stopped and all(
            w.whole.is_set() for w in self.wires())

    def writes(self):
        """When it sent what changes something in Zendesk, and where."""
        return [(at, line) for at, line in self.api_wire.requests
                if not line.startswith(b"GET")]

    def close(self):
        status = None
        if self.stopped:
            self.thaw()
        if not self.gone():
            status = self.stop()
        for wire in self.wires():
            wire.close()
        return status


class Fleet:
    """Nodes over a database of a cluster, perhaps through a pg.Pooler. With
    `servers` the URL names all of those, and no wires to them are used."""

    def __init__(self, folder, sandbox, cluster, through=None, servers=None,
                 top=None, settings=None, parameters=None, **account):
        self.folder = str(folder)
        self.sandbox = sandbox
        self.cluster = cluster
        self.server = through or cluster
        self.servers = servers
        self.strangers = set()  # people whose jobs may stay
        self.database = cluster.database()
        self.parameters = parameters or {}
        self.environment = cluster.clock
        self.top = top or {}
        self.account = account
        self.nodes = []
        self.turn = 0
        self.secrets = sandbox.settings()
        self.balancer = wires.Wire(self.next_ports)
        self.url = self.balancer.url
        sandbox.settings(
            **{**HURRY, **(settings or {})},
            webhook_sunco=f"{self.url}/webhooks/acme/sunco",
            webhook_zendesk=f"{self.url}/webhooks/acme/zendesk")

    def database_at(self):
        return [("127.0.0.1", self.server.port)]

    def store_url(self, node):
        parameters = {"application_name": node.name, **self.parameters}
        hosts = [f"127.0.0.1:{node.store_wire.port}"]
        if self.servers:
            hosts = [f"{s.host}:{s.port}" for s in self.servers]
            parameters["target_session_attrs"] = "read-write"
        hosts = ",".join(hosts)
        more = "&".join(f"{k}={v}" for k, v in parameters.items())
        return f"postgresql://{pg.USER}@{hosts}/{self.database}?{more}"

    def next_ports(self):
        """Another one first every time; whoever refuses is passed over."""
        self.turn += 1
        ports = [node.port for node in self.nodes if not node.gone()]
        start = self.turn % len(ports) if ports else 0
        return [("127.0.0.1", p) for p in ports[start:] + ports[:start]]

    def add(self, count=1, **account):
        """Starts so many more, at the same moment; the last of them."""
        names = [f"node{len(self.nodes) + n}" for n in range(count)]
        with concurrent.futures.ThreadPoolExecutor(count) as starters:
            started = [starters.submit(self.start, name, account)
                       for name in names]
        self.nodes += [s.result() for s in started]
        return self.nodes[-1]

    def start(self, name, account):
        folder = os.path.join(self.folder, name)
        os.mkdir(folder)
        return Node(folder, self, name, self.top,
                    **{**self.account, **account})

    @property
    def daemon(self):
        """One that can answer."""
        return next(node for node in self.nodes if node.sound())

    def close(self):
        statuses = [node.close() for node in self.nodes]
        self.balancer.close()
        for node, status in zip(self.nodes, statuses):
            assert status in (0, None), node.log()[-4000:]

    # --- what they say; see crashes.Stage, whose checks are used ---

    def items(self, name):
        return [i for i in crashes.Stage.items(self, name)
                if i.get("sunco_user_id") not in self.strangers]

    failed_deliveries = crashes.Stage.failed_deliveries
    quiet = crashes.Stage.quiet
    requests = crashes.Stage.requests

    def rows(self, sql):
        def value(text):
            return int(text) if text.lstrip("-").isdigit() else text
        return [tuple(value(v) for v in row)
                for row in self.cluster.rows(sql, self.database)]

    def finish(self, timeout_s=crashes.END_S):
        """Waits until every webhook has arrived and every job is done."""
        try:
            harness.wait_until(self.at_rest, timeout_s, "the end", pause_s=0.2)
        except AssertionError as e:
            raise AssertionError(f"{e}: {self.unfinished()}") from e

    def unfinished(self):
        rows = self.sandbox.control("GET", "deliveries")["deliveries"]
        logs = "".join(f"\n--- {n.name}\n{n.log()[-6000:]}"
                       for n in self.nodes)
        return [[r for r in rows if r["state"] in ("sending", "waiting")],
                self.rows("SELECT row_to_json(jobs) FROM jobs"),
                self.rows("SELECT extract(epoch FROM now()) * 1000")], logs

    def at_rest(self):
        with contextlib.suppress(OSError, http.client.HTTPException,
                                 KeyError, ValueError, StopIteration):
            return self.quiet()
        return False
