/** What stands beside Marathon. */
export type Mode = 'nothing' | 'gate' | 'gate, fence' | 'gate, fence, brake';

/** Those that there are. */
export const MODES: readonly Mode[] = ['nothing', 'gate', 'gate, fence', 'gate, fence, brake'];

/** Settings of a gate in that mode, as a file would state them. */
export const settingsOf = (mode: Mode): unknown => ({
  gate: { brake: { mode: mode.includes('brake') ? 'on' : 'off' } },
  fence: { mode: mode.includes('fence') ? 'on' : 'off' },
});

/** The mode that keeps every promise. */
export const FULL: Mode = 'gate, fence, brake';
