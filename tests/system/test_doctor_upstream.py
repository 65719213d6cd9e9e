"""`reunite doctor` and the network: the way to the hosts, their certificates
and clocks, credentials, scopes, the app and the limit; each as it should be,
and as it should not."""

import os
import pty
import subprocess
import time

import pytest

import front
import harness
import secure_front
from clinic import of
from daemon import WallClock

DAY_S = 24 * 3600


# --- the exit code ---


@pytest.fixture
def reunite(daemon):
    program = daemon()
    os.chmod(program.config, 0o600)
    return program


def code(reunite, *argv):
    return reunite.command("doctor", *argv, check=False).returncode


def test_the_worst_finding_decides(sandbox, reunite):
    """0 with warnings, 4 when Zendesk does not answer, 1 when something here
    is wrong, whatever else is."""
    assert "0 problems, 7 warnings" in reunite.command("doctor").stdout
    sandbox.fault(match={"api": "zendesk"}, kind="status", status=503,
                  times=-1)
    assert code(reunite) == 4
    assert code(reunite, "--offline") == 0
    os.chmod(reunite.config, 0o644)
    assert code(reunite) == 1
    assert code(reunite, "--offline") == 1
    with open(reunite.config, "a", encoding="utf-8") as f:
        f.write("unheard_of = 1\n")
    assert code(reunite) == 2


def test_a_refusal_is_worse_than_a_silence(sandbox, reunite):
    sandbox.fault(match={"api": "sunco"}, kind="html", times=-1)
    assert code(reunite) == 4
    sandbox.settings(oauth_client_secret="another")
    assert code(reunite) == 1


def test_nothing_is_changed(sandbox, reunite):
    """Neither there nor in the store: a token for the daemon's work and one to
    look at webhooks are asked for, and not kept."""
    before = sandbox.state()
    reunite.command("doctor")
    assert sandbox.state() == before
    asked = sandbox.control("GET", "requests")["requests"]
    assert {r["method"] for r in asked if r["call"] != "oauth"} == {"GET"}
    assert [r["call"] for r in asked].count("oauth") == 2
    assert len(asked) < 15
    reunite.command("doctor", "--offline")
    assert sandbox.control("GET", "requests")["requests"] == asked


# --- a terminal ---


def on_a_terminal(clinic, *argv):
    """What is written to one."""
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as screen:
        process = subprocess.Popen(
            [harness.binary("reunite"), "doctor", *argv, "-c", clinic.config],
            stdout=theirs, stderr=theirs, stdin=subprocess.DEVNULL)
        os.close(theirs)
        text = b""
        try:
            while chunk := screen.read(65536):
                text += chunk
        except OSError:
            pass  # how a terminal says that nobody writes any more
        process.wait(harness.WAIT_S)
    return text.decode()


def test_colours_are_for_terminals(clinic):
    """So is the word that it takes a while, of which nothing is left."""
    clinic.configure(sunco_key_secret="mistyped")
    text = on_a_terminal(clinic)
    assert "\x1b[31mproblem" in text and "\x1b[33mwarning" in text
    assert "asking Zendesk and Sunshine Conversations ...\r" in text
    assert text.count("\r\x1b[K") == 1
    assert "asking" not in on_a_terminal(clinic, "--offline")
    for argv in ((), ("--json",)):
        assert "\x1b" not in clinic.doctor(*argv).stdout
        assert "asking" not in clinic.doctor(*argv).stdout
    assert "\x1b" not in on_a_terminal(clinic, "--json")


# --- the way there ---


def test_names_that_are_found_and_not(clinic):
    address = clinic.sandbox.url.rpartition("/")[2]
    assert clinic.finding("dns", "ok") == f"{address} is 127.0.0.1"
    clinic.configure(sunco_url="https://reunite.invalid/sc")
    good, bad = clinic.rows("dns")
    assert (good["level"], bad["level"]) == ("ok", "problem")
    assert "reunite.invalid cannot be found" in bad["finding"]
    assert "/etc/resolv.conf" in bad["mend"]


def test_a_host_is_asked_once(clinic):
    """Both APIs live there; another host is another line."""
    clinic.configure(sunco_url=clinic.sandbox.url + "/elsewhere")
    assert len(clinic.rows("dns")) == 1
    other = front.Front(clinic.sandbox.url)
    clinic.configure(sunco_url=other.url + "/sc")
    assert len(clinic.rows("dns")) == len(clinic.rows("tls")) == 2
    other.close()


def test_nobody_listens(clinic):
    clinic.configure(zendesk_url=clinic.socket(listens=False))
    assert "none with 127.0.0.1:" in clinic.finding("connection", "problem")
    assert "not known" in clinic.finding("credentials", "warning")
    assert clinic.finding("sunco", "ok")
    clinic.configure()
    assert not clinic.rows("connection")


