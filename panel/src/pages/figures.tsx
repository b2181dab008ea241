/** Figures that several pages show in the same way. */

import { fmt, t } from "../i18n/language";
import { hashOf } from "../state/router";

interface CostProps {
  readonly cost: number;
  readonly unpriced: number;
  readonly calls: number;
}

/** The cost of which all parts are known, marked if some calls have no price; null if none has. */
export function knownCost({ cost, unpriced, calls }: CostProps): number | null {
  return calls > 0 && unpriced >= calls ? null : cost;
}

/** How many calls have no price, and the way to where they get one. */
export function Unpriced({ n, models }: { readonly n: number; readonly models?: readonly string[] | undefined }) {
  return (
    <a class="warn-text" href={hashOf("/model-prices", { filter: "missing" })} title={models?.join(", ")} data-metric="unpriced" data-value={n}>
      {t("common.unpriced", { n })}
    </a>
  );
}

/** A cost: `--` without any price, and a mark where it is not the whole. */
export function CostText(props: CostProps) {
  const known = knownCost(props);
  const why = props.unpriced > 0 ? t("common.unpriced", { n: props.unpriced }) : undefined;
  return (
    <span title={why}>
      {fmt.value.usd(known)}
      {known !== null && props.unpriced > 0 && <span class="warn-text">*</span>}
    </span>
  );
}
