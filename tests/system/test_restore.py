"""Restore plans: a merge in the sandbox, the printed script really run, and
both users as they were, but for what the plan says cannot be restored."""

import json
import os
import subprocess

import harness
import pytest
import rounds
from daemon import fast_clock

ADDRESS = "vera@people.example"
VERA = rounds.jwt("Vera Visitor", ADDRESS, "Vera's id \"7\"")
# What nobody would put into a shell by hand.
NASTY = "it's \"$HOME\" `id` $(touch pwned) \\( \u009b31m \u007f\nline two"
NEW_NAME = "Vera Visitor"


def plan(reunite, entry, *options, check=True):
    return reunite.command("journal", "restore-plan", str(entry["id"]),
                           *options, check=check)


def run(reunite, sandbox, script, **environment):
    """Runs a script as an admin would."""
    path = os.path.join(reunite.folder, "plan.sh")
    with open(path, "w", encoding="utf-8") as f:
        f.write(script)
    return subprocess.run(
        ["sh", "-eu", path], cwd=reunite.folder, capture_output=True,
        text=True, timeout=120, check=False,
        env={"HOME": reunite.folder, "PAUSE": "0",
             "PATH": os.environ["REUNITE_BUILD"] + ":" + os.environ["PATH"],
             "REUNITE_CONFIG": reunite.config, "LOGNAME": "root",
             "ZENDESK_TOKEN": sandbox.settings()["bearer_token"],
             **environment})


def restore(reunite, sandbox, entry, **environment):
    done = run(reunite, sandbox,
               plan(reunite, entry, "--show-personal-data").stdout,
               **environment)
    assert done.returncode == 0, done.stderr
    return done


def look(sandbox, user_id):
    """What a restore has to bring back of a user."""
    user = dict(sandbox.user(user_id))
    for key in ("id", "merged_into"):
        user.pop(key)
    user["identities"] = sorted(
        (i["type"], i["value"], i["verified"], i["primary"])
        for i in user["identities"])
    user["organization_ids"] = sorted(user["organization_ids"])
    return user


def without_messaging(user):
    identities = [i for i in user["identities"] if i[0] != "messaging"]
    return {**user, "identities": identities}


def recreated(sandbox):
    """The newest user: who the plan made."""
    return max(u["id"] for u in sandbox.state()["users"])


def requester(sandbox, ticket_id):
    return next(t["requester_id"] for t in sandbox.state()["tickets"]
                if t["id"] == ticket_id)


def conversation(sandbox, who=VERA, **fields):
    """A conversation that got a user of its own, with these fields; nobody
    has told reunite yet."""
    begun = rounds.begin(sandbox, who, [])
    if fields:
        reply = sandbox.zendesk.put(
            f"/api/v2/users/{begun['zendesk_user_id']}", {"user": fields})
        assert reply.status == 200, reply.body
    return begun


def merged(sandbox, reunite, begun, owner):
    rounds.trigger(reunite, begun)
    return rounds.merged_once(sandbox, reunite, begun, owner)


@pytest.fixture
def quick(sandbox):
    """Without the limits of updates; the last test has them."""
    sandbox.settings(user_update_limits=False, multiple_organizations=True,
                     verified_email_owner="duplicate")
    return sandbox


def test_a_merge_is_taken_back(quick, daemon):
    reunite = daemon()
    quick.people(organizations=[{"id": 31, "name": "Acme & Co"},
                                {"id": 32, "name": "Ajax"},
                                {"id": 33, "name": "Third"}])
    owner = rounds.profile(quick, "Vera", ADDRESS, tags=["vip"], notes="kept",
                           organization_id=31, phone="+1 1")
    begun = conversation(
        quick, tags=["one", "two"], notes=NASTY, details="d'e", alias="V.",
        organization_id=31, locale="de", time_zone="Bern",
        user_fields={"level": "gold", "since": None, "odd'key": "it's"})
    absorbed = begun["zendesk_user_id"]
    for organization in (32, 33):
        assert quick.zendesk.post("/api/v2/organization_memberships", {
            "organization_membership": {
                "user_id": absorbed, "organization_id": organization},
        }).status == 201
    before, profile = look(quick, absorbed), look(quick, owner)
    entry = merged(quick, reunite, begun, owner)
    assert quick.user(owner)["external_id"] == VERA["external_id"]
    assert quick.user(owner)["organization_ids"] == [31, 32, 33]
    restore(reunite, quick, entry)
    again = recreated(quick)
    assert again != absorbed
    before["user_fields"].pop("since")
    assert look(quick, again) == without_messaging(before)
    assert without_messaging(look(quick, owner)) == profile
    assert rounds.holds(quick, owner, "messaging", begun["sunco_user_id"])
    assert requester(quick, begun["ticket_id"]) == again
    assert not os.path.exists(os.path.join(reunite.folder, "pwned"))


