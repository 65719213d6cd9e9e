"""`reunite probe` against the sandbox, which behaves both ways, and fails at
every step."""

import fcntl
import json
import os
import pty
import re
import signal
import subprocess
import time

import pytest

import daemon as daemon_module
import harness

ROWS = [
    "conversation_by_api", "sunco_zendesk_id", "side_load_user",
    "side_load_search", "found_by_address", "found_by_external_id",
    "merge_without_address", "external_id_kept", "external_id_free",
    "merge_messaging_only", "messaging_identity_moves",
    "zendesk_id_after_merge", "merged_user_shown", "merge_into_itself",
    "merge_again", "identity_created_event", "merged_event_detail"]
NEVER_MS = 3600 * 1000
# nothing to wait for
QUICK = {"zendesk_id_on_hand_off": True, "zendesk_id_follows_merge": True}


class Probe:
    """The command with a configuration of its own."""

    def __init__(self, folder, sandbox, top=None, **account):
        self.sandbox = sandbox
        self.config = str(folder / "probe.conf")
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(daemon_module.lines(top or {}))
            f.write(daemon_module.account_section("acme", sandbox, **account))

    def argv(self, *argv):
        return [harness.binary("reunite"), "probe", "-c", self.config, *argv]

    def run(self, *argv):
        return subprocess.run(self.argv(*argv), capture_output=True,
                              text=True, timeout=300)

    def rows(self, *argv, wait=2, code=0):
        """The rows by name, of a run that ended like this."""
        done = self.run("--yes", "--json", "--wait", str(wait), *argv)
        assert done.returncode == code, done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert [line.get("behaviour") for line in lines] == [None, *ROWS]
        self.said = done.stderr
        return {line["behaviour"]: line for line in lines[1:]}

    def begin(self, *argv):
        return subprocess.Popen(self.argv("--yes", *argv), text=True,
                                stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)


@pytest.fixture
def probe(tmp_path, sandbox):
    return Probe(tmp_path, sandbox)


def made(sandbox):
    return [u for u in sandbox.state()["users"]
            if u["name"].startswith(("reunite probe", "Web User"))]


def left(sandbox):
    """What of the probe's is still there."""
    state = sandbox.state()
    found = [("ticket", t["id"]) for t in state["tickets"]
             if t["status"] != "deleted"]
    found += [("person", s["id"]) for s in state["sunco_users"]
              if s["active"]]
    for user in made(sandbox):
        gone = sandbox.zendesk.get(f"/api/v2/deleted_users/{user['id']}")
        if user["active"] or (gone.status != 404 and
                              not user["merged_into"]):
            found.append(("user", user["id"]))
    return found


def requests(sandbox):
    return [r for r in sandbox.control("GET", "requests")["requests"]
            if r["call"] != "oauth"]


# --- without --yes ---


def test_without_yes_nothing_is_sent(sandbox, probe):
    done = probe.run()
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert sandbox.control("GET", "requests")["total"] == 0


def plain(path):
    """A path with every open place alike, and without its query."""
    path = re.sub(r" .*|\?.*", "", path.replace("/sc/v2", "/v2"))
    return re.sub(r"\{\w*\}", "{}", path)


@pytest.mark.parametrize("settings", [
    {}, {"sso_external_id_refusal": True, "merge_unverified_messaging": False},
    {"api_hand_off": "never"}])
def test_the_plan_has_every_request(sandbox, probe, settings):
    sandbox.settings(incremental_lag_ms=0, **settings)
    planned = {(words[0], plain(words[1]))
               for words in map(str.split, probe.run().stdout.splitlines())
               if len(words) > 1 and words[1].startswith("/")}
    probe.rows()
    sent = {(r["method"], plain(r["path"])) for r in requests(sandbox)}
    assert sent <= planned
    assert {r["api"] for r in requests(sandbox)} == {"zendesk", "sunco"}


# --- every row, both ways ---


