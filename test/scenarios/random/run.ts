import process from 'node:process';
import { parseArgs } from 'node:util';
import { keeps, ScenarioFailed } from './failed.ts';
import { MODES, type Mode } from './modes.ts';
import { play } from './play.ts';
import { randomScenario } from './script.ts';
import { added, type Row, tableOf } from './table.ts';

/**
 * npm run scenarios -- [--seeds 300] [--from 1] [--mode MODE] [--trace]
 *
 * Plays seeds in every mode, or in those named, and prints what came of them as a table. A seed that
 * breaks a promise ends it, with its script cut down as far as it still does.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '300' },
    from: { type: 'string', default: '1' },
    mode: { type: 'string', multiple: true },
    trace: { type: 'boolean', default: false },
  },
});
const said = (line: string) => process.stdout.write(`${line}\n`);
const isMode = (name: string): name is Mode => MODES.some((mode) => mode === name);
const chosen = (values.mode ?? MODES).filter(isMode);
if (chosen.length === 0) throw new Error(`modes are ${MODES.join(', ')}`);
const [from, count] = [Number(values.from), Number(values.seeds)];

const rows = new Map<Mode, Row>();
try {
  for (const mode of chosen)
    for (let seed = from; seed < from + count; seed += 1) {
      const { figures, breaches, trace } = await play(randomScenario(seed), mode);
      if (values.trace) trace.forEach(said);
      if (breaches.length > 0) await keeps(seed, mode);
      rows.set(mode, added(rows.get(mode), figures));
    }
  said(`${count} seeds from ${from} on:\n`);
  said(tableOf(rows));
} catch (fault) {
  if (!(fault instanceof ScenarioFailed)) throw fault;
  said(fault.message);
  process.exitCode = 1;
}
