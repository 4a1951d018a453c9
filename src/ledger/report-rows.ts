import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { CapacityReport } from '../core/capacity-record.ts';
import { BadRecord } from './errors.ts';
import { keys, type ReportPlace } from './keys.ts';
import type { Guard, Read, Store } from './store.ts';

/**
 * A whole report as the ledger keeps it: JSON, compressed (a report of 10,000 nodes is some 4 MB of JSON),
 * in base64, cut into pieces that a backend takes as one value.
 */
const PIECE = 700_000;
/** Nobody wrote a report of more; a value that says so is no report. */
const MOST_BYTES = 256 * 1024 * 1024;

const [pack, unpack] = [promisify(gzip), promisify(gunzip)];

/**
 * Writes the pieces of a report, each in a commit of its own. Nothing names them until the report's head
 * is written; a writer that dies before leaves pieces that the next one writes over.
 *
 * @returns how many; undefined when a guard does not hold any more
 * @throws LedgerUnreachable
 */
export async function writeRows(
  store: Store,
  { place, report }: { readonly place: ReportPlace; readonly report: CapacityReport },
  guards: readonly Guard[],
  signal: AbortSignal,
): Promise<number | undefined> {
  const text = (await pack(JSON.stringify(report))).toString('base64');
  const pieces = Math.ceil(text.length / PIECE);
  for (let n = 0; n < pieces; n += 1) {
    const value = text.slice(n * PIECE, (n + 1) * PIECE);
    const writes = [{ put: keys.reportPart(place, n), value }];
    const { won } = await store.commit({ guards, writes }, signal);
    if (!won) return undefined;
  }
  return pieces;
}

/**
 * The report whose head names so many pieces; undefined when they are not kept any more.
 *
 * @throws BadRecord, LedgerUnreachable
 */
export async function readRows(
  read: Read,
  { place, parts }: { readonly place: ReportPlace; readonly parts: number },
  signal: AbortSignal,
): Promise<CapacityReport | undefined> {
  let text = '';
  for (let n = 0; n < parts; n += 1) {
    const piece = await read.get(keys.reportPart(place, n), signal);
    if (!piece) return undefined;
    text += piece.value;
  }
  try {
    const bytes = await unpack(Buffer.from(text, 'base64'), { maxOutputLength: MOST_BYTES });
    return JSON.parse(bytes.toString()) as CapacityReport;
  } catch (fault) {
    const why = fault instanceof Error ? fault.message : String(fault);
    throw new BadRecord(keys.reportPart(place, 0), `it is no report (${why})`);
  }
}
