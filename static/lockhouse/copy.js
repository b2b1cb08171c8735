// Ticked rows, and the lines about them for the incident channel: name, verdict, evidence and link.
"use strict";
(() => {
  const root = document.getElementById("lockhouse"), bar = document.getElementById("lh-bulk");
  if (!root || !bar) return;
  const pickAll = bar.querySelector("[data-pick-all]");
  const shown = bar.querySelector("[data-ticked]");
  const ticks = () => [...root.querySelectorAll("[data-tick]")];
  const ticked = () => ticks().filter((box) => box.checked);
  const text = (element) => (element ? element.textContent.replace(/\s+/g, " ").trim() : "");

  function show() {
    const all = ticks(), count = ticked().length;
    bar.hidden = count === 0;
    if (shown.textContent !== String(count)) shown.textContent = count; // the same again would be a change to every observer
    const head = root.querySelector("[data-tick-all]");
    if (head) {
      head.checked = count > 0 && count === all.length;
      head.indeterminate = count > 0 && count < all.length;
    }
    if (pickAll) offerAll(count > 0 && count === all.length, Number(root.querySelector("[data-matching]")?.dataset.matching));
  }

  /** More match the filter than the page has rows: all of them are known by the filter alone. */
  function offerAll(isAllTicked, matching) {
    pickAll.hidden = !(isAllTicked && matching > ticks().length);
    const words = pickAll.dataset.words.replace("%s", matching);
    if (!pickAll.hidden && pickAll.textContent !== words) pickAll.textContent = words;
    const given = new URLSearchParams(location.search);
    for (const field of bar.querySelectorAll("input[data-asked]")) field.value = given.get(field.name) ?? "";
  }

  function line(row) {
    const name = row.querySelector(".lh-name"), ttl = row.querySelector(".lh-c-ttl time");
    const facts = [...row.querySelectorAll(".lh-evidence li")].map(text).join("; ");
    const until = ttl && row.dataset.verdict ? ` (${ttl.title || text(ttl)})` : "";
    return `${text(name)}: ${row.dataset.verdict}${until}. ${facts}. ${new URL(name.getAttribute("href"), location.href)}`;
  }

  async function copied(lines) {
    try {
      await navigator.clipboard.writeText(lines);
      return true;
    } catch {
      return copiedTheOldWay(lines); // no clipboard without HTTPS
    }
  }

  function copiedTheOldWay(lines) {
    const area = document.createElement("textarea");
    area.value = lines;
    area.className = "visually-hidden";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }

  root.addEventListener("change", (event) => {
    if (event.target.matches("[data-tick-all]")) for (const box of ticks()) box.checked = event.target.checked;
    if (event.target.matches("[data-tick], [data-tick-all]")) show();
  });
  async function copyAndSay(button, lines) {
    const said = (await copied(lines)) ? button.dataset.done : button.dataset.failed;
    document.getElementById("lh-said").textContent = said;
    button.dataset.said = said;
    setTimeout(() => delete button.dataset.said, 2000);
  }

  root.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]"); // of a page about one thing: what is to be said stands in the button
    if (button) copyAndSay(button, `${button.dataset.copy} ${location.href}`);
  });
  bar.addEventListener("click", async (event) => {
    if (event.target.closest("[data-untick]")) for (const box of ticks()) box.checked = false;
    const button = event.target.closest("[data-copy-ticked]");
    if (button) await copyAndSay(button, ticked().map((box) => line(box.closest("tr"))).join("\n"));
    show();
  });
  new MutationObserver(show).observe(root, { childList: true, subtree: true });
})();
