/** The device in the person's hand: what it is called, and what risk may know of it. */
import { h, icon } from "./view.js";
import { locale, t } from "./words.js";

const { lasting } = globalThis.tab;
const KEY = "device";
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

/** The contract's DeviceContext. The id is this browser's own, made here, and says nothing about the person. */
export function deviceContext() {
  const deviceId = lasting.getItem(KEY) ?? crypto.randomUUID();
  lasting.setItem(KEY, deviceId);
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  return { deviceId, locale: locale(), timeZone, userAgent: navigator.userAgent.slice(0, 512) };
}
