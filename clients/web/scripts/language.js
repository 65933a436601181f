/** The page's language: what the person chose here before, otherwise the browser's. Only "zh" and "en". */
import { lasting } from "./tab.js";

const KEY = "language";
const first = () => navigator.languages.find((tag) => /^(zh|en)/i.test(tag)) ?? "en";
let chosen = lasting.getItem(KEY) ?? first().slice(0, 2).toLowerCase();

/** "zh" or "en". */
export const language = () => chosen;

/** The language tag for numbers, dates and the document. */
export const locale = () => (chosen === "zh" ? "zh-CN" : "en");

/** Changes to the other one. */
export function switchLanguage() {
  chosen = chosen === "zh" ? "en" : "zh";
  lasting.setItem(KEY, chosen);
}
