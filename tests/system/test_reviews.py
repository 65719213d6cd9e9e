"""What a person sees of a review: both sides, what a merge would lose, whom a
sync would touch; in the terminal and over the admin API, with and without
personal data; and what finding that out costs and survives."""

import json

import attack
import harness
import privacy
import pytest
import rounds

pytestmark = pytest.mark.both_stores

ADDRESS = "vera@people.example"
OTHER = "5aa00000000000000000feed"


def profile(sandbox, **fields):
    """Vera, known for long, with much that a merge has to think of."""
    sandbox.people(organizations=[{"id": 5, "name": "Quillworks"}])
    return rounds.profile(sandbox, "Vera Visitor", ADDRESS, **{
        "tickets": 27, "tags": ["goldtag"], "notes": "callsoften",
        "organization_id": 5, "user_fields": {"plan": "goldplan"}, **fields})


def conversation(sandbox, **fields):
    """Somebody typed her address; an agent has worked on the user already."""
    sunco = sandbox.people(sunco_users=[
        {"profile": {"email": ADDRESS, "givenName": "Vera",
                     "surname": "Visitor"}}])["sunco_users"][0]
    user = rounds.profile(sandbox, **{
        "name": "Vera Visitor", "identities": [{"type": "messaging", "value": sunco}],
        "tags": ["goldtag", "newtag"], "notes": "fromchat",
        "details": "detailtext", "external_id": "KEY-77",
        "user_fields": {"plan": "freeplan", "city": "Ulmtown"}, **fields})
    ticket = sandbox.people(tickets=[{"requester_id": user}])["tickets"][0]
    return {"sunco_user_id": sunco, "zendesk_user_id": user,
            "ticket_id": ticket, "conversation_id": "6a1d3c5e7f9b2d4f00000077"}


def third(sandbox, **fields):
    """Another SunCo user with her address."""
    return sandbox.people(sunco_users=[
        {"id": OTHER, "authenticated": True, "externalId": "third-1",
         "identities": [{"type": "email", "value": ADDRESS,
                         "verification": "sso"}], **fields}])


def asked(sandbox, reunite, begun=None):
    """The open review of a conversation."""
    begun = begun or conversation(sandbox)
    rounds.trigger(reunite, begun)
    return harness.wait_until(reunite.reviews, what="a review")[0]


def shown(reunite, review, *options):
    return reunite.command("review", "show", str(review["id"]),
                           *options).stdout


def card(reunite, review, *options):
    return json.loads(shown(reunite, review, "--json", *options))["card"]


# --- what is shown ---


def test_both_sides_without_personal_data(sandbox, daemon):
    reunite = daemon()
    owner, begun = profile(sandbox), conversation(sandbox)
    third(sandbox)
    review = asked(sandbox, reunite, begun)
    for options in ([], ["--json"]):
        text = shown(reunite, review, *options)
        privacy.check(text, [sandbox])
        for word in ("goldtag", "callsoften", "goldplan", "Quillworks",
                     "newtag", "fromchat", "detailtext", "freeplan",
                     "Ulmtown"):
            assert word.lower() not in text.lower(), word
    text = shown(reunite, review)
    for words in (str(owner), str(begun["zendesk_user_id"]), "27",
                  f"{sandbox.url}/agent/users/{owner}",
                  "its owner proved it, by a link sent there",
                  "email (the address)", "messaging (this conversation)",
                  "The names are the same.", "(there, not shown)",
                  "Nobody can undo that.", OTHER,
                  f"reunite review approve {review['id']}",
                  f"reunite review reject {review['id']}",
                  "--show-personal-data shows them"):
        assert words in " ".join(text.split()), words


def test_both_sides_with_personal_data(sandbox, daemon):
    reunite = daemon()
    profile(sandbox)
    review = asked(sandbox, reunite)
    text = shown(reunite, review, "--show-personal-data")
    for words in (ADDRESS, "Vera Visitor", "Quillworks", "KEY-77", "goldtag",
                  "newtag", "fromchat", "detailtext", "freeplan", "Ulmtown"):
        assert words in text, words
    assert "--show-personal-data" not in text


