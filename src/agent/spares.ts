import type { Desk } from '../ledger/desk.ts';
import { followStarvation } from '../ledger/starvation.ts';
import type { Probe } from './probe.ts';
import { itemOf } from './api.ts';
import type { AgentSettings } from '../config/agent.ts';
import type { AgentDeps, AgentPart } from './part.ts';
import { Stock } from './stock.ts';
import { besideStock } from './stock-desk.ts';

export interface Spares {
  readonly stock: Stock;
  /** The desk for everybody else on the node. */
  readonly desk: Desk;
  readonly part: AgentPart;
}

export interface SparesDeps extends Pick<AgentDeps, 'desk' | 'store' | 'node' | 'clock' | 'log'> {
  readonly settings: Pick<AgentSettings, 'spare'>;
}

/**
 * The node's stock at work: given back as soon as others starve, shown, and ended with the agent.
 *
 * @param holds  whether Docker still has an address under an incarnation
 * @param probe  asked before an address enters the stock; absent: none is
 */
export function openSpares(
  deps: SparesDeps,
  holds: (address: string, incarnation: string) => boolean,
  probe?: Probe,
): Spares {
  const { desk, store, node, clock, log, settings } = deps;
  const ending = new AbortController();
  const starved = (): ReadonlySet<string> => starvation.pools();
  const { spare } = settings;
  const stock = new Stock({ desk, clock, log, spare, holds, starved, ...(probe && { probe }) });
  const tell = (): void => stock.wake();
  const starvation = followStarvation({ store, clock, log, node }, tell, ending.signal);
  starvation.done.catch(() => undefined); // ends with the signal
  const part: AgentPart = {
    ready: () => {
      const ready = [...stock.ready].map(([pool, count]) => `${count} of "${pool}"`).join(', ');
      const item = itemOf(stock.state());
      const { length } = stock.conflicts;
      const conflicts = length > 0 ? `, ${length} handed out and refused by the ledger` : '';
      const detail = `${ready || 'no pool is in use'}${conflicts}`;
      return [item.ready ? { ...item, detail } : item];
    },
    stop: async () => {
      ending.abort(new Error('the agent was stopped'));
      await stock.stop();
    },
  };
  return { stock, desk: besideStock(desk, stock), part };
}
