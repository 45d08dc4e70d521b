// Prints why a config cannot be read, and nothing if it can: the gateway itself
// calls a file that was cut in half one without gateway.mode. Parsed by the
// gateway's own library, or not judged at all.
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
