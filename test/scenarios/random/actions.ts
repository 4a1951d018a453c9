/** One thing that happens; plain data, so that a script can be printed, cut down and played again. */
export type Action =
  /** A client's change, as it would be sent. */
  | {
      readonly do: 'ask';
      readonly method: 'POST' | 'PUT' | 'DELETE';
      readonly path: string;
      readonly body?: unknown;
    }
  /** A client ends instances: all of them, or the first `count`. */
  | {
      readonly do: 'kill';
      readonly app: string;
      readonly count?: number;
      readonly scale: boolean;
      readonly wipe: boolean;
    }
  /** Processes end by themselves with 1. */
  | { readonly do: 'crash'; readonly app: string; readonly count: number }
  /** A machine is cut off for so long. */
  | { readonly do: 'partition'; readonly node: string; readonly forMs: number }
  /** An operator takes a node out of the offers for so long, unless it is out already. */
  | { readonly do: 'deactivate'; readonly node: string; readonly forMs: number }
  /** An operator drains a node, and reactivates it after so long. */
  | { readonly do: 'drain'; readonly node: string; readonly forMs: number }
  /** A node's agent comes back under another id; what ran there is gone. */
  | { readonly do: 'renew'; readonly node: string }
  /** Another Mesos master leads, to which the agents register one after the other. */
  | { readonly do: 'failover' }
  /** Somebody starts a container by hand: it takes an address that nobody was asked for. */
  | {
      readonly do: 'outside';
      readonly node: string;
      readonly network: string;
      readonly forMs: number;
    }
  /** Another framework launches, where it is offered room: CPU, and an address. */
  | {
      readonly do: 'foreign';
      readonly node: string;
      readonly network: string;
      readonly cpus: number;
      readonly forMs: number;
    }
  /** An operator multiplies the limit of a lease, the `nth` in the ledger's order. */
  | { readonly do: 'raise'; readonly nth: number; readonly by: number }
  | Fault;

/** What goes wrong with Corral's own processes and what they rest on. */
export type Fault =
  /** The first gate dies, as by kill -9; another one starts after so long. */
  | { readonly do: 'kill gate'; readonly forMs: number }
  /** Nobody reaches the ledger. */
  | { readonly do: 'lose ledger'; readonly forMs: number }
  /** The gates' clocks are set, and put right after so long, if ever. */
  | { readonly do: 'set clock'; readonly byMs: number; readonly forMs?: number }
  /** The next switch of an agent goes wrong: see Trouble of the pretend master. */
  | { readonly do: 'trouble'; readonly what: 'lost' | 'dropped' | 'busy' }
  /** Happens when a gate next switches an agent, before it hears of the outcome. */
  | { readonly do: 'amid a switch'; readonly then: Exclude<Action, { do: 'amid a switch' }> };

export interface Step {
  /** After the start of the script, ms. */
  readonly atMs: number;
  readonly action: Action;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** One line for people. */
export function told({ atMs, action }: Step): string {
  const at = seconds(atMs).padStart(9);
  switch (action.do) {
    case 'ask': {
      const { method, path, body } = action;
      return `${at} ${method} ${path}${body === undefined ? '' : ` ${JSON.stringify(body)}`}`;
    }
    case 'kill': {
      const { app, count, scale, wipe } = action;
      const how = `${scale ? ' and scales' : ''}${wipe ? ' and wipes' : ''}`;
      return `${at} a client kills ${count ?? 'all'} of ${app}${how}`;
    }
    case 'crash':
      return `${at} ${action.count} of ${action.app} crash`;
    case 'partition':
      return `${at} ${action.node} is cut off for ${seconds(action.forMs)}`;
    case 'deactivate':
      return `${at} an operator deactivates ${action.node} for ${seconds(action.forMs)}`;
    case 'drain':
      return `${at} an operator drains ${action.node} for ${seconds(action.forMs)}`;
    case 'renew':
      return `${at} the agent of ${action.node} comes back under another id`;
    case 'failover':
      return `${at} another Mesos master leads`;
    case 'outside':
      return `${at} by hand: a container on ${action.node} in ${action.network} for ${seconds(action.forMs)}`;
    case 'foreign':
      return `${at} another framework: ${action.cpus} cpus on ${action.node} in ${action.network} for ${seconds(action.forMs)}`;
    case 'kill gate':
      return `${at} the gate is killed, another one starts after ${seconds(action.forMs)}`;
    case 'lose ledger':
      return `${at} the ledger is lost for ${seconds(action.forMs)}`;
    case 'set clock':
      return `${at} the gates' clocks are set by ${seconds(action.byMs)}`;
    case 'trouble':
      return `${at} the next switch of an agent: ${action.what}`;
    case 'amid a switch':
      return `${at} amid the next switch of an agent:${told({ atMs, action: action.then }).slice(9)}`;
    case 'raise':
      return `${at} an operator raises the limit of lease ${action.nth} ${action.by} times`;
  }
}
