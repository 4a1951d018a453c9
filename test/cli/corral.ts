import type { Command } from 'commander';
import type { CliDeps } from '../../src/cli/deps.ts';
import { newProgram, run } from '../../src/cli/run.ts';
import type { Store } from '../../src/ledger/store.ts';
import { systemClock as clock } from '../../src/plumbing/clock.ts';
import { patience } from '../ledger/opened.ts';

export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A `corral` with a few commands on an open ledger, which stays open after each. */
export const corralOn =
  (register: (program: Command, deps: CliDeps) => void) =>
  async (store: Store, ...argv: readonly string[]): Promise<Said> => {
    const [out, err]: [string[], string[]] = [[], []];
    const open: Store = Object.assign(Object.create(store) as Store, {
      get: store.get.bind(store),
      range: store.range.bind(store),
      commit: store.commit.bind(store),
      close: () => Promise.resolve(),
    });
    const deps: CliDeps = {
      openStore: () => Promise.resolve(open),
      out: (text) => out.push(text),
      err: (text) => err.push(text),
      clock,
      signal: patience(),
    };
    const program = newProgram('corral', deps);
    register(program, deps);
    const code = await run(program, argv, deps);
    return { code, out: out.join('\n'), err: err.join('\n') };
  };
