import type { Command } from 'commander';
import type { AuditRecord } from '../../core/limit-record.ts';
import type { FenceRecord } from '../../core/fence-record.ts';
import { auditId } from '../../ledger/audit.ts';
import { type Fences, listFences, orderFence } from '../../ledger/fences.ts';
import type { Store } from '../../ledger/store.ts';
import { readTopology } from '../../ledger/topology.ts';
import { type CliDeps, withStore } from '../deps.ts';
import type { EditorDeps } from '../limit-editor.ts';
import { json, table } from '../table.ts';
import { NotThere } from '../topology-errors.ts';

type Operator = Pick<EditorDeps, 'who' | 'random'>;

/** `corral fence list|leave|resume`. */
export function registerFence(program: Command, deps: CliDeps, operator: Operator): void {
  const group = program
    .command('fence')
    .description('nodes that Corral keeps out of Mesos offers for lack of addresses or bandwidth')
    .addHelpText('after', '\nExample:\n  corral fence list');
  group
    .command('list')
    .description('list them: why, since when, and what they could have run that needs no address')
    .option('--json', 'for programs')
    .addHelpText('after', '\nExample:\n  corral fence list --json')
    .action((flags: { readonly json?: true }) =>
      withStore(deps, (store) => list(deps, store, flags)),
    );
  registerOrder(group, deps, { operator, verb: 'leave' });
  registerOrder(group, deps, { operator, verb: 'resume' });
}

async function list(deps: CliDeps, store: Store, flags: { readonly json?: true }): Promise<void> {
  const fences = await listFences(store, deps.signal);
  for (const fault of fences.faults) deps.err(`warning: ${fault.message}`);
  deps.out(flags.json ? json(fieldsOf(fences)) : textOf(fences));
}

const stateOf = ({ mode, state }: FenceRecord): string => (mode === 'watch' ? 'noted' : state);

const fieldsOf = ({ records, orders }: Fences) => ({
  nodes: [...records].map(([node, { record }]) => ({
    ...{ node, ...record },
    state: stateOf(record),
  })),
  left: [...orders].map(([node, order]) => ({ node, ...order })),
});

function textOf({ records, orders }: Fences): string {
  const closed = [...records].map(([node, { record }]) => [
    ...[node, stateOf(record), new Date(record.sinceMs).toISOString()],
    ...[record.figures.addresses, record.figures.cpus, record.figures.memMiB, record.why],
  ]);
  const left = [...orders].map(([node, { who, atMs, why = '' }]) => [
    ...[node, 'left alone', new Date(atMs).toISOString(), '-', '-', '-', `${who}: ${why}`],
  ]);
  return table(
    ['node', 'state', 'since', 'addresses', 'cpus', 'mem MiB', 'why'],
    [...closed, ...left],
    'no node is kept out of offers',
  );
}

const WORDS = {
  leave: {
    description: 'keep hands off a node: from now on only people switch it',
    after:
      '\nA node that is out of offers stays out until somebody reactivates it in Mesos.' +
      '\n\nExample:\n  corral fence leave node-7.example.org --why "new switch, ticket 4711"',
    said: (node: string) => `the fence leaves ${node} alone; it stays as it is in Mesos`,
    act: 'fence left',
  },
  resume: {
    description: 'end "leave": the fence looks after the node again',
    after: '\nExample:\n  corral fence resume node-7.example.org',
    said: (node: string) => `the fence looks after ${node} again`,
    act: 'fence resumed',
  },
} as const;

interface OrderParts {
  readonly operator: Operator;
  readonly verb: keyof typeof WORDS;
}

function registerOrder(group: Command, deps: CliDeps, { operator, verb }: OrderParts): void {
  const { description, after, said, act } = WORDS[verb];
  group
    .command(verb)
    .description(description)
    .argument('<node>', "the node's name, its agent's hostname")
    .option('--why <text>', 'the reason, for those who wonder')
    .addHelpText('after', after)
    .action((node: string, reason: { readonly why?: string }) =>
      withStore(deps, async (store) => {
        await checkNode(store, node, deps.signal);
        const atMs = deps.clock.now();
        const record: AuditRecord = {
          ...{ v: 1, atMs, who: operator.who(), by: 'cli', act, node },
          ...(reason.why !== undefined && { why: reason.why }),
        };
        const entry = { id: auditId(atMs, operator.random()), record };
        const { who } = record;
        const order = { v: 1, order: 'leave', who, atMs, ...reason } as const;
        await orderFence(
          store,
          { node, order: verb === 'leave' ? order : undefined, entry },
          deps.signal,
        );
        deps.out(said(node));
      }),
    );
}

async function checkNode(store: Store, node: string, signal: AbortSignal): Promise<void> {
  const { topology } = await readTopology(store, signal);
  if (!topology.nodes.has(node)) throw new NotThere('node', node);
}
