/** What is well with a node and what is not, as data: everything that was probed goes in, findings come out. */

export type Level = 'good' | 'warn' | 'bad';

export interface Finding {
  readonly name: string;
  readonly level: Level;
  readonly says: string;
  /** What to do about it; absent when nothing is to be done. */
  readonly remedy?: string;
}

/** Something that the kernel was made to do in a network namespace that is gone by now. */
export interface FeatureProbed {
  readonly feature: Feature;
  /** Why it does not work; absent when it does. */
  readonly fault?: string;
}
export type Feature = 'veth' | 'bridge' | 'macvlan' | 'htb' | 'ifb' | 'redirect' | 'fq_codel';

export interface PoolProbed {
  readonly network: string;
  readonly pool: string;
  readonly cidr: string;
  readonly gateway?: string;
  /** An interface of this node with an address or a link route in the pool's subnet. */
  readonly link?: string;
  /** The gateway's address is that interface's own. */
  readonly isOwn?: boolean;
  /** It answered an ARP request; absent when it could not be asked. */
  readonly answers?: boolean;
}

export interface DoctorFacts {
  readonly node: string;
  readonly features: readonly FeatureProbed[];
  readonly docker:
    { readonly version: string; readonly liveRestore: boolean } | { readonly fault: string };
  readonly plugin: { readonly path: string; readonly mode?: number; readonly fault?: string };
  /** Absent when the ledger cannot be reached. */
  readonly ledger?: LedgerFacts;
  readonly ledgerFault?: string;
  readonly pools: readonly PoolProbed[];
  /** net.ipv4.neigh.default.gc_thresh1 to 3; absent when they cannot be read. */
  readonly gcThresh?: readonly [number, number, number];
  readonly nowMs: number;
  readonly reconcileEveryMs: number;
  /** Of the file for the Mesos agent; absent where none is kept. */
  readonly attributes?: AttributesProbed;
}

/** What waits for people in the file of Mesos attributes, in words. */
export interface AttributesProbed {
  readonly path: string;
  readonly waiting: readonly string[];
  readonly faults: readonly string[];
}

export interface LedgerFacts {
  /** This node's record is there. */
  readonly known: boolean;
  readonly alive: boolean;
  /** Addresses of the pools that it reaches, all together. */
  readonly addresses: number;
  readonly reconciledMs?: number;
  /** When other nodes say that they last reconciled, by their clocks. */
  readonly others: readonly { readonly node: string; readonly atMs: number }[];
}

/** Findings in the order in which a node is set up. */
export const findingsOf = (facts: DoctorFacts): readonly Finding[] => [
  ...facts.features.map(featureFinding),
  dockerFinding(facts.docker),
  pluginFinding(facts.plugin),
  ...ledgerFindings(facts),
  ...facts.pools.flatMap((pool) => poolFindings(pool)),
  ...neighbourFindings(facts),
  ...clockFindings(facts),
  ...reconcileFindings(facts),
  ...attributesFindings(facts),
];

const good = (name: string, says: string): Finding => ({ name, level: 'good', says });
const warn = (name: string, says: string, remedy: string): Finding => ({
  ...{ name, level: 'warn', says, remedy },
});
const bad = (name: string, says: string, remedy: string): Finding => ({
  ...{ name, level: 'bad', says, remedy },
});

const WITHOUT: Readonly<Record<Feature, readonly [Level, string]>> = {
  veth: ['bad', 'load the module veth: no container gets a network without it'],
  bridge: ['bad', 'load the module bridge, or use macvlan networks only'],
  macvlan: ['warn', 'load the module macvlan, unless only bridge networks are used'],
  htb: ['bad', 'load the module sch_htb: limits cannot be kept without it'],
  ifb: ['bad', 'load the module ifb: limits from containers cannot be kept without it'],
  redirect: ['bad', 'load sch_ingress, cls_u32 and act_mirred: limits from containers need them'],
  fq_codel: [
    'warn',
    'load the module sch_fq_codel for shorter queues; a plain one serves until then',
  ],
};

function featureFinding({ feature, fault }: FeatureProbed): Finding {
  const name = `kernel ${feature}`;
  if (fault === undefined) return good(name, 'works');
  const [level, remedy] = WITHOUT[feature];
  return { name, level, says: `does not work: ${fault}`, remedy };
}

/** The first that answers all that is asked of it. */
const OLDEST_DOCKER = [18, 9] as const;

function dockerFinding(docker: DoctorFacts['docker']): Finding {
  const name = 'docker';
  if ('fault' in docker)
    return bad(name, docker.fault, 'start dockerd, or set agent.docker.socket to its socket');
  const { version, liveRestore } = docker;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const old =
    !(major >= OLDEST_DOCKER[0]) || (major === OLDEST_DOCKER[0] && minor < OLDEST_DOCKER[1]);
  if (old) return bad(name, `version ${version} is too old`, 'install Docker 18.09 or later');
  return good(name, `version ${version}, live-restore ${liveRestore ? 'on' : 'off'}`);
}

/** Others than root and a group would be able to hand out addresses. */
const OTHERS = 0o007;

