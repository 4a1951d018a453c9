import { appNotes } from './app-notes.ts';
import { keys, prefixes } from './keys.ts';
import { records } from './records.ts';

/** Rates that apps were admitted with and that their containers cannot say. */
export const appRates = appNotes(prefixes.appRates, keys.appRates, records.appRates);
