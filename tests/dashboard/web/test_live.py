"""live.js in a real browser: pushes reach the page and take nothing from whoever works on it."""

import pytest
from playwright.async_api import expect

from tests.browser import chromium_path
from tests.dashboard.web.live_page import RowsPanel, browser, browser_page, client, count_in, live, page, rows, site, words

__all__ = ["browser", "chromium_path", "client", "page", "site"]
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="module"),
]  # one loop, as one browser serves them all
FOCUS = """() => {
  const active = document.activeElement;
  return [active.getAttribute("aria-label") || active.textContent, active.value, active.selectionStart];
}"""


async def focus(page):
    """Which element has the focus, its text, and where the caret is."""
    return await page.evaluate(FOCUS)


# What is pushed


async def test_changed_new_gone_and_moved_rows_are_shown(site, page):
    site.panel.rows = {"row-9": 1, "row-5": 0, "row-2": 7, "row-1": 0}
    await site.push("other rows", page)

    assert await rows(page) == ["row-9", "row-5", "row-2", "row-1"]
    await expect(count_in(page, "row-2")).to_have_text("7")
    await expect(words(page)).to_have_text("live")


async def test_a_row_that_did_not_change_stays_the_same_element(site, page):
    await page.evaluate("document.querySelector('#row-3').mine = true")

    site.panel.rows = {"row-5": 0, "row-3": 0, "row-4": 2}
    await site.push("moved", page)

    assert await page.evaluate("document.querySelector('#row-3').mine")


async def test_rows_that_were_gone_before_the_socket_opened_are_taken_away(site, client, browser):
    shown = RowsPanel()
    site.panel.html = shown.html
    site.panel.rows = {}

    async with browser_page(browser, client, site) as page:
        await expect(live(page)).to_have_attribute("data-live", "live")
        assert await rows(page) == []


async def test_other_scripts_are_told_of_each_patch(site, page):
    await page.evaluate("document.addEventListener('lh:patched', event => { document.body.dataset.patched = event.detail.changed.join() })")

    site.panel.rows["row-2"] = 5
    await site.push("changed", page)

    assert await page.get_attribute("body", "data-patched") == "said,row-2"


# Whoever works on the page


HELD = """rows => rows.filter(row => row.contains(document.activeElement) || row.querySelector(":checked") || row.querySelector(".note").value)
  .map(row => row.id)"""


TYPED = "verdict:orphaned task:reports_ x 0123456789"
TICKED = ("row-2", "row-4")


async def push_another_order(site, page, number):
    """All rows changed, in another order each time, one more and one fewer."""
    names = list(site.panel.rows)
    names.insert(0, names.pop(number % len(names)))
    site.panel.rows = dict.fromkeys(names, number + 1) | {f"new-{number}": 1}
    if number > 3:
        site.panel.rows.pop(f"new-{number - 4}", None)
    await site.push(f"push {number}", page)


async def check_that_others_follow(site, page):
    """Every row that nobody works on shows what was pushed."""
    held = await page.eval_on_selector_all("#locks-rows tr", HELD)
    for name in set(site.panel.rows) - set(held):
        await expect(count_in(page, name)).to_have_text(str(site.panel.rows[name]))


async def test_forty_pushes_take_no_focus_no_caret_and_no_text(site, page):
    await page.click("#filter")
    await page.keyboard.type("__")
    await page.keyboard.press("ArrowLeft")

    for number in range(40):
        await page.keyboard.type(TYPED[number])
        before = await focus(page)
        await push_another_order(site, page, number)

        assert await focus(page) == before == ["Filter", f"_{TYPED[: number + 1]}_", number + 2]
        assert await rows(page) == list(site.panel.rows)
        await check_that_others_follow(site, page)


async def test_pushes_take_no_tick_no_note_and_no_focus_from_the_tab_key(site, page):
    for row in TICKED:
        await page.check(f"#{row} input[type=checkbox]")
    await page.fill("#row-5 .note", "because it was stale")
    await page.focus("#before")

    for number in range(10):  # through ticked and other rows
        await page.keyboard.press("Tab")
        before = await focus(page)
        await push_another_order(site, page, number)

        assert await focus(page) == before
        assert await page.eval_on_selector_all("input:checked", "boxes => boxes.map(box => box.closest('tr').id).sort()") == list(TICKED)
        assert await page.input_value("#row-5 .note") == "because it was stale"
        await check_that_others_follow(site, page)

    for row in (*TICKED, "row-5"):
        await expect(page.locator(f"#{row}")).to_have_class("lh-changed")


