import { crc32 } from 'node:zlib';
import Joi from 'joi';
import { BadJson } from '../plumbing/errors.ts';
import { parseStrictJson } from '../plumbing/strict-json.ts';

/** A release that Docker asked for and the ledger has not heard of yet. */
export interface PendingRelease {
  readonly address: string;
  /** Of the holding that is meant: a later one stays. */
  readonly incarnation: string;
  readonly pool?: string;
  /** When Docker asked, ms since the epoch. */
  readonly atMs: number;
}

/** Which release is meant. */
export type ReleaseName = Pick<PendingRelease, 'address' | 'incarnation'>;

/** One line of the file: `<crc32 of the JSON, 8 hex digits> <JSON>\n`. */
export type JournalLine =
  | { readonly added: PendingRelease }
  | { readonly settled: ReleaseName & Pick<PendingRelease, 'atMs'> };

export const nameOf = ({ address, incarnation }: ReleaseName): string =>
  `${address} ${incarnation}`;

const sumOf = (json: string): string => crc32(json).toString(16).padStart(8, '0');

export function lineOf(line: JournalLine): string {
  const json = JSON.stringify(line);
  return `${sumOf(json)} ${json}\n`;
}

export interface Replayed {
  readonly pending: readonly PendingRelease[];
  readonly lines: number;
  /** Lines that were not as they had been written: torn by a crash, or the disk's fault. */
  readonly damaged: number;
}

/**
 * What a file says is still to be released. A damaged line costs itself and no other: a release that
 * is lost with it is found by the reconcile, one that is replayed once too often changes nothing.
 */
export function replay(text: string): Replayed {
  const pending = new Map<string, PendingRelease>();
  const lines = text.split('\n').filter((line) => line !== '');
  let damaged = 0;
  for (const line of lines) {
    const read = readLine(line);
    if (read === undefined) damaged += 1;
    else if ('added' in read) pending.set(nameOf(read.added), read.added);
    else if (pending.get(nameOf(read.settled))?.atMs === read.settled.atMs)
      pending.delete(nameOf(read.settled));
  }
  return { pending: [...pending.values()], lines: lines.length, damaged };
}

const name = { address: Joi.string().required(), incarnation: Joi.string().required() };
const schema = Joi.object({
  added: Joi.object({
    ...name,
    pool: Joi.string(),
    atMs: Joi.number().integer().min(0).required(),
  }),
  settled: Joi.object({ ...name, atMs: Joi.number().integer().min(0).required() }),
}).xor('added', 'settled');

function readLine(line: string): JournalLine | undefined {
  const json = line.slice(9);
  if (line.slice(0, 9) !== `${sumOf(json)} `) return undefined;
  try {
    const value = parseStrictJson(Buffer.from(json));
    return schema.validate(value, { convert: false }).error
      ? undefined
      : (value as unknown as JournalLine);
  } catch (fault) {
    if (fault instanceof BadJson) return undefined;
    throw fault;
  }
}
