import process from 'node:process';
import { parseArgs } from 'node:util';
import { keeps, ScenarioFailed } from './failed.ts';
import { FULL, MODES, type Mode } from './modes.ts';
import { play } from './play.ts';
import { randomScenario } from './script.ts';
import { added, MARGIN_COLUMNS, MODE_COLUMNS, type Row, tableOf } from './table.ts';

const USAGE = `npm run scenarios -- [--seeds 300] [--from 1] [--mode MODE]... [--margin] [--trace]

Plays seeded clusters and scripts, and prints what came of them as a table:
with each of the modes ${MODES.map((mode) => `"${mode}"`).join(', ')},
or only with those that are named; with --margin, everything on, for each margin of the fence.
A seed that breaks a promise ends it, with its script cut down as far as it still does.

  --seeds N   how many (300; with --margin 60)
  --from N    the first of them (1)
  --mode M    one of the modes, may be repeated
  --margin    for fence.margin 0 to 8
  --trace     all that happens`;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    mode: { type: 'string', multiple: true },
    margin: { type: 'boolean', default: false },
    trace: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const said = (line: string) => process.stdout.write(`${line}\n`);
const [from, count] = [Number(values.from), Number(values.seeds ?? (values.margin ? 60 : 300))];

/** One row of the table. */
interface Setup {
  readonly title: string;
  readonly mode: Mode;
  readonly margin?: number;
}

const MARGINS = [0, 1, 2, 3, 4, 5, 6, 7, 8];
const isMode = (name: string): name is Mode => MODES.some((mode) => mode === name);

function setups(): readonly Setup[] {
  if (values.margin) return MARGINS.map((margin) => ({ title: `${margin}`, mode: FULL, margin }));
  const chosen = (values.mode ?? MODES).filter(isMode);
  if (chosen.length === 0) throw new Error(`modes are ${MODES.join(', ')}`);
  return chosen.map((mode) => ({ title: mode, mode }));
}

const EVERY_MS = 10_000;

/** On standard error, so that the table can be put into a file. */
function progress(total: number): (title: string) => void {
  let [done, next] = [0, performance.now() + EVERY_MS];
  return (title) => {
    done += 1;
    if (performance.now() < next) return;
    next = performance.now() + EVERY_MS;
    process.stderr.write(`${done} of ${total} played, at "${title}"\n`);
  };
}

async function playAll(): Promise<void> {
  const rows = new Map<string, Row>();
  const told = progress(setups().length * count);
  for (const { title, mode, margin } of setups())
    for (let seed = from; seed < from + count; seed += 1) {
      const { figures, breaches, trace } = await play(randomScenario(seed), mode, margin);
      if (values.trace) trace.forEach(said);
      // other margins than the default break what it keeps: that is what the table is about
      if (breaches.length > 0 && margin === undefined) await keeps(seed, mode);
      rows.set(title, added(rows.get(title), figures));
      told(title);
    }
  const [first, columns] = values.margin ? ['margin', MARGIN_COLUMNS] : ['with', MODE_COLUMNS];
  said(`${count} seeds from ${from} on:\n\n${tableOf(first, columns, rows)}`);
}

if (values.help) said(USAGE);
else
  try {
    await playAll();
  } catch (fault) {
    if (!(fault instanceof ScenarioFailed)) throw fault;
    said(fault.message);
    process.exitCode = 1;
  }
