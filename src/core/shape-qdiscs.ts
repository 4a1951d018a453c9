import { type Fields, fieldsAt, hexAt, numberAt, objectsIn, textAt } from './shape-json.ts';
import type { Leaf } from './shape.ts';
import { TREE } from './shape.ts';

export interface Counters {
  readonly bytes: number;
  readonly packets: number;
  readonly drops: number;
  /** Waiting now, bytes. */
  readonly backlogBytes: number;
}

/** One qdisc, as `tc -j -s -d -r qdisc show` has it. */
export interface Qdisc {
  readonly dev: string;
  readonly kind: string;
  readonly handle: string;
  /** `c0a1:5`, or `root` */
  readonly parent: string;
  readonly options: Fields;
  readonly counters: Counters;
}

export const TREE_HANDLE = `${TREE.toString(16)}:`;
/** Rate of a `split` leaf: it never waits. tc counts bytes a second. */
export const SPLIT_RATE_GBIT = 100;
const SPLIT_RATE_BYTES = (SPLIT_RATE_GBIT * 1e9) / 8;

/** @throws UnreadableKernel */
export const parseQdiscs = (json: string): readonly Qdisc[] =>
  objectsIn(json, 'tc -j -s -d -r qdisc show').flatMap((fields) => {
    const dev = textAt(fields, 'dev');
    const kind = textAt(fields, 'kind');
    const handle = textAt(fields, 'handle');
    if (dev === undefined || kind === undefined || handle === undefined) return [];
    const parent = fields['root'] === true ? 'root' : (textAt(fields, 'parent') ?? '');
    const options = fieldsAt(fields, 'options');
    return [{ dev, kind, handle, parent, options, counters: countersOf(fields) }];
  });

const countersOf = (fields: Fields): Counters => ({
  bytes: numberAt(fields, 'bytes') ?? 0,
  packets: numberAt(fields, 'packets') ?? 0,
  drops: numberAt(fields, 'drops') ?? 0,
  backlogBytes: numberAt(fields, 'backlog') ?? 0,
});

export const isOurRoot = ({ kind, handle, parent }: Qdisc): boolean =>
  parent === 'root' && kind === 'htb' && handle === TREE_HANDLE;

/** Minor of the class of ours that a qdisc hangs below. */
export function minorAbove({ parent }: Qdisc): number | undefined {
  if (!parent.startsWith(TREE_HANDLE)) return undefined;
  return minorOf(parent);
}

/** `c0a1:5` to 5. */
export function minorOf(handle: string): number | undefined {
  const minor = /^[0-9a-f]{1,4}:([0-9a-f]{1,4})$/.exec(handle)?.[1];
  return minor === undefined ? undefined : parseInt(minor, 16);
}

export const defaultOf = ({ options }: Qdisc): number => hexAt(options, 'default') ?? 0;

/** The qdisc as one of our leaves; undefined when it is none. */
export function leafOf({ kind, options }: Qdisc): Leaf | undefined {
  const limit = numberAt(options, 'limit');
  if (limit === undefined) return undefined;
  if (kind === 'bfifo') return { kind, limitBytes: limit };
  if (kind === 'tbf' && options['rate'] === SPLIT_RATE_BYTES)
    return { kind: 'split', limitBytes: limit };
  const targetUs = numberAt(options, 'target');
  if (kind !== 'fq_codel' || targetUs === undefined) return undefined;
  return { kind, limitPackets: limit, targetUs, quantumBytes: numberAt(options, 'quantum') ?? 0 };
}
