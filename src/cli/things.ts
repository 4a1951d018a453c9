import type { Command } from 'commander';
import type { Step } from '../core/topology-diff.ts';
import { sameRecord } from '../core/topology-diff.ts';
import type { Topology } from '../core/topology.ts';
import type { Store } from '../ledger/store.ts';
import { applySteps, readTopology } from '../ledger/topology.ts';
import type { CliDeps } from './deps.ts';
import { withStore } from './deps.ts';
import { stepText } from './step-text.ts';
import { facts, json, table } from './table.ts';
import { AlreadyThere, NotThere } from './topology-errors.ts';

/** As a topology file has it. */
export type Raw = Readonly<Record<string, unknown>>;

/** What the commands of one kind of thing differ in. */
export interface Thing<Record> {
  readonly kind: Step['kind'];
  readonly what: string;
  readonly example: string;
  /** Adds the options that add and set share. */
  options(command: Command): Command;
  /** What the options say; keys that were not given are missing, cleared ones are undefined. */
  said(options: Raw): Raw;
  /** A record as a topology file has it. */
  written(record: Record): Raw;
  /** @throws BadTopology */
  read(name: string, raw: Raw): Record;
  of(topology: Topology): ReadonlyMap<string, Record>;
  readonly headers: readonly string[];
  rows(store: Store, topology: Topology, signal: AbortSignal): Promise<readonly Row[]>;
}

/** One thing in a list: cells for people, fields for programs. */
export interface Row {
  readonly name: string;
  readonly cells: readonly (string | number)[];
  readonly fields: Raw;
}

/** add, list, show, set and remove of one kind of thing. */
export function registerThing<Record extends object>(
  program: Command,
  deps: CliDeps,
  thing: Thing<Record>,
): void {
  const { kind, what, example } = thing;
  const group = program
    .command(kind)
    .description(`add, list, show, change and remove ${kind}s: ${what}`)
    .addHelpText('after', `\nExample:\n  ${example}`);
  const help = (command: Command, line: string): Command =>
    command.addHelpText('after', `\nExample:\n  ${line}`);
  const name = `the ${kind}'s name`;
  help(thing.options(group.command('add').argument('<name>', name)), example)
    .description(`add a ${kind}`)
    .action((given: string, options: Raw) => add(deps, thing, given, options));
  help(thing.options(group.command('set').argument('<name>', name)), `corral ${kind} set NAME ...`)
    .description(`change a ${kind}: only what is given changes, "none" clears`)
    .action((given: string, options: Raw) => set(deps, thing, given, options));
  help(group.command('remove').argument('<name>', name), `corral ${kind} remove NAME`)
    .description(`remove a ${kind} that is not in use`)
    .action((given: string) => remove(deps, thing, given));
  help(group.command('list').option('--json', 'for programs'), `corral ${kind} list --json`)
    .description(`list the ${kind}s`)
    .action(({ json: asJson }: { json?: true }) => list(deps, thing, asJson === true));
  help(
    group.command('show').argument('<name>', name).option('--json', 'for programs'),
    `corral ${kind} show NAME`,
  )
    .description(`show one ${kind}`)
    .action((given: string, { json: asJson }: { json?: true }) =>
      show(deps, thing, given, asJson === true),
    );
}

async function seen<Record>(
  store: Store,
  thing: Thing<Record>,
  { name, signal }: { name: string; signal: AbortSignal },
): Promise<Record> {
  const record = thing.of((await readTopology(store, signal)).topology).get(name);
  if (record === undefined) throw new NotThere(thing.kind, name);
  return record;
}

async function take(deps: CliDeps, store: Store, step: Step): Promise<void> {
  await applySteps(store, [step], deps);
  deps.out(stepText(step));
}

const add = <Record extends object>(
  deps: CliDeps,
  thing: Thing<Record>,
  name: string,
  options: Raw,
): Promise<void> =>
  withStore(deps, async (store) => {
    const record = thing.read(name, thing.said(options));
    const before = thing.of((await readTopology(store, deps.signal)).topology).get(name);
    if (before && sameRecord(before, record)) deps.out(`${thing.kind} ${name} is so already`);
    else if (before) throw new AlreadyThere(thing.kind, name);
    else await take(deps, store, { do: 'put', kind: thing.kind, name, record } as unknown as Step);
  });

const set = <Record extends object>(
  deps: CliDeps,
  thing: Thing<Record>,
  name: string,
  options: Raw,
): Promise<void> =>
  withStore(deps, async (store) => {
    const before = await seen(store, thing, { name, signal: deps.signal });
    const record = thing.read(name, { ...thing.written(before), ...thing.said(options) });
    if (sameRecord(before, record)) deps.out(`${thing.kind} ${name} is so already`);
    else {
      const step = { do: 'put', kind: thing.kind, name, record, before };
      await take(deps, store, step as unknown as Step);
    }
  });

const remove = <Record>(deps: CliDeps, thing: Thing<Record>, name: string): Promise<void> =>
  withStore(deps, async (store) => {
    const before = await seen(store, thing, { name, signal: deps.signal });
    await take(deps, store, { do: 'drop', kind: thing.kind, name, before } as unknown as Step);
  });

const list = <Record>(deps: CliDeps, thing: Thing<Record>, asJson: boolean): Promise<void> =>
  withStore(deps, async (store) => {
    const { topology, faults } = await readTopology(store, deps.signal);
    for (const fault of faults) deps.err(`warning: ${fault.message}`);
    const rows = await thing.rows(store, topology, deps.signal);
    const sorted = [...rows].sort((a, b) => (a.name < b.name ? -1 : 1));
    deps.out(
      asJson
        ? json(sorted.map(({ name, fields }) => ({ name, ...fields })))
        : table(
            ['name', ...thing.headers],
            sorted.map(({ name, cells }) => [name, ...cells]),
            `no ${thing.kind}s`,
          ),
    );
  });

const show = <Record>(
  deps: CliDeps,
  thing: Thing<Record>,
  name: string,
  asJson: boolean,
): Promise<void> =>
  withStore(deps, async (store) => {
    const record = await seen(store, thing, { name, signal: deps.signal });
    const { topology } = await readTopology(store, deps.signal);
    const rows = await thing.rows(store, topology, deps.signal);
    const row = rows.find((one) => one.name === name);
    if (asJson) deps.out(json({ name, ...row?.fields }));
    else
      deps.out(
        facts([
          ['name', name],
          ...thing.headers.map((header, n): [string, string | number] => [
            header,
            row?.cells[n] ?? '',
          ]),
          ['record', JSON.stringify(thing.written(record))],
        ]),
      );
  });