def test_silence_does_not_last(clinic, other_sandbox):
    """A host that hangs, and one that answers, but not what matters; all of
    it ends in time, and says so."""
    clinic.configure(others={"other": other_sandbox})
    clinic.replace(other_sandbox.url, clinic.socket(listens=True))
    for match in ({"call": "token_get"}, {"api": "sunco"}):
        clinic.sandbox.fault(match=match, kind="hang", ms=120000, times=-1)
    rows = clinic.all_rows()

    def one(check, account):
        row, = of(rows, check, account)
        return row["level"], "answer" in row["finding"]

    assert one("connection", "other") == ("problem", True)
    assert one("credentials", "other") == ("warning", True)
    assert one("credentials", "acme") == ("ok", False)
    assert one("scopes", "acme")[0] == "warning"
    assert one("sunco", "acme") == ("problem", True)


# --- certificates ---


@pytest.mark.parametrize("days,level", [(60, "ok"), (5, "warning")])
def test_a_certificate_and_its_end(clinic, tmp_path, days, level):
    cert, key = secure_front.certificate(tmp_path, days=days)
    secure = secure_front.SecureFront(clinic.sandbox.url, cert, key)
    clinic.configure(zendesk_url=secure.url, sunco_url=secure.url + "/sc")
    trust = {"SSL_CERT_FILE": cert}
    said = clinic.finding("tls", level, environment=trust)
    assert f"good for {days - 1} d" in said
    assert clinic.finding("credentials", "ok", environment=trust)
    assert clinic.finding("sunco", "ok", environment=trust)
    secure.close()


@pytest.mark.parametrize("names,trusted", [("IP:127.0.0.1", False),
                                           ("DNS:other.example", True)])
def test_a_certificate_that_is_not_trusted(clinic, tmp_path, names, trusted):
    """Nobody vouches for it; it is another host's."""
    cert, key = secure_front.certificate(tmp_path, names)
    secure = secure_front.SecureFront(clinic.sandbox.url, cert, key)
    clinic.configure(zendesk_url=secure.url, sunco_url=secure.url + "/sc")
    trust = {"SSL_CERT_FILE": cert} if trusted else {}
    assert "is not trusted" in clinic.finding("tls", "problem",
                                              environment=trust)
    assert clinic.doctor(environment=trust).returncode == 1
    secure.close()


def test_no_tls_where_it_should_be(clinic):
    plain = clinic.sandbox.url.replace("http:", "https:")
    clinic.configure(zendesk_url=plain, sunco_url=plain + "/sc")
    assert "none with 127.0.0.1:" in clinic.finding("tls", "problem")


def test_plain_http_is_for_this_machine(clinic):
    assert "which is this machine" in clinic.finding("tls", "ok")


# --- the clock ---


@pytest.mark.parametrize("ahead_s,level,words", [
    (10, "ok", "goes like Zendesk's"), (90, "warning", "behind Zendesk's"),
    (600, "problem", "beyond timestamp_tolerance")])
def test_clocks(clinic, ahead_s, level, words):
    clinic.sandbox.settings(date_ahead_ms=ahead_s * 1000)
    assert words in clinic.finding("clock", level)


def test_a_clock_that_is_ahead(clinic, tmp_path):
    clock = WallClock(tmp_path)
    clock.set(90)
    assert "ahead of Zendesk's" in clinic.finding(
        "clock", "warning", environment=clock.environment())


def test_clocks_and_no_tolerance(clinic):
    clinic.sandbox.settings(date_ahead_ms=600 * 1000)
    clinic.configure(timestamp_tolerance="0")
    assert "tolerance" not in clinic.finding("clock", "warning")


# --- credentials ---


@pytest.mark.parametrize("good,bad", [
    ({}, {"zendesk_client_secret": "mistyped"}),
    ({"zendesk_auth": "bearer", "zendesk_token": "sandbox-bearer-token"},
     {"zendesk_token": "an-old-token"}),
    ({"zendesk_auth": "api_token", "zendesk_email": "admin@acme.example",
      "zendesk_token": "sandbox-api-token"}, {"zendesk_token": "a-typo"})])
def test_credentials(clinic, good, bad):
    """A wrong token is answered 200, as to an anonymous user."""
    clinic.configure(**good)
    assert "an admin's" in clinic.finding("credentials", "ok")
    clinic.configure(**{**good, **bad})
    said = clinic.finding("credentials", "problem")
    assert "Zendesk refuses the" in said
    assert ("anonymous user" in said) == ("zendesk_auth" in good)
    assert not clinic.rows("scopes")


@pytest.mark.parametrize("role,level", [("agent", "warning"),
                                        ("end-user", "problem")])
def test_whose_credentials(clinic, role, level):
    clinic.sandbox.settings(me_role=role)
    row, = clinic.rows("credentials")
    assert row["level"] == level and role.replace("-", " ") in row["finding"]
    assert row["mend"] == "let an admin own it"


def test_scopes_of_a_client(clinic):
    assert "all 3" in clinic.finding("scopes", "ok")
    clinic.sandbox.settings(oauth_scopes="users:read")
    rows = clinic.rows("scopes")
    assert [(r["level"], r["finding"]) for r in rows] == [
        ("problem", "users:write is not granted"),
        ("warning", "tickets:read is not granted")]
    clinic.configure(apply="observe")  # writes nothing
    assert clinic.finding("scopes", "warning").startswith("tickets:read")


