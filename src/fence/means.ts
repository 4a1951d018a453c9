import type { FenceAbility } from '../cluster/mesos/ability.ts';
import type { AgentSeen } from '../core/fence-action.ts';

/** What became of asking Mesos to take an agent out of offers, or to offer it again. */
export type Switched =
  | { readonly outcome: 'done' }
  | {
      /** `pending`: Mesos took it on and carries it out by itself. */
      readonly outcome: 'pending' | 'unknown-agent' | 'draining' | 'refused' | 'unreachable';
      readonly why: string;
    };

/** One way of keeping an agent out of offers; see operator.ts and token-fence.ts of cluster/mesos. */
export interface FenceMeans {
  readonly by: 'deactivate' | 'token';
  /** @throws what the Mesos client throws */
  agents(signal: AbortSignal): Promise<readonly AgentSeen[]>;
  close(agentId: string, signal: AbortSignal): Promise<Switched>;
  open(agentId: string, signal: AbortSignal): Promise<Switched>;
}

/** What this Mesos can do, and with which means; without means the fence only tells. */
export interface FenceForce {
  readonly ability: FenceAbility;
  readonly means: FenceMeans;
  readonly isAble: boolean;
  /** Which fence is in force, or why none is, in words. */
  readonly why: string;
}
