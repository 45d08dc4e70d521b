// The states of each gateway over time, as a bar; and its outages as a list.

import { byId, drawn, element, keep, renew } from "./dom.js";
import { clock, exactPercent, kindOf, longAge, many, time } from "./words.js";

const KINDS = [
  ["ok", "ready"],
  ["warn", "degraded"],
  ["busy", "starting or stopping"],
  ["bad", "outage"],
  ["off", "stopped"],
  ["none", "not watched"],
];
// Each kind has a height, of a hundred, and a pattern of its own too.
const HEIGHTS = { ok: 100, warn: 100, busy: 60, bad: 100, off: 30 };
const FILLS = { warn: "url(#dots)", bad: "url(#stripes)" };
// The least width of what must not be overlooked, of a hundred.
const LEAST = 0.6;
const SPOKEN = { "1h": "hour", "24h": "24 hours", "7d": "7 days" };

const rows = new Map();
let period = "24h";
let isChosen = false;

export function setUpStates(redraw) {
  for (const [name, spoken] of Object.entries(SPOKEN)) {
    const input = element("input", { type: "radio", name: "period", value: name, checked: name === period });
    input.addEventListener("change", () => {
      isChosen = true;
      period = name;
      redraw();
    });
    byId("periods").append(
      element("label", {}, input, element("span", {}, name), element("span", { class: "hidden" }, ` (last ${spoken})`)),
    );
  }
  byId("legend").append(
    ...KINDS.map(([kind, word]) =>
      element(
        "li",
        {},
        drawn("svg", { class: "swatch", "aria-hidden": "true" }, kind !== "none" && block(kind, 0, 100)),
        word,
      ),
    ),
  );
}

export function showStates(fleet, states, now) {
  if (!isChosen) choose(shortest(fleet, states, now));
  keep(byId("states"), rows, fleet.profiles, (name) => new Row(name));
  for (const [name, row] of rows) if (states[name]) row.show(states[name], fleet.periods[period], now);
}

// The shortest period that shows all there is, up to a day: a watch that has just begun would be a line at the edge.
function shortest(fleet, states, now) {
  const first = Math.min(
    now,
    ...Object.values(states).flatMap((one) => one?.spans.slice(0, 1).map(([from]) => from) ?? []),
  );
  return now - first <= fleet.periods["1h"] ? "1h" : "24h";
}

function choose(name) {
  if (period === name) return;
  period = name;
  byId("periods").querySelector(`[value="${name}"]`).checked = true;
}

class Row {
  constructor(name) {
    this.name = name;
    const part = (tag, kind) => (this[kind] = element(tag, { class: kind }));
    this.root = element(
      "div",
      { class: "states" },
      element("div", { class: "head" }, element("h3", {}, name), part("p", "share")),
      part("div", "track"),
      part("div", "axis"),
      part("div", "outages"),
    );
    this.axis.setAttribute("aria-hidden", "true");
  }

  show(states, length, now) {
    const since = now - length;
    const spans = states.spans.map(([from, to, ...more]) => [from, to ?? now, ...more]).filter(([, to]) => to > since);
    const down = outages(spans, since);
    const sentence = share(spans, down, states.restarts.filter((at) => at >= since).length, since);
    renew(this.share, sentence, (parts) => [element("strong", {}, parts[0]), parts[1]]);
    const bar = spans.map(([from, to, state]) => [
      kindOf(state),
      ...placed(Math.max(from, since), to, since, length),
      state,
      from,
      to,
    ]);
    renew(this.track, [bar.map(([kind, x, width]) => [kind, x.toFixed(2), width.toFixed(2)]), period], () =>
      drawn(
        "svg",
        { class: "bar", role: "img", "aria-label": `${this.name}, last ${SPOKEN[period]}: ${sentence.join("")}` },
        // What is short must not be hidden by what is long.
        [...bar]
          .sort((a, b) => Number(a[0] !== "ok") - Number(b[0] !== "ok"))
          .map(([kind, x, width, state, from, to]) =>
            drawn(
              "g",
              {},
              drawn("title", {}, `${state}, ${clock(from, now)} to ${clock(to, now)} (${longAge(to - from)})`),
              block(kind, x, width),
            ),
          ),
      ),
    );
    renew(this.axis, ticks(since, now), (texts) => texts.map((text) => element("span", {}, text)));
    renew(
      this.outages,
      down,
      (list) =>
        list.length &&
        element(
          "details",
          { open: this.outages.querySelector("details")?.open },
          element("summary", { "data-key": `outages ${this.name}` }, many(list.length, "outage")),
          element(
            "ol",
            {},
            list
              .slice()
              .reverse()
              .map(([from, to, words]) =>
                element(
                  "li",
                  {},
                  time(from, now),
                  element("span", { class: "lasted" }, longAge(to - from)),
                  element("span", {}, words),
                ),
              ),
          ),
        ),
    );
  }
}

const block = (kind, x, width) =>
  drawn("rect", {
    class: `span ${kind}`,
    x: `${x}%`,
    width: `${width}%`,
    y: `${100 - HEIGHTS[kind]}%`,
    height: `${HEIGHTS[kind]}%`,
    fill: FILLS[kind],
  });

// Where a span lies, of a hundred.
function placed(from, to, since, length) {
  const x = ((from - since) / length) * 100;
  const width = Math.max(LEAST, ((to - from) / length) * 100);
  return [Math.min(x, 100 - width), width];
}

// How available the gateway was, of the time in which somebody watched.
function share(spans, down, restarted, since) {
  const lasted = (fits) => spans.filter(fits).reduce((sum, [from, to]) => sum + to - Math.max(from, since), 0);
  const watched = lasted(() => true);
  if (!watched) return ["Not watched", ""];
  const ready = exactPercent(lasted(([, , state]) => state === "ready") / watched);
  const usable = exactPercent(lasted(([, , , isUsable]) => isUsable) / watched);
  const longest = Math.max(...down.map(([from, to]) => to - from));
  const outages = down.length ? `${many(down.length, "outage")}, the longest ${longAge(longest)}` : "no outage";
  const restarts = restarted ? `; restarted by the watch ${restarted === 1 ? "once" : many(restarted, "time")}` : "";
  return [
    `${ready} ready`,
    `${ready === usable ? "" : `, ${usable} usable`} of ${longAge(watched)} watched; ${outages}${restarts}`,
  ];
}

// Times in which the gateway could not be used, each with its states.
function outages(spans, since) {
  const found = [];
  for (const [from, to, state, usable, reason] of spans) {
    if (usable) continue;
    const words = reason ? `${state}: ${reason}` : state;
    const last = found.at(-1);
    if (last && from - last[1] < 0.2) {
      last[1] = to;
      if (last[2].length < 4 && !last[2].includes(words)) last[2].push(words);
    } else found.push([Math.max(from, since), to, [words]]);
  }
  return found.map(([from, to, words]) => [Math.round(from), Math.round(to), words.join(", then ")]);
}

function ticks(since, now) {
  return [0, 0.25, 0.5, 0.75].map((share) => clock(since + (now - since) * share, now)).concat("now");
}
