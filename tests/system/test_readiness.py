"""`reunite readiness` against what agents did by hand, told by events or found
by later runs; the daily sample of unverified users; history across weeks."""

import datetime
import fcntl
import json
import os
import pty
import sqlite3
import struct
import subprocess
import termios

import pytest

from daemon import Daemon, fast_clock
import harness
import privacy

DAY_MS = 24 * 3600 * 1000


class Shop:
    """An account that is observed, its customers, and its agents."""

    def __init__(self, sandbox, daemon):
        self.sandbox = sandbox
        self.daemon = daemon
        self.people = 0

    def profile(self, verified=True):
        """A customer's profile; its id and address."""
        self.people += 1
        email = f"customer{self.people}@shop.example"
        method = "full" if verified else "none"
        made = self.sandbox.people({
            "name": f"Customer {self.people}",
            "identities": [{"type": "email", "value": email, "primary": True,
                            "verified": verified,
                            "verification_method": method}]})
        return made["users"][0], email

    def login(self, email, **order):
        """Writes, logged in; Zendesk makes a duplicate of the profile."""
        order.setdefault("zendesk", "duplicate")
        return self.converse(jwt={"external_id": "x-" + email, "email": email,
                                  "email_verified": True, "name": "Jo Doe"},
                             **order)

    def converse(self, **order):
        found = self.sandbox.act("conversations", **order)
        self.daemon.idle()
        return found

    def entries(self, conversation):
        return [e for e in self.daemon.journal()
                if e["sunco_user_id"] == conversation["sunco_user_id"]]

    def decided(self, conversation, action):
        """The newest decision, once it is of this kind."""
        def newest():
            found = self.entries(conversation)
            ok = found and found[-1]["action"] == action and \
                found[-1]["status"] == "done"
            return found[-1] if ok else None

        harness.wait_until(newest, what=f"{action} decided")
        self.daemon.idle()
        return newest()

    def merge_by_hand(self, conversation, into):
        self.sandbox.control("POST", "merges", {
            "from": conversation["zendesk_user_id"], "into": into})

    def outcome(self, conversation, expected):
        """Waits until some decision about the person has this outcome."""
        return harness.wait_until(
            lambda: next((e for e in self.entries(conversation)
                          if e.get("outcome") == expected), None),
            what=f"the outcome {expected}")

    def report(self, *options):
        """The summary and its weeks."""
        rows = self.daemon.rows("readiness", *options)
        assert [r["kind"] for r in rows] == ["summary"] + ["week"] * 12
        return rows[0], rows[1:]


@pytest.fixture(name="shop")
def fixture_shop(sandbox, tmp_path):
    sandbox.settings(events="all")
    daemon = Daemon(tmp_path, sandbox, apply="observe", settle_after="1s")
    yield Shop(sandbox, daemon)
    assert daemon.stop() == 0, daemon.log()
    privacy.check(daemon.log(), [sandbox])


def test_decisions_are_scored_against_merges_by_hand(shop):
    right, right_email = shop.profile()
    wrong, _ = shop.profile()
    _, other_email = shop.profile()
    asked, asked_email = shop.profile()
    missed, _ = shop.profile()

    agreed = shop.login(right_email)
    other = shop.login(other_email)
    left = shop.login(shop.profile()[1])
    typed = shop.converse(typed={"email": asked_email, "name": "Jo"})
    shop.decided(agreed, "merge")
    shop.decided(other, "merge")
    shop.decided(left, "merge")
    shop.decided(typed, "review")
    unknown = shop.converse(typed={"email": "nobody@else.example",
                                   "name": "Jo"})
    shop.decided(unknown, "none")

    shop.merge_by_hand(agreed, right)
    shop.merge_by_hand(other, wrong)
    shop.merge_by_hand(typed, asked)
    shop.merge_by_hand(unknown, missed)
    entry = shop.outcome(other, "other")
    assert entry["outcome_user_id"] == wrong
    shop.outcome(agreed, "agreed")
    shop.outcome(typed, "agreed")
    miss = shop.outcome(unknown, "missed")

    summary, weeks = shop.report("--offline")
    assert (summary["agreed"], summary["agreed_asking"]) == (1, 1)
    assert (summary["other"], summary["other_asking"]) == (1, 0)
    assert summary["missed"] == 1
    assert summary["missed_by"] == {"email_not_verified": 1}
    assert summary["other_ids"] == [entry["id"]]
    assert summary["missed_ids"] == [miss["id"]]
    assert (summary["not_made"], summary["not_made_yet"]) == (0, 1)
    assert "2 of 3 agreed; 1 differed: look at journal " \
        f"{entry['id']} before switching to review." in summary["verdict"]
    assert weeks[-1]["agreed"] == 1
    # what agents have done needs no review any more
    reviews = shop.daemon.rows("review", "list", "--state", "all")
    assert [r["state"] for r in reviews if r["profile_id"] == asked] == \
        ["merged"]


