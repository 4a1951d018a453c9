import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, afterEach, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { openDesk } from '../../src/ledger/open-desk.ts';
import { systemClock as clock } from '../../src/plumbing/clock.ts';
import { silentLog as log } from '../../src/plumbing/log.ts';
import { IMAGE } from '../fakes/dockerd.ts';
import { NODE, Rig, soon } from './rig.ts';

const run = promisify(execFile);
const MAC = '02:00:5e:00:53:07';
const POOL = { cidr: '10.98.0.0/24', gateway: '10.98.0.1', ranges: ['10.98.0.2-10.98.0.9'] };
const SQUATTED = ['10.98.0.3', '10.98.0.5'];

for (const spare of [0, 2])
  describe(`an agent that probes, with ${spare} spares, on a wire with a squatter`, () => {
    let rig: Rig;
    before(async () => {
      rig = await Rig.start({
        pools: { lan: POOL },
        agent: { spare, probe: 'on' },
        arping: (place) => ['nsenter', `--net=/run/netns/${place}`, 'arping'],
      });
      await rig.made('lan', '10.98.0.0/24', '-o', 'com.docker.network.bridge.name=wire0');
      const inside = (...words: string[]): Promise<unknown> =>
        run('ip', ['-n', rig.dockerd.place.name, ...words]);
      await inside('link', 'add', 'port0', 'type', 'veth', 'peer', 'name', 'squatter');
      await inside('link', 'set', 'port0', 'master', 'wire0', 'up');
      await run('ip', ['netns', 'add', squatter()]);
      await inside('link', 'set', 'squatter', 'netns', squatter());
      const there = (...words: string[]): Promise<unknown> =>
        run('ip', ['-n', squatter(), ...words]);
      await there('link', 'set', 'squatter', 'address', MAC);
      for (const address of SQUATTED)
        await there('addr', 'add', `${address}/24`, 'dev', 'squatter');
      await there('link', 'set', 'squatter', 'up');
      await rig.dockerd.remove(await rig.dockerd.run('lan')); // the agent learns where the wire is
      const known = () =>
        rig.agent.ready().some(({ detail }) => detail === 'the wire of lan is known');
      for (const late = soon(); !known(); await clock.sleep(20, soon())) late.throwIfAborted();
    });
    const squatter = (): string => `${rig.dockerd.place.name}-sq`;
    after(async () => {
      await run('ip', ['netns', 'del', squatter()]);
      await rig.stop();
    });
    afterEach(() => rig.clear());

    it('gives no container what the squatter has, and says who has it', async () => {
      const ids: string[] = [];
      for (let n = 0; n < 4; n += 1) ids.push(await rig.dockerd.run('lan'));
      const given = await Promise.all(ids.map((id) => rig.dockerd.addressOf(id, 'lan')));
      assert.deepEqual(
        given.filter((address) => SQUATTED.includes(address)),
        [],
      );
      const asked = ['run', '-d', '--net', 'lan', '--ip', '10.98.0.3', IMAGE, 'true'];
      const refused = await rig.dockerd.docker(...asked);
      assert.equal(refused.code, 125);
      assert.match(refused.err, new RegExp(`10\\.98\\.0\\.3.*(in use by|quarantined).*${MAC}`));
      const desk = openDesk(rig.store, { node: NODE, clock, log });
      const use = await desk.use('lan', soon());
      await desk.close();
      assert.ok(use.quarantined >= 1, JSON.stringify(use));
      const figure = await rig.figure('corral_agent_squatted_addresses_total');
      assert.ok(figure >= 1, String(figure));
      assert.deepEqual(await rig.findings(), []);
    });
  });
