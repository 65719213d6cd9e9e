"""Alert rules and dashboard ask for metrics that there are, with labels that
they have, and every alert fires when it should, and not else."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tree import ROOT

sys.path.insert(0, str(ROOT / "tests"))

import tools  # noqa: E402

RULES = ROOT / "deploy/prometheus-alerts.yml"
DASHBOARD = ROOT / "deploy/grafana-dashboard.json"
# What Prometheus adds by itself.
SCRAPED = {"job", "instance", "le"}
VALUES = {
    "outcome": "src/app/intake_account.c src/app/teller_note.c",
    "state": "src/core/job.c",
    "lane": "src/core/job.c",
    "reason": "src/core/hold.c include/core/reason.h src/app/sweep_why.c"
              " src/app/scheduler.c",
    "class": "src/base/error.c",
    "call": "src/api/zendesk.c",
    "listener": "src/app/admin.c src/app/daemon.c",
    "source": "src/core/event.c",
}


def metrics() -> dict[str, tuple[str, set[str]]]:
    """Name as it is exposed -> its type and labels."""
    text = (ROOT / "include/base/metrics.h").read_text()
    text = text.split("#define METRICS_TABLE")[1].split("\n\n")[0]
    text = re.sub(r"\\\n\s*", " ", text)
    found = {}
    for kind, name, labels in re.findall(
        r'X\(\w+,\s+(\w+),\s+"(\w+)",\s+"([^"]*)"', text
    ):
        for end in (
            ("_bucket", "_count", "_sum") if "HISTOGRAM" in kind else ("",)
        ):
            found[f"reunite_{name}{end}"] = (kind, {*labels.split()})
    return found


def rules() -> dict[str, dict[str, str]]:
    """Alert -> its expression and its texts."""
    found = {}
    parts = re.split(r"^ +- alert: (\w+)\n", RULES.read_text(), flags=re.M)
    for name, text in zip(parts[1::2], parts[2::2]):
        assert name not in found
        expr, texts = re.match(
            r"\s+expr: (?:>-\n)?(.*?)\n +(?:for: \w+\n +)?labels: (.*)",
            text, re.S,
        ).groups()
        found[name] = {"expr": expr, "texts": texts}
    return found


def panels() -> list[dict]:
    board = json.loads(DASHBOARD.read_text())
    return [p for row in board["panels"] for p in (row, *row.get("panels", []))]


def expressions() -> list[str]:
    """Of the rules and of the dashboard."""
    board = json.loads(DASHBOARD.read_text())
    found = [rule["expr"] for rule in rules().values()]
    found += [t["expr"] for panel in panels() for t in panel.get("targets", [])]
    found += [
        v["query"] if isinstance(v["query"], str) else v["query"]["query"]
        for v in board["templating"]["list"] if v["type"] == "query"
    ]
    assert len(found) > 50
    return found


def test_every_metric_and_label_is_there():
    there = metrics()
    assert len(there) > 30
    for expr in expressions():
        named = re.findall(r"\b(reunite_\w+)(\{[^}]*\})?", expr)
        assert named or re.search(r"\bup\b", expr), expr
        for name, selector in named:
            assert name in there, (name, expr)
            for label in re.findall(r"(\w+)\s*[=!]", selector):
                assert label in there[name][1] | SCRAPED, (label, expr)
        known = {label for name, _ in named for label in there[name][1]}
        for group in re.findall(r"\b(?:by|on) \(([^)]*)\)", expr):
            for label in re.split(r",\s*", group):
                assert label in known | SCRAPED, (label, expr)


def test_rates_are_of_counters_and_nothing_else_is():
    there = metrics()
    for expr in expressions():
        rated = set(re.findall(r"(?:rate|increase|resets)\((reunite_\w+)", expr))
        for name in rated:
            assert there[name][0] != "GAUGE", expr
        for name in re.findall(r"\b(reunite_\w+)", expr):
            if there[name][0] == "COUNTER":
                assert name in rated, expr


def test_every_value_of_a_label_is_one_that_the_program_writes():
    told = {
        (label, value)
        for expr in expressions()
        for selector in re.findall(r"\{([^}]*)\}", expr)
        for label, text in re.findall(r'(\w+)\s*[=!]~?"([^"]*)"', selector)
        for value in text.split("|")
        if re.fullmatch(r"\w+", value) and label != "job"
    }
    assert len(told) > 20
    for label, value in told:
        files = VALUES[label].split()
        assert any(
            f'"{value}"' in (ROOT / name).read_text() for name in files
        ), (label, value)


# --- the dashboard ---


def test_panels_have_ids_places_and_texts_of_their_own():
    places = {}
    ids = [panel["id"] for panel in panels()]
    assert len(set(ids)) == len(ids) > 20
    for panel in panels():
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                assert (x, y) not in places, (panel["title"], places[x, y])
                places[x, y] = panel["title"]
        assert panel["title"]
        if panel["type"] == "row":
            assert panel["title"].endswith("?")
            continue
        assert panel["description"]
        assert panel["datasource"] == {
            "type": "prometheus", "uid": "${datasource}"
        }
        refs = [target["refId"] for target in panel["targets"]]
        assert len(set(refs)) == len(refs) > 0


def test_the_dashboard_belongs_to_no_grafana():
    board = json.loads(DASHBOARD.read_text())
    assert board["id"] is None and board["uid"] == "reunite"
    names = {v["name"]: v["type"] for v in board["templating"]["list"]}
    assert names == {"datasource": "datasource", "account": "query"}
    used = set(re.findall(r"\$\{?(\w+)", DASHBOARD.read_text()))
    assert used <= {*names, "__rate_interval", "__all"}


# --- the rules ---

HOURS = 60


def flat(value, minutes=60):
    return f"{value}x{minutes}"


# Alert -> the minute to look at, series with which it fires, and with which
# it does not. A step is a minute; the clock begins at 0.
CASES = {
    "ReuniteDown": (
        10, {'up{job="reunite",instance="a"}': "1x3 0x20"},
        {'up{job="reunite",instance="a"}': "1x9 0x20",
         'up{job="node",instance="a"}': flat(0)}),
    "ReuniteAbsent": (
        30, {'up{job="node",instance="a"}': flat(1)},
        {'up{job="reunite",instance="a"}': flat(0)}),
    "ReuniteRestarts": (
        50, {'reunite_store_commit_seconds_count{instance="a"}':
             "5x4 1x4 5x4 1x4 5x4 1x4 5x4 1x30"},
        {'reunite_store_commit_seconds_count{instance="a"}': "5x4 1x4 5x4 1x40"}),
    "ReuniteNodesLost": (
        60, {'reunite_nodes{job="reunite",instance="a"}': "3x20 2x60"},
        {'reunite_nodes{job="reunite",instance="a"}': "2x20 3x60"}),
    "ReuniteNoWebhooks": (
        7 * HOURS,
        {'reunite_last_webhook_timestamp_seconds{account="a",source="sunco"}':
         "60x500"},
        {'reunite_last_webhook_timestamp_seconds{account="a",source="sunco",instance="x"}':
         "60x500",
         'reunite_last_webhook_timestamp_seconds{account="a",source="sunco",instance="y"}':
         "18000x500"}),
    "ReuniteNeverAWebhook": (
        90, {'reunite_jobs{account="a",state="ready"}': flat(0, 100)},
        {'reunite_jobs{account="a",state="ready"}': flat(0, 100),
         'reunite_last_webhook_timestamp_seconds{account="a",source="zendesk"}':
         flat(60, 100)}),
    "ReuniteWebhooksUnauthorized": (
        20, {'reunite_webhooks_total{account="a",source="sunco",outcome="unauthorized"}':
             "0+1x30"},
        {'reunite_webhooks_total{account="a",source="sunco",outcome="unauthorized"}':
         "0x10 1x20",
         'reunite_webhooks_total{account="a",source="sunco",outcome="accepted"}':
         "0+9x30"}),
    "ReuniteWebhooksMalformed": (
        20, {'reunite_webhooks_total{account="a",source="zendesk",outcome="malformed"}':
             "0x10 1x20"},
        {'reunite_webhooks_total{account="a",source="zendesk",outcome="malformed"}':
         flat(4)}),
    "ReuniteWebhooksRefused": (
        20, {'reunite_webhooks_total{account="a",source="zendesk",outcome="unavailable"}':
             "0x10 0+1x20"},
        {'reunite_webhooks_total{account="a",source="zendesk",outcome="unavailable"}':
         "0x10 9x20"}),
    "ReuniteRequestsFailed": (
        30, {'reunite_http_rejected_total{instance="a",listener="webhooks",status="503"}':
             "0+5x60"},
        {'reunite_http_rejected_total{instance="a",listener="webhooks",status="503"}':
         "0+1x60",
         'reunite_http_rejected_total{instance="a",listener="webhooks",status="404"}':
         "0+50x60"}),
    "ReuniteWebhooksSlow": (
        30, {'reunite_webhook_seconds_bucket{instance="a",le="2.5"}': flat(0),
             'reunite_webhook_seconds_bucket{instance="a",le="5"}': "0+10x60",
             'reunite_webhook_seconds_bucket{instance="a",le="+Inf"}': "0+10x60"},
        {'reunite_webhook_seconds_bucket{instance="a",le="0.5"}': "0+10x60",
         'reunite_webhook_seconds_bucket{instance="a",le="5"}': "0+10x60",
         'reunite_webhook_seconds_bucket{instance="a",le="+Inf"}': "0+10x60"}),
    "ReuniteCertificateEnds": (
        90, {'reunite_tls_certificate_expiry_timestamp_seconds{instance="a"}':
             flat(1_210_000, 100)},
        {'reunite_tls_certificate_expiry_timestamp_seconds{instance="a"}':
         flat(1_300_000, 100),
         'reunite_tls_certificate_expiry_timestamp_seconds{instance="b"}':
         flat(0, 100)}),
    "ReuniteQueueOld": (
        30, {'reunite_queue_oldest_seconds{account="a"}': "0+60x60",
             'reunite_account_held{account="a",reason="paused"}': flat(0)},
        {'reunite_queue_oldest_seconds{account="a"}': "0+60x60",
         'reunite_account_held{account="a",reason="paused"}': flat(1),
         'reunite_queue_oldest_seconds{account="b"}': flat(500)}),
    "ReuniteJobsDead": (
        10, {'reunite_jobs{account="a",state="dead"}': flat(1)},
        {'reunite_jobs{account="a",state="dead"}': flat(0),
         'reunite_jobs{account="a",state="waiting"}': flat(7)}),
    "ReuniteAccountHeld": (
        10, {'reunite_account_held{account="a",reason="forbidden"}': flat(1)},
        {'reunite_account_held{account="a",reason="credentials"}': flat(0),
         'reunite_account_held{account="a",reason="unreachable"}': flat(1)}),
    "ReuniteApiAway": (
        40, {'reunite_account_held{account="a",reason="unreachable"}': flat(1)},
        {'reunite_account_held{account="a",reason="unreachable"}': "1x20 0x40"}),
    "ReuniteAccountPaused": (
        13 * HOURS,
        {'reunite_account_held{account="a",reason="paused"}': flat(1, 900)},
        {'reunite_account_held{account="a",reason="paused"}': "0x600 1x300"}),
    "ReuniteBreakerOpen": (
        5, {'reunite_breaker_open{account="a"}': flat(1)},
        {'reunite_breaker_open{account="a"}': flat(0)}),
    "ReuniteReviewsOld": (
        90, {'reunite_review_oldest_seconds{account="a"}': "300000+60x100"},
        {'reunite_review_oldest_seconds{account="a"}': "200000+60x100"}),
    "ReuniteMergesFailed": (
        80, {'reunite_decisions_total{instance="i",account="a",action="merge",reason="merge_refused"}':
             "_x70 1x60",
             'reunite_build_info{instance="i"}': flat(1, 99)},
        {'reunite_decisions_total{instance="i",account="a",action="merge",reason="merge_refused"}':
         flat(3, 99),
         'reunite_decisions_total{instance="i",account="a",action="merge",reason="external_id_match"}':
         "_x70 0+4x60",
         'reunite_decisions_total{instance="new",account="a",action="merge",reason="merge_refused"}':
         "_x70 3x60",
         'reunite_build_info{instance="i"}': flat(1, 99),
         'reunite_build_info{instance="new"}': "_x70 1x60"}),
    "ReuniteMergesUncertain": (
        40, {'reunite_api_requests_total{account="a",api="zendesk",call="user_merge",class="temp"}':
             "1+1x60"},
        {'reunite_api_requests_total{account="a",api="zendesk",call="user_merge",class="temp"}':
         "1x20 2x60",
         'reunite_api_requests_total{account="a",api="zendesk",call="user_merge",class="ok"}':
         "1+1x60"}),
    "ReuniteBudgetExhausted": (
        20, {'reunite_api_waiting{account="a",lane="live"}': flat(4),
             'reunite_api_budget{account="a"}': flat(0)},
        {'reunite_api_waiting{account="a",lane="live"}': flat(4),
         'reunite_api_budget{account="a"}': flat(30),
         'reunite_api_waiting{account="b",lane="backfill"}': flat(4),
         'reunite_api_budget{account="b"}': flat(0)}),
    "ReuniteNotesFail": (
        80, {'reunite_notes_total{instance="i",account="a",outcome="refused"}':
             "_x70 1x60",
             'reunite_build_info{instance="i"}': flat(1, 99)},
        {'reunite_notes_total{instance="i",account="a",outcome="refused"}':
         flat(2, 99),
         'reunite_notes_total{instance="i",account="a",outcome="told"}':
         "_x70 1+1x60",
         'reunite_build_info{instance="i"}': flat(1, 99)}),
    "ReuniteSweepFailing": (
        90, {'reunite_sweep_failing{account="a",walk="users",reason="forbidden"}':
             flat(1, 100)},
        {'reunite_sweep_failing{account="a",walk="users",reason="forbidden"}':
         flat(0, 100),
         'reunite_sweep_failing{account="a",walk="users",reason="backlog"}':
         flat(1, 100)}),
    "ReuniteSweepOld": (
        3 * HOURS, {'reunite_sweep_timestamp_seconds{account="a"}': flat(60, 300)},
        {'reunite_sweep_timestamp_seconds{account="a"}': "60+60x300",
         'reunite_sweep_timestamp_seconds{account="b"}': flat(0, 300)}),
    "ReuniteWebhooksLost": (
        70, {'reunite_sweep_woken_total{account="a",walk="users"}': "0+1x100"},
        {'reunite_sweep_woken_total{account="a",walk="users"}': "0x30 5x70"}),
    "ReuniteStoreSlow": (
        30, {'reunite_store_commit_seconds_bucket{instance="a",le="0.5"}': flat(0),
             'reunite_store_commit_seconds_bucket{instance="a",le="1"}': "0+10x60",
             'reunite_store_commit_seconds_bucket{instance="a",le="+Inf"}': "0+10x60"},
        {'reunite_store_commit_seconds_bucket{instance="a",le="0.05"}': "0+10x60",
         'reunite_store_commit_seconds_bucket{instance="a",le="1"}': "0+10x60",
         'reunite_store_commit_seconds_bucket{instance="a",le="+Inf"}': "0+10x60"}),
    "ReuniteStoreLogGrows": (
        30, {'reunite_store_log_bytes{instance="a"}': flat(700_000_000)},
        {'reunite_store_log_bytes{instance="a"}': flat(70_000_000)}),
}


def case(alert: str, minute: int, series: dict[str, str], fires: bool) -> dict:
    query = f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})'
    return {
        "name": f"{alert} {'fires' if fires else 'is quiet'}",
        "interval": "1m",
        "input_series": [
            {"series": name, "values": values}
            for name, values in series.items()
        ],
        "promql_expr_test": [{
            "expr": query,
            "eval_time": f"{minute}m",
            "exp_samples": [{"labels": "{}", "value": 1}] if fires else [],
        }],
    }


def promtool(*argv) -> str:
    program = tools.find("promtool", "prometheus")
    done = subprocess.run([program, *argv], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_alert_has_its_cases():
    assert list(CASES) == list(rules())


def test_rules_are_valid():
    assert f"{len(CASES)} rules found" in promtool("check", "rules", RULES)


def test_every_alert_fires_and_is_quiet(tmp_path):
    file = tmp_path / "test.json"  # JSON is YAML
    file.write_text(json.dumps({
        "rule_files": [str(RULES)],
        "evaluation_interval": "1m",
        "tests": [
            case(alert, minute, series, fires)
            for alert, (minute, fire, quiet) in CASES.items()
            for series, fires in ((fire, True), (quiet, False))
        ],
    }))
    promtool("test", "rules", file)


@pytest.mark.parametrize("alert", CASES)
def test_an_alert_says_what_and_what_to_do(alert):
    """With labels that its expression leaves."""
    rule = rules()[alert]
    assert re.search(r"severity: (critical|warning)\b", rule["texts"])
    assert "summary:" in rule["texts"] and "description:" in rule["texts"]
    named = set(re.findall(r"\$labels\.(\w+)", rule["texts"]))
    groups = re.findall(r"\b(?:max|sum) by \(([^)]*)\)", rule["expr"])
    if groups:
        assert named <= {*re.split(r",\s*", groups[0])}, alert
    else:
        assert named <= SCRAPED, alert
    for command in re.findall(r"`reunite (\w+)", rule["texts"]):
        assert list(ROOT.glob(f"src/cli/cmd_{command}*.c")), command
    for page in re.findall(r"deploy/\w+\.md", rule["texts"]):
        assert Path(ROOT / page).exists(), page
