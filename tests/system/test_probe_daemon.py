"""The daemon lives with every answer that the probe may find: whatever an
account does, the right two become one, or a person is asked."""

import pytest

import harness
import rounds

ADDRESS = "vera@people.example"
VERA = rounds.jwt("Vera Visitor", ADDRESS)

# by the probe's rows; what lags is in test_upstream_refusals.py
WAYS = {
    "side_load_user": {"side_load_show": False},
    "side_load_search": {"side_load_search": False},
    "sunco_zendesk_id": {"zendesk_id_on_hand_off": True},
    "zendesk_id_after_merge": {"zendesk_id_on_hand_off": True,
                               "zendesk_id_follows_merge": True},
    "merged_user_shown": {"show_merged": True},
    "identity_created_event": {"events": "all",
                               "messaging_identity_events": False},
    "merged_event_detail": {"events": "all",
                            "merged_event_detail": "survivor"},
    "the other detail": {"events": "all"},
}


@pytest.mark.parametrize("way", WAYS)
def test_one_merge_whatever_the_account_does(sandbox, daemon, way):
    sandbox.settings(**WAYS[way])
    reunite = daemon()
    owner = rounds.profile(sandbox, "Vera Visitor", ADDRESS)
    begun = rounds.begin(sandbox, VERA)
    entry = rounds.merged_once(sandbox, reunite, begun, owner)
    assert entry["reasons"] == ["email_match_verified"]
    assert sandbox.user(owner)["external_id"] == VERA["external_id"]


@pytest.mark.parametrize("told", [True, False])
def test_events_are_enough(sandbox, daemon, told):
    """No trigger, and identities of conversations are told, or are not."""
    sandbox.settings(events="all", messaging_identity_events=told)
    reunite = daemon()
    owner = rounds.profile(sandbox, "Vera Visitor", ADDRESS)
    begun = rounds.begin(sandbox, VERA, webhooks=())
    rounds.merged_once(sandbox, reunite, begun, owner)


@pytest.mark.parametrize("shown", [False, True])
@pytest.mark.parametrize("again", ["not_found", "invalid", "accepted"])
def test_a_merge_without_an_answer(sandbox, daemon, shown, again):
    """However the merged user is shown, and a second merge answered."""
    sandbox.settings(show_merged=shown, merge_again=again)
    sandbox.fault(match={"call": "merge"}, kind="cut_after")
    reunite = daemon()
    owner = rounds.profile(sandbox, "Vera Visitor", ADDRESS)
    begun = rounds.begin(sandbox, VERA)
    rounds.merged_once(sandbox, reunite, begun, owner)


def test_a_person_is_asked_where_unverified_users_are_not_merged(sandbox,
                                                                 daemon):
    sandbox.settings(merge_unverified_messaging=False)
    reunite = daemon()
    owner = rounds.profile(sandbox, "Vera Visitor", ADDRESS)
    begun = rounds.begin(sandbox, VERA)
    review = harness.wait_until(reunite.reviews, what="the review")[0]
    assert review["reasons"] == ["merge_refused"]
    assert (review["messaging_user_id"], review["profile_id"]) == \
        (begun["zendesk_user_id"], owner)
    reunite.idle()
    assert rounds.merges(sandbox) == []
    assert reunite.events("account_held") == []
    assert rounds.holds(sandbox, begun["zendesk_user_id"], "messaging",
                        begun["sunco_user_id"])
