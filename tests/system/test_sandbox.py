"""The sandbox as its users see it: the wire, the faults, the webhooks."""

import base64
import hashlib
import hmac
import http.client
import os
import re
import socket
import subprocess

import pytest

import harness
from harness import wait_until

GOBLIN = 21100000000011
PETER = 21100000000022
ADMIN = 21100000000077

JWT = {"external_id": "user_new", "email": "peterparker@spiderman.example",
       "email_verified": False, "name": "Peter Parker"}


def merge(sandbox, loser, survivor, **kwargs):
    return sandbox.zendesk.put(f"/api/v2/users/{loser}/merge",
                               {"user": {"id": survivor}}, **kwargs)


def pair(sandbox):
    sandbox.people({"id": 1, "name": "A"}, {"id": 2, "name": "B"})
    return 1, 2


# ---- the program ----


def run(*options):
    return subprocess.run([harness.binary("reunite-sandbox"), *options],
                          capture_output=True, text=True, check=False,
                          timeout=harness.WAIT_S)


def test_help_and_version():
    assert "--webhook-sunco" in run("--help").stdout
    assert run("--version").stdout.startswith("reunite-sandbox ")


@pytest.mark.parametrize("options", [
    ["--what"], ["--limit", "many"], ["--email-identities", "some"],
    ["surplus"]])
def test_wrong_usage(options):
    done = run(*options)
    assert done.returncode == 2
    assert done.stderr.startswith("reunite-sandbox: ")


def test_a_taken_address():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run("--listen", "127.0.0.1:%d" % taken.getsockname()[1])
    assert done.returncode == 1


def test_ready_line_and_options(tmp_path):
    sandbox = harness.Sandbox(str(tmp_path), "--empty", "--limit", "3",
                              "--index-lag", "5", "--zendesk-secret", "z",
                              "--email-identities", "claim_verified")
    try:
        assert sandbox.log().splitlines() == [sandbox.url]
        assert sandbox.state()["users"] == []
        settings = sandbox.settings()
        assert settings["limit"] == 3
        assert settings["index_lag_ms"] == 5
        assert settings["zendesk_secret"] == "z"
        assert settings["email_identities"] == "claim_verified"
    finally:
        assert sandbox.stop() == 0


# ---- the APIs ----


def test_people_of_the_articles(sandbox):
    user = sandbox.zendesk.get(
        f"/api/v2/users/{GOBLIN}.json?include=identities").json
    assert user["user"]["name"] == "Green Goblin"
    assert user["user"]["external_id"]
    assert user["identities"][0]["verification_method"] == "full"
    assert sandbox.user(ADMIN)["role"] == "admin"


def test_credentials_are_needed(sandbox):
    reply = sandbox.http.get(f"/api/v2/users/{GOBLIN}")
    assert reply.status == 401
    assert reply.json == {"error": "Couldn't authenticate you"}
    reply = sandbox.http.get(sandbox.sunco_path + "/x")
    assert reply.status == 401
    assert reply.json["errors"][0]["code"] == "unauthorized"
    me = sandbox.http.get("/api/v2/users/me.json")
    assert (me.status, me.json["user"]["id"]) == (200, None)
    assert sandbox.zendesk.get("/api/v2/users/me").json["user"]["id"] == ADMIN


def test_oauth(sandbox):
    settings = sandbox.settings()
    token = sandbox.http.post("/oauth/tokens", {
        "grant_type": "client_credentials", "scope": "users:read",
        "client_id": settings["oauth_client_id"],
        "client_secret": settings["oauth_client_secret"]}).json
    assert token["expires_in"] == 1800
    client = harness.Client(sandbox.url, {
        "Authorization": "Bearer " + token["access_token"]})
    assert client.get(f"/api/v2/users/{GOBLIN}").status == 200
    reply = client.put(f"/api/v2/users/{GOBLIN}", {"user": {"notes": "n"}})
    assert reply.status == 403
    assert reply.json["error"]["title"] == "Forbidden"
    sandbox.control("DELETE", "tokens")
    assert client.get(f"/api/v2/users/{GOBLIN}").status == 401


