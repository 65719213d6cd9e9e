"""The steps of a merge that only some accounts need: an external id taken out
of its way and put back, the address marked verified, SunCo told."""

import harness
import rounds

ADDRESS = "vera@people.example"
VERA = rounds.jwt("Vera Visitor", ADDRESS)
HELD = VERA["external_id"]
FAST = 20
NO_IDS = {"sso_external_id_refusal": True, "user_update_limits": False}


def vera(sandbox):
    return rounds.profile(sandbox, "Vera Visitor", ADDRESS)


def user_updates(sandbox):
    return [r for r in rounds.requests(sandbox, "zendesk")
            if r["call"] == "user_update"]


def test_the_external_id_is_taken_away_and_pinned(sandbox, daemon):
    sandbox.settings(**NO_IDS)
    reunite = daemon(release_external_id="auto")
    owner = vera(sandbox)
    begun = rounds.begin(sandbox, VERA)
    entry = rounds.decision(reunite)
    assert (entry["action"], entry["status"]) == ("merge", "done")
    assert rounds.merges(sandbox) == [(begun["zendesk_user_id"], owner)]
    assert sandbox.user(owner)["external_id"] == HELD
    assert rounds.writes(sandbox) == ["merge 422", "user_update 200",
                                      "merge 200", "user_update 200"]


def test_a_person_is_asked_and_may_allow_it(sandbox, daemon):
    sandbox.settings(**NO_IDS)
    for apply in ("auto", "review"):
        sandbox.control("POST", "reset")
        reunite = daemon(apply=apply)
        owner = vera(sandbox)
        begun = rounds.begin(sandbox, VERA)
        rounds.decision(reunite)
        if apply == "review":
            reunite.command("review", "approve",
                            str(reunite.reviews()[0]["id"]), "--by", "maria")
            rounds.decision(reunite, 2)
        review = harness.wait_until(
            lambda: next((r for r in reunite.reviews()
                          if r["reason"] == "external_id_refused"), None),
            what="the question")
        assert sandbox.user(begun["zendesk_user_id"])["external_id"] == HELD
        assert user_updates(sandbox) == []
        shown = reunite.command("review", "show", str(review["id"])).stdout
        assert "is taken away" in " ".join(shown.split())
        reunite.command("review", "approve", str(review["id"]), "--by",
                        "maria")
        assert reunite.decided_as("merge")["profile_id"] == owner
        assert sandbox.user(owner)["external_id"] == HELD
        assert reunite.stop() == 0


def test_what_does_not_help_is_undone(sandbox, daemon):
    sandbox.settings(**NO_IDS)
    reunite = daemon(release_external_id="auto")
    owner = vera(sandbox)
    sandbox.fault(match={"call": "merge"}, skip=1, kind="status", status=422,
                  body={"error": "RecordInvalid",
                        "description": "Too many tickets"})
    begun = rounds.begin(sandbox, VERA)
    entry = rounds.decision(reunite)
    assert (entry["action"], entry["reason"]) == ("review", "merge_refused")
    assert rounds.merges(sandbox) == []
    assert sandbox.user(begun["zendesk_user_id"])["external_id"] == HELD
    assert sandbox.user(owner)["external_id"] is None


def test_it_is_put_back_once_the_credentials_work_again(sandbox, daemon):
    """The account's access ends just after the id was taken away."""
    sandbox.settings(**NO_IDS)
    token = sandbox.settings()["bearer_token"]
    reunite = daemon(release_external_id="auto", zendesk_auth="bearer",
                     zendesk_token=token, fast=FAST)
    vera(sandbox)
    sandbox.fault(match={"call": "merge"}, skip=1, times=-1, kind="status",
                  status=401, body={"error": "Couldn't authenticate you"})
    sandbox.fault(match={"call": "user_update"}, skip=1, times=-1,
                  kind="status", status=401,
                  body={"error": "Couldn't authenticate you"})
    begun = rounds.begin(sandbox, VERA)
    harness.wait_until(lambda: reunite.admin.get("/readyz").json["held"],
                       what="the hold")
    user = begun["zendesk_user_id"]
    assert sandbox.user(user)["external_id"] is None
    assert rounds.merges(sandbox) == []
    sandbox.control("DELETE", "faults")
    reunite.reload()
    reunite.decided_as("merge")
    returned = [r for r in user_updates(sandbox) if r["status"] == 200]
    assert len(returned) == 4  # away, back, away again, pinned


def test_verify_and_sync_only_where_they_are_on(sandbox, daemon):
    sandbox.settings(zendesk_id_on_hand_off=True)
    unproven = [{"type": "email", "value": ADDRESS, "primary": True,
                 "verified": False, "verification_method": "none"}]
    for on in (False, True):
        sandbox.control("POST", "reset")
        reunite = daemon(verify_profile_email=on,
                         sunco_sync="on" if on else "off")
        owner = rounds.profile(sandbox, "Vera Visitor", identities=unproven)
        begun = rounds.begin(sandbox, VERA)
        assert rounds.decision(reunite)["action"] == "merge"
        (address,) = [i for i in sandbox.user(owner)["identities"]
                      if i["type"] == "email"]
        assert address["verified"] is on
        (person,) = [u for u in sandbox.state()["sunco_users"]
                     if u["id"] == begun["sunco_user_id"]]
        assert (person["zendeskId"] == str(owner)) is on
        assert reunite.stop() == 0


def test_a_refused_step_is_a_remark(sandbox, daemon):
    sandbox.settings(zendesk_id_on_hand_off=True)
    reunite = daemon(sunco_sync="on")
    vera(sandbox)
    sandbox.fault(match={"call": "sync"}, kind="status", status=404,
                  body={"errors": [{"code": "user_not_found"}]})
    rounds.begin(sandbox, VERA)
    entry = rounds.decision(reunite)
    assert (entry["action"], entry["status"]) == ("merge", "done")
    assert "sync_refused" in entry["reasons"]
