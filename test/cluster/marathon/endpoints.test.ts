import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createEndpoints } from '../../../src/cluster/marathon/endpoints.ts';

const [A, B, C] = [
  'http://a.example.org:8080',
  'http://b.example.org:8080',
  'https://c.example.org',
];

/** Three Marathons and a clock that counts its readings. */
function three() {
  let now = 0;
  const clock = { now: () => (now += 1), sleep: () => Promise.resolve() };
  return createEndpoints([A ?? '', B ?? '', C ?? ''], clock);
}

const host = (url: URL): string => url.host;

describe('createEndpoints', () => {
  it('stays with the first', () => assert.equal(three().current().host, 'a.example.org:8080'));
  it('goes on to one that never failed', () => {
    const endpoints = three();
    endpoints.failed(endpoints.current());
    assert.equal(endpoints.current().host, 'b.example.org:8080');
    endpoints.failed(endpoints.current());
    assert.equal(endpoints.current().host, 'c.example.org');
  });
  it('comes back to the one that failed longest ago', () => {
    const endpoints = three();
    for (let turn = 0; turn < 3; turn += 1) endpoints.failed(endpoints.current());
    assert.equal(endpoints.current().host, 'a.example.org:8080');
  });
  it('a late failure of one that is no longer used moves nothing', () => {
    const endpoints = three();
    const first = endpoints.current();
    endpoints.failed(first);
    endpoints.failed(first);
    assert.equal(endpoints.current().host, 'b.example.org:8080');
  });
  it('an unknown URL is ignored', () => {
    const endpoints = three();
    endpoints.failed(new URL('http://other.example.org'));
    assert.equal(endpoints.current().host, 'a.example.org:8080');
  });
  it('lists the current one first and the failed ones last', () => {
    const endpoints = three();
    endpoints.failed(endpoints.current());
    assert.deepEqual(endpoints.inOrder().map(host), [
      'b.example.org:8080',
      'c.example.org',
      'a.example.org:8080',
    ]);
  });
  it('follows the leader unless it failed', () => {
    const endpoints = three();
    endpoints.leaderIs('b.example.org:8080');
    assert.equal(endpoints.current().host, 'b.example.org:8080');
    endpoints.failed(endpoints.current());
    endpoints.leaderIs('b.example.org:8080');
    assert.equal(endpoints.current().host, 'a.example.org:8080');
    endpoints.leaderIs('other.example.org:8080');
    assert.equal(endpoints.current().host, 'a.example.org:8080');
  });
  it('tells its state', () => {
    const endpoints = three();
    const first = endpoints.current();
    endpoints.failed(first);
    assert.deepEqual(endpoints.state()[0], {
      url: 'http://a.example.org:8080/',
      current: false,
      failures: 1,
      lastFailureMs: 1,
    });
    endpoints.answered(first);
    assert.equal(endpoints.state()[0]?.failures, 0);
  });
  it('one alone stays in use', () => {
    const endpoints = createEndpoints([A ?? ''], { now: () => 1, sleep: () => Promise.resolve() });
    endpoints.failed(endpoints.current());
    assert.equal(endpoints.current().host, 'a.example.org:8080');
  });
  it('never shows credentials', () => {
    const clock = { now: () => 1, sleep: () => Promise.resolve() };
    const endpoints = createEndpoints(['http://u:p@a.example.org/m/'], clock);
    assert.equal(endpoints.current().href, 'http://a.example.org/m');
  });
  it('needs one', () =>
    assert.throws(() => createEndpoints([], { now: () => 1, sleep: () => Promise.resolve() })));
});
