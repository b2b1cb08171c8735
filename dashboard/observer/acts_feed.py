"""Tells the observer which locks were released by hand, from the record of acts."""

from datetime import UTC, datetime, timedelta

from django.db import DatabaseError, close_old_connections

from dashboard.exceptions import SourceUnavailable
from dashboard.models import OperatorAct
from dashboard.observer.feeds import Feed
from dashboard.observer.observations import ReleasedByHand

READ_EVERY_S = 1.0
RECENT = timedelta(minutes=2)  # an act may take a while to be answered
MOST = 500


class ActsFeed(Feed):
    """The last releases, every second: an index finds them, and mostly there are none."""

    def work(self) -> None:
        while not self.stop.is_set():
            self._read(datetime.now(UTC))
            self.stop.wait(READ_EVERY_S)

    def _read(self, now: datetime) -> None:
        try:
            close_old_connections()
            done = OperatorAct.objects.filter(started_at__gte=now - RECENT, code="released")
            for lock_id, digest, by, at in done.order_by("started_at").values_list("target_id", "token_digest", "username", "finished_at")[:MOST]:
                self.emit(ReleasedByHand(lock_id=lock_id, token_digest=digest, by=by, at=at or now))
        except DatabaseError as error:
            raise SourceUnavailable(self.name, f"cannot be read: {error}") from error
        finally:
            close_old_connections()
