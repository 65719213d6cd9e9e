"""Jobs: from a webhook to Zendesk's merge, at an upstream that answers at once
and at one that takes 50 ms a call; people who are known to be linked; backlogs
of a thousand, a hundred thousand and a million; and how much of the account's
requests is used while work waits."""

import os
import statistics
import time

import chart
import crowd
import figures
import lab as labs

NAME = "jobs"
TITLE = "Jobs"
PLACE = 3
DELAYS_MS = (0, 50)
WARM = 10  # connections, statements
PEOPLE = 200
BACKLOGS = (1000, 100000, 1000000)
DRAINED = 800
LIVE_S = 300
LIMIT = 700  # requests a minute
RESERVE = 25  # percent of it for others, as reunite has it by default
MINUTES = 4
CALL = {"sunco_user": "sunco", "user": "zendesk", "search": "zendesk",
        "many": "zendesk", "merge": "zendesk"}


# --- webhook to merged ---


def busy_us(calls, until_us):
    """How long at least one of them was under way."""
    total, end = 0, 0
    for _, _, came, answered in sorted(calls, key=lambda call: call[2]):
        came, answered = max(came, end), min(answered, until_us)
        total += max(answered - came, 0)
        end = max(end, answered)
    return total


def one_merge(daemon, upstream, n):
    begun = daemon.post(n)
    accepted = crowd.now_us()
    daemon.wait_for("job_decided")
    ended = crowd.now_us()
    calls = [call for call in upstream.log()["calls"] if call[1] == n]
    merged = next(call[3] for call in calls if call[0] == "merge")
    return {"accepted_ms": (accepted - begun) / 1000,
            "merged_ms": (merged - begun) / 1000,
            "ours_ms": (merged - begun - busy_us(calls, merged)) / 1000,
            "done_ms": (ended - begun) / 1000,
            **{api: sum(CALL[call[0]] == api for call in calls)
               for api in ("zendesk", "sunco")}}


