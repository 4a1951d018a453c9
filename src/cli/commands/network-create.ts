import type { Command } from 'commander';
import type { NetworkChoices, Made, Planned } from '../../agent/docker/network.ts';
import { makeNetworks, planNetworks } from '../../agent/docker/network.ts';
import { openEngine } from '../../agent/docker/engine.ts';
import { NetworkDiffers } from '../../agent/errors.ts';
import { deskOf } from '../agent-service.ts';
import type { CliContext } from '../context.ts';
import { withStore } from '../deps.ts';
import { numberOf } from '../options.ts';
import { lastSeen } from '../seen-attributes.ts';
import { json, table } from '../table.ts';
import { BadOption } from '../topology-errors.ts';

interface Flags {
  readonly driver: string;
  readonly parent?: string;
  readonly bridge?: string;
  readonly mtu?: number;
  readonly dryRun?: true;
  readonly json?: true;
}

/** Longest that Docker may take for a network: it tries for 15 s when the agent is not there. */
const WITHIN_MS = 60_000;

/** `corral network create`, on a node: the Docker networks of a Corral network. */
export function registerNetworkCreate(program: Command, context: CliContext): void {
  program.commands
    .find((command) => command.name() === 'network')
    ?.command('create')
    .argument('<name>', "the network's name")
    .description(
      "make this node's Docker networks of a network: one per pool that the node reaches",
    )
    .option('--driver <driver>', 'bridge or macvlan', 'bridge')
    .option(
      '--parent <interface>',
      'macvlan: the uplink; a pool with a VLAN gets <interface>.<vlan>',
    )
    .option('--bridge <name>', 'bridge: use the interface of this name, with the uplink in it')
    .option('--mtu <bytes>', 'MTU of the containers', numberOf('--mtu'))
    .option('--dry-run', 'only say what would be made')
    .option('--json', 'for programs')
    .addHelpText(
      'after',
      '\nWhat is there already stays; when it differs, the differences are told and the exit code is 1.' +
        '\n\nExample:\n  corral network create prod --driver macvlan --parent eth0',
    )
    .action((name: string, flags: Flags) => create(context, name, flags));
}

async function create(context: CliContext, name: string, flags: Flags): Promise<void> {
  const { agent } = context.settings();
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(WITHIN_MS)]);
  const planned = await plan(context, name, { ...flags, choices: choicesOf(flags, agent.plugin) });
  const engine = openEngine({ socket: agent.docker.socket, withinMs: WITHIN_MS });
  try {
    const made = await makeNetworks(engine, planned.networks, {
      dryRun: flags.dryRun === true,
      signal,
    });
    context.out(flags.json ? json({ networks: made, left: planned.left }) : text(planned, made));
    for (const one of made)
      if (one.did === 'differs') throw new NetworkDiffers(one.name, one.differences);
  } finally {
    engine.close();
  }
}

function plan(
  context: CliContext,
  name: string,
  { choices, bridge }: Flags & { readonly choices: NetworkChoices },
): Promise<Planned> {
  const { agent } = context.settings();
  return withStore(context, async (store) => {
    const desk = deskOf(agent, { ...context, store, ...(await lastSeen({ agent })) });
    try {
      const pools = await desk.pools(name, AbortSignal.timeout(10_000));
      const planned = planNetworks(name, pools, choices);
      if (bridge !== undefined && planned.networks.length > 1)
        throw new BadOption('--bridge', bridge, 'the node reaches several pools: leave it out');
      return planned;
    } finally {
      await desk.close();
    }
  });
}

/** @throws BadOption */
function choicesOf({ driver, parent, bridge, mtu }: Flags, plugin: string): NetworkChoices {
  if (driver !== 'bridge' && driver !== 'macvlan')
    throw new BadOption('--driver', driver, 'give --driver bridge or --driver macvlan');
  if (driver === 'macvlan' && parent === undefined)
    throw new BadOption('--parent', '', 'macvlan needs its uplink: give --parent <interface>');
  return {
    ...{ driver, plugin },
    ...(parent !== undefined && { parent }),
    ...(bridge !== undefined && { bridge }),
    ...(mtu !== undefined && { mtu }),
  };
}

function text({ left }: Planned, made: readonly Made[]): string {
  const rows = made.map(({ name, pools, did }) => [name, pools.join(','), did]);
  const lines = left.map(({ pool, why }) => `left out: pool "${pool}": ${why}`);
  return [table(['docker network', 'pools', ''], rows, 'nothing to make'), ...lines].join('\n');
}
