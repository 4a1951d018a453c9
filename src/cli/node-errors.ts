import { Refusal } from '../core/errors.ts';

/** A node that lives is not gone for good. */
export class NodeAlive extends Refusal {
  readonly code = 'node-alive';
  readonly remedy =
    'stop its containers and its agent; or add --force when you know that nothing of it runs';
  constructor(readonly node: string) {
    super(`the agent of node "${node}" gives signs of life`);
  }
}

/** What would be released is somebody's, unless the node is gone. */
export class NotConfirmed extends Refusal {
  readonly code = 'not-confirmed';
  readonly remedy = 'make sure that nothing of it runs any more, then add --yes';
  constructor(node: string, leases: number, spares: number) {
    super(`node "${node}" would lose ${leases} leases and ${spares} spares, and nobody said --yes`);
  }
}

/** Nodes whose containers nobody has told the ledger of. */
export class NodesSilent extends Refusal {
  readonly code = 'nodes-silent';
  readonly remedy =
    'start their agents and run it again; or name each node that is gone with --without';
  constructor(readonly nodes: readonly string[]) {
    super(
      `${nodes.length} nodes have not said what runs on them, so nothing new is given out: ${nodes.join(', ')}`,
    );
  }
}

/** Something of this node does not do what is asked of it; standard output has the findings. */
export class NodeUnwell extends Refusal {
  readonly code = 'node-unwell';
  readonly remedy = 'do as the findings say, then look again';
  constructor(node: string, findings: number) {
    super(`node "${node}" has ${findings} bad ${findings === 1 ? 'finding' : 'findings'}`);
  }
}
