import { BadScriptLine } from './errors.ts';
import { CHANGES } from './script/changes.ts';
import { NATURE } from './script/nature.ts';
import type { Command, Stage } from './script/stage.ts';
import { type Line, parseLine } from './script/words.ts';

export type { Command, Line, Stage };

const BUILT_IN: Readonly<Record<string, Command>> = { ...CHANGES, ...NATURE };

/**
 * Plays one line; blank lines and lines that start with # say nothing.
 *
 * @returns what came of it, one or more lines
 * @throws BadScriptLine for a line that cannot be understood
 */
export const playLine = async (stage: Stage, text: string): Promise<string[]> => {
  const line = parseLine(text.trim());
  if (line.command === '' || line.command.startsWith('#')) return [];
  const command = stage.commands?.[line.command] ?? BUILT_IN[line.command];
  if (!command) throw new BadScriptLine(text, `there is no command "${line.command}"`);
  return command(stage, line);
};

/** Plays a whole script; `told` hears each line as it is written and what came of it. */
export const playScript = async (
  stage: Stage,
  script: string,
  told: (line: string, outcome: readonly string[]) => void = () => undefined,
): Promise<string[]> => {
  const all: string[] = [];
  for (const line of script.split('\n')) {
    const outcome = await playLine(stage, line);
    told(line, outcome);
    all.push(...outcome);
  }
  return all;
};
