import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { serveConsole } from './small-cluster.ts';

const { call } = serveConsole();

describe('the console shows capacity reports', () => {
  it('newest first, without rows, and what became of their deliveries', async () => {
    const { status, json } = await call('/v1/reports?schedule=daily&limit=5');
    assert.equal(status, 200);
    assert.deepEqual(json.reports, [
      {
        id: 'daily-2o4m5k0x1',
        schedule: 'daily',
        at: '1970-01-01T00:00:02.000Z',
        due: '1970-01-01T00:00:01.000Z',
        late: true,
        missed: 2,
        revision: 9,
        doubts: [],
        waiting: [{ app: '/shop/mail', allowed: 2, wanted: 5, since: '1970-01-01T00:00:00.000Z' }],
        figures: { leased: 2 },
        rows: 2,
        deliveries: [
          {
            to: 'file',
            name: 'csv',
            state: 'done',
            attempts: 1,
            path: '/r.csv',
            at: '1970-01-01T00:00:03.000Z',
          },
        ],
      },
    ]);
    assert.deepEqual((await call('/v1/reports?schedule=weekly')).json, { reports: [] });
  });

  it('one with every row', async () => {
    const { json } = await call('/v1/reports/daily-2o4m5k0x1');
    assert.deepEqual(json.rows, [
      { kind: 'total', name: '', leased: 2 },
      { kind: 'vlan', name: '7', leased: 2, macs: 2, macLimit: 1, macLevel: 'over' },
    ]);
  });

  it('none that is not there', async () => {
    const { status, json } = await call('/v1/reports/daily-1');
    assert.deepEqual([status, json.error.code], [404, 'not-known']);
    assert.equal((await call('/v1/reports?limit=0')).status, 400);
  });
});
