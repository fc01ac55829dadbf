"use strict";
/* The Runtime API over one connection, by hand: node's own http module belongs to the function,
 * whose tracing libraries replace its parts.
 *
 *     const wire = new Wire("127.0.0.1:9001");
 *     const event = await wire.next();            { status, headers, body }
 *     await wire.post("/…/response", {}, "{}");   what is sent in one turn travels together
 *
 * The connection keeps the process alive only while an answer to it is awaited.
 */

const net = require("node:net");

const BASE = "/2018-06-01/runtime";
const HEAD_END = "\r\n\r\n";
const HEAD_BYTES = 1 << 16; // of an answer; the Runtime API's are far below

class Wire {
  #host;
  #port;
  #address;
  #socket = null;
  #waiting = []; // for an answer: { resolve, reject }, in order
  #parts = []; // received, and not used yet
  #size = 0;
  #answer = null; // the head that was read, while its body comes

  constructor(address) {
    const colon = address.lastIndexOf(":");
    this.#address = address;
    this.#host = address.slice(0, colon);
    this.#port = Number(address.slice(colon + 1));
  }

  /** loadedMs: with the first question, how long the function's own code took to load. */
  next(loadedMs) {
    const more = loadedMs === undefined ? "" : `Stoker-Function-Init-Ms: ${loadedMs}\r\n`;
    const head = `GET ${BASE}/invocation/next HTTP/1.1\r\nHost: ${this.#address}\r\n`;
    return this.#send(`${head}${more}\r\n`);
  }

  /** headers: values without line breaks. */
  post(path, headers, body) {
    const length = { "Content-Length": Buffer.byteLength(body) };
    return this.#send(this.#head(path, { ...headers, ...length }) + body);
  }

  /** Begin a body of unknown length; the answer comes after `last`. */
  begin(path, headers) {
    return this.#send(this.#head(path, { ...headers, "Transfer-Encoding": "chunked" }));
  }

  chunk(data, written) {
    const socket = this.#socket;
    if (socket === null) {
      written(new Error("The connection to the Runtime API is closed"));
      return;
    }
    socket.cork();
    socket.write(`${data.length.toString(16)}\r\n`);
    socket.write(data);
    socket.write("\r\n", written);
    socket.uncork();
  }

  last(trailers, written) {
    if (this.#socket === null) {
      written(new Error("The connection to the Runtime API is closed"));
      return;
    }
    this.#socket.write(`0\r\n${lines(trailers)}\r\n`, written);
  }

  #head(path, headers) {
    return `POST ${BASE}${path} HTTP/1.1\r\nHost: ${this.#address}\r\n${lines(headers)}\r\n`;
  }

  #send(text) {
    return new Promise((resolve, reject) => {
      const socket = (this.#socket ??= this.#connect());
      this.#waiting.push({ resolve, reject });
      socket.ref();
      if (!socket.writableCorked) {
        socket.cork();
        process.nextTick(() => socket.uncork());
      }
      socket.write(text);
    });
  }

  #connect() {
    const socket = net.connect({ host: this.#host, port: this.#port, noDelay: true });
    socket.on("data", (data) => this.#take(data));
    socket.on("error", () => {}); // "close" follows
    socket.on("close", () => {
      if (this.#socket === socket) {
        this.#lost(new Error("The Runtime API closed the connection"));
      }
    });
    return socket;
  }

  #lost(error) {
    this.#socket = this.#answer = null;
    this.#parts = [];
    this.#size = 0;
    for (const { reject } of this.#waiting.splice(0)) {
      reject(error);
    }
  }

  #take(data) {
    this.#parts.push(data);
    this.#size += data.length;
    while (this.#size > 0 && this.#waiting.length > 0) {
      this.#answer ??= this.#readHead();
      const body = this.#answer && this.#readBody(this.#answer);
      if (!body) {
        return;
      }
      const { status, headers } = this.#answer;
      this.#answer = null;
      this.#waiting.shift().resolve({ status, headers, body });
    }
    if (this.#waiting.length === 0) {
      this.#socket.unref();
    }
  }

  #readHead() {
    const data = this.#joined();
    const end = data.indexOf(HEAD_END);
    if (end < 0) {
      if (data.length > HEAD_BYTES) {
        this.#socket.destroy();
      }
      return null;
    }
    const [first, ...fields] = data.latin1Slice(0, end).split("\r\n");
    const headers = {};
    for (const field of fields) {
      const colon = field.indexOf(":");
      headers[field.slice(0, colon).toLowerCase()] = field.slice(colon + 1).trim();
    }
    this.#keep(data.subarray(end + HEAD_END.length));
    return { status: Number(first.split(" ")[1]), headers };
  }

  /** The whole body; null if more of it has to come. */
  #readBody({ headers }) {
    if (headers["transfer-encoding"] === "chunked") {
      return this.#readChunks();
    }
    const length = Number(headers["content-length"] ?? 0);
    if (this.#size < length) {
      return null;
    }
    const data = this.#joined();
    this.#keep(data.subarray(length));
    return data.subarray(0, length);
  }

  #readChunks() {
    const data = this.#joined();
    const chunks = [];
    for (let at = 0; ; ) {
      const end = data.indexOf("\r\n", at);
      const length = end < 0 ? NaN : parseInt(data.latin1Slice(at, end), 16);
      at = end + 2;
      if (Number.isNaN(length) || data.length < at + length + 2) {
        return null;
      }
      if (length === 0) {
        this.#keep(data.subarray(at + 2));
        return Buffer.concat(chunks);
      }
      chunks.push(data.subarray(at, at + length));
      at += length + 2;
    }
  }

  #joined() {
    if (this.#parts.length !== 1) {
      this.#parts = [Buffer.concat(this.#parts)];
    }
    return this.#parts[0];
  }

  #keep(rest) {
    this.#parts = [rest];
    this.#size = rest.length;
  }
}

function lines(headers) {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("");
}

module.exports = { Wire };
