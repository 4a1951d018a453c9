import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { LedgerSettings } from '../config/ledger.ts';
import { connectStore } from '../ledger/embedded/remote.ts';
import { shareStore } from '../ledger/embedded/share.ts';
import { openEmbeddedStore } from '../ledger/embedded/store.ts';
import { openEtcdStore } from '../ledger/etcd/store.ts';
import type { Store } from '../ledger/store.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';

export interface LedgerDeps {
  readonly clock: Clock;
  readonly log: Log;
}

const textOf = (file: string): string => readFileSync(file, 'utf8').trim();
const bytesOf = (file: string): Buffer => readFileSync(file);

/** The etcd cluster that the settings name. */
export function openEtcd(settings: LedgerSettings, deps: LedgerDeps): Store {
  const { hosts, user, passwordFile, caFile, certFile, keyFile } = settings;
  return openEtcdStore({
    hosts,
    ...deps,
    ...(user && passwordFile && { auth: { username: user, password: textOf(passwordFile) } }),
    ...(caFile && {
      credentials: {
        rootCertificate: bytesOf(caFile),
        ...(certFile && keyFile && { certChain: bytesOf(certFile), privateKey: bytesOf(keyFile) }),
      },
    }),
  });
}

/**
 * The ledger for a process that stays up. The embedded one is opened here and shared with the other
 * commands of this machine over a unix socket.
 *
 * @throws DirectoryInUse when another process has the embedded ledger open
 */
export async function openLedger(settings: LedgerSettings, deps: LedgerDeps): Promise<Store> {
  if (settings.kind === 'etcd') return openEtcd(settings, deps);
  mkdirSync(settings.directory, { recursive: true });
  mkdirSync(dirname(settings.socket), { recursive: true });
  const store = await openEmbeddedStore({ directory: settings.directory, ...deps });
  const shared = await shareStore(store, settings.socket, { log: deps.log });
  return {
    get: (key, signal) => store.get(key, signal),
    range: (query, signal) => store.range(query, signal),
    commit: (change, signal) => store.commit(change, signal),
    watch: (prefix, after, signal) => store.watch(prefix, after, signal),
    hold: (ttlMs, signal) => store.hold(ttlMs, signal),
    close: async () => {
      await shared.close();
      await store.close();
    },
  };
}

/** The ledger for an agent: the one that `corral up` shares on this machine, else as openLedger. */
export async function openLedgerBeside(settings: LedgerSettings, deps: LedgerDeps): Promise<Store> {
  if (settings.kind === 'embedded' && existsSync(settings.socket)) {
    const store = await connectStore(settings.socket, deps).catch(() => undefined);
    if (store) return store;
  }
  return openLedger(settings, deps);
}

/** The ledger for one command: through the socket while `corral up` owns the files, else the files. */
export async function openLedgerBriefly(
  settings: LedgerSettings,
  deps: LedgerDeps,
): Promise<Store> {
  if (settings.kind === 'etcd') return openEtcd(settings, deps);
  if (existsSync(settings.socket)) {
    const store = await connectStore(settings.socket, deps).catch(() => undefined);
    if (store) return store;
  }
  mkdirSync(settings.directory, { recursive: true });
  return openEmbeddedStore({ directory: settings.directory, ...deps });
}
