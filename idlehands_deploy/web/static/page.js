// The page: one stream of events from the server, each with the parts that have changed.

import { showCards } from "./cards.js";
import { byId, element, renew, write } from "./dom.js";
import { showEvents, showFindings } from "./lists.js";
import { setUpPorts, showPorts } from "./ports.js";
import { setUpStates, showStates } from "./states.js";
import { clock, command, icon, kindOf, listed, many } from "./words.js";

// How often ages count on without news; milliseconds.
const TICK = 5000;

const parts = {};
let ahead = 0;
let lost;
let waiting = false;

const now = () => Date.now() / 1000 + ahead;

function receive(message) {
  const said = JSON.parse(message.data);
  ahead = said.now - Date.now() / 1000;
  Object.assign(parts, said.parts);
  draw();
}

// At most once a frame, and not while nobody looks.
function draw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    show();
  });
}

const named = (kind) => Object.fromEntries(parts.fleet.profiles.map((name) => [name, parts[`${kind}/${name}`]]));

function show() {
  if (!parts.fleet) return;
  const gateways = named("gateway");
  showHead(parts.fleet, gateways);
  showCards(parts.fleet, gateways, named("usage"), now());
  showStates(parts.fleet, named("states"), now());
  showPorts(parts.fleet, gateways);
  showEvents(parts.events ?? [], now());
  showFindings(parts.doctor, Math.max(0, ...Object.values(gateways).map((gateway) => gateway?.since ?? 0)), now());
}

function showHead(fleet, gateways) {
  const seen = Object.entries(gateways).filter(([, gateway]) => gateway);
  const ready = seen.filter(([, { state }]) => state === "ready").length;
  const others = seen.filter(([, { state }]) => state !== "ready").map(([name, { state }]) => `${name} is ${state}`);
  const kinds = seen.map(([, { state }]) => kindOf(state));
  const bad = kinds.filter((kind) => kind === "bad").length;
  const worst = ["bad", "warn", "busy", "unknown", "off", "ok"].find((kind) => kinds.includes(kind)) ?? "unknown";
  write(byId("project"), fleet.project);
  const all = ["", "The gateway is", "Both gateways are"][ready] ?? `All ${ready} gateways are`;
  const told = `${listed(others.slice(0, 4))}${others.length > 4 ? ", …" : "."}`;
  const sentence =
    others.length === 0 && ready
      ? `${all} ready.`
      : `${ready} of ${many(fleet.profiles.length, "gateway")} ready.${others.length ? ` ${told}` : ""}`;
  renew(byId("summary"), [worst, sentence], () => [
    element("span", { class: worst }, icon(worst)),
    element("span", {}, sentence),
  ]);
  renew(byId("watch"), [fleet.watched, fleet.restarts], () =>
    fleet.watched
      ? `A watch runs: it records outages, ${fleet.restarts ? "and restarts hung gateways" : "and restarts nothing"}.`
      : ["No watch runs: outages are recorded only while this page is served. ", command(fleet.start)],
  );
  write(byId("about"), `idlehands-deploy ${fleet.version}, ${fleet.directory}`);
  document.title = `${bad ? `(${bad}) ` : ""}${fleet.project} – IdleHands gateways`;
}

function connect() {
  const stream = new EventSource("stream");
  stream.onopen = () => {
    lost = undefined;
    document.body.classList.remove("stale");
    byId("lost").hidden = true;
    write(byId("connection"), "Live");
  };
  stream.onmessage = receive;
  stream.onerror = () => {
    lost ??= now();
    document.body.classList.add("stale");
    byId("lost").hidden = false;
    const closed = stream.readyState === EventSource.CLOSED;
    write(byId("connection"), closed ? "Ended" : "Connection lost");
    write(
      byId("lost"),
      closed
        ? "This link is no longer valid: what you see is old. The command that serves the page prints the new one."
        : `The connection was lost at ${clock(lost, now())}: what you see is old. Trying again.`,
    );
  };
}

setUpStates(draw);
setUpPorts();
connect();
// What is old must not look as if it went on.
setInterval(() => lost === undefined && draw(), TICK);
