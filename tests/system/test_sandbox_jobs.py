"""The sandbox's bulk calls and background jobs, as Zendesk's reference has
them: what they do, when, and how they fail."""

import pytest

FIRST_ID = 51_000_000


@pytest.fixture
def box(sandbox):
    sandbox.people(*({"id": FIRST_ID + n, "name": f"User {n}",
                      "email": f"u{n}@x.example"} for n in range(4)))
    return sandbox


def begin(box, users, **kwargs):
    reply = box.zendesk.put("/api/v2/users/update_many", {"users": users},
                            **kwargs)
    assert reply.status == 200, reply.body
    return reply.json["job_status"]["id"]


def job(box, job_id):
    reply = box.zendesk.get(f"/api/v2/job_statuses/{job_id}.json")
    assert reply.status == 200
    return reply.json["job_status"]


def external_id(box, n):
    return box.user(FIRST_ID + n)["external_id"]


def test_a_job_does_what_it_should_at_its_end(box):
    box.settings(job_ms=600_000)
    one = begin(box, [{"id": FIRST_ID, "external_id": "a"}])
    assert job(box, one)["status"] == "queued"
    assert job(box, one)["results"] is None
    assert external_id(box, 0) is None
    box.settings(job_ms=0)
    two = begin(box, [{"id": FIRST_ID + 1, "external_id": "b"},
                      {"id": FIRST_ID + 2, "external_id": "B"},
                      {"id": 999, "external_id": "c"}])
    status = job(box, two)
    assert (status["status"], status["total"], status["progress"]) == (
        "completed", 3, 3)
    assert [r["success"] for r in status["results"]] == [True, False, False]
    assert status["results"][0] == {
        "id": FIRST_ID + 1, "action": "update", "success": True,
        "status": "Updated"}
    assert "taken" in status["results"][1]["details"]
    assert external_id(box, 1) == "b" and external_id(box, 2) is None


def test_who_fails_is_up_to_the_settings(box):
    box.settings(job_fails=f"{FIRST_ID + 1}", job_failure_id="place")
    rows = [{"id": FIRST_ID + n, "name": f"New {n}"} for n in range(2)]
    results = job(box, begin(box, rows))["results"]
    assert [r["success"] for r in results] == [True, False]
    assert results[1]["id"] == 1
    box.settings(job_fails="all")
    assert job(box, begin(box, rows))["status"] == "failed"
    assert box.user(FIRST_ID + 1)["name"] == "User 1"


def test_the_same_change_for_many(box):
    reply = box.zendesk.put(
        f"/api/v2/users/update_many?ids={FIRST_ID},{FIRST_ID + 1}",
        {"user": {"notes": "both"}})
    assert reply.status == 200
    assert len(job(box, reply.json["job_status"]["id"])["results"]) == 2
    assert [box.user(FIRST_ID + n)["notes"] for n in range(3)] == [
        "both", "both", None]


def test_what_is_refused_begins_no_job(box):
    for body in ({}, {"users": []}, {"users": [{"id": 1}] * 101}):
        reply = box.zendesk.put("/api/v2/users/update_many", body)
        assert reply.status == 400
    assert box.http.put("/api/v2/users/update_many",
                        {"users": [{"id": FIRST_ID}]}).status == 401
    assert box.zendesk.get("/api/v2/job_statuses/0").status == 404


def test_so_many_jobs_at_once(box):
    box.settings(job_limit=1, job_ms=600_000)
    one = begin(box, [{"id": FIRST_ID, "name": "New"}])
    reply = box.zendesk.put("/api/v2/users/update_many",
                            {"users": [{"id": FIRST_ID, "name": "Newer"}]})
    assert reply.status == 429
    assert reply.json["error"] == "TooManyJobs"
    assert reply.json["current_job_ids"] == [one]
    box.control("POST", "reset", {})
    assert box.zendesk.get(f"/api/v2/job_statuses/{one}").status == 404


def test_create_or_update_creates(box):
    body = {"users": [{"email": "u0@x.example", "external_id": "a",
                       "name": "Known"},
                      {"email": "new@x.example", "name": "New",
                       "external_id": "b"}]}
    path = "/api/v2/users/create_or_update_many"
    assert box.zendesk.post(path, body).status == 403
    box.settings(bulk_imports=True)
    before = len(box.state()["users"])
    reply = box.zendesk.post(path, body)
    assert reply.status == 200
    status = job(box, reply.json["job_status"]["id"])
    assert [r["status"] for r in status["results"]] == ["Updated", "Created"]
    assert external_id(box, 0) == "a"
    assert len(box.state()["users"]) == before + 1


def test_several_jobs_are_shown_at_once(box):
    ids = [begin(box, [{"id": FIRST_ID, "name": "N"}]) for _ in range(2)]
    reply = box.zendesk.get(
        f"/api/v2/job_statuses/show_many?ids={ids[0]},none,{ids[1]}")
    assert [s["id"] for s in reply.json["job_statuses"]] == ids
    box.settings(job_forgotten=True)
    assert box.zendesk.get(f"/api/v2/job_statuses/{ids[0]}").status == 404


def test_several_addresses_in_one_search(box):
    path = ("/api/v2/users/search?query=email%3A%22u0%40x.example%22"
            "%20email%3A%22u2%40x.example%22")
    found = box.zendesk.get(path).json["users"]
    assert {u["id"] for u in found} == {FIRST_ID, FIRST_ID + 2}
    box.settings(search_any_term=False)
    assert box.zendesk.get(path).json["users"] == []
