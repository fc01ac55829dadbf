// What all pages share. No page needs it to be read; nothing here is evaluated from text.
"use strict";
(() => {
  const token = document.querySelector('meta[name="stoker-token"]').content;

  // Every request of a script brings the token; htmx sends to us only (selfRequestsOnly).
  document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers["X-Stoker-Token"] = token;
  });

  // A refusal is a page too: show it where the answer would have been.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.xhr.status >= 400) note(`The server refused this (${event.detail.xhr.status}).`);
  });

  // Lists with data-refresh="SECONDS" are asked for again while somebody looks, and nobody types.
  setInterval(() => {
    if (document.hidden) return;
    for (const list of document.querySelectorAll("[data-refresh]")) {
      const now = Date.now();
      const since = Number(list.dataset.since || 0);
      if (!since) list.dataset.since = String(now);
      else if (now - since >= 1000 * Number(list.dataset.refresh) && !list.contains(document.activeElement)) {
        list.dataset.since = String(now);
        htmx.ajax("GET", list.dataset.from || location.href, { target: list, select: `#${list.id}`, swap: "outerHTML" });
      }
    }
  }, 1000);

  // Of a part that is asked for again, somebody who listens to the page is told no more than its
  // data-said: when that is another than before, or they have sent a form.
  const told = new Map(), parts = () => document.querySelectorAll("[data-said][id]");
  for (const part of parts()) told.set(part.id, part.dataset.said);
  document.addEventListener("htmx:afterSettle", (event) => {
    const sent = (event.detail.requestConfig || {}).verb === "post";
    for (const part of parts()) {
      const text = part.dataset.said, fresh = text !== told.get(part.id) || (sent && part.contains(event.target));
      told.set(part.id, text);
      if (text && fresh) say(text);
    }
  });

  function say(text) {
    const said = document.getElementById("said");
    said.textContent = "";
    setTimeout(() => { said.textContent = text; }, 50); // the same words again are news, too
  }

  // Where the menu has no room, it begins with the page that is shown.
  const menu = document.querySelector(".top nav"), current = menu.querySelector("[aria-current]");
  if (current) menu.scrollLeft = current.offsetLeft - menu.offsetLeft - 12;

  // "/" goes to the search, Escape leaves it or closes a menu.
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName);
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const search = document.querySelector('input[type="search"]');
      if (search) { event.preventDefault(); search.focus(); search.select(); }
    } else if (event.key === "Escape") {
      for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
      if (typing && document.activeElement.type === "search") document.activeElement.blur();
    }
  });
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  // A button with data-key="a" is pressed by that key alone, while nobody types.
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.key.length !== 1 || !/[a-z]/.test(event.key)) return;
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName)) return;
    const button = document.querySelector(`button[data-key="${event.key}"]`);
    if (button) { event.preventDefault(); button.click(); }
  });

  // Control+Enter sends the form one types in. A button with data-plain is not htmx's.
  document.addEventListener("keydown", (event) => {
    const form = document.activeElement.form;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && form) form.requestSubmit();
  });
  document.addEventListener("htmx:confirm", (event) => {
    const button = event.detail.triggeringEvent && event.detail.triggeringEvent.submitter;
    if (button && "plain" in button.dataset) {
      event.preventDefault();
      event.target.action = button.formAction;
      event.target.submit();
    }
  });

  // Tab indents in an editor; Escape, and then Tab, leaves it.
  document.addEventListener("keydown", (event) => {
    const editor = document.activeElement;
    if (!editor.dataset || !("editor" in editor.dataset)) return;
    if (event.key === "Escape") editor.dataset.leaving = "yes";
    else if (event.key === "Tab" && !event.shiftKey && editor.dataset.leaving !== "yes") {
      event.preventDefault();
      editor.setRangeText("    ", editor.selectionStart, editor.selectionEnd, "end");
    } else delete editor.dataset.leaving;
  });

  // What a slider stands at.
  document.addEventListener("input", (event) => {
    const shown = document.getElementById(event.target.dataset.shown || "");
    if (shown) shown.textContent = `${event.target.value} %`;
  });

  // A log that is at its end stays there.
  let end = true;
  const tail = () => { for (const log of document.querySelectorAll("[data-tail]")) if (end) log.scrollTop = log.scrollHeight; };
  document.addEventListener("htmx:beforeSwap", (event) => {
    const log = event.detail.target;
    if (log.dataset && "tail" in log.dataset) end = log.scrollTop + log.clientHeight >= log.scrollHeight - 40;
  });
  document.addEventListener("htmx:afterSettle", tail);
  tail();

  function note(text) {
    const notes = document.getElementById("notes");
    notes.textContent = text;
    clearTimeout(note.timer);
    note.timer = setTimeout(() => { notes.textContent = ""; }, 6000);
  }
  window.stoker = { token, note };
})();
