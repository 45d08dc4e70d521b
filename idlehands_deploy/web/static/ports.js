// The port map: who can reach which port of which gateway, as a picture and as a table.

import { byId, drawn, element, renew } from "./dom.js";
import { icon, kindOf } from "./words.js";

const ROW = 26;
const RAIL = 20;
const HEAD = 34;
const GAP = 14;

let last;

export function setUpPorts() {
  new ResizeObserver(() => last && showPorts(...last)).observe(byId("ports"));
}

export function showPorts(fleet, gateways) {
  last = [fleet, gateways];
  const ports = fleet.profiles.flatMap((name) =>
    (gateways[name]?.ports ?? []).map((port) => ({ ...port, profile: name, ...doing(port, gateways[name]) })),
  );
  const states = fleet.profiles.map((name) => [name, gateways[name]?.state ?? "not seen yet"]);
  const place = byId("ports");
  if (!place.clientWidth) return; // not laid out yet
  const open = place.querySelector("details")?.open;
  renew(place, [ports, states, place.clientWidth], () => [
    picture(ports, states, place.clientWidth),
    table(ports, open),
  ]);
}

// What a port does now, in words and as a kind.
function doing({ purpose }, gateway) {
  if (gateway.state === "unknown") return { now: "not known", kind: "unknown" };
  if (gateway.started === null) return { now: "closed", kind: "off" };
  if (purpose === "gateway") {
    if (gateway.usable) return { now: "answers", kind: "ok" };
    return kindOf(gateway.state) === "busy" ? { now: "not yet", kind: "busy" } : { now: "no answer", kind: "bad" };
  }
  const said = purpose === "browser control" ? gateway.control : gateway.browsers[purpose.slice("cdp ".length)];
  return (
    {
      answers: { now: "answers", kind: "ok" },
      running: { now: "browser on", kind: "ok" },
      off: { now: "off", kind: "off" },
      frozen: { now: "frozen", kind: "bad" },
      refuses: { now: "rejects the token", kind: "bad" },
    }[said] ?? { now: "not asked", kind: "off" }
  );
}

function reach(address) {
  if (address.startsWith("127.") || address === "::1") return `This computer alone (${address})`;
  return address === "0.0.0.0" || address === "::"
    ? `Every network of this computer (${address})`
    : `The network of ${address}`;
}

// Each address is a rail from which a branch leads to every port on it.
function picture(ports, states, width) {
  const rails = [...new Set(ports.map((port) => port.address))].sort(
    (a, b) => Number(a.startsWith("127.")) - Number(b.startsWith("127.")),
  );
  const railAt = (address) => 10 + rails.indexOf(address) * RAIL;
  const left = 10 + rails.length * RAIL + 6;
  const ends = new Map();
  const lines = [];
  const boxes = [];
  let y = rails.length * 24 + 6;
  for (const [name, state] of states) {
    const mine = ports.filter((port) => port.profile === name);
    const height = HEAD + mine.length * ROW + 6;
    boxes.push(
      drawn("rect", { class: "box", x: left, y, width: width - left - 1, height, rx: 8 }),
      drawn("text", { class: "name", x: left + 16, y: y + 22 }, name),
      drawn("text", { class: `now ${kindOf(state)}`, x: width - 14, y: y + 22, "text-anchor": "end" }, state),
    );
    mine.forEach((port, place) => {
      const at = y + HEAD + place * ROW + ROW / 2;
      ends.set(port.address, at);
      lines.push(
        drawn("path", { class: "halo", d: `M${railAt(port.address) + 5} ${at}H${left}` }),
        drawn("path", { class: "rail", d: `M${railAt(port.address)} ${at}H${left}` }),
      );
      boxes.push(
        drawn("circle", { class: `socket ${port.kind}`, cx: left, cy: at, r: 5 }),
        drawn("text", { class: "port", x: left + 16, y: at + 4.5 }, String(port.port)),
        drawn("text", { class: "purpose", x: left + 64, y: at + 4.5 }, port.purpose),
        drawn("text", { class: `now ${port.kind}`, x: width - 14, y: at + 4.5, "text-anchor": "end" }, port.now),
      );
    });
    y += height + GAP;
  }
  const posts = rails.map((address, place) => [
    drawn("path", { class: "rail", d: `M${railAt(address)} ${place * 24 + 12}V${ends.get(address)}` }),
    drawn("circle", { class: "post", cx: railAt(address), cy: place * 24 + 12, r: 5 }),
    drawn("text", { class: "reach", x: left + 16, y: place * 24 + 16.5 }, reach(address)),
  ]);
  return drawn(
    "svg",
    {
      class: "ports",
      viewBox: `0 0 ${width} ${y - GAP + 1}`,
      width,
      height: y - GAP + 1,
      role: "img",
      "aria-label": "Which addresses lead to which port of which gateway. The table below says the same.",
    },
    posts,
    lines,
    boxes,
  );
}

const table = (ports, open) =>
  element(
    "details",
    { open },
    element("summary", { "data-key": "ports table" }, "The same as a table"),
    element(
      "div",
      { class: "wide", tabindex: "0", role: "region", "aria-label": "Ports" },
      element(
        "table",
        {},
        element(
          "thead",
          {},
          element(
            "tr",
            {},
            ["Gateway", "Purpose", "Address", "Port", "Now"].map((text) => element("th", { scope: "col" }, text)),
          ),
        ),
        element(
          "tbody",
          {},
          ports.map((port) =>
            element(
              "tr",
              {},
              element("th", { scope: "row" }, port.profile),
              [port.purpose, port.address, String(port.port)].map((text) => element("td", {}, text)),
              element("td", { class: `now ${port.kind}` }, icon(port.kind), port.now),
            ),
          ),
        ),
      ),
    ),
  );
