"use strict";
/* From "dir/file.export.name" to a function, in the order and with the errors of AWS's client. */

const fs = require("node:fs");
const Module = require("node:module");
const path = require("node:path");
const { pathToFileURL } = require("node:url");

const { Fault, about, syntaxError } = require("./_stoker_errors.cjs");

// A module that cannot be found is reported with who asked for it: not our files, but AWS's.
const INDEX = "/var/runtime/index.mjs";

async function load(root, handler) {
  if (handler.includes("..")) {
    throw new Fault(
      "MalformedHandlerName",
      `'${handler}' is not a valid handler name. Use absolute paths when specifying root ` +
        "directories in handler names.",
    );
  }
  const base = path.basename(handler);
  const parts = /^([^.]*)\.(.*)$/.exec(base);
  if (!parts) {
    throw new Fault("MalformedHandlerName", "Bad handler");
  }
  const folder = handler.slice(0, handler.indexOf(base));
  const module = await loadModule(root, folder, parts[1]);
  const found = find(module, parts[2]) || find(module?.default, parts[2]);
  if (!found) {
    throw new Fault("HandlerNotFound", `${handler} is undefined or not exported`);
  }
  if (typeof found !== "function") {
    throw new Fault("HandlerNotFound", `${handler} is not a function`);
  }
  return found;
}

function find(module, name) {
  return name.split(".").reduce((value, key) => value?.[key], module);
}

async function loadModule(root, folder, name) {
  const require = Module.createRequire(INDEX);
  const file = path.resolve(root, folder, name);
  try {
    for (const extension of ["", ".js", ".mjs", ".cjs"]) {
      const candidate = file + extension;
      if (isFile(candidate)) {
        const asModule = extension === ".mjs" || (extension === ".js" && isInModule(candidate));
        return asModule ? await import(pathToFileURL(candidate)) : require(candidate);
      }
    }
    return require(require.resolve(name, { paths: [root, path.join(root, folder)] }));
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw syntaxError(error);
    }
    if (error instanceof Error && error.code === "MODULE_NOT_FOUND") {
      throw about("ImportModuleError", error);
    }
    throw error;
  }
}

function isFile(file) {
  return fs.statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** CommonJS has NODE_PATH, in AWS's order: these two are there for ES modules alone. */
function forgetLinks() {
  const above = Module._nodeModulePaths;
  const links = ["/var/node_modules", "/node_modules"];
  Module._nodeModulePaths = (from) => above(from).filter((folder) => !links.includes(folder));
}

/** Whether the nearest package.json says that .js is an ES module. */
function isInModule(file) {
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    if (path.basename(folder) === "node_modules") {
      return false;
    }
    try {
      return JSON.parse(fs.readFileSync(path.join(folder, "package.json"))).type === "module";
    } catch (error) {
      if (error instanceof SyntaxError || folder === path.dirname(folder)) {
        return false;
      }
    }
  }
}

module.exports = { forgetLinks, load };
