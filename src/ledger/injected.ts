import { appNotes } from './app-notes.ts';
import { keys, prefixes } from './keys.ts';
import { records } from './records.ts';

/** Constraints that the gate added to apps. */
export const injectedConstraints = appNotes(prefixes.injected, keys.injected, records.injected);