WORLDS = {
    "as the pages have it": (QUICK, {
        "conversation_by_api": "yes", "sunco_zendesk_id": "yes",
        "side_load_user": "yes", "side_load_search": "yes",
        "found_by_address": "yes", "found_by_external_id": "yes",
        "merge_without_address": "yes", "external_id_kept": "yes",
        "external_id_free": "yes", "merge_messaging_only": "yes",
        "messaging_identity_moves": "yes",
        "zendesk_id_after_merge": "survivor",
        "merged_user_shown": "not at all", "merge_into_itself": "refused",
        "merge_again": "refused",
    }),
    "the other way round": ({
        "api_hand_off": "message", "side_load_show": False,
        "side_load_search": False, "merge_keeps_external_id": False,
        "external_id_release_lag_ms": NEVER_MS, "user_update_limits": False,
        "messaging_identity_moves": False, "show_merged": True,
        "merge_itself": True, "merge_again": "accepted",
    }, {
        "conversation_by_api": "yes", "sunco_zendesk_id": "no",
        "side_load_user": "no", "side_load_search": "no",
        "merge_without_address": "yes", "external_id_kept": "no",
        "external_id_free": "no", "merge_messaging_only": "yes",
        "messaging_identity_moves": "no", "zendesk_id_after_merge": "nobody",
        "merged_user_shown": "not active", "merge_into_itself": "accepted",
        "merge_again": "accepted",
    }),
    "all of it some time later": ({
        "index_lag_ms": 300, "external_id_release_lag_ms": 300,
        "identity_move_lag_ms": 300, "user_update_limits": False,
        "zendesk_id_on_hand_off": True,
    }, {
        "found_by_address": "yes", "found_by_external_id": "yes",
        "external_id_free": "yes", "messaging_identity_moves": "yes",
        "zendesk_id_after_merge": "merged user",
    }),
    "later than anybody waits": ({
        "index_lag_ms": NEVER_MS, "identity_move_lag_ms": NEVER_MS,
        "zendesk_id_on_hand_off": True,
    }, {
        "conversation_by_api": "yes", "found_by_address": "no",
        "found_by_external_id": "no", "side_load_user": "yes",
        "side_load_search": "not seen", "merge_messaging_only": "yes",
        "messaging_identity_moves": "no",
    }),
    "only addresses lag": ({
        "index_lag_ms": NEVER_MS, "external_id_search_lags": False,
    }, {"found_by_address": "no", "found_by_external_id": "yes"}),
    "no conversation": ({"api_hand_off": "never"}, {
        "conversation_by_api": "no", "sunco_zendesk_id": "not seen",
        "merge_without_address": "yes", "merge_messaging_only": "not seen",
        "messaging_identity_moves": "not seen",
        "zendesk_id_after_merge": "not seen",
        "merged_user_shown": "not at all", "merge_again": "refused",
    }),
    "no unverified users": ({"merge_unverified_messaging": False}, {
        "merge_without_address": "only with an address",
        "external_id_kept": "not seen", "external_id_free": "not seen",
        "merge_messaging_only": "no", "messaging_identity_moves": "not seen",
        "merged_user_shown": "not at all",
    }),
    "no external ids": ({"sso_external_id_refusal": True}, {
        "merge_without_address": "only without external ids",
        "external_id_kept": "not seen", "merge_messaging_only": "yes",
    }),
}


@pytest.mark.parametrize("world", WORLDS)
def test_a_world(sandbox, probe, world):
    settings, expected = WORLDS[world]
    sandbox.settings(incremental_lag_ms=0, **settings)
    rows = probe.rows(wait=20 if "some time later" in world else 2)
    assert {name: rows[name]["answer"] for name in expected} == expected
    timed = {"conversation_by_api", "sunco_zendesk_id", "found_by_address",
             "found_by_external_id", "external_id_free",
             "messaging_identity_moves"}
    for name, row in rows.items():
        soon = name in timed and row["answer"] == "yes"
        assert (row["after_ms"] is not None) == (
            soon or row["answer"] == "survivor")
        if name in timed and row["answer"] == "no":
            assert row["note"] or row["body"]
    assert left(sandbox) == []


