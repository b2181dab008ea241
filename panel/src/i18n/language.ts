/** The language of the panel, and `t`, which says things in it. */

import { computed, signal } from "@preact/signals";
import { preferences } from "../state/preferences";
import { formats } from "../text/format";
import { LANGUAGES, type Parameters } from "./area";
import type { Key, Messages } from "./messages";
import { wordsOf } from "./words";

export { LANGUAGES };
export type Language = (typeof LANGUAGES)[number];
export const LANGUAGE_NAMES: Record<Language, string> = {
  en: "English",
  "zh-CN": "简体中文",
  "zh-TW": "繁體中文",
  ru: "Русский",
};

/** The best match of the languages that a browser asks for. */
export function matchLanguage(asked: readonly string[]): Language {
  for (const tag of asked) {
    const lower = tag.toLowerCase();
    if (/^zh\b.*\b(tw|hk|mo|hant)\b/.test(lower)) return "zh-TW";
    if (lower.startsWith("zh")) return "zh-CN";
    if (lower.startsWith("ru")) return "ru";
    if (lower.startsWith("en")) return "en";
  }
  return "en";
}

function isLanguage(text: string | undefined): text is Language {
  return (LANGUAGES as readonly (string | undefined)[]).includes(text);
}

const browserLanguage = signal(matchLanguage(navigator.languages ?? [navigator.language]));

export const language = computed<Language>(() => {
  const chosen = preferences.value.language;
  return isLanguage(chosen) ? chosen : browserLanguage.value;
});
export const fmt = computed(() => formats(language.value));

const words = computed(() => wordsOf(language.value, LANGUAGES.indexOf(language.value)));
const plural = computed(() => new Intl.PluralRules(language.value));
// A message with several forms has them in this order; the last one stands for all others.
const FORMS: Record<Language, readonly Intl.LDMLPluralRule[]> = {
  en: ["one"],
  "zh-CN": [],
  "zh-TW": [],
  ru: ["one", "few"],
};

type Given<K extends Key> = Parameters<Messages[K]>;
type Arguments<K extends Key> = [Given<K>] extends [never]
  ? []
  : [values: Record<Given<K>, string | number>];

/** A message; `n` chooses among its forms, and numbers are written in full. */
export function t<K extends Key>(key: K, ...[values]: Arguments<K>): string {
  return fill(words.value.get(key) ?? key, values as Record<string, string | number> | undefined);
}

function fill(text: string, values: Record<string, string | number> | undefined): string {
  if (!values) return text;
  const forms = text.split("|");
  const kind = plural.value.select(Number(values["n"] ?? 0));
  const at = FORMS[language.value].indexOf(kind);
  const form = forms[at < 0 ? forms.length - 1 : at] ?? text;
  return form.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    return typeof value === "number" ? fmt.value.full(value) : (value ?? "");
  });
}

/** Whether there is such a message: codes of the server may have one. */
export function hasMessage(key: string): key is Key {
  return words.value.has(key);
}
