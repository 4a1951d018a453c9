import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';

const files = readdirSync('.').concat(
  ['src', 'test', 'config'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
  ),
);
const pages = files.filter((file) => file.endsWith('.md'));

/** As GitHub names a heading: lower case, without marks, blanks as dashes. */
const anchorsOf = (page: string): ReadonlySet<string> =>
  new Set(
    [...readFileSync(page, 'utf8').matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );

function dead(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : join(dirname(page), path);
  if (!existsSync(target)) return true;
  return anchor !== undefined && !anchorsOf(target).has(anchor);
}

/** Beside the page, or wherever a file is called so. */
const isThere = (page: string, name: string): boolean =>
  existsSync(join(dirname(page), name)) || files.some((file) => `/${file}`.endsWith(`/${name}`));

describe('every file that a page names is there', () => {
  for (const page of pages)
    it(page, () => {
      const names = [...readFileSync(page, 'utf8').matchAll(/`([\w./-]+\.(?:ts|sh|md))`/g)];
      assert.deepEqual(
        names.map(([, name = '']) => name).filter((name) => !isThere(page, name)),
        [],
      );
    });
});

describe('every link of a page leads somewhere', () => {
  for (const page of pages)
    it(page, () => {
      const text = readFileSync(page, 'utf8').replace(/^```[\s\S]*?^```$/gm, '');
      const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
      const within = links.filter((link) => !/^[a-z]+:/.test(link));
      assert.deepEqual(
        within.filter((link) => dead(page, link)),
        [],
      );
    });
});
