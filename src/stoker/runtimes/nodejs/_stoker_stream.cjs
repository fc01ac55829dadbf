"use strict";
/* Responses that are sent while they are made: awslambda.streamifyResponse, HttpResponseStream. */

const { Writable } = require("node:stream");

const { Fault, payload, typeHeader } = require("./_stoker_errors.cjs");

// These two are AWS's names: libraries set them without our function.
const STREAMING = Symbol.for("aws.lambda.runtime.handler.streaming");
const HIGH_WATER_MARK = Symbol.for("aws.lambda.runtime.handler.streaming.highWaterMark");
const PRELUDE_TYPE = "application/vnd.awslambda.http-integration-response";
const ERROR_TYPE = "Lambda-Runtime-Function-Error-Type";
const ERROR_BODY = "Lambda-Runtime-Function-Error-Body";

function installGlobals() {
  if (/^(1|true)$/.test(process.env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA ?? "")) {
    return;
  }
  globalThis.awslambda = { ...globalThis.awslambda, streamifyResponse, HttpResponseStream };
}

function streamifyResponse(handler, options) {
  handler[STREAMING] = "response";
  if (typeof options?.highWaterMark === "number") {
    handler[HIGH_WATER_MARK] = Math.trunc(options.highWaterMark);
  }
  return handler;
}

/** Whether the handler streams. */
function isStreaming(handler) {
  const kind = handler[STREAMING];
  if (kind && kind !== "response") {
    throw new Fault("MalformedStreamingHandler", "Only response streaming is supported.");
  }
  return Boolean(kind);
}

class HttpResponseStream {
  /** Put status, headers and cookies before the body, for function URLs and API Gateway. */
  static from(stream, prelude) {
    stream.setContentType(PRELUDE_TYPE);
    const text = JSON.stringify(prelude);
    stream._onBeforeFirstWrite = (write) => {
      write(text);
      write(Buffer.alloc(8));
    };
    return stream;
  }
}

/** What a streaming handler writes to. Nothing is sent before its first byte, or its end. */
class ResponseStream extends Writable {
  #wire;
  #path;
  #type = "application/octet-stream";
  #touched = false; // write() was called
  #receipt = null; // of the platform, once the response has begun
  #settled;

  constructor(wire, path, handler) {
    const highWaterMark = Number(handler[HIGH_WATER_MARK]) || undefined;
    super({ highWaterMark, decodeStrings: true });
    this.#wire = wire;
    this.#path = path;
    /** Settled when the platform has taken all of it, or the connection is lost. */
    this.taken = new Promise((...both) => (this.#settled = both));
    this.taken.catch(() => {}); // whoever waits for it hears of it
  }

  get begun() {
    return this.#receipt !== null;
  }

  setContentType(type) {
    if (this.#touched) {
      throw new Fault("InvalidStreamingOperation", "Cannot set content-type, too late.");
    }
    this.#type = type;
  }

  write(chunk, encoding, callback) {
    const before = this.#touched ? undefined : this._onBeforeFirstWrite;
    this.#touched = true;
    if (typeof before === "function") {
      before((data) => super.write(data));
    }
    const isBytes = typeof chunk === "string" || chunk instanceof Uint8Array;
    return super.write(isBytes ? chunk : JSON.stringify(chunk), encoding, callback);
  }

  end(chunk, encoding, callback) {
    if (typeof chunk === "function") {
      return super.end(chunk);
    }
    if (chunk !== undefined && chunk !== null) {
      this.write(chunk, typeof encoding === "string" ? encoding : undefined);
    }
    return super.end(typeof encoding === "function" ? encoding : callback);
  }

  /** End what has begun with the error behind it. */
  async fail(error) {
    const it = payload(error);
    const trailers = {
      [ERROR_TYPE]: typeHeader(it.errorType),
      [ERROR_BODY]: Buffer.from(JSON.stringify(it)).toString("base64"),
    };
    await new Promise((resolve) => this.#wire.last(trailers, resolve));
    this.destroy();
    await this.#receipt.catch(() => {});
  }

  _write(chunk, _, done) {
    this.#begin();
    if (chunk.length === 0) {
      done(); // an empty chunk would be the end
    } else {
      this.#wire.chunk(chunk, done);
    }
  }

  _final(done) {
    this.#begin();
    this.#wire.last({}, done);
  }

  #begin() {
    if (this.#receipt === null) {
      this.#receipt = this.#wire.begin(this.#path, {
        "Content-Type": this.#type.replace(/[^\x20-\x7e]/g, "?"),
        "Lambda-Runtime-Function-Response-Mode": "streaming",
        Trailer: `${ERROR_TYPE}, ${ERROR_BODY}`,
      });
      this.#receipt.then(...this.#settled);
    }
  }
}

module.exports = { ResponseStream, installGlobals, isStreaming };
