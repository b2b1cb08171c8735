"""The errors that Lockhouse raises on purpose; each carries the sentence and the HTTP status that its reader gets."""


class DashboardError(Exception):
    """A refusal or failure that a person can understand; `middleware.py` shows its text with `status`."""

    status = 500


class SourceUnavailable(DashboardError):
    """The broker, a cache or our own Redis did not answer: nothing is known, which is not the same as nothing being there."""

    status = 503

    def __init__(self, source: str, reason: str = "does not answer") -> None:
        self.source = source
        self.reason = reason.rstrip(".")  # it stands within sentences, and many a driver's own ends as one
        super().__init__(f"{source} {self.reason}")


class ActRefused(DashboardError):
    """An act was not done, and the watched system is as it was; the text says why and what to do instead."""

    status = 409


class ActForbidden(ActRefused):
    """The user lacks the permission, or acts are switched off."""

    status = 403


class ActNotFound(ActRefused):
    """The target of the act is not there (any more)."""

    status = 404


class Forbidden(DashboardError):
    """What was asked for is not for this user, or not from this page."""

    status = 403


class TooLarge(DashboardError):
    """A request that is larger than anything we take: it was not read."""

    status = 413