def test_unknown_places(sandbox):
    reply = sandbox.zendesk.get("/api/v2/no/such/thing")
    assert (reply.status, reply.json["error"]) == (404, "InvalidEndpoint")
    reply = sandbox.zendesk.get("/api/v2/users/77")
    assert (reply.status, reply.json["error"]) == (404, "RecordNotFound")
    reply = sandbox.zendesk.post("/api/v2/users", b"{\"user\":")
    assert reply.status == 400
    assert reply.json["errors"]


def test_rate_limit(sandbox):
    sandbox.settings(limit=2, window_ms=60000)
    path = f"/api/v2/users/{GOBLIN}"
    reply = sandbox.zendesk.get(path)
    assert reply.headers["X-Rate-Limit"] == "2"
    assert reply.headers["X-Rate-Limit-Remaining"] == "1"
    assert reply.headers["ratelimit-remaining"] == "1"
    assert 1 <= int(reply.headers["ratelimit-reset"]) <= 60
    sandbox.zendesk.get(path)
    reply = sandbox.zendesk.get(path)
    assert reply.status == 429
    assert reply.json["error"] == "APIRateLimitExceeded"
    assert 1 <= int(reply.headers["Retry-After"]) <= 60
    sandbox.settings(retry_after=False, rate_headers=False)
    reply = sandbox.zendesk.get(path)
    assert reply.status == 429
    assert reply.headers["Retry-After"] is None
    assert reply.headers["X-Rate-Limit"] is None


def test_external_ids_may_hold_anything(sandbox):
    sandbox.people(sunco_users=[{"id": "s1", "externalId": "a/b c"}])
    reply = sandbox.sunco.get(sandbox.sunco_path + "/a%2Fb%20c")
    assert reply.json["user"]["id"] == "s1"


def test_escaped_query_and_next_page(sandbox):
    sandbox.people(*[{"name": f"Many {i}"} for i in range(3)])
    reply = sandbox.zendesk.get(
        "/api/v2/users/search?query=name%20many&per_page=2")
    assert reply.json["count"] == 0
    reply = sandbox.zendesk.get("/api/v2/users/search?query=many&per_page=2")
    following = reply.json["next_page"]
    assert following.startswith(sandbox.url)
    reply = sandbox.zendesk.get(following[len(sandbox.url):])
    assert len(reply.json["users"]) == 1


# ---- faults ----


def test_status_fault(sandbox):
    loser, survivor = pair(sandbox)
    sandbox.fault(match={"api": "zendesk", "call": "merge"}, kind="status",
                  status=503, headers={"Retry-After": "7"},
                  body={"error": "unavailable"})
    reply = merge(sandbox, loser, survivor)
    assert (reply.status, reply.headers["Retry-After"]) == (503, "7")
    assert reply.json == {"error": "unavailable"}
    assert sandbox.user(loser)["active"]
    assert merge(sandbox, loser, survivor).status == 200


@pytest.mark.parametrize("kind, happened", [("cut_before", False),
                                            ("cut_after", True)])
def test_cut_connection(sandbox, kind, happened):
    loser, survivor = pair(sandbox)
    sandbox.fault(match={"call": "merge"}, kind=kind)
    with pytest.raises(http.client.RemoteDisconnected):
        merge(sandbox, loser, survivor)
    assert sandbox.user(loser)["active"] is not happened
    entry = sandbox.control("GET", "requests")["requests"][-1]
    assert (entry["status"], entry["applied"]) == (0, happened)
    assert (entry["call"], entry["id"]) == ("merge", loser)
    assert entry["fault"] == kind


def test_truncated_answer(sandbox):
    loser, survivor = pair(sandbox)
    sandbox.fault(match={"call": "merge"}, kind="truncate")
    with pytest.raises(http.client.IncompleteRead):
        merge(sandbox, loser, survivor)
    assert not sandbox.user(loser)["active"]


def test_html_answer(sandbox):
    sandbox.fault(match={"call": "user_get"}, kind="html", status=403)
    reply = sandbox.zendesk.get(f"/api/v2/users/{GOBLIN}")
    assert reply.status == 403
    assert reply.headers["Content-Type"].startswith("text/html")
    assert b"<html>" in reply.body


