"""Properties of the policy, over random facts, by way of `explain --facts`:
what must hold whatever the rules say in detail. (Every combination is compared
with a second implementation in tests/unit/test_policy_exhaustive.c.)"""

import copy
import json
import os
import random
import re
import subprocess

import pytest

pytest.importorskip("hypothesis")

from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

BATCH = 200
few = settings(max_examples=12, deadline=None, derandomize=True,
               database=None,
               suppress_health_check=list(HealthCheck))

SUNCO = "5f8ecbf276da07000cb2a456"
ADDRESSES = ["vera@people.example", "otto@people.example"]
SPELLINGS = [str.upper, str.title, lambda a: f" {a}\t", str]
ADDRESS = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")
EVIDENCE = ["none", "claimed", "authenticated", "verified"]


def address_of(text):
    """As deploy/deciding.md has it; None: no address."""
    text = (text or "").strip(" \t\r\n\f\v")
    if not text.isascii() or len(text) > 254:
        return None
    return text.lower() if ADDRESS.fullmatch(text.lower()) else None


# --- facts ---
#
# Drawn by a generator of our own from Hypothesis's number, so that what makes
# a link is as frequent as what prevents it.


def seldom(r):
    return r.random() < 0.04


def spelt(r):
    if r.random() < 0.05:
        return r.choice(["no address", "v\u0435ra@people.example", ""])
    address = ADDRESSES[0] if r.random() < 0.85 else ADDRESSES[1]
    return r.choice(SPELLINGS)(address)


def external_id(r):
    return r.choice([None, None, None, "cust-7", "CUST-7", "cust-8"])


def email(r):
    return {"type": "email", "value": spelt(r), "verified": r.random() < 0.5,
            "verification_method": r.choice(
                [None, "none", "low", "sso", "embed", "full", "new"])}


PHONE = {"type": "phone_number", "value": "+4912345"}


def user(r, number, identities):
    return {"id": number, "active": not seldom(r),
            "role": r.choice(["agent", "x"]) if seldom(r) else "end-user",
            "suspended": seldom(r), "shared": seldom(r),
            "external_id": external_id(r),
            "brand_id": 5 if seldom(r) else None,
            "organization_id": r.choice([None, None, None, 41, 42]),
            "identities": identities}


def person(r):
    identities = [{"type": "messaging", "value": SUNCO}]
    if r.random() < 0.2:
        identities.append(r.choice([email(r), dict(PHONE)]))
    return user(r, 1, identities)


def profile(r, number):
    identities = [email(r)]
    if r.random() < 0.2:
        identities.append(r.choice([email(r), dict(PHONE)]))
    return user(r, number, identities)


def sunco(r):
    identities = [] if r.random() < 0.35 else [
        {"type": "email", "value": spelt(r), "verification": r.choice(
            ["embed", "embed", "sso", "Embed", None])}]
    if seldom(r):
        identities.append({"type": "email", "value": spelt(r)})
    return {"id": SUNCO, "authenticated": r.random() < 0.7,
            "externalId": external_id(r), "identities": identities,
            "brandId": "5" if seldom(r) else None,
            "profile": {"email": spelt(r) if r.random() < 0.6 else None,
                        "givenName": "Vera"}}


def case(r):
    count = r.choice([0, 1, 1, 1, 1, 2])
    displaced = user(r, 7, [dict(PHONE)] if r.random() < 0.2 else [])
    return {
        "account": {
            "email_identities": r.choice([
                "verified_only", "verified_and_unverified",
                "claim_verified"]),
            "link_evidence": r.choice(EVIDENCE[1:]),
            "apply": r.choice(["observe", "review", "auto", "auto"]),
            "recover_displaced": r.random() < 0.5,
            "complete_name": r.random() < 0.5,
            "verify_profile_email": r.random() < 0.5},
        "sunco_user": sunco(r),
        "messaging_user": None if seldom(r) else person(r),
        "profiles": [profile(r, n + 2) for n in range(count)],
        "displaced": None if r.random() < 0.7 else {
            **displaced, "proven_before_loss": r.random() < 0.7,
            "coincides": r.random() < 0.7},
        "history": {"rejected": seldom(r),
                    "searched_twice": r.random() < 0.5,
                    "merges_this_hour": 200 if seldom(r) else 0,
                    "merges_into_profile_today": 3 if seldom(r) else 0}}


