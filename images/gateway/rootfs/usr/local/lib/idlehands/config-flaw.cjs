// Prints why a config cannot be parsed, and nothing if it can: for half a file the
// gateway itself reports only that gateway.mode is missing. Uses the gateway's own
// parser; without it, prints nothing.
const { readFileSync } = require("node:fs");
const { createRequire } = require("node:module");

const [entry, config] = process.argv.slice(2);
let parse;
try {
    ({ parse } = createRequire(entry)("json5"));
} catch {
    process.exit(0);
}
try {
    parse(readFileSync(config, "utf8"));
} catch (error) {
    console.log(error.message.replace(/[^\x20-\x7e]/g, "?"));
}
