import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { after, afterEach, before, describe, it } from 'node:test';
import { registerLedgerRebuild } from '../../src/cli/commands/ledger-rebuild.ts';
import type { CliDeps } from '../../src/cli/deps.ts';
import { newProgram, run } from '../../src/cli/run.ts';
import { prefixes } from '../../src/ledger/keys.ts';
import { listAll } from '../../src/ledger/listing.ts';
import type { Store } from '../../src/ledger/store.ts';
import { systemClock } from '../../src/plumbing/clock.ts';
import { lay } from '../ledger/opened.ts';
import { IMAGE } from '../fakes/dockerd.ts';
import { Impostor } from './impostor.ts';
import { startAgentProcess } from './agent-process.ts';
import { NODE, Rig, soon } from './rig.ts';
import { Watched } from './watched.ts';

/** A store whose end is somebody else's affair. */
const methodsOf = (store: Store): Store => ({
  get: (key, signal) => store.get(key, signal),
  range: (query, signal) => store.range(query, signal),
  commit: (change, signal) => store.commit(change, signal),
  watch: (prefix, after, signal) => store.watch(prefix, after, signal),
  hold: (ttlMs, signal) => store.hold(ttlMs, signal),
  close: () => Promise.resolve(),
});

const POOLS = { wide: { cidr: '10.93.0.0/24', gateway: '10.93.0.1' } };

