/** Parts of the v1 operator API's messages that we read; all else is let through unseen. */

export interface WireRange {
  readonly begin: number;
  readonly end: number;
}

export interface WireResource {
  readonly name: string;
  readonly scalar?: { readonly value: number };
  readonly ranges?: { readonly range?: readonly WireRange[] };
  /** Before reservation refinement; "*" or absent is unreserved. */
  readonly role?: string;
  /** The last one counts. */
  readonly reservations?: readonly { readonly role?: string }[];
  readonly revocable?: object;
  readonly disk?: { readonly persistence?: object; readonly source?: object };
}

export interface WireAttribute {
  readonly name: string;
  readonly type: string;
  readonly text?: { readonly value: string };
  readonly scalar?: { readonly value: number };
  readonly ranges?: { readonly range?: readonly WireRange[] };
  readonly set?: { readonly item?: readonly string[] };
}

interface Named {
  readonly name: string;
}

export interface WireAgentInfo {
  /** Every agent that a master lists has one. */
  readonly id?: { readonly value: string };
  readonly hostname: string;
  readonly attributes?: readonly WireAttribute[];
  readonly domain?: {
    readonly fault_domain?: { readonly region?: Named; readonly zone?: Named };
  };
}

export interface WireAgent {
  readonly agent_info: WireAgentInfo;
  readonly active: boolean;
  /** Since Mesos 1.9. */
  readonly deactivated?: boolean;
  readonly drain_info?: { readonly state?: string };
  readonly registered_time?: { readonly nanoseconds: number };
  readonly total_resources?: readonly WireResource[];
  readonly allocated_resources?: readonly WireResource[];
}

/** GET_AGENTS. Empty lists are left out by Mesos. */
export interface WireAgents {
  readonly agents: readonly unknown[];
  /** Registered before the master came to lead, not heard of since. */
  readonly recovered_agents: readonly unknown[];
}
