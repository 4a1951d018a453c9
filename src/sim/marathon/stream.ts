import type { ServerResponse } from 'node:http';
import type { World } from '../world.ts';

const HEARTBEAT_MS = 10_000;

/** Writes events to a client until it leaves or `streams` ends it. */
export const streamEvents = (
  world: World,
  response: ServerResponse,
  types: readonly string[],
  clientIp: string,
): (() => void) => {
  response.writeHead(200, {
    'Content-Type': 'text/event-stream;charset=utf-8',
    'Cache-Control': 'no-cache, no-store, must-revalidate',
    Connection: 'close',
  });
  response.flushHeaders();
  const ignore = world.events.listen((type, event) => {
    if (types.length === 0 || types.includes(type))
      response.write(`event: ${type}\r\ndata: ${JSON.stringify(event)}\r\n\r\n`);
  });
  const rest = world.agenda.every(HEARTBEAT_MS, () => response.write('\r\n'));
  const end = (): void => {
    ignore();
    rest();
    response.end();
  };
  response.once('close', () => {
    ignore();
    rest();
    world.events.publish('event_stream_detached', { remoteAddress: clientIp });
  });
  world.events.publish('event_stream_attached', { remoteAddress: clientIp });
  return end;
};