def test_without_events_later_conversations_tell(shop):
    shop.sandbox.settings(events="")
    profile, email = shop.profile()
    first = shop.login(email)
    shop.decided(first, "merge")
    shop.merge_by_hand(first, profile)
    assert not [e for e in shop.entries(first) if "outcome" in e]
    again = shop.converse(sunco_user_id=first["sunco_user_id"])
    assert again["zendesk_user_id"] == profile
    shop.outcome(first, "agreed")
    summary, _ = shop.report("--offline")
    assert (summary["agreed"], summary["conversations"]) == (1, 1)


@pytest.mark.parametrize("detail", ["loser", "survivor"])
def test_whichever_user_the_event_describes(shop, detail):
    shop.sandbox.settings(merged_event_detail=detail)
    profile, email = shop.profile()
    person = shop.login(email)
    shop.decided(person, "merge")
    shop.merge_by_hand(person, profile)
    shop.outcome(person, "agreed")


def test_our_own_merges_are_not_the_agents(shop):
    shop.daemon.configure(apply="auto", settle_after="1s")
    shop.daemon.reload()
    _, email = shop.profile()
    person = shop.login(email)
    assert shop.decided(person, "merge")["applied"]
    harness.wait_until(
        lambda: "user.merged" in [d["event"] for d in shop.sandbox.control(
            "GET", "deliveries")["deliveries"] if d["state"] == "delivered"],
        what="the event of our own merge")
    summary, _ = shop.report("--offline")
    assert summary["agreed"] + summary["other"] + summary["missed"] == 0
    assert summary["not_made_yet"] == 0


def test_a_late_login_is_not_the_agents_merge(shop):
    shop.daemon.configure(apply="observe", settle_after="1s",
                          wait_for_user="1s")
    shop.daemon.reload()
    first = shop.converse(jwt={"external_id": "late", "name": "Jo Doe",
                               "email": "late@shop.example",
                               "email_verified": True})
    guest = shop.converse(typed={"name": "Jo"})
    harness.wait_until(
        lambda: [e for e in shop.entries(guest) if e["action"] == "none"],
        what="the guest's decision")
    login = shop.sandbox.act(
        "logins", conversation_id=guest["conversation_id"], wait="end",
        jwt={"external_id": "late", "name": "Jo Doe",
             "email": "late@shop.example", "email_verified": True})
    assert login["login"] == "merged"
    assert shop.sandbox.state()["merges"][-1]["by"] == "zendesk"
    harness.wait_until(
        lambda: {"user:merge", "user.merged"} <= {
            d["event"] for d in shop.sandbox.control(
                "GET", "deliveries")["deliveries"]
            if d["state"] == "delivered"}, what="both events")
    shop.daemon.idle()
    summary, _ = shop.report("--offline")
    assert (summary["missed"], summary["other"]) == (0, 0)
    assert summary["conversations"] == 1  # one person, whoever they are
    assert shop.entries(first)


