import type { Journal, PendingRelease, ReleaseName } from '../../src/agent/journal.ts';
import { lineOf, nameOf, replay } from '../../src/agent/journal-lines.ts';
import type { Life, World } from './simulated-world.ts';

/** What is on a node's disk. */
export interface Disk {
  text: string;
}

/** The journal on a disk of the world: a line is whole, torn or missing when its process is killed. */
export function simulatedJournal(world: World, life: Life, disk: Disk): Journal {
  const pending = new Map(
    replay(disk.text).pending.map((entry) => [nameOf(entry), entry] as const),
  );
  disk.text = [...pending.values()].map((added) => lineOf({ added })).join('');
  const underWay = new Set<string>();
  life.onEnd.add(() => {
    const [first] = underWay;
    disk.text += first?.slice(0, world.chance.between(0, first.length)) ?? '';
  });
  const append = (line: string): Promise<void> =>
    new Promise((resolve) => {
      if (life.over) return;
      underWay.add(line);
      world.after(world.latency(100), `${life.name}: journal ${line.trim()}`, () => {
        if (life.over) return;
        underWay.delete(line);
        disk.text += line;
        resolve();
      });
    });
  return {
    add: (entry: PendingRelease) => {
      pending.set(nameOf(entry), entry);
      return append(lineOf({ added: entry }));
    },
    pending: () => [...pending.values()],
    settle: async ({ address, incarnation, atMs }: PendingRelease) => {
      const name = nameOf({ address, incarnation });
      if (pending.get(name)?.atMs !== atMs) return;
      pending.delete(name);
      await append(lineOf({ settled: { address, incarnation, atMs } }));
    },
    state: () => ({ pending: pending.size }),
    close: () => Promise.resolve(),
  };
}
