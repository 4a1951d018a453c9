import { spawn } from 'node:child_process';
import { ToolFailed } from './errors.ts';

export interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** Most that is read of one run, bytes: 500 containers come to 1 MB. */
const MOST_BYTES = 64 * 1024 * 1024;
const LONGEST_RUN_MS = 30_000;

/** argv of a program in a network namespace, given by the path of one. Absent: our own. */
export const inNamespace = (
  netns: string | undefined,
  argv: readonly [string, ...string[]],
): readonly [string, ...string[]] =>
  netns === undefined ? argv : ['nsenter', `--net=${netns}`, ...argv];

/**
 * Runs a program once, with `input` on its standard input. Its exit code is not looked at: with -force
 * tc and ip name on stderr each line that failed.
 *
 * @throws ToolFailed when it cannot be started, takes too long or says too much
 */
export async function runOnce(
  argv: readonly [string, ...string[]],
  input: string,
  signal: AbortSignal,
): Promise<Output> {
  const [program, ...words] = argv;
  const command = argv.join(' ');
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(LONGEST_RUN_MS)]);
  const child = spawn(program, words, { signal: bounded, killSignal: 'SIGKILL' });
  const out = { stdout: '', stderr: '' };
  return new Promise<Output>((resolve, reject) => {
    const fail = (why: string, cause?: unknown): void => {
      reject(new ToolFailed(command, why, { cause }));
    };
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8');
      child[stream].on('data', (text: string) => {
        out[stream] += text;
        if (out[stream].length > MOST_BYTES) {
          child.kill('SIGKILL');
          fail(`said more than ${MOST_BYTES} bytes`);
        }
      });
    }
    child.stdin.on('error', () => undefined); // it ended early: told by what it said
    child.on('error', (cause) => {
      fail(bounded.aborted ? 'was cut off' : 'did not run', cause);
    });
    child.on('close', () => {
      resolve(out);
    });
    child.stdin.end(input);
  });
}

const FAILED = /^Command failed -:(\d+)$/;

/**
 * What a batch of tc or ip says of its lines on stderr: "…words…", then "Command failed -:<line>".
 * Warnings have no such end and are left out.
 *
 * @returns line, from 1, to the words before it
 */
export function failedLines(stderr: string): ReadonlyMap<number, string> {
  const failed = new Map<number, string>();
  let said: string[] = [];
  for (const line of stderr.split('\n')) {
    const at = FAILED.exec(line)?.[1];
    if (at === undefined) {
      if (line !== '' && !line.startsWith('Warning:') && !line.startsWith('We have an error'))
        said.push(line);
      continue;
    }
    failed.set(Number(at), said.join('; ') || 'no reason given');
    said = [];
  }
  return failed;
}
