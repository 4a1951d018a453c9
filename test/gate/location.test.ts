import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { eventsTarget, originIn, rewriteLocation } from '../../src/gate/location.ts';

const origins = ['http://marathon.example.org:8080', 'http://192.0.2.1'];
const bare = { origins, prefix: '' };
const known = { origins, prefix: '', publicBase: 'https://gate.example.org/m' };
const mounted = { origins, prefix: '/service/marathon' };

describe('rewriteLocation', () => {
  for (const { says, value, bases = bare, gives } of [
    {
      says: 'makes a URL of Marathon a path',
      value: 'http://marathon.example.org:8080/v2/apps//x',
      gives: '/v2/apps//x',
    },
    {
      says: 'uses the public base when there is one',
      value: 'http://marathon.example.org:8080/v2/apps//x?a=b#c',
      bases: known,
      gives: 'https://gate.example.org/m/v2/apps//x?a=b#c',
    },
    {
      says: 'sees through case, default port and user',
      value: 'HTTP://u:p@192.0.2.1:80/v2/info',
      gives: '/v2/info',
    },
    { says: 'does not mind the scheme', value: 'https://marathon.example.org:8080/x', gives: '/x' },
    { says: 'leaves the path of an app id alone', value: '/v2/apps//x', gives: '/v2/apps//x' },
    { says: 'leaves an app id alone', value: '/shop/x', gives: '/shop/x' },
    { says: 'leaves an app id with two slashes alone', value: '//shop/x', gives: '//shop/x' },
    { says: 'leaves a relative path alone', value: 'ui/', gives: 'ui/' },
    {
      says: 'leaves other hosts alone',
      value: 'http://login.example.org/?to=http://marathon.example.org:8080/',
      gives: 'http://login.example.org/?to=http://marathon.example.org:8080/',
    },
    {
      says: 'leaves another port of the same host alone',
      value: 'http://marathon.example.org:8081/x',
      gives: 'http://marathon.example.org:8081/x',
    },
    {
      says: 'leaves a host that only begins like ours alone',
      value: 'http://marathon.example.org:8080.example.net/x',
      gives: 'http://marathon.example.org:8080.example.net/x',
    },
    {
      says: 'does not fold dots or escapes',
      value: 'http://192.0.2.1/a/../b/%2e%2e/c',
      gives: '/a/../b/%2e%2e/c',
    },
    {
      says: 'never lets a path read as a host',
      value: 'http://192.0.2.1//evil.example.net/',
      gives: '/.//evil.example.net/',
    },
    { says: 'gives the root a slash', value: 'http://192.0.2.1', gives: '/' },
    {
      says: 'takes off the path Marathon is mounted under',
      value: 'http://192.0.2.1/service/marathon/v2/apps//x',
      bases: mounted,
      gives: '/v2/apps//x',
    },
    {
      says: 'takes it off a bare path too',
      value: '/service/marathon/ui/',
      bases: mounted,
      gives: '/ui/',
    },
    {
      says: 'knows a mount point from a name that begins like it',
      value: '/service/marathon-2/ui/',
      bases: mounted,
      gives: '/service/marathon-2/ui/',
    },
  ]) {
    it(says, () => assert.equal(rewriteLocation(value, bases), gives));
  }

  it('never names a host of Marathon, whatever path follows', () => {
    fc.assert(
      fc.property(fc.string(), (rest) => {
        const given = rewriteLocation(`http://192.0.2.1/${rest}`, bare);
        assert(given.startsWith('/') && !given.startsWith('//'));
        assert(given.endsWith(rest));
      }),
    );
  });
});

describe('originIn', () => {
  for (const { says, value, gives } of [
    {
      says: 'reads the leader header',
      value: 'http://192.0.2.1:8080',
      gives: 'http://192.0.2.1:8080',
    },
    {
      says: 'drops the default port',
      value: 'https://Leader.example.org:443/x',
      gives: 'https://leader.example.org',
    },
    { says: 'finds none in a path', value: '/x', gives: undefined },
    { says: 'finds none in nothing', value: undefined, gives: undefined },
  ]) {
    it(says, () => assert.equal(originIn(value), gives));
  }
});

describe('eventsTarget', () => {
  const asked = new URL('http://192.0.2.1:8080/');
  for (const { says, location, search = '', gives } of [
    {
      says: 'follows to the leader',
      location: 'http://192.0.2.2:8080/v2/events',
      gives: 'http://192.0.2.2:8080/v2/events',
    },
    {
      says: 'keeps the query that the redirect lost',
      location: 'http://192.0.2.2:8080/v2/events',
      search: '?event_type=a',
      gives: 'http://192.0.2.2:8080/v2/events?event_type=a',
    },
    {
      says: 'prefers the query of the redirect',
      location: 'http://192.0.2.2/v2/events?x=1',
      search: '?x=2',
      gives: 'http://192.0.2.2/v2/events?x=1',
    },
    {
      says: 'follows to nothing but an event stream',
      location: 'http://192.0.2.2/login',
      gives: undefined,
    },
    { says: 'follows no other scheme', location: 'ftp://192.0.2.2/v2/events', gives: undefined },
    { says: 'gives up on what is no URL', location: 'http://[', gives: undefined },
  ]) {
    it(says, () => assert.equal(eventsTarget(location, asked, search)?.href, gives));
  }
});
