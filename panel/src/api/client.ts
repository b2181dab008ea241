/** Calls of the server: one path for the Manager's own and for CPA's answers. */

export type Json = unknown;

/** A call that did not succeed. `code` is the server's, or `http_<status>`, `network`, `timeout`. */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    /** What the server said, if anything. */
    readonly detail: string,
  ) {
    super(detail || code);
  }
}

export interface Request {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly body?: Json;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Reads the answer in another way than as JSON. */
  readonly as?: "json" | "text";
}

export interface Answer<T> {
  readonly value: T;
  readonly headers: Headers;
}

const TIMEOUT_MS = 30_000;
/** So long a CPA is waited for that is known not to answer. */
const SHORT_MS = 3_000;
/** What the Manager has to ask CPA for. */
const OF_CPA = /^\/v0\/management\/(config|auth-files|api-keys?|api-key-usage|logs|request-error-logs|plugins|plugin-store|oauth-[a-z-]+|latest-version)\b/;
const REMEMBERED = 24;
/** Answers that may be asked for again are kept with their tag. */
const REPEATABLE = /\/(monitoring\/analytics|dashboard\/summary|model-prices|api-key-aliases|usage-summary)(\?|$)/;

interface Kept {
  readonly tag: string;
  readonly answer: Answer<unknown>;
}

export class Client {
  private readonly kept = new Map<string, Kept>();
  private readonly running = new Map<string, Promise<Answer<unknown>>>();
  private closed: ApiError | null = null;

  constructor(
    readonly base: string,
    private readonly key: string,
    /** Told of an error that says that the key is not accepted any more. */
    private readonly refused: (error: ApiError) => void,
    private readonly cpaDown: () => boolean = () => false,
  ) {}

  /** Ask for nothing more: every call fails with this error from now on. */
  close(error: ApiError): void {
    this.closed = error;
  }

  /** The value of an answer; raises `ApiError`, or the signal's reason if it was aborted. */
  async call<T>(path: string, request: Request = {}): Promise<T> {
    return (await this.answer<T>(path, request)).value;
  }

  /** The answer with its headers. Equal reading calls at the same time are one call. */
  answer<T>(path: string, request: Request = {}): Promise<Answer<T>> {
    const name = `${request.method ?? "GET"} ${path} ${request.body === undefined ? "" : JSON.stringify(request.body)}`;
    if (request.signal || (request.method ?? "GET") !== "GET") return this.send<T>(name, path, request);
    const under_way = this.running.get(name) as Promise<Answer<T>> | undefined;
    if (under_way) return under_way;
    const started = this.send<T>(name, path, request).finally(() => this.running.delete(name));
    this.running.set(name, started);
    return started;
  }

  /** An answer whose body is read by the caller. */
  async open(path: string, request: Request = {}): Promise<Response> {
    if (this.closed) throw this.closed;
    const headers: Record<string, string> = { ...request.headers };
    if (this.key) headers["Authorization"] = `Bearer ${this.key}`;
    let body: BodyInit | null = null;
    if (request.body instanceof Blob || request.body instanceof FormData) body = request.body;
    else if (request.body !== undefined) {
      body = JSON.stringify(request.body);
      headers["Content-Type"] = "application/json";
    }
    const vain = (request.method ?? "GET") === "GET" && OF_CPA.test(path) && this.cpaDown();
    const late = AbortSignal.timeout(vain ? SHORT_MS : (request.timeoutMs ?? TIMEOUT_MS));
    const signal = request.signal ? AbortSignal.any([request.signal, late]) : late;
    let response: Response;
    try {
      const method = request.method ?? "GET";
      response = await fetch(this.base + path, { method, headers, body, signal, cache: "no-store" });
    } catch (error) {
      if (request.signal?.aborted) throw request.signal.reason;
      if (late.aborted) throw new ApiError("timeout", 0, "");
      throw new ApiError("network", 0, error instanceof Error ? error.message : "");
    }
    if (response.ok || response.status === 304) return response;
    const error = await errorOf(response);
    if (response.status === 401) this.refused(error);
    throw error;
  }

  private async send<T>(name: string, path: string, request: Request): Promise<Answer<T>> {
    const kept = this.kept.get(name);
    const headers = kept ? { ...request.headers, "If-None-Match": kept.tag } : request.headers;
    const response = await this.open(path, { ...request, ...(headers && { headers }) });
    if (response.status === 304 && kept) return kept.answer as Answer<T>;
    const text = await response.text();
    const answer = { value: read(text, request.as) as T, headers: response.headers };
    const tag = response.headers.get("ETag");
    if (tag && REPEATABLE.test(path)) this.keep(name, { tag, answer });
    return answer;
  }

  private keep(name: string, kept: Kept): void {
    this.kept.delete(name);
    this.kept.set(name, kept);
    const [oldest] = this.kept.keys();
    if (this.kept.size > REMEMBERED && oldest !== undefined) this.kept.delete(oldest);
  }
}

function read(text: string, as: Request["as"]): unknown {
  if (as === "text") return text;
  try {
    return text.trim() === "" ? null : JSON.parse(text);
  } catch {
    throw new ApiError("not_json", 200, text.slice(0, 200));
  }
}

async function errorOf(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => "");
  let detail = text.slice(0, 500);
  let code = "";
  try {
    const body = JSON.parse(text) as { error?: unknown; message?: unknown; code?: unknown };
    const error = body.error as { message?: unknown } | string | undefined;
    const said = typeof error === "object" ? error?.message : (error ?? body.message);
    if (typeof said === "string") detail = said;
    if (typeof body.code === "string") code = body.code;
  } catch {
    if (/<html|<!doctype/i.test(text)) detail = response.statusText;
  }
  return new ApiError(code || `http_${response.status}`, response.status, detail);
}