function pluginFinding({ path, mode, fault }: DoctorFacts['plugin']): Finding {
  const name = 'plugin socket';
  if (fault !== undefined)
    return bad(name, `${path} does not answer: ${fault}`, 'start the agent: corral agent');
  if (mode !== undefined && (mode & OTHERS) !== 0)
    return bad(name, `${path} is open to everybody`, 'chmod 660 it, and restart the agent');
  return good(name, `${path} answers`);
}

function ledgerFindings({ ledger, ledgerFault, node }: DoctorFacts): readonly Finding[] {
  const name = 'ledger';
  if (!ledger)
    return [bad(name, ledgerFault ?? 'it cannot be reached', 'check the section ledger, and etcd')];
  if (!ledger.known)
    return [bad(name, `it has no node "${node}"`, `corral node add ${node} --link 1gbit`)];
  if (!ledger.alive)
    return [warn(name, `it has no sign of life of "${node}"`, 'start the agent: corral agent')];
  return [good(name, `reached; it knows "${node}", which is alive`)];
}

function poolFindings({ pool, cidr, gateway, link, ...asked }: PoolProbed): readonly Finding[] {
  const name = `pool ${pool}`;
  if (link === undefined)
    return [
      warn(
        name,
        `no interface of this node is in ${cidr}`,
        'make the Docker network of it (corral network create), or narrow the pool to other nodes',
      ),
    ];
  const reached = good(name, `${cidr} is on ${link}`);
  if (gateway === undefined) return [reached];
  const which = `gateway of ${pool}`;
  if (asked.isOwn) return [reached, good(which, `${gateway} is this node's own, on ${link}`)];
  if (asked.answers === undefined)
    return [
      reached,
      warn(which, `${gateway} could not be asked`, 'install arping (iputils-arping)'),
    ];
  return [
    reached,
    asked.answers
      ? good(which, `${gateway} answers ARP on ${link}`)
      : bad(which, `${gateway} does not answer ARP on ${link}`, 'check cable, VLAN and gateway'),
  ];
}

function neighbourFindings({ gcThresh, ledger }: DoctorFacts): readonly Finding[] {
  if (!gcThresh || !ledger) return [];
  const [, soft, hard] = gcThresh;
  const name = 'neighbour table';
  const figures = `gc_thresh2 is ${soft} and gc_thresh3 ${hard}, for ${ledger.addresses} addresses in reach`;
  if (ledger.addresses <= soft) return [good(name, figures)];
  const remedy = `sysctl -w net.ipv4.neigh.default.gc_thresh2=${ledger.addresses} net.ipv4.neigh.default.gc_thresh3=${2 * ledger.addresses}`;
  // beyond the hard limit the kernel drops packets: "neighbour table overflow"
  return [ledger.addresses > hard ? bad(name, figures, remedy) : warn(name, figures, remedy)];
}

/** Rests and cool-downs are of seconds; what differs by more upsets them, ms. */
const SKEW_WARN_MS = 1_000;
const SKEW_BAD_MS = 5_000;

/** Nobody can have reconciled in the future: as far as others did, the clocks differ at least. */
function clockFindings({ ledger, nowMs }: DoctorFacts): readonly Finding[] {
  const name = 'clock';
  if (!ledger || ledger.others.length === 0) return [];
  const ahead = [...ledger.others].sort((a, b) => b.atMs - a.atMs)[0];
  const skewMs = ahead === undefined ? 0 : ahead.atMs - nowMs;
  if (ahead === undefined || skewMs < SKEW_WARN_MS)
    return [good(name, `not behind any of ${ledger.others.length} other nodes`)];
  const says = `at least ${(skewMs / 1_000).toFixed(1)} s behind that of "${ahead.node}"`;
  const remedy = 'synchronise both by NTP (chrony, systemd-timesyncd)';
  return [skewMs < SKEW_BAD_MS ? warn(name, says, remedy) : bad(name, says, remedy)];
}

function reconcileFindings({ ledger, nowMs, reconcileEveryMs }: DoctorFacts): readonly Finding[] {
  const name = 'reconcile';
  if (!ledger) return [];
  const remedy = 'see what the agent waits for: its log, and /ready on agent.socket';
  if (ledger.reconciledMs === undefined)
    return [bad(name, 'containers were never compared with the ledger', remedy)];
  const ageMs = nowMs - ledger.reconciledMs;
  const says = `containers were last compared with the ledger ${Math.max(0, Math.round(ageMs / 1_000))} s ago`;
  return [ageMs > 3 * reconcileEveryMs + 10_000 ? bad(name, says, remedy) : good(name, says)];
}

function attributesFindings({ attributes }: DoctorFacts): readonly Finding[] {
  if (!attributes) return [];
  const { path, waiting, faults } = attributes;
  const says = [...faults, ...waiting].join('; ');
  if (says === '') return [good('attributes', `${path} is as the ledger has this node`)];
  const remedy = 'see "corral attributes diff", which has the procedure';
  return [warn('attributes', `${path}: ${says}`, remedy)];
}
