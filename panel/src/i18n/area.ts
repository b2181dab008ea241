/** Messages are tables: a row for each message, a column for each language.
 *
 * `{name}` is replaced by a value. A message that counts has its forms between bars, in the order
 * of the language: one|other in English, one|few|many in Russian, a single form in Chinese.
 */

/** The languages, in the order of the columns. */
export const LANGUAGES = ["en", "zh-CN", "zh-TW", "ru"] as const;

export type Message = readonly [en: string, zhCN: string, zhTW: string, ru: string];

type Names<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Names<Rest>
  : never;

/** The names of the values that a message needs. */
export type Parameters<M extends readonly string[]> = Names<M[0]>;

/** The messages of one part of the panel, with the part's name before each key. */
export function area<Name extends string, const Rows extends Record<string, Message>>(
  name: Name,
  rows: Rows,
): { [K in keyof Rows & string as `${Name}.${K}`]: Rows[K] } {
  return Object.fromEntries(
    Object.entries(rows).map(([key, message]) => [`${name}.${key}`, message]),
  ) as { [K in keyof Rows & string as `${Name}.${K}`]: Rows[K] };
}
