/** What stands beside Marathon. */
export type Mode = 'nothing' | 'gate' | 'gate, fence' | 'gate, fence, brake';

/** Those that there are. */
export const MODES: readonly Mode[] = ['nothing', 'gate'];

/** Settings of a gate in that mode, as a file would state them. */
export const settingsOf = (_mode: Mode): unknown => ({});

/** The mode that keeps every promise. */
export const FULL: Mode = 'gate, fence, brake';