def batch_of(seed):
    r = random.Random(seed)
    return [case(r) for _ in range(BATCH)]


cases = st.builds(batch_of, st.integers(0, 2 ** 32 - 1))


def clean(one):
    """Absent keys rather than nulls, where the format wants it so."""
    one = copy.deepcopy(one)
    one["sunco_user"]["profile"] = {
        k: v for k, v in one["sunco_user"]["profile"].items()
        if v is not None}
    return one


def explain(objects, check=True):
    lines = "".join(json.dumps(o) + "\n" for o in objects)
    done = subprocess.run(
        [os.path.join(os.environ["REUNITE_BUILD"], "reunite"), "explain",
         "--facts", "-", "--json"], input=lines.encode(),
        capture_output=True, timeout=60)
    assert done.returncode in ((0,) if check else (0, 2)), done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def decisions(objects):
    objects = [clean(o) for o in objects]
    answers = explain(objects)
    assert len(answers) == len(objects)
    return list(zip(objects, answers))


def links(answer):
    return answer["action"] in ("merge", "adopt")


def the_address(one):
    found = {address_of(i["value"]) for i in one["sunco_user"]["identities"]
             if i["type"] == "email"} - {None}
    if found:
        return found.pop() if len(found) == 1 else None
    return address_of(one["sunco_user"]["profile"].get("email"))


def is_marked(one, user_id):
    return any(
        i["type"] == "email" and address_of(i["value"]) == the_address(one)
        and (i["verified"] or i["verification_method"] not in (None, "none"))
        for u in one["profiles"] if u["id"] == user_id
        for i in u["identities"])


def same_person(one, other):
    """Equal external ids, and somebody who signed in."""
    mine = one["sunco_user"]["externalId"]
    return (one["sunco_user"]["authenticated"] and mine and
            other["external_id"] and
            mine.lower() == other["external_id"].lower())


def other_of(one, user_id):
    return next(u for u in [*one["profiles"], one["displaced"]]
                if u and u["id"] == user_id)


# --- promises about one decision ---


@few
@given(cases)
def test_there_is_something_to_promise(batch):
    """The facts are not all of one kind."""
    actions = [answer["action"] for _, answer in decisions(batch)]
    for action in ("merge", "review", "wait", "none", "refuse"):
        assert action in actions
    assert actions.count("merge") > BATCH // 50


@few
@given(cases)
def test_nobody_who_only_typed_gets_a_proven_address(batch):
    for one, answer in decisions(batch):
        if answer["action"] == "merge" and \
                not one["sunco_user"]["authenticated"] and \
                is_marked(one, answer["profile_id"]):
            assert one["account"]["email_identities"] == "claim_verified"


@few
@given(cases)
def test_an_agent_is_never_touched(batch):
    for one, answer in decisions(batch):
        person = one["messaging_user"]
        if person and person["role"] != "end-user":
            assert answer["action"] in ("refuse", "none"), answer
        if answer["profile_id"] and answer["action"] != "refuse":
            assert other_of(one, answer["profile_id"])["role"] == \
                "end-user" or answer["reason"] == "rejected_before"
        if links(answer) or answer["action"] == "review":
            assert person["role"] == "end-user"


@few
@given(cases)
def test_who_observes_applies_nothing(batch):
    for one, answer in decisions(batch):
        assert not answer["applied"] or (
            links(answer) and one["account"]["apply"] == "auto")


@few
@given(cases)
def test_evidence_that_is_too_weak_does_not_act(batch):
    for one, answer in decisions(batch):
        if not links(answer):
            continue
        least = EVIDENCE.index(one["account"]["link_evidence"])
        assert EVIDENCE.index(answer["evidence"]) >= least or \
            answer["reason"] == "external_id_match"


@few
@given(cases)
def test_several_owners_are_nobody(batch):
    for one, answer in decisions(batch):
        if answer["action"] != "merge" or answer["profile_id"] == 7:
            continue
        address = the_address(one)
        owners = [u for u in one["profiles"] if u["active"] and (
            same_person(one, u) or address and address in
            [address_of(i["value"]) for i in u["identities"]
             if i["type"] == "email"])]
        assert [u["id"] for u in owners] == [answer["profile_id"]]


