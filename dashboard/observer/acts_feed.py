"""Tells the observer which locks were released by hand, and which were put back, from the record of acts."""

from datetime import UTC, datetime, timedelta

from django.db import DatabaseError, close_old_connections

from dashboard.exceptions import SourceUnavailable
from dashboard.models import OperatorAct
from dashboard.observer.feeds import Feed
from dashboard.observer.observations import PutBackByHand, ReleasedByHand

READ_EVERY_S = 1.0
RECENT = timedelta(minutes=2)  # an act may take a while to be answered
MOST = 500
BACK = ("restored", "protected")  # codes of the answers


class ActsFeed(Feed):
    """The last such acts, every second: an index finds them, and mostly there are none."""

    def work(self) -> None:
        while not self.stop.is_set():
            self._read(datetime.now(UTC))
            self.stop.wait(READ_EVERY_S)

    def _read(self, now: datetime) -> None:
        try:
            close_old_connections()
            done = OperatorAct.objects.filter(started_at__gte=now - RECENT, code__in=("released", *BACK))
            for code, lock_id, digest, by, at in done.order_by("started_at").values_list("code", "target_id", "token_digest", "username", "finished_at")[:MOST]:
                seen = ReleasedByHand if code == "released" else PutBackByHand
                self.emit(seen(lock_id=lock_id, token_digest=digest, by=by, at=at or now))
        except DatabaseError as error:
            raise SourceUnavailable(self.name, f"cannot be read: {error}") from error
        finally:
            close_old_connections()
