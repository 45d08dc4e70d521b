// Merges what the deployment allows into two lists of the gateway's config: the
// origins of its dashboard, and the reverse proxies to trust. What somebody else put
// there stays. What was merged is noted beside the config, and removed again when the
// deployment no longer wants it. Prints what it changed.
const { readFileSync, renameSync, rmSync, statSync, writeFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { BlockList, isIPv6 } = require("node:net");

const [entry, config, port, origins, proxies] = process.argv.slice(2);
const note = `${config}.merged`;

const isMapping = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const words = (text) => text.split(",").filter(Boolean);
const asText = (value) => `${JSON.stringify(value, null, 2)}\n`;

// The origins to list. Any list replaces what the gateway allows by itself, and `*`
// allows everything.
function wantedOrigins(others) {
    const own = [`http://localhost:${port}`, `http://127.0.0.1:${port}`];
    const named = words(origins);
    return others.includes("*") || !(others.length || named.length) ? [] : [...new Set([...own, ...named])];
}

// A trusted address gets answers only to what a proxy forwards. The host's own would
// then get none to its probes and tunnels, so it is left out of what is trusted.
function wantedProxies() {
    const routes = readFileSync("/proc/net/route", "utf8").split("\n").map((line) => line.split("\t"));
    const [, , gateway] = routes.find(([, target]) => target === "00000000") ?? [];
    const host = gateway?.match(/../g).reverse().map((byte) => parseInt(byte, 16)).join(".");
    return words(proxies).filter((word) => {
        if (!host || !includes(word, host)) return true;
        console.log(`WARNING: ${word} is not trusted as a proxy: it includes this container's own host, ${host}`);
        return false;
    });
}

function includes(network, host) {
    const [address, prefix] = network.split("/");
    const list = new BlockList();
    const family = isIPv6(address) ? "ipv6" : "ipv4";
    if (prefix) list.addSubnet(address, Number(prefix), family);
    else list.addAddress(address, family);
    return list.check(host);
}

function noted() {
    try {
        return JSON.parse(readFileSync(note, "utf8"));
    } catch {
        return {};
    }
}

function write(path, text) {
    writeFileSync(`${path}.new`, text, { mode: statSync(config).mode & 0o777, flush: true });
    renameSync(`${path}.new`, path);
}

// Why the config is left alone; nothing if it may be written.
function hindrance(text, mappings) {
    if (mappings.some((mapping) => "$include" in mapping)) return "includes other files";
    try {
        JSON.parse(text);
    } catch {
        return "has comments";
    }
}

function main() {
    const text = readFileSync(config, "utf8");
    let value;
    try {
        value = createRequire(entry)("json5").parse(text);
    } catch {
        return;
    }
    const gateway = value?.gateway ?? {};
    const controlUi = gateway.controlUi ?? {};
    // The gateway itself reports a config that is broken.
    if (![value, gateway, controlUi].every(isMapping)) return;

    const before = noted();
    const merged = {};
    const changes = [];
    for (const [key, mapping, place, wanted] of [
        ["allowedOrigins", controlUi, "gateway.controlUi", wantedOrigins],
        ["trustedProxies", gateway, "gateway", wantedProxies],
    ]) {
        const now = mapping[key] ?? [];
        if (!Array.isArray(now)) return;
        const others = now.filter((item) => !(before[key] ?? []).includes(item));
        merged[key] = wanted(others).filter((item) => !others.includes(item));
        const list = [...others, ...merged[key]];
        if (JSON.stringify(list.toSorted()) === JSON.stringify(now.toSorted())) continue;
        if (list.length) mapping[key] = list;
        else delete mapping[key];
        changes.push(`${place}.${key} ${JSON.stringify(list)}`);
    }
    if (changes.length) {
        const why = hindrance(text, [value, gateway, controlUi]);
        if (why) {
            console.log(`WARNING: config ${config} ${why}, so it is not changed: write in it yourself ${changes.join(", ")}`);
            return;
        }
        if (Object.keys(controlUi).length) gateway.controlUi = controlUi;
        else delete gateway.controlUi;
        value.gateway = gateway;
        write(config, asText(value));
        console.log(`set ${changes.join(", ")}`);
    }
    if (Object.values(merged).flat().length) write(note, asText(merged));
    else rmSync(note, { force: true });
}

try {
    main();
} catch (error) {
    // A mount that is read-only, for example: the gateway starts with the config as it is.
    console.log(`WARNING: config ${config} cannot be changed: ${error.message}`);
}
