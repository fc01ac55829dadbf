"use strict";
/* Errors as AWS's client names, prints and posts them. */

const { isNativeError } = require("node:util/types");

/** An error that AWS has a name for. */
class Fault extends Error {
  constructor(type, message) {
    super(message);
    Object.defineProperty(this, "name", { value: `Runtime.${type}` }); // not in the log's JSON
  }
}

/** `fault` about another error, whose words it takes over. */
function about(type, error) {
  return new Fault(type, String(error));
}

function syntaxError(error) {
  const fault = about("UserCodeSyntaxError", error);
  fault.stack = error.stack;
  return fault;
}

function rejected(reason, promise) {
  const fault = new Fault("UnhandledPromiseRejection", String(reason));
  return Object.assign(fault, { reason, promise });
}

function isError(value) {
  return value instanceof Error || isNativeError(value); // of another realm: node:vm
}

/** DEL may not stand in a header; AWS escapes it everywhere. */
function escaped(text) {
  return typeof text === "string" ? text.replaceAll("\x7f", "%7F") : text;
}

/** What the caller gets. */
function payload(error) {
  try {
    if (!isError(error)) {
      return { errorType: typeof error, errorMessage: String(error), trace: [] };
    }
    return {
      errorType: escaped(error.name),
      errorMessage: escaped(error.message),
      trace: escaped(error.stack)?.split("\n") ?? [],
    };
  } catch {
    // A getter of theirs threw. The words are AWS's.
    return {
      errorType: "handled",
      errorMessage:
        "callback called with Error argument, but there was a problem while retrieving one or " +
        "more of its message, name, and stack",
      trace: [],
    };
  }
}

/** What follows "Invoke Error" in the log. */
function logged(error) {
  try {
    return `\t${JSON.stringify(error, (_, value) => (isError(value) ? plain(value) : value))}`;
  } catch {
    return `\t${JSON.stringify(payload(error))}`; // a cycle
  }
}

function plain(error) {
  const { name, message, code, stack } = error;
  const it = Object.assign({ errorType: name, errorMessage: message, code }, error);
  if (typeof stack === "string") {
    it.stack = stack.split("\n");
  }
  return it;
}

/** What X-Ray is told: a header's value, or "" if it cannot be said. */
function cause(error) {
  try {
    const stack = frames(escaped(error.stack) ?? "");
    const text = JSON.stringify({
      working_directory: process.cwd(),
      exceptions: [{ type: escaped(error.name), message: escaped(error.message), stack }],
      paths: [...new Set(stack.map(({ path }) => path))],
    });
    return text.replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  } catch {
    return "";
  }
}

function frames(stack) {
  const found = [];
  for (const line of stack.split("\n").slice(1)) {
    const parts = /^\s*at (?:(.+) \()?(.*?):(\d+)(?::\d+)?\)?$/.exec(line);
    if (parts) {
      found.push({ path: parts[2], line: Number(parts[3]), label: parts[1] ?? "anonymous" });
    }
  }
  return found;
}

/** The value of Lambda-Runtime-Function-Error-Type. */
function typeHeader(type) {
  return String(type).replace(/[^\x20-\x7e]/g, "?");
}

module.exports = { Fault, about, cause, logged, payload, rejected, syntaxError, typeHeader };
