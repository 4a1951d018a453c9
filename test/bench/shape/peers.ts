import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { type Container, sh, type Stage } from '../../agent/shape/stage.ts';

const run = promisify(execFile);
const PLUGIN = '/usr/lib/cni/bandwidth';

/** What limits a container to a rate, and takes the limit away again. */
export interface Setup {
  readonly name: string;
  readonly on: (mbit: number) => Promise<void>;
  readonly off: () => Promise<void>;
}

/** The CNI bandwidth plugin, called as a runtime calls it. `burstBits` of a rate in bit/s. */
export function cniBandwidth(
  name: string,
  stage: Stage,
  container: Container,
  burstBits: (bits: number) => number,
): Setup | undefined {
  if (!existsSync(PLUGIN)) return undefined;
  const call = (command: string, mbit: number): Promise<unknown> => {
    const [rate, burst] = [mbit * 1e6, burstBits(mbit * 1e6)];
    const config = {
      cniVersion: '0.4.0',
      name: 'bench',
      type: 'bandwidth',
      ingressRate: rate,
      ingressBurst: burst,
      egressRate: rate,
      egressBurst: burst,
      prevResult: {
        cniVersion: '0.4.0',
        interfaces: [{ name: container.hostInterface }, { name: 'eth0', sandbox: container.netns }],
        ips: [],
      },
    };
    const child = run('nsenter', [`--net=${stage.netns}`, PLUGIN], {
      env: {
        CNI_COMMAND: command,
        CNI_CONTAINERID: 'bench',
        CNI_NETNS: container.netns,
        CNI_IFNAME: 'eth0',
        CNI_PATH: '/usr/lib/cni',
        PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      },
    });
    child.child.stdin?.end(JSON.stringify(config));
    return child;
  };
  return {
    name,
    on: async (mbit) => {
      await call('ADD', mbit);
    },
    off: async () => {
      await call('DEL', 1);
      await stage.tc(`qdisc del dev ${container.hostInterface} root`).catch(() => undefined);
      await stage.tc(`qdisc del dev ${container.hostInterface} ingress`).catch(() => undefined);
    },
  };
}

/** What Debian's wondershaper makes of an interface here, in words. */
export async function wondershaper(stage: Stage, { hostInterface }: Container): Promise<string> {
  const words = [`--net=${stage.netns}`, 'wondershaper', hostInterface, '100000', '100000'];
  if (!(await sh('which wondershaper').catch(() => ''))) return 'not installed';
  const outcome = await run('nsenter', words).then(
    () => 'exit code 0',
    (fault: { code?: number; stderr?: string }) =>
      `exit code ${fault.code ?? '?'}: ${(fault.stderr ?? '').trim().split('\n').slice(0, 2).join('; ')}`,
  );
  const left = await stage.tc(`qdisc show dev ${hostInterface}`);
  await stage.tc(`qdisc del dev ${hostInterface} root`).catch(() => undefined);
  await stage.tc(`qdisc del dev ${hostInterface} ingress`).catch(() => undefined);
  return `${outcome}. What it set: ${left.trim().split('\n').join('; ')}`;
}
