#!/usr/bin/env node
// An external extension on the Logs API, over HTTP: counts what its environment says.

import { createServer } from "node:http";
import { basename } from "node:path";

const api = `http://${process.env.AWS_LAMBDA_RUNTIME_API}`;
const extension = `${api}/2020-01-01/extension`;
const name = basename(process.argv[1]); // of an external extension: its file's
const WAIT_MS = 60_000; // for news of one invocation; its timeout counts, too

let lines = 0;
const done = new Map(); // request id -> what to call when the runtime is done with it

function take(events) {
  for (const { type, record } of events) {
    if (type === "function") lines += 1;
    if (type === "platform.runtimeDone") untilDone(record.requestId).resolve();
  }
}

function untilDone(requestId) {
  if (!done.has(requestId)) {
    const one = {};
    one.promise = new Promise((resolve) => (one.resolve = resolve));
    done.set(requestId, one);
  }
  return done.get(requestId);
}

async function ask(method, url, body, headers) {
  const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${text}`);
  return { text, headers: answer.headers };
}

function listen() {
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const piece of request) text += piece;
    take(JSON.parse(text));
    response.end();
  });
  return new Promise((resolve) => server.listen(0, () => resolve(server.address().port)));
}

function subscribe(me, port) {
  const types = (process.env.WITNESS_TYPES ?? "platform,function,extension").split(",");
  const body = {
    schemaVersion: "2021-03-18",
    types,
    buffering: { maxItems: 1000, maxBytes: 262144, timeoutMs: 25 },
    destination: {
      protocol: "HTTP", method: "POST", encoding: "JSON", URI: `http://sandbox:${port}/logs`,
    },
  };
  return ask("PUT", `${api}/2020-08-15/logs`, body, me);
}

const registered = await ask(
  "POST",
  `${extension}/register`,
  { events: ["INVOKE", "SHUTDOWN"] },
  { "Lambda-Extension-Name": name, "Lambda-Extension-Accept-Feature": "accountId" },
);
const me = {
  "Lambda-Extension-Identifier": registered.headers.get("Lambda-Extension-Identifier"),
};
const { accountId } = JSON.parse(registered.text);
try {
  await subscribe(me, await listen());
} catch (why) {
  const kind = { "Lambda-Extension-Function-Error-Type": "Extension.ConfigInvalid" };
  await ask("POST", `${extension}/init/error`, { errorMessage: why.message }, { ...me, ...kind });
  process.exit(1);
}
for (let invocations = 0; ; invocations += 1) {
  const event = JSON.parse((await ask("GET", `${extension}/event/next`, undefined, me)).text);
  if (event.eventType === "SHUTDOWN") {
    const reason = event.shutdownReason;
    console.log(`${name} of ${accountId}: ${invocations} invocations, ${lines} lines, ${reason}`);
    process.exit(0);
  }
  let late;
  const patience = new Promise((resolve) => (late = setTimeout(resolve, WAIT_MS)));
  await Promise.race([untilDone(event.requestId).promise, patience]);
  clearTimeout(late);
  done.delete(event.requestId);
}
