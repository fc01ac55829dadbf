"use strict";
/* console, as AWS has it: each call one event, with time, request id and level.
 *
 * Events go to the framed descriptor, which keeps those of several lines whole; without it, to
 * standard output with the lines of one event joined by \r.
 */

const fs = require("node:fs");
const { format } = require("node:util");

const LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]; // a frame's level: place + 1
const TEXT_FRAME = 0xa55a0003;
const JSON_FRAME = 0xa55a0002;
const HEADER_BYTES = 16;
const NO_ID = Number(process.versions.node.split(".")[0]) >= 24 ? "-" : undefined;

/** The invocation in hand. */
const current = { id: NO_ID, tenant: undefined };

let isJson = false;
let descriptor = -1;

/** Read the environment, and replace console's methods. */
function open() {
  const { AWS_LAMBDA_LOG_FORMAT, AWS_LAMBDA_LOG_LEVEL, _LAMBDA_TELEMETRY_LOG_FD } = process.env;
  isJson = AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === "JSON";
  descriptor = Number(_LAMBDA_TELEMETRY_LOG_FD || -1);
  delete process.env._LAMBDA_TELEMETRY_LOG_FD;
  const least = Math.max(0, LEVELS.indexOf(AWS_LAMBDA_LOG_LEVEL?.toUpperCase()));
  for (const [place, level] of LEVELS.entries()) {
    const method = level.toLowerCase();
    console[method] = place < least ? () => {} : (...values) => write(place, values);
  }
  console.log = console.info;
}

/** An error that was not the function's to handle. title: "Invoke Error" or so. */
function failure(title, error, text) {
  if (isJson) {
    console.error(error instanceof Error ? error : new Error(String(error)));
  } else {
    console.error(title, text);
  }
}

function write(place, values) {
  const now = new Date();
  if (isJson) {
    const line = asJson(now, LEVELS[place], values);
    descriptor < 0 ? print(line) : frame(JSON_FRAME, place, now, line);
  } else {
    const id = String(current.id);
    const line = `${now.toISOString()}\t${id}\t${LEVELS[place]}\t${format(...values)}`;
    descriptor < 0 ? print(line) : frame(TEXT_FRAME, place, now, `${line}\n`);
  }
}

function asJson(now, level, values) {
  const record = { timestamp: now.toISOString(), level, requestId: current.id };
  if (current.tenant) {
    record.tenantId = current.tenant;
  }
  if (values.length <= 1) {
    record.message = values[0];
    try {
      return JSON.stringify(record, (_, value) => (value instanceof Error ? fields(value) : value));
    } catch {
      record.message = format(values[0]); // a cycle, or a BigInt
      return JSON.stringify(record);
    }
  }
  record.message = format(...values);
  const error = values.slice(1).find((value) => value instanceof Error);
  if (error) {
    const { errorType, errorMessage, stackTrace } = fields(error);
    Object.assign(record, { errorType, errorMessage, stackTrace: stackTrace ?? [] });
  }
  return JSON.stringify(record);
}

function fields(error) {
  const { stack } = error;
  return {
    errorType: error.constructor?.name ?? "UnknownError",
    errorMessage: error.message,
    stackTrace: typeof stack === "string" ? stack.split("\n") : stack,
    ...error,
  };
}

function print(line) {
  process.stdout.write(`${line.replaceAll("\n", "\r")}\n`);
}

function frame(kind, place, now, text) {
  const size = Buffer.byteLength(text);
  const data = Buffer.allocUnsafe(HEADER_BYTES + size);
  data.writeUInt32BE((kind | ((place + 1) << 2)) >>> 0, 0);
  data.writeUInt32BE(size, 4);
  data.writeBigInt64BE(BigInt(now.valueOf()) * 1000n, 8);
  data.write(text, HEADER_BYTES);
  for (let at = 0; at < data.length; ) {
    at += fs.writeSync(descriptor, data, at);
  }
}

module.exports = { NO_ID, current, failure, open };