@pytest.mark.parametrize("applied", [False, True])
def test_hanging_answer(sandbox, applied):
    loser, survivor = pair(sandbox)
    sandbox.fault(match={"call": "merge"}, kind="hang", ms=30000,
                  applied=applied)
    with pytest.raises(TimeoutError):
        merge(sandbox, loser, survivor, timeout_s=0.3)
    assert sandbox.user(loser)["active"] is not applied


def test_an_effect_comes_although_the_client_left(sandbox):
    loser, survivor = pair(sandbox)
    sandbox.fault(match={"call": "merge"}, kind="delay", ms=500)
    with pytest.raises(TimeoutError):
        merge(sandbox, loser, survivor, timeout_s=0.1)
    wait_until(lambda: not sandbox.user(loser)["active"])


def test_faults_are_listed_and_cleared(sandbox):
    sandbox.fault(match={"call": "search"}, kind="html", times=5)
    sandbox.zendesk.get("/api/v2/users/search?query=x")
    row = sandbox.control("GET", "faults")["faults"][0]
    assert (row["left"], row["hits"]) == (4, 1)
    assert sandbox.control("DELETE", "faults")["faults"] == []
    assert sandbox.zendesk.get("/api/v2/users/search?query=x").status == 200
    for row in ({"kind": "what"},
                {"kind": "html", "match": {"call": "sync", "api": "zendesk"}},
                {"kind": "html", "match": {"call": "serch"}}):
        assert sandbox.http.post("/_sandbox/faults", row).status == 400


# ---- control ----


def test_requests_are_counted(sandbox):
    sandbox.zendesk.get("/api/v2/users/77")
    sandbox.zendesk.get(f"/api/v2/users/{GOBLIN}")
    log = sandbox.control("GET", "requests")
    assert log["counts"]["zendesk user_get"] == {"404": 1, "200": 1}
    assert log["total"] == 2
    after = sandbox.control("GET", "requests?after=1")["requests"]
    assert [entry["status"] for entry in after] == [200]


def test_state_in_parts_and_reset(sandbox):
    everybody = sandbox.state()["users"]
    part = sandbox.control("GET", "state?from=2&count=3")["users"]
    assert part == everybody[2:5]
    loser, survivor = pair(sandbox)
    merge(sandbox, loser, survivor)
    assert [(m["from"], m["into"], m["by"])
            for m in sandbox.state()["merges"]] == [(1, 2, "api")]
    sandbox.settings(limit=9)
    sandbox.control("POST", "reset")
    state = sandbox.state()
    assert [u["id"] for u in state["users"]] == [u["id"] for u in everybody]
    assert state["merges"] == []
    assert sandbox.control("GET", "requests")["total"] == 0
    assert sandbox.settings()["limit"] == 9


@pytest.mark.parametrize("name, body", [
    ("settings", {"no_such": 1}), ("settings", []),
    ("people", {"users": [{}]}), ("people", {"users": [
        {"id": GOBLIN, "name": "Twice"}]}),
    ("people", {"tickets": [{"requester_id": 5}]}),
    ("conversations", {"sunco_user_id": "nobody"}),
    ("conversations", {"webhooks": ["what"]}),
    ("hand-offs", {}), ("logins", {}), ("messages", {}), ("removals", {}),
    ("webhooks", {"source": "what"})])
def test_bad_orders(sandbox, name, body):
    before = sandbox.state()["user_count"]
    assert sandbox.http.post("/_sandbox/" + name, body).status == 400
    if name == "people":
        assert sandbox.state()["user_count"] == before


# ---- acting ----


def targets(sandbox, receiver, **more):
    sandbox.settings(webhook_sunco=receiver.url + "/sunco",
                     webhook_zendesk=receiver.url + "/zendesk", **more)


def signature_is_right(request, secret):
    stamp = request.headers["X-Zendesk-Webhook-Signature-Timestamp"]
    mac = hmac.new(secret.encode(), stamp.encode() + request.body,
                   hashlib.sha256).digest()
    sent = request.headers["X-Zendesk-Webhook-Signature"]
    return base64.b64encode(mac).decode() == sent


