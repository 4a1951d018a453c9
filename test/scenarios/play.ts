import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { type Line, type Stage, playScript } from '../../src/sim/script.ts';
import { parseLine } from '../../src/sim/script/words.ts';

/** A stage and how to take it down. */
export interface OpenStage {
  readonly stage: Stage;
  close(): Promise<void>;
}

/** Commands, then what they said. `head` keeps the comments above. */
interface Block {
  readonly script: string;
  readonly expected: string;
}

const RULE = '\n----\n';

/** Blocks are parted by blank lines; each is commands, a line of four dashes, and what they say. */
export const parseBlocks = (text: string): Block[] =>
  text
    .trimEnd()
    .split(/\n\n+/)
    .map((block) => {
      const at = `${block}\n`.indexOf(RULE);
      return at < 0
        ? { script: block, expected: '' }
        : { script: block.slice(0, at), expected: block.slice(at + RULE.length) };
    });

export const formatBlocks = (blocks: readonly Block[]): string =>
  blocks
    .map(({ script, expected }) => (expected === '' ? script : `${script}${RULE}${expected}`))
    .join('\n\n') + '\n';

/** The line `cluster key=value …` of a scenario, or one without options. */
const settingsOf = (text: string): Line =>
  parseLine(text.split('\n').find((line) => line.startsWith('cluster ')) ?? 'cluster');

/**
 * Plays a scenario and compares what it says with what the file expects. With REWRITE=1 the file is
 * written anew instead; the diff is the review.
 *
 * @param open  makes the stage from the file's `cluster` line, e.g. `cluster seed=3 addresses=node-1:0`
 */
export const playFile = async (
  path: string | URL,
  open: (settings: Line) => Promise<OpenStage>,
): Promise<void> => {
  const text = readFileSync(path, 'utf8');
  const { stage, close } = await open(settingsOf(text));
  const quiet = { ...stage, commands: { cluster: () => [], ...stage.commands } };
  const played: Block[] = [];
  try {
    for (const { script } of parseBlocks(text))
      played.push({ script, expected: (await playScript(quiet, script)).join('\n') });
  } finally {
    await close();
  }
  if (process.env['REWRITE'] === '1') writeFileSync(path, formatBlocks(played));
  else assert.equal(formatBlocks(played), formatBlocks(parseBlocks(text)));
};
