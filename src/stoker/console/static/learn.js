// An experiment that runs: its part of the page is asked for again as it goes on.
"use strict";
(() => {
  const run = () => document.getElementById("run");
  const follow = run().dataset.follow;
  if (!follow) return;
  let asking = false, again = false;
  async function refresh() {
    if (asking) { again = true; return; }
    asking = true;
    do {
      again = false;
      await htmx.ajax("GET", location.pathname, { target: run(), select: "#run", swap: "outerHTML" });
    } while (again);
    asking = false;
  }
  const source = new EventSource(follow);
  source.addEventListener("moved", () => { if (!document.hidden) refresh(); });
  source.addEventListener("over", () => { source.close(); refresh(); });
})();
