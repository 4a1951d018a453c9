import { randomBytes } from 'node:crypto';
import { userInfo } from 'node:os';
import type { EditorDeps } from './limit-editor.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Who gives the command, for the audit: whoever became root by sudo is named as himself. */
export const operatorName = (environment: Environment): string =>
  environment['SUDO_USER'] ?? userInfo().username;

/** What an edit at the command line needs of its process. */
export const editorAt = (environment: Environment, fail: () => void): EditorDeps => ({
  who: () => operatorName(environment),
  random: () => randomBytes(5).toString('hex'),
  fail,
});
