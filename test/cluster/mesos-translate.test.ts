import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { NodeFacts } from '../../src/core/facts.ts';
import { factsOf, factsOfRecovered } from '../../src/cluster/mesos/translate.ts';
import type {
  WireAgent,
  WireAttribute,
  WireRange,
  WireResource,
} from '../../src/cluster/mesos/wire.ts';
import { readAgent, readAgentInfo, readAgents } from '../../src/cluster/mesos/wire-read.ts';

const scalar = (name: string, value: number, more: Partial<WireResource> = {}): WireResource => ({
  name,
  scalar: { value },
  ...more,
});
const ports = (...range: (readonly [number, number])[]): WireResource => ({
  name: 'ports',
  ranges: { range: range.map(([begin, end]) => ({ begin, end })) },
});
const agent = (more: Partial<WireAgent>, attributes: WireAttribute[] = []): WireAgent => ({
  agent_info: { hostname: 'node-1.example.org', attributes },
  active: true,
  ...more,
});
const facts = (more: Partial<WireAgent>, roles = ['*']): NodeFacts => factsOf(agent(more), roles);

describe('factsOf, resources', () => {
  for (const { says, total = [], allocated = [], roles = ['*'], gives } of [
    { says: 'knows nothing of an agent that lists nothing', gives: { cpus: 0, ports: [] } },
    {
      says: 'takes off what is allocated',
      total: [scalar('cpus', 4), scalar('mem', 1024), scalar('disk', 100), scalar('gpus', 2)],
      allocated: [scalar('cpus', 1.1), scalar('mem', 24), scalar('gpus', 1)],
      gives: { cpus: 2.9, memMiB: 1000, diskMiB: 100, gpus: 1 },
    },
    {
      says: 'adds without drift',
      total: [scalar('cpus', 0.3)],
      allocated: [scalar('cpus', 0.1), scalar('cpus', 0.1)],
      gives: { cpus: 0.1 },
    },
    {
      says: 'never goes below nothing',
      total: [scalar('cpus', 1)],
      allocated: [scalar('cpus', 2)],
      gives: { cpus: 0 },
    },
    {
      says: 'leaves out what is reserved for others',
      total: [scalar('cpus', 2, { role: '*' }), scalar('cpus', 8, { role: 'batch' })],
      allocated: [scalar('cpus', 5, { role: 'batch' })],
      gives: { cpus: 2 },
    },
    {
      says: 'counts what is reserved for a role of Marathon',
      total: [scalar('cpus', 2), scalar('cpus', 8, { reservations: [{ role: 'shop' }] })],
      allocated: [scalar('cpus', 1, { reservations: [{ role: 'shop' }] })],
      roles: ['shop'],
      gives: { cpus: 9 },
    },
    {
      says: 'goes by the last, refined reservation',
      total: [scalar('cpus', 8, { reservations: [{ role: 'shop' }, { role: 'shop/web' }] })],
      roles: ['shop'],
      gives: { cpus: 0 },
    },
    {
      says: 'counts what is reserved for a parent role',
      total: [scalar('cpus', 8, { reservations: [{ role: 'shop' }] })],
      roles: ['shop/web'],
      gives: { cpus: 8 },
    },
    {
      says: 'takes a like-named role for no parent',
      total: [scalar('cpus', 8, { role: 'shop' })],
      roles: ['shopping'],
      gives: { cpus: 0 },
    },
    {
      says: 'counts no revocable room, no volumes, no mounted disks',
      total: [
        scalar('cpus', 2),
        scalar('cpus', 4, { revocable: {} }),
        scalar('disk', 10),
        scalar('disk', 100, { disk: { persistence: {} } }),
        scalar('disk', 1000, { disk: { source: {} } }),
      ],
      gives: { cpus: 2, diskMiB: 10 },
    },
    {
      says: 'leaves the ports around those in use, joined and sorted',
      total: [ports([32001, 32005], [31000, 31010], [31011, 31020])],
      allocated: [ports([31000, 31000], [31005, 31006]), ports([32005, 32005])],
      gives: {
        ports: [
          [31001, 31004],
          [31007, 31020],
          [32001, 32004],
        ],
      },
    },
    {
      says: 'leaves no port when all are in use',
      total: [ports([31000, 31001])],
      allocated: [ports([31000, 31001])],
      gives: { ports: [] },
    },
  ] as {
    says: string;
    total?: WireResource[];
    allocated?: WireResource[];
    roles?: string[];
    gives: Partial<NodeFacts>;
  }[]) {
    it(says, () => {
      const all = facts({ total_resources: total, allocated_resources: allocated }, roles);
      const named = Object.keys(gives) as (keyof NodeFacts)[];
      assert.deepEqual(Object.fromEntries(named.map((name) => [name, all[name]])), gives);
    });
  }

  it('leaves exactly the ports that are offered and not used', () => {
    const range = fc
      .tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 9 }))
      .map(([begin, length]): WireRange => ({ begin, end: begin + length }));
    const some = fc.array(range, { maxLength: 6 });
    const set = (ranges: readonly WireRange[]) =>
      new Set(
        ranges.flatMap(({ begin, end }) =>
          Array.from({ length: end - begin + 1 }, (_, i) => begin + i),
        ),
      );
    fc.assert(
      fc.property(some, some, (total, used) => {
        const resource = (range: readonly WireRange[]) => [{ name: 'ports', ranges: { range } }];
        const left = facts({
          total_resources: resource(total),
          allocated_resources: resource(used),
        });
        const wanted = [...set(total)].filter((port) => !set(used).has(port)).sort((a, b) => a - b);
        const got = left.ports.flatMap(([from, to]) => [...set([{ begin: from, end: to }])]);
        assert.deepEqual(got, wanted);
        left.ports.forEach(([from], at) =>
          assert.ok(at === 0 || from > left.ports[at - 1]![1] + 1),
        );
      }),
    );
  });
});

