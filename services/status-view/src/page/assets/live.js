// Keeps a page up to date: takes the new <main> that the server sends and puts it where the old one
// is. Focus, what is open, what is scrolled and what is typed stay. Times tick by themselves.
"use strict";
(() => {
  const TICK_MS = 1000;
  const GROW_MS = 5000;
  const HIDDEN_LOOK_MS = 15000;
  const AGAIN_MS_MIN = 2000;
  const AGAIN_MS_MAX = 30000;
  // As long as the server may take to answer.
  const SENT_MS_MAX = 15000;

  const main = () => document.getElementById("main");
  const status = document.querySelector(".live");
  if (!main() || !main().dataset.position) return;

  const grouped = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ",");
  const say = (text, isLive) => {
    // Whoever listens to the page is told when it is no longer live, not at every event.
    status.setAttribute("role", isLive ? "none" : "status");
    status.classList.toggle("on", isLive);
    status.classList.toggle("off", !isLive);
    if (status.textContent !== text) status.textContent = text;
  };

  // Spans of time, as the server writes them.
  const coarse = (s) =>
    s < 60 ? `${s} s` : s < 3600 ? `${Math.floor(s / 60)} min`
      : s < 172800 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 86400)} d`;
  const atMost = (s) => coarse(s < 60 ? s : s < 3600 ? Math.ceil(s / 60) * 60 : Math.ceil(s / 3600) * 3600);
  const two = (n) => String(n).padStart(2, "0");
  const clock = (d) => `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
  const date = (d) => `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${clock(d)}`;
  const words = {
    ago: (d, now) => `${coarse(Math.max(0, Math.floor((now - d) / 1000)))} ago`,
    for: (d, now) => coarse(Math.max(0, Math.floor((now - d) / 1000))),
    left: (d, now) => `${atMost(Math.max(0, Math.ceil((d - now) / 1000)))} more`,
    clock,
    date,
  };
  const tick = () => {
    const now = Date.now();
    for (const element of document.querySelectorAll("time[data-t]")) {
      const at = new Date(element.dateTime);
      const word = words[element.dataset.t];
      const text = word && !Number.isNaN(at.getTime()) ? word(at, now) : element.textContent;
      if (element.textContent !== text) element.textContent = text;
      if (element.title !== date(at)) element.title = date(at);
    }
  };

  // A path to an element that is the same in the next drawing.
  const pathOf = (element) => {
    const steps = [];
    for (let at = element; at && at !== main(); at = at.parentElement) {
      if (at.id) return [`#${CSS.escape(at.id)}`, ...steps].join(" > ");
      const same = [...at.parentElement.children].filter((one) => one.localName === at.localName);
      steps.unshift(`${at.localName}:nth-of-type(${same.indexOf(at) + 1})`);
    }
    return ["#main", ...steps].join(" > ");
  };

  const keep = (before) => {
    const focused = before.contains(document.activeElement) ? document.activeElement : null;
    return {
      focus: focused && { path: pathOf(focused), start: focused.selectionStart, end: focused.selectionEnd },
      open: [...before.querySelectorAll("details[data-key]")].map((one) => [one.dataset.key, one.open]),
      scroll: [...before.querySelectorAll(".scroll[data-key]")].map((one) => [one.dataset.key, one.scrollLeft]),
      typed: [...before.querySelectorAll("input[name]:not([type=hidden])")]
        .filter((one) => one.value !== one.defaultValue || one.checked !== one.defaultChecked)
        .map((one) => [pathOf(one), one.value, one.checked]),
    };
  };
  const putBack = (kept) => {
    const keyed = (kind, key) => main().querySelector(`${kind}[data-key="${CSS.escape(key)}"]`);
    for (const [key, isOpen] of kept.open) {
      const one = keyed("details", key);
      if (one) one.open = isOpen;
    }
    for (const [key, left] of kept.scroll) {
      const one = keyed(".scroll", key);
      if (one) one.scrollLeft = left;
    }
    for (const [path, value, isChecked] of kept.typed) {
      const one = document.querySelector(path);
      if (one) [one.value, one.checked] = [value, isChecked];
    }
    const focused = kept.focus && document.querySelector(kept.focus.path);
    if (focused) {
      focused.focus({ preventScroll: true });
      if (typeof kept.focus.start === "number" && focused.setSelectionRange) {
        try { focused.setSelectionRange(kept.focus.start, kept.focus.end); } catch { /* not a text */ }
      }
    }
  };

  const put = (next) => {
    if (!next || next.id !== "main") return;
    const before = main();
    const kept = keep(before);
    const [x, y] = [window.scrollX, window.scrollY];
    before.replaceWith(next);
    putBack(kept);
    window.scrollTo(x, y);
    if (next.dataset.title) document.title = next.dataset.title;
    dress();
  };
  const parsed = (html) => new DOMParser().parseFromString(html, "text/html").getElementById("main");

  // What works with a script alone is hidden without one.
  const dress = () => {
    for (const button of document.querySelectorAll("button[data-copy]")) button.hidden = !navigator.clipboard;
    tick();
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy]");
    if (!button) return;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not copied";
    }
  });

  // A form is sent once: who presses twice means one thing. A browser that stops waiting may send it
  // again, and so may a page that somebody goes back to.
  let sent = 0;
  document.addEventListener("submit", (event) => {
    if (event.target.method !== "post") return;
    if (sent) return event.preventDefault();
    sent = setTimeout(free, SENT_MS_MAX);
    if (event.submitter) event.submitter.disabled = true;
  });
  const free = () => {
    clearTimeout(sent);
    sent = 0;
    for (const button of document.querySelectorAll("form[method=post] button:not([hidden])")) button.disabled = false;
  };

  let stream = null;
  let again = AGAIN_MS_MIN;
  let timer = 0;
  const shown = () => `live, event ${grouped(main().dataset.position)}`;
  const address = () => {
    const url = new URL(location.href);
    url.hash = "";
    url.searchParams.set("live", main().dataset.position);
    return url;
  };
  const listen = () => {
    clearTimeout(timer);
    if (stream) stream.close();
    stream = new EventSource(address());
    stream.addEventListener("open", () => {
      again = AGAIN_MS_MIN;
      say(shown(), true);
    });
    stream.addEventListener("page", (event) => {
      put(parsed(event.data));
      say(shown(), true);
    });
    stream.addEventListener("error", () => {
      say("not live, trying again", false);
      if (stream.readyState !== EventSource.CLOSED) return;
      timer = setTimeout(listen, again);
      again = Math.min(again * 2, AGAIN_MS_MAX);
    });
  };
  // A browser has six connections to a server. A tab that nobody sees gives its own back, and looks
  // now and then, so that its title still says the state.
  const look = async () => {
    clearTimeout(timer);
    timer = setTimeout(look, HIDDEN_LOOK_MS);
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      if (answer.ok && document.hidden) put(parsed(await answer.text()));
    } catch { /* the next look may succeed */ }
  };
  // The bar of a task that runs grows with time alone, which is no event.
  const grow = async () => {
    if (document.hidden || !main().querySelector(".bar-line .run")) return;
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      const next = answer.ok && parsed(await answer.text());
      if (next && Number(next.dataset.position) >= Number(main().dataset.position)) put(next);
    } catch { /* the stream says whether the page is live */ }
  };
  const turn = () => {
    if (document.hidden) {
      if (stream) stream.close();
      stream = null;
      clearTimeout(timer);
      timer = setTimeout(look, HIDDEN_LOOK_MS);
    } else {
      listen();
    }
  };
  document.addEventListener("visibilitychange", turn);
  window.addEventListener("pagehide", () => stream && stream.close());
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    free();
    turn();
  });
  setInterval(tick, TICK_MS);
  setInterval(grow, GROW_MS);
  dress();
  turn();
})();
