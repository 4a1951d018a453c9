import { answerHeaders, type RawHeaders, rawValueOf } from './headers.ts';
import { originIn, rewriteLocation } from './location.ts';
import type { Shared } from './forward-outgoing.ts';
import type { Place } from './upstream.ts';

/** The headers of an answer from `place` as the client gets them: what names Marathon leads back to the gate. */
export const headersFor = (
  raw: RawHeaders,
  shared: Pick<Shared, 'hideUpstream' | 'publicBase'>,
  place: Place,
): string[] =>
  answerHeaders(raw, (name, value) => {
    if (name === 'x-marathon-leader') return shared.hideUpstream ? undefined : value;
    const { origin, prefix } = place;
    const leader = originIn(rawValueOf(raw, 'x-marathon-leader'));
    const origins = leader === undefined ? [origin] : [origin, leader];
    const { publicBase } = shared;
    return rewriteLocation(value, { origins, prefix, ...(publicBase && { publicBase }) });
  });
