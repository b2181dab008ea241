/** Models against each other, and how the cost lies on them. */

import type { ModelStats } from "../../api/analytics";
import { Ranks } from "../../charts/marks";
import type { View } from "../../filters/view";
import { fmt, t } from "../../i18n/language";
import type { Data } from "../../state/freshness";
import { keyName } from "../../state/names";
import { hashOf, query } from "../../state/router";
import { Tile, Tiles } from "../../ui/block";
import { CostText } from "../figures";
import { dearest, type Shown } from "./read";
import { Stats } from "./stats";

const SMALL_SHARE = 0.08;
const LARGE_SHARE = 0.45;
const GOOD_RATE = 0.97;
const ENOUGH_CALLS = 20;
const MOST_KEYS = 4;

/** How the cost lies on the models, and which of them fail. */
function ModelCards({ data }: { readonly data: Data<Shown> }) {
  return (
    <Tiles id="model-cards" slim data={data} count={4}>
      {({ answer, summary }) => {
        const rows = dearest(answer.model_stats ?? [], (row) => row.model);
        const share = (cost: number) => (summary.total_cost > 0 ? cost / summary.total_cost : null);
        const costly = rows.filter((row) => row.cost > 0);
        const small = costly.filter((row) => (share(row.cost) ?? 1) < SMALL_SHARE);
        const tail = costly.length > 0 ? share(small.reduce((sum, row) => sum + row.cost, 0)) : null;
        const judged = rows.filter((row) => row.calls >= ENOUGH_CALLS);
        const poor = judged.filter((row) => row.success_rate < GOOD_RATE).length;
        const first = share(costly[0]?.cost ?? 0);
        const behind = (change: Record<string, string>) => hashOf("/usage-analytics", { ...query.value, ...change });
        return (
          <>
            <Tile metric="active-models" label={t("analytics.activeModels")} value={rows.length} text={fmt.value.full(rows.length)} note={t("analytics.pricedModels", { n: costly.length })} />
            <Tile metric="top-share" label={t("analytics.topShare")} value={first} text={fmt.value.percent(first)} tone={costly.length > 1 && (first ?? 0) >= LARGE_SHARE ? "warn" : undefined} note={costly[0] && <a href={behind({ row: costly[0].model })}>{costly[0].model}</a>} />
            <Tile metric="poor-models" label={t("analytics.poorModels")} value={poor} text={fmt.value.full(poor)} tone={poor > 0 ? "warn" : undefined} note={t("analytics.judged", { n: judged.length })} href={behind({ "sort.models": "rate" })} />
            <Tile metric="long-tail" label={t("analytics.longTail")} value={tail} text={fmt.value.percent(tail)} note={t("analytics.smallModels", { n: small.length })} />
          </>
        );
      }}
    </Tiles>
  );
}

/** The keys that a model was used with most. */
function UsedBy({ shown }: { readonly shown: Shown | null }) {
  const keys = dearest(shown?.answer.api_key_stats ?? [], ({ id }) => id).slice(0, MOST_KEYS);
  if (!shown || keys.length === 0) return null;
  return (
    <section class="part">
      <h3>{t("analytics.byKey")}</h3>
      <Ranks
        id="model-keys"
        rows={keys.map((row) => ({
          id: row.id,
          name: row.api_key_alias || keyName(row.api_key_hash),
          share: row.calls / shown.summary.total_calls,
          figure: (
            <>
              {t("analytics.calls", { n: row.calls })} · <CostText cost={row.cost} unpriced={row.unpriced_calls} calls={row.calls} />
            </>
          ),
        }))}
      />
    </section>
  );
}

export function ModelTable({ data, view }: { readonly data: Data<Shown>; readonly view: View }) {
  return (
    <>
      <ModelCards data={data} />
      <Stats<ModelStats>
        id="models"
        title={t("analytics.models")}
        data={data}
        view={view}
        rows={(shown) => shown.answer.model_stats ?? []}
        rowKey={(row) => row.model}
        nameOf={(row) => row.model || t("name.unnamed")}
        first={[{ id: "model", title: t("column.model"), phone: "main", value: (row) => row.model || t("name.unnamed") }]}
        filter={(row) => ({ models: [row.model] })}
        link={(row) => ({ model: row.model })}
        include={{ api_key_stats: true, api_key_details: false }}
        more={(_, course) => <UsedBy shown={course} />}
      />
    </>
  );
}
