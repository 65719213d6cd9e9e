"""How the table of scenarios.py is written and played: words for people and
acts, the acts at the sandbox, and what everybody has afterwards, in the
table's words."""

import contextlib
import dataclasses
import itertools

SETTINGS = {"only": "verified_only", "both": "verified_and_unverified",
            "claim": "claim_verified"}
TRUST = ["verified", "authenticated", "claimed"]  # link_evidence
CONVERSATIONS = ["conversation", "second-conversation"]
METHODS = {"address": "full", "marked-address": "low",
           "unverified-address": "none"}


# --- writing a case ---


def of(zendesk=None, reunite=None, **trusting):
    """What is different in one setting. A decision of its own leaves nothing
    of those that stood beside the other one."""
    return {"zendesk": zendesk, "reunite": reunite, "trusting": trusting}


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    source: str
    before: dict
    does: list
    sandbox: dict
    outcomes: dict  # by setting: of()

    def zendesk(self, setting):
        return users(self.outcomes[setting]["zendesk"])

    def decision(self, setting, trust, apply, recover=False):
        """Action, reasons, and what the users have then."""
        outcome = self.outcomes[setting]
        told = outcome["reunite"]
        for word in TRUST[1:TRUST.index(trust) + 1]:
            told = outcome["trusting"].get(word, told)
        if recover:
            told = outcome["trusting"].get("recovered", told)
        told, after = told if isinstance(told, tuple) else (told, None)
        action, *reasons = told.split()
        if apply == "review" and action in ("merge", "adopt"):
            action = "review"
        if apply != "auto" or after is None:
            return action, reasons, self.zendesk(setting)
        return action, reasons, users(after)


def case(name, source, *, before, does, zendesk, reunite, sandbox=None,
         only=None, both=None, claim=None, **trusting):
    outcomes = {}
    for short, mine in (("only", only), ("both", both), ("claim", claim)):
        mine = mine or of()
        kept = {} if mine["reunite"] else trusting
        outcomes[SETTINGS[short]] = of(
            zendesk if mine["zendesk"] is None else mine["zendesk"],
            mine["reunite"] or reunite, **{**kept, **mine["trusting"]})
    return Case(name, source, before, does, sandbox or {}, outcomes)


def users(told):
    return {name: frozenset(words.split()) for name, words in told.items()}


def act(endpoint, **order):
    return endpoint, order


def token(verified=True, address=True, external_id="the"):
    """Texts in capitals are filled in per play, see Person."""
    jwt = {"external_id": "EXTERNAL-ID" if external_id == "the"
           else "ANOTHER-EXTERNAL-ID", "name": "NAME"}
    if address:
        jwt.update(email="ADDRESS", email_verified=verified)
    return jwt


def logs_in(verified=True, address=True, external_id="the", **order):
    jwt = token(verified, address, external_id)
    return act("conversations", jwt=jwt, **order)


def types(**order):
    return act("conversations", typed={"email": "ADDRESS", "name": "NAME"},
               **order)


def says_nothing(**order):
    return act("conversations", **order)


def help_center(user, **order):
    return act("conversations", help_center=user, **order)


def logs_in_later(**order):
    return act("logins", jwt=token(), **order)


# --- playing it ---


@contextlib.contextmanager
def changed(sandbox, settings):
    usual = sandbox.settings() if settings else {}
    if settings:
        sandbox.settings(**settings)
    yield
    if settings:
        sandbox.settings(**{name: usual[name] for name in settings})


