import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { basename, dirname } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { reconcilePart } from '../../src/agent/reconcile-part.ts';
import type { StartPart } from '../../src/agent/part.ts';
import { Shaping } from '../../src/agent/shaping.ts';
import { editLimits } from '../../src/ledger/limit-edit.ts';
import { outcomeOf, type Outcome } from '../../src/ledger/limit-wait.ts';
import { systemClock as clock } from '../../src/plumbing/clock.ts';
import { NODE, Rig, soon } from './rig.ts';
import { OPTIONS } from './watched.ts';

const POOLS = {
  four: { cidr: '10.87.0.0/24', gateway: '10.87.0.1' },
  six: { cidr: '2001:db8:87::/64', ranges: ['2001:db8:87::100-2001:db8:87::1ff'] },
};

describe('a container with an address of either family', () => {
  let rig: Rig;
  let shaping: Shaping | undefined;
  let addresses: readonly string[] = [];

  before(async () => {
    const part: StartPart = (context) => {
      const netns = `/run/netns/${basename(dirname(context.settings.docker.socket))}`;
      const started = new Shaping(context, netns);
      shaping = started;
      return { ready: () => started.ready(), stop: () => started.stop() };
    };
    rig = await Rig.start({ pools: POOLS, parts: [reconcilePart(OPTIONS), part] });
    await rig.made('dual', '10.87.0.0/24', '--ipv6', '--subnet', '2001:db8:87::/64');
    const id = await rig.dockerd.run('dual', '-e', 'net_in=20mbit', '-e', 'net_out=10mbit');
    await until('both are known', async () => {
      const mine = [...(await rig.leases())].filter(([, { container }]) => container === id);
      addresses = mine.map(([address]) => address).sort();
      return mine.length === 2 && mine.every(([, { asked }]) => asked?.netInKbit === 20_000);
    });
  });
  after(() => rig.stop());

  const edit = async (some: readonly string[], netInKbit: number): Promise<readonly Outcome[]> => {
    const edited = await editLimits(
      rig.store,
      { node: NODE, addresses: some, wish: { netInKbit }, who: 'test', by: 'cli' },
      { clock, signal: soon(), random: () => randomBytes(4).toString('hex') },
    );
    const options = { clock, signal: soon(), withinMs: 120_000 };
    return Promise.all(
      edited.map(({ address, edit: id = '' }) =>
        outcomeOf(rig.store, { node: NODE, address, edit: id }, options),
      ),
    );
  };
  const allInForce = (): Promise<void> =>
    until('both limits are in force', () => {
      const { inForce = [], faults } = shaping?.shaper.state() ?? {};
      return Promise.resolve(
        faults?.length === 0 && addresses.every((address) => inForce.includes(address)),
      );
    });

  it('has one limit for both, and both are said to be in force', async () => {
    await allInForce();
    await until('what passes is counted once, below what was asked for', async () => {
      const used = (await shaping?.shaper.usage(soon())) ?? [];
      const [one] = used;
      assert.ok(used.length <= 1, 'none twice');
      return one?.address === addresses[0] && one?.netIn.limitKbit === 20_000;
    });
  });

  it('has another one when both are changed', async () => {
    const outcomes = await edit(addresses, 30_000);
    assert.deepEqual(outcomes, [{ state: 'enforced' }, { state: 'enforced' }]);
    await allInForce();
  });

  it('and the second alone cannot be changed: it is put back, and says why', async () => {
    const [outcome] = await edit([addresses[1] ?? ''], 5_000);
    assert.equal(outcome?.state, 'failed');
    assert.match('reason' in outcome ? outcome.reason : '', /shares .* limit of 10\.87\.0/);
    await allInForce();
  });
});

async function until(
  what: string,
  isSo: () => Promise<boolean>,
  withinMs = 180_000,
): Promise<void> {
  const by = performance.now() + withinMs;
  while (!(await isSo())) {
    if (performance.now() > by) throw new Error(`it did not come to pass: ${what}`);
    await wait(50);
  }
}
