import type { AuditRecord } from '../../core/limit-record.ts';
import type { CountedLimit, LeaseRecord } from '../../core/lease-record.ts';

export interface LimitShape {
  readonly address: string;
  readonly node: string;
  readonly network: string;
  readonly app?: string;
  readonly container?: string;
  /** In force. */
  readonly netInKbit: number;
  readonly netOutKbit: number;
  /** It passes the node's link, and someone insisted. */
  readonly forced?: true;
  /**
   * `given`: as at the container's start. `pending`: written, and the node's agent said nothing yet. Else
   * what the agent said of the last write.
   */
  readonly state: 'given' | 'pending' | 'enforced' | 'failed' | 'invalid';
  readonly reason?: string;
  /** What the app asked for, where it asked. */
  readonly asked?: { readonly netInKbit?: number; readonly netOutKbit?: number };
  /** The audit's entry of the last edit. */
  readonly edit?: string;
  readonly editedAt?: string;
}

/** One lease's limit with all that is known of it; ledger/limit-list.ts has them. */
export interface LimitParts {
  readonly node: string;
  readonly address: string;
  readonly lease: LeaseRecord;
  readonly counted?: CountedLimit;
  readonly state: LimitShape['state'];
  readonly reason?: string;
  readonly edit?: string;
  readonly editedMs?: number;
}

const iso = (ms: number): string => new Date(ms).toISOString();

const holderOf = ({ network, app, container, asked }: LeaseRecord) => ({
  network,
  ...(app !== undefined && { app }),
  ...(container !== undefined && { container }),
  ...(asked && { asked }),
});

const rulesOf = (counted: CountedLimit | undefined) => ({
  netInKbit: counted?.netInKbit ?? 0,
  netOutKbit: counted?.netOutKbit ?? 0,
  ...(counted?.forced && { forced: true as const }),
});

export const limitShape = ({ lease, counted, editedMs, ...limit }: LimitParts): LimitShape => ({
  ...limit,
  ...holderOf(lease),
  ...rulesOf(counted),
  ...(editedMs !== undefined && { editedAt: iso(editedMs) }),
});

/** One limit after an edit; ledger/limit-edit.ts has them. */
export interface EditedParts {
  readonly node: string;
  readonly address: string;
  readonly container?: string;
  readonly app?: string;
  readonly before: CountedLimit;
  readonly after: CountedLimit;
  readonly edit?: string;
}

export interface RatesShape {
  readonly netInKbit: number;
  readonly netOutKbit: number;
  readonly forced?: true;
}

export interface EditedShape {
  readonly node: string;
  readonly address: string;
  readonly container?: string;
  readonly app?: string;
  readonly before: RatesShape;
  readonly after: RatesShape;
  /** The audit's entry. The node's agent says in the limit's state what becomes of it. */
  readonly edit?: string;
  /** `unchanged`: it was so already. */
  readonly state: 'pending' | 'unchanged';
}

export const editedShape = ({ before, after, ...edited }: EditedParts): EditedShape => ({
  ...edited,
  before: rulesOf(before),
  after: rulesOf(after),
  state: edited.edit === undefined ? 'unchanged' : 'pending',
});

export interface AuditShape extends Omit<AuditRecord, 'v' | 'atMs'> {
  readonly id: string;
  readonly at: string;
}

export function auditShape(id: string, record: AuditRecord): AuditShape {
  const { who, by, act, node, address } = record;
  const { container, app, before, after, why, of } = record;
  return {
    ...{ id, at: iso(record.atMs), who, by, act },
    ...(node !== undefined && { node }),
    ...(address !== undefined && { address }),
    ...(container !== undefined && { container }),
    ...(app !== undefined && { app }),
    ...(before && { before }),
    ...(after && { after }),
    ...(why !== undefined && { why }),
    ...(of !== undefined && { of }),
  };
}
