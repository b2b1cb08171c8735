"""What was sent from here stays seen once it was: in its queue, or told of."""

from uuid import UUID, uuid5

from dashboard.observer.observations import TracesRead
from dashboard.observer.trace_book import TraceBook
from dashboard.records import Traced
from tests.factories import NOW

ACT = UUID("5b0cf1de-7f6c-4f3e-9d53-6f7d3f2b7c11")
FIRST, SECOND = (str(uuid5(ACT, str(number))) for number in range(2))


def look(book, *told, **changes):
    traced = Traced(**({"act_id": str(ACT), "task": "t", "queue": "q", "count": 2, "sent_at": NOW, "looked_at": NOW} | changes))
    book.read(TracesRead(traces=[traced]), set(told).__contains__)
    return book.traces[0].seen


def test_message_in_its_queue_and_message_that_was_told_of_are_seen_for_good():
    book = TraceBook()

    assert look(book) == ()
    assert look(book, places={SECOND: 3}) == (1,)
    assert look(book, FIRST) == (0, 1)
    assert look(book) == (0, 1)


def test_what_was_seen_outlives_the_observer():
    book, next_one = TraceBook(), TraceBook()
    look(book, FIRST)

    next_one.restore(book.traces)

    assert look(next_one) == (0,)


def test_what_is_no_longer_followed_is_forgotten():
    book = TraceBook()
    look(book, FIRST)

    assert book.read(TracesRead(traces=[]), lambda _: False)
    assert book.traces == ()
