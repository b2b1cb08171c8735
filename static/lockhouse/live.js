// Keeps an open page current: takes what the socket pushes, patches it in, and says how the connection is.
// Nothing that somebody holds (focus, ticks, typed text, an opened detail, selected text, a pressed button) is ever moved or replaced:
// it is marked `lh-changed` or `lh-gone`, and brought up to date when it is let go. After every patch `lh:patched` is sent to the document.
// A piece with `data-follows` is not held by the focus alone: after an act the focus comes back to the head of a page, which has to say what is
// so now. It has no fields and is never moved; the focus goes over to the same in the new piece.
// The lists of a page are the elements whose id ends in -rows or -lanes; their children with an id are the pieces pushed one by one.
"use strict";

(() => {
  const LISTS = '[id$="-rows"], [id$="-lanes"]';
  const HIDDEN_MS = 60000; // a hidden tab costs nothing after this
  const SILENT_MS = 12000; // the server says something every 5 s
  const CONNECT_MS = 5000;
  const POLL_MS = 5000;
  const FAILURES = 3; // that many without ever connecting mean that there is no way for a WebSocket
  const HTMX_RECONNECTS = [1006, 1011, 1012, 1013];
  const [BAD_ADDRESS, LOG_IN, NOT_ALLOWED, TOO_MANY] = [1008, 4401, 4403, 4429];
  const say = window.gettext || ((words) => words);
  const byId = (id) => document.getElementById(id);
  const root = () => byId("lh-live");

  // What is on the page

  const known = new WeakMap(); // element -> the HTML that it was made from
  const orders = new Map(); // list id -> ids, as last pushed
  const pending = new Map(); // id -> HTML, or null for gone: to be done when it is let go
  const untidy = new Set(); // lists in which something held is out of its place
  const opened = new Set(); // details that the user opened
  const titled = new WeakSet(); // elements whose title is ours
  let pressed = null;

  function made(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content.firstElementChild;
  }

  /** The element without what scripts change in it, to see whether a page from before the first push is still current. */
  function face(element) {
    const copy = element.cloneNode(true);
    copy.querySelectorAll("time").forEach((time) => time.replaceWith(time.getAttribute("datetime") || ""));
    copy.querySelectorAll("[data-expires]").forEach((bar) => bar.removeAttribute("width"));
    copy.querySelectorAll("details").forEach((details) => details.removeAttribute("open"));
    return copy.outerHTML;
  }

  /** Let htmx find what it serves in there; most pieces have nothing for it, and looking through them takes as long as showing them. */
  function serve(element, html) {
    if (html.includes("hx-")) window.htmx?.process(element);
  }

  function shows(element, html) {
    if (!known.has(element) && face(element) === face(made(html))) known.set(element, html);
    return known.get(element) === html;
  }

  /** A question about any element: is it held? Asked once per patch, for reading the selection and the focus is not free. */
  function holding() {
    const held = new Set();
    const hold = (node) => {
      for (let at = node; at && at !== document.body; at = at.parentElement) held.add(at);
    };
    if (!document.activeElement?.closest("[data-follows]")) hold(document.activeElement);
    hold(pressed);
    document.querySelectorAll("#lh-live :is(input, textarea)").forEach((field) => {
      const ticks = field.type === "checkbox" || field.type === "radio";
      if (ticks ? field.checked && !field.defaultChecked : field.value !== field.defaultValue) hold(field);
    });
    document.querySelectorAll("#lh-live dialog[open]").forEach(hold);
    opened.forEach((details) => (details.isConnected && details.open ? hold(details) : opened.delete(details)));
    const selection = getSelection();
    const range = selection.rangeCount && !selection.isCollapsed ? selection.getRangeAt(0) : null;
    return (element) => held.has(element) || (range !== null && range.intersectsNode(element));
  }

  function keepFor(element, html) {
    pending.set(element.id, html);
    element.classList.toggle("lh-gone", html === null);
    element.classList.toggle("lh-changed", html !== null);
    element.setAttribute("data-changed", html === null ? "gone" : "");
    if (element.title && !titled.has(element)) return;
    titled.add(element);
    element.title = html === null ? say("gone meanwhile") : say("changed meanwhile: brought up to date when you let go of it");
  }

  function unmark(element) {
    if (!pending.delete(element.id)) return;
    element.classList.remove("lh-gone", "lh-changed");
    element.removeAttribute("data-changed");
    if (titled.delete(element)) element.removeAttribute("title");
  }

  /** Bring a drawing up to date in place, so that what changes in it may glide: attributes and texts, and all parts where they are others. */
  function redraw(element, fresh) {
    for (const { name } of [...element.attributes]) if (!fresh.hasAttribute(name)) element.removeAttribute(name);
    for (const { name, value } of fresh.attributes) if (element.getAttribute(name) !== value) element.setAttribute(name, value);
    const [old, now] = [[...element.childNodes], [...fresh.childNodes]];
    if (old.length !== now.length || old.some((node, index) => node.nodeName !== now[index].nodeName)) return element.replaceChildren(...now);
    old.forEach((node, index) => {
      if (node.nodeType === Node.ELEMENT_NODE) redraw(node, now[index]);
      else if (node.data !== now[index].data) node.data = now[index].data;
    });
  }

  function show(element, html, isHeld) {
    if (shows(element, html)) return unmark(element);
    if ("glide" in element.dataset) {
      redraw(element, made(html));
      known.set(element, html);
      return unmark(element);
    }
    if (isHeld(element)) return keepFor(element, html);
    const fresh = made(html);
    const focused = element.contains(document.activeElement) ? document.activeElement : null;
    pending.delete(element.id);
    known.set(fresh, html);
    element.replaceWith(fresh);
    serve(fresh, html);
    if (focused) passFocus(focused, fresh);
  }

  /** The focus goes on to the link or button of the same words; where there is none any more, or it was on the heading, to the heading. */
  function passFocus(from, piece) {
    const words = from.textContent.trim();
    const same = [...piece.querySelectorAll("a, button")].find((one) => one.textContent.trim() === words);
    const to = (from.matches("a, button") && same) || piece.querySelector("h1") || document.querySelector("h1");
    if (to !== same) to.tabIndex = -1;
    to.focus({ preventScroll: true });
  }

  function retire(element, isHeld) {
    if (isHeld(element)) return keepFor(element, null);
    pending.delete(element.id);
    element.remove();
  }

  const named = (node) => {
    while (node && !node.id) node = node.nextElementSibling;
    return node;
  };
  const after = (node) => named(node.nextElementSibling);

  /** Put the list in this order by moving as few as possible, and never what is held: the others are put around it. */
  function arrange(list, ids, fresh, isHeld) {
    const wanted = new Set(ids);
    untidy.delete(list.id);
    for (const child of [...list.children]) if (child.id && !wanted.has(child.id)) retire(child, isHeld);
    let next = named(list.firstElementChild);
    for (const id of ids) {
      const element = fresh.get(id) || byId(id);
      if (!element) continue;
      if (pending.get(id) === null && element.isConnected) unmark(element);
      if (element === next || (next && after(next) === element)) {
        next = after(element); // in the second case it is `next` that has to move down, which it will in its turn
      } else if (element.isConnected && isHeld(element)) {
        untidy.add(list.id);
        if (next && next.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING) next = after(element);
      } else {
        list.insertBefore(element, next);
        if (fresh.has(id)) serve(element, known.get(element));
      }
    }
  }

  function patch({ changed = [], gone = [], order = {}, full = false }) {
    const isHeld = holding();
    const fresh = new Map();
    for (const [id, html, within] of changed) {
      const element = byId(id);
      if (element) show(element, html, isHeld);
      else if (within && byId(within)) {
        fresh.set(id, made(html));
        known.set(fresh.get(id), html);
      }
    }
    for (const id of gone) if (byId(id)) retire(byId(id), isHeld);
    if (full) for (const list of root()?.querySelectorAll(LISTS) || []) order = { [list.id]: [], ...order };
    for (const [id, ids] of Object.entries(order)) {
      orders.set(id, ids);
      if (byId(id)) arrange(byId(id), ids, fresh, isHeld);
    }
    settle();
    tell();
    document.dispatchEvent(new CustomEvent("lh:patched", { detail: { changed: changed.map(([id]) => id), gone } }));
  }

  /** Bring up to date what has been let go. */
  function settle() {
    if (!pending.size && !untidy.size) return;
    const isHeld = holding();
    let released = 0;
    for (const [id, html] of [...pending]) {
      const element = byId(id);
      if (element && isHeld(element)) continue;
      released += 1;
      if (!element) pending.delete(id);
      else if (html === null) retire(element, isHeld);
      else show(element, html, isHeld);
    }
    for (const id of [...untidy]) if (byId(id)) arrange(byId(id), orders.get(id), new Map(), isHeld);
    if (released) document.dispatchEvent(new CustomEvent("lh:patched", { detail: { changed: [], gone: [] } }));
  }

  const settleSoon = () => (pending.size || untidy.size) && setTimeout(settle, 0);
  for (const name of ["focusout", "change", "input", "toggle", "close", "selectionchange"]) document.addEventListener(name, settleSoon, true);
  setInterval(settle, 1000); // other scripts untick without an event
  document.addEventListener("pointerdown", (event) => (pressed = event.target), true);
  for (const name of ["pointerup", "pointercancel", "dragend"])
    document.addEventListener(name, () => setTimeout(() => ((pressed = null), settleSoon()), 0), true); // after the click
  document.addEventListener("click", (event) => {
    const details = event.target.closest?.("summary")?.parentElement;
    if (details) opened.add(details);
  }, true);

  // How the connection is

  let socket = null; // the newest; events of an older one no longer count
  let wrapper = null; // htmx's own, which reconnects
  let state = { live: "", words: "", link: "" };
  let lostAt = "";
  let failures = 0;
  let wasOpen = false;
  let isPaused = false;
  let wasMarked = false;
  let connectedRoot = null;
  let hiddenTimer, silenceTimer, pollTimer;

  const clock = () => new Date().toISOString().slice(11, 19) + " UTC";

  /** Write the state wherever the page shows it; again after each patch, for a patch may have brought a new place. */
  function tell(live = state.live, words = state.words, link = state.link) {
    state = { live, words, link };
    if (!live || !root()) return;
    root().dataset.live = live;
    for (const place of document.querySelectorAll("[data-live-text]")) {
      if (place.textContent === words + link) continue;
      place.textContent = words;
      if (!link) continue;
      const anchor = document.createElement("a");
      anchor.href = location.href; // the page itself leads to the login, and back
      anchor.textContent = link;
      place.append(anchor);
    }
    if (live === "live") lostAt = "";
    const isMarked = live === "lost" || Boolean(link);
    if (wasMarked && !isMarked) document.title = document.title.replace(/^\? /, "");
    wasMarked = isMarked;
    markTitle();
  }

  /** Other scripts write the title too; while nothing comes in it begins with a question mark whatever they write. */
  function markTitle() {
    if (wasMarked && !document.title.startsWith("? ")) document.title = "? " + document.title;
  }
  new MutationObserver(markTitle).observe(document.querySelector("title"), { childList: true });

  function lost() {
    if (pollTimer) return;
    lostAt ||= clock();
    tell("lost", say("connection lost at %s; trying again").replace("%s", lostAt), "");
  }

  function loggedOut() {
    stopPolling();
    tell("off", say("you are logged out:") + " ", say("log in"));
  }

  function connect() {
    if (!socket || socket.readyState > WebSocket.OPEN) wrapper?.reconnect();
  }

  function drop() {
    socket.onclose = null; // a dead connection may take minutes to notice that it is closed
    socket.close();
    lost();
    wrapper?.reconnect();
  }

  function heard() {
    clearTimeout(silenceTimer);
    silenceTimer = setTimeout(drop, SILENT_MS);
  }

  const isOurs = (event) => event.target === root() && event.detail.event?.target === socket;

  function prepare() {
    if (!window.htmx) return;
    window.htmx.config.wsReconnectDelay = (tries) => (pollTimer ? 30000 : Math.min(4000, 250 * 2 ** tries) * (0.5 + Math.random() / 2));
    window.htmx.createWebSocket = (url) => {
      const created = (socket = new WebSocket(url));
      setTimeout(() => created.readyState === WebSocket.CONNECTING && created.close(), CONNECT_MS);
      return created;
    };
  }

  document.addEventListener("htmx:wsConnecting", (event) => {
    if (event.target === connectedRoot) return;
    connectedRoot = event.target; // another filter: another page
    for (const memory of [orders, pending, untidy]) memory.clear();
  });

  document.addEventListener("htmx:wsOpen", (event) => {
    if (!isOurs(event)) return;
    wrapper = event.detail.socketWrapper;
    if (isPaused) return socket.close();
    wasOpen = true;
    failures = 0;
    stopPolling();
    heard();
  });

  document.addEventListener("htmx:wsBeforeMessage", (event) => {
    if (event.target !== root()) return;
    event.preventDefault();
    heard();
    state = { live: "live", words: say("live"), link: "" }; // only now: before the first message the page may be old
    const message = JSON.parse(event.detail.message);
    if (message.full || message.order || message.changed.length || message.gone.length) patch(message);
    else tell();
  });

  document.addEventListener("htmx:wsClose", (event) => {
    if (!isOurs(event)) return;
    wrapper = event.detail.socketWrapper;
    clearTimeout(silenceTimer);
    const code = event.detail.event.code;
    if (code === LOG_IN) return loggedOut();
    if (code === NOT_ALLOWED) return tell("off", say("you may no longer see this"), "");
    if (code === TOO_MANY) return tell("off", say("not live: too many different pages of yours are open; close some and load this one anew"), "");
    if (isPaused) return tell("off", say("paused while hidden"), "");
    if (code === BAD_ADDRESS) return startPolling();
    lost();
    failures += 1;
    if (!wasOpen && failures >= FAILURES) startPolling();
    if (!HTMX_RECONNECTS.includes(code)) setTimeout(connect, window.htmx.config.wsReconnectDelay(failures));
  });

  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiddenTimer);
    if (document.hidden) {
      hiddenTimer = setTimeout(() => {
        isPaused = true;
        clearTimeout(silenceTimer);
        socket?.close();
      }, HIDDEN_MS);
    } else if (isPaused) {
      isPaused = false;
      connect();
    }
  });

  // Without a WebSocket

  function startPolling() {
    if (pollTimer) return;
    pollTimer = setInterval(poll, POLL_MS);
    poll();
  }

  function stopPolling() {
    clearInterval(pollTimer);
    pollTimer = undefined;
  }

  async function poll() {
    if (document.hidden) return;
    try {
      const answer = await fetch(location.href, { headers: { "HX-Request": "true" }, cache: "no-store" });
      if (!pollTimer) return;
      if (answer.redirected || answer.headers.has("HX-Redirect") || answer.status === 401) return loggedOut();
      if (!answer.ok) throw new Error(answer.status);
      patch(pieces(new DOMParser().parseFromString(await answer.text(), "text/html")));
      tell("off", say("no live connection; read every 5 s, last at %s").replace("%s", clock()), "");
    } catch {
      lostAt ||= clock();
      tell("lost", say("connection lost at %s; trying again").replace("%s", lostAt), "");
    }
  }

  /** What a page says, as if it had been pushed: the children of its lists, and its outermost elements with an id around no list. */
  function pieces(page) {
    const message = { full: true, changed: [], order: {} };
    const take = (element) => {
      if (element.matches(LISTS)) {
        const rows = [...element.children].filter((child) => child.id);
        message.order[element.id] = rows.map((row) => row.id);
        rows.forEach((row) => message.changed.push([row.id, row.outerHTML, element.id]));
      } else if (element.id && !element.querySelector(LISTS)) message.changed.push([element.id, element.outerHTML, null]);
      else [...element.children].forEach(take);
    };
    [...(page.getElementById("lh-live") || page.body).children].forEach(take);
    return message;
  }

  prepare();
})();
