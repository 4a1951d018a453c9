import { startUpstream, type Upstream } from '../../fakes/upstream.ts';
import { noise } from '../cluster.ts';
import { nodeName, rackOf, type Size } from './records.ts';

const scalar = (name: string, value: number) => ({
  name,
  type: 'SCALAR',
  scalar: { value },
  role: '*',
});
const ports = (begin: number, end: number) => ({
  name: 'ports',
  type: 'RANGES',
  ranges: { range: [{ begin, end }] },
  role: '*',
});
const text = (name: string, value: string) => ({ name, type: 'TEXT', text: { value } });

/** About 3 KB, as GET_AGENTS has for an agent, most of which nobody reads here. */
function agent(n: number, size: Size): object {
  const total = [
    scalar('cpus', 32),
    scalar('mem', 131_072),
    scalar('disk', 500_000),
    ports(31_000, 32_000),
  ];
  const used = [
    scalar('cpus', Math.round(noise(n * 3 + 1) * 240) / 10),
    scalar('mem', Math.floor(noise(n * 3 + 2) * 98_304)),
    ports(31_000, 31_020),
  ];
  const rack = rackOf(n, size);
  const name = nodeName(n);
  return {
    agent_info: {
      hostname: name,
      port: 5051,
      id: { value: `5f0c2a1e-0000-4000-8000-00000000b000-S${n}` },
      resources: total,
      attributes: [
        text('rack', `rack-${rack}`),
        text('disk', n % 3 === 0 ? 'ssd' : 'hdd'),
        text('generation', String(n % 4)),
      ],
      domain: { fault_domain: { region: { name: 'here' }, zone: { name: `zone-${rack % 5}` } } },
    },
    active: n % 50 !== 7,
    deactivated: false,
    version: '1.11.0',
    pid: `slave(1)@${name}:5051`,
    registered_time: { nanoseconds: 1_700_000_000_000_000_000 },
    total_resources: total,
    allocated_resources: used,
    offered_resources: [],
    capabilities: CAPABILITIES,
    resource_providers: [],
  };
}

const CAPABILITIES = [
  'MULTI_ROLE',
  'HIERARCHICAL_ROLE',
  'RESERVATION_REFINEMENT',
  'RESOURCE_PROVIDER',
  'RESIZE_VOLUME',
  'AGENT_OPERATION_FEEDBACK',
  'AGENT_DRAINING',
  'TASK_RESOURCE_LIMITS',
].map((type) => ({ type }));

/** A Mesos master that knows what a gate asks: GET_AGENTS, and where it is itself. */
export function startMesos(size: Size): Promise<Upstream> {
  const agents = Array.from({ length: size.nodes }, (_, n) => agent(n, size));
  const master = { get_master: { master_info: { hostname: 'mesos.example.org', domain: HERE } } };
  const answers = {
    GET_AGENTS: { get_agents: { agents } },
    GET_MASTER: master,
  };
  const bodies = new Map(
    Object.entries(answers).map(([type, answer]) => [
      type,
      Buffer.from(JSON.stringify({ type, ...answer })),
    ]),
  );
  return startUpstream((_, res, { body }) => {
    const { type } = JSON.parse(body.toString()) as { type: string };
    const answer = bodies.get(type);
    const headers = { 'content-type': 'application/json', 'content-length': answer?.length ?? 0 };
    res.writeHead(answer ? 200 : 400, headers).end(answer);
  });
}

const HERE = { fault_domain: { region: { name: 'here' }, zone: { name: 'zone-0' } } };