REVIEWS = ["ambiguous_profile", "messaging_user_established", "email_denied",
           "profile_suspended", "brand_mismatch", "organization_mismatch",
           "external_id_conflict", "displaced_profile",
           "verified_profile_protected", "unauthenticated_email",
           "email_not_verified", "merge_surge", "merge_fan_in",
           "profile_unverified_with_other_identities"]


@few
@given(cases, st.sets(st.sampled_from(REVIEWS)))
def test_an_approval_waives_what_it_lists_and_no_more(batch, waived):
    approved = [{**one, "history": {**one["history"],
                                    "waived": sorted(waived)}}
                for one in batch]
    for (one, plain), (_, answer) in zip(decisions(batch),
                                         decisions(approved)):
        if plain["rule"] < 12:
            left = set()
            assert plain["rule"] == 0 or answer == plain
        else:
            left = set(plain["reasons"]) - waived
            assert left == (set(answer["reasons"])
                            if answer["rule"] >= 12 else set())
        if links(answer):
            assert not left


# --- promises about two ---


def change(batch, how):
    changed = [clean(one) for one in batch]
    for one in changed:
        how(one)
    return changed


def assert_no_more(batch, how):
    """Whatever links after the change did so before."""
    for (_, before), (_, after) in zip(decisions(batch),
                                       decisions(change(batch, how))):
        assert links(before) or not links(after), (before, after)


def without_proof(one):
    for identity in one["sunco_user"]["identities"]:
        identity["verification"] = None


@few
@given(cases)
def test_weaker_evidence_does_no_more(batch):
    assert_no_more(batch, without_proof)


@few
@given(cases, st.sampled_from(["role", "suspended", "shared", "phone"]),
       st.booleans())
def test_a_reason_more_does_no_more(batch, what, of_person):
    def worse(one):
        users = [one["messaging_user"]] if of_person else one["profiles"]
        for u in users:
            if not u:
                continue
            if what == "role":
                u["role"] = "agent"
            elif what == "phone":
                u["identities"].append({"type": "phone_number",
                                        "value": "+49777"})
            else:
                u[what] = True

    assert_no_more(batch, worse)


@few
@given(cases, st.integers())
def test_order_does_not_matter(batch, seed):
    r = random.Random(seed)

    def shuffle(one):
        r.shuffle(one["profiles"])
        r.shuffle(one["sunco_user"]["identities"])
        for u in [one["messaging_user"], *one["profiles"]]:
            if u:
                r.shuffle(u["identities"])

    for (_, before), (_, after) in zip(decisions(batch),
                                       decisions(change(batch, shuffle))):
        assert before == after


def respell(how):
    def change_one(one):
        for identity in one["sunco_user"]["identities"]:
            if address_of(identity["value"]):
                identity["value"] = how(address_of(identity["value"]))
        profile = one["sunco_user"]["profile"]
        if address_of(profile.get("email")):
            profile["email"] = how(address_of(profile["email"]))

    return change_one


@few
@given(cases, st.sampled_from(SPELLINGS))
def test_letters_and_blanks_do_not_matter(batch, spelling):
    plain = decisions(change(batch, respell(str)))
    for (_, before), (_, after) in zip(
            plain, decisions(change(batch, respell(spelling)))):
        assert before == after


@few
@given(cases)
def test_a_tag_does_matter(batch):
    tagged = respell(lambda a: a.replace("@", "+tag@"))
    for one, answer in decisions(change(batch, tagged)):
        if answer["action"] == "merge" and answer["profile_id"] != 7:
            assert same_person(one, other_of(one, answer["profile_id"]))


# --- anything at all ---

anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False),
              st.text(max_size=12)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=8)


@few
@given(cases, st.lists(st.tuples(
    st.integers(0, BATCH - 1),
    st.sampled_from(["account", "sunco_user", "messaging_user", "profiles",
                     "displaced", "history"]), anything), max_size=8))
def test_what_makes_no_sense_is_refused_or_does_nothing(batch, wrong):
    batch = [clean(one) for one in batch]
    for at, key, value in wrong:
        batch[at][key] = value
    for answer in explain(batch, check=False):
        assert answer["action"] in ("none", "wait", "refuse", "review",
                                    "merge", "adopt")
        assert not links(answer) or answer["steps"]
