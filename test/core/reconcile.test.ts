import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ReconcileStep } from '../../src/core/reconcile-step.ts';
import type { ReconcileInput } from '../../src/core/reconcile-input.ts';
import type { DockerLook, SeenContainer, SeenEndpoint } from '../../src/core/docker-seen.ts';
import { confirmed, reconcile, toInspect } from '../../src/core/reconcile.ts';
import { NOTHING_REMEMBERED } from '../../src/core/reconcile-input.ts';
import type { KeepReason } from '../../src/core/reconcile-evidence.ts';
import type { ReleaseReason } from '../../src/core/reconcile-step.ts';
import type { LeaseRecord } from '../../src/core/lease-record.ts';

const A = '198.51.100.7';
const MAC = '02:42:c6:33:64:07';

const leaseOf = (has: Partial<LeaseRecord> = {}): LeaseRecord => ({
  v: 1,
  pool: 'p',
  network: 'prod',
  incarnation: 'i1',
  by: 'docker',
  container: 'c1',
  mac: MAC,
  bootId: 'boot-2',
  sinceMs: 1,
  startedMs: 2,
  ...has,
});
const endpointOf = (has: Partial<SeenEndpoint> = {}): SeenEndpoint => ({
  address: A,
  network: 'prod',
  container: 'c1',
  mac: MAC,
  endpoint: 'e1',
  ...has,
});
const containerOf = (state: string, has: Partial<SeenContainer> = {}): SeenContainer => ({
  state,
  bare: new Set(),
  ...has,
});
const lookOf = (has: Partial<DockerLook> = {}): DockerLook => ({
  endpoints: [],
  containers: new Map(),
  facts: new Map(),
  reserved: new Map(),
  gatewayUnsaid: new Set(),
  ...has,
});
const inputOf = (has: Partial<ReconcileInput> = {}): ReconcileInput => ({
  docker: lookOf(),
  leases: [{ address: A, lease: leaseOf() }],
  pending: new Set(),
  inFlight: new Set(),
  bootId: 'boot-2',
  steadyMs: 0,
  apartMs: 60_000,
  memory: NOTHING_REMEMBERED,
  ...has,
});
const withContainer = (container: SeenContainer, more: Partial<DockerLook> = {}): DockerLook =>
  lookOf({ containers: new Map([['c1', container]]), ...more });
const releasesIn = (steps: readonly ReconcileStep[]): ReleaseReason[] =>
  steps.flatMap((step) => (step.do === 'release' ? [step.why] : []));

/** The same scene looked at several times; the releases of the last look. */
function lookedAt(scene: Partial<ReconcileInput>, ...timesMs: number[]): ReleaseReason[] {
  let memory = NOTHING_REMEMBERED;
  let releases: ReleaseReason[] = [];
  for (const steadyMs of timesMs) {
    const turn = reconcile(inputOf({ ...scene, steadyMs, memory }));
    ({ memory } = turn);
    releases = releasesIn(turn.steps);
  }
  return releases;
}

