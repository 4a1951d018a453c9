import { counted } from './place-inspect.ts';
import type { ResourceShortage, Shortage } from './shortage.ts';
import type { NetworkShortage } from './shortage-network.ts';

export interface Description {
  /** A lower-case sentence: what was asked, what is short and by how much, how many fit. */
  readonly message: string;
  /** The way out. */
  readonly remedy: string;
}

/** A reason in words, with what helps against it. */
interface Reason {
  readonly says: string;
  readonly helps?: string;
}

/** A shortage for people. */
export function describe(shortage: Shortage): Description {
  const reasons = reasonsOf(shortage);
  const { app, asked, most, networks } = shortage;
  const on = networks.map(({ network }) => network).join(' and ');
  const where = on === '' ? '' : ` on network${networks.length > 1 ? 's' : ''} ${on}`;
  const fit = most === 0 ? [] : [`${most} of ${asked} fit`];
  const because = [...reasons.map(({ says }) => says), ...fit].join('; ');
  const helps = new Set(reasons.flatMap((reason) => reason.helps ?? []));
  if (most > 0) helps.add(`ask for at most ${most}`);
  return {
    message: `cannot launch ${counted(asked, 'instance')} of ${app}${where}: ${because}`,
    remedy: [...helps].join(', or '),
  };
}

function reasonsOf(shortage: Shortage): readonly Reason[] {
  const nodes = [...offerReasons(shortage), ...ruleReasons(shortage)];
  if (shortage.candidates === 0) return nodes;
  const lacking = [
    ...networkReasons(shortage),
    ...resourceReasons(shortage),
    ...limitReasons(shortage),
  ];
  return lacking.length > 0 ? [...lacking, ...nodes] : [together(shortage), ...nodes];
}

/** Each figure alone would do: it is their meeting that fails. */
const together = ({ most, asked }: Shortage): Reason => ({
  says: `addresses, room on nodes and constraints do not meet: together they hold ${most}, ${asked - most} short`,
  helps: 'add addresses or nodes where the other is free, or loosen the constraints',
});

function offerReasons({ nodes, notOffered }: Shortage): readonly Reason[] {
  const helps = 'bring nodes back (corral node list shows why they are out)';
  if (nodes === 0) return [{ says: 'no node is known', helps: 'register nodes in the ledger' }];
  if (notOffered === 0) return [];
  if (notOffered === nodes)
    return [{ says: `none of ${counted(nodes, 'node')} is offered`, helps }];
  return [{ says: `${counted(notOffered, 'node')} ${areNot(notOffered)} offered`, helps }];
}

const areNot = (count: number): string => (count === 1 ? 'is not' : 'are not');

/** A label is JSON, or the words for the rule about regions. */
const loosening = (label: string): string =>
  label.startsWith('[') ? `loosen ${label}` : 'name other regions in an @region constraint';

function ruleReasons({ rules, candidates }: Shortage): readonly Reason[] {
  const reasons = rules.map(({ label, nodes, why }): Reason => {
    if (why === undefined)
      return { says: `${label} excludes ${counted(nodes, 'node')}`, helps: loosening(label) };
    const says = `${label} cannot be judged (${why}), so ${counted(nodes, 'node')} cannot count`;
    return { says, helps: `rewrite ${label} so that it can be judged` };
  });
  if (candidates > 0 || reasons.length === 0) return reasons;
  const last = { says: 'no node is left', helps: 'give nodes the attributes asked for' };
  return [...reasons, last];
}

function networkReasons(shortage: Shortage): readonly Reason[] {
  const many = shortage.networks.length > 1;
  return shortage.networks.flatMap((network) => {
    const says = networkWords(network, shortage);
    if (says === undefined) return [];
    const helps = `add addresses to a pool of network ${network.network} that these nodes reach`;
    return [{ says: many ? `network ${network.network}: ${says}` : says, helps }];
  });
}

function networkWords(
  { free, pools, nodes, holds }: NetworkShortage,
  { asked, limits }: Shortage,
): string | undefined {
  if (pools === 0) return 'none of the nodes that could run it reaches a pool';
  const number = free === 0 ? 'no address' : counted(free, 'address');
  const addresses = `${number} ${free < 2 ? 'is' : 'are'} free`;
  const where = `in ${counted(pools, 'pool')} reachable by ${counted(nodes, 'node')}`;
  if (free < asked) return `${addresses} ${where}, ${asked - free} short`;
  if (holds >= Math.min(asked, limits.holds)) return undefined;
  return `${addresses} ${where}, but only ${holds} of them where nodes have room, ${asked - holds} short`;
}

const REMEDIES: Readonly<Record<string, string>> = {
  net_in: 'ask for less net_in, or raise the links or their overcommit (corral node set)',
  net_out: 'ask for less net_out, or raise the links or their overcommit (corral node set)',
  ports: 'ask for other host ports',
};

/** Nodes without room for a single one always count; those that fill up, when all do together. */
function resourceReasons(shortage: Shortage): readonly Reason[] {
  const { resources, nodesHold, asked, candidates } = shortage;
  const isShort = nodesHold < asked;
  const told = resources.filter(({ exhausted }) => exhausted > 0 || isShort);
  const reasons = told.map((resource): Reason => {
    const helps = REMEDIES[resource.resource] ?? `ask for less ${resource.resource}, or add nodes`;
    const says = resourceWords(resource, candidates);
    return isShort ? { says, helps } : { says };
  });
  if (!isShort || nodesHold === 0 || reasons.length === 0) return reasons;
  return [...reasons, { says: `the nodes hold ${nodesHold}, ${asked - nodesHold} short` }];
}

function resourceWords(
  { resource, each, exhausted, tight, largest }: ResourceShortage,
  candidates: number,
): string {
  if (exhausted > 0) {
    const most = exhausted === candidates && largest ? `, at most ${largest} left on a node` : '';
    const needed = `${each} needed each${most}`;
    return `on ${counted(exhausted, 'node')} ${resource} ${isOrAre(resource)} exhausted (${needed})`;
  }
  return `on ${counted(tight, 'node')} ${resource} ${runsOut(resource)} first (${each} needed each)`;
}

const isPlural = (resource: string): boolean => resource.endsWith('s');
const isOrAre = (resource: string): string => (isPlural(resource) ? 'are' : 'is');
const runsOut = (resource: string): string => (isPlural(resource) ? 'run out' : 'runs out');

function limitReasons({ limits, nodesHold, asked }: Shortage): readonly Reason[] {
  const { labels, holds } = limits;
  if (labels.length === 0 || holds >= Math.min(asked, nodesHold)) return [];
  const verb = labels.length === 1 ? 'leaves' : 'leave';
  const says = `${labels.join(' and ')} ${verb} room for ${holds}, ${asked - holds} short`;
  return [{ says, helps: `loosen ${labels.join(' or ')}` }];
}
