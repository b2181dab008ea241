// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import { reasonText } from "../src/pages/reasons";

const XAI = "monitoring.xai_inspection_reason_";

describe("a reason", () => {
  it.each([
    ["token_revoked", "whatever", "The token has been revoked."],
    ["", `${XAI}rate_limited`, "Too many requests for the moment."],
    ["", `${XAI}inference_quota_unknown`, "Quota or subscription: the provider does not say which."],
    ["", `${XAI}inference_healthy`, "A test request worked."],
    ["no_such_code", "as the server says", "as the server says"],
    [undefined, undefined, ""],
  ])("%s / %s reads %s", (code, said, text) => expect(reasonText(code, said)).toBe(text));
});
