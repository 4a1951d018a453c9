import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import Joi from 'joi';
import { Refusal } from '../../core/errors.ts';
import type { Log } from '../../plumbing/log.ts';
import { parseStrictJson } from '../../plumbing/strict-json.ts';
import { BadPluginCall } from '../errors.ts';

/** Docker's remote IPAM protocol: a POST per call, one JSON object each way. */

export interface PoolCall {
  readonly AddressSpace: string;
  readonly Pool: string;
  readonly SubPool: string;
  readonly Options: Readonly<Record<string, string>>;
  readonly V6: boolean;
}

export interface AddressCall {
  readonly PoolID: string;
  readonly Address: string;
  readonly Options: Readonly<Record<string, string>>;
}

export interface Data {
  readonly Data: Readonly<Record<string, string>>;
}

/** What the driver does; each throws a Refusal, whose words a person reads in the task's sandbox. */
export interface IpamDriver {
  requestPool(call: PoolCall): Promise<Data & { readonly PoolID: string; readonly Pool: string }>;
  releasePool(call: { readonly PoolID: string }): Promise<void>;
  /** @returns an address with the prefix of its subnet */
  requestAddress(call: AddressCall): Promise<Data & { readonly Address: string }>;
  releaseAddress(call: { readonly PoolID: string; readonly Address: string }): Promise<void>;
  /** An answer could not be delivered: whoever asked does not have the address. */
  undelivered(call: AddressCall, address: string): void;
  /** Whoever gave an address back did not hear that it was taken, and will say so again. */
  releaseUnheard(call: { readonly Address: string }): void;
}

/** For measuring: how one call went. */
export interface CallSeen {
  readonly call: string;
  readonly tookMs: number;
  readonly refused: string | undefined;
}

export interface ProtocolDeps {
  readonly driver: IpamDriver;
  readonly log: Log;
  /** Milliseconds, of any origin. */
  readonly monotonic: () => number;
  readonly seen?: (call: CallSeen) => void;
}

/** Docker gives the content type of its own protocol; answers carry it too. */
const TYPE = 'application/vnd.docker.plugins.v1.1+json';
const MOST_BYTES = 64 << 10;
/** Longest that a body may take; Docker writes it at once. */
const BODY_WITHIN_MS = 2_000;

const word = (most: number): Joi.StringSchema => Joi.string().allow('').max(most);
const options = Joi.object()
  .pattern(word(256), word(4_096))
  .max(64)
  .allow(null)
  .default({})
  .empty(null);
const poolId = word(1_024).required();

const shapes = {
  requestPool: Joi.object<PoolCall>({
    AddressSpace: word(256).default(''),
    Pool: word(64).default(''),
    SubPool: word(64).default(''),
    Options: options,
    V6: Joi.boolean().default(false),
  }),
  releasePool: Joi.object<{ PoolID: string }>({ PoolID: poolId }),
  requestAddress: Joi.object<AddressCall>({
    PoolID: poolId,
    Address: word(64).default(''),
    Options: options,
  }),
  releaseAddress: Joi.object<{ PoolID: string; Address: string }>({
    PoolID: poolId,
    Address: word(64).required(),
  }),
};

type Handler = (body: Buffer, answer: ServerResponse) => Promise<object>;

/** Every call Docker can make, by its path. */
function handlers(driver: IpamDriver): ReadonlyMap<string, Handler> {
  const fixed = (answer: object) => () => Promise.resolve(answer);
  return new Map<string, Handler>([
    ['/Plugin.Activate', fixed({ Implements: ['IpamDriver'] })],
    [
      // The MAC that Docker derives from the address is the one we want, so it need not be told; and
      // nothing is lost with this process, so nothing need be said again.
      '/IpamDriver.GetCapabilities',
      fixed({ RequiresMACAddress: false, RequiresRequestReplay: false }),
    ],
    [
      '/IpamDriver.GetDefaultAddressSpaces',
      fixed({ LocalDefaultAddressSpace: 'corral', GlobalDefaultAddressSpace: 'corral-global' }),
    ],
    ['/IpamDriver.RequestPool', (body) => driver.requestPool(read(shapes.requestPool, body))],
    [
      '/IpamDriver.ReleasePool',
      (body) => nothing(driver.releasePool(read(shapes.releasePool, body))),
    ],
    [
      '/IpamDriver.RequestAddress',
      async (body, answer) => {
        const call = read(shapes.requestAddress, body);
        const given = await driver.requestAddress(call);
        const gone = (): void => {
          if (!answer.writableFinished) driver.undelivered(call, given.Address);
        };
        if (answer.closed) gone();
        else answer.once('close', gone);
        return given;
      },
    ],
    [
      '/IpamDriver.ReleaseAddress',
      (body, answer) => {
        const call = read(shapes.releaseAddress, body);
        answer.once('close', () => answer.writableFinished || driver.releaseUnheard(call));
        return nothing(driver.releaseAddress(call));
      },
    ],
  ]);
}

const nothing = async (done: Promise<void>): Promise<object> => {
  await done;
  return {};
};

/** A body is hostile: whoever reaches the socket wrote it. @throws BadJson, BadPluginCall */
function read<T>(schema: Joi.ObjectSchema<T>, body: Buffer): T {
  const value = parseStrictJson(body, { maxDepth: 4, maxNodes: 512 });
  const outcome = schema.validate(value, { abortEarly: false, convert: false, stripUnknown: true });
  if (outcome.error) throw new BadPluginCall(outcome.error.message);
  return outcome.value;
}

/** Answers Docker. A refusal is status 200 with the key `Error`, which Docker shows word for word. */
export function ipamProtocol(deps: ProtocolDeps): RequestListener {
  const known = handlers(deps.driver);
  return (request, answer) => {
    answerOne(deps, known, { request, answer }).catch((fault: unknown) => {
      deps.log.error('a plugin call failed', { path: request.url, fault: String(fault) });
      answer.destroy();
    });
  };
}

async function answerOne(
  { log, monotonic, seen }: ProtocolDeps,
  known: ReadonlyMap<string, Handler>,
  { request, answer }: { request: IncomingMessage; answer: ServerResponse },
): Promise<void> {
  const started = monotonic();
  const path = request.url ?? '';
  const handler = known.get(path);
  if (handler === undefined || request.method !== 'POST') {
    request.resume();
    write(answer, 404, { Err: 'no such call' });
    return;
  }
  let refused: string | undefined;
  let said: object;
  try {
    said = await handler(await bodyOf(request), answer);
  } catch (fault) {
    refused = fault instanceof Refusal ? fault.code : 'bug';
    if (!(fault instanceof Refusal)) log.error('a plugin call failed', { path, fault });
    said = { Error: wordsOf(fault) };
  }
  write(answer, 200, said);
  const tookMs = monotonic() - started;
  seen?.({ call: path.slice(path.indexOf('.') + 1), tookMs, refused });
  log.debug('plugin call', { path, tookMs, refused });
}

/** What happened, with the figures, and the way out: one line, for that is what a sandbox keeps. */
function wordsOf(fault: unknown): string {
  if (!(fault instanceof Refusal)) return `corral failed: ${String(fault)}`;
  return `${fault.message} (way out: ${fault.remedy})`.replace(/\s+/g, ' ');
}

function write(answer: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  answer.writeHead(status, { 'content-type': TYPE, 'content-length': Buffer.byteLength(text) });
  answer.end(text);
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const timer = setTimeout(() => request.destroy(), BODY_WITHIN_MS);
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MOST_BYTES)
        throw new BadPluginCall(`its body is longer than ${MOST_BYTES} bytes`);
      chunks.push(chunk);
    }
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(chunks);
}
