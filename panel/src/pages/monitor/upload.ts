/** The upload of a file in chunks, which goes on where it stopped, also after a reload. */

import type { ImportResult as Result, Upload as Session } from "../../api/answers.generated";
import { ApiError, type Client } from "../../api/client";
import { say } from "../../i18n/say";
import { store, stored } from "../../state/preferences";

export type { Result };

const PATH = "/v0/management/usage/import-sessions";
const RESUME = "cpa-manager-plus:usage-import-sessions:v1";
const CHUNK_MS = 300_000;
const POLL_MS = 500;

export interface Progress {
  readonly phase: "uploading" | "paused" | "processing" | "completed" | "cancelled" | "failed";
  readonly sent: number;
  readonly size: number;
  readonly result: Result | null;
  readonly error: string;
}

export class Upload {
  private readonly aborter = new AbortController();
  private paused = false;
  private id: string | null = null;
  private progress: Progress;

  constructor(
    private readonly client: Client,
    private readonly file: File,
    private readonly told: (progress: Progress) => void,
  ) {
    this.progress = { phase: "uploading", sent: 0, size: file.size, result: null, error: "" };
  }

  /** Send, have it processed, and tell how it ended; errors are part of the progress. */
  async run(): Promise<Progress> {
    try {
      this.tell({});
      await this.drive(await this.begin());
    } catch (error) {
      if (this.paused) this.tell({ phase: "paused" });
      else if (!this.aborter.signal.aborted) this.tell({ phase: "failed", error: error instanceof ApiError ? say(error) : String(error) });
    }
    return this.progress;
  }

  /** Stop sending; a new upload of the same file goes on from here. */
  pause(): void {
    this.paused = true;
    this.aborter.abort();
  }

  async cancel(): Promise<void> {
    this.aborter.abort();
    this.forget();
    this.tell({ phase: "cancelled" });
    if (this.id) await this.client.call(`${PATH}/${this.id}`, { method: "DELETE" }).catch(() => undefined);
  }

  private async begin(): Promise<Session> {
    const body = { filename: this.file.name, size_bytes: this.file.size, resume_key: this.resumeKey() };
    const session = await this.call<Session>("", "POST", body);
    if (session.status !== "cancelled" && session.status !== "completed") return session;
    // What that key stands for has ended: this is a new import.
    this.forget();
    return this.call<Session>("", "POST", { ...body, resume_key: this.resumeKey() });
  }

  private async drive(begun: Session): Promise<void> {
    let session = begun;
    this.id = session.id;
    while (session.status === "uploading") {
      this.tell({ sent: session.received_bytes });
      const { received_bytes: offset, chunk_size_bytes: size } = session;
      const chunk = this.file.slice(offset, offset + size);
      session = await this.client.call<Session>(`${PATH}/${session.id}/chunk?offset=${offset}`, {
        method: "PUT",
        body: chunk,
        timeoutMs: CHUNK_MS,
        signal: this.aborter.signal,
      });
    }
    this.tell({ phase: "processing", sent: this.file.size });
    if (session.status !== "processing") session = await this.call<Session>(`/${session.id}/complete`, "POST");
    while (session.status === "processing") {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      session = await this.call<Session>(`/${session.id}`, "GET");
    }
    this.forget();
    const phase = session.status === "completed" || session.status === "cancelled" ? session.status : "failed";
    this.tell({ phase, result: session.result ?? null, error: session.error ?? "" });
  }

  private call<T>(path: string, method: "GET" | "POST", body?: object): Promise<T> {
    return this.client.call<T>(PATH + path, { method, ...(body && { body }), signal: this.aborter.signal });
  }

  private tell(change: Partial<Progress>): void {
    this.progress = { ...this.progress, ...change };
    this.told(this.progress);
  }

  // -- what is remembered of the file ----------------------------------------------------------

  private get name(): string {
    return `${this.file.name}|${this.file.size}|${this.file.lastModified}`;
  }

  private resumeKey(): string {
    const kept = remembered();
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    const fresh = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const key = kept[this.name] ?? fresh;
    store(RESUME, JSON.stringify({ ...kept, [this.name]: key }));
    return key;
  }

  private forget(): void {
    const { [this.name]: _ended, ...others } = remembered();
    store(RESUME, JSON.stringify(others));
  }
}

function remembered(): Readonly<Record<string, string>> {
  try {
    return (JSON.parse(stored(RESUME) ?? "{}") ?? {}) as Record<string, string>;
  } catch {
    return {};
  }
}