describe('a lease that nobody is seen on', () => {
  for (const { says, at, proof } of [
    { says: 'is kept at the first look', at: [0], proof: undefined },
    { says: 'is kept at the second when that comes too early', at: [0, 59_999], proof: undefined },
    {
      says: 'is kept at the tenth when that comes too early',
      at: [0, 1, 2, 3, 4],
      proof: undefined,
    },
    { says: 'is released at the second, a minute later', at: [0, 60_000], proof: 'absent' },
    { says: 'is released once looks span a minute', at: [0, 30_000, 61_000], proof: 'absent' },
  ])
    it(says, () => assert.equal(lookedAt({}, ...at)[0]?.proof, proof));

  it('takes two looks however short they may be apart', () => {
    assert.deepEqual(lookedAt({ apartMs: 0 }, 5), []);
    assert.equal(lookedAt({ apartMs: 0 }, 5, 5).length, 1);
  });

  it('says how often and how long nobody was seen', () => {
    assert.deepEqual(lookedAt({}, 5, 30_000, 70_000), [
      { proof: 'absent', looks: 3, forMs: 69_995 },
    ]);
  });

  it('begins anew when somebody was seen in between', () => {
    const first = reconcile(inputOf());
    const docker = withContainer(containerOf('running'), { endpoints: [endpointOf()] });
    const between = reconcile(inputOf({ docker, steadyMs: 50_000, memory: first.memory }));
    const after = reconcile(inputOf({ steadyMs: 100_000, memory: between.memory }));
    assert.deepEqual([...first.steps, ...between.steps, ...after.steps], []);
    assert.deepEqual(after.kept, [{ address: A, why: 'too-early' }]);
  });

  it('of a new incarnation begins anew', () => {
    const first = reconcile(inputOf());
    const leases = [{ address: A, lease: leaseOf({ incarnation: 'i2' }) }];
    const after = reconcile(inputOf({ leases, steadyMs: 100_000, memory: first.memory }));
    assert.deepEqual(after.steps, []);
  });

  it('is due again at once when its release did not come through', () => {
    assert.equal(lookedAt({}, 0, 60_000, 60_001)[0]?.proof, 'absent');
  });

  it('is not released sooner by a clock that runs back', () => {
    assert.deepEqual(lookedAt({}, 100_000, 0, 50_000), []);
  });
});

describe('what keeps a lease', () => {
  const late = [0, 60_000, 600_000] as const;
  const scenes: readonly [string, KeepReason | undefined, Partial<ReconcileInput>][] = [
    [
      'an endpoint, even of a container that is not listed',
      undefined,
      { docker: lookOf({ endpoints: [endpointOf()] }) },
    ],
    [
      'an endpoint whose network nobody knows',
      undefined,
      { docker: lookOf({ endpoints: [endpointOf({ network: undefined })] }) },
    ],
    ['being handed out', 'in-flight', { inFlight: new Set([A]) }],
    [
      'a Docker network’s own address',
      'reserved',
      { docker: lookOf({ reserved: new Map([[A, { network: 'prod', givable: false }]]) }) },
    ],
    [
      'another door',
      'other-door',
      { leases: [{ address: A, lease: leaseOf({ by: 'cni', bootId: 'boot-1' }) }] },
    ],
    ...['running', 'paused', 'restarting', 'removing', 'a state of the future'].map(
      (state): [string, KeepReason, Partial<ReconcileInput>] => [
        `${state}, attached, and no address shown`,
        'may-run',
        { docker: withContainer(containerOf(state, { bare: new Set(['prod']) })) },
      ],
    ),
    ['restarting', 'may-run', { docker: withContainer(containerOf('restarting')) }],
    [
      'exited within a restart policy',
      'restart-policy',
      { docker: withContainer(containerOf('exited', { restarts: true })) },
    ],
    [
      'exited, policy not known',
      'restart-policy',
      { docker: withContainer(containerOf('exited')) },
    ],
    [
      'dead within a restart policy',
      'restart-policy',
      { docker: withContainer(containerOf('dead', { restarts: true })) },
    ],
  ];
  for (const [says, why, scene] of scenes)
    it(says, () => {
      assert.deepEqual(lookedAt(scene, ...late), []);
      const { kept } = reconcile(inputOf(scene));
      assert.deepEqual(kept, why === undefined ? [] : [{ address: A, why }]);
    });
});

