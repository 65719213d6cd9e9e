#!/usr/bin/python3
"""One, two and three nodes on PostgreSQL beside SQLite, in one run.

usage: scale.py BUILD_DIR [--only WHAT,...] [--nodes N,...] [--rounds N]
                [--seconds S] [--connections N] [--accounts N] [--merges N] [--events N]
                [--idle-seconds S] [--idle-accounts N,...] [--json FILE]

Measures, each interleaved (every subject once a round; the median of the
rounds, and in brackets the lowest and the highest):
  intake   webhooks stored durably, of one account and of several; loadgen sends
           as fast as it is answered, half of the machine is its own. CPU a
           request is user + system time of all nodes, and of PostgreSQL apart
  merges   from webhooks of new people to merges with Zendesk read back, at a
           sandbox that answers at once
  storage  bytes of each table with its indexes, for a million rows
  idle     what a node costs that has nothing to do, by number of accounts
Prints tables, and the same as JSON. It installs what is missing (Debian) and
starts PostgreSQL by itself. The accounts of intake, storage and idle are at a
closed port, so that nothing else is measured.
"""

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import lab as labs
import measure

NAMES = ("SQLite", "1 node", "2 nodes", "3 nodes")
PARTS = ("intake", "merges", "storage", "idle")
LIVE_S = 600


def spread(values, digits=0):
    return (f"{statistics.median(values):.{digits}f} "
            f"({min(values):.{digits}f}-{max(values):.{digits}f})")


def median(rounds, key):
    return statistics.median(r[key] for r in rounds)


class Meter:
    """What a deployment used between two moments."""

    def __init__(self, on):
        self.on = on
        self.from_s = time.monotonic()
        self.from_ = (on.node_cpu(), on.server_cpu(), *on.statements())

    def read(self, things):
        """For each of so many things."""
        seconds = time.monotonic() - self.from_s
        now = (self.on.node_cpu(), self.on.server_cpu(),
               *self.on.statements())
        node, server, statements, turns = (
            (b - a) / max(things, 1) for a, b in zip(self.from_, now))
        return {"seconds": seconds, "node_us": node * 1e6,
                "pg_us": server * 1e6, "cpu_us": (node + server) * 1e6,
                "statements": statements, "transactions": turns}


# --- intake ---


