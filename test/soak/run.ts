import process from 'node:process';
import { parseArgs } from 'node:util';
import { playSeed, plays, SeedFailed } from './plays.ts';

/**
 * npm run soak -- [--seeds 5000] [--from 1] [--play NAME] [--trace]
 *
 * Plays seeds until one breaks a promise. `--trace` prints what happened in it.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '5000' },
    from: { type: 'string', default: '1' },
    play: { type: 'string', multiple: true, default: Object.keys(plays) },
    trace: { type: 'boolean', default: false },
  },
});
const [from, count] = [Number(values.from), Number(values.seeds)];
const unknown = values.play.filter((name) => !(name in plays));
if (unknown.length > 0) throw new Error(`no such play: ${unknown.join(', ')}`);
const said = (line: string) => process.stdout.write(`${line}\n`);

const EVERY_MS = 10_000;
const started = performance.now();
let next = started + EVERY_MS;
const totals = { seeds: 0, events: 0, takes: 0 };
const progress = () => {
  const seconds = (performance.now() - started) / 1000;
  const { seeds, events, takes } = totals;
  return `${seeds} seeds, ${events} events, ${takes} addresses given, ${seconds.toFixed(0)} s`;
};
try {
  for (let seed = from; seed < from + count; seed += 1)
    for (const play of values.play) {
      const { events, takes } = await playSeed(play, seed);
      totals.seeds += 1;
      totals.events += events;
      totals.takes += takes;
      if (performance.now() < next) continue;
      said(`${progress()}, at ${play} ${seed}`);
      next = performance.now() + EVERY_MS;
    }
  said(`kept: ${progress()}`);
} catch (fault) {
  if (!(fault instanceof SeedFailed)) throw fault;
  if (values.trace) fault.trace.forEach(said);
  said(fault.message);
  process.exitCode = 1;
}
