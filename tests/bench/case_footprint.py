"""What a process takes that has nothing to do, and how soon it is there."""

import os
import subprocess
import time

import crowd
import figures
import measure

NAME = "footprint"
TITLE = "Footprint"
PLACE = 4
SETTLED_S = 2  # what a start asks of its store is over


def one(lab, upstream):
    with crowd.serving(lab, upstream.settings()) as daemon:
        time.sleep(SETTLED_S)
        return {"start_ms": daemon.start_ms,
                "anon_kib": measure.kib(daemon.pid, "RssAnon"),
                "rss_kib": measure.kib(daemon.pid, "VmRSS")}


def stripped_bytes(lab):
    path = os.path.join(lab.new_folder("binary"), "reunite")
    subprocess.run(["strip", "-o", path, lab.program("reunite")], check=True)
    return os.path.getsize(path)


def run(lab):
    with crowd.upstream(lab) as upstream:
        rounds = [one(lab, upstream) for _ in range(2 * lab.rounds)]
    return {"rounds": rounds, "binary_bytes": stripped_bytes(lab)}


def mib(value):
    return figures.short(value / 1024)


def tables(found):
    rounds = found["rounds"]
    return [figures.Table(
        "One process with nothing to do",
        ["", "start to first 200, ms", "anonymous MiB", "resident MiB",
         "program, KiB"],
        [["reunite serve", figures.with_spread(rounds, "start_ms"),
          figures.with_spread(rounds, "anon_kib", mib),
          figures.with_spread(rounds, "rss_kib", mib),
          figures.number(found["binary_bytes"] / 1024)]],
        "Resident counts the pages of shared libraries, too. The program is "
        "stripped, and linked with its libraries when it starts.")]


def targets(found):
    rounds = found["rounds"]
    return [
        figures.at_most("anonymous memory, nothing to do",
                        figures.median(rounds, "anon_kib") / 1024, 6, " MiB",
                        strict=True),
        figures.at_most("start to first 200",
                        figures.median(rounds, "start_ms"), 50, " ms",
                        strict=True),
    ]


def pictures(_found):
    return {}
