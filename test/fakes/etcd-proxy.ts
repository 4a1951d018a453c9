import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  /** What the client sent and the server has not got. */
  readonly kept: Buffer[];
  stranded: boolean;
}

/** A TCP wire that can be cut, held, cut after so many bytes of answers, or late. */
export class CuttingProxy {
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #keeps: (() => void) | undefined;
  #bytesLeft: number | undefined;
  #holds = false;
  #refuses = false;
  /** Connections taken so far. */
  connections = 0;
  /** Times the wire was cut by `cutAfter`. */
  cuts = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param target a port of 127.0.0.1, or the path of a socket, with the path to listen on */
  static async to(target: number | string, path?: string): Promise<CuttingProxy> {
    const server = createServer();
    if (path === undefined) server.listen(0, '127.0.0.1');
    else server.listen(path);
    const proxy = new CuttingProxy(server);
    server.on('connection', (near) => proxy.#join(near, target));
    await once(server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Cuts every connection now. */
  cut(): void {
    for (const { near, far } of this.#pairs) {
      near.destroy();
      far.destroy();
    }
  }

  /** Cuts all once that many more bytes of answers have passed. */
  cutAfter(bytes: number): void {
    this.#bytesLeft = bytes;
  }

  /** Nothing passes either way, and nobody is told. */
  hold(): void {
    this.#holds = true;
    for (const { near, far } of this.#pairs) {
      near.pause();
      far.pause();
    }
  }

  /** Answers do not pass, requests do. */
  holdAnswers(): void {
    this.#holds = true;
    for (const { far } of this.#pairs) far.pause();
  }

  release(): void {
    this.#holds = false;
    for (const { near, far } of this.#pairs) {
      near.resume();
      far.resume();
    }
  }

  refuse(refuses: boolean): void {
    this.#refuses = refuses;
    if (refuses) this.cut();
  }

  /**
   * Keeps the next request on its way: its client sees the connection break, the server sees nothing.
   *
   * @returns once that has happened, what lets the server have it after all; resolves with its answer
   */
  async strandNext(): Promise<() => Promise<void>> {
    await new Promise<void>((resolve) => (this.#keeps = resolve));
    const late = [...this.#pairs].filter(({ kept }) => kept.length > 0);
    for (const pair of late) {
      pair.stranded = true;
      pair.near.destroy();
    }
    return async () => {
      for (const { far, kept } of late) {
        far.write(Buffer.concat(kept));
        await once(far, 'data');
        far.destroy();
      }
    };
  }

  #ask(pair: Pair, data: Buffer): void {
    if (this.#keeps === undefined) {
      pair.far.write(data);
      return;
    }
    pair.kept.push(data);
    // a request is a few frames, written at once: all of them are here in a moment
    const kept = this.#keeps;
    setTimeout(() => {
      this.#keeps = undefined;
      kept();
    }, 50);
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(near: Socket, target: number | string): void {
    this.connections += 1;
    if (this.#refuses) {
      near.destroy();
      return;
    }
    const far = typeof target === 'number' ? connect(target, '127.0.0.1') : connect(target);
    const pair: Pair = { near, far, kept: [], stranded: false };
    this.#pairs.add(pair);
    const end = () => {
      this.#pairs.delete(pair);
      near.destroy();
      if (!pair.stranded) far.destroy();
    };
    for (const socket of [near, far]) socket.on('error', end).on('close', end);
    near.on('data', (data) => this.#ask(pair, data));
    far.on('data', (data) => this.#answer(near, data));
    if (this.#holds) {
      near.pause();
      far.pause();
    }
  }

  #answer(near: Socket, data: Buffer): void {
    if (this.#bytesLeft === undefined) {
      near.write(data);
      return;
    }
    this.#bytesLeft -= data.length;
    if (this.#bytesLeft > 0) near.write(data);
    else {
      this.#bytesLeft = undefined;
      this.cuts += 1;
      this.cut();
    }
  }
}