def test_a_verified_address_is_unverified_again(quick, daemon):
    """Some accounts have the profile's address marked after a merge; others
    do not accept users with an external id, which is taken away for it."""
    quick.settings(sso_external_id_refusal=True)
    reunite = daemon(verify_profile_email=True, release_external_id="auto")
    owner = rounds.profile(quick, "Vera", identities=[
        {"type": "email", "value": ADDRESS, "verification_method": "none"}])
    begun = conversation(quick)
    before, profile = (look(quick, begun["zendesk_user_id"]),
                       look(quick, owner))
    entry = merged(quick, reunite, begun, owner)
    assert ("email", ADDRESS, True, True) in look(quick, owner)["identities"]
    restore(reunite, quick, entry)
    assert without_messaging(look(quick, owner)) == profile
    assert look(quick, recreated(quick)) == without_messaging(before)


def test_every_ticket_of_the_conversation_goes_back(quick, daemon):
    reunite = daemon()
    owner = rounds.profile(quick, "Vera", ADDRESS)
    begun = conversation(quick)
    more = quick.people(tickets=[
        {"requester_id": owner, "id": 501},
        {"requester_id": begun["zendesk_user_id"], "id": 502}])
    assert more["tickets"] == [501, 502]
    second = rounds.accepted(quick.act(
        "conversations", sunco_user_id=begun["sunco_user_id"],
        hand_off="now", webhooks=[]))
    assert second["zendesk_user_id"] == begun["zendesk_user_id"]
    entry = merged(quick, reunite, begun, owner)
    assert requester(quick, 502) == owner
    restore(reunite, quick, entry)
    again = recreated(quick)
    assert requester(quick, begun["ticket_id"]) == again
    assert requester(quick, second["ticket_id"]) == again
    # Not of messaging: nothing tells whose they were.
    assert (requester(quick, 501), requester(quick, 502)) == (owner, owner)


def test_tickets_of_a_profile_with_conversations_stay(quick, daemon):
    """Only the decision's own ticket is sure."""
    reunite = daemon()
    owner = rounds.profile(quick, "Vera", ADDRESS, identities=[
        {"type": "messaging", "value": "5f0000000000000000000001"}])
    begun = conversation(quick)
    second = rounds.accepted(quick.act(
        "conversations", sunco_user_id=begun["sunco_user_id"],
        hand_off="now", webhooks=[]))
    entry = merged(quick, reunite, begun, owner)
    restore(reunite, quick, entry)
    assert requester(quick, begun["ticket_id"]) == recreated(quick)
    assert requester(quick, second["ticket_id"]) == owner


def test_a_closed_ticket_does_not_stop_the_plan(quick, daemon):
    reunite = daemon()
    owner = rounds.profile(quick, "Vera", ADDRESS)
    begun = conversation(quick)
    second = rounds.accepted(quick.act(
        "conversations", sunco_user_id=begun["sunco_user_id"],
        hand_off="now", webhooks=[]))
    entry = merged(quick, reunite, begun, owner)
    closed = min(begun["ticket_id"], second["ticket_id"])
    quick.zendesk.put(f"/api/v2/tickets/{closed}",
                      {"ticket": {"status": "closed"}})
    done = restore(reunite, quick, entry)
    assert f"{closed} was left out" in done.stderr
    assert requester(quick, closed) == owner
    assert requester(quick, max(begun["ticket_id"],
                                second["ticket_id"])) == recreated(quick)


def test_further_identities_go_back(quick, daemon):
    """A user with more than a conversation is merged by an approval."""
    reunite = daemon()
    owner = rounds.profile(quick, "Vera", ADDRESS)
    begun = conversation(quick, phone="+49 30 1")
    user = begun["zendesk_user_id"]
    for identity in ({"type": "email", "value": "O'Vera@Second.example",
                      "verified": True},
                     {"type": "phone_number", "value": "+49 30 123"},
                     {"type": "twitter", "value": "vera"}):
        assert quick.zendesk.post(f"/api/v2/users/{user}/identities", {
            "identity": identity}).status == 201
    before, profile = look(quick, user), look(quick, owner)
    rounds.trigger(reunite, begun)
    assert rounds.outcome(reunite)[1] == "messaging_user_established"
    review = reunite.reviews()[0]
    reunite.command("review", "approve", str(review["id"]), "--by", "eve")
    entry = reunite.decided_as("merge")
    assert quick.user(owner)["phone"] == "+49 30 1"
    restore(reunite, quick, entry)
    after = look(quick, recreated(quick))
    # The phone number comes with its identity.
    assert after == {**without_messaging(before), "phone": None}
    assert without_messaging(look(quick, owner)) == profile