async def test_rows_that_nobody_works_on_any_more_show_what_was_pushed_meanwhile(site, page):
    for row in TICKED:
        await page.check(f"#{row} input[type=checkbox]")
    await page.fill("#row-5 .note", "because it was stale")
    for number in range(6):
        await push_another_order(site, page, number)

    for row in TICKED:
        await page.uncheck(f"#{row} input[type=checkbox]")
    await page.fill("#row-5 .note", "")
    await page.focus("#filter")

    for row in site.panel.rows:
        await expect(count_in(page, row)).to_have_text(str(site.panel.rows[row]))
    assert await rows(page) == list(site.panel.rows)
    assert await page.locator(".lh-changed, .lh-gone, [data-changed]").count() == 0


async def test_a_ticked_row_is_marked_and_brought_up_to_date_when_it_is_unticked(site, page):
    await page.check("#row-2 input[type=checkbox]")
    site.panel.rows["row-2"] = 1
    await site.push("first", page)
    site.panel.rows["row-2"] = 2
    await site.push("second", page)

    row = page.locator("#row-2")
    await expect(row).to_have_class("lh-changed")
    await expect(row).to_have_attribute("data-changed", "")
    await expect(count_in(page, "row-2")).to_have_text("0")
    await page.focus("#filter")
    await expect(count_in(page, "row-2")).to_have_text("0")
    await page.uncheck("#row-2 input[type=checkbox]")
    await page.focus("#filter")
    await expect(count_in(page, "row-2")).to_have_text("2")
    await expect(row).not_to_have_attribute("data-changed", "")


async def test_a_change_that_is_taken_back_unmarks_the_row(site, page):
    await page.check("#row-2 input[type=checkbox]")
    site.panel.rows["row-2"] = 1
    await site.push("changed", page)
    site.panel.rows["row-2"] = 0
    await site.push("taken back", page)

    await expect(page.locator("#row-2")).to_have_class("")
    assert await page.is_checked("#row-2 input[type=checkbox]")


async def test_a_gone_row_stays_while_it_is_held_and_then_disappears(site, page):
    await page.focus("#row-2 a")
    del site.panel.rows["row-2"]
    await site.push("gone", page)

    await expect(page.locator("#row-2")).to_have_class("lh-gone")
    assert (await focus(page))[0] == "act"
    await page.focus("#filter")
    await expect(page.locator("#row-2")).to_have_count(0)


async def test_a_gone_row_that_comes_back_is_no_longer_marked(site, page):
    await page.focus("#row-2 a")
    count = site.panel.rows.pop("row-2")
    await site.push("gone", page)
    site.panel.rows["row-2"] = count
    await site.push("back", page)

    await expect(page.locator("#row-2")).to_have_class("")
    await page.focus("#filter")
    await expect(page.locator("#locks-rows tr").last).to_have_id("row-2")


@pytest.mark.parametrize(
    ("hold", "release"),
    [
        ("document.querySelector('#row-3 summary').click()", "document.querySelector('#row-3 summary').click()"),
        ("getSelection().selectAllChildren(document.querySelector('#row-3 .count'))", "getSelection().removeAllRanges()"),
        ("document.querySelector('#row-3 .note').value = 'typed'", "document.querySelector('#row-3 .note').value = ''"),
        (
            "document.querySelector('#row-3').dispatchEvent(new PointerEvent('pointerdown', {bubbles: true}))",
            "document.querySelector('#row-3').dispatchEvent(new PointerEvent('pointerup', {bubbles: true}))",
        ),
    ],
    ids=["opened", "selected", "typed", "pressed"],
)
async def test_what_is_held_in_any_way_is_neither_replaced_nor_moved(site, page, hold, release):
    await page.evaluate("document.querySelector('#row-3').mine = true")
    await page.evaluate(hold)
    site.panel.rows = {"row-3": 9, "row-9": 0, "row-5": 0, "row-1": 0}
    await site.push("changed", page)

    assert await page.evaluate("document.querySelector('#row-3').mine")
    assert set(await rows(page)) == set(site.panel.rows)
    assert [row for row in await rows(page) if row != "row-3"] == ["row-9", "row-5", "row-1"]
    await page.evaluate(release)
    await expect(count_in(page, "row-3")).to_have_text("9")
    assert await rows(page) == ["row-3", "row-9", "row-5", "row-1"]