describe('what does not keep a lease', () => {
  const gone: readonly [string, Partial<ReconcileInput>][] = [
    ['a container that is not there', {}],
    [
      'exited without a policy',
      { docker: withContainer(containerOf('exited', { restarts: false })) },
    ],
    [
      'created and never run',
      { docker: withContainer(containerOf('created', { restarts: true })) },
    ],
    [
      'running with another address of the network',
      {
        docker: withContainer(containerOf('running'), {
          endpoints: [endpointOf({ address: '198.51.100.8' })],
        }),
      },
    ],
    [
      'running and attached elsewhere',
      { docker: withContainer(containerOf('running', { bare: new Set(['other']) })) },
    ],
    [
      'no container known',
      { leases: [{ address: A, lease: leaseOf({ container: undefined as never }) }] },
    ],
    ['of this boot, though a boot id cannot be read', { bootId: undefined }],
  ];
  for (const [says, scene] of gone)
    it(says, () => {
      assert.equal(lookedAt(scene, 0, 60_000)[0]?.proof, 'absent');
      assert.deepEqual(lookedAt(scene, 0), []);
    });
});

describe('a lease of an earlier boot', () => {
  const leases = [{ address: A, lease: leaseOf({ bootId: 'boot-1' }) }];
  it('is released at the first look', () => {
    assert.deepEqual(lookedAt({ leases }, 0), [{ proof: 'boot', before: 'boot-1' }]);
  });
  it('is released although its container is down within a restart policy', () => {
    const docker = withContainer(containerOf('exited', { restarts: true }));
    assert.equal(lookedAt({ leases, docker }, 0)[0]?.proof, 'boot');
  });
  for (const [says, scene] of [
    ['is kept where an endpoint took it up', { docker: lookOf({ endpoints: [endpointOf()] }) }],
    [
      'is kept where its container is up without an address',
      { docker: withContainer(containerOf('running', { bare: new Set(['prod']) })) },
    ],
    ['is kept while it is handed out', { inFlight: new Set([A]) }],
    ['is kept when this boot cannot be told', { bootId: undefined }],
    [
      'is kept when it does not say which',
      { leases: [{ address: A, lease: leaseOf({ bootId: undefined as never }) }] },
    ],
  ] as const)
    it(says, () => assert.deepEqual(lookedAt({ leases, ...scene }, 0), []));

  it('that was taken up once needs two looks like any other', () => {
    const docker = lookOf({ endpoints: [endpointOf()] });
    const first = reconcile(inputOf({ leases, docker }));
    const second = reconcile(inputOf({ leases, steadyMs: 1, memory: first.memory }));
    const third = reconcile(inputOf({ leases, steadyMs: 60_001, memory: second.memory }));
    assert.deepEqual(releasesIn(second.steps), []);
    assert.deepEqual(releasesIn(third.steps), [{ proof: 'absent', looks: 2, forMs: 60_000 }]);
  });
});

describe('a release that Docker asked for', () => {
  const pending = new Set([`${A} i1`]);
  it('is carried out at the first look', () => {
    assert.deepEqual(lookedAt({ pending }, 0), [{ proof: 'asked' }]);
  });
  it('of an earlier incarnation is not', () => {
    assert.deepEqual(lookedAt({ pending: new Set([`${A} i0`]) }, 0), []);
  });
  it('is not, while an endpoint shows the address', () => {
    assert.deepEqual(lookedAt({ pending, docker: lookOf({ endpoints: [endpointOf()] }) }, 0), []);
  });
});