def test_the_pair_is_not_merged_again(quick, daemon):
    """Neither by the same SunCo user nor by a new one with the same login."""
    reunite = daemon(recheck_after="0s")
    owner = rounds.profile(quick, "Vera", ADDRESS)
    begun = conversation(quick)
    entry = merged(quick, reunite, begun, owner)
    restore(reunite, quick, entry)
    rejected = reunite.journal()[-1]
    assert (rejected["action"], rejected["reason"],
            rejected["decided_by"]) == ("none", "rejected_before", "root")
    assert rejected["note"] == f"rejected after entry {entry['id']}"
    again = recreated(quick)
    # The SunCo user is deleted, the person comes back as another one.
    quick.sunco.delete(quick.sunco_path + "/" + begun["sunco_user_id"])
    back = rounds.begin(quick, {"external_id": VERA["external_id"]}, [],
                        zendesk="auto")
    assert back["zendesk_user_id"] == again
    assert back["sunco_user_id"] != begun["sunco_user_id"]
    rounds.accepted(quick.act(
        "logins", conversation_id=back["conversation_id"], jwt=VERA))
    entry = rounds.decision(reunite, 3)
    assert (entry["reason"], entry["messaging_user_id"],
            entry["profile_id"]) == ("rejected_before", again, owner)
    assert rounds.merges(quick) == [(begun["zendesk_user_id"], owner)]
    assert quick.user(owner)["active"] and quick.user(again)["active"]


def test_an_adopted_address_is_taken_away(quick, daemon):
    reunite = daemon()
    begun = conversation(quick, name="Web User 5f00")
    before = look(quick, begun["zendesk_user_id"])
    rounds.trigger(reunite, begun)
    entry = rounds.decision(reunite)
    assert entry["action"] == "adopt"
    user = begun["zendesk_user_id"]
    assert look(quick, user)["name"] == NEW_NAME
    restore(reunite, quick, entry)
    assert look(quick, user) == before
    rounds.trigger(reunite, begun, "2026-11-22T11:00:00Z")
    reunite.decided(3)
    assert rounds.outcome(reunite, 3) == ("none", "rejected_before")
    assert look(quick, user)["identities"] == before["identities"]


def test_a_completed_name_is_put_back(quick, daemon):
    reunite = daemon()
    owner = rounds.profile(quick, "Web User 5f00", ADDRESS)
    quick.people(sunco_users=[{
        "id": "5f0000000000000000000002", "externalId": "v",
        "authenticated": True,
        "identities": [{"type": "email", "value": ADDRESS,
                        "verification": "embed"}],
        "profile": {"givenName": "Vera", "surname": "Visitor"}}])
    quick.people({"name": "Web User 5f01", "id": 77, "external_id": "v",
                  "identities": [
                      {"type": "email", "value": "w@people.example"},
                      {"type": "messaging",
                       "value": "5f0000000000000000000002"}]})
    assert owner
    quick.zendesk.delete(f"/api/v2/users/{owner}")
    quick.zendesk.put("/api/v2/users/77", {"user": {"email": ADDRESS}})
    quick.people(tickets=[{"requester_id": 77, "id": 900}])
    rounds.trigger(reunite, {"ticket_id": 900, "zendesk_user_id": 77})
    entry = rounds.decision(reunite)
    assert (entry["action"], entry["reason"]) == ("none", "already_linked")
    assert quick.user(77)["name"] == NEW_NAME
    restore(reunite, quick, entry)
    assert quick.user(77)["name"] == "Web User 5f01"


def test_what_changed_nothing_needs_no_plan(quick, daemon):
    reunite = daemon(apply="observe")
    rounds.profile(quick, "Vera", ADDRESS)
    begun = conversation(quick)
    rounds.trigger(reunite, begun)
    entry = rounds.decision(reunite)
    done = plan(reunite, entry)
    assert "Nothing to restore" in done.stdout
    assert all(line.startswith("#") for line in done.stdout.splitlines())
    done = plan(reunite, entry, "--json")
    assert (done.stdout, done.returncode) == ("", 0)
    assert "Nothing to restore" in done.stderr
    refused = reunite.command("journal", "reject", str(entry["id"]),
                              check=False)
    assert refused.returncode == 1
    assert "linked nobody" in refused.stderr
    done = plan(reunite, {"id": 4711}, check=False)
    assert (done.returncode, done.stdout) == (1, "")


