import { Refusal } from '../../core/errors.ts';

/** tc, ip or nsenter could not be run to its end. What it did before is seen at the next look. */
export class ToolFailed extends Refusal {
  readonly code = 'tool-failed';
  readonly remedy = 'check that iproute2 and util-linux are installed and that the agent is root';
  constructor(
    readonly command: string,
    why: string,
    options?: ErrorOptions,
  ) {
    super(`"${command}" ${why}`, options);
  }
}

/** The kernel refused some of what was asked; what was in force before is still in force. */
export class KernelRefused extends Refusal {
  readonly code = 'kernel-refused';
  readonly remedy = 'run the quoted command by hand; corral doctor says what this kernel lacks';
  constructor(
    readonly refused: readonly { readonly line: string; readonly says: string }[],
    open: number,
  ) {
    const [first] = refused;
    const told = first ? `, first "${first.line}": ${first.says}` : '';
    super(`${open} steps are open, the kernel refused ${refused.length}${told}`);
  }
}

/** The interface on the host that leads to a container cannot be told. */
export class NoHostInterface extends Refusal {
  readonly code = 'no-host-interface';
  readonly remedy = 'see whether the container still runs and has a veth of its own';
  constructor(
    readonly address: string,
    readonly pid: number,
    why: string,
  ) {
    super(`the host's interface of ${address} (process ${pid}) is not known: ${why}`);
  }
}
