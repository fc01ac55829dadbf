"use strict";
/* The loop: ask for an event, call the handler, post what came of it.
 *
 * Behaviour is that of AWS's client for the same version of Node: from 24 on there are no
 * callbacks, and nothing waits for an empty event loop.
 */

const { Fault, cause, logged, payload, rejected, typeHeader } = require("./_stoker_errors.cjs");
const { forgetLinks, load } = require("./_stoker_loading.cjs");
const log = require("./_stoker_log.cjs");
const { ResponseStream, installGlobals, isStreaming } = require("./_stoker_stream.cjs");
const { Wire } = require("./_stoker_wire.cjs");

const HAS_CALLBACKS = Number(process.versions.node.split(".")[0]) < 24;
const UNHANDLED_REJECTION = 128; // exit codes of AWS's client
const UNCAUGHT_EXCEPTION = 129;
const NO_CALLBACKS =
  "ERROR: AWS Lambda has removed support for callback-based function handlers starting with " +
  "Node.js 24. You need to modify this function to use a supported handler signature to use " +
  "Node.js 24 or later. For more information see " +
  "https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.";
const NEVER_SETTLED =
  "The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly " +
  "caused by a Promise that was never settled. For more information, see " +
  "https://nodejs.org/docs/latest/api/process.html#exit-codes";

let wire;
let onEmptyLoop = null; // what to do when nothing is left to wait for
let inHand = null; // the Invocation

async function run() {
  wire = new Wire(process.env.AWS_LAMBDA_RUNTIME_API);
  forgetLinks();
  log.open();
  installGlobals();
  listenForDebugger();
  if (HAS_CALLBACKS) {
    watchProcess();
  }
  let handler;
  const began = performance.now();
  try {
    handler = await load(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER);
    if (!HAS_CALLBACKS && handler.length >= 3 && !isStreaming(handler)) {
      throw new Fault("CallbackHandlerDeprecated", NO_CALLBACKS);
    }
    isStreaming(handler);
  } catch (error) {
    if (HAS_CALLBACKS) {
      await die("Uncaught Exception", error, UNCAUGHT_EXCEPTION);
    }
    log.failure("Init Error", error, logged(error));
    await postFailure("/init/error", error);
    throw error; // node prints it, and exits with 1
  }
  const loadedMs = performance.now() - began;
  for (let event = await wire.next(loadedMs); ; event = await new Invocation(event).run(handler)) {
    // Each answer travels with the question for the next event.
  }
}

/** `stoker dev --debug`: --inspect, of a node that may run already. */
function listenForDebugger() {
  const said = process.env._STOKER_DEBUG;
  delete process.env._STOKER_DEBUG;
  if (said) {
    const [port, how] = said.split(",");
    require("node:inspector").open(Number(port), "127.0.0.1", how === "wait");
  }
}

/** Before 24: the client itself ends the process when something is thrown that nobody caught. */
function watchProcess() {
  process.on("uncaughtException", (error) => {
    void die("Uncaught Exception", error, UNCAUGHT_EXCEPTION);
  });
  process.on("unhandledRejection", (reason, promise) => {
    const error = rejected(reason, promise);
    void die("Unhandled Promise Rejection", error, UNHANDLED_REJECTION);
  });
  process.on("beforeExit", () => {
    const action = onEmptyLoop;
    onEmptyLoop = null;
    action?.();
  });
}

async function die(title, error, status) {
  log.failure(title, error, logged(error));
  const path = inHand === null ? "/init/error" : `/invocation/${inHand.id}/error`;
  await postFailure(path, error).catch(() => {});
  process.exit(status);
}

function postFailure(path, error) {
  const it = payload(error);
  const headers = {
    "Content-Type": "application/json",
    "Lambda-Runtime-Function-Error-Type": typeHeader(it.errorType),
  };
  const xray = cause(error);
  if (xray) {
    headers["Lambda-Runtime-Function-XRay-Error-Cause"] = xray;
  }
  return wire.post(path, headers, JSON.stringify(it));
}

class Invocation {
  #event;
  #next; // resolves with the next event
  #answered = false;

  constructor(event) {
    this.#event = event;
    this.id = event.headers["lambda-runtime-aws-request-id"];
  }

