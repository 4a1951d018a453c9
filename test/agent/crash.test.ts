import assert from 'node:assert/strict';
import process from 'node:process';
import { after, before, describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { Chance } from '../../src/sim/chance.ts';
import { seededChance } from '../../src/sim/chance.ts';
import { IMAGE } from '../fakes/dockerd.ts';
import { unexplained } from '../soak/linearizable.ts';
import { type Asker, DOCKERS, Refused, Site, SIZE } from './load-site.ts';

/** How long everything is killed; `npm run soak` has 300. */
const SECONDS = Number(process.env['CRASH_SECONDS'] ?? 60);
const WORKERS = 6;
const MOST_HELD = 30;
/** Two looks a minute apart, after dockerd and etcd have come back. */
const HEALED_WITHIN_MS = 300_000;

describe(`agent, dockerd and etcd, killed at random for ${SECONDS} s`, () => {
  const seed = Number(process.env['CRASH_SEED'] ?? process.pid);
  const chance = seededChance(seed);
  const kills = { agent: 0, dockerd: 0, etcd: 0 };
  const seen = { started: 0, failed: 0, given: 0, refused: 0 };
  let site: Site;
  let busy = true;
  before(async () => {
    site = await Site.start({
      ...{ AGENT_COOL_DOWN_MS: '20000', AGENT_RECONCILE_EVERY_MS: '5000' },
    });
  });
  after(() => site.stop());

  it('keep working under load', { timeout: (SECONDS + 300) * 1_000 }, async (t) => {
    const loads = [
      ...Array.from({ length: WORKERS }, () => containers(site, () => busy, { chance, seen })),
      ...site.askers.map((asker) => churn(asker, () => busy, { chance, seen })),
    ];
    const until = performance.now() + SECONDS * 1_000;
    const killing = Object.entries(deaths).map(async ([what, dies]) => {
      for (;;) {
        await wait(chance.between(500, 10_000));
        if (performance.now() > until) return;
        kills[what as keyof typeof kills] += 1;
        await dies(site, chance);
      }
    });
    await Promise.all(killing).finally(() => (busy = false));
    await Promise.all(loads);
    t.diagnostic(`seed ${seed}: ${JSON.stringify({ ...kills, ...seen })}`);
    assert(seen.started > 0 && seen.given > 0);
    assert(kills.agent > 0 && kills.dockerd > 0 && kills.etcd > 0);
  });

  it('lose no address', { timeout: HEALED_WITHIN_MS + 60_000 }, async () => {
    for (const asker of site.askers)
      for (const address of [...asker.held]) await asker.release(address);
    await site.removeContainers();
    const until = performance.now() + HEALED_WITHIN_MS;
    for (let left = await site.leases(); left.length > 0; left = await site.leases()) {
      assert(performance.now() < until, `still leased: ${left.join(', ')}`);
      await wait(1_000);
    }
    assert.deepEqual(await site.findings(), []);
  });

  it('and the pool is full again', { timeout: 300_000 }, async () => {
    await wait(20_000); // the last rest is over
    let count = 0;
    const total = async () => count + (await site.spares());
    // what is given out of stock is written a moment later, and counts twice until then
    const isFull = async () =>
      (await total()) === SIZE && (await wait(1_500, true)) && (await total()) === SIZE;
    const until = performance.now() + 240_000;
    for (let asks = 0; !(await isFull()); asks += 1) {
      assert(performance.now() < until, `${await total()} of ${SIZE} are given or spare`);
      if ((await total()) > SIZE) await wait(200);
      else
        // what one is refused because others keep it in stock may be given back a moment later
        await site.askers[asks % site.askers.length]!.take().then(
          () => (count += 1),
          (fault: unknown) =>
            assert.match((fault as Error).message, /no address left|has no answer/),
        );
    }
    assert.deepEqual(await site.findings(), []);
  });

  it('and no address had two holders at any time', () => {
    assert.equal(unexplained(site.recorder.deals), undefined);
  });
});

interface Load {
  readonly chance: Chance;
  readonly seen: { started: number; failed: number; given: number; refused: number };
}

/** Containers that start, live a while and end; whatever fails is tried again. */
async function containers(
  { dockerd }: Site,
  going: () => boolean,
  { chance, seen }: Load,
): Promise<void> {
  while (going()) {
    const argv = ['run', '-d', '--net', 'lan', IMAGE, 'sleep', '100000'];
    const { code, out } = await dockerd.docker(...argv);
    if (code === 0) seen.started += 1;
    else seen.failed += 1;
    await wait(chance.between(0, code === 0 ? 2_000 : 500));
    if (code === 0) await dockerd.docker('rm', '-f', out);
  }
}

/** Takes and gives back; a refusal is no fault while the ledger is killed. */
async function churn(asker: Asker, going: () => boolean, { chance, seen }: Load): Promise<void> {
  while (going()) {
    if (asker.held.length > 0 && chance.next() < asker.held.length / MOST_HELD)
      await asker.release(asker.held[chance.between(0, asker.held.length - 1)]!);
    try {
      await asker.take();
      seen.given += 1;
    } catch (fault) {
      if (!(fault instanceof Refused)) throw fault;
      seen.refused += 1;
    }
    await wait(chance.between(50, 300));
  }
}

/** How each of the three dies and comes back, whatever the others do. */
const deaths: Readonly<Record<string, (site: Site, chance: Chance) => Promise<void>>> = {
  agent: async (site, chance) => {
    await site.killAgent(DOCKERS);
    await wait(chance.between(0, 4_000));
    await site.startAgent(DOCKERS);
  },
  dockerd: async ({ dockerd, witnessed }, chance) => {
    await dockerd.down('SIGKILL');
    await wait(chance.between(0, 2_000));
    witnessed.allMayEnd(); // a dockerd that starts ends what the last one left
    await dockerd.up();
  },
  etcd: async ({ etcd: { only } }, chance) => {
    await only.stop('SIGKILL');
    await wait(chance.between(0, 6_000));
    only.start();
    await only.ready();
  },
};
