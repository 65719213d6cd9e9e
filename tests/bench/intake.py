#!/usr/bin/python3
"""Durable intake beside a server that does nothing, in one run.

usage: intake.py BUILD_DIR [--rounds N] [--seconds S] [--connections N]

Interleaved rounds (wrk, one thread, keep-alive): libevent's evhttp answering
200, `reunite serve` storing every event durably, and `reunite serve` ignoring
events that do not matter. Prints the median of each and the ratios to evhttp;
CPU per request is user + system time of the whole server. The accounts' jobs
are paused by pointing them at a closed port, so that only intake is measured.
"""

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
KEY = "key-of-the-benchmark"
TICKS = os.sysconf("SC_CLK_TCK")

CONFIG = """
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"
store = "sqlite:{folder}/bench.db"
account "bench" {{
  zendesk_url = "http://127.0.0.1:9"
  zendesk_auth = "bearer"
  zendesk_token = "none"
  sunco_url = "http://127.0.0.1:9"
  sunco_app_id = "6a1d3c5e7f9b2d4f6a8c0e12"
  sunco_key_id = "none"
  sunco_key_secret = "none"
  sunco_webhook_secrets = {{"{key}"}}
}}
"""


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def anonymous_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(r"RssAnon:\s+(\d+)", f.read()).group(1))



def start_evhttp(build):
    process = subprocess.Popen([os.path.join(build, "tests/evhttp_200")],
                               stdout=subprocess.PIPE, text=True)
    return process, int(process.stdout.readline()), "/"


def start_reunite(build, folder):
    config = os.path.join(folder, "bench.conf")
    with open(config, "w", encoding="utf-8") as f:
        f.write(CONFIG.format(folder=folder, key=KEY))
    process = subprocess.Popen(
        [os.path.join(build, "reunite"), "serve", "-c", config],
        stderr=subprocess.PIPE, text=True)
    event = json.loads(process.stderr.readline())
    assert event["event"] == "listening", event
    log = open(os.path.join(folder, "log"), "w", encoding="utf-8")
    subprocess.Popen(["cat"], stdin=process.stderr, stdout=log)
    return process, event["port"], "/webhooks/bench/sunco"


def load(process, port, path, kind, options):
    before = cpu_seconds(process.pid)
    done = subprocess.run(
        ["wrk", "-t1", f"-c{options.connections}",
         f"-d{options.seconds}s", "--latency", "--timeout", "10s", "-s",
         os.path.join(HERE, "sunco.lua"), f"http://127.0.0.1:{port}{path}",
         "--", KEY, kind], capture_output=True, text=True, check=True)
    result = json.loads(re.search(r"^RESULT (.*)$", done.stdout,
                                  re.M).group(1))
    result["rate"] = result["requests"] / result["seconds"]
    result["cpu_us"] = ((cpu_seconds(process.pid) - before) * 1e6 /
                        result["requests"])
    return result


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("build")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--connections", type=int, default=64)
    options = parser.parse_args()
    results = {"evhttp 200": [], "durable": [], "ignored": []}
    with tempfile.TemporaryDirectory(prefix="reunite-bench-") as folder:
        evhttp = start_evhttp(options.build)
        reunite = start_reunite(options.build, folder)
        time.sleep(1)
        idle_kib = anonymous_kib(reunite[0].pid)
        try:
            for _ in range(options.rounds):
                results["evhttp 200"].append(
                    load(*evhttp, "conversation:create", options))
                results["durable"].append(
                    load(*reunite, "conversation:create", options))
                results["ignored"].append(
                    load(*reunite, "conversation:typing", options))
            loaded_kib = anonymous_kib(reunite[0].pid)
        finally:
            for process, _, _ in (evhttp, reunite):
                process.send_signal(signal.SIGTERM)
                process.wait()
    report(results, idle_kib, loaded_kib, options)


def report(results, idle_kib, loaded_kib, options):
    def median(name, key):
        return statistics.median(r[key] for r in results[name])

    print(f"{options.connections} connections, median of {options.rounds} "
          f"rounds of {options.seconds} s, interleaved")
    print(f"{'':12} {'requests/s':>18} {'ratio':>6} {'p50 ms':>7} "
          f"{'p99 ms':>7} {'CPU us':>7} {'ratio':>6} {'errors':>6}")
    for name, rounds in results.items():
        rates = [r["rate"] for r in rounds]
        print(f"{name:12} {median(name, 'rate'):8.0f} "
              f"({min(rates):.0f}-{max(rates):.0f}) "
              f"{median(name, 'rate') / median('evhttp 200', 'rate'):6.2f} "
              f"{median(name, 'p50_ms'):7.2f} {median(name, 'p99_ms'):7.2f} "
              f"{median(name, 'cpu_us'):7.1f} "
              f"{median(name, 'cpu_us') / median('evhttp 200', 'cpu_us'):6.2f}"
              f" {sum(r['errors'] for r in rounds):6}")
    print(f"anonymous memory: idle {idle_kib} KiB, after the load "
          f"{loaded_kib} KiB")


if __name__ == "__main__":
    sys.exit(main())
