"""Tells the observer which locks were released by hand, put back or extended, from the record of acts."""

from datetime import UTC, datetime, timedelta

from django.db import DatabaseError, close_old_connections

from dashboard.exceptions import SourceUnavailable
from dashboard.models import OperatorAct
from dashboard.observer.feeds import Feed
from dashboard.observer.observations import ChangedByHand, ReleasedByHand

READ_EVERY_S = 1.0
RECENT = timedelta(minutes=2)  # an act may take a while to be answered
MOST = 500
CHANGED = {"restored": "restored", "protected": "restored", "extended": "extended"}  # by the codes of the answers


class ActsFeed(Feed):
    """The last such acts, every second: an index finds them, and mostly there are none."""

    def work(self) -> None:
        while not self.stop.is_set():
            self._read(datetime.now(UTC))
            self.stop.wait(READ_EVERY_S)

    def _read(self, now: datetime) -> None:
        try:
            close_old_connections()
            done = OperatorAct.objects.filter(started_at__gte=now - RECENT, code__in=("released", *CHANGED))
            for code, lock_id, digest, by, at in done.order_by("started_at").values_list("code", "target_id", "token_digest", "username", "finished_at")[:MOST]:
                if code == "released":
                    self.emit(ReleasedByHand(lock_id=lock_id, token_digest=digest, by=by, at=at or now))
                else:
                    self.emit(ChangedByHand(what=CHANGED[code], lock_id=lock_id, token_digest=digest, by=by, at=at or now))
        except DatabaseError as error:
            raise SourceUnavailable(self.name, f"cannot be read: {error}") from error
        finally:
            close_old_connections()
