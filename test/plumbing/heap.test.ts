import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { it } from 'node:test';
import { promisify } from 'node:util';

const child = join(import.meta.dirname, 'heap-child.ts');
const most = async (how: 'tight' | 'loose'): Promise<number> => {
  const args = ['--import', 'tsx', child, how];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 240_000 });
  return Number(stdout);
};

it('a heap that is kept tight holds far less garbage than one that is not', async () => {
  const [tight, loose] = [await most('tight'), await most('loose')];
  assert.ok(tight > 16 && tight < loose * 0.7, `${tight} MB against ${loose} MB`);
});
