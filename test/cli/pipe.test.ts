import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { it } from 'node:test';
import { promisify } from 'node:util';

it('a command whose reader has gone ends without a word', async () => {
  const line = '"$0" --import tsx src/cli/main.ts --help | true';
  const ended = await promisify(execFile)('sh', ['-c', line, process.execPath]);
  assert.equal(ended.stderr, '');
});
