/** Which automatic treatments of accounts are on. */

import { useState } from "preact/hooks";
import type { AccountPolicy as Policy } from "../../api/answers.generated";
import { t } from "../../i18n/language";
import { useData } from "../../state/freshness";
import { api } from "../../state/session";
import { Block } from "../../ui/block";
import { Toggle } from "../../ui/form";
import { Confirm, toastError } from "../../ui/overlay";

const PARTS = ["codexQuotaCooldown", "authIssueQueue", "authIssueAutoDisable"] as const;
type Name = (typeof PARTS)[number];

const PATH = "/usage-service/account-processing-policy";

export function AccountPolicy() {
  const data = useData("policy", (signal) => api().call<Policy>(PATH, { signal }));
  const [asking, setAsking] = useState(false);
  const change = async (name: Name, on: boolean) => {
    await api().call(PATH, { method: "PATCH", body: { [`${name}Enabled`]: on } });
    await data.reload();
  };
  const turn = async (name: Name, on: boolean) => {
    if (name === "authIssueAutoDisable" && on) setAsking(true);
    else await change(name, on).catch(toastError);
  };
  return (
    <>
      <Block id="policy" data={data} title={t("config.policy")}>
        {(policy) => (
          <ul class="switches">
            {PARTS.map((name) => {
              const { configured, locked, envKey } = policy[name];
              const alone = name === "authIssueAutoDisable" && !policy.authIssueQueue.enabled;
              return (
                <li key={name}>
                  <span>
                    {t(`config.${name}`)}
                    {locked && <span class="hint block-hint">{t("config.locked", { name: envKey })}</span>}
                    {alone && <span class="hint block-hint">{t("config.needsQueue")}</span>}
                  </span>
                  <Toggle name={`policy-${name}`} label={t(`config.${name}`)} on={configured} disabled={locked || (alone && !configured)} onChange={(on) => turn(name, on)} />
                </li>
              );
            })}
          </ul>
        )}
      </Block>
      {asking && (
        <Confirm id="auto-disable" title={t("config.authIssueAutoDisable")} danger onClose={() => setAsking(false)} onConfirm={() => change("authIssueAutoDisable", true)}>
          <p>{t("config.autoDisableText")}</p>
        </Confirm>
      )}
    </>
  );
}
