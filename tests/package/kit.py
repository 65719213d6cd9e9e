"""What an admin does on the machine, and what they see."""

import json

SECRETS = ("zendesk_client_secret", "zendesk_webhook_secrets",
           "sunco_key_secret", "sunco_webhook_secrets")
CONFIG = "/etc/reunite/reunite.conf"


def configure(machine):
    """As the example says: a name of one's own, and a file for each secret."""
    file = machine.path(CONFIG)
    file.write_text(file.read_text().replace("example.zendesk.com",
                                             "acme.zendesk.com"))
    for name in SECRETS:
        machine.sh(f"umask 027; echo secret-of-{name} >"
                   f"/etc/reunite/secrets/{name}")


def event(number):
    return json.dumps({
        "app": {"id": "5f1a2b3c4d5e6f7a8b9c0d1e"},
        "webhook": {"id": "5f1a2b3c4d5e6f7a8b9c0d20", "version": "v2"},
        "events": [{
            "id": f"event{number}", "createdAt": "2026-03-14T09:26:53.000Z",
            "type": "conversation:create",
            "payload": {"conversation": {"id": "5f1a2b3c4d5e6f7a8b9c0d21"},
                        "user": {"id": f"5f1a2b3c4d5e6f7a8b9c0e{number:02d}"},
                        "creationReason": "startConversation",
                        "source": {"type": "web"}}}]})


def curl(number):
    """The command that sends a webhook and prints the status."""
    return ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time",
            "30", "-H", "Content-Type: application/json", "-H",
            "X-API-Key: secret-of-sunco_webhook_secrets", "-d", event(number),
            "http://127.0.0.1:8080/webhooks/example/sunco"]
