/** What stands beside Marathon. */
export type Mode = 'nothing' | 'gate' | 'gate, fence' | 'gate, fence, brake';

/** Those that there are. */
export const MODES: readonly Mode[] = ['nothing', 'gate', 'gate, fence', 'gate, fence, brake'];

/** Settings of a gate in that mode, as a file would state them; the default of `fence.margin` unless given. */
export const settingsOf = (mode: Mode, margin?: number): unknown => ({
  gate: { brake: { mode: mode.includes('brake') ? 'on' : 'off' } },
  fence: {
    mode: mode.includes('fence') ? 'on' : 'off',
    ...(margin !== undefined && { margin }),
  },
});

/** The mode that keeps every promise. */
export const FULL: Mode = 'gate, fence, brake';
