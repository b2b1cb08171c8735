"""Asks the slow, sometimes failing endpoint what it knows of a server."""

import json
import urllib.request
from typing import Any
from urllib.parse import urljoin

TIMEOUT_S = 10


class EndpointFailed(Exception):
    """The endpoint did not answer, or answered with an error; asking again may help."""


def retrieve_info(endpoint_url: str, server_id: int) -> dict[str, Any]:
    """Return what the endpoint says of that server.  Raises: EndpointFailed."""
    try:
        with urllib.request.urlopen(urljoin(endpoint_url, f"servers/{server_id}"), timeout=TIMEOUT_S) as answer:  # noqa: S310  # from settings
            return dict(json.load(answer))
    except (OSError, ValueError) as error:  # urllib's errors are OSErrors, a half answer is a ValueError
        raise EndpointFailed(str(error)) from error
