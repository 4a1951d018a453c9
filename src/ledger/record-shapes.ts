/**
 * The schemas of what every allocation reads and writes once more, by hand: tens of thousands of tallies and
 * blocks are read at start-up too, and this is many times faster. test/ledger/records.test.ts holds both against each other.
 */
const NAME = /^[a-z0-9][a-z0-9_.-]{0,252}$/;
const MASK = /^[0-9a-f]{64}$/;
const OFFSET = /^(\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])$/;
const LONGEST_APP = 1024;

type Fields = Readonly<Record<string, unknown>>;
type Check = (value: unknown) => boolean;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isName = (value: string): boolean => NAME.test(value);
const isOffset = (value: string): boolean => OFFSET.test(value);
const isApp = (value: string): boolean =>
  value.length > 0 && value.length <= LONGEST_APP && value !== '__proto__';
const isMask: Check = (value) => typeof value === 'string' && MASK.test(value);
const isText: Check = (value) => typeof value === 'string';

function isMap(value: unknown, key: (name: string) => boolean, of: Check): boolean {
  if (!isFields(value)) return false;
  for (const name in value) if (!key(name) || !of(value[name])) return false;
  return true;
}

const hasOnly = (record: Fields, keys: number): boolean =>
  record['v'] === 1 && Object.keys(record).length === keys;

const isPerNetwork: Check = (value) => isMap(value, isName, isCount);

const BLOCK = /^(0|[1-9]\d{0,16})$/;
const isBlockNumber = (value: string): boolean => BLOCK.test(value);
const isResting: Check = (value) => isMap(value, isOffset, isCount);

/** Whether a field that may be absent is, or is as it should be. */
const isAbsentOr = (value: unknown, of: Check): boolean => value === undefined || of(value);

const fieldsBeside = (record: Fields, ...names: readonly string[]): number =>
  names.filter((name) => record[name] !== undefined).length;

const isReserve: Check = (value) =>
  isFields(value) &&
  Object.keys(value).length === fieldsBeside(value, 'kept', 'resting') &&
  isAbsentOr(value['kept'], isMask) &&
  isAbsentOr(value['resting'], isResting);

const isReserveOfPool: Check = (value) => isMap(value, isBlockNumber, isReserve);

export const isTally: Check = (record) =>
  isFields(record) &&
  hasOnly(record, 5 + fieldsBeside(record, 'forced', 'reserve')) &&
  isAbsentOr(record['reserve'], (value) => isMap(value, isName, isReserveOfPool)) &&
  (record['forced'] === undefined || (isCount(record['forced']) && record['forced'] !== 0)) &&
  isCount(record['netInKbit']) &&
  isCount(record['netOutKbit']) &&
  isMap(record['pools'], isName, isCount) &&
  isMap(record['apps'], isApp, isPerNetwork);

const isCursor: Check = (value) => isCount(value) && (value as number) <= 255;

export const isBlock: Check = (record) =>
  isFields(record) &&
  hasOnly(record, 5) &&
  isCursor(record['cursor']) &&
  isMap(record['held'], isName, isMask) &&
  isMap(record['cooling'], isOffset, isCount) &&
  isMap(record['quarantined'], isOffset, isText);

const isWord: Check = (value) => typeof value === 'string' && value !== '';
const isNamed: Check = (value) => typeof value === 'string' && isName(value);
const isTrue: Check = (value) => value === true;
const isOne: Check = (value) => value === 1;
const isMinor: Check = (value) =>
  isCount(value) && (value as number) >= 1 && (value as number) <= 0xfffe;

interface Parts {
  readonly required: Readonly<Record<string, Check>>;
  readonly optional?: Readonly<Record<string, Check>>;
}

/** All that is required, and beside it nothing but what is optional. */
function isMadeOf({ required, optional = {} }: Parts): Check {
  const checks = new Map([...Object.entries(required), ...Object.entries(optional)]);
  const needed = Object.keys(required);
  return (value) =>
    isFields(value) &&
    needed.every((name) => Object.hasOwn(value, name)) &&
    Object.keys(value).every((name) => checks.get(name)?.(value[name]) === true);
}

const counted: Parts = {
  required: { netInKbit: isCount, netOutKbit: isCount, classMinor: isMinor },
  optional: { forced: isTrue },
};

export const isLimit = isMadeOf({
  required: { v: isOne, ...counted.required },
  optional: { ...counted.optional, edit: isWord, editedMs: isCount },
});

export const isLease = isMadeOf({
  required: { v: isOne, pool: isNamed, network: isNamed, incarnation: isWord, sinceMs: isCount },
  optional: {
    app: (value) => typeof value === 'string' && isApp(value),
    ...{ task: isWord, container: isWord, mac: isWord, bootId: isWord, startedMs: isCount },
    by: (value) => value === 'docker' || value === 'cni' || value === 'aux',
    asked: isMadeOf({ required: {}, optional: { netInKbit: isCount, netOutKbit: isCount } }),
    counted: isMadeOf(counted),
  },
});
