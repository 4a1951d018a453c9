/** Path ids as Marathon reads them: `/a/b`, empty segments and dots resolved. */
export const canonicalId = (text: string, base = '/'): string => {
  const path = text.startsWith('/') ? text : `${base}/${text}`;
  const out: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') out.pop();
    else if (part !== '' && part !== '.') out.push(part);
  }
  return `/${out.join('/')}`;
};

/** The enclosing group; the root encloses itself. */
export const parentOf = (id: string): string => id.slice(0, id.lastIndexOf('/')) || '/';

export const isWithin = (id: string, group: string): boolean =>
  group === '/' ? id !== '/' : id.startsWith(`${group}/`);

/** Every group above `id`, the root first. */
export const ancestorsOf = (id: string): string[] => {
  const parts = id.split('/').filter((part) => part !== '');
  return parts.map((_part, index) => `/${parts.slice(0, index).join('/')}`);
};

/** `/shop/web` as instance and task ids spell it: `shop_web`. */
export const safeId = (id: string): string => id.slice(1).replaceAll('/', '_');

const SEGMENT =
  /^(?:[a-z0-9]|[a-z0-9][a-z0-9-]*[a-z0-9])(?:\.(?:[a-z0-9]|[a-z0-9][a-z0-9-]*[a-z0-9]))*$/;
const RESERVED = new Set(['restart', 'tasks', 'versions', '.', '..']);

/** What is wrong with a canonical id, in Marathon's spirit; undefined when nothing is. */
export const faultOfId = (id: string): string | undefined => {
  const parts = id.split('/').filter((part) => part !== '');
  if (parts.length === 0) return 'Path must contain at least one path element';
  if (parts.some((part) => !SEGMENT.test(part)))
    return "must fully match regular expression '^(([a-z0-9]|[a-z0-9][a-z0-9\\-]*[a-z0-9])\\.)*([a-z0-9]|[a-z0-9][a-z0-9\\-]*[a-z0-9])|(\\.|\\.\\.)$'";
  const last = parts.at(-1) ?? '';
  return RESERVED.has(last)
    ? `must not end with any of the following: restart, tasks, versions`
    : undefined;
};
