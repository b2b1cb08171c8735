"""What somebody does on the pages of acts: log in, ask for a plan, and take it from the page."""

import re
from html import unescape

from django.test import Client
from django.urls import reverse


def logged_in(user, **options) -> Client:
    client = Client(**options)
    client.force_login(user)
    return client


def release_url(lock) -> str:
    return reverse("lockhouse:lock-release", kwargs={"id": lock.id})


def plan_in(response) -> str:
    return found(r'name="plan" value="([^"]+)"', response.content.decode())


def found(pattern: str, page: str) -> str:
    [first] = re.findall(pattern, page)
    return unescape(first)


def planned(client: Client, lock, **headers) -> str:
    return plan_in(client.get(release_url(lock), {"digest": lock.token_digest}, headers=headers))