def test_without_personal_data_nobody_is_named(quick, daemon):
    reunite = daemon()
    owner = rounds.profile(quick, "Vera", ADDRESS)
    begun = conversation(quick, notes="a secret", tags=["tagged"],
                         alias="Vee", phone="+49 30 1",
                         user_fields={"level": "golden"})
    entry = merged(quick, reunite, begun, owner)
    words = ["Vera", "vera", "secret", "tagged", "Vee", "49 30", "golden",
             ADDRESS, "id \\\"7"]
    for options in ((), ("--json",)):
        text = plan(reunite, entry, *options).stdout
        assert "<name>" in text and "<external id>" in text
        assert [w for w in words if w in text] == []
    assert [w for w in words if w not in
            plan(reunite, entry, "--show-personal-data").stdout] == \
        ["vera", ADDRESS]
    # Such a script does nothing before somebody fills it in.
    done = run(reunite, quick, plan(reunite, entry).stdout)
    assert done.returncode != 0
    assert "--show-personal-data" in done.stderr
    assert [e["id"] for e in reunite.journal()] == [entry["id"]]


def test_the_steps_as_json(quick, daemon):
    reunite = daemon()
    owner = rounds.profile(quick, "Vera", ADDRESS)
    entry = merged(quick, reunite, conversation(quick), owner)
    steps = [json.loads(line) for line in plan(
        reunite, entry, "--json", "--show-personal-data").stdout.splitlines()]
    assert [s["step"] for s in steps] == list(range(1, len(steps) + 1))
    assert steps[0]["command"] == f"journal reject {entry['id']}"
    made = next(s for s in steps if s["sets"] == "NEW_USER")
    assert (made["method"], made["path"]) == ("POST", "/api/v2/users")
    assert made["body"]["user"]["external_id"] == VERA["external_id"]
    assert made["body"]["user"]["skip_verify_email"] is True
    assert steps[-1]["kind"] == "cannot"
    api = reunite.admin.get(
        f"/api/v1/journal/{entry['id']}/restore-plan?personal=true").json
    assert api["steps"] == steps
    assert api["verdict"] == "steps"
    bare = reunite.admin.get(f"/api/v1/journal/{entry['id']}/restore-plan")
    assert VERA["external_id"] not in json.dumps(bare.json)
    done = reunite.admin.post(f"/api/v1/journal/{entry['id']}/reject",
                              {"by": "maria"})
    assert done.status == 200, done.body
    assert reunite.journal()[-1]["decided_by"] == "maria"
    assert reunite.admin.post(f"/api/v1/journal/{entry['id'] + 1}/reject",
                              {"by": "maria"}).status == 409
    assert reunite.admin.get(
        "/api/v1/journal/4711/restore-plan").status == 404


def test_without_a_before_image_the_known_is_told(quick, daemon):
    """The before-image went with its retention."""
    reunite = daemon()
    owner = rounds.profile(quick, "Vera", ADDRESS)
    entry = merged(quick, reunite, conversation(quick), owner)
    assert reunite.stop() == 0
    reunite.configure({"retention_before_images": "1m"})
    reunite.start(fast_clock(100))
    harness.wait_until(
        lambda: "before_image" not in reunite.rows(
            "journal", "show", str(entry["id"]), "--show-personal-data")[0],
        what="the end of the before-image")
    done = plan(reunite, entry, "--show-personal-data", check=False)
    assert done.returncode == 3
    assert "before-image is gone" in done.stderr
    assert f"/api/v2/deleted_users/{entry['messaging_user_id']}" in done.stdout
    looked = run(reunite, quick, done.stdout)
    assert looked.returncode == 0, looked.stderr
    assert reunite.journal()[-1]["reason"] == "rejected_before"


def test_the_plan_keeps_to_the_limits_of_updates(sandbox, daemon):
    """One update a second: with the script's own pauses."""
    reunite = daemon()
    owner = rounds.profile(sandbox, "Vera", ADDRESS)
    begun = conversation(sandbox, phone="+49 30 1")
    entry = merged(sandbox, reunite, begun, owner)
    restore(reunite, sandbox, entry, PAUSE="1.1")
    assert sandbox.user(owner)["phone"] is None
    assert sandbox.user(owner)["external_id"] is None
    assert sandbox.user(recreated(sandbox))["phone"] == "+49 30 1"
