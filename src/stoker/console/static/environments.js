// Draws the lives of environments as the server tells of them (console/lives.py).
// Bounded however long the page is open: bars leave with the longest window, rows soon after.
"use strict";
(() => {
  const LONGEST_MS = 600_000, MOST_BARS = 1500, MOST_ROWS = 100, ROW = 36, TOP = 22, KEEP_OVER_MS = 30_000;
  const box = document.getElementById("lives");
  const track = document.getElementById("track"), tank = document.getElementById("tank");
  const rows = document.getElementById("rows"), detail = document.getElementById("detail");
  const chosen = document.getElementById("window"), pause = document.getElementById("pause");
  const lives = new Map(); // id -> {bars, phase, function, …, button}
  let ahead = 0, stopped = 0, water = null, colours = {}, source = null, open = null;

  const style = () => {
    const has = getComputedStyle(document.documentElement);
    const of = (name) => has.getPropertyValue(`--${name}`).trim();
    colours = {
      Create: of("amber"), Init: of("violet"), Reinit: of("violet"), Restore: of("teal"), Snapshot: of("teal"),
      Invoke: of("blue"), Idle: of("grey"), Settle: of("grey"), Frozen: of("ice"), Blank: of("edge"),
      Reset: of("bad"), Shutdown: of("bad"), part: of("good"), own: of("violet"),
      ink: of("ink"), quiet: of("quiet"), edge: of("edge"), faint: of("faint"), sheet: of("sheet"),
      blue: of("blue"), amber: of("amber"), teal: of("teal"),
    };
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", style);
  style();

  const now = () => stopped || Date.now() + ahead;
  const fixed = (text) => String(text).replace(/[^\x20-\x7e]/g, "?").slice(0, 200);

  function heard(event) {
    const told = JSON.parse(event.data);
    ahead = told.now - Date.now();
    for (const one of told.lives) take(one, told.now);
    water = told.water;
    say();
  }

  function take(one, moment) {
    let life = lives.get(one.id);
    if (!life) {
      if (lives.size >= MOST_ROWS) forget();
      life = { id: one.id, bars: [], over: 0 };
      add(life, one);
      lives.set(one.id, life);
    }
    const before = life.phase;
    Object.assign(life, { phase: one.phase, reason: one.reason });
    const first = one.bars.length ? one.bars[0][1] : 0;
    // What is told reaches to the present: it stands for all that was told of this time before.
    while (first && life.bars.length && life.bars[life.bars.length - 1].began > first - 0.5) life.bars.pop();
    for (const [phase, began, ms, many, parts] of one.bars) {
      const last = life.bars[life.bars.length - 1];
      if (last) last.end = began; // phases follow each other without a gap
      life.bars.push({ phase, began, end: began + ms, many, parts });
    }
    if (one.phase === "Dead" && !life.over) life.over = moment;
    if (life.bars.length > MOST_BARS) life.bars.splice(0, life.bars.length - MOST_BARS);
    if (before !== life.phase) name(life);
  }

  function add(life, one) {
    const item = document.createElement("li"), button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-expanded", "false");
    const title = document.createElement("b"), small = document.createElement("small");
    title.textContent = fixed(one.function);
    life.version = fixed(one.version);
    life.how = fixed(one.how);
    button.append(title, ` ${one.version === "$LATEST" ? "" : life.version}`, small);
    button.addEventListener("click", () => inspect(life));
    item.append(button);
    rows.append(item);
    Object.assign(life, { item, button, small });
  }

  function name(life) {
    const how = life.how === "on-demand" ? "" : ` · ${life.how}`;
    const end = life.over ? ` · ${fixed(life.reason)}` : "";
    life.small.textContent = `${life.id.slice(0, 8)} · ${life.over ? "ended" : life.phase}${how}${end}`;
    life.button.title = life.small.textContent;
    life.item.classList.toggle("over", Boolean(life.over));
  }

  function forget() {
    const others = [...lives.values()].filter((life) => !life.item.contains(document.activeElement));
    drop(others.sort((a, b) => (b.over ? 1 : 0) - (a.over ? 1 : 0))[0]);
  }

  function drop(life) {
    if (life.item.contains(document.activeElement)) return;
    life.item.remove();
    lives.delete(life.id);
  }

  function tidy() {
    const moment = Date.now() + ahead;
    for (const life of lives.values()) {
      while (life.bars.length > 1 && life.bars[0].end < moment - LONGEST_MS) life.bars.shift();
      if (life.over && moment - life.over > Math.max(KEEP_OVER_MS, seconds() * 1000)) drop(life);
    }
  }

  const seconds = () => Number(chosen.value);

  // --- the picture ---------------------------------------------------------------------------

  function sized(canvas, height) {
    const width = canvas.parentElement.clientWidth, ratio = devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    const paint = canvas.getContext("2d");
    paint.setTransform(ratio, 0, 0, ratio, 0, 0);
    paint.clearRect(0, 0, width, height);
    return [paint, width];
  }

  function draw() {
    const [paint, width] = sized(track, TOP + lives.size * ROW);
    const end = now(), span = seconds() * 1000, from = end - span;
    const x = (moment) => ((moment - from) / span) * width;
    const step = [1, 5, 10, 30, 120].find((one) => (one * 1000 * width) / span >= 70) || 120;
    paint.font = "11px system-ui, sans-serif";
    paint.textBaseline = "middle";
    for (let ago = 0; ago * 1000 <= span; ago += step) {
      const at = Math.round(x(end - ago * 1000)) - 0.5;
      paint.fillStyle = colours.faint;
      paint.fillRect(at, TOP, 1, lives.size * ROW);
      paint.fillStyle = colours.quiet;
      const text = ago ? `−${ago} s` : "now";
      if (at > 30 || !ago) paint.fillText(text, Math.min(at, width) - paint.measureText(text).width - 3, TOP / 2);
    }
    let top = TOP;
    for (const life of lives.values()) {
      bars(paint, life, top, x, from, end);
      paint.fillStyle = colours.faint;
      paint.fillRect(0, top + ROW - 1, width, 1);
      top += ROW;
    }
  }

  function bars(paint, life, top, x, from, end) {
    const list = life.bars;
    for (let i = 0; i < list.length; i++) {
      const bar = list[i], last = i === list.length - 1;
      const until = last && !life.over ? end : bar.end;
      if (until < from || bar.began > end) continue;
      const left = Math.max(x(bar.began), 0), size = Math.max(x(until) - left, 1.2);
      const thin = bar.phase === "Frozen" || bar.phase === "Idle" || bar.phase === "Blank";
      paint.fillStyle = colours[bar.phase] || colours.Idle;
      paint.fillRect(left, top + (thin ? 10 : 5), size, thin ? 4 : 14);
      let lane = top + 21;
      for (const [party, began, ms] of bar.parts) {
        const a = Math.max(x(began), 0), b = Math.max(x(began + ms) - a, 1.2);
        paint.fillStyle = party === "runtime" || party === "function" ? colours.own : colours.part;
        if (lane < top + ROW - 3) paint.fillRect(a, lane, b, 3);
        if (party !== "runtime") lane += 4;
      }
      if (size > 46 && !thin) {
        paint.fillStyle = colours.sheet;
        paint.fillText(bar.phase.toUpperCase(), left + 5, top + 12.5);
      }
    }
  }

  // --- how high the water stands -------------------------------------------------------------

  function say() {
    const levels = document.getElementById("levels"), own = water.function;
    const facts = [["Running", water.running], ["Account's limit", water.limit],
      ["Reserved", water.reserved], ["Provisioned", water.provisioned],
      ["Waiting", water.waiting], ["Throttled so far", water.throttled]];
    if (own) {
      facts.push(["Of it running", own.running], ["Its reservation", own.reserved === null ? "none" : own.reserved]);
      if (own.provisioned) facts.push(["Its provisioned", own.provisioned]);
      facts.push(["May grow at once by", own.growth], ["and then, each second", own.per_s.toFixed(own.per_s < 100 ? 1 : 0)]);
    }
    facts.forEach(([title, value], number) => {
      let fact = levels.children[number];
      if (!fact) {
        fact = document.createElement("div");
        fact.append(document.createElement("dt"), document.createElement("dd"));
        levels.append(fact);
      }
      if (fact.firstChild.textContent !== title) fact.firstChild.textContent = title;
      if (fact.lastChild.textContent !== String(value)) fact.lastChild.textContent = String(value);
    });
    const living = [...lives.values()].filter((life) => !life.over).length;
    document.getElementById("many").textContent = String(living);
    document.getElementById("nobody").hidden = lives.size > 0;
    box.hidden = lives.size === 0;
  }

  function fill() {
    if (!water) return;
    const [paint, width] = sized(tank, 26);
    const own = water.function;
    const limit = own && own.reserved !== null ? Math.max(own.reserved, 1) : water.limit;
    const x = (units) => (Math.min(units, limit) / limit) * width;
    paint.fillStyle = colours.faint;
    paint.fillRect(0, 4, width, 18);
    if (!own || own.reserved === null) {
      paint.fillStyle = colours.amber;
      paint.globalAlpha = 0.25;
      paint.fillRect(0, 4, x(water.reserved), 18);
      paint.fillStyle = colours.teal;
      paint.fillRect(x(water.reserved), 4, x(water.provisioned), 18);
      paint.globalAlpha = 1;
      paint.fillStyle = colours.amber;
      paint.fillRect(0, 8, x(water.reserved_running), 10);
      const others = water.running - water.reserved_running;
      paint.fillStyle = colours.blue;
      paint.fillRect(x(water.reserved), 8, Math.max(x(others), others ? 2 : 0), 10);
    } else {
      paint.fillStyle = colours.blue;
      paint.fillRect(0, 8, x(own.running), 10);
    }
    paint.fillStyle = colours.ink;
    paint.fillRect(width - 2, 1, 2, 24);
  }

  // --- one of them ---------------------------------------------------------------------------

  function inspect(life) {
    for (const other of lives.values()) other.button.setAttribute("aria-expanded", String(other === life && open !== life.id));
    open = open === life.id ? null : life.id;
    if (!open) { detail.replaceChildren(); return; }
    htmx.ajax("GET", `${box.dataset.inspect}/${encodeURIComponent(life.id)}`, { target: detail, select: "#environment", swap: "innerHTML" });
  }

  setInterval(() => {
    if (!open || document.hidden || stopped || !lives.has(open)) return;
    htmx.ajax("GET", `${box.dataset.inspect}/${encodeURIComponent(open)}`, { target: detail, select: "#environment", swap: "innerHTML" });
  }, 2000);

  pause.addEventListener("click", () => {
    stopped = stopped ? 0 : Date.now() + ahead;
    pause.setAttribute("aria-pressed", String(Boolean(stopped)));
    pause.firstChild.textContent = stopped ? "Go on " : "Pause ";
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "p" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) pause.click();
  });

  // Nobody is told of what nobody looks at.
  function follow() {
    if (document.hidden) {
      if (source) source.close();
      source = null;
    } else if (!source) {
      source = new EventSource(box.dataset.follow);
      source.addEventListener("lives", heard);
    }
  }
  document.addEventListener("visibilitychange", follow);
  follow();

  let drawn = 0;
  function frame(moment) {
    if (moment - drawn > 33) {
      drawn = moment;
      draw();
      fill();
    }
    requestAnimationFrame(frame);
  }
  requestAnimationFrame(frame);
  setInterval(tidy, 1000);
  window.stokerLives = lives; // for tests, and for who is curious
})();
