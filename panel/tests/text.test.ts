import { describe, expect, it } from "vitest";
import { apiBase, isBase, normalBase } from "../src/text/address";
import { csv } from "../src/text/csv";
import { maskAccount, maskIndex, maskKey, maskUrl, reasonOf, redact } from "../src/text/mask";
import { isNewer } from "../src/text/versions";
import { sha256 } from "../src/text/sha256";

describe("masking", () => {
  it.each([
    ["abcd", "******"],
    ["sk-12345678901234", "sk******34"],
  ])("key %s is %s", (key, shown) => expect(maskKey(key)).toBe(shown));
  it.each([
    ["someone@example.com", "som***@example.com"],
    ["ab@example.com", "ab***@example.com"],
    ["my account", "my ***"],
    ["m:sk-u...0073", "m:sk-u...0073"],
  ])("account %s is %s", (account, shown) => expect(maskAccount(account)).toBe(shown));
  it("shows the ends of an index, and no user of an address", () => {
    expect(maskIndex("0123456789abcdef")).toBe("0123...cdef");
    expect(maskUrl("http://me:secret@proxy:8080/x")).toBe("http://***@proxy:8080/x");
  });
});

describe("redaction", () => {
  it.each([
    "Authorization: Bearer abcdefgh12345678",
    "authorization=abcdefgh12345678",
    'sent "access_token": "abcdefgh12345678"',
    "?refresh_token=abcdefgh12345678&x=1",
    "X-Api-Key: abcdefgh12345678",
    "key sk-proj-abcdefgh12345678 is wrong",
    "Set-Cookie: session=abcdefgh12345678; Path=/",
  ])("hides the secret of %s", (text) => expect(redact(text)).not.toContain("abcdefgh12345678"));
  it("leaves the rest", () => expect(redact("rate limit of model gpt-5.5")).toBe("rate limit of model gpt-5.5"));
});

describe("reasons", () => {
  it.each([
    ["context canceled", "context canceled"],
    ['{"error":{"type":"usage_limit","message":"Try \\"later\\""}}', 'usage_limit: Try "later"'],
    ["", ""],
  ])("of %s is %s", (summary, reason) => expect(reasonOf(summary)).toBe(reason));
});

describe("SHA-256", () => {
  it.each(["", "abc", "ключ 🔑", "x".repeat(55), "x".repeat(56), "x".repeat(200)])("of %s is that of the platform", async (text) => {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
    const hex = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0"));
    expect(sha256(text)).toBe(hex.join(""));
  });
});

describe("versions", () => {
  it.each([
    ["v7.2.141", "7.2.140", true],
    ["7.2.140", "v7.2.140", false],
    ["7.2", "7.2.0", false],
    ["7.10.0", "7.9.9", true],
    ["7.2.1-beta", "7.2.0", true],
    ["dev", "7.2.0", null],
    [undefined, "7.2.0", null],
  ])("%s comes after %s: %s", (newest, present, found) => expect(isNewer(newest, present)).toBe(found));
});

describe("CSV", () => {
  it.each([
    [["a", 1, null], "a,1,\r\n"],
    [['say "hi"', "a,b"], '"say ""hi""","a,b"\r\n'],
    [["=1+1", "-cmd", "@x", "+1"], "'=1+1,'-cmd,'@x,'+1\r\n"],
    [[-1.5], "-1.5\r\n"],
  ])("of %s", (row, text) => expect(csv([row])).toBe(text));
});

describe("addresses", () => {
  it.each([
    ["http://x:18317/management.html#/monitoring", "http://x:18317"],
    ["https://x.example/cpamp/management.html", "https://x.example/cpamp"],
  ])("the API of %s is at %s", (page, base) => expect(apiBase(page)).toBe(base));
  it.each([
    [" 127.0.0.1:8317/ ", "http://127.0.0.1:8317"],
    ["https://x.example/v0/management/", "https://x.example"],
    ["https://x.example/cpa/v0/management", "https://x.example/cpa"],
    ["   ", ""],
  ])("%s is normalised to %s", (typed, base) => expect(normalBase(typed)).toBe(base));
  it("knows what can be called", () => {
    expect(isBase("http://x")).toBe(true);
    expect(isBase("ftp://x")).toBe(false);
    expect(isBase("")).toBe(false);
  });
});
