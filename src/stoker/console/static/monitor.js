// The plots of a page, by uPlot; asked for again every 30 seconds while somebody looks, unless
// what they show is over (data-still).
"use strict";
(() => {
  let box = null, plots = [];
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const lines = ["blue", "violet", "amber", "teal", "good", "grey"];

  // While nobody points at a plot, its legend has the latest of what there is.
  const at = (u, index) => {
    if (index !== null && index !== undefined) return index;
    for (let i = u.data[0].length - 1; i >= 0; i--) if (u.data.slice(1).some((line) => (line[i] ?? null) !== null)) return i;
    return null;
  };
  const shown = (u, line, index, write) => {
    const found = at(u, index), one = found === null ? null : u.data[line][found];
    return (one ?? null) === null ? "—" : write(one);
  };

  function options(plot, width) {
    const axis = { stroke: () => colour("quiet"), grid: { stroke: () => colour("faint"), width: 1 }, ticks: { show: false }, gap: 4, font: "11px system-ui, sans-serif" };
    return {
      width, height: 150, cursor: { points: { size: 5 } }, legend: { live: true },
      scales: { y: { range: (u, low, high) => [0, high > 0 ? high * 1.08 : 1] } },
      axes: [{ ...axis, size: 24, space: 60, values: (u, all) => all.map((at) => clock(at, all)) }, { ...axis, size: 44, values: (u, all) => all.map((one) => short(one, "")) }],
      series: [{ label: "UTC", value: (u, raw, line, index) => shown(u, 0, index, (one) => new Date(one * 1000).toISOString().slice(5, 16).replace("T", " ")) }, ...plot.lines.map((line, number) => ({
        label: line.name, stroke: () => colour(plot.title.startsWith("Err") && !number ? "bad" : lines[number % lines.length]), width: 1.4,
        points: { show: true, size: 4.5 }, spanGaps: false, value: (u, raw, line, index) => shown(u, line, index, (one) => short(one, plot.unit)),
      }))],
    };
  }

  function clock(at, all) {
    const text = new Date(at * 1000).toISOString();
    const span = all[all.length - 1] - all[0];
    return span > 2 * 86400 ? text.slice(5, 10) : text.slice(11, span < 600 ? 19 : 16);
  }

  function short(value, unit) {
    const text = Math.abs(value) >= 10000 ? `${+(value / 1000).toPrecision(3)}k` : String(+value.toPrecision(4));
    return unit ? `${text} ${unit}` : text;
  }

  function summary(plot) {
    return plot.lines.map((line) => {
      const known = line.values.filter((one) => one !== null);
      return `${line.name}: ${known.length ? `highest ${short(Math.max(...known), plot.unit)}` : "nothing"}`;
    }).join("; ");
  }

  async function load() {
    const answer = await fetch(box.dataset.from);
    if (!answer.ok) return;
    const told = await answer.json();
    const fresh = !plots.length;
    for (const plot of fresh ? told.plots : []) { // all places first: then each knows how wide it is
      const figure = document.createElement("figure"), title = document.createElement("figcaption");
      figure.className = "card";
      const unit = document.createElement("span");
      unit.textContent = plot.unit;
      title.append(`${plot.title} `, unit);
      figure.append(title);
      box.append(figure);
      plots.push({ figure, uplot: null });
    }
    told.plots.forEach((plot, number) => {
      const place = plots[number], values = [told.times, ...plot.lines.map((line) => line.values)];
      if (place.uplot) place.uplot.setData(values);
      else place.uplot = new uPlot(options(plot, place.figure.clientWidth - 24), values, place.figure);
      place.figure.setAttribute("role", "img");
      place.figure.setAttribute("aria-label", `${plot.title}. ${summary(plot)}`);
    });
  }

  addEventListener("resize", () => {
    for (const { figure, uplot } of plots) uplot.setSize({ width: figure.clientWidth - 24, height: 150 });
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plots.forEach(({ uplot }) => uplot.redraw()));
  setInterval(() => { if (!document.hidden && box && box.isConnected && !("still" in box.dataset)) load(); }, 30_000);

  function look() { // what is asked for again may bring the plots, or take them away
    const found = document.getElementById("plots");
    if (found === box) return;
    box = found;
    plots = [];
    if (box) load();
  }
  document.addEventListener("htmx:afterSettle", look);
  look();
})();
