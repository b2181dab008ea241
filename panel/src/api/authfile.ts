/** Entries of CPA's list of credentials. */

export interface Tries {
  /** `HH:MM-HH:MM` of CPA's local time. */
  readonly time: string;
  readonly success: number;
  readonly failed: number;
}

export interface AuthFile {
  readonly id: string;
  readonly auth_index?: string;
  /** Of the file; several credentials may come from one. */
  readonly name: string;
  readonly type?: string;
  readonly provider?: string;
  readonly label?: string;
  readonly status?: string;
  readonly status_message?: string;
  readonly disabled?: boolean;
  readonly unavailable?: boolean;
  readonly runtime_only?: boolean;
  readonly size?: number;
  readonly success?: number;
  readonly failed?: number;
  readonly recent_requests?: readonly Tries[];
  readonly email?: string;
  readonly project_id?: string;
  readonly account_type?: string;
  readonly account?: string;
  readonly created_at?: string;
  readonly modtime?: string;
  readonly last_refresh?: string;
  readonly next_retry_after?: string;
  readonly id_token?: { readonly chatgpt_account_id?: string; readonly plan_type?: string };
  readonly priority?: number;
  readonly weight?: number;
  readonly note?: string;
  readonly prefix?: string;
  readonly proxy_url?: string;
}

export function providerOf(file: AuthFile): string {
  return file.provider || file.type || "";
}

/** What a credential is called where nothing is masked. */
export function accountOf(file: AuthFile): string {
  return file.account_type === "api_key" ? (file.label ?? "") : file.account || file.email || file.label || "";
}