def test_every_row_was_seen_in_two_ways():
    for name in ROWS[:-2]:  # the last two: test_events
        assert len({expected[name] for _, expected in WORLDS.values()
                    if name in expected}) > 1


def test_a_user_of_another_name_is_found_by_the_export(sandbox, probe):
    sandbox.settings(jwt_name=False, incremental_lag_ms=0)
    rows = probe.rows(wait=60)
    assert rows["conversation_by_api"]["answer"] == "yes"
    assert left(sandbox) == []


def test_what_was_seen_of_a_refusal(sandbox, probe):
    rows = probe.rows()
    itself = rows["merge_into_itself"]
    assert (itself["status"], itself["body"]["error"]) == \
        (422, "RecordInvalid")
    assert itself["body"]["details"]["base"][0]["description"] == \
        "A user cannot be merged with itself"
    assert rows["merge_again"]["status"] == 404
    assert rows["merged_user_shown"]["body"]["error"] == "RecordNotFound"


def test_another_body_of_a_refusal(sandbox, probe):
    sandbox.settings(merge_refusal="forbidden", merge_again="invalid")
    rows = probe.rows()
    assert rows["merge_into_itself"]["status"] == 403
    assert rows["merge_again"]["status"] == 403
    assert "error" in rows["merge_again"]["body"]


def test_a_limit_is_waited_for_and_told(sandbox, probe):
    """Nothing is made twice, and a time that it took is not the platform's."""
    for match in ({"api": "zendesk", "call": "user_create"},
                  {"call": "user_update"}):
        sandbox.fault(match=match, kind="status", status=429,
                      headers={"Retry-After": "1"},
                      body={"error": "APIRateLimitExceeded"})
    rows = probe.rows()
    assert rows["external_id_free"]["answer"] == "yes"
    assert "rate limit" in rows["external_id_free"]["note"]
    assert rows["messaging_identity_moves"]["note"] is None
    assert rows["merge_messaging_only"]["answer"] == "yes"
    assert len(made(sandbox)) == 3
    assert left(sandbox) == []


# --- events, as a daemon received them ---


def beside(tmp_path, sandbox, reunite):
    """A probe that finds this daemon's admin listener."""
    return Probe(tmp_path, sandbox, {
        "admin_listen": reunite.admin.address,
        "admin_token": daemon_module.ADMIN_TOKEN})


def leave(sandbox, reunite):
    """Nothing of the probe's people is in the log; their names have words
    that every log has, so that nobody else looks for those (privacy.py)."""
    for user in made(sandbox):
        word = re.search(r"probe (\w+)", user["name"])[1]
        assert word not in reunite.log()
    sandbox.control("POST", "reset", {})


@pytest.mark.parametrize("settings,wait,identity,merged", [
    ({"events": "all"}, 300, "yes", "merged user"),
    ({"events": "all", "merged_event_detail": "survivor",
      "event_spelling": "slash"}, 300, "yes", "survivor"),
    ({"events": "all", "messaging_identity_events": False}, 30, "no",
     "merged user"),
    ({"events": "user.merged"}, 30, "not seen", "merged user"),
    ({"events": ""}, 5, "not seen", "not seen"),
])
def test_events(tmp_path, sandbox, daemon, settings, wait, identity, merged):
    reunite = daemon()
    sandbox.settings(**QUICK, **settings)
    rows = beside(tmp_path, sandbox, reunite).rows(wait=wait)
    assert rows["identity_created_event"]["answer"] == identity
    assert rows["merged_event_detail"]["answer"] == merged
    if not settings["events"]:
        assert "subscription" in rows["merged_event_detail"]["note"]
    assert left(sandbox) == []
    leave(sandbox, reunite)


def test_no_daemon_no_events(probe):
    rows = probe.rows()
    for name in ("identity_created_event", "merged_event_detail"):
        assert rows[name]["answer"] == "not seen"
        assert "no daemon" in rows[name]["note"]


