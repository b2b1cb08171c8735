"""What the hub sends: from whatever a page shows to the newest state."""

import asyncio
import json

from hypothesis import given
from hypothesis import strategies as st

from dashboard.web.hub import KEPT_VERSIONS, View, delta, full, order_of
from dashboard.web.panel import Piece
from tests.dashboard.web.socket_ends import make_key


def apply(shown, message):
    """What the browser does, on (pieces by id, ids by list)."""
    pieces, lists = ({}, {}) if message.get("full") else (dict(shown[0]), dict(shown[1]))
    for name in message["gone"]:
        pieces.pop(name)
    pieces.update({name: (html, within) for name, html, within in message["changed"]})
    lists.update(message.get("order", {}))
    return pieces, {name: ids for name, ids in lists.items() if ids}


def state_of(pieces):
    return {name: (piece.html, piece.within) for name, piece in pieces.items()}, order_of(pieces)


@st.composite
def pages(draw):
    """Up to a dozen pieces with few ids, so that pages overlap, in two lists or in none."""
    ids = draw(st.lists(st.sampled_from([f"p{number}" for number in range(12)]), unique=True))
    piece = st.builds(Piece, id=st.just(""), html=st.sampled_from(["<p>1</p>", "<p>2</p>", "\ud800<b>"]), within=st.sampled_from([None, "a-rows", "b-rows"]))
    drawn = [draw(piece) for _ in ids]
    return [Piece(id=name, html=one.html, within=one.within) for name, one in zip(ids, drawn, strict=True)]


def by_id(pieces):
    return {piece.id: piece for piece in pieces}


@given(pages(), pages())
def test_a_delta_turns_the_old_page_into_the_new_one(old, new):
    message = json.loads(json.dumps(delta(by_id(old), by_id(new))))

    assert apply(state_of(by_id(old)), message) == state_of(by_id(new))


@given(pages())
def test_a_delta_of_nothing_says_nothing(page):
    assert delta(by_id(page), by_id(page)) == {"changed": [], "gone": []}


@given(st.lists(pages(), min_size=1, max_size=KEPT_VERSIONS + 4), st.data())
def test_from_any_version_a_socket_gets_to_the_newest(versions, data):
    async def story():
        view, shown = View(make_key(None)), {0: ({}, {})}
        for pieces in versions:
            view.publish(pieces)
            shown[view.version] = state_of(by_id(pieces))
        start = data.draw(st.sampled_from(sorted(shown)))

        message = json.loads(view.message_since(start))

        assert message["v"] == view.version
        assert apply(shown[start], message) == apply(({}, {}), full(by_id(versions[-1])))

    asyncio.run(story())


async def test_a_message_is_made_once_for_all_who_have_the_same_version():
    view = View(make_key(None))
    view.publish([Piece(id="a", html="1")])
    view.publish([Piece(id="a", html="2")])

    assert view.message_since(1) is view.message_since(1)
    assert json.loads(view.message_since(1)) == {"v": 2, "changed": [["a", "2", None]], "gone": []}


async def test_an_emptied_list_is_told():
    view = View(make_key(None))
    view.publish([Piece(id="a", html="1", within="locks-rows")])
    view.publish([])

    assert json.loads(view.message_since(1)) == {"v": 2, "changed": [], "order": {"locks-rows": []}, "gone": ["a"]}
