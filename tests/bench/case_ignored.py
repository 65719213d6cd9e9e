"""Events that do not matter (somebody types, reads, or writes who is not
waited for): verified, parsed, counted, answered, and the disk not touched.
Beside a server that only answers."""

import figures
import lives
import servers

NAME = "ignored"
TITLE = "Ignored events"
PLACE = 2
BODIES = "typing,read,message"
CONNECTIONS = (64, 256)
SUBJECTS = (servers.REUNITE, servers.EVHTTP)


def run(lab):
    found = {subject.key: {} for subject in SUBJECTS}
    for connections in CONNECTIONS:
        for n, subject in lives.turns(lab, SUBJECTS):
            lab.say(f"{connections} connections: round {n + 1}, "
                    f"{subject.name}")
            row = lives.measure(
                lab, subject, [lambda load, rows: load(BODIES, connections)],
                stores=False)[0]
            found[subject.key].setdefault(str(connections), []).append(
                {"round": n, **row})
    return found


def ratio(found, connections, name):
    at = str(connections)
    return figures.paired(found["reunite"].get(at, []),
                          found["evhttp"].get(at, []), name)


def row(found, subject, connections):
    at = found[subject.key].get(str(connections), [])
    rate = figures.spread(at, "rate")
    return [
        f"{subject.name}, {connections} connections",
        "–" if not rate else "{:,.0f} ({:,.0f}–{:,.0f})".format(*rate),
        *(figures.short(figures.median(at, name))
          for name in ("p50_ms", "p99_ms", "p999_ms", "cpu_us")),
        figures.number(figures.median([r["proof"] for r in figures.good(at)],
                                      "stored")),
        str(len(at) - len(figures.good(at))),
    ]


def tables(found):
    rows = [row(found, subject, connections) for connections in CONNECTIONS
            for subject in SUBJECTS]
    return [figures.Table(
        "Ignored events: typing, read, and messages of people who are not "
        "waited for",
        ["", "requests/s", "p50 ms", "p99", "p99.9", "CPU us", "stored",
         "void rounds"], rows)]


def targets(found):
    return [figures.at_least("ignored events, requests/s to a bare evhttp "
                             "200", ratio(found, 64, "rate"), 0.8)]


def pictures(_found):
    return {}