def load(on, accounts, seconds, connections):
    meter = Meter(on)
    paths = ",".join(f"/webhooks/{name}/sunco"
                     for name in on.names[:max(accounts, 1)])
    each = max(connections // len(on.nodes), 1)
    running = [labs.send(on.build, node.port, paths, "sunco", seconds, each)
               for node in on.nodes]
    results = [labs.result_of(process) for process in running]
    requests = sum(r["requests"] for r in results)
    return {**meter.read(requests),
            "rate": sum(r["requests"] / r["seconds"] for r in results),
            "p50_ms": median(results, "p50_ms"),
            "p99_ms": max(r["p99_ms"] for r in results),
            "errors": sum(r["errors"] for r in results)}


def measure_intake(lab, options):
    """Every round is of new databases: as long tables do not matter."""
    results = {}
    for _ in range(options.rounds):
        for accounts in (1, options.accounts):
            for name, count in options.subjects:
                on = labs.Deployment(lab, count, accounts)
                try:
                    time.sleep(0.5)
                    row = load(on, accounts if accounts > 1 else 0,
                               options.seconds, options.connections)
                finally:
                    on.close()
                results.setdefault((accounts, name), []).append(row)
    return [{"accounts": accounts, "on": name, "rounds": rounds}
            for (accounts, name), rounds in sorted(
                results.items(), key=lambda item: item[0][0])]


def print_intake(rows, options):
    print(f"\nIntake: {options.connections} connections, median of "
          f"{options.rounds} rounds of {options.seconds} s, interleaved")
    print(f"{'accounts':8} {'':8} {'events/s':>20} {'ratio':>5} {'p50 ms':>7} "
          f"{'p99 ms':>7} {'node us':>8} {'PG us':>7} {'both':>7} {'ratio':>5} "
          f"{'statements':>10} {'errors':>6}")
    for row in rows:
        of = {"accounts": row["accounts"], "on": "SQLite"}
        base = next(r["rounds"] for r in rows if of.items() <= r.items())
        r = row["rounds"]
        print(f"{row['accounts']:<8} {row['on']:8} "
              f"{spread([x['rate'] for x in r]):>20} "
              f"{median(r, 'rate') / median(base, 'rate'):5.2f} "
              f"{median(r, 'p50_ms'):7.2f} {median(r, 'p99_ms'):7.2f} "
              f"{median(r, 'node_us'):8.1f} {median(r, 'pg_us'):7.1f} "
              f"{median(r, 'cpu_us'):7.1f} "
              f"{median(r, 'cpu_us') / median(base, 'cpu_us'):5.2f} "
              f"{median(r, 'statements'):10.2f} "
              f"{sum(x['errors'] for x in r):6}")


# --- merges ---


class People:
    """Who has a profile and starts a conversation, with the webhooks of it."""

    def __init__(self, folder, count):
        self.sandbox = labs.Sandbox(folder, "--empty")
        self.sandbox.settings(limit=1000000, user_update_limits=False,
                              sunco_limit=0, zendesk_id_on_hand_off=True)
        names = [f"person{n}" for n in range(count)]
        self.sandbox.people(*({"name": name, "external_id": name,
                               "email": f"{name}@people.example"}
                              for name in names))
        for name in names:
            self.sandbox.act("conversations", webhooks=[], hand_off="now",
                             zendesk="duplicate",
                             jwt={"external_id": name, "name": name,
                                  "email": f"{name}@people.example",
                                  "email_verified": True})
        state = self.sandbox.state()
        self.users = [u for u in state["sunco_users"]]
        self.bodies = [json.dumps(labs.events.sunco("conversation:create", {
            "conversation": {"id": labs.events.event_id(),
                             "type": "personal"},
            "creationReason": "message", "user": user,
            "source": {"type": "web"}})) for user in self.users]

    def upstream(self):
        s = self.sandbox.settings()
        return {"zendesk": self.sandbox.url, "token": s["bearer_token"],
                "sunco": self.sandbox.url + "/sc", "app": s["sunco_app_id"],
                "key_id": s["sunco_key_id"],
                "key_secret": s["sunco_key_secret"]}

    def come(self, on):
        """All at once, to one node after the other."""
        doors = [http.client.HTTPConnection("127.0.0.1", node.port)
                 for node in on.nodes]
        for n, body in enumerate(self.bodies):
            door = doors[n % len(doors)]
            door.request("POST", f"/webhooks/{on.names[n % len(on.names)]}"
                         "/sunco", body, {"Content-Type": "application/json",
                                          "X-API-Key": labs.KEY})
            answer = door.getresponse()
            answer.read()
            assert answer.status == 200, answer.status


MERGED = "SELECT count(*) FROM journal WHERE action = 'merge'" \
         " AND status = 'done'"


def merge_all(lab, count, accounts, people):
    on = labs.Deployment(lab, count, accounts, people.upstream())
    try:
        time.sleep(0.5)
        empty = on.sizes()
        meter = Meter(on)
        before = people.sandbox.control("GET", "requests")["total"]
        people.come(on)
        end = time.monotonic() + LIVE_S
        while on.value(MERGED) < len(people.bodies):
            assert time.monotonic() < end, "not all were merged"
            time.sleep(0.1)
        row = meter.read(len(people.bodies))
        calls = people.sandbox.control("GET", "requests")["total"] - before
        row["rate"] = len(people.bodies) / row["seconds"] * 60
        row["calls"] = calls / len(people.bodies)
        row["sizes"] = {name: size - empty[name]
                        for name, size in on.sizes().items()}
        return row
    finally:
        on.close()


def measure_merges(lab, options):
    results = {}
    for _ in range(options.rounds):
        for accounts in (1, options.accounts):
            for name, count in options.subjects:
                with tempfile.TemporaryDirectory() as folder:
                    people = People(folder, options.merges)
                    try:
                        row = merge_all(lab, count, accounts, people)
                    finally:
                        people.sandbox.stop()
                results.setdefault((accounts, name), []).append(row)
    return [{"accounts": accounts, "on": name, "rounds": rounds}
            for (accounts, name), rounds in sorted(
                results.items(), key=lambda item: item[0][0])]


def print_merges(rows, options):
    print(f"\nMerges: {options.merges} people at once, median of "
          f"{options.rounds} rounds, interleaved")
    print(f"{'accounts':8} {'':8} {'merges/minute':>22} {'calls':>6} "
          f"{'node us':>8} {'PG us':>8} {'statements':>10} "
          f"{'transactions':>12}")
    for row in rows:
        r = row["rounds"]
        print(f"{row['accounts']:<8} {row['on']:8} "
              f"{spread([x['rate'] for x in r]):>22} "
              f"{median(r, 'calls'):6.2f} {median(r, 'node_us'):8.0f} "
              f"{median(r, 'pg_us'):8.0f} {median(r, 'statements'):10.1f} "
              f"{median(r, 'transactions'):12.2f}")


# --- storage ---


def fill(on, options):
    while on.value("SELECT count(*) FROM events") < options.events:
        load(on, 0, options.seconds, options.connections)


def measure_storage(lab, options):
    rows = []
    for name, count in options.subjects[:2]:
        on = labs.Deployment(lab, count, 1)
        try:
            fill(on, options)
            rows.append({"on": name, "events": on.value(
                "SELECT count(*) FROM events"), "jobs": on.value(
                    "SELECT count(*) FROM jobs"), "bytes": on.sizes()})
        finally:
            on.close()
    return rows


def print_storage(rows, merges):
    print("\nStorage: bytes a row, with indexes")
    print(f"{'':8} {'events':>8} {'event':>6} {'job':>6} "
          f"{'journal':>8} {'links':>6} {'other, a merge':>14}")
    for row in rows:
        line = (f"{row['on']:8} {row['events']:8} "
                f"{row['bytes']['events'] / row['events']:6.0f} "
                f"{row['bytes']['jobs'] / max(row['jobs'], 1):6.0f} ")
        for other in merges or []:
            if other["on"] == row["on"] and other["accounts"] == 1:
                line += merge_bytes(other)
        print(line)


def merge_bytes(row):
    sizes = row["rounds"][0]["sizes"]
    people = row["people"]
    rest = sum(sizes.values()) - sum(
        sizes[name] for name in ("events", "jobs", "journal", "links"))
    return (f"{sizes['journal'] / people:8.0f} {sizes['links'] / people:6.0f}"
            f" {rest / people:14.0f}")


# --- nothing to do ---


def measure_idle(lab, options):
    rows = []
    for accounts in options.idle_accounts:
        for name, count in options.subjects[:2]:
            on = labs.Deployment(lab, count, accounts)
            try:
                # what a start asks
                time.sleep(min(options.idle_seconds, 3 + accounts / 100))
                meter = Meter(on)
                time.sleep(options.idle_seconds)
                row = meter.read(options.idle_seconds)
                rows.append({"accounts": accounts, "on": name, **row,
                             "start_s": on.nodes[0].start_s,
                             "rss_kib": measure.kib(on.nodes[0].pid, "VmRSS")})
            finally:
                on.close()
    return rows


def print_idle(rows, options):
    print(f"\nNothing to do, for {options.idle_seconds} s")
    print(f"{'accounts':8} {'':8} {'start s':>8} {'RSS MiB':>8} "
          f"{'statements/s':>12} {'transactions/s':>14} {'node us/s':>10} "
          f"{'PG us/s':>9}")
    for r in rows:
        print(f"{r['accounts']:<8} {r['on']:8} {r['start_s']:8.2f} "
              f"{r['rss_kib'] / 1024:8.1f} {r['statements']:12.1f} "
              f"{r['transactions']:14.1f} {r['node_us']:10.0f} "
              f"{r['pg_us']:9.0f}")


# --- all of it ---


def numbers(text):
    return [int(word) for word in text.split(",")]


def parse():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("build")
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--nodes", type=numbers, default="0,1,2,3",
                        help="0 is SQLite, the first of them")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--accounts", type=int, default=8)
    parser.add_argument("--merges", type=int, default=500)
    parser.add_argument("--events", type=int, default=200000)
    parser.add_argument("--idle-seconds", type=int, default=30)
    parser.add_argument("--idle-accounts", type=numbers, default="1,100,1000")
    parser.add_argument("--json")
    options = parser.parse_args()
    options.only = options.only.split(",")
    options.subjects = [(NAMES[n], n) for n in options.nodes]
    assert set(options.only) <= set(PARTS), options.only
    return options


def run(lab, options):
    found = {}
    if "intake" in options.only:
        found["intake"] = measure_intake(lab, options)
        print_intake(found["intake"], options)
    if "merges" in options.only:
        found["merges"] = [{**row, "people": options.merges}
                           for row in measure_merges(lab, options)]
        print_merges(found["merges"], options)
    if "storage" in options.only:
        found["storage"] = measure_storage(lab, options)
        print_storage(found["storage"], found.get("merges"))
    if "idle" in options.only:
        found["idle"] = measure_idle(lab, options)
        print_idle(found["idle"], options)
    return found


def main():
    options = parse()
    subprocess.run([os.path.join(labs.ROOT, "deploy/packages.sh"), "bench"],
                   check=True)
    lab = labs.Lab(options.build)
    try:
        found = run(lab, options)
    finally:
        lab.close()
    text = json.dumps({"cpus": os.cpu_count(),
                       "options": vars(options), **found})
    if options.json:
        with open(options.json, "w", encoding="utf-8") as f:
            f.write(text + "\n")
    else:
        print("\n" + text)


if __name__ == "__main__":
    sys.exit(main())
