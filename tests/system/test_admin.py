"""The admin listener: readiness, metrics, and the API behind its token."""

import re

import harness
import pytest
import rounds
from hooks import create

ADDRESS = "vera@people.example"
VERA = rounds.jwt("Vera Visitor", ADDRESS)


@pytest.fixture
def reunite(daemon):
    return daemon()


@pytest.fixture
def busy(sandbox, daemon):
    """Three open reviews, of three people; their daemon."""
    reunite = daemon(apply="review")
    for n in range(3):
        address = f"visitor{n}@people.example"
        rounds.profile(sandbox, f"Visitor Number {n}", address)
        rounds.begin(sandbox, rounds.jwt(f"Visitor Number {n}", address))
    harness.wait_until(lambda: len(reunite.reviews()) == 3, what="reviews")
    reunite.idle()
    return reunite


def items(reunite, path):
    reply = reunite.admin.get("/api/v1/" + path)
    assert reply.status == 200, reply.body
    return reply.json["items"]


# --- readiness ---


def test_ready(reunite):
    reply = reunite.admin.get("/readyz", headers={"Authorization": ""})
    assert reply.status == 200
    assert reply.json == {"ready": True, "store": "ok", "draining": False,
                          "held": []}
    assert reunite.admin.get("/healthz").status == 200


# --- metrics ---

METRICS = """
webhooks_total{account,source,outcome} webhook_seconds store_commit_seconds
store_batch_size jobs{account,state} queue_oldest_seconds{account}
decisions_total{account,action,reason}
api_requests_total{account,api,call,class} api_seconds{api,call}
api_budget{account} link_seconds
last_webhook_timestamp_seconds{account,source} account_held{account,reason}
breaker_open{account} merges_this_hour{account}
profiles_at_limit{account} review_oldest_seconds{account} build_info{version}
""".split()


def series(text):
    """name -> the sets of its labels' names, le left out."""
    found = {}
    for line in text.splitlines():
        match = re.match(r"reunite_(\w+?)(?:_bucket|_sum|_count)?(?:{(.*)})? ",
                         line)
        if match and not line.startswith("#"):
            names = re.findall(r'(\w+)="', match[2] or "")
            found.setdefault(match[1], set()).add(
                tuple(n for n in names if n != "le"))
    return found


def test_every_metric_is_there(sandbox, daemon):
    reunite = daemon(zendesk_client_secret="mistyped")
    rounds.profile(sandbox, "Vera Visitor", ADDRESS)
    rounds.begin(sandbox, VERA)
    harness.wait_until(lambda: reunite.metric("reunite_account_held") == 1,
                       what="a hold")
    reunite.configure()
    reunite.reload()
    reunite.decided_as("merge")
    reunite.sunco(create())
    reply = reunite.admin.get("/metrics", headers={"Authorization": ""})
    assert reply.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    found = series(reply.body.decode())
    for metric in METRICS:
        name, _, labels = metric.rstrip("}").partition("{")
        want = tuple(labels.split(",")) if labels else ()
        assert want in found.get(name, ()), (metric, found.get(name))


def test_what_the_metrics_say(sandbox, busy):
    assert busy.metric("reunite_jobs", state="review") == 3
    assert busy.metric("reunite_decisions_total", action="review",
                       reason="email_match_verified") == 3
    assert busy.metric("reunite_api_requests_total", call="user_search",
                       **{"class": "ok"}) == 3
    assert busy.metric("reunite_link_seconds_count") == 3
    assert busy.metric("reunite_webhook_seconds_count") == 3
    assert 0 < busy.metric("reunite_api_budget") < 700
    assert busy.metric("reunite_breaker_open") == 0


# --- the token ---

PLACES = ["accounts", "journal", "journal/1", "queue", "queue/1", "reviews", "reviews/1",
          "nowhere"]


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer wrong",
                                   "Bearer admin-token-of-the-test",
                                   "Bearer admin-token-of-the-tests2",
                                   "admin-token-of-the-tests",
                                   "Basic admin-token-of-the-tests"])
def test_nothing_without_the_token(reunite, token):
    headers = {"Authorization": token}
    for place in PLACES:
        reply = reunite.admin.get("/api/v1/" + place, headers=headers)
        assert (reply.status, reply.json) == (401, {"error": "unauthorized"})
    for place in ("accounts/acme/pause", "queue/retry", "queue/1/retry", "queue/1/drop",
                  "reviews/1/approve", "reviews/1/reject"):
        reply = reunite.admin.post("/api/v1/" + place, {"by": "eve"},
                                   headers=headers)
        assert reply.status == 401


@pytest.mark.parametrize("top", [{"admin_token": None}])
def test_without_a_token_it_is_closed(daemon, top):
    reunite = daemon(top=top)
    for token in ("", "Bearer ", "Bearer admin-token-of-the-tests"):
        reply = reunite.admin.get("/api/v1/journal",
                                  headers={"Authorization": token})
        assert reply.status == 401
    assert reunite.admin.get("/readyz").status == 200


# --- lists ---


@pytest.mark.parametrize("kind", ["journal", "queue", "reviews"])
def test_lists_in_pages(busy, kind):
    everything = items(busy, kind)
    assert len(everything) == 3
    first = busy.admin.get(f"/api/v1/{kind}?limit=2").json
    assert first["items"] == everything[:2]
    rest = busy.admin.get(
        f"/api/v1/{kind}?limit=2&after={first['next']}").json
    assert rest == {"items": everything[2:], "next": None}
    one = busy.admin.get(f"/api/v1/{kind}/{everything[1]['id']}")
    more = ("card", "changes")  # what only one of them shows
    assert {k: v for k, v in one.json.items()
            if k not in more} == everything[1]


