import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { answerHeaders, requestHeaders, valueOf } from '../../src/gate/headers.ts';

/** As Node hands over a request: raw as sent, and the lower-case view of it. */
const asked = (raw: string[], remoteAddress = '::ffff:192.0.2.7', encrypted = false) => {
  const headers: Record<string, string> = {};
  for (let at = 0; at < raw.length; at += 2) {
    const name = (raw[at] as string).toLowerCase();
    headers[name] = name in headers ? `${headers[name]}, ${raw[at + 1]}` : (raw[at + 1] as string);
  }
  return {
    rawHeaders: raw,
    headers,
    socket: { remoteAddress, encrypted },
  } as unknown as IncomingMessage;
};
const plain = { trustForwarded: false, judged: false };
const own = ['X-Forwarded-For', '192.0.2.7', 'X-Forwarded-Proto', 'http'];

describe('requestHeaders', () => {
  for (const { says, raw, rules = plain, gives } of [
    {
      says: 'keeps order, spelling and repetition',
      raw: ['x-B', '1', 'X-a', '2', 'x-B', '3'],
      gives: ['x-B', '1', 'X-a', '2', 'x-B', '3', ...own],
    },
    {
      says: 'drops Host and tells it apart',
      raw: ['Host', 'gate.example.org'],
      gives: [...own, 'X-Forwarded-Host', 'gate.example.org'],
    },
    {
      says: 'drops what belongs to this connection',
      raw: [
        'Connection',
        'keep-alive',
        'Keep-Alive',
        'timeout=5',
        'TE',
        'trailers',
        'Transfer-Encoding',
        'chunked',
        'Upgrade',
        'h2c',
        'Proxy-Authorization',
        'x',
        'Expect',
        '100-continue',
      ],
      gives: own,
    },
    {
      says: 'drops what Connection names',
      raw: ['Connection', 'close, X-Hop', 'x-hop', '1', 'X-Stay', '2'],
      gives: ['X-Stay', '2', ...own],
    },
    {
      says: 'lets Connection strip neither length nor identity',
      raw: [
        'Connection',
        'Content-Length, Authorization',
        'Content-Length',
        '3',
        'Authorization',
        'token=x',
      ],
      gives: ['Content-Length', '3', 'Authorization', 'token=x', ...own],
    },
    {
      says: 'replaces forwarding claims of strangers',
      raw: [
        'X-Forwarded-For',
        '203.0.113.9',
        'Forwarded',
        'for=203.0.113.9',
        'X-Forwarded-Proto',
        'https',
      ],
      gives: own,
    },
    {
      says: 'extends forwarding claims when trusted',
      raw: [
        'X-Forwarded-For',
        '203.0.113.9',
        'X-Forwarded-Proto',
        'https',
        'X-Forwarded-Host',
        'www.example.org',
      ],
      rules: { trustForwarded: true, judged: false },
      gives: [
        'X-Forwarded-For',
        '203.0.113.9, 192.0.2.7',
        'X-Forwarded-Proto',
        'https',
        'X-Forwarded-Host',
        'www.example.org',
      ],
    },
    {
      says: 'leaves X-Marathon-Via alone',
      raw: ['X-Marathon-Via', '1.1 192.0.2.1:8080'],
      gives: ['X-Marathon-Via', '1.1 192.0.2.1:8080', ...own],
    },
    {
      says: 'keeps coding and length of a body passed on',
      raw: ['Content-Encoding', 'gzip', 'Content-Length', '9'],
      gives: ['Content-Encoding', 'gzip', 'Content-Length', '9', ...own],
    },
    {
      says: 'drops coding and length of a judged body',
      raw: ['Content-Encoding', 'gzip', 'Content-Length', '9', 'Content-Type', 'a/b'],
      rules: { trustForwarded: false, judged: true },
      gives: ['Content-Type', 'a/b', ...own],
    },
  ]) {
    it(says, () => assert.deepEqual(requestHeaders(asked(raw), rules), gives));
  }

  it('says https when the client came by TLS, and IPv6 addresses as they are', () => {
    const headers = requestHeaders(asked([], '2001:db8::1', true), plain);
    assert.equal(valueOf(headers, 'x-forwarded-proto'), 'https');
    assert.equal(valueOf(headers, 'x-forwarded-for'), '2001:db8::1');
  });

  it('never passes on a hop-by-hop header, however it is spelled', () => {
    const hops = [
      'connection',
      'keep-alive',
      'te',
      'trailer',
      'transfer-encoding',
      'upgrade',
      'expect',
      'host',
    ];
    const spelled = fc
      .constantFrom(...hops)
      .chain((name) =>
        fc
          .array(fc.boolean(), { minLength: name.length, maxLength: name.length })
          .map((upper) =>
            [...name].map((letter, at) => (upper[at] ? letter.toUpperCase() : letter)).join(''),
          ),
      );
    fc.assert(
      fc.property(fc.array(spelled), (names) => {
        const passed = requestHeaders(asked(names.flatMap((name) => [name, 'x'])), plain);
        for (const hop of hops) assert.equal(valueOf(passed, hop), undefined);
      }),
    );
  });
});

describe('answerHeaders', () => {
  const bytes = (...parts: string[]) => parts.map((part) => Buffer.from(part, 'latin1'));
  const same = (_: string, value: string) => value;

  it('keeps two Set-Cookie headers, spelling, order and every byte', () => {
    const raw = ['Set-Cookie', 'a=1', 'set-cookie', 'b=\xe9\xff', 'X-M', ''];
    assert.deepEqual(answerHeaders(bytes(...raw), same), raw);
  });

  it('drops framing of the other connection and what Connection names, wherever it stands', () => {
    const raw = bytes(
      'X-Hop',
      '1',
      'Transfer-Encoding',
      'chunked',
      'Connection',
      'X-Hop',
      'A',
      'b',
      'Connection',
      'C',
      'C',
      'd',
    );
    assert.deepEqual(answerHeaders(raw, same), ['A', 'b']);
  });

  it('asks about Location and the leader only, and drops what is refused', () => {
    const about: string[] = [];
    const raw = bytes(
      'LOCATION',
      '/x',
      'X-Marathon-Leader',
      'http://192.0.2.1:8080',
      'Date',
      'now',
    );
    const kept = answerHeaders(
      raw,
      (name) => (about.push(name), name === 'location' ? '/y' : undefined),
    );
    assert.deepEqual(about, ['location', 'x-marathon-leader']);
    assert.deepEqual(kept, ['LOCATION', '/y', 'Date', 'now']);
  });
});