class Person:
    """One play of one case. No two have an address, an external id or a name
    in common, so any number of them fits into one sandbox and one store."""

    numbers = itertools.count(1)

    def __init__(self, a_case):
        n = next(Person.numbers)
        self.case = a_case
        self.texts = {"ADDRESS": f"quill@brambley{n}.example",
                      "ANOTHER-ADDRESS": f"marlow@thornhill{n}.example",
                      "EXTERNAL-ID": f"customer-{n:06}",
                      "ANOTHER-EXTERNAL-ID": f"stranger-{n:06}",
                      "NAME": f"Quill Brambley{n}"}
        self.profile_name = f"Marlow Thornhill{n}"
        self.labels = {}  # Zendesk user -> name in the table
        self.before = {}
        self.suncos = []
        self.tickets = {}  # ticket -> SunCo user
        self.typed = set()  # tickets of people who typed something
        self.conversation = None

    @property
    def sunco(self):
        """The SunCo user of the last act."""
        return self.last["sunco_user_id"]

    def fill(self, order):
        if isinstance(order, dict):
            return {k: self.fill(v) for k, v in order.items()}
        return self.texts.get(order, order) if isinstance(order, str) \
            else order

    def enter(self, sandbox):
        """Those who were there before."""
        told = users(self.case.before)
        made = sandbox.people(*[self.record(words)
                                for words in told.values()])
        self.before = dict(zip(told, made["users"]))
        self.labels = {id: name for name, id in self.before.items()}

    def record(self, words):
        identities = [{"type": "email", "value": self.texts["ADDRESS"],
                       "verified": word != "unverified-address",
                       "verification_method": method}
                      for word, method in METHODS.items() if word in words]
        if "another-address" in words:
            identities.append({"type": "email", "verified": True,
                               "value": self.texts["ANOTHER-ADDRESS"],
                               "verification_method": "full"})
        if "phone" in words:
            identities.append({"type": "phone_number", "value": "+495550100"})
        record = {"name": self.profile_name, "identities": identities,
                  "suspended": "suspended" in words,
                  "shared": "shared" in words,
                  "role": "agent" if "agent" in words else "end-user"}
        for word in ("external-id", "another-external-id"):
            if word in words:
                record["external_id"] = self.texts[word.upper()]
        return record

    def step(self, sandbox, number, **more):
        """One act, in the case's own settings."""
        endpoint, order = self.case.does[number]
        order = self.fill(order)
        if "help_center" in order:
            order["help_center"] = self.before[order["help_center"]]
        if endpoint != "conversations":
            order["conversation_id"] = self.conversation
        with changed(sandbox, self.case.sandbox):
            self.note(sandbox.act(endpoint, **order, **more), order)

    def note(self, begun, order):
        self.last = begun
        self.conversation = begun["conversation_id"]
        if begun["sunco_user_id"] not in self.suncos:
            self.suncos.append(begun["sunco_user_id"])
        user = begun["zendesk_user_id"]
        if user and user not in self.labels:
            made = [n for n in self.labels.values() if n.startswith("new")]
            self.labels[user] = f"new{len(made) + 1}" if made else "new"
        if begun["ticket_id"]:
            self.tickets[begun["ticket_id"]] = begun["sunco_user_id"]
            if "typed" in order:
                self.typed.add(begun["ticket_id"])

    # --- what became of it, in the table's words ---

    def words(self, user):
        words = {user["role"], *(w for w in ("suspended", "shared")
                                 if user[w])} - {"end-user"}
        for word in ("external-id", "another-external-id"):
            if user["external_id"] == self.texts[word.upper()]:
                words.add(word)
        for identity in user["identities"]:
            words.add(self.word(identity))
        words.add(self.name_word(user))
        return frozenset(words - {None})

    def word(self, identity):
        kind, value = identity["type"], identity["value"]
        if kind == "messaging":
            return CONVERSATIONS[self.suncos.index(value)]
        if kind == "phone_number":
            return "phone"
        if value == self.texts["ANOTHER-ADDRESS"]:
            return "another-address"
        assert value == self.texts["ADDRESS"]
        if identity["verification_method"] == "low":
            return "marked-address"
        return "address" if identity["verified"] else "unverified-address"

    def name_word(self, user):
        """Nothing, if it has the name that it should have."""
        if user["name"].startswith("Web User "):
            return "nameless"
        known = user["id"] in self.before.values() or any(
            "help_center" in order for _, order in self.case.does)
        right = self.profile_name if known else self.texts["NAME"]
        return None if user["name"] == right else "misnamed"

    def users(self, state):
        return {self.labels[u["id"]]: self.words(u) for u in state["users"]
                if u["id"] in self.labels and u["active"]}

    def user_of(self, state, sunco):
        """The Zendesk user with the conversation of this SunCo user."""
        return next(u for u in state["users"] if u["active"] and any(
            i["type"] == "messaging" and i["value"] == sunco
            for i in u["identities"]))

    def sunco_user(self, state):
        return next(u for u in state["sunco_users"] if u["id"] == self.sunco)

    def sunco_words(self, state):
        """The SunCo user of the last conversation, in the same words."""
        user = self.sunco_user(state)
        words = {v: k for k, v in self.texts.items()}
        zendesk = user.get("zendeskId")
        return {"authenticated": user["authenticated"],
                "zendeskId": zendesk and self.labels[int(zendesk)],
                "externalId": words.get(user.get("externalId")),
                "email": words.get(user["profile"].get("email")),
                "identities": [(i["verification"], words[i["value"]])
                               for i in user["identities"]]}

    def merges(self, state):
        return [(self.labels[m["from"]], self.labels[m["into"]])
                for m in state["merges"]
                if m["by"] == "api" and m["from"] in self.labels]


