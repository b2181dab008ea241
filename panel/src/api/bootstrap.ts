/** The Manager's first answer: what is its own comes at once, what CPA says of itself when it does. */

import type { AliasList, CpaParts, Info, ShownConfig, Started as Bootstrap, Status } from "./answers.generated";
import { ApiError, type Client } from "./client";

export type { CpaParts };

/** What the Manager knows without asking anybody. */
export type Own = Omit<Bootstrap, "cpa">;

export interface Started {
  readonly own: Own;
  /** Never rejected: a CPA of which nothing can be said is one that did not answer. */
  readonly cpa: Promise<CpaParts>;
}

const PATH = "/v0/management/panel/bootstrap";
/** What a server answers that has no such call. */
const ABSENT = [404, 405, 501];

/** Start with one call; where the server has none such, with the two that it stands for. */
export async function bootstrap(client: Client): Promise<Started> {
  let response: Response;
  try {
    response = await client.open(PATH);
  } catch (error) {
    if (!(error instanceof ApiError && ABSENT.includes(error.status))) throw error;
    return older(client);
  }
  const [first, rest] = await firstLine(response);
  return { own: JSON.parse(`${first}}`) as Own, cpa: rest.then(read, lost) };
  function read(text: string): CpaParts {
    return (JSON.parse(first + text) as { cpa: CpaParts }).cpa;
  }
}

/** The first line of an answer as soon as it is there, and all that follows. */
async function firstLine(response: Response): Promise<[string, Promise<string>]> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const more = async (): Promise<boolean> => {
    const { done, value } = await reader.read();
    text += value ?? "";
    return !done;
  };
  while (!text.includes("\n")) {
    if (!(await more())) throw new ApiError("not_json", response.status, text.slice(0, 200));
  }
  const end = text.indexOf("\n");
  const rest = async (): Promise<string> => {
    while (await more());
    return text.slice(end);
  };
  return [text.slice(0, end), rest()];
}

function lost(error: unknown): CpaParts {
  const none = { code: "network", error: String(error) };
  return { version: none, switches: none, usage: none, plugins: none, clientKeys: none, providers: none, models: none };
}

async function older(client: Client): Promise<Started> {
  const status = await client.call<Status>("/status");
  const [info, config, aliases] = await Promise.all([
    client.call<Info>("/usage-service/info"),
    client.call<ShownConfig>("/usage-service/config"),
    client.call<AliasList>("/v0/management/api-key-aliases").catch(() => ({ items: [] })),
  ]);
  const none = lost("");
  const silent = { code: "cpa_unreachable", error: "" };
  const usage = config.cpaUsage ? { data: config.cpaUsage } : silent;
  return { own: { info, config, status, aliases }, cpa: Promise.resolve({ ...none, usage }) };
}
