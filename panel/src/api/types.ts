/** What the Manager tells of itself, by the names that the panel has for it. */

export type { AliasList as Aliases, CollectorStatus as Collector, Coverage, Hole, Info, Reconciliation, ShownConfig as ManagerConfig, Status } from "./answers.generated";
