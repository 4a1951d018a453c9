import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ReconcileInput } from '../../src/core/reconcile-input.ts';
import type { SeenContainer } from '../../src/core/docker-seen.ts';
import { reconcile } from '../../src/core/reconcile.ts';
import { NOTHING_REMEMBERED } from '../../src/core/reconcile-input.ts';
import type { LeaseRecord } from '../../src/core/lease-record.ts';
import { World } from './twins/docker-world.ts';
import { runs } from '../runs.ts';

const APART_MS = 60_000;

/** The release rules once more, told over the whole history of looks, in no hurry. */
function dueNow(history: readonly ReconcileInput[]): string[] {
  const latest = history.at(-1);
  if (latest === undefined) return [];
  return latest.leases
    .filter(({ address, lease }) => {
      const held = (at: ReconcileInput): LeaseRecord | undefined =>
        at.leases.find(
          (one) => one.address === address && one.lease.incarnation === lease.incarnation,
        )?.lease;
      const shown = (at: ReconcileInput): boolean =>
        at.docker.endpoints.some((endpoint) => endpoint.address === address);
      const busy = (at: ReconcileInput): boolean =>
        shown(at) || at.inFlight.has(address) || at.docker.reserved.has(address);
      const asked = (at: ReconcileInput): boolean =>
        at.pending.has(`${address} ${lease.incarnation}`);
      const container = (at: ReconcileInput): SeenContainer | undefined =>
        at.docker.containers.get(held(at)?.container ?? '');
      const up = (at: ReconcileInput): boolean => {
        const { state = 'gone', bare = new Set() } = container(at) ?? {};
        if (['gone', 'created', 'exited', 'dead'].includes(state)) return false;
        return state === 'restarting' || state === 'removing' || bare.has(lease.network);
      };
      const comesBack = (at: ReconcileInput): boolean => {
        const { state = 'gone', restarts = true } = container(at) ?? {};
        return ['exited', 'dead'].includes(state) && restarts;
      };
      const booted = (n: number): boolean => {
        const { bootId } = latest;
        if (bootId === undefined || lease.bootId === undefined || bootId === lease.bootId)
          return false;
        // Seen in use without a break since: then it was taken up.
        for (let k = n - 1; k >= 0 && held(history[k] as ReconcileInput); k -= 1)
          if (shown(history[k] as ReconcileInput)) return false;
        return true;
      };
      if (lease.by === 'cni' || busy(latest)) return false;
      if (asked(latest)) return true;
      if (up(latest)) return false;
      if (booted(history.length - 1)) return true;
      for (let n = history.length - 1; n >= 0; n -= 1) {
        const at = history[n] as ReconcileInput;
        if (!held(at) || busy(at) || asked(at) || up(at) || comesBack(at) || booted(n))
          return false;
        if (n < history.length - 1 && latest.steadyMs - at.steadyMs >= APART_MS) return true;
      }
      return false;
    })
    .map(({ address, lease }) => `${address} ${lease.incarnation}`)
    .sort();
}

const ADDRESSES = ['192.0.2.1', '192.0.2.2'];
const few = <T>(values: readonly T[]): fc.Arbitrary<T[]> =>
  fc.subarray([...values], { minLength: 0, maxLength: values.length });
const container = fc.record({
  state: fc.constantFrom('running', 'exited', 'created', 'restarting', 'dead'),
  restarts: fc.constantFrom(true, false, undefined),
  bare: fc.constantFrom(new Set<string>(), new Set(['prod'])),
}) as fc.Arbitrary<SeenContainer>;
/** What one process sees always the same: its boot, and of a holding its boot and its door. */
const always = fc.record({
  bootId: fc.constantFrom('b1', 'b1', 'b2', undefined),
  i1: fc.record({ bootId: fc.constantFrom('b1', undefined), by: fc.constant('docker') }),
  i2: fc.record({ bootId: fc.constant('b1'), by: fc.constantFrom('docker', 'cni', 'aux') }),
});
const lease = fc.record({
  incarnation: fc.constantFrom('i1' as const, 'i1' as const, 'i2' as const),
  container: fc.constantFrom('c1', undefined),
});
/** Mostly quiet, so that absences last. */
const quiet = <T>(value: fc.Arbitrary<T>, nothing: T): fc.Arbitrary<T> =>
  fc.oneof({ arbitrary: fc.constant(nothing), weight: 5 }, { arbitrary: value, weight: 1 });
