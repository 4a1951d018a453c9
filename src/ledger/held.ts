import { appNotes } from './app-notes.ts';
import { keys, prefixes } from './keys.ts';
import { records } from './records.ts';

/** Apps admitted with fewer instances than asked, waiting for room. */
export const heldApps = appNotes(prefixes.held, keys.held, records.held);
