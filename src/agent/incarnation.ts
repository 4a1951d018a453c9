/** No name that is made up begins so. */
const NAMED = 'ip-';

/** Of a holding that Docker asked for; says by which pool id, and whether the address was named. */
export const incarnationOf = (nonce: string, name: string, isNamed: boolean): string =>
  `docker/${nonce}/${isNamed ? NAMED : ''}${name}`;

/** Whether Docker asked for that very address. */
export const wasNamed = (incarnation: string): boolean =>
  incarnation.split('/')[2]?.startsWith(NAMED) === true;

/** Taken by another pool id, whose network goes on: what Docker gives up here is not that. */
export const isForeign = (incarnation: string, nonce: string): boolean =>
  incarnation.startsWith('docker/') && !incarnation.startsWith(`docker/${nonce}/`);
