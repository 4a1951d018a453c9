import { Refusal } from './errors.ts';
import type { LimitWish } from './limit-edit.ts';
import { parseRate } from './rate.ts';

/** What stands under a limit's key does not read as a limit. */
export class UnreadableLimit extends Refusal {
  readonly code = 'unreadable-limit';
  readonly remedy =
    'write it as {"netInKbit":100000,"netOutKbit":"50mbit"}, or use corral limit set';
  constructor(readonly fault: string) {
    super(`the value does not read as a limit: ${fault}`);
  }
}

const KEYS: ReadonlySet<string> = new Set([
  ...['v', 'netInKbit', 'netOutKbit', 'classMinor', 'forced'],
  ...['edit', 'editedMs'],
]);
const LONGEST_VALUE = 4_096;

/**
 * The wish in what somebody wrote to a limit's key by hand. What is left out stays; rates may be numbers,
 * which are kbit/s, or text as core/rate.ts reads it; `forced` insists. The class is the agent's own, so
 * a changed one is passed over.
 *
 * @throws UnreadableLimit
 */
export function readRawLimit(value: string): LimitWish {
  const fields = fieldsIn(value);
  const strange = Object.keys(fields).find((key) => !KEYS.has(key));
  if (strange !== undefined) throw new UnreadableLimit(`it has a "${strange.slice(0, 40)}"`);
  if (fields['v'] !== undefined && fields['v'] !== 1)
    throw new UnreadableLimit('its version "v" is not 1');
  if (fields['forced'] !== undefined && typeof fields['forced'] !== 'boolean')
    throw new UnreadableLimit('"forced" is neither true nor false');
  const netInKbit = rateIn(fields, 'netInKbit');
  const netOutKbit = rateIn(fields, 'netOutKbit');
  return {
    ...(netInKbit !== undefined && { netInKbit }),
    ...(netOutKbit !== undefined && { netOutKbit }),
    ...(fields['forced'] === true && { force: true }),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsIn(value: string): Fields {
  if (value.length > LONGEST_VALUE)
    throw new UnreadableLimit(`it has ${value.length} characters, over ${LONGEST_VALUE}`);
  const parsed = parsedJson(value);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new UnreadableLimit('it is not a JSON object');
  return parsed as Fields;
}

function parsedJson(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    throw new UnreadableLimit('it is not JSON');
  }
}

function rateIn(fields: Fields, key: string): number | undefined {
  const rate = fields[key];
  if (rate === undefined) return undefined;
  if (typeof rate !== 'number' && typeof rate !== 'string')
    throw new UnreadableLimit(`"${key}" is neither a number nor text`);
  try {
    return parseRate(rate);
  } catch (fault) {
    if (fault instanceof Refusal) throw new UnreadableLimit(`"${key}": ${fault.message}`);
    throw fault;
  }
}
