// What states are called and look like, and how times, amounts and commands are written.

import { byId, drawn, element } from "./dom.js";

// A kind has a colour and a shape of its own: nobody has to tell colours apart.
const KINDS = {
  ready: "ok",
  degraded: "warn",
  starting: "busy",
  draining: "busy",
  paused: "off",
  stopped: "off",
  missing: "off",
  unknown: "unknown",
};
const SHAPES = {
  ok: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13Zm3.1 4.7-3.8 4.2a.8.8 0 0 1-1.2 0L4.6 8.9l1.1-1.1 1 1L10 5.1Z",
  warn: "M8.9 2 15 12.7A1 1 0 0 1 14.1 14.3H1.9A1 1 0 0 1 1 12.7L7.1 2a1 1 0 0 1 1.8 0ZM7.2 5.8v4h1.6v-4Zm0 5v1.6h1.6v-1.6Z",
  busy: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13Zm0 1.7v9.6a4.8 4.8 0 0 1 0-9.6Z",
  bad: "M5.2 1.5h5.6l3.7 3.7v5.6l-3.7 3.7H5.2l-3.7-3.7V5.2Zm.4 3L4.5 5.6 6.9 8l-2.4 2.4 1.1 1.1L8 9.1l2.4 2.4 1.1-1.1L9.1 8l2.4-2.4-1.1-1.1L8 6.9Z",
  off: "M3.5 1.5h9a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2h-9a2 2 0 0 1-2-2v-9a2 2 0 0 1 2-2Zm0 1.7a.3.3 0 0 0-.3.3v9c0 .2.1.3.3.3h9c.2 0 .3-.1.3-.3v-9a.3.3 0 0 0-.3-.3Z",
  unknown:
    "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM7.2 10.6h1.6v1.6H7.2Zm.8-6.8c1.5 0 2.6.9 2.6 2.3 0 1.8-1.8 1.9-1.8 3.4H7.2c0-2.1 1.8-2.3 1.8-3.4 0-.5-.4-.8-1-.8s-1 .4-1.1 1H5.4c.1-1.5 1.1-2.5 2.6-2.5Z",
  note: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM7.2 4h1.6v1.6H7.2Zm0 2.8h1.6V12H7.2Z",
};

export const kindOf = (state) => KINDS[state] ?? "bad";

export const icon = (kind) =>
  drawn(
    "svg",
    { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true" },
    drawn("path", { d: SHAPES[kind], "fill-rule": "evenodd" }),
  );

export function amount(bytes) {
  const giga = bytes / 2 ** 30;
  return giga < 1 ? `${Math.round(bytes / 2 ** 20)} MB` : `${giga.toFixed(1).replace(/\.0$/, "")} GB`;
}

export const percent = (share) => `${Math.round(share * 100)} %`;

// Rounded down: 99.999 % must not look like 100 %.
export const exactPercent = (share) => `${Math.floor(share * 10000) / 100} %`;

// A duration in its largest unit.
export function age(seconds) {
  for (const [size, unit] of [
    [86400, "d"],
    [3600, "h"],
    [60, "min"],
  ])
    if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
  return `${Math.max(0, Math.round(seconds))} s`;
}

// A duration in its two largest units.
export function longAge(seconds) {
  const parts = [];
  let left = Math.max(0, Math.round(seconds));
  for (const [size, unit] of [
    [86400, "d"],
    [3600, "h"],
    [60, "min"],
    [1, "s"],
  ]) {
    if (left >= size) parts.push(`${Math.floor(left / size)} ${unit}`);
    else if (parts.length) break;
    left %= size;
  }
  return parts.slice(0, 2).join(" ") || "0 s";
}

const DAY = 86400;
const CLOCK = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };

// A time of day, with its date where that is not today.
export function clock(at, now) {
  const when = new Date(at * 1000);
  const today = when.toDateString() === new Date(now * 1000).toDateString();
  const day = today ? {} : now - at < 7 * DAY ? { weekday: "short" } : { day: "numeric", month: "short" };
  return when.toLocaleString("en-GB", { ...day, ...CLOCK });
}

export const time = (at, now) =>
  element(
    "time",
    { datetime: new Date(at * 1000).toISOString(), title: new Date(at * 1000).toString() },
    clock(at, now),
  );

export const many = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

export const listed = (names) =>
  names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : names.join("");

// A remedy: its sentences, and each command with a button that copies it.
export const remedy = (parts) =>
  parts.map((part) => (part.command ? command(part.command) : element("span", {}, part.text)));

export function command(text) {
  const button = element(
    "button",
    { type: "button", class: "copy", "data-key": `copy ${text}`, "aria-label": `Copy: ${text}` },
    "Copy",
  );
  button.addEventListener("click", () => copy(button, text));
  return element("span", { class: "command" }, element("code", {}, text), button);
}

export async function copy(button, text) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
    byId("news").textContent = "Copied";
  } catch {
    button.textContent = "Select it, and copy";
  }
  setTimeout(() => {
    button.textContent = before;
  }, 2000);
}