def test_a_conversation_and_its_webhooks(sandbox, receiver):
    targets(sandbox, receiver)
    act = sandbox.act("conversations", jwt=JWT)
    assert act["login"] == "signed_in"
    assert [(w["event"], w["status"]) for w in act["webhooks"]] == [
        ("conversation:create", 200), ("trigger", 200)]
    sunco, trigger = receiver.requests
    assert sunco.headers["X-API-Key"] == sandbox.settings()["sunco_secret"]
    event = sunco.json["events"][0]
    assert event["type"] == "conversation:create"
    user = event["payload"]["user"]
    assert user["id"] == act["sunco_user_id"]
    assert user["authenticated"] is True
    assert user["identities"] == []
    assert user["profile"]["email"] == JWT["email"]
    assert sunco.json["webhook"]["version"] == "v2"
    assert trigger.json["ticket_id"] == str(act["ticket_id"])
    assert trigger.json["requester_id"] == str(act["zendesk_user_id"])
    assert signature_is_right(trigger, sandbox.settings()["zendesk_secret"])
    held = sandbox.user(act["zendesk_user_id"])
    assert held["external_id"] == "user_new"
    assert [i["value"] for i in held["identities"]] == [act["sunco_user_id"]]


def test_order_of_webhooks(sandbox, receiver):
    targets(sandbox, receiver)
    sandbox.act("conversations", webhooks=["trigger", "pass_control",
                                           "sunco"])
    kinds = [r.json.get("events", [{"type": "trigger"}])[0]["type"]
             for r in receiver.requests]
    assert kinds == ["trigger", "switchboard:passControl",
                     "conversation:create"]


def test_a_later_hand_off(sandbox, receiver):
    targets(sandbox, receiver)
    act = sandbox.act("conversations", hand_off="later")
    assert act["zendesk_user_id"] is None
    assert len(receiver.requests) == 1
    more = sandbox.act("hand-offs", conversation_id=act["conversation_id"])
    assert more["ticket_id"]
    assert receiver.requests[1].json["ticket_id"] == str(more["ticket_id"])
    sandbox.act("conversations", hand_off_after_ms=50)
    wait_until(lambda: len(receiver.requests) == 4)


def test_a_login_in_the_middle(sandbox, receiver):
    targets(sandbox, receiver)
    act = sandbox.act("conversations", hand_off="never", webhooks=[])
    login = sandbox.act("logins", conversation_id=act["conversation_id"],
                        jwt=JWT)
    assert login["login"] == "signed_in"
    event = receiver.requests[0].json["events"][0]
    assert (event["type"], event["payload"]["reason"]) == (
        "user:update", "authentication")
    act = sandbox.act("conversations", webhooks=[])
    login = sandbox.act("logins", conversation_id=act["conversation_id"],
                        jwt=JWT)
    assert login["login"] == "merged"
    event = receiver.requests[1].json["events"][0]
    merged = event["payload"]["mergedUsers"]
    assert event["type"] == "user:merge"
    assert merged["discarded"]["id"] == act["sunco_user_id"]
    assert merged["surviving"]["id"] == login["sunco_user_id"]


def test_a_visitor_of_the_help_center(sandbox, receiver):
    targets(sandbox, receiver)
    act = sandbox.act("conversations", help_center=GOBLIN)
    assert act["zendesk_user_id"] == GOBLIN
    user = receiver.requests[0].json["events"][0]["payload"]["user"]
    assert user["zendeskId"] == str(GOBLIN)
    assert user["identities"][0]["verification"] == "sso"


def test_messages_and_removals(sandbox, receiver):
    targets(sandbox, receiver)
    act = sandbox.act("conversations", webhooks=[])
    sandbox.act("messages", conversation_id=act["conversation_id"],
                text="hello")
    event = receiver.requests[0].json["events"][0]
    assert event["type"] == "conversation:message"
    assert event["payload"]["message"]["author"]["user"]["id"] == (
        act["sunco_user_id"])
    sandbox.act("removals", sunco_user_id=act["sunco_user_id"])
    assert receiver.requests[1].json["events"][0]["type"] == "user:remove"
    reply = sandbox.sunco.get(
        f"{sandbox.sunco_path}/{act['sunco_user_id']}")
    assert reply.status == 404


