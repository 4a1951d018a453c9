import type Joi from 'joi';
import type { FailureRecord } from '../core/failure-record.ts';
import type { FenceOrderRecord, FenceRecord } from '../core/fence-record.ts';
import type { OutboxRecord, ReportRecord, ScheduleRecord } from '../core/report-record.ts';
import { Draft } from './draft.ts';
import { BadRecord } from './errors.ts';
import { failure } from './failure-schema.ts';
import { fence, fenceOrder } from './fence-schema.ts';
import { faultOf, schemas } from './record-schemas.ts';
import { report, reportOutbox, reportSchedule } from './report-schema.ts';
import { isBlock, isLease, isLimit, isTally } from './record-shapes.ts';
import type { Entry } from './store.ts';

/** A record with the key and the revisions that it was read with. */
export interface Kept<Record> extends Omit<Entry, 'value'> {
  readonly record: Record;
}

/** Records that read, and the faults of those that do not: they stop nothing else. */
export interface Decoded<Record> {
  readonly good: readonly Kept<Record>[];
  readonly faults: readonly BadRecord[];
}

/** How one kind of record is written and read. */
export interface Codec<Record> {
  /** @throws BadRecord when the record is not what it should be: nothing wrong is ever written */
  encode(record: Record): string;
  /** As `encode`, but spelled only when it is sent. @throws as encode; of a block not before it is sent */
  draft(key: string, record: Record): Draft;
  /** @throws BadRecord with the key and the first fault */
  decode(entry: Entry): Record;
  decodeAll(entries: readonly Entry[]): Decoded<Record>;
}

interface Checks {
  /** Faster than the schema; what it does not take is held against that. */
  readonly shape?: (value: unknown) => boolean;
  /** Drafts are made of what was read, so that a fault in one would not be that of one ask among several. */
  readonly checkedWhenSent?: boolean;
}

function codec<Record>(
  kind: string,
  schema: Joi.ObjectSchema<Record>,
  { shape = () => false, checkedWhenSent = false }: Checks = {},
): Codec<Record> {
  const fault = (value: unknown): string | undefined =>
    shape(value) ? undefined : faultOf(schema, value);
  const memory = new Memory<Record>();
  const check = (record: Record): void => {
    const wrong = fault(record);
    if (wrong !== undefined) throw new BadRecord(`${kind}, about to be written`, wrong);
  };
  const read = ({ key, value }: Entry): Record => {
    const record = parsed(key, value);
    const wrong = fault(record);
    if (wrong !== undefined) throw new BadRecord(key, wrong);
    return record as Record;
  };
  const decode = (entry: Entry): Record => memory.of(entry, read);
  return {
    encode(record) {
      check(record);
      return memory.spelled(record);
    },
    draft(key, record) {
      if (!checkedWhenSent) check(record);
      const draft = new Draft(key, () => {
        if (checkedWhenSent) check(record);
        return memory.spelled(record);
      });
      memory.keep(draft, record);
      return draft;
    },
    decode,
    decodeAll: (entries) => decodeAll(entries, decode),
  };
}

/**
 * What was read from one entry is kept as long as the entry is: a cached one is decoded once. What was
 * written is kept for a while: whoever wrote it reads it next.
 */
class Memory<Record> {
  readonly #known = new WeakMap<Entry, Record>();
  readonly #written = new Lately<Record>();

  of(entry: Entry, read: (entry: Entry) => Record): Record {
    const before = this.#known.get(entry);
    if (before !== undefined) return before;
    const record = this.#written.get(entry.value) ?? read(entry);
    this.keep(entry, record);
    return record;
  }

  keep(entry: Entry, record: Record): void {
    this.#known.set(entry, record);
  }

  spelled(record: Record): string {
    const value = JSON.stringify(record);
    this.#written.set(value, record);
    return value;
  }
}

/** Some of the values that were set last, at least `LATELY` of them. */
class Lately<Value> {
  #values = new Map<string, Value>();
  #before = new Map<string, Value>();

  get(key: string): Value | undefined {
    return this.#values.get(key) ?? this.#before.get(key);
  }

  set(key: string, value: Value): void {
    if (this.#values.size >= LATELY) {
      this.#before = this.#values;
      this.#values = new Map();
    }
    this.#values.set(key, value);
  }
}

/** As many as one commit writes of a kind. */
const LATELY = 128;

function parsed(key: string, value: string): unknown {
  try {
    return JSON.parse(value);
  } catch (fault) {
    throw new BadRecord(key, `it is not JSON (${(fault as SyntaxError).message})`);
  }
}

function decodeAll<Record>(
  entries: readonly Entry[],
  decode: (entry: Entry) => Record,
): Decoded<Record> {
  const good: Kept<Record>[] = [];
  const faults: BadRecord[] = [];
  for (const entry of entries)
    try {
      good.push(kept(entry, decode(entry)));
    } catch (fault) {
      if (!(fault instanceof BadRecord)) throw fault;
      faults.push(fault);
    }
  return { good, faults };
}

const kept = <Record>({ key, revision, created }: Entry, record: Record): Kept<Record> => ({
  key,
  revision,
  created,
  record,
});

/** One codec per record of core/records.ts. */
export const records = {
  network: codec('network', schemas.network),
  pool: codec('pool', schemas.pool),
  node: codec('node', schemas.node),
  tally: codec('tally', schemas.tally, { shape: isTally }),
  block: codec('block', schemas.block, { shape: isBlock, checkedWhenSent: true }),
  births: codec('births', schemas.births),
  starving: codec('starving node', schemas.starving),
  lease: codec('lease', schemas.lease, { shape: isLease }),
  limit: codec('limit', schemas.limit, { shape: isLimit }),
  alive: codec('sign of life', schemas.alive),
  limitStatus: codec('limit status', schemas.limitStatus),
  audit: codec('audit entry', schemas.audit),
  admission: codec('admission', schemas.admission),
  reservation: codec('reservation', schemas.reservation),
  held: codec('held', schemas.held),
  injected: codec('injected', schemas.injected),
  appRates: codec('app rates', schemas.appRates),
  verdict: codec('verdict', schemas.verdict),
  failure: codec<FailureRecord>('failure', failure),
  report: codec<ReportRecord>('report', report),
  reportSchedule: codec<ScheduleRecord>('report schedule', reportSchedule),
  reportOutbox: codec<OutboxRecord>('report outbox', reportOutbox),
  reconciled: codec('reconciled', schemas.reconciled),
  rebuilding: codec('rebuilding', schemas.rebuilding),
  fence: codec<FenceRecord>('fence', fence),
  fenceOrder: codec<FenceOrderRecord>('fence order', fenceOrder),
} as const;
