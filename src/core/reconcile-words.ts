import type { Conflict } from './reconcile-step.ts';
import type { ReleaseReason } from './reconcile-step.ts';

const short = (id: string): string => id.slice(0, 12);

/** The evidence on which an address was released. */
export function releaseText(why: ReleaseReason): string {
  switch (why.proof) {
    case 'asked':
      return 'Docker asked for it while the ledger was away';
    case 'boot':
      return `the machine booted since, boot id was ${why.before}, and nothing took it up`;
    case 'absent':
      return `no endpoint and no container that could have one in ${why.looks} looks over ${Math.round(why.forMs / 1_000)} s`;
  }
}

/** What is in conflict, and what to do about it. */
export function conflictText(conflict: Conflict): string {
  const { address } = conflict;
  switch (conflict.kind) {
    case 'double':
      return `${address} is shown by containers ${conflict.containers.map(short).join(' and ')}; restart one of them`;
    case 'elsewhere':
      return `${address} is held by node "${conflict.holder}", but container ${short(conflict.container)} runs on it here; restart it, or release the lease there if nothing runs on it`;
    case 'foreign':
      return `${address} of container ${short(conflict.container)} cannot be leased: ${conflict.says}`;
    case 'taken-over':
      return `${address} was leased to container ${short(conflict.before)}, but ${short(conflict.container)} runs on it; the lease is its now`;
  }
}