def test_subscribers_hear_of_merges_over_the_api(sandbox, receiver):
    targets(sandbox, receiver, events="user.merged")
    loser, survivor = pair(sandbox)
    merge(sandbox, loser, survivor)
    wait_until(lambda: receiver.requests)
    event = receiver.requests[0]
    assert event.json["type"] == "zen:event-type:user.merged"
    assert event.json["detail"]["id"] == str(loser)
    assert event.json["event"]["user"]["id"] == str(survivor)
    assert signature_is_right(event, sandbox.settings()["zendesk_secret"])


# ---- webhooks as anybody wants them ----


def test_forged_webhooks(sandbox, receiver):
    targets(sandbox, receiver)
    body = {"v": 1, "ticket_id": "1"}
    sandbox.act("webhooks", source="zendesk", body=body)
    assert receiver.requests[0].json == body
    assert signature_is_right(receiver.requests[0],
                              sandbox.settings()["zendesk_secret"])
    sandbox.act("webhooks", source="zendesk", raw="not json", key="other")
    assert receiver.requests[1].body == b"not json"
    assert signature_is_right(receiver.requests[1], "other")
    sandbox.act("webhooks", source="zendesk", body=body, signature="AAAA",
                timestamp="2020-01-01T00:00:00Z")
    headers = receiver.requests[2].headers
    assert headers["X-Zendesk-Webhook-Signature"] == "AAAA"
    assert headers["X-Zendesk-Webhook-Signature-Timestamp"].startswith("2020")
    sandbox.act("webhooks", source="sunco", body=body, unsigned=True)
    assert receiver.requests[3].headers["X-API-Key"] is None
    act = sandbox.act("webhooks", source="sunco", body=body, repeat=3)
    assert len(act["webhooks"]) == 3


def send(sandbox, source, wait="end"):
    act = sandbox.act("webhooks", source=source, body={}, wait=wait)
    return act["webhooks"][0]


def test_sunco_tries_five_times(sandbox, receiver):
    targets(sandbox, receiver, webhook_retry_speed=100000)
    receiver.answers = [(500, {})] * 3
    delivery = send(sandbox, "sunco")
    assert delivery["state"] == "delivered"
    assert [a["status"] for a in delivery["attempts"]] == [500, 500, 500, 200]
    receiver.answers = [(503, {})] * 9
    delivery = send(sandbox, "sunco")
    assert delivery["state"] == "failed"
    assert len(delivery["attempts"]) == 5


@pytest.mark.parametrize("status", [400, 401, 403, 404, 406])
def test_sunco_gives_up_at_once(sandbox, receiver, status):
    targets(sandbox, receiver, webhook_retry_speed=100000)
    receiver.answers = [(status, {})]
    delivery = send(sandbox, "sunco")
    assert (delivery["state"], len(delivery["attempts"])) == ("failed", 1)


@pytest.mark.parametrize("answer, attempts", [
    ((500, {}), 1), ((502, {}), 1), ((409, {}), 4), ((503, {}), 1),
    ((503, {"Retry-After": "59"}), 6), ((503, {"Retry-After": "60"}), 1),
    ((429, {"Retry-After": "5"}), 6)])
def test_when_zendesk_tries_again(sandbox, receiver, answer, attempts):
    targets(sandbox, receiver, webhook_retry_speed=100000)
    receiver.answers = [answer] * 20
    delivery = send(sandbox, "zendesk")
    assert delivery["state"] == "failed"
    assert len(delivery["attempts"]) == attempts
    assert len(receiver.requests) == attempts
    assert len({r.headers["X-Zendesk-Webhook-Invocation-Id"]
                for r in receiver.requests}) == 1


def test_zendesk_repeats_after_a_time_out(sandbox):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sandbox.settings(
            webhook_zendesk="http://127.0.0.1:%d/" % silent.getsockname()[1],
            webhook_retry_speed=100000, webhook_timeout_ms=50)
        delivery = send(sandbox, "zendesk")
    assert (delivery["state"], delivery["status"]) == ("failed", 0)
    assert len(delivery["attempts"]) == 6


