// Elements from values. Texts are only ever set as texts, so that what a gateway says is never read as HTML.

const SVG = "http://www.w3.org/2000/svg";

export const element = (name, attributes, ...children) => filled(document.createElement(name), attributes, children);

export const drawn = (name, attributes, ...children) =>
  filled(document.createElementNS(SVG, name), attributes, children);

export const byId = (id) => document.getElementById(id);

// Set a text, and leave the page alone if it is there already: a screen reader would read it again.
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Make an element's content anew if what it shows has changed: a selection and the focus in it would be lost.
export function renew(node, value, make) {
  const key = JSON.stringify(value);
  if (node.shown === key) return;
  node.shown = key;
  const focused = node.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  node.replaceChildren(...[make(value)].flat(Infinity).filter(Boolean));
  if (focused) [...node.querySelectorAll("[data-key]")].find((one) => one.dataset.key === focused)?.focus();
}

// One child for each name, in this order; a child lives as long as its name.
export function keep(parent, children, names, make) {
  for (const [name, child] of children) {
    if (names.includes(name)) continue;
    child.root.remove();
    children.delete(name);
  }
  names.forEach((name, place) => {
    if (!children.has(name)) children.set(name, make(name));
    const { root } = children.get(name);
    if (parent.children[place] !== root) parent.insertBefore(root, parent.children[place] ?? null);
  });
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === false || value === undefined || value === null) continue;
    if (name === "on") for (const [event, act] of Object.entries(value)) node.addEventListener(event, act);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}
