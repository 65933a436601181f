/**
 * Screens. In: a function that describes one. Out: elements in the page. Invariant: text is never read as HTML, one
 * action is primary, a pressed button does its work once and until then nothing on the screen can be changed, however
 * often it is drawn anew, and whoever cannot see the screen is told of its change.
 */
import { money } from "./money.js";
import { loadWords, locale, switchLanguage, t } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const byId = (id) => document.getElementById(id);
let draw = null;
/** The work of a pressed button, while it is under way: which button, and what it says meanwhile. */
let working = null;
/** Answers the dialog that is open with "no". */
let close = null;

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

/**
 * A button whose work runs once at a time; what goes wrong in it is the screen's to catch. The work is given a function
 * that takes the key of a sentence: what the button says meanwhile.
 */
export function button(label, work, { kind = "quiet", picture } = {}) {
  const element = h("button", { type: "button", class: kind }, picture && icon(picture), h("span", {}, label));
  element.addEventListener("click", async () => {
    working = { at: buttons().indexOf(element) };
    rest();
    try {
      await work((key) => {
        working.key = key;
        rest();
        say(t(key));
      });
    } finally {
      working = null;
      byId("screen").querySelectorAll("[aria-disabled]").forEach((each) => each.removeAttribute("aria-disabled"));
    }
  });
  return element;
}

const buttons = () => [...byId("screen").querySelectorAll("button")];

/** While work is under way the screen is to look at: see `live`, which keeps presses from everything on it. */
function rest() {
  byId("screen").querySelectorAll("button, input, a").forEach((each) => each.setAttribute("aria-disabled", "true"));
  const pressed = working.key && buttons()[working.at];
  if (!pressed) return;
  pressed.classList.add("busy");
  pressed.lastChild.textContent = t(working.key);
}

/** A link that looks like a button, where its address is of the web or of an app. */
export function leave(label, address, kind = "quiet") {
  const web = /^(?!javascript|data|blob|file|vbscript)[a-z][a-z0-9.+-]*:\/\//i.test(address);
  return web ? h("a", { class: kind, href: address, rel: "noreferrer" }, label) : null;
}

/** Tells a screen reader. */
function say(text) {
  byId("voice").textContent = text;
}

/** An amount with the code of its currency, small: many currencies have the same symbol. */
export function amount(value) {
  const [text, code] = [money(value, locale()), `\u00a0${value.currencyCode}`];
  return text.endsWith(code) ? [text.slice(0, -code.length), h("span", { class: "code" }, code)] : text;
}

/** The amount that a screen is about, on one line: its digits are as large as its length allows. */
export function sum(value) {
  const element = h("p", { class: "amount" }, amount(value));
  element.style.setProperty("--length", element.firstChild.length);
  return element;
}

/** A choice: a group of radio buttons. Rows are {id, label, details, picture, mark, off}; each detail has its line. */
export function choice(legend, rows, selected, onChange, name = "choice") {
  const row = ({ id, label, details = [], picture, mark, off }) => {
    const input = h("input", { type: "radio", name, value: id, disabled: off, change: () => onChange(id) });
    input.checked = id === selected;
    return h("label", { class: "row" }, input, picture && icon(picture),
      h("span", {}, label, mark && [" ", h("em", {}, mark)], details.map((detail) => detail && h("small", {}, detail))));
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
  close?.();
  if (working) working.at = -1; // another screen: none of its buttons was pressed
  paint();
  if (!quiet) byId("title").focus();
  scrollTo(0, 0);
  document.querySelector(".row :checked")?.scrollIntoView({ block: "nearest" });
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
  if (working) rest();
}

/** A whole screen of one message; `sum` is the amount it is about. */
export function notice({ state, tone = "calm", picture = "info", title, sum, text, content, actions = [] }) {
  const head = h("div", { class: `badge ${tone}` }, icon(picture));
  return { state, title, head, plain: true, content: [sum, text && h("p", { class: "lead" }, text), content], actions };
}

/** Asks before something that cannot be undone. */
export function ask(title, text, yes, no) {
  return new Promise((done) => {
    const answer = (value) => () => {
      close = null;
      dialog.close(); // gives the focus back
      dialog.remove();
      done(value);
    };
    const dialog = h("dialog", { "aria-labelledby": "asked", cancel: answer(false) },
      h("h2", { id: "asked" }, title), h("p", {}, text),
      h("button", { type: "button", class: "quiet", click: answer(false) }, no),
      h("button", { type: "button", class: "danger", click: answer(true) }, yes));
    document.body.append(dialog);
    close = answer(false);
    dialog.showModal();
  });
}

/** Makes the parts around the screen live: the language, and what the connection does. */
export function live() {
  byId("screen").addEventListener("click", (event) => {
    if (!working) return;
    event.preventDefault();
    event.stopPropagation();
  }, true);
  byId("language").addEventListener("click", async () => {
    switchLanguage();
    await loadWords();
    repaint();
  });
  document.addEventListener("connection", ({ detail }) => {
    byId("connection").textContent = detail ? t(detail) : "";
  });
}