describe('what runs', () => {
  const facts = { app: '/shop/web', task: 't1', netInKbit: 5, startedMs: 9 };
  const running = (more: Partial<DockerLook> = {}): DockerLook =>
    withContainer(containerOf('running'), { endpoints: [endpointOf()], ...more });

  it('without a lease gets one, with all that is known', () => {
    const { steps } = reconcile(
      inputOf({ leases: [], docker: running({ facts: new Map([['c1', facts]]) }) }),
    );
    assert.deepEqual(steps, [
      { do: 'adopt', endpoint: endpointOf(), by: 'docker', incarnation: 'adopted:e1', facts },
    ]);
  });
  it('is named by its container where Docker names no endpoint', () => {
    const { endpoint: _, ...rest } = endpointOf();
    const { steps } = reconcile(inputOf({ leases: [], docker: lookOf({ endpoints: [rest] }) }));
    assert.equal(steps[0]?.do === 'adopt' && steps[0].incarnation, 'adopted:c1');
  });
  it('is left alone while its lease is being written', () => {
    assert.deepEqual(
      reconcile(inputOf({ leases: [], docker: running(), inFlight: new Set([A]) })).steps,
      [],
    );
  });
  it('with a lease that says it all needs nothing', () => {
    const docker = running({ facts: new Map([['c1', facts]]) });
    assert.deepEqual(reconcile(inputOf({ docker })).steps, []);
  });

  const { container: _c, mac: _m, startedMs: _s, ...bare } = leaseOf();
  for (const { says, lease, docker, gives } of [
    {
      says: 'names container and MAC in a lease that lacks them',
      lease: bare as LeaseRecord,
      docker: running(),
      gives: { container: 'c1', mac: MAC },
    },
    {
      says: 'says what its environment asks for once it has started',
      lease: bare as LeaseRecord,
      docker: running({ facts: new Map([['c1', facts]]) }),
      gives: { container: 'c1', mac: MAC, facts },
    },
    {
      says: 'says what others ask for, for this end of it',
      lease: bare as LeaseRecord,
      docker: running({
        facts: new Map([['c1', facts]]),
        endpoints: [endpointOf({ rates: { netInKbit: 5, netOutKbit: 7 } })],
      }),
      gives: { container: 'c1', mac: MAC, facts: { ...facts, netOutKbit: 7 } },
    },
    {
      says: 'corrects the MAC',
      lease: leaseOf({ mac: '02:42:00:00:00:01' }),
      docker: running({ facts: new Map([['c1', facts]]) }),
      gives: { container: 'c1', mac: MAC },
    },
  ])
    it(says, () => {
      const { steps } = reconcile(inputOf({ leases: [{ address: A, lease }], docker }));
      assert.deepEqual(steps, [{ do: 'complete', address: A, incarnation: 'i1', ...gives }]);
    });

  it('where the lease names another container takes it over, and is reported', () => {
    const docker = running({ facts: new Map([['c1', facts]]) });
    const leases = [{ address: A, lease: leaseOf({ container: 'c0' }) }];
    assert.deepEqual(reconcile(inputOf({ leases, docker })).steps, [
      { do: 'report', conflict: { kind: 'taken-over', address: A, container: 'c1', before: 'c0' } },
      { do: 'adopt', endpoint: endpointOf(), by: 'docker', incarnation: 'adopted:e1', facts },
    ]);
  });

  it('twice on one address is reported, and the lease stays with its container', () => {
    const endpoints = [endpointOf({ container: 'c0', endpoint: 'e0' }), endpointOf()];
    assert.deepEqual(reconcile(inputOf({ docker: lookOf({ endpoints }) })).steps, [
      { do: 'report', conflict: { kind: 'double', address: A, containers: ['c0', 'c1'] } },
    ]);
  });
  it('listed twice is one', () => {
    const endpoints = [endpointOf(), endpointOf()];
    assert.deepEqual(reconcile(inputOf({ docker: lookOf({ endpoints }) })).steps, []);
  });
  it('on a Docker network of ours that names no network is reported', () => {
    const docker = lookOf({ endpoints: [endpointOf({ network: undefined })] });
    const [step] = reconcile(inputOf({ leases: [], docker })).steps;
    assert.equal(step?.do === 'report' && step.conflict.kind, 'foreign');
  });
});