def test_a_daemon_leaves_the_probes_people_alone(tmp_path, sandbox, daemon):
    """They have no address that anybody brings: there is nothing to do."""
    reunite = daemon()
    sandbox.settings(events="all", **QUICK)
    beside(tmp_path, sandbox, reunite).rows(wait=300)
    assert {e["action"] for e in reunite.journal()} <= {"none"}
    assert {m["by"] for m in sandbox.state()["merges"]} == {"api"}
    assert len(sandbox.state()["merges"]) == 2
    leave(sandbox, reunite)


def test_the_admin_api_tells_events(sandbox, daemon):
    reunite = daemon()
    sandbox.settings(events="user.created")
    path = "/api/v1/accounts/acme/events"
    assert reunite.admin.get(path).json == {"items": [], "next": None}
    user = sandbox.zendesk.post("/api/v2/users", {"user": {
        "name": "Ann", "email": "ann@x.example"}}).json["user"]["id"]
    items = harness.wait_until(lambda: reunite.admin.get(path).json["items"],
                               what="the event")
    assert [(e["type"], e["user_id"], e["other_user_id"],
             e["sunco_user_id"]) for e in items] == \
        [("user.created", user, None, None)]
    assert items[0]["received_at"].startswith("20")
    assert "ann" not in reunite.admin.get(path).body.decode().lower()
    other = "/api/v1/accounts/other/events"
    assert reunite.admin.get(other).json["items"] == []
    stranger = harness.Client("http://" + reunite.admin.address)
    assert stranger.get(path).status == 401


# --- a conversation of one's own ---


def by_hand(sandbox):
    return sandbox.act("conversations", webhooks=[], typed={
        "name": "Ann Lee"})


def test_a_conversation_by_hand(sandbox, probe):
    talk = by_hand(sandbox)
    rows = probe.rows("--messaging-user", str(talk["zendesk_user_id"]))
    assert rows["merge_messaging_only"]["answer"] == "yes"
    assert rows["messaging_identity_moves"]["answer"] == "yes"
    assert rows["conversation_by_api"]["answer"] == "not seen"
    assert rows["sunco_zendesk_id"]["answer"] == "no"
    assert left(sandbox) == []
    assert "user_create" not in {r["call"] for r in requests(sandbox)
                                 if r["api"] == "sunco"}


def test_a_refusal_about_a_person_is_shown_without_them(sandbox, probe):
    talk = by_hand(sandbox)
    sandbox.fault(match={"call": "merge", "id": talk["zendesk_user_id"]},
                  kind="status", status=422, times=-1, body={
                      "error": "RecordInvalid", "description":
                      f"Ann Lee, ann@x.example {talk['zendesk_user_id']}"})
    row = probe.rows("--messaging-user",
                     str(talk["zendesk_user_id"]))["merge_messaging_only"]
    assert row["answer"] == "no"
    assert row["body"]["description"] == "<name> <name>, <address> <number>"
    assert left(sandbox) == []


def test_whom_it_does_not_take(sandbox, probe):
    signed_in = sandbox.act("conversations", webhooks=[], jwt={
        "external_id": "e1", "email": "a@x.example", "email_verified": True})
    agent = next(u["id"] for u in sandbox.state()["users"]
                 if u["role"] == "agent")
    before = sandbox.state()
    for user in (signed_in["zendesk_user_id"], agent, 21100000000011, 404404):
        done = probe.run("--yes", "--messaging-user", str(user))
        assert done.returncode == 3, done.stderr
        assert str(user) in done.stderr
    assert sandbox.state() == before


# --- what it leaves behind: nothing ---


