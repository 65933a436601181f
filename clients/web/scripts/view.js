/**
 * Screens. In: a function that describes one. Out: elements in the page. Invariant: text is never read as HTML, one
 * action is primary, a pressed button does its work once, and whoever cannot see the screen is told of its change.
 */
import { loadWords, locale, switchLanguage, t } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const byId = (id) => document.getElementById(id);
let draw = null;

/** Marks that would turn the order of what stands beside them, such as an amount after a shop's name (UAX 9). */
const TURNS = /[\u202a-\u202e\u2066-\u2069]/g;
const unturned = (child) => (typeof child === "string" ? child.replace(TURNS, "") : child);

/** An element. Functions among its properties are listeners; empty children are left out; text stays text. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value || value === "") element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter(Boolean).map(unturned));
  return element;
}

/** A picture of the sheet in index.html; pictures say nothing that words do not. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

/** A button whose work runs once at a time; what goes wrong in it is the screen's to catch. */
export function button(label, work, { kind = "quiet", picture } = {}) {
  const element = h("button", { type: "button", class: kind }, picture && icon(picture), h("span", {}, label));
  element.addEventListener("click", async () => {
    if (element.getAttribute("aria-disabled")) return;
    const all = byId("screen").querySelectorAll("button");
    all.forEach((each) => each.setAttribute("aria-disabled", "true"));
    try {
      await work((text) => busy(element, text));
    } finally {
      all.forEach((each) => each.removeAttribute("aria-disabled"));
    }
  });
  return element;
}

/** A link that looks like a button, where its address is of the web or of an app. */
export function leave(label, address, kind = "quiet") {
  const web = /^(?!javascript|data|blob|file|vbscript)[a-z][a-z0-9.+-]*:\/\//i.test(address);
  return web ? h("a", { class: kind, href: address, rel: "noreferrer" }, label) : null;
}

function busy(element, text) {
  element.classList.add("busy");
  element.lastChild.textContent = text;
  say(text);
}

/** Tells a screen reader. */
export function say(text) {
  byId("voice").textContent = text;
}

/** A choice: a group of radio buttons. Rows are {id, label, detail, picture, mark, off}. */
export function choice(legend, rows, selected, onChange, name = "choice") {
  const row = ({ id, label, detail, picture, mark, off }) => {
    const input = h("input", { type: "radio", name, value: id, disabled: off, change: () => onChange(id) });
    input.checked = id === selected;
    return h("label", { class: "row" }, input, picture && icon(picture),
      h("span", {}, label, mark && h("em", {}, mark), detail && h("small", {}, detail)));
  };
  return h("fieldset", {}, h("legend", {}, legend), rows.map(row));
}

/** Names and values, one below the other; those without a value are left out. */
export function facts(pairs) {
  return h("dl", {}, pairs.filter(([, value]) => value).map(([name, value]) =>
    h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

/** A sentence that is about what just happened. */
export const alert = (text, tone = "bad") => text && h("p", { class: `alert ${tone}`, role: "alert" }, text);

/**
 * Shows a screen. `describe` returns {state, title, head, content, actions}; it is asked again for another language.
 * `head` takes the place of the title's own look.
 */
export function show(describe, { quiet = false } = {}) {
  draw = describe;
  paint();
  if (!quiet) byId("title").focus();
  scrollTo(0, 0);
}

/** Shows the screen again, as after a change of what it tells. */
export function repaint() {
  const { name, value } = document.activeElement;
  if (draw) paint();
  if (name) document.querySelector(`[name="${name}"][value="${value}"]`)?.focus();
}

function paint() {
  const { state, title, head, plain, content = [], actions = [] } = draw();
  document.title = `${title} · ${t("secure")}`;
  document.documentElement.lang = locale();
  byId("secure").textContent = t("secure");
  byId("language").textContent = t("other");
  byId("foot").textContent = t("foot");
  const screen = byId("screen");
  screen.dataset.state = state;
  screen.classList.toggle("plain", Boolean(plain));
  screen.removeAttribute("aria-busy");
  screen.replaceChildren(
    h("div", { class: "content" }, head, h("h1", { id: "title", tabindex: "-1" }, title), content),
    h("div", { class: "actions" }, actions),
  );
}

/** A whole screen of one message; `sum` is the amount it is about. */
export function notice({ state, tone = "calm", picture = "info", title, sum, text, content, actions = [] }) {
  const head = h("div", { class: `badge ${tone}` }, icon(picture));
  return { state, title, head, plain: true, content: [sum, text && h("p", { class: "lead" }, text), content], actions };
}

/** Asks before something that cannot be undone. */
export function ask(title, text, yes, no) {
  return new Promise((done) => {
    const answer = (value) => () => { dialog.remove(); done(value); };
    const dialog = h("dialog", { "aria-labelledby": "asked", cancel: answer(false) },
      h("h2", { id: "asked" }, title), h("p", {}, text),
      h("button", { type: "button", class: "quiet", click: answer(false) }, no),
      h("button", { type: "button", class: "danger", click: answer(true) }, yes));
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Makes the parts around the screen live: the language, and what the connection does. */
export function live() {
  byId("language").addEventListener("click", async () => {
    switchLanguage();
    await loadWords();
    repaint();
  });
  document.addEventListener("connection", ({ detail }) => {
    byId("connection").textContent = detail ? t(detail) : "";
  });
}
