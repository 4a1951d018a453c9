import { settingsSchema } from '../../src/config/settings.ts';
import type { ReportSettings } from '../../src/config/report.ts';
import type { Term } from '../../src/ledger/election.ts';
import { keys } from '../../src/ledger/keys.ts';
import type { Store } from '../../src/ledger/store.ts';
import { lay, patience } from '../ledger/opened.ts';

/** Settings as an operator writes them, with all defaults. */
export function reportSettings(stated: object): ReportSettings {
  const { value, error } = settingsSchema.validate({ report: stated });
  if (error) throw error;
  return value.report;
}

/** Another leader from now on: whatever the one before writes under its term is refused. */
export async function elected(store: Store, name = 'reports'): Promise<Term> {
  const key = keys.election(name);
  const writes = [{ put: key, value: 'test' }];
  const { revision } = await store.commit({ guards: [], writes }, patience());
  return { revision, fence: { key, revision } };
}

/** Two pools on one VLAN and two nodes in two racks. */
export const layCluster = (store: Store): Promise<void> =>
  lay(store, {
    pools: {
      'prod-a': { cidr: '192.0.2.0/24', ranges: ['192.0.2.10-192.0.2.19'], vlan: 7 },
      'prod-b': { cidr: '198.51.100.0/24', ranges: ['198.51.100.10-198.51.100.14'], vlan: 7 },
    },
    networks: { prod: { pools: ['prod-a', 'prod-b'], default: '10mbit' } },
    nodes: {
      'node-1': { link: '1gbit', attributes: { rack: 'r1' } },
      'node-2': { link: '1gbit', attributes: { rack: 'r2' } },
    },
  });

export const at = (text: string): number => Date.parse(text);
