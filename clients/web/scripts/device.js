/** The device in the person's hand: what it is called, and what risk may know of it. */
import { h, icon } from "./view.js";
import { locale, t } from "./words.js";

const NAME_LENGTH = 40;
const NAMES = [[/iPhone/, "iPhone"], [/iPad/, "iPad"], [/Android/, "Android"], [/Mac OS/, "Mac"], [/Windows/, "Windows"]];

/** A field for the name, with a guess in it. */
export function nameField() {
  const guess = NAMES.find(([pattern]) => pattern.test(navigator.userAgent))?.[1] ?? "Linux";
  const input = h("input", { value: guess, maxlength: NAME_LENGTH, autocomplete: "off", enterkeyhint: "done" });
  return {
    field: h("label", { class: "field" }, h("span", {}, t("deviceName")), input),
    picture: icon("finger"),
    value: () => input.value.trim() || guess,
  };
}

/** The contract's DeviceContext. */
export function deviceContext() {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  return { deviceId: globalThis.tab.device(), locale: locale(), timeZone, userAgent: navigator.userAgent.slice(0, 512) };
}