FAILURES = [
    {"match": {"api": "sunco", "call": "user_create"}},
    {"match": {"call": "conversation_create"}},
    {"match": {"call": "message_create"}},
    {"match": {"call": "pass_control"}},
    {"match": {"api": "sunco", "call": "user_get"}, "times": -1},
    {"match": {"api": "zendesk", "call": "user_create"}},
    {"match": {"api": "zendesk", "call": "user_create"}, "skip": 1},
    {"match": {"call": "identity_list"}, "times": -1},
    {"match": {"api": "zendesk", "call": "user_get"}, "times": -1},
    {"match": {"api": "zendesk", "call": "user_update"}, "times": -1},
    {"match": {"call": "merge"}},
    {"match": {"call": "merge"}, "skip": 1, "times": -1},
    {"match": {"call": "search"}, "times": -1},
]
REFUSED = {"kind": "status", "status": 403, "body": {"error": "Forbidden"}}
UNANSWERED = {"kind": "cut_after"}


def named(value):
    if "kind" in value:
        return value["kind"]
    return "-".join([*value["match"].values(), str(value.get("skip", 0))])


@pytest.mark.parametrize("row,how", [
    *((row, REFUSED) for row in FAILURES),
    *((row, UNANSWERED) for row in FAILURES if "times" not in row)],
    ids=named)
def test_nothing_is_left_after_a_failure(sandbox, probe, row, how):
    sandbox.settings(incremental_lag_ms=0)
    sandbox.fault(**row, **how)
    done = probe.run("--yes", "--json", "--wait", "1")
    assert done.returncode in (0, 4), done.stderr
    users = [r for r in requests(sandbox)
             if (r["api"], r["call"]) == ("zendesk", "user_create")]
    fatal = row["match"].get("api") == "zendesk" and \
        row["match"]["call"] == "user_create"
    assert (done.returncode == 4) == fatal
    assert len(users) > 0
    assert "left behind" not in done.stderr
    assert len(done.stdout.splitlines()) == len(ROWS) + 1
    assert left(sandbox) == []


@pytest.mark.parametrize("refuses", [False, True])
def test_no_ticket_is_made_that_could_not_be_deleted(sandbox, probe, refuses):
    sandbox.settings(oauth_scopes="users:read users:write tickets:read",
                     oauth_refuses_scopes=refuses)
    rows = probe.rows()
    assert rows["conversation_by_api"]["answer"] == "not seen"
    assert "tickets:write" in rows["conversation_by_api"]["note"]
    assert rows["merge_without_address"]["answer"] == "yes"
    assert sandbox.state()["tickets"] == []
    assert left(sandbox) == []


@pytest.mark.parametrize("match,told", [
    ({"api": "sunco", "call": "user_delete"},
     ["Sunshine Conversations user"]),
    ({"api": "zendesk", "call": "user_delete"}, ["profile"]),
    ({"call": "deleted_user_delete"}, ["deleted, but not for good"]),
    # a user with open tickets stays, too
    ({"call": "ticket_delete"}, ["ticket", "profile"])])
def test_what_is_left_is_listed(sandbox, probe, match, told):
    sandbox.fault(match=match, times=-1, kind="status", status=403,
                  body={"error": "Forbidden"})
    probe.rows(code=1)
    lines = [line for line in probe.said.splitlines()
             if line.startswith("left behind: ")]
    assert len(lines) == len(told)
    for line, word in zip(lines, told):
        assert line.startswith("left behind: " + word)
        assert "HTTP 4" in line and "to remove it: " in line
    there = [str(id) for _, id in left(sandbox)]
    assert all(any(id in line for line in lines) for id in there)
    assert len(there) == len(told)


def test_somebody_who_was_perhaps_made(sandbox, probe):
    """No answer, and the search knows nobody yet: it says whom to look for."""
    sandbox.settings(index_lag_ms=NEVER_MS)
    sandbox.fault(match={"api": "zendesk", "call": "user_create"},
                  kind="cut_after")
    done = probe.run("--yes", "--wait", "1")
    assert done.returncode == 1
    name = next(u["name"] for u in made(sandbox) if "profile" in u["name"])
    assert f"perhaps a user, {name}" in done.stderr


