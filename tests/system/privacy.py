"""What must never be in a log: addresses, names, external ids, secrets.

Every daemon's log is held against all people of its sandboxes when its test
ends (conftest.py)."""

import daemon

SECRETS = ("oauth_client_secret", "bearer_token", "api_token",
           "sunco_key_secret", "sunco_secret", "zendesk_secret")
SHORTEST = 5  # a shorter name is a part of too many words


def names_of(full_name):
    """A name, and its parts; names that Zendesk made up are nobody's."""
    if full_name.startswith(("Web User", "Visitor")):
        return []
    return [full_name, *full_name.split()]


def words_of_zendesk(user):
    return [*names_of(user["name"]), user["external_id"] or "",
            *(i["value"] for i in user["identities"]
              if i["type"] == "email")]


def words_of_sunco(user):
    profile = user.get("profile", {})
    return [profile.get("givenName") or "", profile.get("surname") or "",
            profile.get("email") or "", user.get("externalId") or "",
            *(i["value"] for i in user.get("identities", []))]


def words(sandboxes):
    """Everything about the people of sandboxes, and what opens their doors."""
    found = {daemon.ADMIN_TOKEN}
    for sandbox in sandboxes:
        settings = sandbox.settings()
        found.update(settings[name] for name in SECRETS)
        state = sandbox.state()
        for user in state["users"]:
            found.update(words_of_zendesk(user))
        for user in state["sunco_users"]:
            found.update(words_of_sunco(user))
    return {word.lower() for word in found if len(word) >= SHORTEST}


def check(text, sandboxes):
    """Fails without repeating what it found."""
    text = text.lower()
    for number, word in enumerate(sorted(words(sandboxes))):
        assert word not in text, f"word {number} of privacy.words() is there"
