#!/usr/bin/python3
"""Everything that is measured, side by side in one run.

usage: bench.py --build DIR [options]; tests/bench/run.sh builds and calls it

  --only CASE,...   of the cases (--list names them); all without it
  --subjects KEY,...  of the servers beside reunite (servers.py has their
                    keys); all without it
  --quick           one short round of each: does it work, not how fast is it
  --rounds N        rounds, interleaved (5)
  --seconds S       how long one thing is loaded in a round (3)
  --modules DIR     where the peers' node_modules are
  --folder DIR      where data is written (a new one in /var/tmp)
  --out DIR         write latest.json and the pictures there
  --publish         rewrite tests/bench/results and the README's figures
  --list            only name the cases

A case is a file case_NAME.py with
  NAME, TITLE, PLACE      what it is called, and in which order it comes
  run(lab) -> dict        measures; only what JSON knows. A `lab` is a Lab
  tables(found)           figures.Table of what run() found
  targets(found)          figures.Target, judged from what run() found
  pictures(found)         file name -> SVG (chart.py)
What run() cannot measure here it tells lab.leave_out(), and goes on.
"""

import argparse
import datetime
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile

import measure
import results

IN_MEMORY = ("tmpfs", "ramfs")


class Lab:
    """What a case has to work with."""

    def __init__(self, options):
        self.options = options
        self.quick = options.quick
        self.rounds = options.rounds or (1 if self.quick else 5)
        self.seconds = options.seconds or (0.5 if self.quick else 3.0)
        self.build = os.path.abspath(options.build)
        os.environ["REUNITE_BUILD"] = self.build
        self.modules = options.modules
        self.folder = tempfile.mkdtemp(prefix="reunite-bench-",
                                       dir=options.folder)
        tempfile.tempdir = self.folder  # whatever else wants one
        # PostgreSQL's user must get in
        os.chmod(self.folder, 0o711)
        self.commit = commit()  # others may land meanwhile
        self.disk = measure.Disk(self.folder)
        self.left_out = []
        self.others = []  # cores that neither server nor generator took
        self.shared = {}
        if not self.disk.known:
            self.leave_out("flushes (this disk does not count them)")

    def leave_out(self, what):
        if what not in self.left_out:
            self.left_out.append(what)
            self.say(f"left out: {what}")

    def once(self, name, make):
        """What is made when it is first wanted, and kept for the whole run;
        at the end its remove() is called, if it has one."""
        if name not in self.shared:
            self.shared[name] = make()
        return self.shared[name]

    def program(self, name):
        """Of the build."""
        return os.path.join(self.build, name)

    def say(self, words):
        """Progress, for whoever waits."""
        now = datetime.datetime.now().strftime("%H:%M:%S")
        print(f"{now} {words}", file=sys.stderr, flush=True)

    def new_folder(self, name):
        folder = tempfile.mkdtemp(prefix=name + "-", dir=self.folder)
        os.chmod(folder, 0o711)
        return folder

    def told(self):
        """With which a result is published."""
        return {"day": datetime.date.today().isoformat(),
                "commit": self.commit, "quick": self.quick,
                "rounds": self.rounds, "seconds": self.seconds,
                "left_out": self.left_out,
                "machine": measure.machine(self.folder),
                "versions": measure.versions(),
                "others": statistics.median(self.others or [0])}

    def close(self):
        for thing in self.shared.values():
            if hasattr(thing, "remove"):
                thing.remove()
        shutil.rmtree(self.folder, ignore_errors=True)


def commit():
    done = subprocess.run(
        ["git", "-C", results.ROOT, "describe", "--always", "--dirty"],
        capture_output=True, text=True, check=False)
    return done.stdout.strip() or "no commit"


def parse():
    parser = argparse.ArgumentParser(
        usage=__doc__.split("\n\n", 1)[1],
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build")
    parser.add_argument("--only", default="")
    parser.add_argument("--subjects", default="")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--modules")
    parser.add_argument("--folder", default="/var/tmp")
    parser.add_argument("--out")
    parser.add_argument("--publish", action="store_true")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    options.only = list(filter(None, options.only.split(",")))
    options.subjects = list(filter(None, options.subjects.split(",")))
    if not options.list and not options.build:
        parser.error("--build is needed")
    return options


def chosen(options):
    every = {case.NAME: case for case in results.cases()}
    unknown = set(options.only) - set(every)
    if unknown:
        sys.exit(f"no such case: {', '.join(sorted(unknown))}")
    return [every[name] for name in options.only or every]


def run(options):
    lab = Lab(options)
    found = {"cases": {}}
    try:
        for case in chosen(options):
            lab.say(case.TITLE)
            lab.left_out = [line for line in lab.left_out
                            if line.startswith("flushes")]
            lab.others = []
            result = case.run(lab)
            found["cases"][case.NAME] = {"found": result, "run": lab.told()}
    finally:
        lab.close()
    return found


def end(*_):
    sys.exit("interrupted")


def main():
    options = parse()
    if options.list:
        for case in results.cases():
            print(f"{case.NAME:12} {case.TITLE}")
        return
    # servers end in `finally`, so whoever asks us to end gets them ended
    signal.signal(signal.SIGTERM, end)
    if measure.file_system(options.folder) in IN_MEMORY and not options.quick:
        sys.exit(f"{options.folder} is in memory; --folder on a disk, please")
    found = run(options)
    print(results.terminal(found))
    if options.out:
        results.save_all(options.out, found)
    if options.publish:
        results.publish(found)


if __name__ == "__main__":
    main()