def test_somebody_else_is_not_taken_for_who_was_perhaps_made(sandbox, probe):
    """A search that tells of somebody else deletes nobody."""
    somebody = {"id": 4711, "name": "Some Body", "email": "s@people.example",
                "external_id": "somebody"}
    sandbox.people(somebody)
    sandbox.fault(match={"api": "zendesk", "call": "user_create"},
                  kind="cut_before")
    sandbox.fault(match={"api": "zendesk", "call": "search"}, kind="status",
                  status=200, times=-1, body={"users": [somebody]})
    done = probe.run("--yes", "--wait", "1")
    assert done.returncode == 1
    assert "perhaps a user, " in done.stderr
    assert any(u["id"] == 4711 and u.get("active", True)
               for u in sandbox.state()["users"])


def test_a_cleaning_that_gets_no_answer_is_repeated(sandbox, probe):
    sandbox.fault(match={"api": "zendesk", "call": "user_delete"},
                  kind="cut_before", times=2)
    probe.rows()
    assert left(sandbox) == []


def started(sandbox, call):
    harness.wait_until(
        lambda: any(r["call"] == call for r in requests(sandbox)),
        60, what=call)


def ended(process):
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


@pytest.mark.parametrize("signo", [signal.SIGINT, signal.SIGTERM,
                                   signal.SIGHUP])
def test_an_interrupt_cleans_up(sandbox, probe, signo):
    sandbox.settings(index_lag_ms=NEVER_MS, incremental_lag_ms=0)
    process = probe.begin("--wait", "3000")
    started(sandbox, "search")
    process.send_signal(signo)
    code, out, err = ended(process)
    assert code == 1
    assert "interrupted" in err and "left behind" not in err
    assert out.count("not seen") > 5
    assert left(sandbox) == []


def test_a_hand_off_that_comes_later_is_told_of(sandbox, probe):
    sandbox.settings(api_hand_off="never")
    probe.rows()
    assert "if one named" in probe.said


def struck(sandbox):
    return sandbox.control("GET", "faults")["faults"][0]["hits"]


@pytest.mark.parametrize("match", [
    {"api": "sunco", "call": "user_create"},
    {"api": "zendesk", "call": "user_create"}, {"call": "merge"}],
    ids=lambda match: "-".join(match.values()))
def test_an_interrupt_waits_for_what_is_being_made(sandbox, probe, match):
    """It is known then, and taken away."""
    sandbox.fault(match=match, kind="delay", ms=2500)
    process = probe.begin("--wait", "2")
    harness.wait_until(lambda: struck(sandbox), 60, what="the delay")
    process.send_signal(signal.SIGINT)
    code, _, err = ended(process)
    assert code == 1
    assert "left behind" not in err
    assert left(sandbox) == []


def test_a_cleaning_can_be_given_up(sandbox, probe):
    sandbox.fault(match={"api": "sunco", "call": "user_delete"}, kind="hang",
                  ms=600000)
    process = probe.begin("--wait", "2")
    harness.wait_until(lambda: struck(sandbox), 60, what="the cleaning")
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
    code, out, err = ended(process)
    assert code == 1
    assert "merge_messaging_only" in out
    lines = [line for line in err.splitlines() if "left behind" in line]
    # the profile stays, and the SunCo user
    assert len(lines) == 2 and all("interrupted" in line for line in lines)


def caught(process, signo):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as f:
        mask = next(line.split()[1] for line in f
                    if line.startswith("SigCgt:"))
    return int(mask, 16) >> (signo - 1) & 1


def test_a_report_on_its_way_is_not_lost(sandbox, probe):
    """Its reader is slow, and somebody goes on being impatient."""
    ours, theirs = os.pipe()
    filled = os.write(theirs, bytes(fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ,
                                                4096)))
    with subprocess.Popen(probe.argv("--yes", "--wait", "2"),
                          stdout=theirs) as process:
        os.close(theirs)
        started(sandbox, "merge")
        harness.wait_until(lambda: not caught(process, signal.SIGINT),
                           what="the report")
        process.send_signal(signal.SIGINT)
        with open(ours, encoding="utf-8") as f:
            report = f.read()[filled:]
    assert process.returncode == 0
    assert report.splitlines()[-1].startswith(ROWS[-1])


