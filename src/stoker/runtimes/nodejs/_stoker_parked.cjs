"use strict";
/* A node that was started before anybody knew its function. */

const fs = require("node:fs");
const Module = require("node:module");
const net = require("node:net");
require("node:https"); // what nearly every function needs: it is in memory then

const GO = 10; // descriptor of the socket to the server
const PACKET_BYTES = 65536;
// Read from MemorySize: below this much, garbage is collected before it fills the environment.
const SMALL_MB = 1024;

/** Get warm and wait to be given a function; then be as if started with its environment. */
async function park() {
  await rehearse();
  fs.writeSync(GO, "ready");
  const packet = Buffer.allocUnsafe(PACKET_BYTES);
  const size = fs.readSync(GO, packet);
  if (size === 0) {
    process.exit(0);
  }
  fs.closeSync(GO);
  const { env, cwd } = JSON.parse(packet.toString("utf8", 0, size));
  become(env);
  process.chdir(cwd);
  process.argv.length = 2;
}

/** What the first connection and the first import cost is spent while nobody waits. */
async function rehearse() {
  await import("node:url");
  await new Promise((resolve) => {
    const server = net.createServer((socket) => socket.resume().end("x"));
    server.listen(0, "127.0.0.1", () => {
      const socket = net.connect(server.address().port, "127.0.0.1");
      socket.resume();
      socket.on("close", () => server.close(resolve));
      socket.write("x");
    });
  });
}

function become(env) {
  for (const name of Object.keys(process.env)) {
    if (!(name in env)) {
      delete process.env[name];
    }
  }
  for (const name of Object.keys(env)) {
    if (process.env[name] !== env[name]) {
      process.env[name] = env[name];
    }
  }
  Module._initPaths(); // NODE_PATH
  const memory = Number(env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE);
  if (memory < SMALL_MB) {
    // The heap's limit is fixed when node starts, but not how it grows towards that.
    const percent = Math.max(20, Math.floor((memory * 100) / SMALL_MB));
    require("node:v8").setFlagsFromString(`--heap-growing-percent=${percent}`);
  }
}

module.exports = { park };