@pytest.mark.parametrize("personal", [False, True])
def test_the_api_says_the_same(sandbox, daemon, personal):
    reunite = daemon()
    profile(sandbox)
    third(sandbox)
    review = asked(sandbox, reunite)
    option = ["--show-personal-data"] if personal else []
    path = f"/api/v1/reviews/{review['id']}" + ("?personal=1" if personal
                                                else "")
    reply = reunite.admin.get(path)
    assert reply.status == 200
    assert reply.json == json.loads(
        shown(reunite, review, "--json", *option))
    assert ("facts" in reply.json) == personal
    if not personal:
        privacy.check(reply.body.decode(), [sandbox])


def test_lists_stay_lists(sandbox, daemon):
    reunite = daemon()
    profile(sandbox)
    review = asked(sandbox, reunite)
    listed = reunite.admin.get("/api/v1/reviews").json["items"]
    assert listed == [review]
    assert "card" not in review


def test_what_a_merge_loses(sandbox, daemon):
    reunite = daemon()
    profile(sandbox)
    loses = card(reunite, asked(sandbox, reunite),
                 "--show-personal-data")["loses"]
    assert loses["tags"] == {"count": 2, "lost": 1, "values": ["newtag"]}
    assert loses["notes"]["value"] == "fromchat"
    assert loses["details"]["lost"] == 1
    fields = {f["field"]: f for f in loses["user_fields"]["fields"]}
    assert fields["city"]["value"] == "Ulmtown"
    assert fields["plan"]["profile_has_another"] is True
    assert loses["external_id"] == {"count": 1, "lost": 1, "moves": False,
                                    "value": "KEY-77"}


def test_nothing_to_lose(sandbox, daemon):
    reunite = daemon()
    profile(sandbox)
    review = asked(sandbox, reunite, attack.typed_by(sandbox, ADDRESS))
    assert "Nothing: the conversation's user has" in " ".join(
        shown(reunite, review).split())


@pytest.mark.parametrize("linked, would", [
    (None, "merge this user away"), ("424242", "take it away")])
def test_whom_a_sync_would_touch(sandbox, daemon, linked, would):
    reunite = daemon()
    profile(sandbox)
    third(sandbox, zendeskId=linked)
    others = card(reunite, asked(sandbox, reunite))["third_sunco_users"]
    assert [(o["id"], o["holds"], o["sync_would"]) for o in others] == [
        (OTHER, "an address of the profile", would)]


def test_a_third_user_by_the_profiles_external_id(sandbox, daemon):
    reunite = daemon()
    profile(sandbox, external_id="cust-9")
    sandbox.people(sunco_users=[{"id": OTHER, "externalId": "cust-9"}])
    others = card(reunite, asked(sandbox, reunite))["third_sunco_users"]
    assert [(o["id"], o["holds"]) for o in others] == [
        (OTHER, "the external id")]


def test_an_adopt_has_one_side(sandbox, daemon):
    reunite = daemon(apply="review")
    begun = attack.stranger(sandbox, **attack.vouched("new@people.example"))
    review = asked(sandbox, reunite, begun)
    text = shown(reunite, review)
    assert "the profile" not in text
    assert "gets the address" in text
    seen = card(reunite, review)
    assert seen["profile"] is None
    assert seen["messaging_user"]["tickets"] == 1
    assert "loses" not in seen and "third_sunco_users" not in seen


def test_names_are_fit_for_a_terminal(sandbox, daemon):
    reunite = daemon()
    profile(sandbox, notes="", tags=["\x1b[2Jtag"])
    text = shown(reunite, asked(sandbox, reunite, conversation(
        sandbox, name="Vera \x1b]0;owned\x07")), "--show-personal-data")
    assert "\x1b" not in text and "\x07" not in text


def test_a_closed_review_says_who(sandbox, daemon):
    reunite = daemon()
    profile(sandbox)
    review = asked(sandbox, reunite)
    reunite.command("review", "reject", str(review["id"]), "--by", "maria")
    text = shown(reunite, review)
    assert "rejected by maria at 20" in text
    assert "review approve" not in text


