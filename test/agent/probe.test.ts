import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { arpProbe, arpProbes } from '../../src/agent/probe.ts';
import { silentLog } from '../../src/plumbing/log.ts';
import { HandClock, patience } from '../ledger/opened.ts';

const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' });
const ns = `corral-probe-${process.pid}`;
const [near, far] = [`${ns}-a`, `${ns}-b`];
const MAC = '02:00:5e:00:53:01';
const argv = ['ip', 'netns', 'exec', near, 'arping'];
const options = { interface: 'wire', withinSeconds: 1, argv };

before(() => {
  for (const name of [near, far]) ip('netns', 'add', name);
  ip('-n', near, 'link', 'add', 'wire', 'type', 'veth', 'peer', 'name', 'wire', 'netns', far);
  ip('-n', far, 'link', 'set', 'wire', 'address', MAC);
  for (const name of [near, far]) ip('-n', name, 'link', 'set', 'wire', 'up');
  ip('-n', far, 'addr', 'add', '198.51.100.7/24', 'dev', 'wire');
});
after(() => {
  for (const name of [near, far]) ip('netns', 'del', name);
});

describe('an ARP probe', () => {
  it('finds who has an address, and by which MAC', async () => {
    const found = await arpProbe({ ...options, address: '198.51.100.7' }, patience());
    assert.deepEqual(found, { is: 'squatted', mac: MAC });
  });

  it('finds nobody where nobody is', async () => {
    const found = await arpProbe({ ...options, address: '198.51.100.8' }, patience());
    assert.deepEqual(found, { is: 'quiet' });
  });

  it('says what hindered it', async () => {
    const none = { ...options, interface: 'none', address: '198.51.100.8' };
    const found = await arpProbe(none, patience());
    assert.equal(found.is, 'unknown');
    assert.match(found.is === 'unknown' ? found.why : '', /none/);
    const missing = { ...options, argv: ['/no/such/program'], address: '198.51.100.8' };
    assert.equal((await arpProbe(missing, patience())).is, 'unknown');
  });

  it('ends with its signal', async () => {
    const over = new AbortController();
    const probing = arpProbe(
      { ...options, withinSeconds: 30, address: '198.51.100.8' },
      over.signal,
    );
    over.abort(new Error('enough'));
    await assert.rejects(probing, /enough/);
  });

  it('is not repeated for a while where it found nobody, but always where it found somebody', async () => {
    const clock = new HandClock();
    let asked = 0;
    const interfaceOf = (pool: string): string | undefined => {
      asked += 1;
      return pool === 'p' ? 'wire' : undefined;
    };
    const deps = { clock, log: silentLog, interfaceOf, againAfterMs: 1_000, withinSeconds: 1 };
    const probe = arpProbes({ ...deps, argv });
    assert.deepEqual(await probe('p', '198.51.100.8', patience()), { is: 'quiet' });
    ip('-n', far, 'addr', 'add', '198.51.100.8/24', 'dev', 'wire');
    assert.deepEqual(await probe('p', '198.51.100.8', patience()), { is: 'quiet' });
    clock.ms += 1_001;
    const squatted = { is: 'squatted', mac: MAC };
    assert.deepEqual(await probe('p', '198.51.100.8', patience()), squatted);
    assert.deepEqual(await probe('p', '198.51.100.8', patience()), squatted);
    assert.equal((await probe('q', '198.51.100.8', patience())).is, 'unknown');
    assert.equal(asked, 5);
  });
});
