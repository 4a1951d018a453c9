import { execFile } from 'node:child_process';

export interface Ran {
  /** Exit code; 127 when there is no such program, 124 when it took too long. */
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a program by its arguments, never through a shell. Never throws for how it ends. */
export type RunTool = (
  argv: readonly string[],
  signal: AbortSignal,
  input?: string,
) => Promise<Ran>;

const WITHIN_MS = 10_000;
const MOST_BYTES = 16 << 20;

export const runTool: RunTool = ([program = '', ...argv], signal, input) =>
  new Promise((resolve) => {
    const bounds = { timeout: WITHIN_MS, maxBuffer: MOST_BYTES, signal };
    const child = execFile(program, argv, bounds, (fault, out, err) => {
      if (fault === null) resolve({ code: 0, out, err });
      else resolve({ code: codeOf(fault), out, err: err === '' ? fault.message : err });
    });
    child.stdin?.on('error', () => undefined); // it ended without reading
    child.stdin?.end(input ?? '');
  });

function codeOf(fault: { readonly code?: unknown; readonly killed?: boolean }): number {
  if (typeof fault.code === 'number') return fault.code;
  return fault.code === 'ENOENT' ? 127 : 124;
}
