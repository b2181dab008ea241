/** Names and what they stand for; what is empty is left out. */

import type { ComponentChildren } from "preact";
import { CopyButton } from "./controls";

export type Fact = readonly [name: string, value: ComponentChildren, copy?: "copy"];

export function Facts({ rows }: { readonly rows: readonly Fact[] }) {
  const filled = rows.filter(([, value]) => value !== undefined && value !== null && value !== "");
  if (filled.length === 0) return null;
  return (
    <dl class="facts">
      {filled.map(([name, value, copy]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd class={copy ? "mono" : undefined}>
            {value}
            {copy && typeof value === "string" && <CopyButton text={value} />}
          </dd>
        </div>
      ))}
    </dl>
  );
}
