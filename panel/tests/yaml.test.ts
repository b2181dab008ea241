import { describe, expect, it } from "vitest";
import { diff, hunks } from "../src/text/diff";
import { faultOf, lineOf, read, tokens, valueAt, withoutValue, withValue } from "../src/text/yaml";

const FILE = `# my CPA
port: 8317 # as ever

tls:
  enable: false
  cert: ""   # none
empty:
list: [a, b]
routing: {strategy: round-robin}
# the end
`;

describe("a value is written", () => {
  it.each([
    ["in its place", ["port"], 9000, FILE.replace("8317", "9000")],
    ["over quotes", ["tls", "cert"], "/a b.pem", FILE.replace('cert: ""', "cert: /a b.pem")],
    ["so that it stays a text", ["tls", "cert"], "true", FILE.replace('cert: ""', 'cert: "true"')],
    ["where there was none", ["empty"], 1, FILE.replace("empty:", "empty: 1")],
    ["behind the last of its block", ["tls", "key"], "k", FILE.replace("# none\n", "# none\n  key: k\n")],
    ["in a block that is new", ["pprof", "enable"], true, `${FILE}pprof:\n  enable: true\n`],
    ["at the end", ["debug"], true, `${FILE}debug: true\n`],
    ["inside braces", ["routing", "strategy"], "fill-first", FILE.replace("round-robin", "fill-first")],
  ] as const)("%s", (_, path, value, expected) => expect(withValue(FILE, path, value)).toBe(expected));

  it("into nothing", () => expect(withValue("", ["a", "b"], 1)).toBe("a:\n  b: 1\n"));

  it.each([
    [["empty", "a"], 1],
    [["routing", "ttl"], "1h"],
    [["list"], "x"],
  ] as const)("at %s, whatever that takes, and comments survive", (path, value) => {
    const text = withValue(FILE, path, value);
    expect(valueAt(read(text), path)).toBe(value);
    expect(text).toContain("# as ever");
    expect(faultOf(read(text))).toBeNull();
  });
});

describe("a value is taken away", () => {
  it.each([
    ["with its line", ["tls", "cert"], FILE.replace('  cert: ""   # none\n', "")],
    ["in the first line", ["port"], FILE.replace("port: 8317 # as ever\n", "")],
    ["that is not there", ["tls", "key"], FILE],
  ] as const)("%s", (_, path, expected) => expect(withoutValue(FILE, path)).toBe(expected));
  it("among braces, and its neighbours stay", () => {
    const text = withoutValue(withValue(FILE, ["routing", "ttl"], "1h"), ["routing", "ttl"]);
    expect(valueAt(read(text), ["routing"])).toEqual({ strategy: "round-robin" });
  });
  it("as if it had never been", () => expect(withoutValue(withValue(FILE, ["debug"], true), ["debug"])).toBe(FILE));
});

describe("a file", () => {
  it("tells its values", () => {
    expect(valueAt(read(FILE), ["tls", "enable"])).toBe(false);
    expect(valueAt(read(FILE), ["list"])).toEqual(["a", "b"]);
    expect(valueAt(read(FILE), ["tls", "none", "such"])).toBeUndefined();
  });
  it("tells where they are", () => {
    expect(lineOf(FILE, ["tls", "cert"])).toBe(6);
    expect(lineOf(FILE, ["tls", "missing"])).toBe(4);
  });
  it.each([
    ["a: b: c\n", 1],
    ["a: 1\nb: [1\nc: 2\n", 3],
    ["a: 1\n\tb: 2\n", 2],
    ["just a text", 1],
  ])("%j is wrong in line %i", (text, line) => expect(faultOf(read(text))?.line).toBe(line));
  it("that is empty is right", () => expect(faultOf(read(""))).toBeNull());
});

describe("colours", () => {
  it.each([
    ["port: 8317 # x", "key:port :: value: 8317  comment:# x"],
    ['  - "a # b"', ':  -  string:"a # b"'],
    ["- name: 'x: y'", ":-  key:name :: string: 'x: y'"],
    ["# all", "comment:# all"],
    ["url: http://a:1/#b", "key:url :: string: http://a:1/#b"],
  ])("%s", (line, expected) => expect(tokens(line).map(({ kind, text }) => `${kind}:${text}`).join(" ")).toBe(expected));
  it.each(["", "x", "a: 'b # c' # d", "  - - a: b", "::", "? x"])("lose nothing of %j", (line) => {
    expect(tokens(line).map(({ text }) => text).join("")).toBe(line);
  });
});

describe("diff", () => {
  const shown = (a: string, b: string) => diff(a, b).map(({ kind, text }) => kind + text);
  it.each([
    ["a\nb\nc\n", "a\nx\nc\n", [" a", "-b", "+x", " c"]],
    ["", "a\n", ["+a"]],
    ["a\n", "", ["-a"]],
    ["a\nb\na\nb\n", "b\na\n", ["-a", " b", " a", "-b"]],
    ["same\n", "same\n", [" same"]],
  ])("%j to %j", (a, b, expected) => expect(shown(a, b)).toEqual(expected));
  it("has three lines around each change, and tells where", () => {
    const before = Array.from({ length: 30 }, (_, i) => `l${i}`);
    const after = before.with(4, "x").with(25, "y");
    const found = hunks(diff(before.join("\n"), after.join("\n")));
    expect(found.map(({ from, to, lines }) => [from, to, lines.length])).toEqual([
      [2, 2, 8],
      [23, 23, 8],
    ]);
  });
});
