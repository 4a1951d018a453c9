import { rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Rig } from './rig.ts';

/**
 * Takes the agent's place at Docker's socket: loses every release, and gives one address whatever the
 * ledger says. What happens meanwhile is what happens to an agent that is dead, or that dies between
 * its answer and its write.
 */
export class Impostor {
  readonly lost: string[] = [];
  readonly #rig: Rig;
  readonly #server: Server;
  readonly #socket: string;

  private constructor(rig: Rig, address: string) {
    this.#rig = rig;
    this.#socket = join(rig.settings.pluginDirectory, `${rig.plugin}.sock`);
    this.#server = createServer((request, answer) => {
      let text = '';
      request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      request.on('end', () => {
        const { Address = '' } = (text === '' ? {} : JSON.parse(text)) as { Address?: string };
        if (request.url === '/IpamDriver.ReleaseAddress') this.lost.push(Address);
        const isAsk = request.url === '/IpamDriver.RequestAddress';
        answer.end(JSON.stringify(isAsk ? { Address: `${address}/24`, Data: {} } : HANDSHAKE));
      });
    });
  }

  /** Stops the agent and stands in for it. */
  static async instead(rig: Rig, address = ''): Promise<Impostor> {
    await rig.stopAgent();
    const impostor = new Impostor(rig, address);
    await rm(impostor.#socket, { force: true });
    impostor.#server.listen(impostor.#socket);
    await once(impostor.#server, 'listening');
    return impostor;
  }

  /** Goes, and the agent is back. */
  async leave(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await rm(this.#socket, { force: true });
    await this.#rig.startAgent();
  }
}

const HANDSHAKE = {
  Implements: ['IpamDriver'],
  LocalDefaultAddressSpace: 'local',
  GlobalDefaultAddressSpace: 'global',
};
