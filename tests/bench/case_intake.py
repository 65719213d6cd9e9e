"""Durable intake: webhooks that matter, stored and synced before the 200,
beside those who do the same and those who only answer."""

import chart
import figures
import lives
import servers

NAME = "intake"
TITLE = "Durable intake"
PLACE = 1
STATED = 2000  # requests a second at which all are compared
# how a column is called -> body, connections
SHAPES = {
    "SunCo, 64": ("sunco", 64),
    "SunCo, 1": ("sunco", 1),
    "SunCo, 256": ("sunco", 256),
    "Zendesk event, 64": ("event", 64),
    "Zendesk trigger, 64": ("trigger", 64),
}
MAIN = "SunCo, 64"
HALF = "half of saturation"
RATE = f"{STATED} a second"
USUAL = [subject.key for subject in servers.USUAL]


# --- measuring ---


def closed(body, connections):
    return lambda load, rows: load(body, connections)


def at_half(load, rows):
    """As much again as it had taken would be its limit."""
    return load("sunco", 256, rows[0]["rate"] / 2)


def at_stated(load, rows):
    """Only who could take a good deal more."""
    if rows[0]["rate"] < 1.2 * STATED:
        return None
    return load("sunco", 256, STATED)


def columns_of(shape):
    return [shape, HALF, RATE] if shape == MAIN else [shape]


def measure_shape(lab, shape, subjects, found):
    body, connections = SHAPES[shape]
    able = [subject for subject in subjects if body in subject.bodies]
    loads = [closed(body, connections)]
    if shape == MAIN:
        loads += [at_half, at_stated]
    for n, subject in lives.turns(lab, able):
        lab.say(f"{shape}: round {n + 1}, {subject.name}")
        rows = lives.measure(lab, subject, loads)
        for column, row in zip(columns_of(shape), rows):
            if row:
                found[subject.key].setdefault(column, []).append(
                    {"round": n, **row})


def run(lab):
    subjects = servers.present(lab, servers.ALL)
    found = {subject.key: {} for subject in subjects}
    for shape in SHAPES:
        measure_shape(lab, shape, subjects, found)
    return found


# --- telling ---


def present(found):
    return [subject for subject in servers.ALL if subject.key in found]


def peers(found, keys=None):
    return [subject.key for subject in present(found)
            if subject.kind == "peer" and (not keys or subject.key in keys)]


def rounds(found, key, column=MAIN):
    return found.get(key, {}).get(column, [])


def ratio(found, key, name, column=MAIN):
    """Ours to somebody's, round by round."""
    return figures.paired(rounds(found, "reunite", column),
                          rounds(found, key, column), name)


def mib(value):
    return "–" if value is None else figures.short(value / 1024)


def main_row(found, subject):
    at = rounds(found, subject.key)
    half = rounds(found, subject.key, HALF)
    rate = figures.spread(at, "rate")
    return [
        subject.name,
        "–" if not rate else "{:,.0f} ({:,.0f}–{:,.0f})".format(*rate),
        figures.short(ratio(found, subject.key, "rate")),
        *(figures.short(figures.median(at, name))
          for name in ("p50_ms", "p99_ms", "p999_ms", "cpu_us")),
        figures.short(figures.median(rounds(found, subject.key, RATE),
                                     "cpu_us")),
        figures.short(figures.median(half, "p99_ms")),
        mib(figures.median(at, "rss_kib")),
    ]


def main_table(found):
    return figures.Table(
        "Durable intake: SunCo, 1.5 KB, 64 connections",
        ["", "requests/s", "reunite : it", "p50 ms", "p99", "p99.9",
         "CPU us", f"CPU us at {STATED:,}/s", "p99 at half", "MiB"],
        [main_row(found, subject) for subject in present(found)],
        "CPU is that of all processes of a server, for one request. \"At "
        "half\": an open loop at half of what the same server had just taken, "
        "latency from when a request was due. Ratios are medians of the "
        "rounds'.")


def shape_cell(found, key, column):
    at = rounds(found, key, column)
    if not figures.good(at):
        return "–"
    return " / ".join((figures.number(figures.median(at, "rate")),
                       figures.short(figures.median(at, "p99_ms")),
                       figures.short(figures.median(at, "cpu_us"))))


def shapes_table(found):
    return figures.Table(
        "Other bodies, other numbers of connections: requests/s / p99 ms / "
        "CPU us",
        ["", *SHAPES],
        [[subject.name, *(shape_cell(found, subject.key, column)
                          for column in SHAPES)]
         for subject in present(found)], is_detail=True)


