"""How a program calls the API: by its token, and with a body in JSON."""

import json

from django.test import Client

from dashboard.acts.tokens import make_token


def bearer(user) -> dict[str, str]:
    return {"Authorization": f"Bearer {make_token(user, 'test')}"}


def post(client: Client, path: str, body: object, **headers):
    return client.post(path, json.dumps(body), content_type="application/json", headers=headers)