  /** The next event. */
  run(handler) {
    const { headers, body } = this.#event;
    const trace = headers["lambda-runtime-trace-id"];
    if (trace) {
      process.env._X_AMZN_TRACE_ID = trace;
    } else {
      delete process.env._X_AMZN_TRACE_ID;
    }
    log.current.id = this.id;
    log.current.tenant = headers["lambda-runtime-aws-tenant-id"];
    inHand = this;
    return new Promise((...both) => {
      const [resolve, reject] = both;
      this.#next = (next) => next.then(resolve, reject);
      let event;
      let context;
      try {
        event = JSON.parse(body.toString());
        context = contextOf(headers);
      } catch (error) {
        this.fail(error);
        return;
      }
      if (isStreaming(handler)) {
        void this.#stream(handler, event, context);
      } else if (HAS_CALLBACKS) {
        this.#callBack(handler, event, context);
      } else {
        void this.#call(handler, event, context);
      }
    });
  }

  succeed(result) {
    let text;
    try {
      text = JSON.stringify(result === undefined ? null : result) ?? "null";
    } catch {
      const words = "Unable to stringify response body";
      this.fail(HAS_CALLBACKS ? new Error(words) : new Fault("JSONStringifyError", words));
      return;
    }
    this.#answer(() => {
      const path = `/invocation/${this.id}/response`;
      return wire.post(path, { "Content-Type": "application/json" }, text);
    });
  }

  fail(error) {
    if (!this.#answered) {
      log.failure("Invoke Error", error, logged(error instanceof Error ? error : thrown(error)));
    }
    this.#answer(() => postFailure(`/invocation/${this.id}/error`, error));
  }

  #answer(post) {
    if (this.#answered) {
      return;
    }
    this.#answered = true;
    onEmptyLoop = null;
    post().catch(() => {}); // then the next event does not come either
    this.#done();
  }

  #done() {
    this.#next(wire.next());
  }

  async #call(handler, event, context) {
    try {
      this.succeed(await handler(event, context));
    } catch (error) {
      this.fail(error);
    }
  }

  /** A handler of the time when handlers might be synchronous, and call back. */
  #callBack(handler, event, context) {
    addLegacy(context, this);
    const callback = (error, result) => {
      if (this.#answered) {
        return;
      }
      if (error !== undefined && error !== null) {
        this.fail(error);
      } else if (context.callbackWaitsForEmptyEventLoop) {
        onEmptyLoop = () => this.succeed(result);
      } else {
        this.succeed(result);
      }
    };
    onEmptyLoop = () => this.succeed(null);
    let result;
    try {
      result = handler(event, context, callback);
    } catch (error) {
      this.fail(error);
      return;
    }
    if (typeof result?.then === "function") {
      if (!this.#answered) {
        onEmptyLoop = () => this.fail(new Fault("NodeJsExit", NEVER_SETTLED));
      }
      result.then(
        (value) => this.succeed(value),
        (error) => this.fail(error),
      );
    }
  }

  async #stream(handler, event, context) {
    const stream = new ResponseStream(wire, `/invocation/${this.id}/response`, handler);
    let broken = null;
    stream.on("error", (error) => (broken ??= error));
    try {
      const result = handler(event, stream, context);
      if (typeof result?.then !== "function") {
        throw new Error("Streaming does not support non-async handlers.");
      }
      if ((await result) !== undefined) {
        console.warn("Streaming handlers ignore return values.");
      }
      await stream.taken;
      if (!stream.writableFinished) {
        throw broken ?? new Error("Response stream is not finished.");
      }
    } catch (error) {
      if (!stream.begun) {
        this.fail(error);
        return;
      }
      log.failure("Invoke Error", error, logged(error instanceof Error ? error : thrown(error)));
      await stream.fail(error);
    }
    onEmptyLoop = null;
    this.#done();
  }
}

function thrown(value) {
  return new Error(String(value));
}

function contextOf(headers) {
  const { env } = process;
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  const context = {
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parsed(headers["lambda-runtime-client-context"]),
    identity: parsed(headers["lambda-runtime-cognito-identity"]),
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    awsRequestId: headers["lambda-runtime-aws-request-id"],
    tenantId: headers["lambda-runtime-aws-tenant-id"],
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
  if (!HAS_CALLBACKS) {
    context.xRayTraceId = headers["lambda-runtime-trace-id"];
  }
  return context;
}

function parsed(header) {
  return header ? JSON.parse(Buffer.from(header, "latin1").toString()) : undefined;
}

function addLegacy(context, invocation) {
  context.callbackWaitsForEmptyEventLoop = true;
  context.succeed = (result) => invocation.succeed(result);
  context.fail = (error) => invocation.fail(error ?? "handled");
  context.done = (error, result) => {
    if (error !== undefined && error !== null) {
      invocation.fail(error);
    } else {
      invocation.succeed(result);
    }
  };
}

module.exports = { run };
