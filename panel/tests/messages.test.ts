import { describe, expect, it } from "vitest";
import { messages } from "../src/i18n/messages";

const FORMS = { en: 2, "zh-CN": 1, "zh-TW": 1, ru: 3 } as const;

function names(text: string): string[] {
  return [...new Set([...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? ""))].sort();
}

describe.each(Object.entries(messages))("%s", (_key, message) => {
  it("says something in every language", () => {
    expect(message).toHaveLength(4);
    for (const text of message) expect(text.trim()).not.toBe("");
  });
  it("has every form of a number in every language", () => {
    const counted = message[0].includes("|");
    message.forEach((text, at) => {
      expect(text.split("|")).toHaveLength(counted ? Object.values(FORMS)[at]! : 1);
    });
  });
  it("takes the same values in every language", () => {
    for (const text of message) for (const form of text.split("|")) {
      expect(names(message[0])).toEqual(expect.arrayContaining(names(form)));
    }
    for (const text of message) expect(names(text)).toEqual(names(message[0]));
  });
});
