import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MesosOperator } from '../../src/cluster/mesos/operator.ts';
import type { TokenFence } from '../../src/cluster/mesos/token-fence.ts';
import { forceOf } from '../../src/fence/force.ts';
import { patience } from '../ledger/opened.ts';

const agent = { active: true, draining: false, recovered: false, attributes: {} } as const;
const operator = (fence: 'deactivate' | 'token' | 'none'): MesosOperator => ({
  ability: () => Promise.resolve({ fence, version: '1.9.0', why: 'so it is' }),
  agents: () =>
    Promise.resolve([
      { ...agent, agentId: 'S1', hostname: 'a' },
      { ...agent, agentId: 'S2', hostname: 'b' },
      { ...agent, agentId: 'S3', hostname: 'c' },
    ]),
  deactivate: () => Promise.resolve({ outcome: 'done' }),
  reactivate: () => Promise.resolve({ outcome: 'done' }),
});
const token = (works: boolean): TokenFence => ({
  inForce: () => Promise.resolve({ works, why: works ? 'it works' : 'the master does not ask' }),
  tokens: () =>
    Promise.resolve([
      { agentId: 'S1', hostname: 'a', ours: true, labels: {} },
      { agentId: 'S2', hostname: 'b', ours: false, labels: {} },
    ]),
  reserve: () => Promise.resolve({ outcome: 'done' }),
  unreserve: () => Promise.resolve({ outcome: 'busy', why: 'on offer' }),
});

describe('which fence is in force', () => {
  for (const { says, fence, hasToken, works = true, by, isAble, why } of [
    {
      says: 'the flag where Mesos can',
      fence: 'deactivate',
      by: 'deactivate',
      isAble: true,
      why: /^so it is$/,
    },
    {
      says: 'the flag even with a token',
      fence: 'deactivate',
      hasToken: true,
      by: 'deactivate',
      isAble: true,
      why: /so it is/,
    },
    {
      says: 'the token where it is set up',
      fence: 'token',
      hasToken: true,
      by: 'token',
      isAble: true,
      why: /it works; 1 of 3 agents have none and are offered to nobody, such as c$/,
    },
    {
      says: 'none where the master does not ask for it',
      fence: 'token',
      hasToken: true,
      works: false,
      by: 'token',
      isAble: false,
      why: /does not ask/,
    },
    {
      says: 'none where nobody named one',
      fence: 'token',
      by: 'deactivate',
      isAble: false,
      why: /fence.token names no token resource/,
    },
    {
      says: 'none where Mesos is too old',
      fence: 'none',
      hasToken: true,
      by: 'deactivate',
      isAble: false,
      why: /only constraints/,
    },
  ] as const)
    it(says, async () => {
      const parts = { operator: operator(fence), ...(hasToken && { token: token(works) }) };
      const force = await forceOf(parts, patience());
      assert.deepEqual([force.means.by, force.isAble], [by, isAble]);
      assert.match(force.why, why);
    });

  it('the token leaves out agents without one, and waits for Mesos to carry it out', async () => {
    const { means } = await forceOf(
      { operator: operator('token'), token: token(true) },
      patience(),
    );
    const agents = await means.agents(patience());
    assert.deepEqual(
      agents.map(({ agentId, deactivated }) => [agentId, deactivated]),
      [
        ['S1', true],
        ['S2', false],
      ],
    );
    assert.equal((await means.close('S2', patience())).outcome, 'pending');
    assert.equal((await means.open('S1', patience())).outcome, 'pending');
  });
});
