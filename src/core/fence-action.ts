import type { FenceOrderRecord, FenceRecord, FenceState } from './fence-record.ts';
import type { FenceWant } from './fence-want.ts';

/** A Mesos agent as its leading master shows it now. */
export interface AgentSeen {
  readonly agentId: string;
  readonly hostname: string;
  /** Connected, and not deactivated. False alone does not mean fenced. */
  readonly active: boolean;
  /** Taken out of offers by somebody. Absent: not told, see `recovered`, or a Mesos before 1.9. */
  readonly deactivated?: boolean;
  /** An operator drains it or has drained it. Not told of recovered ones. */
  readonly draining: boolean;
  /** Known from before this master came to lead and not heard of since; its flags do not show. */
  readonly recovered: boolean;
}

/** What is to be done about one node. `record` is the one it rests on, absent where there is none. */
export type FenceAction =
  | {
      readonly do: 'close' | 'note';
      readonly node: string;
      readonly agentId: string;
      readonly want: FenceWant;
      readonly record?: FenceRecord;
      /** Somebody undid what we had done: this is done again, and counted. */
      readonly isAgain: boolean;
    }
  | { readonly do: 'open'; readonly node: string; readonly record: FenceRecord }
  | {
      readonly do: 'settle';
      readonly node: string;
      readonly record: FenceRecord;
      readonly to: FenceState;
      readonly why: string;
    }
  | {
      readonly do: 'forget';
      readonly node: string;
      readonly record: FenceRecord;
      readonly why: string;
    };

/** What people should know of and nobody here may change. */
export interface Foreign {
  readonly node: string;
  readonly says: string;
}

export interface StepRules {
  /** `off` opens what is closed and closes nothing. */
  readonly mode: 'off' | 'watch' | 'on';
  /** Whether this Mesos can be asked at all. */
  readonly isAble: boolean;
  /** Most openings and closings of one node within a minute; holds back openings. */
  readonly flipsPerMinute: number;
  /** Most nodes switched in one pass. */
  readonly atOnce: number;
}

export interface StepInput {
  readonly wants: ReadonlyMap<string, FenceWant>;
  readonly records: ReadonlyMap<string, FenceRecord>;
  readonly orders: ReadonlyMap<string, FenceOrderRecord>;
  /** By hostname; the one that counts of several, see `agentsByNode`. */
  readonly agents: ReadonlyMap<string, AgentSeen>;
  readonly rules: StepRules;
  readonly nowMs: number;
}

export interface FenceSteps {
  /** Most urgent first, at most `atOnce` switches. */
  readonly actions: readonly FenceAction[];
  /** Switches that have to wait for the next pass, or for the flip limit. */
  readonly waiting: number;
  readonly foreign: readonly Foreign[];
}
