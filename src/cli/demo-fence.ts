import type { FenceRecord } from '../core/fence-record.ts';
import type { FenceBook } from '../ledger/fence-book.ts';

export interface DemoFence {
  /** Nodes that are out of offers, and what it costs; nothing while there are none. */
  told(): readonly string[];
  /** Tells no more. */
  end(): void;
}

/** Tells of each node that the fence takes out of Mesos' offers, and of each that it gives back. */
export function watchFence(book: FenceBook, out: (text: string) => void): DemoFence {
  let before = closedIn(book);
  const end = book.onChange(() => {
    const now = closedIn(book);
    for (const [node, { why }] of now)
      if (!before.has(node)) out(`  fence: ${node} closed: ${why}`);
    for (const node of before.keys()) if (!now.has(node)) out(`  fence: ${node} is offered again`);
    before = now;
  });
  return { told: () => costOf(closedIn(book)), end };
}

const closedIn = (book: FenceBook): ReadonlyMap<string, FenceRecord> =>
  new Map(
    [...book.fences().plain].filter(([, { mode, state }]) => mode === 'on' && state === 'closed'),
  );

function costOf(closed: ReadonlyMap<string, FenceRecord>): readonly string[] {
  if (closed.size === 0) return [];
  const figures = [...closed.values()].map((record) => record.figures);
  const cpus = figures.reduce((sum, one) => sum + one.cpus, 0);
  return [
    `nodes that Mesos offers to nobody, since they have too few addresses left: ${closed.size}`,
    `  that costs ${cpus.toFixed(1)} CPUs, which containers without an address could have used; an app that`,
    '  waits for them, or for one of the last addresses, opens a node: corral fence list',
  ];
}
