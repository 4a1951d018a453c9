import type { Kernel } from '../../core/shape.ts';
import { failedLines, runOnce } from './tool.ts';

/** Kernel features by the command that needs them, tried on the loopback of a namespace of its own. */
const TRIALS = {
  htb: 'qdisc add dev lo root handle 1: htb default 1',
  classes: 'class add dev lo parent 1: classid 1:1 htb rate 1mbit',
  bfifo: 'qdisc replace dev lo parent 1:1 bfifo limit 100000',
  tbf: 'qdisc replace dev lo parent 1:1 tbf rate 100gbit burst 12500 limit 20000',
  clsact: 'qdisc add dev lo clsact',
  mirred:
    'filter add dev lo ingress protocol all pref 1 u32 match u32 0 0 action mirred egress redirect dev lo',
  // Last: a tc that does not know the word ends here.
  fqCodel: 'qdisc replace dev lo parent 1:1 fq_codel limit 1024 target 5000us',
  end: 'qdisc show dev corral-nobody',
} as const;

/**
 * What this kernel has of what we can use. Nothing of it is left: the namespace ends with the program.
 *
 * @throws ToolFailed
 */
export async function probeKernel(signal: AbortSignal): Promise<Kernel> {
  const names = Object.keys(TRIALS);
  const input = `${Object.values(TRIALS).join('\n')}\n`;
  const [tc, ip] = await Promise.all([
    runOnce(['unshare', '--net', 'tc', '-force', '-batch', '-'], input, signal),
    runOnce(
      ['unshare', '--net', 'ip', '-force', '-batch', '-'],
      'link add name corral-probe type ifb\nlink show dev corral-nobody\n',
      signal,
    ),
  ]);
  const failed = failedLines(tc.stderr);
  // A line after the last one that was heard of was never tried.
  const tried = Math.max(0, ...failed.keys());
  const works = (name: keyof typeof TRIALS): boolean => {
    const line = names.indexOf(name) + 1;
    return line <= tried && !failed.has(line);
  };
  const links = failedLines(ip.stderr);
  return {
    htb: works('htb') && works('classes'),
    ifb: links.has(2) && !links.has(1),
    redirect: works('clsact') && works('mirred'),
    fqCodel: works('fqCodel'),
    tbf: works('tbf'),
    bfifo: works('bfifo'),
  };
}