# --- what it costs, and what does not answer ---


def gathered(sandbox):
    return (rounds.calls(sandbox, "zendesk").get("user_related", 0),
            rounds.calls(sandbox, "sunco").get("user_list", 0))


def test_a_question_costs_three_calls_more(sandbox, daemon):
    reunite = daemon()
    profile(sandbox)
    review = asked(sandbox, reunite)
    assert gathered(sandbox) == (2, 1)
    assert review["api_calls"] == 4  # two users, two counts


def test_what_is_open_costs_nothing_more(sandbox, daemon):
    """The other webhook of the conversation, another conversation, and the
    same one again: asked already. A side that changed is gathered anew."""
    reunite = daemon()
    owner, begun = profile(sandbox), conversation(sandbox)
    review = asked(sandbox, reunite, begun)
    reunite.sunco(attack.events.conversation(sandbox, begun))
    reunite.idle()
    rounds.trigger(reunite, attack.typed_by(sandbox, ADDRESS))
    harness.wait_until(lambda: reunite.reviews()[0]["attached"] == 1,
                       what="the second one")
    reunite.idle()
    assert gathered(sandbox) == (2, 1)
    assert card(reunite, review)["profile"]["tickets"] == 27
    sandbox.zendesk.post(f"/api/v2/users/{owner}/identities", {"identity": {
        "type": "email", "value": "vera2@people.example"}})
    rounds.trigger(reunite, begun, "2026-11-22T11:00:00Z")
    harness.wait_until(lambda: gathered(sandbox) == (4, 2),
                       what="the new look")
    reunite.idle()
    new = reunite.reviews()[0]
    assert (new["id"] != review["id"], new["attached"]) == (True, 1)
    assert len(card(reunite, new)["profile"]["identities"]) == 2


def test_an_ordinary_merge_gathers_nothing(sandbox, daemon):
    reunite = daemon()
    owner = rounds.profile(sandbox, "Vera Visitor", ADDRESS)
    begun = attack.stranger(sandbox, **attack.vouched(ADDRESS))
    rounds.trigger(reunite, begun)
    rounds.merged_once(sandbox, reunite, begun, owner)
    assert gathered(sandbox) == (0, 0)


def test_a_dry_run_gathers_nothing(sandbox, daemon):
    reunite = daemon()
    profile(sandbox)
    begun = conversation(sandbox)
    reunite.command("link", "--user", str(begun["zendesk_user_id"]))
    assert gathered(sandbox) == (0, 0)


@pytest.mark.parametrize("fault", [
    {"kind": "status", "status": 500}, {"kind": "status", "status": 429},
    {"kind": "status", "status": 403}, {"kind": "status", "status": 404},
    {"kind": "html"}, {"kind": "cut_after"}, {"kind": "truncate"},
], ids=lambda f: str(f.get("status", f["kind"])))
def test_no_answer_is_unknown(sandbox, daemon, fault):
    for call in ("user_related", "user_list"):
        sandbox.fault(**fault, times=-1, match={"call": call})
    reunite = daemon()
    profile(sandbox)
    review = asked(sandbox, reunite)
    seen = card(reunite, review)
    assert seen["profile"]["tickets"] is None
    assert seen["third_sunco_users"] is None
    assert "unknown" in shown(reunite, review)
    reunite.idle()
    assert reunite.journal()[-1]["status"] == "done"
    assert reunite.admin.get("/readyz").json["held"] == []


def test_several_owners_are_named(sandbox, daemon):
    reunite = daemon()
    owners = [profile(sandbox)] + sandbox.people(
        {"name": "Vera Twin", "external_id": "cust-7"})["users"]
    begun = attack.stranger(sandbox, **attack.vouched(
        ADDRESS, externalId="cust-7"))
    review = asked(sandbox, reunite, begun)
    assert review["reason"] == "ambiguous_profile"
    assert sorted(o["id"] for o in card(reunite, review)["owners"]) == sorted(
        owners)
    text = shown(reunite, review)
    assert "2 profiles own the address" in text
    for owner in owners:
        assert f"/agent/users/{owner}" in text
