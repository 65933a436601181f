/**
 * The pages' language, sentences and dates. In: a key of words/{language}.json, and values. Out: text.
 * A key with an underscore at its end is the text below the title without one.
 */
import { money } from "./money.js";

/** "zh" or "en"; and how to change to the other one. Both are the tab's (opening.js). */
export const { language, switchLanguage } = globalThis.tab;

/** The language tag for numbers, dates and the document. */
export const locale = () => (language() === "zh" ? "zh-CN" : "en");

const MONTH_MS = 30 * 864e5;
let words = {};

/** Takes the sentences of the page's language; the first ones are under way already. */
export async function loadWords() {
  words = await (await (globalThis.tab.takeEarly("sentences") ?? globalThis.tab.sentences())).json();
}

/** A sentence; amounts and times among its values are formatted. */
export function t(key, values = {}) {
  return (words[key] ?? "").replace(/\{(\w+)\}/g, (_, name) => shown(values[name]));
}

/** A sentence of ours by its key; any other text, such as the server's own sentence, as it is. */
export const phrase = (text) => (text in words ? t(text) : text);

/** The first of some keys for which there is a sentence. */
export const known = (...keys) => keys.find((key) => key in words);

function shown(value) {
  if (value instanceof Date) return when(value);
  return value?.currencyCode ? money(value, locale()) : String(value ?? "");
}

/** A moment: only the clock where it is today, only the day where it is far off. */
export function when(time, now = new Date()) {
  const clock = { hour: "numeric", minute: "2-digit" };
  const today = time.toDateString() === now.toDateString();
  const near = Math.abs(time - now) < MONTH_MS;
  const day = { month: "short", day: "numeric", ...(near ? clock : { year: "numeric" }) };
  return new Intl.DateTimeFormat(locale(), today ? clock : day).format(time);
}

/** A moment in full, as on a receipt. */
export const exactly = (time) => new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "medium" }).format(time);

// The first use of a formatter takes long on a slow phone: it is made now, while the session is still on its way.
shown({ currencyCode: "CNY", amountMinor: "1" });
when(new Date());