# --- which accounts ---


def crowd(sandbox):
    sandbox.people(*[{"name": f"User {n}"} for n in range(201)])


def test_an_account_where_people_work_is_refused(sandbox, probe):
    crowd(sandbox)
    done = probe.run("--yes")
    assert done.returncode == 3
    assert "--host" in done.stderr and done.stdout == ""
    assert {r["call"] for r in requests(sandbox)} == {"search_count"}


def test_its_host_says_that_it_is_meant(sandbox, probe):
    crowd(sandbox)
    probe.rows("--host", sandbox.url.partition("//")[2])
    assert left(sandbox) == []


def test_another_host_is_refused(sandbox, probe):
    done = probe.run("--yes", "--host", "acme.zendesk.com")
    assert done.returncode == 3
    assert requests(sandbox) == []


def test_an_account_that_cannot_be_counted(sandbox, probe):
    sandbox.fault(match={"call": "search_count"}, times=-1, kind="status",
                  status=403, body={"error": "Forbidden"})
    done = probe.run("--yes")
    assert done.returncode == 4
    assert {r["call"] for r in requests(sandbox)} == {"search_count"}


def test_wrong_credentials(tmp_path, sandbox):
    done = Probe(tmp_path, sandbox,
                 zendesk_client_secret="not it").run("--yes")
    assert done.returncode == 4
    assert made(sandbox) == []


# --- what it prints ---


def test_it_can_be_sent_to_others(sandbox, probe):
    done = probe.run("--yes", "--wait", "2")
    assert done.returncode == 0, done.stderr
    head = done.stdout.splitlines()[0]
    assert re.fullmatch(r"reunite \d+\.\d+\.\d+ probe, 20\d\d-\d\d-\d\d",
                        head)
    names = [line.split("  ")[0] for line in done.stdout.splitlines()[3:]]
    assert names == ROWS
    secret = [str(u["id"]) for u in sandbox.state()["users"]]
    secret += [str(t["id"]) for t in sandbox.state()["tickets"]]
    secret += [s["id"] for s in sandbox.state()["sunco_users"]]
    secret += [v for k, v in sandbox.settings().items()
               if "secret" in k or k in ("bearer_token", "sunco_app_id")]
    secret += ["acme", "127.0.0.1", "reunite.example", "reunite-probe"]
    for word in secret:
        assert word not in done.stdout
    assert len(secret) > 15


def test_its_waits_are_shown_on_a_terminal(sandbox, probe):
    sandbox.settings(index_lag_ms=1500, identity_move_lag_ms=1500, **QUICK)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(probe.argv("--yes", "--wait", "60"),
                               stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            got = os.read(ours, 4096)
        except OSError:
            break
        shown += got
    out, _ = process.communicate(timeout=60)
    os.close(ours)
    assert process.returncode == 0
    assert b"until all are found: 0 of 60 s" in shown
    assert b"until the identity moves: 0 of 12 s" in shown
    assert shown.endswith(b"\r\x1b[K")
    assert b"ETA" not in shown and b"/s" not in shown
    assert b"\x1b" not in out


def test_the_account_is_named_if_asked_for(sandbox, probe):
    sandbox.settings(user_update_limits=False)
    done = probe.run("--yes", "--wait", "1", "--show-account")
    assert done.stdout.splitlines()[0].endswith(", account acme")
    done = probe.run("--yes", "--wait", "1", "--show-account", "--json")
    assert json.loads(done.stdout.splitlines()[0])["account"] == "acme"


@pytest.mark.parametrize("argv", [
    ["--yes", "--account", "other"], ["--yes", "--wait", "3601"],
    ["--yes", "--wait", "0"], ["--yes", "--messaging-user", "x"]])
def test_wrong_usage(sandbox, probe, argv):
    assert probe.run(*argv).returncode == 2
    assert requests(sandbox) == []