const look = fc.record({
  endpoints: quiet(few(ADDRESSES), []),
  containers: quiet(
    fc.option(container, { nil: undefined }) as fc.Arbitrary<SeenContainer | undefined>,
    undefined,
  ),
  inFlight: quiet(few(ADDRESSES), []),
  reserved: quiet(few(ADDRESSES), []),
  pending: quiet(few(ADDRESSES.flatMap((a) => [`${a} i1`, `${a} i2`])), []),
  waitMs: fc.constantFrom(1, 30_000, 60_000),
  leases: quiet(fc.array(fc.tuple(fc.constantFrom(...ADDRESSES), lease), { maxLength: 2 }), [
    [ADDRESSES[0] as string, { incarnation: 'i1' as const, container: 'c1' }],
  ]),
});

type Of<A> = A extends fc.Arbitrary<infer T> ? T : never;

function inputsOf(looks: readonly Of<typeof look>[], stays: Of<typeof always>) {
  let steadyMs = 0;
  return looks.map((one): Omit<ReconcileInput, 'memory'> => {
    steadyMs += one.waitMs;
    return {
      docker: {
        endpoints: one.endpoints.map((address) => ({ address, network: 'prod', container: 'cx' })),
        containers: new Map(one.containers ? [['c1', one.containers]] : []),
        facts: new Map(),
        reserved: new Map(
          one.reserved.map((address) => [address, { network: 'prod', givable: true }]),
        ),
        gatewayUnsaid: new Set(),
      },
      leases: [...new Map(one.leases)].map(([address, has]) => ({
        address,
        lease: {
          ...{ v: 1, pool: 'p', network: 'prod', sinceMs: 0 },
          ...has,
          ...stays[has.incarnation],
        } as LeaseRecord,
      })),
      pending: new Set(one.pending),
      inFlight: new Set(one.inFlight),
      bootId: stays.bootId,
      steadyMs,
      apartMs: APART_MS,
    };
  });
}

describe('reconcile and its twin', () => {
  it('release the same on any short history of looks', () => {
    let released = 0;
    fc.assert(
      fc.property(always, fc.array(look, { minLength: 1, maxLength: 6 }), (stays, looks) => {
        const history: ReconcileInput[] = [];
        let memory = NOTHING_REMEMBERED;
        for (const input of inputsOf(looks, stays)) {
          const turn = reconcile({ ...input, memory });
          history.push({ ...input, memory });
          ({ memory } = turn);
          const due = turn.steps
            .flatMap((step) =>
              step.do === 'release' ? [`${step.address} ${step.lease.incarnation}`] : [],
            )
            .sort();
          released += due.length;
          assert.deepEqual(due, dueNow(history));
        }
      }),
      { numRuns: runs(4_000) },
    );
    assert(released > runs(500), `only ${released} releases were compared`);
  });
});

describe('reconcile in a world of its own', () => {
  const act = fc.record({
    do: fc.constantFrom(
      ...['start', 'start', 'stop', 'stop', 'lose', 'lose', 'kill', 'look', 'look', 'look'],
      ...['reboot', 'restart', 'remove', 'disconnect', 'forget', 'forget', 'forget', 'lag'],
    ),
    n: fc.integer({ min: 0, max: 3 }),
    waitMs: fc.constantFrom(0, 1_000, 30_000, 61_000),
  });

  it('never releases what runs, and ends with leases for all that runs and for nothing else', () => {
    let [releases, adoptions] = [0, 0];
    fc.assert(
      fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
        const world = new World();
        for (const { do: what, n, waitMs } of acts) {
          world.pass(waitMs);
          world.act(what, n);
        }
        world.settle();
        for (let looks = 0; looks < 3; looks += 1) {
          world.pass(61_000);
          world.look();
        }
        assert.deepEqual(world.leased(), world.heldOrComingBack());
        assert.deepEqual(world.unnamed(), []);
        releases += world.releases;
        adoptions += world.adoptions;
      }),
      { numRuns: runs(3_000) },
    );
    assert(
      releases > runs(300) && adoptions > runs(50),
      `${releases} releases, ${adoptions} adoptions`,
    );
  });
});
