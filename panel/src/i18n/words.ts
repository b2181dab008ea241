/** What each message is in a language.
 *
 * The built page has the messages as data, a list for each language, so that the script is small
 * and only the language that is shown is read: see `vite.config.ts`.
 */

import { messages } from "./messages";

export type Words = ReadonlyMap<string, string>;

/** The messages of the page, or of the sources, in the language of a name and a column. */
export const wordsOf: (name: string, column: number) => Words = import.meta.env.PROD ? placed : written;

function placed(name: string): Words {
  const [keys, words] = ["keys", name].map((part) => JSON.parse(document.getElementById(`words-${part}`)!.textContent!) as string[]);
  return new Map(keys!.map((key, at) => [key, words![at]!]));
}

function written(_name: string, column: number): Words {
  return new Map(Object.entries(messages).map(([key, message]) => [key, message[column]!]));
}
