"use strict";
/* The Node.js runtime client, as it is in /var/runtime with the _stoker_ modules beside it.
 *
 * Node 18 and later, nothing but Node's own modules. Two ways in:
 *
 *     node bootstrap.cjs            as AWS starts it: everything is in the environment
 *     node bootstrap.cjs parked     ahead of time: it gets warm, says so on descriptor 10, and
 *                                   waits there for {"env": .., "cwd": ..}; the end of that
 *                                   descriptor means that it is not wanted
 */

const { run } = require("./_stoker_runtime.cjs");

if (process.argv[2] === "parked") {
  const { park } = require("./_stoker_parked.cjs");
  park().then(run);
} else {
  run();
}
