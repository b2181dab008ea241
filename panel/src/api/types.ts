/** What the server answers, as far as the panel reads it. Times are ms, rates 0..1, money USD. */

export interface Info {
  readonly service: string;
  readonly configured?: boolean;
  readonly projectInitialized?: boolean;
  readonly setupRequired?: boolean;
  readonly hasHistoricalData?: boolean;
  readonly startedAt?: number;
}

export interface ManagerConfig {
  readonly config: {
    readonly cpaConnection?: {
      readonly cpaBaseUrl?: string;
      readonly managementKey?: string;
      readonly managementKeySet?: boolean;
    };
    readonly collector?: {
      readonly enabled?: boolean;
      readonly collectorMode?: string;
      readonly pollIntervalMs?: number;
      readonly batchSize?: number;
      readonly queryLimit?: number;
      readonly tlsSkipVerify?: boolean;
      readonly ensureUsageStatisticsEnabled?: boolean;
    };
  };
  readonly warnings?: readonly string[];
  readonly source?: "" | "db" | "env";
  readonly cpaUsage?: {
    readonly usageStatisticsEnabled: boolean;
    readonly redisUsageQueueRetentionSeconds: number;
    readonly retentionSourceDefault: boolean;
  };
}

export interface Hole {
  readonly fromMs: number;
  readonly toMs: number;
  readonly state: "at_risk" | "lost";
  readonly reason: string;
}

export interface Coverage {
  readonly last24h: {
    readonly coveredMinutes: number;
    readonly atRiskMinutes: number;
    readonly lostMinutes: number;
  };
  readonly holes: readonly Hole[];
  readonly gap: { readonly sinceMs: number; readonly reason: string } | null;
}

export interface Reconciliation {
  readonly state: "unknown" | "agrees" | "suspected";
  readonly reason?: string;
  readonly checkedAtMs?: number;
  readonly cpaAttempts?: number;
  readonly storedAttempts?: number;
  readonly difference?: number;
  readonly tolerance?: number;
}

export interface Collector {
  readonly collector: "stopped" | "starting" | "running" | "error";
  readonly upstream?: string;
  readonly mode?: string;
  readonly transport?: string;
  readonly queue?: string;
  readonly publishing?: boolean;
  readonly cpaVersion?: string;
  readonly lastConsumedAt?: number;
  readonly lastInsertedAt?: number;
  readonly totalInserted?: number;
  readonly totalSkipped?: number;
  readonly deadLetters?: number;
  readonly lastError?: string;
  readonly coverage?: Coverage;
  readonly reconciliation?: Reconciliation;
  readonly key?: { readonly state: string; readonly reason?: string; readonly retryInSeconds?: number };
  readonly intakeBytes?: number;
  readonly intakeLimitBytes?: number;
  readonly spoolBytes?: number;
  readonly spoolEvents?: number;
  readonly spoolLimitBytes?: number;
}

export interface Status {
  readonly service: string;
  readonly version?: string;
  readonly dbPath?: string;
  readonly events: number;
  readonly deadLetters: number;
  readonly collector: Collector;
  readonly databaseMaintenance?: {
    readonly required: boolean;
    readonly deferredIndexes: number;
    readonly offlineJobs: number;
    readonly command?: string;
  };
  readonly database?: {
    readonly databaseBytes: number;
    readonly walBytes: number;
    readonly shmBytes: number;
    readonly totalBytes: number;
    readonly journalSizeLimitBytes?: number;
    readonly checkpoint?: {
      readonly mode: string;
      readonly executedAtMs: number;
      readonly busy: number;
      readonly logFrames: number;
      readonly checkpointedFrames: number;
      readonly durationMs: number;
      readonly error?: string;
    };
  };
  readonly derived?: { readonly ready: boolean; readonly rows: number; readonly of: number };
  readonly store?: { readonly ready: boolean; readonly problem: string };
  readonly reactorLagMs?: number;
}

export interface Aliases {
  readonly items: readonly { readonly apiKeyHash: string; readonly alias: string; readonly updatedAtMs: number }[];
}
