import type Joi from 'joi';
import { BadBody, type BodyFault } from '../errors.ts';
import { appSchema, groupSchema, idsSchema, podSchema } from './body-schema.ts';
import { type App, type Group, isArray, isObject, type Json, type Pod } from './json.ts';

/** A place in a body as Marathon writes it: `/apps(0)/instances`. */
export const placeOf = (steps: readonly (string | number)[], at = ''): string =>
  steps.reduce<string>(
    (place, step) => (typeof step === 'number' ? `${place}(${step})` : `${place}/${step}`),
    at,
  ) || '/';

function faultsOf(schema: Joi.ObjectSchema, body: Json, at: string): readonly BodyFault[] {
  const { error } = schema.validate(body, {
    abortEarly: false,
    convert: false,
    errors: { label: false },
  });
  const details = error?.details ?? [];
  return details.map(({ path, message }) => ({ path: placeOf(path, at), errors: [message] }));
}

function checked(schema: Joi.ObjectSchema, body: Json | undefined, at: string): App {
  if (!isObject(body)) throw new BadBody([{ path: at || '/', errors: ['must be an object'] }]);
  const faults = faultsOf(schema, body, at);
  if (faults.length > 0) throw new BadBody(faults);
  return body;
}

/**
 * An app definition or update whose load-bearing fields have the types that Marathon takes.
 *
 * @param at  the place of the app in the whole body, for the message
 * @throws    BadBody with every fault
 */
export const checkedApp = (body: Json | undefined, at = ''): App => checked(appSchema, body, at);

/** @throws BadBody with every fault */
export const checkedPod = (body: Json | undefined): Pod => checked(podSchema, body, '');

/** One level of a group update. @throws BadBody with every fault of that level */
export const checkedGroup = (body: Json | undefined, at = ''): Group =>
  checked(groupSchema, body, at);

/** The apps of an array update. @throws BadBody */
export function checkedApps(body: Json | undefined): readonly App[] {
  if (!isArray(body)) throw new BadBody([{ path: '/', errors: ['must be an array'] }]);
  return body.map((app, index) => checkedApp(app, placeOf([index])));
}

/** The `ids` of POST /v2/tasks/delete. @throws BadBody */
export function checkedIds(body: Json | undefined): readonly string[] {
  const { ids } = checked(idsSchema, body, '');
  return isArray(ids) ? ids.filter((id) => typeof id === 'string') : [];
}