def per(rounds_, what, of):
    """The median of a quotient."""
    return figures.median([{"q": r[what] / r[of]} for r in figures.good(
        rounds_) if r.get(of)], "q")


def proof_row(found, subject):
    every = [r for column in found[subject.key].values() for r in column]
    at = rounds(found, subject.key)
    lies = sum(1 for r in every if r.get("void"))
    proofs = [r["proof"] for r in figures.good(at)]
    stored = [p for p in proofs if p.get("stored") is not None]
    wal = figures.median(proofs, "wal_bytes")
    return [
        subject.name,
        "–" if not stored else figures.number(sum(
            p["stored"] for p in stored)),
        "–" if not stored else figures.number(sum(
            p["answered"] for p in stored)),
        figures.short(per(at, "requests", "flushes")),
        figures.number(per(at, "written_bytes", "requests")),
        "–" if wal is None else figures.short(wal / 2**20),
        str(lies),
    ]


def proof_table(found):
    return figures.Table(
        "What shows that they are durable",
        ["", "stored", "answered with 200", "requests a flush",
         "bytes written each", "WAL MiB", "void rounds"],
        [proof_row(found, subject) for subject in present(found)
         if subject.key not in ("evhttp", "nginx")],
        "Flushes and bytes are those of the whole disk, as the kernel counts "
        "them. A round with an error, or in which not exactly what was "
        "answered is stored, is void.", is_detail=True)


def tables(found):
    return [main_table(found), shapes_table(found), proof_table(found)]


def smallest(values):
    known = [value for value in values if value is not None]
    return min(known) if known else None


def largest(values):
    known = [value for value in values if value is not None]
    return max(known) if known else None


def p99_target(found):
    ours = figures.median(rounds(found, "reunite", HALF), "p99_ms")
    best = smallest(figures.median(rounds(found, key, HALF), "p99_ms")
                    for key in peers(found))
    what = "durable intake, p99 at half of saturation, every durable peer's"
    if ours is None or best is None:
        return figures.Target(what, "below", "–", None)
    return figures.at_most(what, ours, round(best, 2), " ms", strict=True)


def targets(found):
    def rate(keys):
        return smallest(ratio(found, key, "rate") for key in keys)

    def cpu(keys, column=MAIN):
        return largest(ratio(found, key, "cpu_us", column) for key in keys)

    tuned = [key for key in peers(found) if key != "jobs"]
    stated = f"at {STATED:,}/s"
    return [
        figures.at_least("durable intake, requests/s at 64 connections, to "
                         "the best-tuned peer", rate(tuned), 2),
        figures.at_least("the same, to the best-tuned peer that stores a job "
                         "as reunite does", rate(["jobs"]), 2),
        figures.at_least("the same, to the best of the usual ones",
                         rate(peers(found, USUAL)), 5),
        figures.at_most("CPU a durable event at 64 connections, to the best "
                        "peer", cpu(tuned), 0.5),
        figures.at_most("the same, to the best-tuned peer that stores a job",
                        cpu(["jobs"]), 0.5),
        figures.at_most(f"CPU a durable event {stated}, to the best peer",
                        cpu(tuned, RATE), 0.5),
        figures.at_most("CPU a durable event at 64 connections, to the "
                        "leanest prototype", cpu(["floor"]), 1.5),
        figures.at_most(f"CPU a durable event {stated}, to the leanest "
                        "prototype", cpu(["floor"], RATE), 1.5),
        p99_target(found),
    ]


def bars(found, column, name, subjects, form):
    made = []
    for subject in subjects:
        spread = figures.spread(rounds(found, subject.key, column), name)
        if spread:
            middle, low, high = spread
            made.append(chart.Bar(subject.name, middle, subject.kind, low,
                                  high, form(middle)))
    return made


def pictures(found):
    every = present(found)
    durable = [subject for subject in every
               if subject.key not in ("evhttp", "nginx")]
    panels = [
        chart.Panel("Requests a second, stored durably (64 connections; more "
                    "is better)", bars(found, MAIN, "rate", every,
                                       figures.number)),
        chart.Panel("CPU of a request, microseconds (less is better)",
                    bars(found, MAIN, "cpu_us", every, figures.short)),
        chart.Panel("p99 at half of its own saturation, ms (less is better)",
                    bars(found, HALF, "p99_ms", durable, figures.short)),
    ]
    return {"durable_intake.svg": chart.svg(
        "Durable intake beside its peers", panels,
        "Lines are the spread of the rounds, \u2192 a bar that is cut. Pale "
        "bars store nothing that could be used.")}
