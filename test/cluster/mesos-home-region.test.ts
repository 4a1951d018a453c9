import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BadMesosAnswer } from '../../src/cluster/errors.ts';
import { readHomeRegion } from '../../src/cluster/mesos/home-region.ts';

const master = (info: object) => ({ type: 'GET_MASTER', get_master: { master_info: info } });

describe('readHomeRegion', () => {
  it("reads the master's own region", () => {
    const fault_domain = { region: { name: 'eu-1' }, zone: { name: 'a' } };
    assert.equal(readHomeRegion(master({ id: 'm', domain: { fault_domain } })), 'eu-1');
  });
  it('knows none where no fault domains are configured', () => {
    assert.equal(readHomeRegion(master({ id: 'm', version: '1.1.0' })), undefined);
  });
  it('refuses what is no answer of a master', () => {
    assert.throws(() => readHomeRegion({ type: 'GET_AGENTS' }), BadMesosAnswer);
  });
});