def test_not_waiting_for_webhooks(sandbox, receiver):
    targets(sandbox, receiver, webhook_repeat=2)
    act = sandbox.act("conversations", wait=False)
    assert act["webhooks"] == []
    wait_until(lambda: len(receiver.requests) == 4)
    wait_until(lambda: all(
        d["state"] == "delivered"
        for d in sandbox.control("GET", "deliveries")["deliveries"]))


def test_waiting_for_first_attempts_only(sandbox, receiver):
    targets(sandbox, receiver)
    receiver.answers = [(500, {})]
    delivery = send(sandbox, "sunco", wait=True)
    assert (delivery["state"], delivery["status"]) == ("waiting", 500)


def test_ending_with_work_under_way(tmp_path, receiver):
    sandbox = harness.Sandbox(str(tmp_path))
    try:
        targets(sandbox, receiver)
        receiver.answers = [(500, {})]
        sandbox.act("conversations", hand_off_after_ms=60000)
        sandbox.fault(kind="hang", ms=60000)
        with pytest.raises(TimeoutError):
            sandbox.zendesk.get("/api/v2/users/1", timeout_s=0.1)
    finally:
        assert sandbox.stop() == 0, sandbox.log()


def test_a_hundred_thousand_people(sandbox):
    people = [{"name": f"Person {i}", "email": f"p{i}@many.example",
               "external_id": f"x{i}"} for i in range(100000)]
    ids = sandbox.people(*people)["users"]
    assert len(ids) == len(people)
    for i in (0, 50000, 99999):
        hits = sandbox.zendesk.get(
            f"/api/v2/users/search?query=email:%22p{i}@many.example%22").json
        assert [u["id"] for u in hits["users"]] == [ids[i]]
        hits = sandbox.zendesk.get(
            f"/api/v2/users/search?external_id=X{i}").json
        assert [u["id"] for u in hits["users"]] == [ids[i]]
    assert sandbox.control("GET", "state?count=1")["user_count"] == 100008


# ---- its documentation ----


def test_agents_merge_by_hand(sandbox, receiver):
    sandbox.settings(events="user.merged", webhook_zendesk=receiver.url)
    one, two = sandbox.people({"name": "A", "email": "a@x.example"},
                              {"name": "B", "email": "b@x.example"})["users"]
    sandbox.control("POST", "merges", {"from": one, "into": two})
    merge = sandbox.state()["merges"][-1]
    assert (merge["from"], merge["into"], merge["by"]) == (one, two, "agent")
    harness.wait_until(lambda: receiver.requests, what="the event")
    event = receiver.requests[0]
    assert event.json["detail"]["id"] == str(one)
    for refused in ({"from": one, "into": two}, {"from": two, "into": two},
                    {"from": two}):
        reply = sandbox.http.post("/_sandbox/merges", refused)
        assert reply.status == 400
    assert len(sandbox.state()["merges"]) == 1


def test_search_count(sandbox):
    def count(query):
        return sandbox.zendesk.get(
            "/api/v2/search/count?query=" + query).json["count"]

    users = "type:user%20role:end-user"
    everybody, unverified = count(users), count(users + "%20is_verified:false")
    sandbox.people({"name": "A", "email": "a@x.example"},
                   {"name": "B", "identities": [
                       {"type": "email", "value": "b@x.example"}]},
                   {"name": "C", "role": "agent"})
    assert count(users) == everybody + 2
    assert count(users + "%20is_verified:false") == unverified + 1
    assert count(users + "%20is_verified:true") == \
        everybody - unverified + 1
    assert sandbox.zendesk.get("/api/v2/search/count?query=x").status == 400


def test_the_readme_names_everything(sandbox):
    path = os.path.join(os.environ["REUNITE_SOURCE"], "src", "sandbox")
    with open(os.path.join(path, "README.md"), encoding="utf-8") as f:
        readme = f.read()
    missing = [key for key in sandbox.settings() if f"`{key}`" not in readme]
    with open(os.path.join(path, "routes.c"), encoding="utf-8") as f:
        table = f.read().split("routes[] = {")[1].split("};")[0]
    calls = re.findall(r'"([a-z_]+)",\s+(?:"[a-z_]*"|NULL)', table)
    assert len(calls) == table.count("{CALL_") > 60
    missing += [call for call in calls if f"`{call}`" not in readme]
    assert missing == []
