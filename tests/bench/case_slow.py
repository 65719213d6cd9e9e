"""Durable intake on a disk whose syncs take 2 or 10 ms longer, beside the
best-tuned peer."""

import os

import figures
import lives
import servers

NAME = "slow"
TITLE = "A slow disk"
PLACE = 2
DELAYS_MS = (2, 10)
SUBJECTS = (servers.REUNITE, servers.GROUP)
CONNECTIONS = (64, 256)


def slower_by(lab, delay_ms):
    return {"LD_PRELOAD": lab.program("tests/bench/libslow_sync.so"),
            "SLOW_SYNC_MS": str(delay_ms),
            # a build with AddressSanitizer wants to be loaded first
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") +
                            ":verify_asan_link_order=0"}


def load(connections, delay_ms):
    def one(load_, _rows):
        row = load_("sunco", connections)
        # nobody is answered before a sync: else it was not slowed down
        if row["requests"] and row["p50_ms"] < delay_ms:
            row["void"] = "its syncs were not slower"
        return row
    return one


def run(lab):
    subjects = servers.present(lab, SUBJECTS)
    found = {subject.key: {} for subject in subjects}
    for delay_ms in DELAYS_MS:
        for connections in CONNECTIONS:
            for n, subject in lives.turns(lab, subjects):
                lab.say(f"{delay_ms} ms a sync, {connections} connections: "
                        f"round {n + 1}, {subject.name}")
                row = lives.measure(lab, subject,
                                    [load(connections, delay_ms)],
                                    slower_by(lab, delay_ms))[0]
                found[subject.key].setdefault(
                    f"{delay_ms} ms, {connections}", []).append(
                        {"round": n, **row})
    return found


def row(found, subject, column):
    at = found.get(subject.key, {}).get(column, [])
    rate = figures.spread(at, "rate")
    return [
        f"{column}: {subject.name}",
        "–" if not rate else "{:,.0f} ({:,.0f}–{:,.0f})".format(*rate),
        figures.short(figures.paired(
            found["reunite"].get(column, []), at, "rate")),
        *(figures.short(figures.median(at, name))
          for name in ("p50_ms", "p99_ms", "cpu_us")),
        str(len(at) - len(figures.good(at))),
    ]


def tables(found):
    rows = [row(found, subject, column) for column in found["reunite"]
            for subject in SUBJECTS if subject.key in found]
    return [figures.Table(
        "The same on a slow disk: so much longer a sync, so many connections",
        ["", "requests/s", "reunite : it", "p50 ms", "p99", "CPU us",
         "void rounds"], rows)]


def targets(_found):
    return []


def pictures(_found):
    return {}