def test_scopes_that_are_refused_as_a_whole(clinic):
    """The client may not have tickets:read: asked again without it."""
    clinic.sandbox.settings(oauth_scopes="users:read users:write",
                            oauth_refuses_scopes=True)
    assert clinic.finding("scopes", "warning").startswith("tickets:read")
    clinic.sandbox.settings(oauth_scopes="tickets:read")
    assert "invalid_scope" in clinic.finding("credentials", "problem")


def test_scopes_of_a_bearer_token(clinic):
    clinic.configure(zendesk_auth="bearer",
                     zendesk_token="sandbox-bearer-token",
                     ticket_note="all")
    assert "all 4" in clinic.finding("scopes", "ok")
    clinic.sandbox.settings(bearer_scopes="read users:write")
    assert clinic.finding("scopes", "warning").startswith("tickets:write")


def test_scopes_that_are_not_told(clinic):
    clinic.sandbox.fault(match={"call": "token_get"}, kind="status",
                         status=404, times=-1)
    assert "not known" in clinic.finding("scopes", "warning")


# --- API tokens ---


def test_the_end_of_api_tokens(clinic, tmp_path):
    """The days are counted by this machine's clock."""
    assert "none is used" in clinic.finding("api token", "ok", "--offline")
    clinic.configure(zendesk_auth="api_token", zendesk_token="token",
                     zendesk_email="admin@acme.example")
    clock = WallClock(tmp_path)
    begin = 1795392000  # 2026-11-23
    for at_s, level, words in [
            (begin, "warning", "in 157 days"),
            (begin + 140 * DAY_S, "problem", "in 17 days"),
            (begin + 160 * DAY_S, "problem", "ended API tokens")]:
        clock.set(at_s + 60 - time.time())
        assert words in clinic.finding("api token", level, "--offline",
                                       environment=clock.environment())


# --- Sunshine Conversations ---


@pytest.mark.parametrize("setting,words", [
    ("sunco_app_id", "no such app"), ("sunco_key_id", "the key is refused"),
    ("sunco_key_secret", "the key is refused")])
def test_the_key_and_the_app(clinic, setting, words):
    assert "the key is good" in clinic.finding("sunco", "ok")
    clinic.configure(**{setting: "65f0c1d2e3"})
    assert words in clinic.finding("sunco", "problem")


def test_a_key_that_may_not(clinic):
    clinic.sandbox.fault(match={"api": "sunco"}, kind="status", status=403,
                         times=-1, body={"errors": [{"code": "forbidden"}]})
    assert "may not read" in clinic.finding("sunco", "problem")


# --- the limit ---


def test_the_limit(clinic):
    clinic.sandbox.settings(limit=400)
    assert "400 requests a minute, 39" in clinic.finding("budget", "ok")
    clinic.configure(reserve_percent=10)
    assert "40 (10 %) kept for others, so at most 360" in \
        clinic.finding("budget", "ok")


def test_the_limit_of_an_api_token(clinic):
    """Of which the first answer says nothing here."""
    clinic.configure(zendesk_auth="api_token",
                     zendesk_token="sandbox-api-token",
                     zendesk_email="admin@acme.example")
    assert "700 requests a minute" in clinic.finding("budget", "ok")


def test_a_limit_that_others_use_up(clinic):
    clinic.sandbox.settings(limit=400, window_ms=3600000)
    clinic.sandbox.control("POST", "others", {"requests": 350})
    row, = clinic.rows("budget")
    assert row["level"] == "warning" and "other integration" in row["mend"]


def test_a_rate_above_the_limit(clinic):
    clinic.configure(requests_per_minute=900)
    assert [r["level"] for r in clinic.rows("budget")] == ["ok", "warning"]
    clinic.configure(requests_per_minute=700)
    assert clinic.finding("budget", "ok")


def test_a_limit_that_is_not_told(clinic):
    clinic.sandbox.settings(rate_headers=False)
    assert "tell no limit" in clinic.finding("budget", "warning")
    clinic.configure(requests_per_minute=400)
    assert not clinic.rows("budget")


def test_no_place_left(clinic):
    """Zendesk refuses for now: that is no problem of the credentials."""
    clinic.sandbox.fault(match={"api": "zendesk", "call": "user_me"},
                         kind="status", status=429, skip=1, times=-1)
    row, = clinic.rows("credentials")
    assert row["level"] == "problem" and "in a minute" in row["mend"]


# --- several accounts ---


def test_one_account_is_dead(clinic, other_sandbox):
    """It says nothing of the other."""
    clinic.configure(others={"other": other_sandbox})
    clinic.replace(other_sandbox.url, clinic.socket(listens=False))
    assert clinic.finding("credentials", "ok")
    assert clinic.finding("connection", "problem", account="other")
    assert not clinic.rows("dns", "--account", "acme", account="other")
