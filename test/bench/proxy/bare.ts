import { createServer, type ServerResponse } from 'node:http';
import process from 'node:process';
import { type Dispatcher, Pool } from 'undici';

/** What node:http and undici cost by themselves: the bound of any proxy made of them. */
const [port, to] = process.argv.slice(2).map(Number);
const pool = new Pool(`http://127.0.0.1:${to}`, { connections: 64, pipelining: 1, bodyTimeout: 0 });
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding']);

class Answer implements Dispatcher.DispatchHandler {
  constructor(private readonly res: ServerResponse) {}

  onConnect(abort: (fault?: Error) => void): void {
    this.res.on('close', () => this.res.writableFinished || abort());
  }

  onHeaders(status: number, raw: Buffer[], resume: () => void, reason: string): boolean {
    const headers: string[] = [];
    for (let at = 0; at < raw.length; at += 2) {
      const name = String(raw[at]);
      if (!HOP_BY_HOP.has(name.toLowerCase())) headers.push(name, String(raw[at + 1]));
    }
    this.res.writeHead(status, reason, headers);
    this.res.on('drain', resume);
    return true;
  }

  onData(chunk: Buffer): boolean {
    return this.res.write(chunk);
  }

  onComplete(): void {
    this.res.end();
  }

  onError(): void {
    this.res.destroy();
  }
}

createServer((req, res) => {
  const headers = req.rawHeaders.filter((_, at, raw) => raw[at - (at % 2)] !== 'Host');
  const { method = '', url: path = '' } = req;
  pool.dispatch({ method: method as Dispatcher.HttpMethod, path, headers }, new Answer(res));
}).listen(port, '127.0.0.1');
