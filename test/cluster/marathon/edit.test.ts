import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type BodyShape,
  type Edit,
  edited,
  spelledIn,
  withSpelled,
} from '../../../src/cluster/marathon/edit.ts';
import type { Json } from '../../../src/cluster/marathon/json.ts';

const rack = ['rack', 'UNLIKE', 'r1'];
const unique = ['hostname', 'UNIQUE'];

describe('edited', () => {
  for (const { says, shape, body, edits, gives } of [
    {
      says: 'replaces the whole set of an app and keeps what it does not know',
      shape: { of: 'app', id: '/web' },
      body: { id: 'web', constraints: [unique], future: { a: [1] } },
      edits: [['/web', { constraints: [unique, rack] }]],
      gives: { id: 'web', constraints: [unique, rack], future: { a: [1] } },
    },
    {
      says: 'adds the set to a partial update that does not mention constraints',
      shape: { of: 'app', id: '/web' },
      body: { instances: 5 },
      edits: [['/web', { constraints: [rack] }]],
      gives: { instances: 5, constraints: [rack] },
    },
    {
      says: 'lowers the instances of a held app',
      shape: { of: 'app', id: '/web' },
      body: { id: '/web', instances: 5 },
      edits: [['/web', { instances: 2 }]],
      gives: { id: '/web', instances: 2 },
    },
    {
      says: 'finds array elements by their canonical id',
      shape: { of: 'apps' },
      body: [{ id: 'a/../web' }, { id: '/mail' }],
      edits: [['/web', { constraints: [rack] }]],
      gives: [{ id: 'a/../web', constraints: [rack] }, { id: '/mail' }],
    },
    {
      says: 'finds apps in nested groups by relative and absolute ids',
      shape: { of: 'group', path: '/' },
      body: { id: '/shop', groups: [{ id: 'eu', apps: [{ id: 'web' }, { id: '/shop/eu/db' }] }] },
      edits: [
        ['/shop/eu/web', { constraints: [rack] }],
        ['/shop/eu/db', { constraints: [unique] }],
      ],
      gives: {
        id: '/shop',
        groups: [
          {
            id: 'eu',
            apps: [
              { id: 'web', constraints: [rack] },
              { id: '/shop/eu/db', constraints: [unique] },
            ],
          },
        ],
      },
    },
    {
      says: "takes a group's id from the path when the body names none",
      shape: { of: 'group', path: '/shop' },
      body: { apps: [{ id: 'web' }] },
      edits: [['/shop/web', { constraints: [rack] }]],
      gives: { apps: [{ id: 'web', constraints: [rack] }] },
    },
    {
      says: 'spells a pod its own way and keeps the rest of its scheduling',
      shape: { of: 'pod', id: '/pod' },
      body: { id: '/pod', scheduling: { backoff: { backoff: 1 } } },
      edits: [['/pod', { constraints: [rack, unique], instances: 1 }]],
      gives: {
        id: '/pod',
        scheduling: {
          backoff: { backoff: 1 },
          placement: {
            constraints: [
              { fieldName: 'rack', operator: 'UNLIKE', value: 'r1' },
              { fieldName: 'hostname', operator: 'UNIQUE' },
            ],
          },
        },
        scaling: { kind: 'fixed', instances: 1 },
      },
    },
  ] as {
    says: string;
    shape: BodyShape;
    body: Json;
    edits: [string, Edit][];
    gives: Json;
  }[]) {
    it(says, () => {
      const before = JSON.stringify(body);
      assert.deepEqual(edited(shape, body, new Map(edits)), gives);
      assert.equal(JSON.stringify(body), before, 'the body given is not touched');
    });
  }
});

describe('spelledIn', () => {
  it('reads back what withSpelled wrote, for apps and pods alike', () => {
    for (const kind of ['app', 'pod'] as const)
      assert.deepEqual(spelledIn(kind, withSpelled(kind, {}, [rack, unique])), [rack, unique]);
  });
});
