import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { IMAGE } from '../fakes/dockerd.ts';
import { unexplained } from '../soak/linearizable.ts';
import { type Asker, DOCKERS, Refused, Site, SIZE } from './load-site.ts';

const CONTAINERS = 200;
const AT_ONCE = 8;
/** Addresses that one asker keeps at most. */
const MOST_HELD = 40;

/** Takes and gives back until told to stop. @returns how often it was given one */
async function churn(asker: Asker, going: () => boolean): Promise<number> {
  let given = 0;
  while (going()) {
    if (asker.held.length >= MOST_HELD || (given % 3 === 2 && asker.held.length > 0))
      await asker.release(asker.held[(given * 7) % asker.held.length]!);
    await asker.take();
    given += 1;
    await wait(20);
  }
  return given;
}

describe(`${CONTAINERS} containers, ${AT_ONCE} at a time, and three more agents, on one /24`, () => {
  let site: Site;
  const ip = new Map<string, string>();
  before(async () => {
    site = await Site.start({
      ...{ AGENT_COOL_DOWN_MS: '1000', AGENT_PRESSED_COOL_DOWN_MS: '0', AGENT_SPARE: '0' },
      AGENT_ANSWER_WITHIN_MS: '15000', // what is seen here is progress, not pace: CI shares its cores
    });
  });
  after(() => site.stop());

  /** One container, from start to end. */
  async function live(): Promise<void> {
    const { dockerd } = site;
    const id = await dockerd.must(
      ...['run', '-d', '--net', 'lan', IMAGE, 'sh', '-c', 'while :; do sleep 1; done'],
    );
    const address = await dockerd.addressOf(id, 'lan');
    assert.match(address, /^10\.88\.0\.\d+$/);
    assert(![...ip.values()].includes(address), `${address} is that of another container`);
    ip.set(id, address);
    for (const { held } of site.askers)
      assert(!held.includes(address), `${address} is another node's`);
    ip.delete(id);
    await dockerd.remove(id);
  }

  /** A release that a busy ledger did not take at once is journalled, and told a little later. */
  async function told(count: number): Promise<void> {
    const until = performance.now() + 180_000;
    while ((await site.leases()).length !== count && performance.now() < until) await wait(100);
  }

  it('get addresses without an error and without a duplicate', { timeout: 540_000 }, async (t) => {
    let busy = true;
    const started = performance.now();
    const churning = site.askers.map((asker) => churn(asker, () => busy));
    const left = Array.from({ length: CONTAINERS }, (_, n) => n).values();
    const worker = async (): Promise<void> => {
      for (const _ of left) await live();
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker)).finally(() => (busy = false));
    const given = await Promise.all(churning);
    const tookMs = Math.round(performance.now() - started);
    t.diagnostic(`${CONTAINERS} containers in ${tookMs} ms, beside ${given.join(' + ')} addresses`);
    t.diagnostic(site.witnessed.pace());
    assert(given.every((count) => count > 10));
    assert.deepEqual(await site.findings(), []);
  });

  it('get every address there is, and then the right error', { timeout: 300_000 }, async () => {
    await told(site.askers.reduce((sum, { held }) => sum + held.length, 0));
    await wait(1_500); // the last rest is over
    let count = site.askers.reduce((sum, { held }) => sum + held.length, 0);
    for (let n = 0; count < SIZE; n += 1, count += 1)
      await site.askers[n % site.askers.length]!.take();
    const says =
      /network "prod" has no address left for node "node-1": pool "p" has 253 addresses: 253 held, 0 in stock, 0 cooling, 0 quarantined \(way out: end containers that hold addresses, or widen a pool\)/;
    await assert.rejects(
      site.askers[0]!.take(),
      (fault) => fault instanceof Refused && says.test(fault.message),
    );
    const ended = await site.dockerd.docker('run', '--rm', '--net', 'lan', IMAGE, 'true');
    assert.equal(ended.code, 125);
    assert.match(ended.err, new RegExp(says.source.replace('node-1', DOCKERS)));
  });

  it('leave nothing behind', async () => {
    for (const asker of site.askers)
      await Promise.all([...asker.held].map((address) => asker.release(address)));
    await told(0);
    assert.deepEqual(await site.leases(), []);
    assert.deepEqual(await site.findings(), []);
  });

  it('were answered as one after the other could have been', () => {
    assert.equal(unexplained(site.recorder.deals), undefined);
    assert(site.recorder.deals.length > 2 * CONTAINERS);
  });
});