def play(sandbox, cases, settled=lambda: None, **more):
    """All of them, act by act; settled is called between the acts."""
    people = [Person(c) for c in cases]
    for person in people:
        person.enter(sandbox)
    for number in range(max(len(c.does) for c in cases)):
        for person in people:
            if number < len(person.case.does):
                person.step(sandbox, number, **more)
        settled()
    return people


# --- the situation, as the two forms of `explain` take it ---


def pick(obj, *keys):
    return {k: obj[k] for k in keys if k in obj}


def known(user):
    identities = [pick(i, "type", "value", "verified", "verification_method")
                  for i in user["identities"]]
    return {**pick(user, "id", "name", "role", "active", "suspended",
                   "shared", "external_id"), "identities": identities}


def facts(person, state, setting, trust, apply, recover=False):
    """For explain --facts: the state of an untouched play."""
    sunco = pick(person.sunco_user(state), "id", "authenticated",
                 "externalId", "zendeskId", "brandId", "identities")
    sunco["profile"] = pick(person.sunco_user(state)["profile"], "email",
                            "givenName", "surname")
    me = person.user_of(state, person.sunco)
    lost = loser(person, state)
    others = [u for u in state["users"] if u["active"]
              and u["id"] in person.labels and u is not me and u is not lost]
    made = {"account": {"email_identities": setting, "link_evidence": trust,
                        "apply": apply, "recover_displaced": recover},
            "sunco_user": sunco,
            "messaging_user": known(me),
            "profiles": [known(u) for u in others],
            "history": {"searched_twice": True}}
    if lost:
        made["displaced"] = {**known(lost), "coincides": True,
                             "proven_before_loss": seen_verified(person)}
    return made


def has_address(words):
    return bool(words & set(METHODS))


def loser(person, state):
    """The profile from which Zendesk took the address, or None."""
    for name, words in users(person.case.before).items():
        user = next(u for u in state["users"]
                    if u["id"] == person.before[name])
        if has_address(words) and not has_address(person.words(user)):
            return user
    return None


def seen_verified(person):
    """Who lost the address had it proven, and reunite looked at them while
    they had it: for an act before the one that took it."""
    return len(person.case.does) > 1 and any(
        "address" in words for words in users(person.case.before).values())


def situation(person, state, recover=False):
    """Its row of the matrix: person, address and owner."""
    sunco = person.sunco_user(state)
    login = sunco["authenticated"]
    who = "logged in" if login else "not logged in"
    if [i["verification"] for i in sunco["identities"]] == ["sso"]:
        who = "signed in at the help center"
    address = "none"
    if sunco["identities"]:
        address = "verified"
    elif sunco["profile"].get("email"):
        address = "not verified" if login else "typed"
    lost = loser(person, state)
    if lost:
        return who, address, taken(person.words(lost), seen_verified(person),
                                   recover)
    me = person.labels[person.user_of(state, person.sunco)["id"]]
    others = person.users(state)
    mine = others.pop(me)
    return who, address, owner(address, login, mine, list(others.values()))


def taken(words, seen, recover):
    if not recover:
        return "taken from a profile" + " seen verified before" * seen
    if seen and words:
        return "taken from such a profile with other identities, " \
            "recover_displaced on"
    return "taken from a profile" + " seen verified before" * seen + \
        ", recover_displaced on"


def owner(address, login, mine, others):
    owners = [o for o in others if has_address(o)]
    known = [o for o in others if "external-id" in o and login]
    if known and address != "none" and (owners or has_address(mine)):
        return ("the profile with the same external id" if owners == known
                else "a profile; another user has the external id" if owners
                else "the user itself; another has the external id")
    if known:
        return "nobody; another user has the external id"
    if address == "none":
        return "nobody"
    if len(owners) > 1:
        return "several profiles"
    if owners and "another-address" in mine:
        return "a profile; the user has another address"
    if owners:
        return profile(owners[0])
    if has_address(mine):
        return "the user itself" + (
            ", an agent or admin" if "agent" in mine
            else ", suspended" if "suspended" in mine else "")
    return "nobody; the user has another address" \
        if "another-address" in mine else "nobody"


def profile(words):
    for word, name in (("agent", "an agent or admin"),
                       ("suspended", "a suspended profile"),
                       ("shared", "a shared profile")):
        if word in words:
            return name
    name = ("a verified profile" if "address" in words
            else "a marked profile" if "marked-address" in words
            else "an unverified profile")
    if "another-external-id" in words:
        return name + " with another external id"
    return name + (" with other identities"
                   if words - set(METHODS) - {"external-id"} else "")
