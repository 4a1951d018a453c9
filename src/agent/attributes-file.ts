import { readFile } from 'node:fs/promises';
import { attributesOf } from '../core/attributes.ts';
import { type AttributeChange, attributeChanges } from '../core/attributes-diff.ts';
import { type AttributesText, parseAttributes } from '../core/attributes-text.ts';
import { readNodeTopology } from '../ledger/node-topology.ts';
import type { Read } from '../ledger/store.ts';

/** A node's attributes: as they stand in its file, and as the ledger has them. */
export interface AttributesLook {
  /** Absent: there is no file yet. */
  readonly file?: AttributesText;
  readonly wanted: ReadonlyMap<string, string>;
  readonly changes: readonly AttributeChange[];
  /** What Mesos cannot be told, and what it would not start with. */
  readonly faults: readonly string[];
}

/** @throws UnknownNode, LedgerUnreachable; Error of the file system, but not for want of the file */
export async function lookAtAttributes(
  read: Read,
  { node, path }: { readonly node: string; readonly path: string | undefined },
  signal: AbortSignal,
): Promise<AttributesLook> {
  const text = path === undefined ? undefined : await textOf(path);
  const file = text === undefined ? undefined : parseAttributes(text);
  const now = file?.attributes ?? new Map<string, string>();
  const topology = await readNodeTopology(read, node, signal);
  const { attributes, faults } = attributesOf({ ...topology, others: now });
  return {
    ...(file && { file }),
    wanted: attributes,
    changes: attributeChanges(now, attributes),
    faults: [...faults, ...(file?.faults ?? []).map((fault) => `in the file: ${fault}`)],
  };
}

const textOf = (path: string): Promise<string | undefined> =>
  readFile(path, 'utf8').catch((fault: unknown) => {
    if (fault instanceof Error && 'code' in fault && fault.code === 'ENOENT') return undefined;
    throw fault;
  });
