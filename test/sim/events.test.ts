import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { fixedPools } from './pools.ts';
import { askAt, openSim, type OpenSim } from './stage.ts';

interface Seen {
  readonly type: string;
  readonly data: any;
}

let sim: OpenSim;
before(
  async () => (sim = await openSim({ standbys: { marathon: [{ port: 0 }] } }, fixedPools({}, 1))),
);
after(() => sim.sim.stop());

const attach = async (query = '', base = sim.marathonUrl) => {
  const stop = new AbortController();
  const headers = { Accept: 'text/event-stream' };
  const response = await fetch(`${base}/v2/events${query}`, { headers, signal: stop.signal });
  const reader = response.body!.getReader();
  let text = '';
  /** Everything told up to an event of `type`. */
  const until = async (type: string): Promise<Seen[]> => {
    while (!new RegExp(`event: ${type}\r\n.*\r\n\r\n`).test(text)) {
      const { value, done } = await reader.read();
      assert(!done, 'the stream ended');
      text += Buffer.from(value).toString();
    }
    return [...text.matchAll(/event: (.*)\r\ndata: (.*)\r\n/g)].map(([, name = '', data = '']) => ({
      type: name,
      data: JSON.parse(data),
    }));
  };
  return {
    response,
    until,
    close: () => stop.abort(),
    ended: async () => (await reader.read()).done,
  };
};

const APP = {
  id: '/x',
  cmd: 'sleep 100',
  cpus: 0.1,
  mem: 16,
  networks: [{ name: 'prod' }],
  container: { type: 'MESOS' },
};

describe('events', () => {
  it('tell of a deployment from the request to its success', async () => {
    const stream = await attach();
    await sim.ask('POST', '/v2/apps', APP);
    await sim.clock.advance(20_000);
    const seen = await stream.until('deployment_success');
    const names = seen.map(({ type }) => type);
    for (const name of [
      'api_post_event',
      'deployment_info',
      'instance_changed_event',
      'status_update_event',
      'deployment_step_success',
      'group_change_success',
    ])
      assert(names.includes(name), name);
    for (const { type, data } of seen) {
      assert.equal(data.eventType, type);
      assert.match(data.timestamp, /^2030-/);
    }
    const running = seen.find(({ data }) => data.taskStatus === 'TASK_RUNNING')?.data;
    assert.deepEqual(Object.keys(running).sort(), ['appId', 'eventType', 'host', 'ipAddresses', 'message', 'ports', 'slaveId', 'taskId', 'taskStatus', 'timestamp', 'version']); // prettier-ignore
    assert.match(running.ipAddresses[0].ipAddress, /^192\.0\./);
    const posted = seen.find(({ type }) => type === 'api_post_event')?.data;
    assert.equal(posted.uri, '/v2/apps');
    assert.equal(posted.appDefinition.id, '/x');
    stream.close();
  });

  it('come only of the types asked for', async () => {
    const stream = await attach('?event_type=app_terminated_event&event_type=deployment_success');
    await sim.ask('DELETE', '/v2/apps/x');
    await sim.clock.advance(20_000);
    const seen = await stream.until('deployment_success');
    assert.deepEqual(
      seen.map(({ type }) => type),
      ['app_terminated_event', 'deployment_success'],
    );
    stream.close();
  });

  it('need the right Accept', async () => {
    assert.equal((await sim.ask('GET', '/v2/events')).status, 405);
  });

  it('end when another process leads', async () => {
    const stream = await attach();
    sim.sim.elect('marathon', 1);
    while (!(await stream.ended())); // what was under way comes first
    sim.sim.elect('marathon', 0);
  });
});

describe('a standby', () => {
  it('hands requests to the leader and redirects events', async () => {
    const [, standby = ''] = sim.sim.marathonUrls;
    const made = await askAt(standby, 'POST', '/v2/apps', { ...APP, id: '/via' });
    assert.equal(made.status, 201, made.text);
    assert.match(made.headers.get('x-marathon-via') ?? '', /^1\.1 127\.0\.0\.1:/);
    assert.equal(made.headers.get('x-marathon-leader'), sim.marathonUrl);
    const events = await askAt(standby, 'GET', '/v2/events?event_type=a');
    assert.deepEqual(
      [events.status, events.headers.get('location')],
      [302, `${sim.marathonUrl}/v2/events?event_type=a`],
    );
  });

  it('loses a body of unknown length', async () => {
    const [, standby = ''] = sim.sim.marathonUrls;
    const body = new ReadableStream({
      start: (to) => {
        to.enqueue(Buffer.from(JSON.stringify({ ...APP, id: '/chunked' })));
        to.close();
      },
    });
    const options = {
      method: 'POST',
      body,
      duplex: 'half',
      headers: { 'Content-Type': 'application/json' },
    };
    const { status } = await fetch(`${standby}/v2/apps`, options as RequestInit);
    assert.equal(status, 400);
  });

  it('leads after the leader abdicates', async () => {
    const [first = '', second = ''] = sim.sim.marathonUrls;
    assert.deepEqual((await askAt(first, 'DELETE', '/v2/leader')).json, {
      message: 'Leadership abdicated',
    });
    assert.equal(`http://${(await askAt(first, 'GET', '/v2/leader')).json.leader}`, second);
    assert.equal((await askAt(first, 'GET', '/v2/apps')).headers.get('x-marathon-leader'), second);
    sim.sim.elect('marathon', 'none');
    assert.equal((await askAt(first, 'GET', '/v2/apps')).status, 502);
    sim.sim.elect('marathon', 0);
  });
});
