import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hostName } from '../../src/console/host.ts';

describe('hostName', () => {
  for (const { header, name } of [
    { header: 'localhost', name: 'localhost' },
    { header: 'Example.org:8090', name: 'example.org' },
    { header: 'example.org.:8090', name: 'example.org' },
    { header: '[::1]:8090', name: '[::1]' },
    { header: '[2001:DB8::1]', name: '[2001:db8::1]' },
    { header: '', name: '' },
    { header: 'localhost:8090:1', name: '' },
    { header: 'localhost@evil.example.org', name: '' },
    { header: 'localhost/evil', name: '' },
    { header: 'localhost ', name: '' },
    { header: '::1', name: '' },
    { header: `${'a.'.repeat(50_000)}:`, name: '' },
  ]) {
    it(`reads ${JSON.stringify(header.slice(0, 40))}`, () => assert.equal(hostName(header), name));
  }
});
