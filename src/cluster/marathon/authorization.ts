import { BadAuthorization } from '../errors.ts';

/** How Corral proves itself to Marathon; the value of the Authorization header. */
export type Login =
  | { readonly user: string; readonly password: string }
  | { readonly token: string }
  /** What a file holds: the header's value, or the whole line `Authorization: ...`. */
  | { readonly headerFile: string };

/** What a header may hold (RFC 9110), cut short of control characters. */
const VALUE = /^[\t\u0020-\u007e]+$/;

function valueOf(login: Login): string {
  if ('user' in login) {
    const pair = Buffer.from(`${login.user}:${login.password}`, 'utf8');
    return `Basic ${pair.toString('base64')}`;
  }
  if ('token' in login) return `token=${login.token}`;
  return login.headerFile.trim().replace(/^authorization:\s*/i, '');
}

/**
 * The value of the Authorization header. A token is sent as `token=...`, the form of DC/OS.
 *
 * @throws BadAuthorization when it is empty or not one line; the message never quotes it
 */
export function authorizationOf(login: Login): string {
  const value = valueOf(login);
  if (!VALUE.test(value)) throw new BadAuthorization();
  return value;
}
