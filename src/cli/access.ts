import { readFileSync } from 'node:fs';
import type { GateSettings, OwnCredentials } from '../config/gate.ts';

/** What our own calls to Marathon and Mesos carry, and whom they trust. */
export interface Access {
  /** Value of the Authorization header. */
  readonly authorization?: () => string;
  /** For https: certificates to trust, PEM. Absent: the system's own. */
  readonly ca?: string;
}

const textOf = (file: string): string => readFileSync(file, 'utf8').trim();

/** As the settings have it. @throws what reading `gate.caFile` throws */
export function accessFrom({ auth, caFile }: Pick<GateSettings, 'auth' | 'caFile'>): Access {
  const authorization = authorizationFrom(auth);
  return {
    ...(authorization && { authorization }),
    ...(caFile !== undefined && { ca: textOf(caFile) }),
  };
}

/** Read again for each call, so that a new file is taken up. */
function authorizationFrom({
  user,
  passwordFile,
  tokenFile,
}: OwnCredentials): (() => string) | undefined {
  if (tokenFile !== undefined) return () => `token=${textOf(tokenFile)}`;
  if (user === undefined || passwordFile === undefined) return undefined;
  return () => `Basic ${Buffer.from(`${user}:${textOf(passwordFile)}`).toString('base64')}`;
}