def test_lists_are_those_of_the_commands(busy):
    assert items(busy, "journal") == busy.journal()
    assert items(busy, "queue") == busy.queue()
    assert items(busy, "reviews") == busy.reviews()


@pytest.mark.parametrize("path, count", [
    ("journal?account=acme", 3), ("journal?account=other", 0),
    ("journal?action=review", 3), ("journal?action=merge", 0),
    ("journal?since_ms=1", 3), ("journal?since_ms=9999999999999", 0),
    ("journal?source=zendesk", 3), ("journal?source=backfill", 0),
    ("journal?user=1", 0), ("queue?state=review", 3), ("queue?state=dead", 0),
    ("queue?account=other", 0), ("reviews?state=open", 3),
    ("journal?reason=brand_mismatch", 0), ("journal?ticket=1", 0),
    ("reviews?reason=brand_mismatch", 0),
    ("reviews?state=approved", 0), ("reviews?account=other", 0),
])
def test_filters(busy, path, count):
    assert len(items(busy, path)) == count


def test_the_filters_by_reason_and_ticket(busy):
    entry = items(busy, "journal")[1]
    for reason in entry["reasons"]:
        assert entry in items(busy, f"journal?reason={reason}")
    assert items(busy, f"journal?ticket={entry['ticket_id']}") == [entry]
    review = items(busy, "reviews")[1]
    for reason in review["reasons"]:
        assert review in items(busy, f"reviews?reason={reason}")


def test_the_filter_by_user(busy):
    entry = items(busy, "journal")[1]
    for key in ("messaging_user_id", "profile_id"):
        assert items(busy, f"journal?user={entry[key]}") == [entry]


@pytest.mark.parametrize("path", [
    "journal?limit=0", "journal?limit=x", "journal?limit=-1",
    "journal?limit=100000", "queue?after=x", "journal?action=explode",
    "queue?state=asleep", "reviews?state=maybe", "journal?since_ms=today",
    "journal?user=vera", "journal?source=nowhere", "journal?ticket=x",
    "journal?reason=why", "reviews?reason=why", "reviews?reason=",
])
def test_wrong_parameters(reunite, path):
    assert reunite.admin.get("/api/v1/" + path).status == 400


@pytest.mark.parametrize("path", [
    "nowhere", "journal/0", "journal/x", "journal/99", "queue/99",
    "reviews/99", "reviews/-1",
])
def test_what_is_not_there(reunite, path):
    assert reunite.admin.get("/api/v1/" + path).status == 404


def test_personal_data_only_on_request(busy):
    review = items(busy, "reviews")[0]["id"]
    plain = busy.admin.get(f"/api/v1/reviews/{review}").body
    assert b"people.example" not in plain
    assert b"Visitor" not in plain
    asked = busy.admin.get(f"/api/v1/reviews/{review}?personal=true").body
    assert b"people.example" in asked


# --- changes ---


def decide(reunite, review, word, body={"by": "maria"}):
    return reunite.admin.post(f"/api/v1/reviews/{review}/{word}", body)


def test_reviews_are_decided(sandbox, busy):
    first, second, third = [r["id"] for r in items(busy, "reviews")]
    assert decide(busy, first, "approve").status == 200
    assert decide(busy, second, "reject").status == 200
    busy.decided_as("merge")
    assert len(rounds.merges(sandbox)) == 1
    assert [r["id"] for r in items(busy, "reviews")] == [third]
    assert items(busy, "reviews?state=approved")[0]["decided_by"] == "maria"
    for word in ("approve", "reject"):
        assert decide(busy, first, word).status == 409
        assert decide(busy, 99, word).status == 404


@pytest.mark.parametrize("body", [
    {}, {"by": ""}, {"by": 7}, {"by": "x" * 2000}, b"{", b"",
], ids=["none", "empty", "number", "long", "no json", "nothing"])
def test_a_decision_needs_a_name(busy, body):
    headers = {"Content-Type": "application/json"}
    review = items(busy, "reviews")[0]["id"]
    reply = busy.admin.post(f"/api/v1/reviews/{review}/approve", body,
                            headers=headers)
    assert reply.status == 400
    assert len(items(busy, "reviews")) == 3


def test_dead_jobs_are_retried_or_dropped(sandbox, daemon):
    sandbox.fault(kind="status", status=400, times=-1, body={"error": "no"},
                  match={"call": "search"})
    reunite = daemon(fast=4)
    owner = rounds.profile(sandbox, "Vera Visitor", ADDRESS)
    begun = rounds.begin(sandbox, VERA)
    rounds.begin(sandbox, rounds.GOBLIN)
    dead = harness.wait_until(
        lambda: len(items(reunite, "queue?state=dead")) == 2 and
        [j["id"] for j in items(reunite, "queue?state=dead")],
        what="dead jobs")
    harness.wait_until(
        lambda: reunite.metric("reunite_jobs", state="dead") == 2,
        what="the metric")
    assert reunite.admin.post(f"/api/v1/queue/{dead[1]}/drop").status == 200
    assert reunite.admin.get(f"/api/v1/queue/{dead[1]}").status == 404
    assert reunite.admin.post(f"/api/v1/queue/{dead[1]}/drop").status == 404
    sandbox.control("DELETE", "faults")
    reply = reunite.admin.post("/api/v1/queue/retry")
    assert (reply.status, reply.json["count"]) == (200, 1)
    rounds.merged_once(sandbox, reunite, begun, owner)
    done = reunite.admin.post(f"/api/v1/queue/{dead[0]}/retry")
    assert done.status == 409
    assert reunite.admin.post("/api/v1/queue/99/retry").status == 404