def test_conversations_by_evidence_and_by_setting(shop):
    _, email = shop.profile()
    person = shop.login(email)
    _, proved = shop.profile()
    _, unproved = shop.profile(verified=False)
    shop.decided(person, "merge")
    typed = shop.converse(typed={"email": proved, "name": "A"})
    shop.decided(typed, "review")
    shop.decided(shop.converse(typed={"email": unproved, "name": "B"}),
                 "review")
    shop.converse(sunco_user_id=typed["sunco_user_id"])  # the same day

    summary, _ = shop.report("--offline")
    assert summary["conversations"] == 3
    assert summary["by_evidence"] == {
        "verified": 1, "authenticated": 0, "claimed": 2, "none": 0}
    assert summary["linked_under"] == {
        "verified_only": 1, "verified_and_unverified": 2, "claim_verified": 3}


def test_unverified_users_are_counted_when_asked(shop):
    before, _ = shop.report()
    shop.profile(verified=False)
    shop.profile(verified=True)
    summary, weeks = shop.report()
    assert summary["unverified_users"] == before["unverified_users"] + 1
    assert summary["end_users"] == before["end_users"] + 2
    assert weeks[-1]["unverified_users"] == summary["unverified_users"]
    text = shop.daemon.command("readiness").stdout
    assert f"Unverified end users: {summary['unverified_users']} of " in text
    assert text.isascii() and "\033" not in text


def on_a_terminal(daemon, columns, *argv, **environment):
    """What a command shows on a terminal of that width."""
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ,
                struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen(
            [harness.binary("reunite"), *argv, "-c", daemon.config],
            stdout=side, env={**os.environ, **environment}) as program:
        os.close(side)
        shown = b""
        while True:
            try:
                part = os.read(main, 4096)
            except OSError:  # how a terminal tells the end
                break
            if not part:
                break
            shown += part
    os.close(main)
    assert program.returncode == 0
    return shown.decode()


def test_bars_fill_the_terminal(shop):
    _, email = shop.profile()
    shop.decided(shop.login(email), "merge")
    for columns in (70, 100):
        shown = on_a_terminal(shop.daemon, columns, "readiness", "--offline",
                              LC_ALL="C.UTF-8")
        widths = [len(line) for line in shown.splitlines()
                  if "\u2588" in line]
        assert max(widths) == columns
        assert "\033[1m" in shown
    shown = on_a_terminal(shop.daemon, 80, "readiness", "--offline",
                          LC_ALL="C")
    assert "####" in shown and shown.isascii()


def test_without_an_answer_the_report_says_so(shop):
    shop.sandbox.fault(match={"call": "search_count"}, kind="status",
                       status=403, times=-1)
    done = shop.daemon.command("readiness", check=False)
    assert done.returncode == 4
    assert "cannot count the unverified users" in done.stderr
    assert "not counted yet" in done.stdout
    calls = len(search_counts(shop.sandbox))
    done = shop.daemon.command("readiness", "--offline")
    assert done.returncode == 0 and done.stderr == ""
    assert len(search_counts(shop.sandbox)) == calls


def test_the_admin_api_tells_the_same(shop):
    _, email = shop.profile()
    shop.decided(shop.login(email), "merge")
    summary, weeks = shop.report("--offline")
    told = shop.daemon.admin.get("/api/v1/readiness?account=acme").json
    assert told["weeks"] == weeks
    for key in ("since", "conversations", "linked_under", "verdict"):
        assert told["summary"][key] == summary[key]
    alone = shop.daemon.admin.get("/api/v1/readiness").json
    assert alone["summary"]["account"] == "acme"
    get = shop.daemon.admin.get
    assert get("/api/v1/readiness?account=nobody").status == 404
    assert get("/api/v1/readiness?since_ms=soon").status == 400
    assert harness.Client(f"http://{shop.daemon.admin.address}").get(
        "/api/v1/readiness").status == 401


def test_history_across_weeks(shop):
    profile, email = shop.profile()
    person = shop.login(email)
    shop.decided(person, "merge")
    shop.merge_by_hand(person, profile)
    shop.outcome(person, "agreed")
    shop.report()
    shop.daemon.stop()
    age(shop.daemon, days=14)
    shop.daemon.start()
    _, email = shop.profile(verified=False)
    shop.decided(shop.login(email), "merge")

    summary, weeks = shop.report()
    assert (summary["conversations"], summary["agreed"]) == (1, 0)
    assert (weeks[-3]["conversations"], weeks[-3]["agreed"]) == (1, 1)
    assert (weeks[-1]["conversations"], weeks[-1]["agreed"]) == (1, 0)
    assert weeks[-3]["unverified_users"] < weeks[-1]["unverified_users"]
    assert f"{weeks[-3]['unverified_users']} in the first week of 3" in \
        summary["verified_only"]
    longer, _ = shop.report("--since", "30d")
    assert (longer["conversations"], longer["agreed"]) == (2, 1)