def percentile(values, percent):
    values = sorted(values)
    return values[min(len(values) - 1, len(values) * percent // 100)]


def summary(rows):
    """One round's p50 and p99."""
    found = {}
    for key in rows[0]:
        values = [row[key] for row in rows]
        found[f"{key}_p50"] = statistics.median(values)
        found[f"{key}_p99"] = percentile(values, 99)
    return found


def merge_round(lab, delay_ms, people):
    with crowd.upstream(lab, delay_ms) as upstream, \
            crowd.serving(lab, upstream.settings()) as daemon:
        for n in range(WARM):
            one_merge(daemon, upstream, n)
        commits, written = daemon.commits(), daemon.written()
        rows = [one_merge(daemon, upstream, WARM + n) for n in range(people)]
        return {**summary(rows),
                "commits": (daemon.commits() - commits) / people,
                "written": (daemon.written() - written) / people}


def known_round(lab, people):
    """Everybody was linked, and begins another conversation."""
    with crowd.upstream(lab) as upstream, \
            crowd.serving(lab, upstream.settings()) as daemon:
        for n in range(people):
            one_merge(daemon, upstream, n)
        calls = upstream.log()["total"]
        commits, written = daemon.commits(), daemon.written()
        took = []
        for n in range(people):
            begun = daemon.post(n)
            took.append((crowd.now_us() - begun) / 1000)
        return {"accepted_ms": statistics.median(took),
                "calls": (upstream.log()["total"] - calls) / people,
                "commits": (daemon.commits() - commits) / people,
                "written": (daemon.written() - written) / people}


def measure_merges(lab):
    people = 20 if lab.quick else PEOPLE
    found = {"merges": {}, "known": []}
    for n in range(lab.rounds):
        for delay_ms in DELAYS_MS:
            lab.say(f"merges, {delay_ms} ms a call: round {n + 1}")
            found["merges"].setdefault(str(delay_ms), []).append(
                merge_round(lab, delay_ms, people))
        lab.say(f"known people: round {n + 1}")
        found["known"].append(known_round(lab, people))
    return found


# --- backlogs ---


def wait_until_decided(daemon, count):
    end = time.monotonic() + LIVE_S
    done = daemon.decided()
    while done < count:
        assert time.monotonic() < end, f"{done} of {count} in {LIVE_S} s"
        time.sleep(0.02)
        done = daemon.decided()
    return done


def drain(lab, store, drained):
    with crowd.upstream(lab) as upstream, \
            crowd.serving(lab, upstream.settings(), store) as daemon:
        if os.path.getsize(store) > 32 << 20:
            daemon.wait_for("store_checked")  # it is no part of a job's cost
        daemon.skip_log()
        first = wait_until_decided(daemon, drained // 10)
        begun, cpu = time.monotonic(), daemon.cpu_s()
        calls = upstream.log()["total"]
        done = wait_until_decided(daemon, first + drained) - first
        seconds = time.monotonic() - begun
        return {"start_ms": daemon.start_ms, "rate": done / seconds,
                "cpu_us": (daemon.cpu_s() - cpu) / done * 1e6,
                "calls": (upstream.log()["total"] - calls) / done,
                "anon_kib": crowd.measure.kib(daemon.pid, "RssAnon"),
                "rss_kib": crowd.measure.kib(daemon.pid, "VmHWM")}


def measure_backlogs(lab):
    found = {}
    drained = 200 if lab.quick else DRAINED
    counts = BACKLOGS[:2] if lab.quick else BACKLOGS
    for n in range(lab.rounds):
        for count in counts:
            store = crowd.backlog(lab, count)
            lab.say(f"a backlog of {count:,}: round {n + 1}")
            found.setdefault(str(count), []).append(
                drain(lab, store, drained))
    return found


# --- the account's requests ---


def people_for(seconds):
    return int(LIMIT / 60 * seconds / 4) + LIMIT


def measure_budget(lab):
    """Windows of the account, but the first (which may begin with a burst)
    and the last (which is not over)."""
    seconds = 10 if lab.quick else 60 * (MINUTES + 1)
    count = people_for(seconds)
    lab.say(f"{LIMIT} requests a minute, for {seconds} s")
    folder = lab.new_folder("budget")
    sandbox = labs.Sandbox(folder, "--empty")
    try:
        sandbox.settings(limit=LIMIT, user_update_limits=False, sunco_limit=0)
        sandbox.control("POST", "people", crowd.people(range(count)))
        s = sandbox.settings()
        with crowd.serving(lab, {
                "zendesk": sandbox.url, "token": s["bearer_token"],
                "sunco": sandbox.url + "/sc", "app": s["sunco_app_id"],
                "key_id": s["sunco_key_id"],
                "key_secret": s["sunco_key_secret"]},
                crowd.backlog(lab, count)) as daemon:
            daemon.skip_log()
            time.sleep(seconds)
            merged = daemon.decided()
            windows = sandbox.control("GET", "requests")["windows"]
    finally:
        sandbox.stop()
    return {"minutes": [w["taken"] for w in windows[1:-1]],
            "refused": sum(w["refused"] for w in windows), "merged": merged}


def run(lab):
    return {**measure_merges(lab), "backlogs": measure_backlogs(lab),
            "budget": measure_budget(lab)}


# --- telling ---


def pair(rounds, key):
    return " / ".join(figures.short(figures.median(rounds, f"{key}_{p}"))
                      for p in ("p50", "p99"))


def kib(rounds, key):
    value = figures.median(rounds, key)
    return "–" if value is None else figures.short(value / 1024)


def merges_table(found):
    rows = []
    for delay_ms, rounds in found["merges"].items():
        rows.append([
            f"somebody new, {delay_ms} ms a call",
            *(pair(rounds, key) for key in ("accepted_ms", "merged_ms",
                                            "ours_ms", "done_ms")),
            figures.short(figures.median(rounds, "zendesk_p50")),
            figures.short(figures.median(rounds, "sunco_p50")),
            figures.short(figures.median(rounds, "commits")),
            kib(rounds, "written")])
    known = found["known"]
    rows.append(["known to be linked",
                 figures.short(figures.median(known, "accepted_ms")),
                 "–", "–", "–",
                 figures.short(figures.median(known, "calls")), "0.00",
                 figures.short(figures.median(known, "commits")),
                 kib(known, "written")])
    return figures.Table(
        "From a webhook to Zendesk's merge, one person after the other: p50 / "
        "p99",
        ["", "200 after ms", "merged after ms", "of it ours", "job done ms",
         "Zendesk calls", "SunCo calls", "transactions", "KiB written"], rows,
        "Ours: while no call was under way. Merged: Zendesk has answered the "
        "merge; the job is done when that was read back and stored.")


def backlogs_table(found):
    base = found["backlogs"][str(BACKLOGS[0])]
    rows = [[f"{int(count):,}",
             figures.with_spread(rounds, "start_ms"),
             figures.with_spread(rounds, "rate"),
             figures.with_spread(rounds, "cpu_us"),
             figures.times(figures.ratio(figures.median(rounds, "cpu_us"),
                                         figures.median(base, "cpu_us"))),
             figures.short(figures.median(rounds, "calls")),
             kib(rounds, "anon_kib"), kib(rounds, "rss_kib")]
            for count, rounds in found["backlogs"].items()]
    return figures.Table(
        "Backlogs, at an upstream that answers at once",
        ["jobs wait", "start to first 200, ms", "merges/s", "CPU us a merge",
         "to the shortest", "calls", "anonymous MiB", "most MiB"], rows)


def allowed():
    return LIMIT * (100 - RESERVE) // 100


def used(found):
    minutes = found["budget"]["minutes"]
    return statistics.mean(minutes) if minutes else None


def budget_table(found):
    b = found["budget"]
    return figures.Table(
        f"Requests while work waits: an account with {LIMIT} a minute, of "
        f"which {RESERVE} % are left to others",
        ["", "allowed", "used", "of the allowed", "refused (429)"],
        [["a minute", str(allowed()), figures.number(used(found)),
          figures.times(figures.ratio(used(found), allowed())),
          str(b["refused"])]])


def tables(found):
    return [merges_table(found), backlogs_table(found), budget_table(found)]


def worst(found, key):
    """Of the longest backlog; None where it was left out."""
    rounds = found["backlogs"].get(str(BACKLOGS[-1]), [])
    return figures.median(rounds, key)


def per_kib(value):
    return None if value is None else value / 1024


def targets(found):
    instant = found["merges"]["0"]
    base = figures.median(found["backlogs"][str(BACKLOGS[0])], "cpu_us")
    share = figures.ratio(used(found), allowed())
    known = found["known"]
    return [
        figures.at_most("webhook to merged, instant upstream, p50",
                        figures.median(instant, "merged_ms_p50"), 5, " ms",
                        strict=True),
        figures.at_most("of it ours, p50",
                        figures.median(instant, "ours_ms_p50"), 1.5, " ms",
                        strict=True),
        figures.at_most("Zendesk calls a merge",
                        figures.median(instant, "zendesk_p50"), 4, ""),
        figures.at_most("SunCo calls a merge",
                        figures.median(instant, "sunco_p50"), 1, ""),
        figures.at_most("calls for somebody known to be linked",
                        figures.median(known, "calls"), 0, ""),
        figures.at_most("transactions for somebody known to be linked",
                        figures.median(known, "commits"), 1.05, ""),
        figures.at_least("requests used while work waits, of the allowed",
                         share and share * 100, 95, " %"),
        figures.at_most("requests refused (429)", found["budget"]["refused"],
                        0, ""),
        figures.at_most("start with a backlog of 1 M",
                        worst(found, "start_ms"), 1000, " ms", strict=True),
        figures.at_most("RSS with a backlog of 1 M",
                        per_kib(worst(found, "rss_kib")), 64, " MiB",
                        strict=True),
        figures.at_most("CPU a job, backlog of 1 M to 1 k",
                        figures.ratio(worst(found, "cpu_us"), base), 1.2),
    ]


def bar(name, rounds, key):
    middle, low, high = figures.spread(rounds, key)
    return chart.Bar(name, middle, "ours", low, high, figures.short(middle))


def pictures(found):
    instant = found["merges"]["0"]
    return {"jobs.svg": chart.svg("Jobs", [
        chart.Panel("Webhook to Zendesk's merge, ms (p50), at an upstream "
                    "that answers at once", [
                        bar("stored and answered", instant, "accepted_ms_p50"),
                        bar("merged", instant, "merged_ms_p50"),
                        bar("and read back", instant, "done_ms_p50")]),
        chart.Panel("CPU a merge, us", [
            bar(f"{int(count):,} jobs wait", rounds, "cpu_us")
            for count, rounds in found["backlogs"].items()])])}
