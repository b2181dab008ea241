/** The kinds of AI providers: what each is told in CPA's configuration, and how it is tried. */

/** An entry of a list in CPA's configuration, with whatever else it holds. */
export type Entry = Readonly<Record<string, unknown>>;

interface Probe {
  readonly path: string;
  readonly body: unknown;
}

export interface Kind {
  readonly id: string;
  readonly section: string;
  readonly title: string;
  /** Where its requests go if an entry does not say. */
  readonly base: string;
  readonly needsBase: boolean;
  /** Fields besides those that all kinds have. */
  readonly extras: readonly string[];
  readonly header: (key: string) => Readonly<Record<string, string>>;
  /** Where it lists its models; "" if it does not. */
  readonly models: string;
  readonly probe: (model: string) => Probe;
}

const bearer = (key: string) => ({ Authorization: `Bearer ${key}`, "Content-Type": "application/json" });
const google = (key: string) => ({ "x-goog-api-key": key, "Content-Type": "application/json" });
const GREETING = [{ role: "user", content: "Hi" }];
const chat = (model: string): Probe => ({ path: "/chat/completions", body: { model, messages: GREETING, max_tokens: 16 } });
const GOOGLE = "https://generativelanguage.googleapis.com";
const generate = (path: string) => (model: string) => ({ path: `${path}/${encodeURIComponent(model)}:generateContent`, body: { contents: [{ role: "user", parts: [{ text: "Hi" }] }] } });
const gemini = { base: GOOGLE, needsBase: false, extras: [], header: google, models: "/v1beta/models", probe: generate("/v1beta/models") };

export const KINDS: readonly Kind[] = [
  { id: "gemini", section: "gemini-api-key", title: "Gemini", ...gemini },
  { id: "interactions", section: "interactions-api-key", title: "Gemini Interactions", ...gemini },
  {
    id: "codex",
    section: "codex-api-key",
    title: "Codex",
    base: "",
    needsBase: true,
    extras: ["websockets"],
    header: bearer,
    models: "/models",
    probe: (model) => ({ path: "/responses", body: { model, input: [{ role: "user", content: [{ type: "input_text", text: "Hi" }] }], store: false } }),
  },
  { id: "xai", section: "xai-api-key", title: "xAI", base: "https://api.x.ai/v1", needsBase: false, extras: ["websockets"], header: bearer, models: "/models", probe: chat },
  {
    id: "claude",
    section: "claude-api-key",
    title: "Claude",
    base: "https://api.anthropic.com",
    needsBase: false,
    extras: ["websockets", "cloak"],
    header: (key) => ({ "x-api-key": key, "anthropic-version": "2023-06-01", "Content-Type": "application/json" }),
    models: "/v1/models",
    probe: (model) => ({ path: "/v1/messages", body: { model, max_tokens: 16, messages: GREETING } }),
  },
  { id: "vertex", section: "vertex-api-key", title: "Vertex", base: "", needsBase: true, extras: [], header: google, models: "", probe: generate("/v1/publishers/google/models") },
  { id: "openai", section: "openai-compatibility", title: "OpenAI compatible", base: "", needsBase: true, extras: [], header: bearer, models: "/models", probe: chat },
];

export const isOpenai = (kind: Kind): boolean => kind.id === "openai";
