import type { World } from '../world.ts';
import type { Line } from './words.ts';

/** Does one line and says what came of it. */
export type Command = (stage: Stage, line: Line) => string[] | Promise<string[]>;

/** What a script plays on. */
export interface Stage {
  /** Where changes go; the gate's URL, or Marathon's own. No slash at the end. */
  readonly marathonUrl: string;
  readonly mesosUrl: string;
  /** For what no API offers: crashes, partitions, filled nodes, counters. */
  readonly world: World;
  /** Lets `ms` pass: a virtual clock advances, a real one is waited for. */
  readonly pass: (ms: number) => Promise<void>;
  /** Further commands of the one who plays; they win over those of the same name here. */
  readonly commands?: Readonly<Record<string, Command>>;
}