def test_the_daemon_counts_once_a_day_by_itself(sandbox, tmp_path):
    daemon = Daemon(tmp_path, sandbox, apply="observe", fast=60)
    try:
        harness.wait_until(lambda: daemon.event("sampled"),
                           what="the daily sample")
        summary = daemon.rows("readiness", "--offline")[0]
        assert summary["unverified_users"] == \
            daemon.event("sampled")["unverified"]
        assert len(search_counts(sandbox)) == 2
        daemon.stop()
        daemon.start(fast_clock(200))
        harness.wait_until(lambda: minutes_of(daemon) > 10,
                           what="ten more minutes")
        assert len(search_counts(sandbox)) == 2
    finally:
        daemon.stop()


def test_a_day_that_could_not_be_had_is_asked_for_again(sandbox, tmp_path):
    sandbox.fault(match={"call": "search_count"}, kind="status", status=503,
                  times=1)
    daemon = Daemon(tmp_path, sandbox, apply="observe", fast=600)
    try:
        harness.wait_until(lambda: daemon.event("sample_failed"),
                           what="the failure")
        harness.wait_until(lambda: daemon.event("sampled"),
                           what="the next hour's sample")
    finally:
        daemon.stop()


def test_what_is_told_is_kept(sandbox, tmp_path):
    daemon = Daemon(tmp_path, sandbox, apply="observe")
    daemon.stop()
    store = sqlite3.connect(daemon.folder + "/reunite.db")
    with store:
        store.execute("CREATE TRIGGER refuse BEFORE INSERT ON tallies"
                      " WHEN new.name = 'unverified'"
                      " BEGIN SELECT RAISE(ABORT, 'refused'); END")
    store.close()
    daemon.start(fast_clock(100))
    try:
        harness.wait_until(lambda: daemon.event("sample_failed"),
                           what="the refusal")
        assert not daemon.event("sampled")
    finally:
        daemon.stop()


def test_a_paused_account_is_not_counted(sandbox, tmp_path):
    daemon = Daemon(tmp_path, sandbox, apply="observe")
    try:
        daemon.command("queue", "pause")
        daemon.stop()
        daemon.start(fast_clock(600))
        harness.wait_until(lambda: minutes_of(daemon) > 70,
                           what="more than an hour")
        assert search_counts(sandbox) == []
        daemon.command("queue", "resume")
        harness.wait_until(lambda: daemon.event("sampled"),
                           what="the sample after the pause")
    finally:
        daemon.stop()


def minutes_of(daemon):
    """How long the daemon's own clock has run, by the lines of its log."""
    daemon.http.get("/healthz")
    starts = daemon.events("listening")
    daemon.sunco({"no": "envelope"})
    last = [line for line in daemon.log().splitlines() if line][-1]
    when = [datetime.datetime.fromisoformat(at.replace("Z", "+00:00"))
            for at in (starts[-1]["at"], json.loads(last)["at"])]
    return (when[1] - when[0]).total_seconds() / 60


def search_counts(sandbox):
    return [r for r in sandbox.control("GET", "requests")["requests"]
            if r["call"] == "search_count"]


def age(daemon, days):
    """Makes everything counted and decided so many days older."""
    store = sqlite3.connect(daemon.folder + "/reunite.db")
    with store:
        store.execute("UPDATE tallies SET day = day - ?", (days,))
        store.execute("UPDATE counted SET day = day - ?", (days,))
        store.execute("UPDATE journal SET at_ms = at_ms - ?,"
                      " outcome_ms = outcome_ms - ?",
                      (days * DAY_MS, days * DAY_MS))
    store.close()