describe('factsOf, offers', () => {
  for (const { says, state, offered } of [
    { says: 'an active agent gets offers', state: {}, offered: true },
    { says: 'a disconnected one gets none', state: { active: false }, offered: false },
    { says: 'a deactivated one gets none', state: { deactivated: true }, offered: false },
    { says: 'an explicitly activated one does', state: { deactivated: false }, offered: true },
    {
      says: 'a draining one gets none',
      state: { drain_info: { state: 'DRAINING' } },
      offered: false,
    },
  ]) {
    it(says, () => assert.equal(facts(state).offered, offered));
  }
});

describe('factsOf, attributes', () => {
  const text = (value: string): WireAttribute => ({ name: 'a', type: 'TEXT', text: { value } });
  const number = (value: number): WireAttribute => ({
    name: 'a',
    type: 'SCALAR',
    scalar: { value },
  });
  for (const { says, attributes, gives } of [
    { says: 'a text as it is', attributes: [text('Rack 4')], gives: 'Rack 4' },
    { says: 'a whole scalar without a point', attributes: [number(4)], gives: '4' },
    { says: 'a scalar, ties to even', attributes: [number(0.0625)], gives: '0.062' },
    { says: 'a tiny negative scalar', attributes: [number(-0.0004)], gives: '-0' },
    {
      says: 'ranges by their start',
      attributes: [
        {
          name: 'a',
          type: 'RANGES',
          ranges: {
            range: [
              { begin: 8, end: 9 },
              { begin: 1, end: 5 },
            ],
          },
        },
      ],
      gives: '[1-5,8-9]',
    },
    {
      says: 'a set in order',
      attributes: [{ name: 'a', type: 'SET', set: { item: ['b', 'a'] } }],
      gives: '{a,b}',
    },
    { says: 'the first of one name', attributes: [text('one'), text('two')], gives: 'one' },
    {
      says: 'nothing of a type unheard of',
      attributes: [{ name: 'a', type: 'BLOB' }],
      gives: undefined,
    },
  ] as { says: string; attributes: WireAttribute[]; gives: string | undefined }[]) {
    it(says, () => assert.equal(factsOf(agent({}, attributes), ['*']).attributes['a'], gives));
  }

  it('keeps a name that objects have of themselves', () => {
    const odd = { name: '__proto__', type: 'TEXT', text: { value: 'x' } };
    assert.deepEqual(Object.entries(factsOf(agent({}, [odd]), ['*']).attributes), [
      ['__proto__', 'x'],
    ]);
  });
});

describe('factsOf, places', () => {
  it('reads region and zone of the fault domain', () => {
    const domain = { fault_domain: { region: { name: 'north' }, zone: { name: 'n1' } } };
    const { region, zone } = factsOf({ ...agent({}), agent_info: { hostname: 'n', domain } }, []);
    assert.deepEqual([region, zone], ['north', 'n1']);
  });

  it('leaves them out when there are none', () => {
    assert.ok(!('region' in facts({})));
  });
});

describe('the example of the Mesos documentation', () => {
  const example = JSON.parse(
    readFileSync('test/fixtures/mesos/v1_get_agents_response.json', 'utf8'),
  ) as unknown;

  it('reads', () => {
    const [one] = readAgents(example).agents;
    assert.deepEqual(factsOf(readAgent(one), ['*']), {
      attributes: {},
      offered: true,
      cpus: 2,
      memMiB: 1024,
      diskMiB: 1024,
      gpus: 0,
      ports: [[31000, 32000]],
    });
  });
});

describe('reading the wire', () => {
  for (const { says, read, raw, why } of [
    {
      says: 'takes empty lists for left out',
      read: readAgents,
      raw: { type: 'GET_AGENTS', get_agents: {} },
    },
    {
      says: 'refuses another answer',
      read: readAgents,
      raw: { type: 'GET_STATE' },
      why: /"type" must be/,
    },
    {
      says: 'refuses an agent without a host name',
      read: readAgent,
      raw: { active: true, agent_info: {} },
      why: /hostname/,
    },
    {
      says: 'refuses an agent that is not said to be active or not',
      read: readAgent,
      raw: { agent_info: { hostname: 'n' } },
      why: /active/,
    },
    {
      says: 'refuses figures in quotes',
      read: readAgent,
      raw: { ...agent({}), total_resources: [{ name: 'cpus', scalar: { value: '4' } }] },
      why: /must be a number/,
    },
    { says: 'lets unknown fields through', read: readAgent, raw: { ...agent({}), news: [1] } },
  ] as { says: string; read: (raw: unknown) => unknown; raw: unknown; why?: RegExp }[]) {
    it(says, () => {
      if (why) assert.throws(() => read(raw), why);
      else assert.ok(read(raw));
    });
  }

  it('gives a recovered agent its attributes and no room', () => {
    const info = readAgentInfo({
      hostname: 'n',
      attributes: [{ name: 'rack', type: 'TEXT', text: { value: 'r1' } }],
    });
    const one = factsOfRecovered(info);
    assert.deepEqual([one.offered, one.cpus, one.attributes], [false, 0, { rack: 'r1' }]);
  });
});
