import { type Fields, fieldsAt, numberAt, objectsIn, textAt } from './shape-json.ts';
import { minorOf } from './shape-qdiscs.ts';
import type { SeenHook, SeenSorting, SeenTree } from './shape-seen.ts';
import type { Hook, Table } from './shape.ts';

/**
 * Our place among the filters of a hook. Not the same at both: u32 keeps the rules of all hooks of an
 * interface together and shows those of one pref at each of them.
 */
export const REDIRECT_PREF: Readonly<Record<Hook, number>> = { ingress: 1, egress: 2 };

interface TablePlace {
  readonly pref: number;
  readonly protocol: string;
  /** Offset of the last four bytes of the address in the packet. */
  readonly src: number;
  readonly dst: number;
}

/** Where each table of a shared tree is among the filters of its root. */
export const TABLES: Readonly<Record<Table, TablePlace>> = {
  4: { pref: 1, protocol: 'ip', src: 12, dst: 16 },
  6: { pref: 2, protocol: 'ipv6', src: 20, dst: 36 },
  any: { pref: 9, protocol: 'all', src: 0, dst: 0 },
};
const EVERY_TABLE: readonly Table[] = [4, 6, 'any'];

/** Kernel's name of the hash table of addresses. */
export const hashOf = (table: Table): string => (table === 6 ? '2' : '1');

interface Filter {
  readonly pref: number;
  readonly kind: string;
  readonly protocol: string;
  readonly options: Fields;
}

const COMMAND = 'tc -j filter show';

const filtersIn = (json: string): readonly Filter[] =>
  objectsIn(json, COMMAND).flatMap((fields) => {
    const pref = numberAt(fields, 'pref');
    return pref === undefined
      ? []
      : [
          {
            pref,
            kind: textAt(fields, 'kind') ?? '',
            protocol: textAt(fields, 'protocol') ?? '',
            options: fieldsAt(fields, 'options'),
          },
        ];
  });

/** A rule, not the table or the place that holds it. */
const isRule = ({ options }: Filter): boolean =>
  textAt(options, 'fh') === undefined
    ? Object.keys(options).length > 0
    : options['ht_divisor'] === undefined;

const matchesAll = ({ options }: Filter): boolean => {
  const match = fieldsAt(options, 'match');
  return match['mask'] === '0' && match['value'] === '0';
};

/** What is at one hook. @throws UnreadableKernel */
export function parseHook(json: string, hook: Hook): SeenHook {
  const pref = REDIRECT_PREF[hook];
  const filters = filtersIn(json);
  const redirect = redirectIn(filters.filter((filter) => filter.pref === pref));
  const first = filters
    .map((filter) => filter.pref)
    .filter((at) => at < pref || (at === pref && !redirect));
  const others = filters.filter((filter) => filter.pref > pref && isRule(filter));
  return {
    ...(redirect ? { redirect } : {}),
    first: [...new Set(first)],
    others: others.length,
  };
}

function redirectIn(mine: readonly Filter[]): SeenHook['redirect'] {
  const rules = mine.filter(isRule);
  const [rule] = rules;
  if (rules.length !== 1 || !rule || !takesAll(rule)) return undefined;
  const handle = textAt(rule.options, 'fh');
  const action = onlyAction(rule);
  if (handle === undefined || !action || !isRedirect(action)) return undefined;
  const to = textAt(action, 'to_dev');
  // tc shows a target that is gone as "*".
  return to === undefined || to === '*' ? { handle } : { handle, to };
}

const takesAll = (rule: Filter): boolean =>
  rule.kind === 'u32' &&
  rule.protocol === 'all' &&
  matchesAll(rule) &&
  rule.options['input_dev'] === undefined;

function onlyAction({ options }: Filter): Fields | undefined {
  const actions: unknown = options['actions'];
  return Array.isArray(actions) && actions.length === 1 ? (actions[0] as Fields) : undefined;
}

const isRedirect = (action: Fields): boolean =>
  action['kind'] === 'mirred' &&
  action['mirred_action'] === 'redirect' &&
  action['direction'] === 'egress';

type Sorted = Pick<SeenTree, 'tables' | 'broken' | 'sortings'>;

/** Tables and rules of a shared tree. @throws UnreadableKernel */
export function parseSortings(json: string): Sorted {
  const filters = filtersIn(json);
  const tables = new Map<Table, 'src' | 'dst' | undefined>();
  const broken = new Set<Table>();
  const sortings: SeenSorting[] = [];
  for (const table of EVERY_TABLE) {
    const mine = filters.filter(({ pref }) => pref === TABLES[table].pref);
    if (mine.length === 0) continue;
    const read = tableIn(table, mine);
    if (!read) broken.add(table);
    else {
      tables.set(table, read.searchBy);
      sortings.push(...read.sortings);
    }
  }
  return { tables, broken, sortings };
}

function tableIn(
  table: Table,
  mine: readonly Filter[],
): { searchBy?: 'src' | 'dst'; sortings: SeenSorting[] } | undefined {
  const place = TABLES[table];
  if (mine.some(({ kind, protocol }) => kind !== 'u32' || protocol !== place.protocol))
    return undefined;
  const rules = mine.filter(isRule);
  const links = rules.filter(({ options }) => options['link'] !== undefined);
  const sortings = rules.filter((rule) => !links.includes(rule)).map((r) => sortingOf(table, r));
  if (sortings.includes(undefined)) return undefined;
  const searchBy = links.length === 1 && links[0] ? searchOf(table, links[0]) : undefined;
  const sound = table === 'any' ? links.length === 0 : searchBy !== undefined;
  if (!sound) return undefined;
  return {
    ...(searchBy ? { searchBy } : {}),
    sortings: sortings.filter((sorting) => sorting !== undefined),
  };
}

function searchOf(table: Table, { options }: Filter): 'src' | 'dst' | undefined {
  const place = TABLES[table];
  if (options['link'] !== `${hashOf(table)}:` || options['hash_mask'] !== 'ff') return undefined;
  if (options['hash_off'] === place.src) return 'src';
  return options['hash_off'] === place.dst ? 'dst' : undefined;
}

function sortingOf(table: Table, rule: Filter): SeenSorting | undefined {
  const { options } = rule;
  const handle = textAt(options, 'fh');
  const minor = minorOf(textAt(options, 'flowid') ?? '');
  const from = textAt(options, 'input_dev');
  const bucket = parseInt(textAt(options, 'bkt') ?? '', 16);
  if (handle === undefined || minor === undefined || Number.isNaN(bucket)) return undefined;
  if (!matchesAll(rule) || options['actions'] !== undefined) return undefined;
  return { table, bucket, minor, handle, ...(from === undefined ? {} : { from }) };
}