for (const liveRestore of [true, false])
  describe(`the reconcile while a dockerd ${liveRestore ? 'with' : 'without'} live-restore restarts`, () => {
    let rig: Rig;
    let watched: Watched;
    before(async () => {
      rig = await Rig.start({ pools: POOLS, dockerd: { liveRestore } });
      await rig.made('lan', '10.93.0.0/24');
      watched = new Watched(rig);
    });
    afterEach(async () => {
      await watched.stop();
      await rig.clear();
      await rig.holds(0);
      assert.deepEqual(await rig.findings(), []);
    });
    after(() => rig.stop());

    if (liveRestore) liveRestored();
    else booted();

    function liveRestored(): void {
      it('releases nothing while it is away, nor afterwards, for its containers run on', async () => {
        const ids = await Promise.all([rig.dockerd.run('lan'), rig.dockerd.run('lan')]);
        await watched.start();
        const before = await rig.leases();
        await rig.dockerd.down();
        await assert.rejects(watched.look(2_000));
        await rig.dockerd.up();
        for (let looks = 0; looks < 3; looks += 1)
          assert.deepEqual([(await watched.look()).released, await rig.leases()], [0, before]);
        await rig.dockerd.remove(...ids);
      });

      it('finds what ended while both were away', async () => {
        const [ends = '', stays = ''] = [
          await rig.dockerd.run('lan'),
          await rig.dockerd.run('lan'),
        ];
        const address = await rig.dockerd.addressOf(stays, 'lan');
        const pid = Number(await rig.dockerd.must('inspect', '-f', '{{.State.Pid}}', ends));
        await watched.start();
        await watched.stop();
        await rig.dockerd.down('SIGKILL');
        process.kill(pid, 'SIGKILL');
        const impostor = await Impostor.instead(rig); // the dockerd that comes back is not heard
        await rig.dockerd.up();
        await impostor.leave();
        const { first } = await watched.start();
        assert.equal(first.released, 0);
        await watched.look();
        assert.deepEqual(await rig.held(), [address]);
      });
    }

    function booted(): void {
      it('gives up the leases of an earlier boot at the first look', async () => {
        await rig.dockerd.run('lan');
        await rig.dockerd.run('lan', '--restart', 'unless-stopped');
        await watched.start();
        await watched.stop();
        const before = await rig.held();
        const impostor = await Impostor.instead(rig, '10.93.0.200');
        await rig.dockerd.down('SIGKILL'); // the machine loses its power
        await rig.dockerd.up();
        rig.bootId = 'another-boot';
        await impostor.leave();
        const { first } = await watched.start();
        assert.deepEqual(first.releases.map(({ address }) => address).sort(), before);
        assert.match(
          first.releases[0]?.why ?? '',
          /^the machine booted since, boot id was boot-corral/,
        );
        const held = await rig.held();
        assert(!before.some((address) => held.includes(address)));
      });

      it('agrees with docker after the ledger was away', async () => {
        const [stays = '', ends = ''] = [
          await rig.dockerd.run('lan'),
          await rig.dockerd.run('lan'),
        ];
        await watched.start();
        await rig.etcd.only.stop();
        const stopped = await rig.dockerd.docker('rm', '-f', ends);
        assert.equal(stopped.code, 0);
        assert.equal(rig.agent.context.journal.pending().length, 1, 'it did not wait for it');
        const started = await rig.dockerd.docker(
          ...['run', '-d', '--net', 'lan', IMAGE, 'sleep', '100'],
        );
        assert.equal(started.code, 125);
        assert.match(started.err, /network "prod" .*node "node-1".*way out:/s);
        assert.equal(await rig.dockerd.must('inspect', '-f', '{{.State.Running}}', stays), 'true');
        await assert.rejects(watched.look(2_000));
        rig.etcd.only.start();
        await rig.etcd.only.ready();
        await rig.holds(1);
        const found = await watched.look();
        assert.deepEqual([found.released, found.adopted, found.conflicts], [0, 0, []]);
        assert.deepEqual(await rig.held(), [await rig.dockerd.addressOf(stays, 'lan')]);
      });

      it('agrees with docker after an agent was killed under load', async () => {
        rig.bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
        await rig.stopAgent();
        const killed = await startAgentProcess({
          LEDGER_KIND: 'etcd',
          LEDGER_HOSTS: rig.etcd.urls.join(','),
          AGENT_NODE: NODE,
          AGENT_PLUGIN: rig.plugin,
          AGENT_DOCKER_SOCKET: rig.dockerd.socket,
          AGENT_STATE_DIRECTORY: rig.settings.stateDirectory,
          AGENT_SOCKET: rig.settings.socket,
          AGENT_SHAPE_ENABLED: 'false',
          AGENT_ANSWER_WITHIN_MS: '15000',
        });
        const churn = Array.from({ length: 5 }, async (_, n) => {
          for (let round = 0; round < 3; round += 1) {
            const started = await rig.dockerd.docker(
              ...['run', '-d', '--net', 'lan', IMAGE, 'sleep', '100000'],
            );
            if (started.code === 0 && n % 2 === 0) await rig.dockerd.remove(started.out);
          }
        });
        await wait(1_500);
        await killed.kill();
        await rig.startAgent();
        await Promise.all(churn);
        await watched.start();
        await watched.look();
        await watched.look();
        const ids = (await rig.dockerd.must('ps', '-q')).split('\n');
        const shown = await Promise.all(ids.map((id) => rig.dockerd.addressOf(id, 'lan')));
        await rig.holdsOnly(...shown);
        assert(ids.length >= 4, `${ids.length} containers run`);
        const named = [...(await rig.leases()).values()].map(({ container }) =>
          container?.slice(0, 12),
        );
        assert.deepEqual(named.sort(), ids.sort());
      });

      it('fills a ledger that was lost, while nothing new is given out', async () => {
        const ids = await Promise.all([1, 2, 3].map(() => rig.dockerd.run('lan')));
        await watched.start();
        const before = await rig.held();
        for (const prefix of [prefixes.leases, prefixes.limits, prefixes.blocks, prefixes.tallies])
          await dropped(prefix);
        assert.deepEqual(await rig.held(), []);
        await lay(rig.store, { nodes: { 'node-9': { link: '1gbit' } } }); // never heard of again
        let said = await corral('ledger rebuild --within 3');
        for (const late = soon(); /node-1\b/.test(said.err);) {
          late.throwIfAborted(); // the agent had no time to say anything
          said = await corral('ledger rebuild --within 3');
        }
        assert.equal(said.code, 1);
        assert.match(said.err, /1 nodes have not said .+: node-9\n.+--without/);
        const refused = await rig.dockerd.docker('run', '-d', '--net', 'lan', IMAGE, 'true');
        assert.match(refused.err, /being rebuilt/);
        const done = await corral('ledger rebuild --within 120 --without node-9');
        assert.equal(done.code, 0, done.err);
        assert.match(done.out, /joined it[^]+node-1 +said +3 +\d +0\n[^]+given out again$/);
        assert.deepEqual(await rig.held(), before);
        assert.deepEqual(await rig.findings(), []);
        await rig.dockerd.run('lan');
        await rig.dockerd.remove(...ids);
        await rig.holds(1);
      });

      async function dropped(prefix: string): Promise<void> {
        const { entries } = await listAll(rig.store, prefix, { signal: soon() });
        const writes = entries.map(({ key }) => ({ drop: key }));
        await rig.store.commit({ guards: [], writes }, soon());
      }

      async function corral(line: string) {
        const [out, err]: [string[], string[]] = [[], []];
        const store = methodsOf(rig.store);
        const deps: CliDeps = {
          openStore: () => Promise.resolve(store),
          out: (text) => out.push(text),
          err: (text) => err.push(text),
          clock: systemClock,
          signal: soon(),
        };
        const program = newProgram('corral', deps);
        registerLedgerRebuild(program, deps);
        const code = await run(program, line.split(' '), deps);
        return { code, out: out.join('\n'), err: err.join('\n') };
      }
    }
  });
