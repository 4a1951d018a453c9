import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { ScenarioFailed } from '../scenarios/random/failed.ts';
import { playSeed, plays, SeedFailed } from './plays.ts';
import { scenarioPlays } from './scenarios.ts';

const PLAYS = [...Object.keys(plays), ...Object.keys(scenarioPlays)];
const USAGE = `npm run soak -- [--seeds 5000] [--from 1] [--play NAME]... [--trace] [--crash 300]

Plays seeds until one breaks a promise. Unless a play is named, real processes are then killed at random.

  --seeds N   how many of each play (5000)
  --from N    the first of them (1)
  --play P    one of ${PLAYS.join(', ')}; may be repeated; all unless given
  --crash S   seconds of real crashes (300; with --play none)
  --trace     all that happened in the seed that breaks a promise`;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '5000' },
    from: { type: 'string', default: '1' },
    play: { type: 'string', multiple: true },
    crash: { type: 'string' },
    trace: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const said = (line: string) => process.stdout.write(`${line}\n`);
if (values.help) {
  said(USAGE);
  process.exit(0);
}
const [from, count] = [Number(values.from), Number(values.seeds)];
const chosen = values.play ?? PLAYS;
const crash = values.crash ?? (values.play ? '0' : '300');
const unknown = chosen.filter((name) => !PLAYS.includes(name));
if (unknown.length > 0) throw new Error(`no such play: ${unknown.join(', ')}`);

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
    for (const play of chosen) {
      const { events, takes } = await (scenarioPlays[play]?.(seed) ?? playSeed(play, seed));
      totals.seeds += 1;
      totals.events += events;
      totals.takes += takes;
      if (performance.now() < next) continue;
      said(`${progress()}, at ${play} ${seed}`);
      next = performance.now() + EVERY_MS;
    }
  said(`kept: ${progress()}`);
  if (crash !== '0') process.exitCode = crashes(crash);
} catch (fault) {
  if (!(fault instanceof SeedFailed || fault instanceof ScenarioFailed)) throw fault;
  if (values.trace) fault.trace.forEach(said);
  said(fault.message);
  process.exitCode = 1;
}

function crashes(seconds: string): number {
  const argv = ['--import', 'tsx', '--test', '--test-reporter=spec', 'test/agent/crash.test.ts'];
  const env = { ...process.env, CRASH_SECONDS: seconds };
  return spawnSync(process.execPath, argv, { stdio: 'inherit', env }).status ?? 1;
}
