/** Answers that come bit by bit: what has come in full is told at once. */

/** The parts of a text that end with a mark, as they come; what follows the last mark is none. */
export async function* pieces(response: Response, mark: string): AsyncGenerator<string> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (let step = await reader.read(); !step.done; step = await reader.read()) {
    const parts = (text + step.value).split(mark);
    text = parts.pop() ?? "";
    yield* parts;
  }
}
