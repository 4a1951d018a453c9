import { createHmac } from 'node:crypto';
import axios, { isAxiosError } from 'axios';
import type { CapacityReport } from '../core/capacity-record.ts';
import type { WebhookSettings } from '../config/report.ts';
import { FORMS } from './render.ts';

export interface WebhookCall {
  readonly webhook: WebhookSettings;
  readonly report: CapacityReport;
  /** The same for every attempt: a receiver tells by it what it has already. */
  readonly delivery: string;
  readonly secret: string | undefined;
  readonly nowMs: number;
  readonly withinMs: number;
}

/** `again`: it may go well another time. `never`: asking again would get the same answer. */
export type WebhookOutcome =
  { readonly went: 'well' } | { readonly went: 'again' | 'never'; readonly fault: string };

/** Of an answer nothing but its status is looked at. */
const MOST_ANSWER_BYTES = 65_536;
/** Answers by which a receiver says "later": 408 Request Timeout, 425 Too Early, 429 Too Many Requests. */
const LATER = new Set([408, 425, 429]);

/** HMAC-SHA256 of the body, as the header carries it. */
export const signatureOf = (secret: string, body: string): string =>
  `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;

/** Sends a report once. Redirects are not followed: the report goes where the settings say, or nowhere. */
export async function callWebhook(
  { webhook, report, delivery, secret, nowMs, withinMs }: WebhookCall,
  signal: AbortSignal,
): Promise<WebhookOutcome> {
  const { type, render } = FORMS[webhook.format];
  const url = httpUrl(webhook.url);
  if (url === undefined) return { went: 'never', fault: 'its url is neither http nor https' };
  const body = render(report);
  try {
    const { status } = await axios.post<unknown>(url, Buffer.from(body), {
      headers: {
        'content-type': type,
        'user-agent': 'corral',
        'x-corral-report': report.id,
        'x-corral-delivery': delivery,
        'x-corral-timestamp': String(Math.floor(nowMs / 1_000)),
        ...(secret !== undefined && { 'x-corral-signature': signatureOf(secret, body) }),
      },
      // axios' own time-out does not cover the wait for a connection
      signal: AbortSignal.any([signal, AbortSignal.timeout(withinMs)]),
      ...{ maxRedirects: 0, maxContentLength: MOST_ANSWER_BYTES, maxBodyLength: Infinity },
      ...{ proxy: false as const, responseType: 'text' as const, validateStatus: () => true },
      // what is signed is what is sent: axios trims a text that is JSON
      transformRequest: (sent: unknown) => sent,
      transformResponse: (answer: unknown) => answer,
    });
    return outcomeOf(status);
  } catch (fault) {
    signal.throwIfAborted();
    return { went: 'again', fault: `it did not answer (${reasonOf(fault, withinMs)})` };
  }
}

function outcomeOf(status: number): WebhookOutcome {
  if (status >= 200 && status < 300) return { went: 'well' };
  const fault = `it answered ${status}`;
  return { went: status >= 500 || LATER.has(status) ? 'again' : 'never', fault };
}

function reasonOf(fault: unknown, withinMs: number): string {
  if (!isAxiosError(fault)) return String(fault);
  return fault.code === 'ERR_CANCELED'
    ? `nothing within ${withinMs} ms`
    : (fault.code ?? fault.message);
}

function httpUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, href } = new URL(text);
  return protocol === 'http:' || protocol === 'https:' ? href : undefined;
}
