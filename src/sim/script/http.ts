import { isObject, type JsonObject, objectOf, textOf } from '../json.ts';

/** Longest that one request of a script may take, ms. */
const REQUEST_MS = 30_000;

export interface HttpAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** One request with a JSON body. @throws when nobody answers in time */
export const ask = async (
  base: string,
  method: string,
  path: string,
  body?: JsonObject,
): Promise<HttpAnswer> => {
  const response = await fetch(`${base}${path}`, {
    method,
    signal: AbortSignal.timeout(REQUEST_MS),
    ...(body && { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
  });
  const text = await response.text();
  return { status: response.status, body: parsed(text) };
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
};

const details = (body: JsonObject): string => {
  const said = Array.isArray(body['details']) ? (body['details'] as JsonObject[]) : [];
  const parts = said.map(({ path, errors }) => `${textOf(path)} ${String(errors)}`);
  const message = textOf(body['message']);
  return parts.length === 0 || parts.every((part) => part.includes(message)) || message.length > 40
    ? message
    : `${message} (${parts.join('; ')})`;
};

/** `accepted`, or the status with what the answer says. */
export const outcome = ({ status, body }: HttpAnswer): string => {
  if (status < 300) return 'accepted';
  return `refused ${status}: ${isObject(body) ? details(objectOf(body)) : String(body)}`;
};
