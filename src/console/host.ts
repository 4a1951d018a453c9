import type { Middleware } from 'koa';
import { WrongHost } from './errors.ts';

const LOCAL = ['localhost', '127.0.0.1', '[::1]'];

/** `Example.org.:8090` is example.org; a name that is none is ''. */
export const hostName = (header: string): string =>
  /^(\[[0-9a-f:.]+\]|[^:[\]/@\s]+?)\.?(?::\d{1,5})?$/.exec(header.toLowerCase())?.[1] ?? '';

/**
 * Answers only to known names. A page on the web can make a browser call a loopback address under a
 * name of its own (DNS rebinding); the Host header then carries that name.
 */
export function knownHosts(names: readonly string[]): Middleware {
  const known = new Set([...LOCAL, ...names.map((name) => hostName(bracketed(name)))]);
  return async function checkHost(ctx, next) {
    const header = ctx.get('Host');
    const name = hostName(header);
    if (name === '' || !known.has(name)) throw new WrongHost(header);
    await next();
  };
}

const bracketed = (name: string): string =>
  name.includes(':') && !name.startsWith('[') ? `[${name}]` : name;
