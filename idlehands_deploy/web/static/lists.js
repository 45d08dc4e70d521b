// What happened, and what `doctor` found.

import { byId, element, renew } from "./dom.js";
import { age, icon, kindOf, longAge, remedy, time } from "./words.js";

const LEVELS = { error: "bad", warning: "warn", note: "note" };
const SHORT = 10;
const MARKS = {
  restarted: "ok",
  "restart failed": "bad",
  "gave up": "bad",
  "notification failed": "warn",
  "fleet file rejected": "bad",
};

export function showEvents(events, now) {
  const place = byId("events");
  const more = place.querySelector("details")?.open;
  renew(place, [events, new Date(now * 1000).toDateString()], () => {
    if (!events.length) return element("p", { class: "quiet" }, "Nothing yet.");
    return [
      list(events.slice(0, SHORT), now),
      events.length > SHORT &&
        element(
          "details",
          { open: more },
          element("summary", { "data-key": "events" }, `${events.length - SHORT} earlier`),
          list(events.slice(SHORT), now),
        ),
    ];
  });
}

const list = (events, now) =>
  element(
    "ol",
    { class: "events" },
    events.map((event) => {
      const kind = event.state ? kindOf(event.state) : (MARKS[event.what] ?? "note");
      const lasted = event.lasted ? ` (was ${event.before} for ${longAge(event.lasted)})` : "";
      return element(
        "li",
        {},
        time(event.at, now),
        element("span", { class: `mark ${kind}` }, icon(kind)),
        element(
          "span",
          {},
          event.profile && element("strong", {}, `${event.profile} `),
          `${event.what}${lasted}`,
          event.why && element("span", { class: "quiet" }, event.state ? `: ${event.why}` : ` – ${event.why}`),
        ),
      );
    }),
  );

// changed: when the state of a gateway changed last.
export function showFindings(found, changed, now) {
  const place = byId("doctor");
  if (!found) {
    renew(place, null, () => element("p", { class: "quiet" }, "Examining."));
    return;
  }
  // The worst comes first.
  const kind = found.ok ? "ok" : (LEVELS[found.findings[0]?.level] ?? "bad");
  const old = changed > found.at ? ", before the latest change" : "";
  renew(place, [found, old, age(now - found.at)], () => [
    element("p", { class: `result ${kind}` }, icon(kind), found.summary),
    element("p", { class: "quiet" }, "Examined ", time(found.at, now), `, ${age(now - found.at)} ago${old}.`),
    found.findings.length > 0 && element("ul", { class: "findings" }, found.findings.map(finding)),
  ]);
}

const finding = ({ level, place, what, why, fix }) =>
  element(
    "li",
    { class: LEVELS[level] },
    element(
      "p",
      {},
      element("span", { class: "level" }, icon(LEVELS[level]), level),
      " ",
      element("strong", {}, place),
      ` ${what}`,
    ),
    why && element("p", { class: "quiet" }, `Why it matters: ${why}`),
    fix.length > 0 && element("p", {}, element("span", { class: "label" }, "Fix"), remedy(fix)),
  );
