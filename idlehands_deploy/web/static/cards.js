// A card for each gateway: its verdict, the reason, the next command, what it uses, and the way to it.

import { area, most } from "./charts.js";
import { byId, element, keep, renew, write } from "./dom.js";
import { age, amount, clock, copy, icon, kindOf, listed, many, percent, remedy } from "./words.js";

const cards = new Map();

export function showCards(fleet, gateways, usage, now) {
  keep(byId("cards"), cards, fleet.profiles, (name) => new Card(name));
  for (const [name, card] of cards) card.show(gateways[name], usage[name], now);
}

class Card {
  constructor(name) {
    this.name = name;
    this.state = undefined;
    const part = (tag, kind) => (this[kind] = element(tag, { class: kind }));
    this.open = element(
      "a",
      { target: "_blank", rel: "noreferrer noopener", class: "button", "aria-label": `Open the dashboard of ${name}` },
      "Open its dashboard",
    );
    this.login = element(
      "button",
      { type: "button", class: "plain", "aria-label": `Copy the login command of ${name}` },
      "Copy the login command",
    );
    this.login.addEventListener("click", () => copy(this.login, this.command));
    this.article = element(
      "article",
      { "aria-labelledby": `card-${name}` },
      element(
        "div",
        { class: "head" },
        element("h3", { id: `card-${name}` }, name),
        part("p", "verdict"),
        part("p", "since"),
      ),
      part("p", "reason"),
      part("div", "next"),
      part("div", "usage"),
      part("dl", "facts"),
      element("div", { class: "ways" }, this.open, this.login),
    );
    this.root = element("li", {}, this.article);
  }

  show(gateway, usage, now) {
    if (!gateway) {
      write(this.verdict, "not seen yet");
      return;
    }
    this.announce(gateway);
    this.article.dataset.kind = kindOf(gateway.state);
    renew(this.verdict, gateway.state, (state) => [icon(kindOf(state)), state]);
    const at = gateway.since;
    write(this.since, at === null ? "" : `since ${clock(at, now)}, for ${age(now - at)}`);
    write(this.reason, gateway.reason);
    renew(
      this.next,
      gateway.remedy,
      (parts) => parts.length && [element("span", { class: "label" }, "Next"), element("p", {}, remedy(parts))],
    );
    renew(
      this.usage,
      [gateway.memory, gateway.memory_limit, gateway.cpu, usage ?? null, gateway.started !== null],
      used,
    );
    renew(this.facts, facts(gateway, now), (pairs) =>
      pairs.map(([what, value]) => element("div", {}, element("dt", {}, what), element("dd", {}, value))),
    );
    this.open.setAttribute("href", gateway.link);
    this.command = gateway.login;
    this.login.title = gateway.login;
    this.open.hidden = !gateway.usable;
    this.login.hidden = !gateway.usable;
  }

  // Say a new verdict to who cannot see it; the first is not news.
  announce({ state, reason }) {
    if (this.state !== undefined && this.state !== state)
      byId("news").textContent = `${this.name} is ${state}${reason ? `: ${reason}` : ""}`;
    this.state = state;
  }
}

function used([memory, limit, cpu, usage, isUp]) {
  if (!isUp) return [];
  const of = limit ? ` of ${amount(limit)}` : "";
  return [
    meter("Memory", amount, memory, of, usage?.memory, (peak) => limit || peak * 1.2),
    meter("CPU", percent, cpu, " of a core", usage?.cpu, (peak) => Math.max(0.5, peak * 1.1)),
  ];
}

// One figure: as it is, and over the last hour. written: a value as text; top: the upper edge for this peak.
function meter(name, written, value, of, values, top) {
  const peak = values ? most(values) : null;
  const spoken = peak === null ? "" : `${name} over the last hour: at most ${written(peak)}${of}`;
  return element(
    "div",
    { class: "meter" },
    element(
      "p",
      {},
      element("span", { class: "label" }, name),
      element("strong", {}, value === null ? "–" : written(value)),
      element("span", { class: "quiet" }, of),
    ),
    element("div", { class: "plot" }, peak !== null && area(values, top(peak), spoken)),
    element("p", { class: "peak quiet" }, peak !== null && `Last hour, peak ${written(peak)}`),
  );
}

function facts(gateway, now) {
  const browsers = Object.entries(gateway.browsers);
  const on = browsers
    .filter(([, state]) => state !== "off")
    .map(([name, state]) => (browsers.length > 1 ? `${name} ${state}` : state));
  const pairs = [];
  if (gateway.started !== null) pairs.push(["Up", age(now - gateway.started)]);
  if (browsers.length) pairs.push(["Browser", listed(on) || "off"]);
  if (gateway.restarts) pairs.push(["Restarted by Docker", many(gateway.restarts, "time")]);
  if (gateway.version) pairs.push(["Version", gateway.version]);
  return pairs;
}