describe('what Docker networks keep for themselves', () => {
  it('gets a lease of its own', () => {
    const docker = lookOf({
      reserved: new Map([
        ['198.51.100.1', { network: 'prod', givable: true }],
        ['198.51.100.254', { network: 'prod', givable: false }],
      ]),
    });
    assert.deepEqual(reconcile(inputOf({ leases: [], docker })).steps, [
      {
        do: 'adopt',
        endpoint: { address: '198.51.100.1', network: 'prod', container: '' },
        by: 'aux',
        incarnation: 'aux:198.51.100.1',
      },
    ]);
  });
  const aux = leaseOf({ by: 'aux', container: undefined as never });
  const unsaid = lookOf({ gatewayUnsaid: new Set(['prod']) });
  it('is kept while Docker does not say which gateway it picked', () => {
    const scene = { leases: [{ address: A, lease: aux }], docker: unsaid };
    assert.deepEqual(lookedAt(scene, 0, 60_000, 600_000), []);
    assert.deepEqual(reconcile(inputOf(scene)).kept, [{ address: A, why: 'reserved' }]);
  });
  it('is not taken for a gateway once it named a container', () => {
    const leases = [{ address: A, lease: leaseOf({ by: 'aux' }) }];
    assert.equal(lookedAt({ leases, docker: unsaid }, 0, 60_000)[0]?.proof, 'absent');
  });
  it('is released like any other once the network is gone', () => {
    const leases = [{ address: A, lease: leaseOf({ by: 'aux', container: undefined as never }) }];
    assert.equal(lookedAt({ leases }, 0, 60_000)[0]?.proof, 'absent');
  });
});

describe('an adoption', () => {
  const { steps } = reconcile(
    inputOf({
      leases: [],
      docker: lookOf({
        endpoints: [endpointOf()],
        reserved: new Map([['198.51.100.1', { network: 'prod', givable: true }]]),
      }),
    }),
  );
  const left = (has: Partial<DockerLook>) =>
    confirmed(steps, lookOf(has)).map((step) => step.do === 'adopt' && step.endpoint.address);
  it('is given up when the endpoint was on its way out', () => {
    assert.deepEqual(left({}), []);
    assert.deepEqual(left({ endpoints: [endpointOf({ endpoint: 'e2' })] }), []);
  });
  it('is given up when a lease was made since: that may have ended by now', () => {
    const seen = { ...lookOf({ endpoints: [endpointOf()] }), leased: new Set([A]) };
    assert.deepEqual(confirmed(steps, seen), []);
  });
  it('stands when a second look shows the same', () => {
    const reserved = new Map([['198.51.100.1', { network: 'prod', givable: true }]]);
    assert.deepEqual(left({ endpoints: [endpointOf()], reserved }), [A, '198.51.100.1']);
  });
});

describe('the order of steps', () => {
  it('writes what runs before anything is given up', () => {
    const docker = lookOf({ endpoints: [endpointOf({ address: '198.51.100.9' })] });
    const pending = new Set([`${A} i1`]);
    const { steps } = reconcile(inputOf({ docker, pending }));
    assert.deepEqual(
      steps.map((step) => step.do),
      ['adopt', 'release'],
    );
  });
});

describe('what is inspected', () => {
  const docker = lookOf({
    endpoints: [
      endpointOf(),
      endpointOf({ address: '198.51.100.8', container: 'c2' }),
      endpointOf({ address: '198.51.100.9', container: 'c3' }),
      endpointOf({ address: '198.51.100.10', container: 'c6' }),
    ],
    containers: new Map([
      ['c1', containerOf('running')],
      ['c2', containerOf('paused')],
      ['c3', containerOf('created')], // an inspect would wait for its start
      ['c4', containerOf('exited')],
      ['c5', containerOf('running')],
      ['c6', containerOf('running')],
    ]),
  });
  const leases = [
    { address: A, lease: leaseOf() },
    { address: '198.51.100.20', lease: leaseOf({ container: 'c4' }) },
    { address: '198.51.100.21', lease: leaseOf({ container: 'c5' }) },
    { address: '198.51.100.10', lease: leaseOf({ container: 'c0' }) },
  ];
  it('is what started without a lease that says so, and what is down with a lease', () => {
    assert.deepEqual(toInspect(docker, leases), ['c2', 'c4', 'c6']);
  });
});
