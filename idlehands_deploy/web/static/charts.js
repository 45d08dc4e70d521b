// Memory and CPU of one gateway over the last hour, as a small area.

import { drawn } from "./dom.js";

const WIDTH = 120;
const HEIGHT = 30;

// values: oldest first, null where nothing was measured; top: the value at the upper edge.
export function area(values, top, label) {
  const x = (place) => ((place + 0.5) * WIDTH) / values.length;
  const y = (value) => HEIGHT - 1 - Math.min(1, value / top) * (HEIGHT - 3);
  const chart = drawn(
    "svg",
    {
      class: "chart",
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      preserveAspectRatio: "none",
      role: "img",
      "aria-label": label,
    },
    drawn("line", { class: "base", x1: 0, x2: WIDTH, y1: HEIGHT - 0.5, y2: HEIGHT - 0.5 }),
  );
  for (const run of runs(values)) {
    // One value alone would be no area.
    const points =
      run.length > 1
        ? run.map(([place, value]) => [x(place), y(value)])
        : [
            [x(run[0][0]) - 0.5, y(run[0][1])],
            [x(run[0][0]) + 0.5, y(run[0][1])],
          ];
    const line = points.map((point) => point.map((one) => one.toFixed(2)).join(" ")).join("L");
    chart.append(
      drawn("path", {
        class: "under",
        d: `M${points[0][0].toFixed(2)} ${HEIGHT}L${line}L${points.at(-1)[0].toFixed(2)} ${HEIGHT}Z`,
      }),
      drawn("path", { class: "line", d: `M${line}` }),
    );
  }
  return chart;
}

export const most = (values) =>
  values.reduce((found, value) => (value === null ? found : Math.max(found ?? 0, value)), null);

function runs(values) {
  const found = [];
  values.forEach((value, place) => {
    if (value === null) return;
    if (place && values[place - 1] !== null && found.length) found.at(-1).push([place, value]);
    else found.push([[place, value]]);
  });
  return found;
}
